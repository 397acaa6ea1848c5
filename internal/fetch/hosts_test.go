package fetch_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

func TestParseHosts_Table(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ entry, want string }{
		{"photos.example.com", "photos.example.com"},
		{"Photos.EXAMPLE.com.", "photos.example.com"},
		{"*.Example.com", "*.example.com"},
		{"xn--caf-dma.example.com", "xn--caf-dma.example.com"},
		{"my_bucket.example.com", "my_bucket.example.com"},
		{"localhost", "localhost"},
		{"10.0.0.1", "10.0.0.1"},
		{"::FFFF:10.0.0.1", "10.0.0.1"},
		{"2001:DB8:0::1", "2001:db8::1"},
		{"", ""},
		{"*", ""},
		{"*.", ""},
		{"*example.com", ""},
		{"a.*.example.com", ""},
		{"*.*.example.com", ""},
		{"café.example.com", ""},
		{"https://example.com", ""},
		{"example.com/p", ""},
		{"example.com:443", ""},
		{"[2001:db8::1]", ""},
		{"[example.com]", ""},
		{"fe80::1%eth0", ""},
		{"*.10.0.0.1", ""},
		{"*.2001:db8::1", ""},
		{"127.1", ""},
		{"0x7f.1", ""},
		{"2130706433", ""},
		{"example..com", ""},
		{"example.com..", ""},
		{" example.com", ""},
		{"exam%70le.com", ""},
		{strings.Repeat("a", 64) + ".com", ""},
		{strings.Repeat("a.", 127) + "com", ""},
	} {
		t.Run(row.entry, func(t *testing.T) {
			t.Parallel()
			hosts, err := fetch.ParseHosts([]string{row.entry})
			if row.want == "" {
				if err == nil {
					t.Errorf("got %q, want an error", hosts)
				}
				return
			}
			if err != nil || !slices.Equal(hosts, []string{row.want}) {
				t.Errorf("got %q, %v", hosts, err)
			}
		})
	}
}

func TestParseHosts_AllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	hosts, err := fetch.ParseHosts([]string{"a.example", "A.example.", "b:1", "*"})
	if !slices.Equal(hosts, []string{"a.example"}) || err == nil || !strings.Contains(err.Error(), `"b:1"`) || !strings.Contains(err.Error(), `"*"`) {
		t.Errorf("got %q, %v", hosts, err)
	}
}

func TestHosts_Table(t *testing.T) {
	t.Parallel()
	hosts := []string{"photos.example.com", "*.cdn.example.com", "xn--bcher-kva.example", "8.8.8.8", "2606:4700::1111"}
	for _, row := range []struct {
		url  string
		want fetch.Reason
	}{
		{"https://photos.example.com/", ""},
		{"https://PHOTOS.example.COM./", ""},
		{"https://photos.example.com:443/", ""},
		{"https://a.cdn.example.com/", ""},
		{"https://a.b.cdn.example.com./", ""},
		{"https://bücher.example/", ""},
		{"https://BÜCHER.example/", ""},
		{"https://bücher。example/", ""},
		{"https://ｐｈｏｔｏｓ.example.com/", ""},
		{"https://8.8.8.8/", ""},
		{"https://[::ffff:8.8.8.8]/", ""},
		{"https://[2606:4700:0:0::1111]/", ""},
		{"https://cdn.example.com/", fetch.RefusedAddress},
		{"https://evilcdn.example.com/", fetch.RefusedAddress},
		{"https://a.photos.example.com/", fetch.RefusedAddress},
		{"https://photos.example.com.evil.test/", fetch.RefusedAddress},
		{"https://photosxexample.com/", fetch.RefusedAddress},
		{"https://photos.example.com../", fetch.BadURL},
		{"https://.cdn.example.com/", fetch.BadURL},
		{"https://[photos.example.com]/", fetch.BadURL},
		{"https://evil.test%2ephotos.example.com/", fetch.BadURL},
		{"https://evil.test%23.cdn.example.com/", fetch.BadURL},
		{"https://evil.test%25.cdn.example.com/", fetch.RefusedAddress},
		{`https://evil.test\.cdn.example.com/`, fetch.BadURL},
		{"https://evil.test/.cdn.example.com/", fetch.RefusedAddress},
		{"https://evil.test#.cdn.example.com", fetch.RefusedAddress},
		{"https://evil.test?.cdn.example.com", fetch.RefusedAddress},
		{"https://photos.example.com@evil.test/", fetch.BadURL},
		{"https://evil.test\t.cdn.example.com/", fetch.BadURL},
		{"https://evil.test .cdn.example.com/", fetch.BadURL},
		{"https://evil.test,photos.example.com/", fetch.BadURL},
		{"https://8.8.4.4/", fetch.RefusedAddress},
		{"https://8.8.8.8./", fetch.RefusedAddress},
		{"https://134744072/", fetch.RefusedAddress},
	} {
		t.Run(row.url, func(t *testing.T) {
			t.Parallel()
			target, err := fetch.Accept(fetch.Config{Hosts: hosts}, row.url)
			if row.want == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			if err == nil {
				t.Fatalf("got %s", target)
			}
			wantError(t, err, row.want)
		})
	}
}

func TestHosts_OnEveryHop(t *testing.T) {
	t.Parallel()
	// Given a listed host that redirects to another name of the same server.
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, "http://"+to+"/", http.StatusFound)
			return
		}
		fmt.Fprint(w, "bytes")
	})
	_, port, _ := strings.Cut(server.Listener.Addr().String(), ":")
	client := newClient(t, fetch.Config{Allow: loopback(), Hosts: []string{"photos.test", "*.cdn.test"}})
	lookUpIn(t, client, addrs("127.0.0.1"))
	for to, allowed := range map[string]bool{"photos.test": true, "A.CDN.test.": true, "cdn.test": false, "evil.test": false, "127.0.0.1": false} {
		// When fetched; then only listed hosts are gone on to.
		_, err := client.Get(t.Context(), "http://photos.test:"+port+"/?to="+to+":"+port, fetch.Validators{})
		if allowed {
			if err != nil {
				t.Errorf("%s: %v", to, err)
			}
			continue
		}
		wantError(t, err, fetch.RefusedAddress)
	}
}

func TestHosts_ListThatCannotBeRead(t *testing.T) {
	t.Parallel()
	// Given a list with an entry that can't be read; when anything is fetched; then nothing is.
	client := newClient(t, fetch.Config{Allow: loopback(), Hosts: []string{"127.0.0.1", "https://example.com"}})
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the server was asked") })
	_, err := client.Get(t.Context(), server.URL, fetch.Validators{})
	wantError(t, err, fetch.Network)
}

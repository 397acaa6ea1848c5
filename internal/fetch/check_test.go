package fetch_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

func TestCheck_Table(t *testing.T) {
	t.Parallel()
	allow := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	for _, row := range []struct {
		name, url string
		config    fetch.Config
		addrs     []netip.Addr
		want      fetch.Reason
	}{
		{"public name", "https://photos.test/p.jpg", fetch.Config{}, addrs("8.8.8.8"), ""},
		{"public literal", "https://8.8.8.8/p.jpg", fetch.Config{}, nil, ""},
		{"private name", "https://photos.test/?" + secret, fetch.Config{}, addrs("10.0.0.1"), fetch.RefusedAddress},
		{"one of several is private", "https://photos.test/?" + secret, fetch.Config{}, addrs("8.8.8.8", "127.0.0.1"), fetch.RefusedAddress},
		// The resolver sorts, so one of the two orders has the private one last.
		{"the first is private", "https://photos.test/", fetch.Config{}, addrs("10.0.0.1", "8.8.8.8"), fetch.RefusedAddress},
		{"the last is private", "https://photos.test/", fetch.Config{}, addrs("8.8.8.8", "10.0.0.1"), fetch.RefusedAddress},
		{"private literal", "http://[::ffff:10.0.0.1]/", fetch.Config{}, nil, fetch.RefusedAddress},
		{"metadata", "http://169.254.169.254/latest/meta-data", fetch.Config{}, nil, fetch.RefusedAddress},
		{"scheme", "ftp://photos.test/?" + secret, fetch.Config{}, nil, fetch.BadURL},
		{"user info", "https://u:" + secret + "@photos.test/", fetch.Config{}, nil, fetch.BadURL},
		{"port", "https://photos.test:6379/", fetch.Config{}, nil, fetch.RefusedAddress},
		{"further port", "https://photos.test:8443/", fetch.Config{Ports: []uint16{8443}}, addrs("8.8.8.8"), ""},
		{"allowed, any port", "http://photos.test:8080/", fetch.Config{Allow: allow}, addrs("10.1.2.3"), ""},
		{"public beside the allowed, any port", "http://photos.test:8080/", fetch.Config{Allow: allow}, addrs("8.8.8.8"), fetch.RefusedAddress},
		{"host that is listed", "https://a.photos.test/", fetch.Config{Hosts: []string{"*.photos.test"}}, addrs("8.8.8.8"), ""},
		{"host that is not listed", "https://photos.test/", fetch.Config{Hosts: []string{"*.photos.test"}}, nil, fetch.RefusedAddress},
		{"own", "http://10.1.2.3:8080/", fetch.Config{Allow: allow, Own: own("10.1.2.3:8080")}, nil, fetch.RefusedAddress},
		{"name through a proxy", "https://photos.test/", fetch.Config{Proxy: mustURL("http://10.9.9.9:3128")}, nil, ""},
		{"literal through a proxy", "https://10.0.0.1/", fetch.Config{Proxy: mustURL("http://10.9.9.9:3128")}, nil, fetch.RefusedAddress},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, row.config)
			if row.addrs != nil {
				lookUpIn(t, client, row.addrs)
			} else {
				noLookUps(t, client)
			}
			err := client.Check(t.Context(), row.url)
			if row.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if got := wantError(t, err, row.want); !got.Permanent() {
				t.Errorf("got a transient error: %v", err)
			}
		})
	}
}

func TestCheck_LookUpFails(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		err  error
	}{
		{"nobody answers", errors.New("connection refused")},
		{"time-out", &net.DNSError{Err: "i/o timeout", IsTimeout: true}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, fetch.Config{})
			client.ResolveBy(func(context.Context, string, string) (net.Conn, error) { return nil, row.err })
			err := client.Check(t.Context(), "https://photos.test/?"+secret)
			if got := wantError(t, err, fetch.Network); got.Permanent() {
				t.Errorf("got a permanent error: %v", err)
			}
		})
	}
}

func TestCheck_NoSuchName(t *testing.T) {
	t.Parallel()
	// Given a name without addresses; when checked; then it is transient: names appear.
	client := newClient(t, fetch.Config{})
	lookUpIn(t, client, nil)
	if got := wantError(t, client.Check(t.Context(), "https://photos.test/"), fetch.Network); got.Permanent() {
		t.Errorf("got a permanent error: %v", got)
	}
}

func TestCheck_CallerCancels(t *testing.T) {
	t.Parallel()
	// Given a look-up under way; when the caller cancels with a cause; then the cause comes back and no *Error.
	cause := errors.New("the campaign was cancelled")
	ctx, cancel := context.WithCancelCause(t.Context())
	client := newClient(t, fetch.Config{})
	client.ResolveBy(func(ctx context.Context, _, _ string) (net.Conn, error) {
		cancel(cause)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	err := client.Check(ctx, "https://photos.test/")
	if _, ok := errors.AsType[*fetch.Error](err); ok || !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause", err)
	}
}

package plugchat_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

func TestUpdate_EverySizeArrivesWhole(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*httptest.Server){"http": (*httptest.Server).Start, "https": (*httptest.Server).StartTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// given photos smaller and larger than any buffer on the way, when they are sent over one connection, then each body arrives whole.
			got := make(chan []byte, 1)
			addresses := map[string]bool{}
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body) // what is missing is seen below
				addresses[r.RemoteAddr] = true
				got <- body
				_, _ = io.WriteString(w, `{"value":true}`)
			}))
			start(server)
			t.Cleanup(server.Close)
			transport := plugchat.NewTransport(nil)
			if server.TLS != nil {
				transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
				transport.TLSClientConfig.RootCAs.AddCert(server.Certificate())
			}
			client := newClient(t, plugchat.Config{BaseURL: server.URL, Transport: transport})
			for _, size := range []int{3, 1 << 10, 24 << 10, 100 << 10, 110 << 10, 1 << 20} {
				jpeg := append([]byte{0xff, 0xd8, 0xff}, bytes.Repeat([]byte{7}, size)...)
				if ok, err := client.UpdateGroupPhoto(t.Context(), plugchat.Call{GroupID: "1-group", Photo: plugchat.JPEG(jpeg)}); !ok || err != nil {
					t.Fatalf("%d bytes: %t, %v", size, ok, err)
				}
				want := `{"groupId":"1-group","groupPhoto":"data:image/jpeg;base64,` + base64.StdEncoding.EncodeToString(jpeg) + `"}`
				if body := <-got; string(body) != want {
					t.Errorf("a photo of %d bytes: %d bytes arrived; want %d", size, len(body), len(want))
				}
			}
			if len(addresses) != 1 {
				t.Errorf("%d connections; want 1", len(addresses))
			}
		})
	}
}

package fetch_test

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/fetch/dnstest"
)

// lookUpIn makes the client use a name server with the script.
func lookUpIn(t *testing.T, client *fetch.Client, sets ...[]netip.Addr) *dnstest.Server {
	t.Helper()
	server := dnstest.Serve(t, sets...)
	client.ResolveBy(server.Dial)
	return server
}

// noLookUps makes every look-up of the client a fault of the test.
func noLookUps(t *testing.T, client *fetch.Client) {
	client.ResolveBy(func(context.Context, string, string) (net.Conn, error) {
		t.Error("a name was looked up")
		return nil, net.ErrClosed
	})
}

func addrs(texts ...string) []netip.Addr { return dnstest.Addrs(texts...) }

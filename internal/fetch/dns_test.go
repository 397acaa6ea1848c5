package fetch_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

const (
	dnsA          = 1
	dnsHeader     = 12
	dnsAnswerTo   = 0x8180 // a response, recursion desired and available, no error
	dnsFirstName  = 0xc00c // a pointer to the name in the question
	dnsClassInet  = 1
	dnsTimeToLive = 0
)

// nameServer is a real DNS server on UDP that answers questions for A, of whatever name, from a script: each question gets
// the next set of addresses, and the last set again and again. Other types have no records.
type nameServer struct {
	conn net.PacketConn
	mu   sync.Mutex
	sets [][]netip.Addr
	seen int
}

// lookUpIn makes the client use a name server with the script.
func lookUpIn(t *testing.T, client *fetch.Client, sets ...[]netip.Addr) *nameServer {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &nameServer{conn: conn, sets: sets}
	var running sync.WaitGroup
	running.Go(server.run)
	t.Cleanup(func() {
		conn.Close()
		running.Wait()
	})
	client.ResolveBy(func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	})
	return server
}

// noLookUps makes every look-up of the client a fault of the test.
func noLookUps(t *testing.T, client *fetch.Client) {
	client.ResolveBy(func(context.Context, string, string) (net.Conn, error) {
		t.Error("a name was looked up")
		return nil, net.ErrClosed
	})
}

func (s *nameServer) run() {
	packet := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(packet)
		if err != nil {
			return
		}
		if answer := s.answer(packet[:n]); answer != nil {
			s.conn.WriteTo(answer, from)
		}
	}
}

func (s *nameServer) answer(query []byte) []byte {
	end := dnsHeader
	for end < len(query) && query[end] != 0 {
		end += 1 + int(query[end])
	}
	end += 5 // the root label, type, class
	if end > len(query) {
		return nil
	}
	var addrs []netip.Addr
	if binary.BigEndian.Uint16(query[end-4:]) == dnsA {
		addrs = s.next()
	}
	answer := slices.Clone(query[:2])
	for _, n := range []uint16{dnsAnswerTo, 1, uint16(len(addrs)), 0, 0} {
		answer = binary.BigEndian.AppendUint16(answer, n)
	}
	answer = append(answer, query[dnsHeader:end]...)
	for _, addr := range addrs {
		for _, n := range []uint16{dnsFirstName, dnsA, dnsClassInet, 0, dnsTimeToLive, 4} {
			answer = binary.BigEndian.AppendUint16(answer, n)
		}
		answer = append(answer, addr.AsSlice()...)
	}
	return answer
}

func (s *nameServer) next() []netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.sets[min(s.seen, len(s.sets)-1)]
	s.seen++
	return set
}

// asked returns how many questions for A came.
func (s *nameServer) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func addrs(texts ...string) []netip.Addr {
	list := make([]netip.Addr, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParseAddr(text)
	}
	return list
}

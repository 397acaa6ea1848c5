// Package dnstest gives tests a real DNS server on loopback that answers from a script: the way to show what becomes of a
// name whose addresses change between two look-ups. It owns the little of DNS that this needs. It refuses to know who
// asks; only tests import it. It stands on its own because the tests of two packages need it: of those that fetch photos,
// and of those that send events.
package dnstest

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
)

const (
	typeA      = 1
	headerSize = 12
	answerTo   = 0x8180 // a response, recursion desired and available, no error
	firstName  = 0xc00c // a pointer to the name in the question
	classInet  = 1
	timeToLive = 0
)

// Server is a DNS server on UDP that answers questions for A, of whatever name: each question gets the next set of
// addresses of its script, and the last set again and again. Other types have no records.
type Server struct {
	conn net.PacketConn
	mu   sync.Mutex
	sets [][]netip.Addr
	seen int
}

// Serve starts a server with the script; it ends with the test.
func Serve(t *testing.T, sets ...[]netip.Addr) *Server {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &Server{conn: conn, sets: sets}
	var running sync.WaitGroup
	running.Go(server.run)
	t.Cleanup(func() {
		_ = conn.Close()
		running.Wait()
	})
	return server
}

// Dial connects to the server, whatever is asked for. It is meant for net.Resolver.Dial, with PreferGo.
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "udp", s.conn.LocalAddr().String())
}

// Asked returns how many questions for A came.
func (s *Server) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// Addrs reads addresses, for a set of the script.
func Addrs(texts ...string) []netip.Addr {
	list := make([]netip.Addr, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParseAddr(text)
	}
	return list
}

func (s *Server) run() {
	packet := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(packet)
		if err != nil {
			return
		}
		if answer := s.answer(packet[:n]); answer != nil {
			_, _ = s.conn.WriteTo(answer, from) // who gets no answer asks again
		}
	}
}

func (s *Server) answer(query []byte) []byte {
	end := headerSize
	for end < len(query) && query[end] != 0 {
		end += 1 + int(query[end])
	}
	end += 5 // the root label, type, class
	if end > len(query) {
		return nil
	}
	var addrs []netip.Addr
	if binary.BigEndian.Uint16(query[end-4:]) == typeA {
		addrs = s.next()
	}
	answer := slices.Clone(query[:2])
	for _, n := range []uint16{answerTo, 1, uint16(len(addrs)), 0, 0} {
		answer = binary.BigEndian.AppendUint16(answer, n)
	}
	answer = append(answer, query[headerSize:end]...)
	for _, addr := range addrs {
		for _, n := range []uint16{firstName, typeA, classInet, 0, timeToLive, 4} {
			answer = binary.BigEndian.AppendUint16(answer, n)
		}
		answer = append(answer, addr.AsSlice()...)
	}
	return answer
}

func (s *Server) next() []netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.sets[min(s.seen, len(s.sets)-1)]
	s.seen++
	return set
}

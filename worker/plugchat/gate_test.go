package plugchat

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// tape is a connection that keeps what each write brings, or takes no more than so many bytes in all.
type tape struct {
	net.Conn

	writes [][]byte
	takes  int // -1: everything
}

var errTorn = errors.New("broken pipe")

func (c *tape) Write(p []byte) (int, error) {
	if c.takes < 0 || len(p) <= c.takes {
		if c.takes >= 0 {
			c.takes -= len(p)
		}
		c.writes = append(c.writes, bytes.Clone(p))
		return len(p), nil
	}
	n := c.takes
	c.takes = 0
	return n, errTorn
}

// sent lets one request through a gate as net/http does: the head, then the body.
func sent(t *testing.T, c *tape) (*sending, error) {
	t.Helper()
	s := newSending(t.Context(), Call{GroupID: "1-group", Photo: JPEG([]byte{0xff, 0xd8, 0xff})})
	g := &gate{Conn: c}
	g.next.Store(s)
	if n, err := g.Write([]byte("head")); n != 4 || err != nil {
		t.Fatalf("the head: %d, %v", n, err)
	}
	if len(c.writes) != 0 {
		t.Fatal("the head is written before anybody asked for the body")
	}
	n, err := g.ReadFrom(s.open())
	if err == nil && n != s.length() {
		t.Fatalf("%d bytes of %d", n, s.length())
	}
	return s, err
}

func TestGate_HeadAndBodyInOrder(t *testing.T) {
	t.Parallel()
	// given a connection, when a request goes through its gate, then head and body arrive in order and whole, and what comes after passes as it is.
	c := &tape{takes: -1}
	s, err := sent(t, c)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(&bodyReader{sending: s, started: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Join(c.writes, nil); string(got) != "head"+string(whole) {
		t.Errorf("got %q", got)
	}
	if s.end() != begun {
		t.Error("a request that was written counts as not written")
	}
}

func TestGate_WhatABrokenConnectionTook(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		takes int
		state int32
	}{
		{"nothing", 0, sealed},
		{"a part of the head", 2, begun},
		{"the head", 4, begun},
		{"a part of the body", 9, begun},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			// given a connection that breaks after so much, when a request is written, then it counts as begun exactly if anything of it may have gone out.
			s, err := sent(t, &tape{takes: row.takes})
			if !errors.Is(err, errTorn) {
				t.Fatalf("got %v", err)
			}
			if got := s.end(); got != row.state {
				t.Errorf("state %d; want %d", got, row.state)
			}
		})
	}
}

func TestGate_HeadAndBodyInOneWriteDoNotWait(t *testing.T) {
	t.Parallel()
	// given a writer that has read the body before its first write, when it writes, then nothing is held back: no other write would follow.
	c := &tape{takes: -1}
	s := newSending(t.Context(), Call{GroupID: "1-group", Photo: JPEG([]byte{0xff, 0xd8, 0xff})})
	g := &gate{Conn: c}
	g.next.Store(s)
	body, err := io.ReadAll(s.open())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := g.Write(body); n != len(body) || err != nil || len(c.writes) != 1 {
		t.Errorf("got %d, %v, and %d writes", n, err, len(c.writes))
	}
}

func TestGate_TooLateForTheBodyWritesNothing(t *testing.T) {
	t.Parallel()
	// given a head that waits, when the moment passes before the body is asked for, then nothing is ever written.
	c := &tape{takes: -1}
	s := newSending(t.Context(), Call{GroupID: "1-group", Photo: JPEG([]byte{0xff, 0xd8, 0xff})})
	g := &gate{Conn: c}
	g.next.Store(s)
	if _, err := g.Write([]byte("head")); err != nil {
		t.Fatal(err)
	}
	s.notAfter = time.Now().Add(-time.Second)
	if _, err := g.ReadFrom(s.open()); !errors.Is(err, ErrTooLate) || len(c.writes) != 0 {
		t.Errorf("got %v, and %d writes", err, len(c.writes))
	}
}

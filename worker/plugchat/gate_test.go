package plugchat

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
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

// behindGate is a request whose connection is found to be a gate, and the times that its hook was told.
func behindGate(t *testing.T, c *tape) (*sending, *gate, *[]time.Time) {
	t.Helper()
	told := &[]time.Time{}
	s := newSending(t.Context(), Call{
		GroupID: "1-group", Photo: JPEG([]byte{0xff, 0xd8, 0xff}), Wrote: func(began time.Time) { *told = append(*told, began) },
	})
	g := &gate{Conn: c}
	httptrace.ContextClientTrace(guarded(t.Context(), s)).GotConn(httptrace.GotConnInfo{Conn: g})
	return s, g, told
}

// sent lets one request through a gate as net/http does: the head, then the body. It returns how often the hook was told by then.
func sent(t *testing.T, c *tape) (*sending, int, error) {
	t.Helper()
	s, g, told := behindGate(t, c)
	if n, err := g.Write([]byte("head")); n != 4 || err != nil {
		t.Fatalf("the head: %d, %v", n, err)
	}
	if len(c.writes) != 0 {
		t.Fatal("the head is written before anybody asked for the body")
	}
	if len(*told) != 0 {
		t.Fatal("the hook is told of a head that waits")
	}
	n, err := g.ReadFrom(s.open())
	if err == nil && n != s.length() {
		t.Fatalf("%d bytes of %d", n, s.length())
	}
	return s, len(*told), err
}

func TestGate_HeadAndBodyInOrder(t *testing.T) {
	t.Parallel()
	// given a connection, when a request goes through its gate, then head and body arrive in order and whole, and what comes after passes as it is.
	c := &tape{takes: -1}
	s, told, err := sent(t, c)
	if err != nil || told != 1 {
		t.Fatalf("got %v, and the hook was told %d times", err, told)
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
		told  int
	}{
		{"nothing", 0, sealed, 0},
		{"a part of the head", 2, begun, 1},
		{"the head", 4, begun, 1},
		{"a part of the body", 9, begun, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			// given a connection that breaks after so much, when a request is written, then it counts as begun, and the hook is told, exactly if anything of it may have gone out.
			s, told, err := sent(t, &tape{takes: row.takes})
			if !errors.Is(err, errTorn) {
				t.Fatalf("got %v", err)
			}
			if told != row.told {
				t.Errorf("the hook was told %d times; want %d", told, row.told)
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
	s, g, told := behindGate(t, c)
	body, err := io.ReadAll(s.open())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := g.Write(body); n != len(body) || err != nil || len(c.writes) != 1 || len(*told) != 1 {
		t.Errorf("got %d, %v, %d writes, and the hook was told %d times", n, err, len(c.writes), len(*told))
	}
}

func TestGate_TooLateForTheBodyWritesNothing(t *testing.T) {
	t.Parallel()
	// given a head that waits, when the moment passes before the body is asked for, then nothing is ever written, not even with the alert that ends TLS.
	c := &tape{takes: -1}
	s, g, told := behindGate(t, c)
	if _, err := g.Write([]byte("head")); err != nil {
		t.Fatal(err)
	}
	s.notAfter = time.Now().Add(-time.Second)
	if _, err := g.ReadFrom(s.open()); !errors.Is(err, ErrTooLate) || len(c.writes) != 0 {
		t.Errorf("got %v, and %d writes", err, len(c.writes))
	}
	if n, err := g.Write([]byte("alert")); n != 0 || err == nil || len(c.writes) != 0 {
		t.Errorf("alert: got %d, %v, and %d writes", n, err, len(c.writes))
	}
	if s.end() != late || len(*told) != 0 {
		t.Errorf("the hook was told %d times", len(*told))
	}
}

func TestGate_WhatComesBetweenHeadAndBodyWaitsToo(t *testing.T) {
	t.Parallel()
	// given a head that waits, when TLS writes a record of its own before the body, then all arrives in order, with the body.
	c := &tape{takes: -1}
	s, g, told := behindGate(t, c)
	for _, text := range []string{"head", "record"} {
		if n, err := g.Write([]byte(text)); n != len(text) || err != nil || len(c.writes) != 0 {
			t.Fatalf("%s: got %d, %v, and %d writes", text, n, err, len(c.writes))
		}
	}
	body := s.open()
	if _, err := body.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if n, err := g.Write([]byte("body")); n != 4 || err != nil || string(bytes.Join(c.writes, nil)) != "headrecordbody" || len(*told) != 1 {
		t.Errorf("got %d, %v, %q, and the hook was told %d times", n, err, c.writes, len(*told))
	}
}

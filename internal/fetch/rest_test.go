package fetch_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

func TestRests_InTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rests := fetch.NewRests()
		fail := func(n int) {
			for range n {
				rests.Failed("a:80")
			}
		}
		want := func(when string, resting bool) {
			t.Helper()
			if rests.Resting("a:80") != resting {
				t.Errorf("%s: got resting = %v", when, !resting)
			}
		}
		fail(4)
		want("four failures", false)
		rests.Answered("a:80")
		fail(4)
		want("an answer, four failures", false)
		fail(1)
		want("the fifth in a row", true)
		if rests.Resting("a:443") || rests.Resting("b:80") {
			t.Error("others rest too")
		}
		<-time.After(20 * time.Second)
		fail(3)
		<-time.After(10*time.Second - 1)
		want("just before the end", true)
		<-time.After(1)
		want("at the end, late failures don't prolong it", false)
		fail(1)
		want("one more failure", true)
		<-time.After(30 * time.Second)
		rests.Answered("a:80")
		fail(4)
		want("an answer wipes all out", false)
		rests.Answered("a:80")
		if rests.Rows() != 0 {
			t.Errorf("%d rows are kept for nothing", rests.Rows())
		}
	})
}

func TestRests_AMillionNames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rests := fetch.NewRests()
		for n := range 3 * fetch.MaxRows {
			for range 5 {
				rests.Failed("known")
			}
			<-time.After(time.Millisecond)
			rests.Failed("host" + strconv.Itoa(n))
			if !rests.Resting("known") {
				t.Fatalf("the one that fails all the time was forgotten after %d others", n)
			}
		}
		if rests.Rows() != fetch.MaxRows {
			t.Errorf("%d servers are remembered, want %d", rests.Rows(), fetch.MaxRows)
		}
	})
}

func TestGet_ServerLeftAlone(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		status, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		w.WriteHeader(status)
	})
	for _, row := range []struct {
		name     string
		statuses string
		want     bool
	}{
		{"five 503", "503 503 503 503 503", true},
		{"five of all kinds", "500 502 503 504 429", true},
		{"four", "503 503 503 503", false},
		{"a success between", "503 503 503 503 200 503", false},
		{"a 404 between", "503 503 503 503 404 503", false},
		{"only 404", "404 404 404 404 404 404 404", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			// Not parallel: the rows count at the same server.
			client := newClient(t, fetch.Config{Allow: loopback()})
			for status := range strings.FieldsSeq(row.statuses) {
				client.Get(t.Context(), server.URL+"/"+status, fetch.Validators{})
			}
			before := asked.Load()
			_, err := client.Get(t.Context(), server.URL+"/404?"+secret, fetch.Validators{})
			if !row.want {
				wantError(t, err, fetch.NotFound)
				return
			}
			got := wantError(t, err, fetch.Unavailable)
			if got.Permanent() || got.Detail != "it has failed 5 times in a row; left alone for 30s" || asked.Load() != before {
				t.Errorf("got %v after %d requests", err, asked.Load()-before)
			}
		})
	}
}

func TestGet_CancelledCallersAreNoFailures(t *testing.T) {
	t.Parallel()
	// Given callers that give up while a slow server works.
	arrived := make(chan context.CancelFunc, 1)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case giveUp := <-arrived:
			giveUp()
			<-r.Context().Done()
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	client := newClient(t, fetch.Config{Allow: loopback()})
	for range 7 {
		ctx, cancel := context.WithCancel(t.Context())
		arrived <- cancel
		if _, err := client.Get(ctx, server.URL, fetch.Validators{}); err == nil {
			t.Fatal("got no error")
		}
	}
	// When somebody else asks; then the server is asked.
	_, err := client.Get(t.Context(), server.URL, fetch.Validators{})
	wantError(t, err, fetch.NotFound)
}

func TestGet_RefusedAddressesEndNoRow(t *testing.T) {
	t.Parallel()
	// Given a name whose allowed address doesn't answer four times, is refused once, and doesn't answer a fifth time.
	good, bad, port := twoLoopbacks(t)
	good.Close()
	client := newClient(t, fetch.Config{Allow: onlySecond()})
	down, refused := addrs("127.0.0.2"), addrs("127.0.0.1")
	lookUpIn(t, client, down, down, down, down, refused, down)
	url := fmt.Sprintf("http://photo.rebind.test:%d/", port)
	for _, want := range []fetch.Reason{fetch.Network, fetch.Network, fetch.Network, fetch.Network, fetch.RefusedAddress, fetch.Network} {
		_, err := client.Get(t.Context(), url, fetch.Validators{})
		wantError(t, err, want)
	}
	// When asked once more; then the refusal has not wiped out the row.
	_, err := client.Get(t.Context(), url, fetch.Validators{})
	wantError(t, err, fetch.Unavailable)
	bad.wantUntouched(t)
}

func TestGet_RefusedAddressesAreNoFailures(t *testing.T) {
	t.Parallel()
	client := newClient(t, fetch.Config{})
	lookUpIn(t, client, addrs("10.0.0.1"))
	for range 7 {
		_, err := client.Get(t.Context(), "http://photos.test/", fetch.Validators{})
		wantError(t, err, fetch.RefusedAddress)
	}
}

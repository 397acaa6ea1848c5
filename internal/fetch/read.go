package fetch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// largeBytes is what a body may have before it is large. Nearly all photos that are made for chats have less.
const largeBytes = 64 << 10

// Option changes one Get.
type Option func(*wishes)

// wishes are what a caller wants of one Get.
type wishes struct {
	known     Validators
	whenLarge func(context.Context) error
}

// WhenLarge has Get call wait when the body turns out to have more than 64 KiB: before any of it is read where
// Content-Length says so, else at the byte after them. It is called at most once per Get, on Get's own goroutine, and the
// rest is read when it returns: a place to wait until there is memory for it. The fetch's time goes on meanwhile, because
// the server is waiting too: wait must return when its ctx ends. Its error ends the fetch, is returned as it is (but for a
// ctx of Get that has ended: then that one's cause), and is not held against the server. Neither is what goes wrong with
// the rest after a wait of more than half the fetch's time.
func WhenLarge(wait func(ctx context.Context) error) Option {
	return func(w *wishes) { w.whenLarge = wait }
}

// stop is the error of a caller who ended the fetch himself. What the caller says is no judgement of ours, even if it
// looks like one, so it can't be unwrapped.
type stop struct{ cause error }

func (s stop) Error() string { return s.cause.Error() }

// read takes the body of a 200 answer, within the limit by its header and by counting.
func (c *Client) read(ctx context.Context, host string, response *http.Response, whenLarge func(context.Context) error) ([]byte, error) {
	if encoded(response.Header) {
		detail := "the server sends the photo in a content encoding although it was asked not to; switch that off for images"
		return nil, &Error{Reason: NotFound, Host: host, Status: response.StatusCode, Detail: detail}
	}
	tooLarge := &Error{Reason: TooLarge, Host: host, Status: response.StatusCode, Detail: fmt.Sprintf("the photo is larger than %d bytes; make it smaller", c.maxBytes)}
	if response.ContentLength > c.maxBytes {
		return nil, tooLarge
	}
	var data []byte
	if response.ContentLength <= largeBytes {
		head, err := io.ReadAll(io.LimitReader(response.Body, min(largeBytes, c.maxBytes)+1))
		if err != nil {
			return nil, c.failure(ctx, host, err)
		}
		data = head
	}
	if response.ContentLength > largeBytes || len(data) > largeBytes {
		began := time.Now()
		if err := whenLarge(ctx); err != nil {
			return nil, stop{err}
		}
		waited := time.Since(began)
		all, err := io.ReadAll(io.MultiReader(bytes.NewReader(data), io.LimitReader(response.Body, c.maxBytes+1-int64(len(data)))))
		switch {
		case err != nil && waited > c.timeout/2: // no fault of a server that was kept waiting for so long
			return nil, stop{c.failure(ctx, host, err)}
		case err != nil:
			return nil, c.failure(ctx, host, err)
		}
		data = all
	}
	if int64(len(data)) > c.maxBytes {
		return nil, tooLarge
	}
	return data, nil
}

// encoded reports whether the body is in a content encoding.
func encoded(header http.Header) bool {
	return slices.ContainsFunc(header.Values("Content-Encoding"), func(encoding string) bool {
		encoding = strings.TrimSpace(encoding)
		return encoding != "" && !strings.EqualFold(encoding, "identity")
	})
}

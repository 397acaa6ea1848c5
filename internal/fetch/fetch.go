// Package fetch downloads a photo from an address that can't be trusted. It owns the guard against server-side request
// forgery, the limits of bytes, time and redirects, and the judgement which failures are permanent. It refuses to know
// what is in the bytes, who asked, and how often to try again. It stands on its own because both sides need it: workers
// fetch URLs of updates, producers fetch when told to do it at once.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	defaultMaxBytes = 10 << 20
	defaultTimeout  = 15 * time.Second

	maxRedirects    = 3
	maxURLBytes     = 8 << 10  // longer ones are no addresses but data
	maxHeaderBytes  = 32 << 10 // net/http would take 1 MiB
	maxValidator    = 1 << 10  // an ETag beyond this is not worth keeping
	maxHostInErrors = 100

	dialTimeout   = 3 * time.Second
	tlsTimeout    = 5 * time.Second
	headerTimeout = 5 * time.Second
	idleTimeout   = 30 * time.Second
)

// Config sets what a Client may reach and how much it takes. The zero value is safe: public addresses on ports 80 and
// 443, 10 MiB, 15 s.
type Config struct {
	// Allow holds the address prefixes that are fetched from although they are not public, and on any port.
	// Empty: public addresses only. Addresses inside 64:ff9b::/96 (NAT64), when allowed, are judged by the IPv4
	// address they stand for.
	Allow []netip.Prefix
	// MaxBytes is the longest body in bytes; 0 or less means 10 MiB.
	MaxBytes int64
	// Timeout bounds the whole fetch, redirects and body included; 0 or less means 15 s.
	Timeout time.Duration
}

// Body is what was fetched.
type Body struct {
	Bytes        []byte
	ETag         string // as the server sent it; empty when missing or longer than 1 KiB
	LastModified string // as the server sent it; empty when missing or longer than 1 KiB
}

// Client fetches. It is safe for concurrent use and reuses connections.
type Client struct {
	transport *http.Transport
	maxBytes  int64
	timeout   time.Duration
}

// New returns a Client for the Config. The Config is copied.
func New(config Config) *Client {
	if config.MaxBytes <= 0 {
		config.MaxBytes = defaultMaxBytes
	}
	if config.Timeout <= 0 {
		config.Timeout = defaultTimeout
	}
	dialer := &net.Dialer{Timeout: dialTimeout, Control: newGuard(config.Allow).control}
	return &Client{
		transport: &http.Transport{
			// With a proxy the guard would only ever see the proxy's address.
			Proxy:                  nil,
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    tlsTimeout,
			ResponseHeaderTimeout:  headerTimeout,
			MaxResponseHeaderBytes: maxHeaderBytes,
			// The byte limit must count what arrives, not what it unpacks to.
			DisableCompression:  true,
			MaxIdleConns:        32,
			MaxIdleConnsPerHost: 2,
			IdleConnTimeout:     idleTimeout,
		},
		maxBytes: config.MaxBytes,
		timeout:  config.Timeout,
	}
}

// CloseIdle closes the connections kept for reuse. The Client stays usable.
func (c *Client) CloseIdle() { c.transport.CloseIdleConnections() }

// Get fetches rawURL, following at most 3 redirects, and returns the whole body of a 200 answer. Every failure is an
// *Error, except that a cancelled or expired ctx gives its cause, wrapped. Bytes may be empty when the server sent none.
func (c *Client) Get(ctx context.Context, rawURL string) (Body, error) {
	target, fail := parseURL(rawURL)
	if fail != nil {
		return Body{}, fail
	}
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	for hop := 0; ; hop++ {
		body, next, err := c.ask(limited, target)
		switch {
		case ctx.Err() != nil && err != nil:
			return Body{}, fmt.Errorf("fetching the photo from %s: %w", hostOf(target), context.Cause(ctx))
		case err != nil:
			return Body{}, err
		case next == nil:
			return body, nil
		case hop == maxRedirects:
			return Body{}, &Error{Reason: Redirects, Host: hostOf(target), Detail: fmt.Sprintf("more than %d redirects; give the final address", maxRedirects)}
		}
		target = next
	}
}

// parseURL accepts http and https URLs with a host and without user info. It does not judge the address: only the guard
// sees what a name resolves to.
func parseURL(raw string) (*url.URL, *Error) {
	bad := func(host, detail string) (*url.URL, *Error) {
		return nil, &Error{Reason: BadURL, Host: host, Detail: detail}
	}
	if len(raw) > maxURLBytes {
		return bad("", fmt.Sprintf("the URL is longer than %d bytes", maxURLBytes))
	}
	// url.Parse's error quotes the URL, so it is dropped.
	u, err := url.Parse(raw)
	if err != nil {
		return bad("", "it can't be read as a URL; give one like https://example.com/photo.jpg")
	}
	host := hostOf(u)
	if u.Scheme != "http" && u.Scheme != "https" {
		return bad(host, "only http and https URLs are fetched")
	}
	if u.Hostname() == "" {
		return bad(host, "the URL names no host")
	}
	if u.User != nil {
		return bad(host, "URLs with a user name or password are not fetched; use a signed link instead")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return bad(host, "the port must be a number from 1 to 65535")
		}
	}
	if strings.Contains(u.Hostname(), "%") {
		return nil, &Error{Reason: RefusedAddress, Host: host, Detail: "addresses with a zone are not fetched from"}
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// hostOf returns the host for messages: never user info, never long.
func hostOf(u *url.URL) string {
	if len(u.Host) > maxHostInErrors {
		return strings.ToValidUTF8(u.Host[:maxHostInErrors], "")
	}
	return u.Host
}

// ask makes one request. It returns a body, or the address to go on to, or an error.
func (c *Client) ask(ctx context.Context, target *url.URL) (Body, *url.URL, error) {
	host := hostOf(target)
	request := (&http.Request{
		Method: http.MethodGet,
		URL:    target,
		Host:   target.Host,
		Header: http.Header{
			"User-Agent": {"groupphoto"},
			// Servers that choose by Accept must not pick a format we refuse.
			"Accept":          {"image/jpeg, image/png, image/webp, image/gif, image/bmp, */*;q=0.1"},
			"Accept-Encoding": {"identity"},
		},
	}).WithContext(ctx)
	// The transport and not http.Client: no cookies, no Referer, no redirects but ours, no URL in errors.
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return Body{}, nil, c.failure(ctx, host, err)
	}
	defer response.Body.Close()

	switch response.StatusCode {
	case http.StatusOK:
		body, err := c.read(ctx, host, response)
		return body, nil, err
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if location := response.Header.Get("Location"); location != "" {
			next, err := follow(target, location, response.StatusCode)
			return Body{}, next, err
		}
	}
	return Body{}, nil, statusError(host, response.StatusCode)
}

// follow judges a redirect as strictly as the first URL. Its address is judged by the guard when it is dialled.
func follow(from *url.URL, location string, status int) (*url.URL, error) {
	refuse := func(detail string, err error) (*url.URL, error) {
		return nil, &Error{Reason: Redirects, Host: hostOf(from), Status: status, Detail: detail, Err: err}
	}
	relative, err := url.Parse(location)
	if err != nil {
		return refuse("the redirect leads to something that is no URL", nil)
	}
	next, fail := parseURL(from.ResolveReference(relative).String())
	if fail != nil && fail.Reason == RefusedAddress {
		return nil, fail
	}
	if fail != nil {
		return refuse("the redirect is not followed: "+fail.Detail, fail)
	}
	if from.Scheme == "https" && next.Scheme == "http" {
		return refuse("the redirect leads from https to http; give an address that stays on https", nil)
	}
	return next, nil
}

// read takes the body of a 200 answer, within the limit by its header and by counting.
func (c *Client) read(ctx context.Context, host string, response *http.Response) (Body, error) {
	for _, encoding := range response.Header.Values("Content-Encoding") {
		if encoding = strings.TrimSpace(encoding); encoding != "" && !strings.EqualFold(encoding, "identity") {
			return Body{}, &Error{Reason: NotFound, Host: host, Status: response.StatusCode, Detail: "the server sends the photo in a content encoding although it was asked not to; switch that off for images"}
		}
	}
	tooLarge := &Error{Reason: TooLarge, Host: host, Status: response.StatusCode, Detail: fmt.Sprintf("the photo is larger than %d bytes; make it smaller", c.maxBytes)}
	if response.ContentLength > c.maxBytes {
		return Body{}, tooLarge
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, c.maxBytes+1))
	if err != nil {
		return Body{}, c.failure(ctx, host, err)
	}
	if int64(len(data)) > c.maxBytes {
		return Body{}, tooLarge
	}
	return Body{
		Bytes:        data,
		ETag:         validator(response.Header.Get("ETag")),
		LastModified: validator(response.Header.Get("Last-Modified")),
	}, nil
}

// failure tells our own deadline from what the network did.
func (c *Client) failure(ctx context.Context, host string, err error) *Error {
	fail := transportError(host, err)
	if fail.Reason != RefusedAddress && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Error{Reason: Timeout, Host: host, Detail: fmt.Sprintf("the photo didn't arrive within %s; try later", c.timeout), Err: err}
	}
	return fail
}

func validator(value string) string {
	if len(value) > maxValidator {
		return ""
	}
	return value
}

// Package fetch downloads a photo from an address that can't be trusted. It owns the guard against server-side request
// forgery, the limits of bytes, time, redirects and fetches at once, and the judgement which failures are permanent. It
// refuses to know what is in the bytes, who asked, how often to try again, and how long an answer is kept. It stands on its
// own because both sides need it: workers fetch URLs of updates, producers fetch when told to do it at once.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"
)

const (
	defaultMaxBytes = 10 << 20
	defaultTimeout  = 15 * time.Second

	maxRedirects   = 3
	maxHeaderBytes = 32 << 10 // net/http would take 1 MiB

	dialTimeout   = 3 * time.Second
	tlsTimeout    = 5 * time.Second
	headerTimeout = 5 * time.Second
	idleTimeout   = 30 * time.Second
)

// Config sets what a Client may reach and how much it takes. The zero value is safe: public addresses on ports 80 and
// 443, any host, no proxy, 10 MiB, 15 s.
type Config struct {
	// Allow holds the address prefixes that are fetched from although they are not public, and on any port.
	// Empty: public addresses only. Own is refused all the same, and so is 64:ff9b:1::/48. Addresses inside
	// 64:ff9b::/96, when allowed, are judged as by NAT64.
	Allow []netip.Prefix
	// Ports holds further ports that may be asked on public addresses, besides 80 and 443.
	Ports []uint16
	// Hosts, when not empty, are the only hosts that are asked, on every hop; as ParseHosts takes them. Their
	// addresses and ports are judged like any other.
	Hosts []string
	// Own returns the addresses that this process listens on, which are refused even inside Allow. It is asked at
	// every dial, so it must be quick and safe for concurrent use. An unspecified address stands for every address of
	// this machine, port 0 for every port. What a load balancer or an address translation in front of this machine
	// leads back to it can't be seen here. Nil: none.
	Own func() []netip.AddrPort
	// NAT64 says that this network reaches IPv4 through 64:ff9b::/96 (RFC 6052): an address in it is judged by the
	// IPv4 address it stands for. False: all of it is refused, but for what Allow holds.
	NAT64 bool
	// Proxy, an http or https URL, is the egress proxy that everything goes through; its user info is sent to it and
	// never shown. Nil: no proxy, whatever HTTP_PROXY says. With a proxy only the URL can be judged here: scheme, host
	// list, port, and literal addresses as ever; localhost, names without a dot, and names in .localhost, .local and
	// .internal are refused. What other names resolve to is the proxy's to judge: it must have rules of its own.
	Proxy *url.URL
	// MaxBytes is the longest body in bytes; 0 or less means 10 MiB.
	MaxBytes int64
	// Timeout bounds the whole fetch, waiting for a slot, redirects, body and WhenLarge included; 0 or less means 15 s.
	Timeout time.Duration
}

// Validate says everything that is wrong with the Config, or nil. It never quotes the proxy's URL.
func (c Config) Validate() error {
	_, problem := ParseHosts(c.Hosts)
	problems := []error{problem}
	for _, prefix := range c.Allow {
		if !prefix.IsValid() {
			problems = append(problems, errors.New("an allowed prefix is the zero value; make it with netip.ParsePrefix"))
		}
	}
	if slices.Contains(c.Ports, 0) {
		problems = append(problems, errors.New("port 0 can't be allowed; give ports from 1 to 65535"))
	}
	if c.Proxy != nil {
		problems = append(problems, checkProxy(c.Proxy))
	}
	return errors.Join(problems...)
}

// Body is what was fetched.
type Body struct {
	// Bytes is the whole body; nil when NotModified.
	Bytes []byte
	// NotModified means that the server answered 304 to the validators given: the bytes fetched earlier still hold.
	NotModified bool
	// Validators are those of this answer; of a 304, those it repeats, else the ones given.
	Validators Validators
	// HasFresh tells whether the last answer, the one with the bytes or the 304, says by Cache-Control how long it may
	// be believed. If not, the caller must know better (of a 304: what the earlier answer said still holds), within Fresh.
	HasFresh bool
	// Fresh is for how long this may be believed at most, the shortest of what all hops say: max-age less Age, never
	// negative; 0 for no-store and no-cache. s-maxage is meant for shared caches and Expires for old ones: neither is
	// read. A redirect that says nothing allows 5 minutes when it is temporary (302, 303, 307) and any time when it is
	// permanent (301, 308). Fresh may be years, and is 10 where nobody says anything: the caller bounds it.
	Fresh time.Duration
}

// Client fetches. It is safe for concurrent use and reuses connections. At most 4 fetches at once go to one host, the
// others wait; a server that failed transiently 5 times in a row is left alone for 30 s.
type Client struct {
	transport *http.Transport
	guard     *Guard
	gate      *gate
	rests     *rests
	hosts     []string
	proxy     *url.URL
	broken    error
	maxBytes  int64
	timeout   time.Duration
}

// New returns a Client for the Config. The Config is copied. When it doesn't pass Validate, every Get and Check fails with
// a transient Network error that says so: better nothing than fetching by half the rules.
func New(config Config) *Client {
	if config.MaxBytes <= 0 {
		config.MaxBytes = defaultMaxBytes
	}
	if config.Timeout <= 0 {
		config.Timeout = defaultTimeout
	}
	c := &Client{
		guard: newGuard(config), gate: newGate(), rests: newRests(), proxy: config.Proxy, broken: config.Validate(),
		maxBytes: config.MaxBytes, timeout: config.Timeout,
	}
	c.hosts, _ = ParseHosts(config.Hosts) //nolint:errcheck // Validate has kept the error
	c.transport = &http.Transport{
		// Never what the environment says: with a proxy the guard would only ever see the proxy's address.
		Proxy:                  nil,
		DialContext:            c.guard.Dial,
		TLSHandshakeTimeout:    tlsTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		// The byte limit must count what arrives, not what it unpacks to.
		DisableCompression:  true,
		MaxIdleConns:        32,
		MaxIdleConnsPerHost: 2,
		IdleConnTimeout:     idleTimeout,
	}
	if config.Proxy != nil {
		proxy := *config.Proxy
		c.proxy = &proxy
		useProxy(c.transport, c.proxy, c.guard.resolver)
	}
	return c
}

// CloseIdle closes the connections kept for reuse. The Client stays usable.
func (c *Client) CloseIdle() { c.transport.CloseIdleConnections() }

// Get fetches rawURL, following at most 3 redirects, and returns the whole body of a 200 answer. Every failure is an
// *Error, except that a cancelled or expired ctx gives its cause, wrapped, and the error of WhenLarge, which comes as it
// is. Bytes may be empty when the server sent none.
//
// With known validators the request is conditional on the hop whose URL gave them and on no other, and a 304 gives a Body
// that is NotModified; a 304 that was not asked for is a failure. Where the redirects lead elsewhere by now, and with
// Validators that don't say whose they are, everything is asked unconditionally.
func (c *Client) Get(ctx context.Context, rawURL string, known Validators, options ...Option) (Body, error) {
	target, fail := c.parse(rawURL)
	if fail != nil {
		return Body{}, fail
	}
	w := wishes{known: known, whenLarge: func(context.Context) error { return nil }}
	for _, option := range options {
		option(&w)
	}
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	atMost := maxFresh
	for hop := 0; ; hop++ {
		body, next, err := c.hop(ctx, limited, target, w)
		atMost = min(atMost, body.Fresh)
		own, stopped := errors.AsType[stop](err)
		switch {
		case ctx.Err() != nil && err != nil:
			return Body{}, fmt.Errorf("fetching the photo from %s: %w", hostOf(target), context.Cause(ctx))
		case stopped:
			return Body{}, own.cause
		case err != nil:
			return Body{}, err
		case next == nil:
			body.Fresh = atMost
			return body, nil
		case hop == maxRedirects:
			return Body{}, &Error{Reason: Redirects, Host: hostOf(target), Detail: fmt.Sprintf("more than %d redirects; give the final address", maxRedirects)}
		}
		target = next
	}
}

// parse reads a URL for a Client that can be used at all.
func (c *Client) parse(rawURL string) (*url.URL, *Error) {
	if c.broken != nil {
		return nil, &Error{Reason: Network, Detail: "fetching is set up wrongly: " + c.broken.Error(), Err: c.broken}
	}
	return parseURL(rawURL)
}

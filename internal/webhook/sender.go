// Package webhook tells one receiver of the operator's about events, by signed POST requests in the form of Standard
// Webhooks (https://www.standardwebhooks.com). It owns the form of an event, the signature and its check, the one request,
// the judgement what an answer means, and how long to wait after failures. It refuses to know Redis, tasks, what the
// events are about, in which order and how often they are sent: one Send is one request, and the rest is its caller's.
// Which addresses may be connected to is judged by the guard of package fetch.
package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

const (
	// defaultTimeout is what senders of webhooks commonly give; receivers should answer first and work later.
	defaultTimeout = 15 * time.Second
	// defaultUserAgent names the program, so that receivers can tell whose requests they see.
	defaultUserAgent = "groupphoto"

	tlsTimeout     = 5 * time.Second
	idleTimeout    = 30 * time.Second
	maxHeaderBytes = 32 << 10 // net/http would take 1 MiB
	maxUserAgent   = 256
	maxSecrets     = 4

	// Of an answer nothing but its head is of use. So much of its body is read, for so long, to keep the connection.
	maxAnswerBytes = 4 << 10
	answerPatience = time.Second
)

// Config is where events go and what signs them. URL and Secrets are required.
type Config struct {
	// URL is https, or http for addresses that are in Allow and not public. It may have a query, which is sent and never
	// shown, and no user info.
	URL string
	// Secrets sign every request, each with a signature of its own and the first one first: while a secret is being
	// replaced, receivers with the old one and with the new one both find theirs. At most 4.
	Secrets []Secret
	// Allow holds the address prefixes that may be asked although they are not public. Empty: public addresses only, on
	// any port.
	Allow []netip.Prefix
	// Own returns the addresses that this process listens on, which are never asked; as in fetch.Config. Nil: none.
	Own func() []netip.AddrPort
	// NAT64 says that this network reaches IPv4 through 64:ff9b::/96; as in fetch.Config.
	NAT64 bool
	// Timeout bounds one Send; 0 is 15 s.
	Timeout time.Duration
	// UserAgent is sent as it is; empty is "groupphoto".
	UserAgent string
}

// CheckURL says what is wrong with the URL, by the rules of the Config, or nil. The error never quotes it. What a host name
// stands for is not looked up.
func (c Config) CheckURL() error {
	_, err := c.parse(c.guard(nil))
	return err
}

func (c Config) parse(guard *fetch.Guard) (*url.URL, error) {
	// url.Parse's error quotes the URL, so it is dropped.
	given, err := url.Parse(c.URL)
	switch {
	case err != nil || given.Scheme != "https" && given.Scheme != "http" || given.Host == "":
		return nil, errors.New("must be a URL such as https://hooks.example.com/groupphoto")
	case given.User != nil:
		return nil, errors.New("must not hold a user name or password; the signature proves who sends")
	}
	target, err := fetch.ParseURL(c.URL)
	if fail, ok := errors.AsType[*fetch.Error](err); ok {
		return nil, errors.New(fail.Detail)
	}
	if target.Scheme == "http" && len(c.Allow) == 0 {
		return nil, errors.New("must begin with https://; http:// is for addresses of your own network that GROUPPHOTO_WEBHOOK_ALLOW holds")
	}
	return target, guard.CheckURL(target)
}

// guard returns the address guard for the URL's scheme.
func (c Config) guard(resolver *net.Resolver) *fetch.Guard {
	return fetch.NewGuard(fetch.GuardConfig{
		Allow: c.Allow, Own: c.Own, NAT64: c.NAT64, AnyPort: true, Plain: strings.HasPrefix(strings.ToLower(c.URL), "http:"),
		Advice: "use a public one, or allow it in GROUPPHOTO_WEBHOOK_ALLOW", Resolver: resolver,
	})
}

// Sender sends events to one receiver. It is safe for concurrent use, reuses connections, and printing it shows neither
// secrets nor the URL.
type Sender struct {
	host string
	// address is a function, so that no way of printing can reach the query inside.
	address   func() string
	secrets   []Secret
	timeout   time.Duration
	userAgent string
	transport *http.Transport
	resolver  *net.Resolver
}

// New checks the Config, which is copied, and makes a Sender; it does no I/O. All problems are reported together.
func New(c Config) (*Sender, error) {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.UserAgent == "" {
		c.UserAgent = defaultUserAgent
	}
	resolver := &net.Resolver{}
	guard := c.guard(resolver)
	target, err := c.parse(guard)
	var problems []error
	if err != nil {
		problems = append(problems, fmt.Errorf("URL: %w", err))
	}
	if n := len(c.Secrets); n == 0 || n > maxSecrets || slices.ContainsFunc(c.Secrets, Secret.isZero) {
		problems = append(problems, fmt.Errorf("secrets: must be 1 to %d, made by ParseSecret", maxSecrets))
	}
	if c.Timeout < 0 {
		problems = append(problems, fmt.Errorf("time-out %s: must be positive, or 0 for %s", c.Timeout, defaultTimeout))
	}
	if len(c.UserAgent) > maxUserAgent || !isPrintable(c.UserAgent) {
		problems = append(problems, fmt.Errorf("user agent: must be printable ASCII of at most %d bytes", maxUserAgent))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("configuring the webhook: %w", err)
	}
	return &Sender{
		host: target.Host, address: target.String, secrets: slices.Clone(c.Secrets), timeout: c.Timeout, userAgent: c.UserAgent,
		resolver: resolver,
		transport: &http.Transport{
			// Never what the environment says: with a proxy the guard would only ever see the proxy's address.
			Proxy:                  nil,
			DialContext:            guard.Dial,
			TLSHandshakeTimeout:    tlsTimeout,
			MaxResponseHeaderBytes: maxHeaderBytes,
			DisableCompression:     true,
			MaxIdleConns:           2,
			IdleConnTimeout:        idleTimeout,
		},
	}, nil
}

// String returns "webhook to" and the host.
func (s *Sender) String() string { return "webhook to " + s.host }

// GoString is String, for %#v.
func (s *Sender) GoString() string { return s.String() }

// Host returns the host, with its port where it is not the usual one.
func (s *Sender) Host() string { return s.host }

// CloseIdle closes the connections kept for reuse. The Sender stays usable.
func (s *Sender) CloseIdle() { s.transport.CloseIdleConnections() }

// Send makes one POST of the event, and is nil when the receiver answers 2xx. Redirects are not followed. Every failure is
// an *Error, except that a cancelled or expired ctx gives its cause, wrapped: whether the receiver has the event is then
// unknown. To send it again is right, with the same ID.
func (s *Sender) Send(ctx context.Context, e Event) error {
	_, err := s.Post(ctx, e)
	return err
}

// Post is Send that also returns the HTTP status, 0 when there was no answer.
func (s *Sender) Post(ctx context.Context, e Event) (int, error) {
	body, fail := e.encode()
	if fail != nil {
		return 0, fail
	}
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	request, err := s.request(limited, e.ID, body)
	if err != nil {
		return 0, err
	}
	// The transport and not http.Client: no cookies, no redirects, no URL in errors.
	response, err := s.transport.RoundTrip(request)
	switch {
	case err != nil && ctx.Err() != nil:
		return 0, fmt.Errorf("sending the event to %s: %w", s.host, context.Cause(ctx))
	case err != nil && errors.Is(limited.Err(), context.DeadlineExceeded):
		return 0, &Error{Host: s.host, Detail: fmt.Sprintf("the receiver didn't answer within %s; it should answer first and work later", s.timeout)}
	case err != nil:
		return 0, transportError(s.host, err)
	}
	defer response.Body.Close()                               //nolint:errcheck // the answer is in its head
	if response.StatusCode != http.StatusSwitchingProtocols { // whose body is the connection itself, and has no end
		defer time.AfterFunc(answerPatience, cancel).Stop()
		_, _ = io.CopyN(io.Discard, response.Body, maxAnswerBytes) // as above
	}
	if fail := statusError(s.host, response, time.Now()); fail != nil {
		return response.StatusCode, fail
	}
	return response.StatusCode, nil
}

// request signs one sending of an event: the time in it is that of the sending, so that old ones can't be played back.
func (s *Sender) request(ctx context.Context, id string, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address(), bytes.NewReader(body))
	if err != nil { // its text would quote the URL
		return nil, &Error{Permanent: true, Host: s.host, Detail: "no request can be made for this URL"}
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	signatures := make([]string, len(s.secrets))
	for i, secret := range s.secrets {
		signatures[i] = secret.signature(id, stamp, body)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", s.userAgent)
	request.Header.Set(headerID, id)
	request.Header.Set(headerTimestamp, stamp)
	request.Header.Set(headerSignature, strings.Join(signatures, " "))
	return request, nil
}

func isPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

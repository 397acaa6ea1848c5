// Package plugchat makes the one HTTP call that changes a group's photo, the two reads that explain a refusal and the one that lists groups, and says what their answers mean.
//
// It owns the request's form, the proof whether a request was written, the reading of replies (status, boolean, text) and the words for them.
// It refuses to know queues, retries, pace, Redis and how a photo is made: one call here is at most one request on the wire, and what follows
// from its end is decided by whoever called. It imports the standard library only, and reads no environment.
package plugchat

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Defaults of Config.
const (
	// DefaultBaseURL is the host that PlugChat's documentation uses in its examples.
	DefaultBaseURL = "https://www.plugchat.com.br"
	// defaultTimeout is longer than the 75 s that WhatsApp libraries wait for a server's answer: a shorter one would take slow refusals for lost calls.
	defaultTimeout = 90 * time.Second
	// defaultUserAgent names the program, so that PlugChat's people can tell whose calls they see.
	defaultUserAgent = "groupphoto"
)

// Bounds that keep the request's head in the transport's write buffer until the body is asked for: only so does a call that comes too late write nothing.
const (
	maxToken     = 2048
	maxUserAgent = 256
	maxBaseURL   = 1024
)

// Config is how a Client reaches PlugChat. Every zero field but Token means its default.
type Config struct {
	// BaseURL is http or https, without query and user info; a path is kept as a prefix. Empty: DefaultBaseURL.
	BaseURL string
	// Token identifies the account. It is required: printable ASCII without spaces.
	Token Secret
	// AuthScheme stands before the token in the Authorization header, as in "Bearer"; empty sends the bare token, as PlugChat documents.
	AuthScheme string
	// Timeout is for one whole call, connecting and reading the reply included. 0: 90 s.
	Timeout time.Duration
	// Transport makes the requests; nil: NewTransport(nil). It must not follow redirects, nor repeat a POST that was written.
	Transport http.RoundTripper
	// UserAgent is sent as it is; empty: "groupphoto".
	UserAgent string
}

// Client calls PlugChat for one account. It is safe for concurrent use, and printing it shows no token.
type Client struct {
	updateURL   string
	statusURL   string
	metadataURL string
	chatsURL    string
	timeout     time.Duration
	transport   http.RoundTripper
	clean       *cleaner
	// header is a function, so that no way of printing the client can reach the token inside.
	header func() http.Header
}

// New checks the configuration and makes a Client; it does no I/O. All problems are reported together, and none quotes the token.
func New(cfg Config) (*Client, error) {
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultBaseURL
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = defaultUserAgent
	}
	base, err := checkBaseURL(cfg.BaseURL)
	problems := []error{err, checkToken(string(cfg.Token)), checkScheme(cfg.AuthScheme)}
	if cfg.Timeout < 0 {
		problems = append(problems, fmt.Errorf("time-out %s: must be positive, or 0 for %s", cfg.Timeout, defaultTimeout))
	}
	if len(cfg.UserAgent) > maxUserAgent || !isPrintableASCII(cfg.UserAgent) {
		problems = append(problems, fmt.Errorf("user agent: must be printable ASCII of at most %d bytes", maxUserAgent))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("configuring the PlugChat client: %w", err)
	}
	if cfg.Transport == nil {
		cfg.Transport = NewTransport(nil)
	}
	authorization := strings.TrimLeft(cfg.AuthScheme+" "+string(cfg.Token), " ")
	return &Client{
		updateURL:   base + "/api/whatsapp/update-group-photo",
		statusURL:   base + "/api/whatsapp/status",
		metadataURL: base + "/api/whatsapp/group-metadata/",
		chatsURL:    base + "/api/whatsapp/chats",
		timeout:     cfg.Timeout,
		transport:   cfg.Transport,
		clean:       newCleaner(cfg.Token),
		header: func() http.Header {
			return http.Header{"Authorization": {authorization}, "Accept": {"application/json"}, "User-Agent": {cfg.UserAgent}}
		},
	}, nil
}

// String returns "PlugChat client".
func (c *Client) String() string { return "PlugChat client" }

// GoString is String, for %#v.
func (c *Client) GoString() string { return c.String() }

// CloseIdle closes the connections that are not in use; calls under way go on.
func (c *Client) CloseIdle() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// checkBaseURL returns the address without a slash at its end. Its errors don't quote the address: it may hold a password or a token by mistake.
func checkBaseURL(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", errors.New("base URL: not a URL; give one like " + DefaultBaseURL)
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.Opaque != "":
		return "", errors.New("base URL: must begin with http:// or https:// and name a host, as in " + DefaultBaseURL)
	case u.User != nil:
		return "", errors.New("base URL: must not hold a user name or password; the token is a setting of its own")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", errors.New("base URL: must end before any ? or #")
	case len(text) > maxBaseURL:
		return "", fmt.Errorf("base URL: longer than %d bytes", maxBaseURL)
	}
	return strings.TrimRight(text, "/#"), nil
}

func checkToken(token string) error {
	switch {
	case token == "":
		return errors.New("token: is empty; set the account's PlugChat token")
	case strings.ContainsAny(token, "\r\n"):
		return errors.New("token: contains a line break; check the end of the file it was read from")
	case !isPrintableASCII(token) || strings.Contains(token, " "):
		return errors.New("token: contains a space or a character that no token has; a scheme like Bearer is a setting of its own")
	case len(token) > maxToken:
		return fmt.Errorf("token: longer than %d bytes", maxToken)
	}
	return nil
}

func checkScheme(scheme string) error {
	if len(scheme) > 32 || strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return errors.New("authorization scheme: must be one word like Bearer, or empty for the bare token")
	}
	return nil
}

func isPrintableASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

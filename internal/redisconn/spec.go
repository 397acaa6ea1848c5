package redisconn

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
)

const (
	defaultHost         = "127.0.0.1"
	defaultPort         = "6379"
	defaultSentinelPort = "26379"
	mask                = "xxxxx"
)

type form int

// The zero form is the single server, so that the zero Spec means something.
const (
	formSingle form = iota
	formUnix
	formSentinel
	formCluster
	formEmbedded
)

// Spec says which Redis to open. It is made by [Parse]; the zero Spec is
// redis://127.0.0.1:6379. It is immutable and safe for concurrent use. It never
// prints a password: String, GoString and LogValue mask it.
type Spec struct {
	form             form
	addrs            []string // host:port, or the socket path
	master           string
	user             string
	password         string
	sentinelUser     string
	sentinelPassword string
	db               int
	protocol         int // 0 = the library's default
	tls              bool
	skipVerify       bool
}

// Embedded reports whether the Spec asks for the Redis inside the program
// (embedded:), which [Open] refuses.
func (s Spec) Embedded() bool { return s.form == formEmbedded }

// WithPassword returns a copy of the Spec that logs in to Redis with pw; the
// empty string removes the password. Sentinels keep theirs, and an embedded
// Spec is returned as it is, because that server has no login.
func (s Spec) WithPassword(pw string) Spec {
	if s.form != formEmbedded {
		s.password = pw
	}
	return s
}

// String returns the address in the form [Parse] reads, with every password
// replaced by xxxxx. A user without a password is masked too: it is most
// likely a password that lost its colon.
func (s Spec) String() string {
	if s.form == formEmbedded {
		return "embedded:"
	}
	var b strings.Builder
	b.WriteString(s.scheme())
	b.WriteString("://")
	switch {
	case s.password != "":
		b.WriteString(url.PathEscape(s.user) + ":" + mask + "@")
	case s.user != "":
		b.WriteString(mask + "@")
	}
	b.WriteString(strings.Join(s.addresses(), ","))
	if s.form == formSentinel {
		b.WriteString("/" + url.PathEscape(s.master))
	}
	if s.db != 0 && s.form != formUnix {
		b.WriteString("/" + strconv.Itoa(s.db))
	}
	if q := s.query(); len(q) > 0 {
		b.WriteString("?" + q.Encode())
	}
	return b.String()
}

// GoString returns what String returns, so that %#v does not print a password.
func (s Spec) GoString() string { return s.String() }

// LogValue returns the masked address for slog.
func (s Spec) LogValue() slog.Value { return slog.StringValue(s.String()) }

func (s Spec) scheme() string {
	switch {
	case s.form == formUnix:
		return "unix"
	case s.form == formSentinel:
		return "redis-sentinel"
	case s.form == formCluster:
		return "redis-cluster"
	case s.tls:
		return "rediss"
	default:
		return "redis"
	}
}

func (s Spec) query() url.Values {
	q := url.Values{}
	if s.form == formUnix && s.db != 0 {
		q.Set("db", strconv.Itoa(s.db))
	}
	if s.protocol != 0 {
		q.Set("protocol", strconv.Itoa(s.protocol))
	}
	if s.tls && s.form != formSingle {
		q.Set("tls", "true")
	}
	if s.skipVerify {
		q.Set("skip_verify", "true")
	}
	switch {
	case s.sentinelPassword != "":
		q.Set("sentinel_password", mask)
		if s.sentinelUser != "" {
			q.Set("sentinel_username", s.sentinelUser)
		}
	case s.sentinelUser != "":
		q.Set("sentinel_username", mask)
	}
	return q
}

func (s Spec) addresses() []string {
	if len(s.addrs) == 0 {
		return []string{net.JoinHostPort(defaultHost, defaultPort)}
	}
	return s.addrs
}

// tlsConfig leaves ServerName empty: the dialer then checks the certificate
// against the host it dials, which is right for Sentinel and Cluster as well,
// where the addresses are learnt later.
func (s Spec) tlsConfig() *tls.Config {
	if !s.tls {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.skipVerify}
}

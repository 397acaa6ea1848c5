package redisconn

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

const maxCauseBytes = 200

// openError keeps the cause for errors.Is while its text stays one line made
// by us: a cause may span lines, and may quote what a server sent.
type openError struct {
	text  string
	cause error
}

func (e *openError) Error() string { return e.text }
func (e *openError) Unwrap() error { return e.cause }

func explain(s Spec, err error) error {
	said := diagnoseReply(err)
	if said == "" {
		said = diagnoseTransport(s, err)
	}
	if said == "" {
		said = "it did not answer as Redis does (" + clean(s, err.Error()) + "); check that the address is that of a Redis server"
	}
	return &openError{text: "opening Redis at " + s.String() + ": " + said, cause: err}
}

// diagnoseReply reads what a Redis server answers; the prefixes are Redis'
// published error codes.
func diagnoseReply(err error) string {
	switch {
	case errors.Is(err, errReplica), redis.HasErrorPrefix(err, "READONLY"):
		return "it is a read-only replica; give the address of the master, or use redis-sentinel:// to follow it"
	case redis.HasErrorPrefix(err, "NOAUTH"):
		return "it wants a password and none was given; add one to the address (redis://:PASSWORD@HOST) or to its password file"
	case redis.HasErrorPrefix(err, "WRONGPASS"), redis.HasErrorPrefix(err, "invalid password"):
		return "it refuses the user or the password; correct them, percent-encoding special characters in the address"
	case redis.HasErrorPrefix(err, "AUTH "), redis.HasErrorPrefix(err, "Client sent AUTH"):
		return "it has no password set, but one was given; remove the password from the address, or set one in Redis"
	case redis.HasErrorPrefix(err, "NOPERM"):
		return "the user lacks a permission; allow it all commands and keys (ACL SETUSER … ~* &* +@all)"
	case redis.HasErrorPrefix(err, "LOADING"):
		return "it is still loading its data from disk; try again in a moment"
	case redis.HasErrorPrefix(err, "MASTERDOWN"):
		return "it is a replica that has lost its master; give the address of the master"
	case redis.HasErrorPrefix(err, "DENIED"):
		return "it is in protected mode and takes only local connections; set a password in Redis, or bind it to a private address"
	case redis.HasErrorPrefix(err, "DB index"), redis.HasErrorPrefix(err, "invalid DB index"):
		return "it has no database of that number; use a smaller one (most servers have 0 to 15)"
	case redis.HasErrorPrefix(err, "SELECT is not allowed"):
		return "it is a Redis Cluster, which has only database 0; write redis-cluster://"
	case redis.HasErrorPrefix(err, "This instance has cluster support disabled"):
		return "it is not a Redis Cluster; write redis:// instead of redis-cluster://"
	case redis.HasErrorPrefix(err, "max number of clients"):
		return "it has no connection left; raise its maxclients, or close other programs"
	}
	return ""
}

func diagnoseTransport(s Spec, err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "the host name is not known; correct it, or check the name server"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is not trusted for this host; install its authority's certificate, or add ?skip_verify=true on a trusted network"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it does not speak TLS; " + withoutTLS(s)
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return "it broke off the TLS handshake; check that it takes TLS 1.2 or newer and asks for no client certificate"
	}
	text := err.Error()
	switch {
	case errors.Is(err, context.Canceled):
		return "given up, because the caller was told to stop"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there; start Redis, or correct the host and port"
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such socket file; start Redis with unixsocket set, or correct the path"
	case errors.Is(err, fs.ErrPermission):
		return "this user may not open it; check the socket file's permissions"
	case errors.Is(err, redis.ErrClosed):
		return "the connection was closed meanwhile; open it again"
	case s.form == formSentinel && errors.Is(err, redis.Nil):
		return "the Sentinels know no master of that name; correct the part after the slash (SENTINEL MASTERS lists them)"
	case isTimeout(err) && s.tls:
		// Redis without TLS takes a handshake for an unfinished command and waits.
		return "no answer in time; check the address and the firewall, and if it has no TLS, " + withoutTLS(s)
	case isTimeout(err):
		return "no answer in time; check the address, the firewall and whether Redis is busy"
	case !s.tls && (isHangUp(err) || strings.Contains(text, "can't parse")):
		return "it hung up or answered something else than Redis does; check the port, and if it wants TLS, " + withTLS(s)
	case s.tls && isHangUp(err):
		return "it hung up during the TLS handshake; check the port, and if it has no TLS, " + withoutTLS(s)
	}
	return ""
}

func withTLS(s Spec) string {
	if s.form == formSingle {
		return "write rediss:// instead of redis://"
	}
	return "add ?tls=true"
}

func withoutTLS(s Spec) string {
	if s.form == formSingle {
		return "write redis:// instead of rediss://"
	}
	return "remove tls=true"
}

func isHangUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, redis.ErrPoolTimeout) {
		return true
	}
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout()
}

// clean makes one short line of foreign text, without our passwords.
func clean(s Spec, text string) string {
	for _, secret := range []string{s.password, s.sentinelPassword} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, mask)
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxCauseBytes {
		text = strings.ToValidUTF8(text[:maxCauseBytes], "") + "…"
	}
	return text
}

package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// CheckExposure returns an error when a listener on addr ("host:port") could be
// reached from other machines and no token is asked. Only addresses of loopback
// and the name "localhost" count as not exposed: an empty host means all
// addresses, and what another name means is for somebody else to decide.
func CheckExposure(addr string, token bool) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("the HTTP address %q is not host:port, such as 127.0.0.1:8080", addr)
	}
	if token || isLoopback(host) {
		return nil
	}
	return fmt.Errorf("the HTTP address %q can be reached from other machines and no token is set; set GROUPPHOTO_HTTP_TOKEN or GROUPPHOTO_HTTP_TOKEN_FILE, or use 127.0.0.1:%s", addr, port)
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// namesLoopback reports whether a request was made to this machine by a name
// that only this machine can mean. A foreign name that was made to point at
// 127.0.0.1 (DNS rebinding) is the one way for a web page to get past the rules
// of origins.
func namesLoopback(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return isLoopback(host) || strings.HasSuffix(host, ".localhost")
}

package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxURLBytes     = 8 << 10 // longer ones are no addresses but data
	maxHostInErrors = 100
	maxName         = 253 // of DNS, dots included
	maxLabel        = 63
)

var errProbe = errors.New("nothing is connected to")

// ParseURL reads a URL as Get does: http or https, no user info, a host that is an address or a name, which is brought
// into its ASCII form; no fragment is left. The error is an *Error, whose Detail doesn't quote the URL. The address is
// not judged.
func ParseURL(raw string) (*url.URL, error) {
	target, fail := parseURL(raw)
	if fail != nil {
		return nil, fail
	}
	return target, nil
}

// parseURL accepts http and https URLs without user info whose host is an address or a host name, and brings names into
// their ASCII form. It does not judge the address: only the guard sees what a name resolves to.
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
	if fail := plainHost(u); fail != nil {
		fail.Host = host
		return nil, fail
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// plainHost leaves one way to write a host, so that what is judged is what is dialled: a bracketed IPv6 address, a dotted
// IPv4 address, or an ASCII name. What some resolver or proxy may take for an address (127.1, 0x7f.1, 2130706433) is
// refused: nobody gives out photos under such names.
func plainHost(u *url.URL) *Error {
	name, port := u.Hostname(), u.Port()
	if strings.Contains(name, "%") {
		return &Error{Reason: RefusedAddress, Detail: "addresses with a zone are not asked"}
	}
	if strings.HasPrefix(u.Host, "[") {
		if addr, err := netip.ParseAddr(name); err != nil || !addr.Is6() {
			return &Error{Reason: BadURL, Detail: "only an IPv6 address may stand in brackets"}
		}
		return nil
	}
	ascii := toASCII(name)
	if !validName(ascii) {
		return &Error{Reason: BadURL, Detail: "this is no host name; check the spelling"}
	}
	if _, err := netip.ParseAddr(ascii); err != nil && likeAddress(ascii) {
		return &Error{Reason: RefusedAddress, Detail: "addresses are taken only when written like 192.0.2.1 or [2001:db8::1]"}
	}
	if ascii != name {
		u.Host = ascii
		if port != "" {
			u.Host = net.JoinHostPort(ascii, port)
		}
	}
	return nil
}

// toASCII returns the form of a name that net/http would dial. It learns it by letting net/http try: a conversion of our
// own would differ somewhere, and the difference would be the hole. A name that can't be converted comes back as it is.
func toASCII(name string) string {
	ascii := !strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf })
	if ascii || !utf8.ValidString(name) {
		return name
	}
	dialled := make(chan string, 1)
	probe := http.Transport{DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
		dialled <- address
		return nil, errProbe
	}}
	request := http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "http", Host: name}, Header: http.Header{}}
	if response, err := probe.RoundTrip(&request); err == nil {
		response.Body.Close()
	}
	select {
	case address := <-dialled:
		return strings.TrimSuffix(address, ":80")
	default:
		return name
	}
}

// validName reports whether the text is made like a host name. One trailing dot is part of some.
func validName(name string) bool {
	name = strings.TrimSuffix(name, ".")
	if len(name) > maxName {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabel {
			return false
		}
		for _, c := range []byte(label) {
			letter, digit := 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9'
			if !letter && !digit && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// likeAddress reports whether the last label begins with a digit. Browsers, getaddrinfo and the rest take such names for
// IPv4 addresses, each by its own rules for decimal, octal, hexadecimal and binary numbers. No top-level domain is like that.
func likeAddress(name string) bool {
	name = strings.TrimSuffix(name, ".")
	last := name[strings.LastIndexByte(name, '.')+1:]
	return last != "" && '0' <= last[0] && last[0] <= '9'
}

// hostOf returns the host for messages: never user info, never long, nothing that can't be printed.
func hostOf(u *url.URL) string {
	host := strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, u.Host)
	if len(host) > maxHostInErrors {
		return strings.ToValidUTF8(host[:maxHostInErrors], "")
	}
	return host
}

// portOf returns the port that is dialled for a URL that parseURL accepted.
func portOf(u *url.URL) uint16 {
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return uint16(n)
	}
	if u.Scheme == "https" {
		return 443
	}
	return 80
}

// nameOf returns the one form in which hosts are compared: an address as netip writes it, a name in lower case without
// its trailing dot. The URL must be one that parseURL accepted.
func nameOf(u *url.URL) string { return canonical(u.Hostname()) }

func canonical(host string) string {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

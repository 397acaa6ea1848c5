package redisconn

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// optionsOf names the query options of each scheme; anything else is refused,
// so that a misspelt option is not silently without effect.
var optionsOf = map[string][]string{
	"redis":          {"db", "protocol"},
	"rediss":         {"db", "protocol", "skip_verify"},
	"unix":           {"db", "protocol"},
	"redis-sentinel": {"db", "master", "protocol", "sentinel_password", "sentinel_username", "skip_verify", "tls"},
	"redis-cluster":  {"protocol", "skip_verify", "tls"},
}

// Parse reads the address of a Redis. Space around it is ignored. The forms are
//
//	redis://[user[:password]@]host[:port][/db][?protocol=2]
//	rediss://…                        the same over TLS; ?skip_verify=true trusts any certificate
//	unix://[user[:password]@]/path/to/redis.sock[?db=1]
//	redis-sentinel://[user[:password]@]host:port[,host:port…]/master[/db][?tls=true&sentinel_password=…]
//	redis-cluster://[user[:password]@]host:port[,host:port…][?tls=true]
//	embedded:
//
// User and password of the Sentinel form are those of the Redis servers; the
// Sentinels' own are the options sentinel_username and sentinel_password.
// Special characters in users and passwords are percent-encoded. Errors name
// the part that is wrong and how to mend it, and quote none of it, because a
// mistyped address shows its password in the wrong place.
func Parse(raw string) (Spec, error) {
	s, err := parse(strings.TrimSpace(raw))
	if err != nil {
		return Spec{}, fmt.Errorf("reading the Redis address: %w", err)
	}
	return s, nil
}

func parse(raw string) (Spec, error) {
	if raw == "" {
		return Spec{}, errors.New("it is empty; write redis://HOST:6379, or embedded: for the Redis inside the program")
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return Spec{}, errors.New("it contains a space or a control character; percent-encode it (%20)")
	}
	scheme, rest, _ := strings.Cut(raw, ":")
	scheme = strings.ToLower(scheme)
	if scheme == "embedded" {
		if rest != "" && rest != "//" {
			return Spec{}, errors.New("embedded: takes nothing after the colon; write embedded: alone")
		}
		return Spec{form: formEmbedded}, nil
	}
	rest, slashes := strings.CutPrefix(rest, "//")
	if _, known := optionsOf[scheme]; !known || !slashes {
		return Spec{}, errors.New("its beginning is none of redis://, rediss://, unix://, redis-sentinel://, redis-cluster:// and embedded:; " +
			"write redis://HOST:PORT")
	}
	return parseRest(scheme, rest)
}

func parseRest(scheme, rest string) (Spec, error) {
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	if strings.Contains(tail, "#") || scheme != "unix" && strings.Contains(tail, "@") {
		return Spec{}, errors.New("the user or the password contains /, ? or #, which end it; percent-encode them (%2F, %3F, %23)")
	}
	path, query, _ := strings.Cut(tail, "?")
	s := Spec{tls: scheme == "rediss"}
	hosts, err := s.readLogin(authority)
	if err != nil {
		return Spec{}, err
	}
	switch scheme {
	case "unix":
		err = s.readUnix(hosts, path)
	case "redis-sentinel":
		err = s.readSentinel(hosts, path)
	case "redis-cluster":
		err = s.readCluster(hosts, path)
	default:
		err = s.readSingle(hosts, path)
	}
	if err != nil {
		return Spec{}, err
	}
	if err := s.readOptions(scheme, query); err != nil {
		return Spec{}, err
	}
	if s.form == formSentinel && s.master == "" {
		return Spec{}, errors.New("the master name is missing; write redis-sentinel://HOST:26379/MASTER")
	}
	return s, nil
}

func (s *Spec) readLogin(authority string) (hosts string, err error) {
	i := strings.LastIndexByte(authority, '@')
	if i < 0 {
		return authority, nil
	}
	user, password, _ := strings.Cut(authority[:i], ":")
	// PathUnescape, because QueryUnescape would turn a plus sign into a space.
	if s.user, err = url.PathUnescape(user); err != nil {
		return "", errors.New("the user has a percent sign without two hexadecimal digits; write %25 for a percent sign")
	}
	if s.password, err = url.PathUnescape(password); err != nil {
		return "", errors.New("the password has a percent sign without two hexadecimal digits; write %25 for a percent sign")
	}
	return authority[i+1:], nil
}

func (s *Spec) readSingle(hosts, path string) error {
	if strings.Contains(hosts, ",") {
		return errors.New("it names several hosts; write redis-sentinel:// or redis-cluster:// for them")
	}
	if hosts != "" {
		addr, err := readAddr(hosts, defaultPort)
		if err != nil {
			return fmt.Errorf("the address: %w", err)
		}
		s.addrs = []string{addr}
	}
	return s.readDB(strings.Trim(path, "/"))
}

func (s *Spec) readUnix(hosts, path string) error {
	if hosts != "" {
		return errors.New("the socket path does not begin with a slash; write unix:///path/to/redis.sock")
	}
	p, err := url.PathUnescape(path)
	if err != nil {
		return errors.New("the socket path has a percent sign without two hexadecimal digits; write %25 for a percent sign")
	}
	if strings.Trim(p, "/") == "" || strings.ContainsRune(p, 0) {
		return errors.New("the socket path is missing; write unix:///path/to/redis.sock")
	}
	s.form, s.addrs = formUnix, []string{p}
	return nil
}

func (s *Spec) readSentinel(hosts, path string) error {
	s.form = formSentinel
	if err := s.readHosts(hosts, defaultSentinelPort); err != nil {
		return err
	}
	master, db, _ := strings.Cut(strings.Trim(path, "/"), "/")
	name, err := url.PathUnescape(master)
	if err != nil {
		return errors.New("the master name has a percent sign without two hexadecimal digits; write %25 for a percent sign")
	}
	s.master = name
	return s.readDB(db)
}

func (s *Spec) readCluster(hosts, path string) error {
	s.form = formCluster
	if strings.Trim(path, "/") != "" {
		return errors.New("a database is named after the hosts, but Redis Cluster has only one; remove it")
	}
	return s.readHosts(hosts, defaultPort)
}

func (s *Spec) readHosts(hosts, port string) error {
	for i, h := range strings.Split(hosts, ",") {
		if h == "" {
			return fmt.Errorf("address %d is empty; write HOST:PORT,HOST:PORT", i+1)
		}
		addr, err := readAddr(h, port)
		if err != nil {
			return fmt.Errorf("address %d: %w", i+1, err)
		}
		s.addrs = append(s.addrs, addr)
	}
	return nil
}

func readAddr(hostport, defPort string) (string, error) {
	var host, port string
	if v6, ok := strings.CutPrefix(hostport, "["); ok {
		var closed bool
		if host, port, closed = strings.Cut(v6, "]"); !closed {
			return "", errors.New("the bracket of the IPv6 address is not closed; write [::1]:6379")
		}
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() {
			return "", errors.New("what stands in brackets is not an IPv6 address; write [::1]:6379")
		}
		if port != "" && port[0] != ':' {
			return "", errors.New("a colon is missing before the port; write [::1]:6379")
		}
		port = strings.TrimPrefix(port, ":")
	} else {
		if strings.Count(hostport, ":") > 1 {
			return "", errors.New("it has more than one colon; put @ after a password, and brackets around an IPv6 address")
		}
		host, port, _ = strings.Cut(hostport, ":")
		if strings.ContainsFunc(host, notInHost) {
			return "", errors.New("the host has a character that host names do not have; write letters, digits, dots and hyphens")
		}
	}
	if host == "" {
		host = defaultHost
	}
	if port == "" {
		port = defPort
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", errors.New("the port is not a number from 1 to 65535; write HOST:6379")
	}
	return net.JoinHostPort(host, port), nil
}

func notInHost(r rune) bool {
	const punctuation = ".-_"
	alphanumeric := '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	return !alphanumeric && !strings.ContainsRune(punctuation, r)
}

func (s *Spec) readDB(text string) error {
	if text == "" {
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return errors.New("the database after the last slash is not a number from 0 to 65535; write /0 or leave it out")
	}
	s.db = int(n)
	return nil
}

func (s *Spec) readOptions(scheme, query string) error {
	q, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("an option after the question mark is not well encoded; write ?name=value&name=value with percent-encoded values")
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains(optionsOf[scheme], name) {
			return fmt.Errorf("an option after the question mark is not known for %s://; known are: %s",
				scheme, strings.Join(optionsOf[scheme], ", "))
		}
		if len(q[name]) > 1 {
			return fmt.Errorf("the option %s stands there more than once; keep one", name)
		}
		if err := s.readOption(name, q.Get(name)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) readOption(name, value string) (err error) {
	switch name {
	case "db":
		if s.db != 0 {
			return errors.New("the database is named twice, in the path and as the option db; keep one")
		}
		if value == "" || s.readDB(value) != nil {
			return errors.New("the option db is not a number from 0 to 65535")
		}
	case "protocol":
		if value != "2" && value != "3" {
			return errors.New("the option protocol is neither 2 nor 3")
		}
		s.protocol = int(value[0] - '0')
	case "master":
		if s.master != "" {
			return errors.New("the master is named twice, in the path and as the option master; keep one")
		}
		s.master = value
	case "sentinel_username":
		s.sentinelUser = value
	case "sentinel_password":
		s.sentinelPassword = value
	case "tls":
		s.tls, err = readBool(name, value)
	case "skip_verify":
		s.skipVerify, err = readBool(name, value)
	}
	return err
}

func readBool(name, value string) (bool, error) {
	if value != "true" && value != "false" {
		return false, fmt.Errorf("the option %s is neither true nor false", name)
	}
	return value == "true", nil
}

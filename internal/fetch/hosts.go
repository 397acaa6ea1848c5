package fetch

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// ParseHosts brings a list of hosts into the form in which they are compared: lower case, no trailing dot, each once.
// An entry is a name ("photos.example.com"), all names below one but not itself ("*.example.com"), or an address without
// brackets and port. Names outside ASCII must be given in their ASCII form ("xn--..."). The error names every bad entry.
func ParseHosts(list []string) ([]string, error) {
	var hosts []string
	var problems []error
	for _, entry := range list {
		host, problem := parseHost(entry)
		if problem != "" {
			problems = append(problems, fmt.Errorf("host %.100q: %s", entry, problem))
		} else if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts, errors.Join(problems...)
}

func parseHost(entry string) (host, problem string) {
	name, below := strings.CutPrefix(entry, "*.")
	addr, err := netip.ParseAddr(name)
	switch {
	case strings.ContainsFunc(name, func(r rune) bool { return r >= 0x80 }):
		return "", "must be given in its ASCII form (xn--...)"
	case err == nil && !below && addr.Zone() == "":
		return canonical(name), ""
	case err == nil || !validName(name) || likeAddress(name):
		return "", "must be a host name, *. and a host name, or an address without brackets; no scheme, no port"
	case below:
		return "*." + canonical(name), ""
	}
	return canonical(name), ""
}

// listed reports whether the list names the host. Both must be in the form in which they are compared.
func listed(hosts []string, name string) bool {
	return slices.ContainsFunc(hosts, func(host string) bool {
		if domain, below := strings.CutPrefix(host, "*"); below {
			return len(name) > len(domain) && strings.HasSuffix(name, domain)
		}
		return name == host
	})
}

package main

import (
	"errors"
	"fmt"
	"image/color"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/worker/photo"
)

// photoConfig is the settings of photos: how they are made, and where from.
type photoConfig struct {
	passURL bool // URLs go to the provider as they are
	cache   int64
	make    photo.Options
	from    fetch.Config
}

// The words of GROUPPHOTO_PHOTO_MODE.
const (
	modeJPEG = "jpeg"
	modeURL  = "url"
)

func (r *reader) photo(raw rawSettings) photoConfig {
	c := photoConfig{
		passURL: r.choice("GROUPPHOTO_PHOTO_MODE", raw.PhotoMode, modeJPEG, modeURL) == modeURL,
		cache:   r.size("GROUPPHOTO_PHOTO_CACHE", raw.PhotoCache, 1<<20, 64<<30),
		make: photo.Options{
			Side:         r.count("GROUPPHOTO_PHOTO_SIDE", raw.PhotoSide, photo.LowestSide, photo.HighestSide),
			Quality:      r.count("GROUPPHOTO_PHOTO_QUALITY", raw.PhotoQuality, photo.LowestQuality, photo.HighestQuality),
			MaxBytes:     int(r.size("GROUPPHOTO_PHOTO_MAX_BYTES", raw.PhotoMaxBytes, photo.LowestMaxBytes, photo.HighestMaxBytes)),
			MinSide:      r.count("GROUPPHOTO_PHOTO_MIN_SIDE", raw.PhotoMinSide, 0, photo.LongestSide),
			Fit:          photo.Fit(r.choice("GROUPPHOTO_PHOTO_FIT", raw.PhotoFit, string(photo.Crop), string(photo.Pad))),
			Extreme:      photo.Extreme(r.choice("GROUPPHOTO_PHOTO_EXTREME", raw.PhotoExtreme, string(photo.PadExtreme), string(photo.RefuseExtreme))),
			Background:   r.colour("GROUPPHOTO_PHOTO_BACKGROUND", raw.PhotoGround),
			MemoryBudget: r.size("GROUPPHOTO_PHOTO_MEMORY", raw.PhotoMemory, photo.LowestMemory, 64<<30),
		},
		from: fetch.Config{
			Allow: r.prefixes("GROUPPHOTO_PHOTO_ALLOW", raw.PhotoAllow),
			Ports: r.ports("GROUPPHOTO_PHOTO_PORTS", raw.PhotoPorts),
			Proxy: r.proxy("GROUPPHOTO_PHOTO_PROXY", raw.PhotoProxy),
			NAT64: r.choice("GROUPPHOTO_PHOTO_NAT64", raw.PhotoNAT64, "true", "false") == "true",
		},
	}
	c.make.AllowSmall = c.make.MinSide == 0
	var err error
	c.from.Hosts, err = fetch.ParseHosts(list(raw.PhotoHosts))
	if err == nil && raw.PhotoHosts != "" && len(c.from.Hosts) == 0 {
		err = errors.New("names no host; leave it out to ask all of them") // "," must not mean everybody
	}
	if err != nil {
		r.failed("GROUPPHOTO_PHOTO_HOSTS", fmt.Errorf("GROUPPHOTO_PHOTO_HOSTS: %w", err))
	}
	return c
}

// rules are those of the worker, for what a producer fetches at once.
func (c photoConfig) rules() enqueue.FetchRules {
	return enqueue.FetchRules{
		Allow: c.from.Allow, Hosts: c.from.Hosts, Ports: c.from.Ports, NAT64: c.from.NAT64, Proxy: c.from.Proxy, Own: c.from.Own,
	}
}

// list splits at commas and drops what is empty.
func list(text string) []string {
	var parts []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// prefixes reads addresses and address prefixes with commas between them.
func (r *reader) prefixes(name, text string) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, part := range list(text) {
		if addr, err := netip.ParseAddr(part); err == nil {
			addr = addr.Unmap()
			prefixes = append(prefixes, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(part)
		switch {
		case err != nil:
			r.fail(name, part, "address prefixes with commas between them, such as 10.1.0.0/16")
		case p.Addr().Is4In6(): // no connection ever shows such an address
			r.fail(name, part, "written as IPv4, such as 10.1.0.0/16")
		case p != p.Masked(): // more is allowed than the text shows
			r.fail(name, part, fmt.Sprintf("a whole prefix: %s, or one address: %s", p.Masked(), p.Addr()))
		default:
			prefixes = append(prefixes, p)
		}
	}
	return prefixes
}

// ports reads port numbers with commas between them.
func (r *reader) ports(name, text string) []uint16 {
	var ports []uint16
	for _, part := range list(text) {
		port, err := strconv.ParseUint(part, 10, 16)
		if err != nil || port == 0 {
			r.fail(name, part, "port numbers from 1 to 65535 with commas between them, such as 8080,8443")
			continue
		}
		ports = append(ports, uint16(port))
	}
	return ports
}

// proxy reads the egress proxy. Its URL may carry a password and is not quoted.
func (r *reader) proxy(name, text string) *url.URL {
	if text == "" {
		return nil
	}
	proxy, err := url.Parse(text)
	if err != nil {
		r.failed(name, fmt.Errorf("%s: must be a URL such as http://proxy.internal:3128", name))
		return nil
	}
	if err := (fetch.Config{Proxy: proxy}).Validate(); err != nil {
		r.failed(name, fmt.Errorf("%s: %w", name, err))
		return nil
	}
	return proxy
}

var colours = map[string]color.NRGBA{"white": {255, 255, 255, 255}, "black": {0, 0, 0, 255}}

// colour reads a colour as its name or as six hexadecimal digits.
func (r *reader) colour(name, text string) color.NRGBA {
	if c, ok := colours[text]; ok {
		return c
	}
	digits := strings.TrimPrefix(text, "#")
	v, err := strconv.ParseUint(digits, 16, 24)
	if err != nil || len(digits) != 6 {
		r.fail(name, text, "white, black, or six hexadecimal digits such as 1f6feb")
		return colours["white"]
	}
	return color.NRGBA{byte(v >> 16), byte(v >> 8), byte(v), 255}
}

var sizes = regexp.MustCompile(`^([0-9]{1,15})(|KiB|MiB|GiB)$`)

// size reads a number of bytes, such as 102400, 100KiB or 160MiB.
func (r *reader) size(name, text string, least, most int64) int64 {
	units := map[string]int64{"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
	m := sizes.FindStringSubmatch(text)
	if m != nil {
		n, err := strconv.ParseInt(m[1], 10, 64)
		if unit := units[m[2]]; err == nil && n <= most/unit && n*unit >= least {
			return n * unit
		}
	}
	r.fail(name, text, fmt.Sprintf("a size from %s to %s, such as %d, 100KiB or 1MiB", sized(least), sized(most), least))
	return least
}

// sized prints a number of bytes as people say it.
func sized(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%d KiB", (n+1<<9)>>10)
	case n < 10<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n < 10<<30:
		return fmt.Sprintf("%d MiB", (n+1<<19)>>20)
	default:
		return fmt.Sprintf("%d GiB", (n+1<<29)>>30)
	}
}

// own names the address of a listener of this process, which no photo may be
// fetched from: an update must not be able to call the API of its own worker.
func own(l net.Listener) func() []netip.AddrPort {
	address, err := netip.ParseAddrPort(l.Addr().String())
	if err != nil {
		return nil // no TCP address: nothing that could be fetched from
	}
	return func() []netip.AddrPort { return []netip.AddrPort{address} }
}

package main

import (
	"image/color"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/photo"
)

func photoSettings(t *testing.T, env map[string]string) (photoConfig, error) {
	t.Helper()
	c, err := (&app{env: env}).config(t.Context(), nil)
	return c.photo, err
}

func TestPhotoConfig_Defaults(t *testing.T) {
	t.Parallel()
	c, err := photoSettings(t, nil)
	want := photo.Options{
		Side: 592, Quality: 80, MaxBytes: 100 << 10, MinSide: 192, Fit: photo.Crop, Extreme: photo.PadExtreme,
		Background: color.NRGBA{255, 255, 255, 255}, MemoryBudget: 160 << 20,
	}
	if err != nil || c.make != want || c.passURL || c.cache != worker.DefaultPhotoCache || c.from.Allow != nil || c.from.Hosts != nil || c.from.Ports != nil || c.from.NAT64 || c.from.Proxy != nil {
		t.Errorf("got %+v, %v", c, err)
	}
	// The texts above are the maker's own defaults.
	ours, err := photo.New(c.make)
	theirs, err2 := photo.New(photo.Options{})
	if err != nil || err2 != nil || ours.Version() != theirs.Version() {
		t.Errorf("got %s, want %s (%v, %v)", ours.Version(), theirs.Version(), err, err2)
	}
}

func TestPhotoConfig_AllSet(t *testing.T) {
	t.Parallel()
	c, err := photoSettings(t, map[string]string{
		"GROUPPHOTO_PHOTO_MODE": "url", "GROUPPHOTO_PHOTO_SIDE": "640", "GROUPPHOTO_PHOTO_QUALITY": "60", "GROUPPHOTO_PHOTO_MAX_BYTES": "65536",
		"GROUPPHOTO_PHOTO_MIN_SIDE": "0", "GROUPPHOTO_PHOTO_FIT": "pad", "GROUPPHOTO_PHOTO_EXTREME": "refuse", "GROUPPHOTO_PHOTO_BACKGROUND": "#1F6feb",
		"GROUPPHOTO_PHOTO_MEMORY": "1GiB", "GROUPPHOTO_PHOTO_ALLOW": "::ffff:10.1.2.3, fd00::/8", "GROUPPHOTO_PHOTO_HOSTS": "cdn.example.com, *.example.org",
		"GROUPPHOTO_PHOTO_PORTS": "8080, 8443", "GROUPPHOTO_PHOTO_PROXY": "http://user:pass@proxy.internal:3128", "GROUPPHOTO_PHOTO_NAT64": "true",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := photo.Options{
		Side: 640, Quality: 60, MaxBytes: 64 << 10, AllowSmall: true, Fit: photo.Pad, Extreme: photo.RefuseExtreme,
		Background: color.NRGBA{0x1f, 0x6f, 0xeb, 255}, MemoryBudget: 1 << 30,
	}
	if c.make != want || !c.passURL {
		t.Errorf("got %+v", c)
	}
	from := c.rules()
	if !slices.Equal(from.Allow, []netip.Prefix{netip.MustParsePrefix("10.1.2.3/32"), netip.MustParsePrefix("fd00::/8")}) ||
		!slices.Equal(from.Hosts, []string{"cdn.example.com", "*.example.org"}) || !slices.Equal(from.Ports, []uint16{8080, 8443}) ||
		!from.NAT64 || from.Proxy == nil || from.Proxy.Host != "proxy.internal:3128" {
		t.Errorf("got %+v", from)
	}
}

func TestPhotoConfig_Problems(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, value, says string }{
		{"MODE", "both", "one of jpeg, url"},
		{"SIDE", "63", "from 64 to 1024"},
		{"QUALITY", "101", "from 24 to 100"},
		{"MAX_BYTES", "100kB", "a size from 4096 bytes to 5.0 MiB"},
		{"MAX_BYTES", "999999999999999GiB", "a size from"},
		{"MIN_SIDE", "-1", "from 0 to 16384"},
		{"FIT", "stretch", "one of crop, pad"},
		{"EXTREME", "crop", "one of pad, refuse"},
		{"BACKGROUND", "12345", "six hexadecimal digits"},
		{"BACKGROUND", "pink", "white, black"},
		{"MEMORY", "1MiB", "a size from 64 MiB"},
		{"ALLOW", "10.0.0.0/99", "address prefixes"},
		{"ALLOW", "10.0.0.1/8", "a whole prefix: 10.0.0.0/8, or one address: 10.0.0.1"},
		{"ALLOW", "::ffff:10.0.0.0/104", "written as IPv4"},
		{"HOSTS", " , ", "names no host"},
		{"HOSTS", "https://example.com/x", "https://example.com/x"},
		{"PORTS", "80,none", "port numbers"},
		{"PORTS", "0", "port numbers"},
		{"NAT64", "yes", "one of true, false"},
		{"PROXY", "socks5://user:pa55word@proxy.internal", "http"},
		{"PROXY", "http://user:pa55word@proxy:port", "must be a URL"},
	} {
		t.Run(row.name+" "+row.value, func(t *testing.T) {
			t.Parallel()
			_, err := photoSettings(t, map[string]string{"GROUPPHOTO_PHOTO_" + row.name: row.value})
			if err == nil || !strings.Contains(err.Error(), "GROUPPHOTO_PHOTO_"+row.name) || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "pa55word") {
				t.Errorf("got %v, want it to name GROUPPHOTO_PHOTO_%s and say %q", err, row.name, row.says)
			}
		})
	}
}

func TestSized(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 bytes", 9999: "9999 bytes", 10_240: "10 KiB", 102_400: "100 KiB", 1 << 20: "1.0 MiB", 5 << 20: "5.0 MiB", 160 << 20: "160 MiB", 64 << 30: "64 GiB",
	} {
		if got := sized(n); got != want {
			t.Errorf("%d: got %s; want %s", n, got, want)
		}
	}
}

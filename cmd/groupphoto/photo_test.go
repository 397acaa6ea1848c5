package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// half is a PNG whose left half is red and whose right half lets through.
func half(t *testing.T, width, height int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width / 2 {
			img.SetNRGBA(x, y, color.NRGBA{200, 0, 0, 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decoded(t *testing.T, b []byte) image.Image {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func near(c color.Color, r, g, b uint8) bool {
	is := color.RGBAModel.Convert(c).(color.RGBA)
	off := func(x, y uint8) bool { return max(x, y)-min(x, y) > 12 }
	return !off(is.R, r) && !off(is.G, g) && !off(is.B, b)
}

func TestPhoto_WritesWhatIsSent(t *testing.T) {
	t.Parallel()
	source := file(t, "logo.png", string(half(t, 400, 300)))
	folder := t.TempDir()
	out := filepath.Join(folder, "out.jpg")
	// when a photo is made with a preview and every step told
	r := call(t, nil, "photo", source, "--out", out, "--round", "--explain", "--background", "1f6feb")
	if r.code != exitDone || r.err != "" {
		t.Fatalf("exit code %d: %s", r.code, r.err)
	}
	// then the file is the finished square, on the background asked for
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil || img.Bounds() != image.Rect(0, 0, 592, 592) {
		t.Fatalf("got %v, %v", img.Bounds(), err)
	}
	if !near(img.At(100, 300), 200, 0, 0) || !near(img.At(500, 300), 0x1f, 0x6f, 0xeb) {
		t.Errorf("got %v and %v", img.At(100, 300), img.At(500, 300))
	}
	// and the preview is a disc of it
	b, err = os.ReadFile(filepath.Join(folder, "out.round.png"))
	if err != nil {
		t.Fatal(err)
	}
	disc := decoded(t, b)
	if _, _, _, a := disc.At(3, 3).RGBA(); a != 0 || !near(disc.At(100, 300), 200, 0, 0) {
		t.Errorf("corner alpha %d, inside %v", a, disc.At(100, 300))
	}
	for _, want := range []string{"PNG 400 x 300", "transparent parts show the background", "cut to the centred square of 300 pixels; 25 % fall away left and right", "enlarged from 300 to 592", "of at most 100 KiB", "of Base64"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("stdout lacks %q:\n%s", want, r.out)
		}
	}
	if left, err := filepath.Glob(filepath.Join(folder, ".groupphoto*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestPhoto_SameSourceAllWays(t *testing.T) {
	t.Parallel()
	// given one picture as a file, on stdin, as a data URI and at a URL
	picture := half(t, 400, 300)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(picture) }))
	t.Cleanup(server.Close)
	env := map[string]string{"GROUPPHOTO_PHOTO_ALLOW": "127.0.0.0/8"}
	hash := ""
	for _, source := range []string{
		file(t, "logo.png", string(picture)), "-", "data:image/png;base64," + base64.StdEncoding.EncodeToString(picture), server.URL + "/a/logo.png?sig=secret",
	} {
		r := callWith(t, t.Context(), picture, env, "photo", source, "-o", "json")
		if r.code != exitDone || strings.Contains(r.out+r.err, "secret") {
			t.Fatalf("%s: exit code %d: %s%s", source[:10], r.code, r.out, r.err)
		}
		made, ok := object(t, r.out)["photo"].(map[string]any)
		if !ok {
			t.Fatalf("no photo in %s", r.out)
		}
		// then all give the same bytes
		if got := made["hash"].(string); hash != "" && got != hash {
			t.Errorf("%s gave another photo: %s", source[:10], got)
		} else {
			hash = got
		}
	}
}

func TestPhoto_SeveralSources(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "photos")
	one, two := file(t, "logo.png", string(half(t, 400, 300))), file(t, "logo.png", string(half(t, 300, 300)))
	page := file(t, "page.jpg", "<!doctype html><title>no picture</title>")
	r := call(t, nil, "photo", one, page, two, "--out", folder, "-o", "json")
	// then each source has a line in the order given, and the exit code is that of the worst
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if r.code != exitUsage || len(lines) != 3 {
		t.Fatalf("exit code %d, %d lines: %s", r.code, len(lines), r.out)
	}
	fault, ok := object(t, lines[1]+"\n")["error"].(map[string]any)
	if !ok || fault["reason"] != "not_an_image" || fault["permanent"] != true || !strings.Contains(r.err, "HTML page") {
		t.Errorf("got %s and %s", lines[1], r.err)
	}
	// and sources of the same name do not overwrite each other
	for _, name := range []string{"logo.jpg", "logo-2.jpg"} {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestPhoto_Stdout(t *testing.T) {
	t.Parallel()
	r := call(t, nil, "photo", file(t, "logo.png", string(half(t, 400, 300))), "--out", "-")
	if img := decoded(t, []byte(r.out)); img.Bounds().Dx() != 592 || !strings.Contains(r.err, "quality 80") {
		t.Errorf("got %v and %s", img.Bounds(), r.err)
	}
}

func TestPhoto_Refusals(t *testing.T) {
	t.Parallel()
	picture := file(t, "logo.png", string(half(t, 900, 200)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	t.Cleanup(server.Close)
	heic := file(t, "IMG_1.HEIC", "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")
	for _, row := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"HEIC", []string{heic}, exitUsage, "HEIC images are not supported; export it as JPEG"},
		{"metadata service", []string{"http://169.254.169.254/latest/meta-data"}, exitUsage, "http://169.254.169.254/latest/meta-data: refused_address: 169.254.169.254 is not a public address"},
		{"a port of this machine", []string{"http://localhost:6379/?sig=secret"}, exitUsage, "http://localhost:6379/: refused_address"},
		{"another scheme", []string{"ftp://user:secret@example.com/x"}, exitUsage, "ftp://example.com/x: bad_url: only http and https"},
		{"a server that can't now", []string{server.URL}, exitFailure, "unavailable (HTTP 503)"},
		{"no file", []string{"nothing.png"}, exitUsage, `the file cannot be read: "nothing.png"`},
		{"a host without scheme", []string{"example.com/a.png?sig=secret"}, exitUsage, "write https:// before it"},
		{"a slash too few", []string{"https:/user:secret@example.com/x?sig=secret"}, exitUsage, `"https:/"…: is neither a URL nor a file`},
		{"a colon too few", []string{"https//example.com/x?sig=secret"}, exitUsage, "a URL begins with https://"},
		{"the store", []string{"sha256:" + strings.Repeat("ab", 32)}, exitUsage, "photo store"},
		{"bad Base64", []string{"data:image/png;base64,***"}, exitUsage, "data URI: bad_base64"},
		{"too long", []string{picture, "--extreme", "refuse"}, exitUsage, "extreme_ratio"},
		{"too small", []string{picture, "--min-side", "201"}, exitUsage, "too_small"},
		{"a bad option", []string{picture, "--fit", "stretch"}, exitUsage, `--fit "stretch": must be one of crop, pad`},
		{"no source", nil, exitUsage, "SOURCE is missing"},
		{"stdin twice", []string{"-", "-"}, exitUsage, "once"},
		{"two to stdout", []string{picture, picture, "--out", "-"}, exitUsage, "give a folder"},
		{"a preview of nothing", []string{picture, "--round"}, exitUsage, "--round"},
		{"no such folder", []string{picture, "--out", filepath.Join(t.TempDir(), "a", "b.jpg")}, exitFailure, "writing the photo"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{}
			if row.code == exitFailure {
				env["GROUPPHOTO_PHOTO_ALLOW"] = "127.0.0.0/8"
			}
			r := call(t, env, append([]string{"photo"}, row.args...)...)
			if r.code != row.code || !strings.Contains(r.err, row.says) || strings.Contains(r.err, "secret") {
				t.Errorf("exit code %d; want %d and %q in:\n%s", r.code, row.code, row.says, r.err)
			}
		})
	}
}

// TestPhoto_SparesItsSources: what would be written over may be the only copy.
func TestPhoto_SparesItsSources(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	original := half(t, 400, 300)
	for _, name := range []string{"a.jpg", "b.round.png", "x-2.jpg"} {
		if err := os.WriteFile(filepath.Join(folder, name), original, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(folder, name) }
	elsewhere := file(t, "x.png", string(original))
	for _, args := range [][]string{
		{in("a.jpg"), "--out", in("a.jpg")},
		{in("a.jpg"), "--out", folder},
		{in("b.round.png"), "--out", in("b.jpg"), "--round"},
		{elsewhere, elsewhere, in("x-2.jpg"), "--out", folder}, // the second is to be called x-2.jpg
	} {
		r := call(t, nil, append([]string{"photo"}, args...)...)
		if r.code != exitUsage || !strings.Contains(r.err, "would be written over the source") {
			t.Errorf("%v: exit code %d: %s", args, r.code, r.err)
		}
	}
	for _, name := range []string{"a.jpg", "b.round.png", "x-2.jpg"} {
		if b, err := os.ReadFile(in(name)); err != nil || !bytes.Equal(b, original) {
			t.Errorf("%s was changed (%v)", name, err)
		}
	}
}

// TestPhoto_StdinThatNobodyEnds: a person who gives up need not end the input first.
func TestPhoto_StdinThatNobodyEnds(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"photo", "-"}, {"update", "--group", group, "--photo", "-", "--here"}} {
		in, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		reading := &firstRead{Reader: in, begun: make(chan struct{})}
		code := make(chan int, 1)
		go func() {
			code <- run(ctx, args, map[string]string{"PLUGCHAT_TOKEN": "x"}, streams{in: reading, out: io.Discard, err: io.Discard, program: "groupphoto"})
		}()
		<-reading.begun
		cancel()
		if got := <-code; got != exitInterrupted {
			t.Errorf("%v: exit code %d; want %d", args, got, exitInterrupted)
		}
		_ = out.Close() // ends what was left behind
	}
}

// firstRead tells when it is read from.
type firstRead struct {
	io.Reader

	once  sync.Once
	begun chan struct{}
}

func (f *firstRead) Read(p []byte) (int, error) {
	f.once.Do(func() { close(f.begun) })
	return f.Reader.Read(p)
}

func TestStem(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"a/b/logo.final.png": "logo.final", "-": "stdin", "data:image/png;base64,AAAA": "data", "https://example.com/a/foto%201.png?sig=1": "foto%201",
		"https://example.com/": "example", "..": "photo", "a\nb.png": "a b", "https://example.com/?x=/../..": "example",
	} {
		if got := stem(source); got != want {
			t.Errorf("%q: got %q; want %q", source, got, want)
		}
	}
}

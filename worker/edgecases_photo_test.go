package worker_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/image/bmp"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
)

// byHand enqueues a task as another program would write it.
func (r *edgeRig) byHand(id, group, photo string) {
	r.t.Helper()
	quote := strings.NewReplacer("\n", `\n`, "\r", `\r`)
	r.enqueue(id, []byte(`{"groupId":"`+group+`","groupPhoto":"`+quote.Replace(photo)+`"}`))
}

func TestEdge11_Base64InAnyForm(t *testing.T) {
	t.Parallel()
	// Given one JPEG as a data URI, bare, in lines, in the URL-safe alphabet, without
	// padding and as image/jpg, when the tasks run, then each group shows the same photo, sent
	// as PlugChat wants it: the sandbox takes nothing else.
	r := edgeMini(t)
	source := smallJPEG(t)
	std, safe := base64.StdEncoding.EncodeToString(source), base64.URLEncoding.EncodeToString(source)
	var lines []string
	for part := range slices.Chunk([]byte(std), 76) {
		lines = append(lines, string(part))
	}
	forms := []string{
		"data:image/jpeg;base64," + std, std, strings.Join(lines, "\r\n"), safe, strings.TrimRight(safe, "="),
		"data:image/jpg;base64," + std, "data:image/png;base64," + std, "data:image/jpeg;base64," + strings.Join(lines, "\n"),
	}
	for i, form := range forms {
		r.byHand("form"+string(rune('a'+i)), string(edgeGroup(i)), form)
	}
	r.start()
	for i := range forms {
		r.ends("form"+string(rune('a'+i)), tasks.Updated, "", 1)
	}
	for _, c := range r.box.Calls() {
		if c.PhotoHash == "" || c.PhotoHash != r.box.Calls()[0].PhotoHash {
			t.Errorf("got %+v", c)
		}
	}
}

// pictures is a server of files, and of what goes wrong with them.
func pictures(t *testing.T, files map[string]http.HandlerFunc) string {
	t.Helper()
	mux := http.NewServeMux()
	for path, serve := range files {
		mux.HandleFunc(path, serve)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func gives(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func mayFetch(_ *edgeRig, c *worker.Config) {
	c.Fetcher = fetch.New(fetch.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, MaxBytes: 1 << 20, Timeout: 2 * time.Second})
}

func (r *edgeRig) submitURL(id, url string) {
	r.t.Helper()
	ref, err := tasks.ParsePhoto(url)
	if err != nil {
		r.t.Fatal(err)
	}
	r.submit(id, tasks.Update{Photo: ref})
}

func TestEdge12_SourceCannotBeReached(t *testing.T) {
	t.Parallel()
	// Given photos whose address gives nothing, when their updates run, then those that
	// cannot help themselves fail with the advice, those that may pass wait, and PlugChat
	// is not called for any.
	base := pictures(t, map[string]http.HandlerFunc{
		"/403": gives(403, "signature expired"), "/404": gives(404, ""), "/410": gives(410, ""),
		"/page": gives(200, "<!doctype html><title>Shared file</title>"), "/503": gives(503, ""), "/429": gives(429, ""),
	})
	r := edgeMini(t, mayFetch).start()
	for id, reason := range map[string]tasks.Reason{"403": "photo_not_found", "404": "photo_not_found", "410": "photo_not_found", "page": "photo_not_an_image"} {
		r.submitURL(id, base+"/"+id)
		r.ends(id, tasks.Failed, reason, 0)
	}
	for id, reason := range map[string]tasks.Reason{"503": "photo_unavailable", "429": "photo_unavailable", "away": "photo_network"} {
		url := base + "/" + id
		if id == "away" {
			url = "http://127.0.0.1:1/logo.png" // nobody listens on port 1; a port just closed may be another test's
		}
		r.submitURL(id, url)
		r.task(id, asynq.TaskStateRetry)
		record, err := r.ledger.Record(t.Context(), "main", id)
		if o := record.Outcome; err != nil || o.State != tasks.Waiting || o.Reason != reason || r.spent(id) != 0 || time.Until(record.Again) < 30*time.Second {
			t.Errorf("%s: got %+v, %v", id, o, err)
		}
	}
	r.wantAsked("")
}

func TestEdge12_InURLModeThereIsOnlyAFalse(t *testing.T) {
	t.Parallel()
	// Given that URLs are passed through, when PlugChat cannot fetch one, then the update
	// is refused without a reason, and the address went out as it was given.
	base := pictures(t, map[string]http.HandlerFunc{"/logo.png": gives(200, string(pngOf(t, 9)))})
	r := edgeMini(t, mayFetch, func(_ *edgeRig, c *worker.Config) { c.PassURL, c.Policy.RefusalRetries = true, -1 }).dial("false:n=1").start()
	r.submitURL("no", base+"/logo.png")
	r.ends("no", tasks.Refused, tasks.NoReasonGiven, 1)
	r.submitURL("yes", base+"/logo.png")
	r.ends("yes", tasks.Updated, "", 1)
	if g, _ := r.box.Group(string(groupA)); g.Host == "" || !strings.HasSuffix(base, g.Host) {
		t.Errorf("the group shows %+v", g)
	}
}

// oneColourWebP is a lossless WebP in which every pixel takes no bit.
func oneColourWebP(side uint32, c color.NRGBA) []byte {
	var out []byte
	used := 0
	put := func(value uint32, bits int) {
		for i := range bits {
			if used%8 == 0 {
				out = append(out, 0)
			}
			out[len(out)-1] |= byte(value>>i&1) << (used % 8)
			used++
		}
	}
	put(0x2f, 8)
	put(side-1, 14)
	put(side-1, 14)
	put(0, 7) // no alpha, version 0, no transform, no colour cache, one set of codes
	for _, only := range []uint8{c.G, c.R, c.B, c.A, 0} {
		put(1, 1) // a simple code
		put(0, 1) // of one symbol
		put(1, 1) // of eight bits
		put(uint32(only), 8)
	}
	if len(out)%2 == 1 {
		out = append(out, 0)
	}
	file := append([]byte("WEBPVP8L"), binary.LittleEndian.AppendUint32(nil, uint32(len(out)))...)
	file = append(file, out...)
	return append(append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(len(file)))...), file...)
}

// leftHalf is a picture of which only the left half is painted.
func leftHalf(c color.NRGBA) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, 240, 240))
	for i := range img.Pix {
		if i/4%240 < 120 {
			img.Pix[i] = []uint8{c.R, c.G, c.B, c.A}[i%4]
		}
	}
	return img
}

// turned is a JPEG with an EXIF block that says: a quarter turn clockwise shows it upright.
func turned(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	exif := "Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
	segment := append([]byte{0xff, 0xe1, 0, byte(len(exif) + 2)}, exif...)
	return slices.Concat(b.Bytes()[:2], segment, b.Bytes()[2:])
}

// samples are pictures of all formats that work, with where each is dark; the rest is light.
func samples(t *testing.T) map[string]struct {
	file []byte
	dark image.Point
} {
	t.Helper()
	dark := color.NRGBA{20, 40, 60, 255}
	var alpha, animated, bitmap bytes.Buffer
	opaque := image.NewRGBA(image.Rect(0, 0, 240, 240))
	frames := &gif.GIF{Delay: []int{5, 5}}
	first := image.NewPaletted(opaque.Bounds(), color.Palette{dark, color.White})
	second := image.NewPaletted(opaque.Bounds(), color.Palette{color.White, dark})
	for y := range 240 {
		for x := range 240 {
			opaque.Set(x, y, color.White)
			if x < 120 {
				opaque.Set(x, y, dark)
			} else {
				first.SetColorIndex(x, y, 1)
				second.SetColorIndex(x, y, 1)
			}
		}
	}
	frames.Image = []*image.Paletted{first, second}
	for _, err := range []error{png.Encode(&alpha, leftHalf(dark)), gif.EncodeAll(&animated, frames), bmp.Encode(&bitmap, opaque)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	type sample = struct {
		file []byte
		dark image.Point
	}
	left := image.Pt(1, 2)
	return map[string]sample{
		"alpha": {alpha.Bytes(), left}, "animated": {animated.Bytes(), left}, "bmp": {bitmap.Bytes(), left},
		"turned": {turned(t, opaque), image.Pt(2, 1)}, "webp": {oneColourWebP(240, dark), image.Pt(3, 3)},
	}
}

func TestEdge13_FormatsAsTheyCome(t *testing.T) {
	t.Parallel()
	// Given a PNG with alpha, an animated GIF, a BMP, a WebP and a JPEG that its camera
	// turned, when they are sent, then each group shows a small upright JPEG on white.
	r := edgeMini(t)
	list := samples(t)
	groups := map[string]tasks.GroupID{}
	for name, s := range list {
		groups[name] = edgeGroup(len(groups))
		ref, err := r.ledger.StorePhoto(t.Context(), tasks.PhotoSource, s.file, time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		r.submit(name, tasks.Update{GroupID: groups[name], Photo: ref})
	}
	r.start()
	for name, s := range list {
		r.ends(name, tasks.Updated, "", 1)
		g, _ := r.box.Group(string(groups[name]))
		img, err := jpeg.Decode(bytes.NewReader(g.JPEG))
		if err != nil || img.Bounds().Dx() != img.Bounds().Dy() || img.Bounds().Dx() >= 600 {
			t.Fatalf("%s: %v, %v", name, img, err)
		}
		side := img.Bounds().Dx()
		for _, at := range []image.Point{{1, 2}, {3, 2}, {2, 1}, {2, 3}} { // in quarters
			if at.X == 2 && s.dark.X != 2 || at.X != 2 && s.dark.X == 2 {
				continue // on the edge between dark and light
			}
			grey := color.GrayModel.Convert(img.At(at.X*side/4, at.Y*side/4)).(color.Gray).Y
			if isDark := at == s.dark || s.dark.X == 3; isDark != (grey < 80) || !isDark && grey < 240 {
				t.Errorf("%s: at %v is %d", name, at, grey)
			}
		}
	}
}

func TestEdge13_OtherFormatsAreRefusedByName(t *testing.T) {
	t.Parallel()
	// Given files that cannot be decoded here, when they are sent, then each fails by the
	// name of its format before a call.
	r := edgeMini(t).start()
	for name, file := range map[string]string{
		"AVIF": "\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf" + strings.Repeat("x", 64),
		"HEIC": "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1" + strings.Repeat("x", 64),
		"SVG":  `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"></svg>`,
		"PDF":  "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
		"TIFF": "II*\x00\x08\x00\x00\x00" + strings.Repeat("\x00", 64),
	} {
		ref, err := r.ledger.StorePhoto(t.Context(), tasks.PhotoSource, []byte(file), time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		r.submit(name, tasks.Update{Photo: ref})
		reason := tasks.Reason("photo_unsupported_format")
		if name == "PDF" {
			reason = "photo_not_an_image"
		}
		if o := r.ends(name, tasks.Failed, reason, 0); !strings.Contains(o.Detail, name) {
			t.Errorf("%s: %q", name, o.Detail)
		}
	}
	r.wantAsked("")
}

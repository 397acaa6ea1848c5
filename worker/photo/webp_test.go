package photo_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/image/webp"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

// putCode writes a prefix code in which count symbols, a power of two, all have codes of length bits: the few bits of
// its description are what makes a bomb of many.
func (w *bitWriter) putCode(length, count uint) {
	order := []uint{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	w.put(0, 1)
	w.put(15, 4)
	for _, symbol := range order {
		if symbol == length {
			w.put(1, 3)
		} else {
			w.put(0, 3)
		}
	}
	w.put(1, 1) // not all lengths are stored:
	w.put(5, 3) // in twelve bits,
	w.put(count-2, 12)
}

// putReversed writes a code: those go most significant bit first.
func (w *bitWriter) putReversed(code, bits uint) {
	for i := range bits {
		w.put(code>>(bits-1-i)&1, 1)
	}
}

// manyTables makes the data of a sound VP8L picture that names so many groups of the largest tables.
func manyTables(width, height, groups int) []byte {
	var w bitWriter
	w.put(0x2f, 8)
	w.put(uint(width-1), 14)
	w.put(uint(height-1), 14)
	w.put(0, 4) // alpha, version
	w.put(0, 1) // no transform
	w.put(1, 1) // a colour cache
	w.put(11, 4)
	w.put(1, 1) // a map of tiles
	w.put(0, 3) // of 4 x 4
	w.put(0, 1) // without a colour cache
	w.putCode(8, 256)
	w.putCode(8, 256)
	for range 3 {
		w.put(1, 4) // a simple code of one symbol: 0
	}
	for i := range ((width + 3) / 4) * ((height + 3) / 4) {
		group := uint(min(i, groups-1))
		w.putReversed(group&255, 8)
		w.putReversed(group>>8, 8)
	}
	for range groups {
		w.putCode(11, 2048)
		for range 3 {
			w.putCode(8, 256)
		}
		w.putCode(5, 32)
	}
	for i := range width * height {
		w.putReversed(uint(i)&255, 11)
		w.putReversed(7, 8)
		w.putReversed(uint(i)>>8&255, 8)
		w.putReversed(255, 8)
	}
	return w.out
}

func TestMake_TableBomb(t *testing.T) {
	t.Parallel()
	// Given small pictures with 300 and with 2600 groups of code tables; when made; then the one is decoded (so the files
	// are sound), the other is refused, and as an alpha plane just the same.
	maker := newMaker(t, photo.Options{Side: 128})
	if _, err := maker.Make(t.Context(), riff(chunk("VP8L", manyTables(208, 208, 300)))); err != nil {
		t.Fatal(err)
	}
	bomb := manyTables(208, 208, 2600)
	alpha := append([]byte{1}, bomb[5:]...)
	for name, src := range map[string][]byte{
		"picture":            riff(chunk("VP8L", bomb)),
		"extended":           riff(extendedHeader(0, 208, 208), chunk("VP8L", bomb)),
		"alpha":              riff(extendedHeader(16, 208, 208), chunk("ALPH", alpha), chunk("VP8 ", make([]byte, 10))),
		"alpha, cut off":     riff(extendedHeader(16, 208, 208), chunk("ALPH", alpha)),
		"frame":              animation(208, 208, 0, 0, 208, 208, chunk("VP8L", bomb)),
		"alpha of a frame":   animation(208, 208, 0, 0, 208, 208, chunk("ALPH", alpha), chunk("VP8 ", make([]byte, 10))),
		"length that lies":   append([]byte("RIFF\xff\xff\xff\x7fWEBPVP8L\xf0\xff\xff\x7e"), bomb...),
		"behind other chunk": riff(extendedHeader(0, 208, 208), chunk("ICCP", []byte("x")), chunk("VP8L", bomb)),
	} {
		t.Log(name)
		_, err := maker.Make(t.Context(), src)
		if got := wantReason(t, err, photo.TooComplex); !got.Permanent() {
			t.Errorf("%v is not permanent", got)
		}
	}
	if !maker.Idle() {
		t.Error("memory was not given back")
	}
}

// Not parallel: it counts what the whole process allocates.
func TestMake_EstimateOfLosslessWebPHolds(t *testing.T) {
	// Given lossless pictures of many kinds; when decoded; then the estimate covers what the decoder allocates, and
	// exceeds it by less than a fifth where tables or pixels weigh.
	maker := newMaker(t, photo.Options{AllowSmall: true})
	sources := map[string][]byte{"tables": riff(chunk("VP8L", manyTables(208, 208, 400))), "flat": webpLossless(900, 900, red, 31)}
	files, err := filepath.Glob(filepath.Join(moduleDir(t), "testdata", "*.lossless.webp"))
	if err != nil || len(files) < 5 {
		t.Fatalf("got %d test pictures, %v", len(files), err)
	}
	for _, file := range files {
		sources[filepath.Base(file)] = readFile(t, filepath.Dir(file), filepath.Base(file))
	}
	for name, src := range sources {
		want, err := maker.DecodingCost(src)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := webp.Decode(bytes.NewReader(src)); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		const overhead = 64 << 10
		got := int64(after.TotalAlloc - before.TotalAlloc)
		if got > want+want/10+overhead || want > got+got/5+overhead {
			t.Errorf("%s: got %d bytes allocated, estimated %d", name, got, want)
		}
	}
}

// animation is a WebP of one frame, given as the chunks of its picture.
func animation(canvasWidth, canvasHeight, x, y, width, height int, picture ...[]byte) []byte {
	var frame []byte
	for _, v := range []int{x / 2, y / 2, width - 1, height - 1, 100} {
		frame = append(frame, byte(v), byte(v>>8), byte(v>>16))
	}
	frame = append(append(frame, 0), bytes.Join(picture, nil)...)
	second := chunk("ANMF", []byte("not looked at"))
	return riff(extendedHeader(2, canvasWidth, canvasHeight), chunk("ANIM", make([]byte, 6)), chunk("ANMF", frame), second)
}

func TestMake_AnimatedWebP(t *testing.T) {
	t.Parallel()
	purple, purpler := color.RGBA{120, 40, 160, 255}, color.RGBA{120, 140, 160, 255}
	still := func(width, height int) []byte { return webpLossless(width, height, purple, 140)[12:] }
	dir := filepath.Join(moduleDir(t), "testdata")
	lossy := readFile(t, dir, "yellow_rose.lossy.webp")
	rose, err := webp.DecodeConfig(bytes.NewReader(lossy))
	if err != nil {
		t.Fatal(err)
	}
	flower := readFile(t, dir, "yellow_rose.lossy-with-alpha.webp")[30:] // behind the extended header
	_, whole := makePhoto(t, photo.Options{Side: 128, AllowSmall: true}, lossy)
	middle := whole.At(64, 64)
	edge := min(rose.Width, rose.Height)
	for _, row := range []struct {
		name string
		src  []byte
		want [4]color.Color
	}{
		{"whole canvas", animation(300, 200, 0, 0, 300, 200, still(300, 200)), [4]color.Color{purple, purpler, purple, purpler}},
		{"frame at the bottom right", animation(400, 400, 200, 200, 200, 200, still(200, 200)), [4]color.Color{white, white, white, color.RGBA{120, 90, 160, 255}}},
		{"frame left of the square", animation(900, 300, 0, 0, 100, 300, still(100, 300)), [4]color.Color{white, white, white, white}},
		{"lossy frame at the bottom right", animation(2*edge, 2*edge, edge&^1, edge&^1, edge, edge, still(edge, edge)), [4]color.Color{white, white, white, color.RGBA{120, 90, 160, 255}}},
		{"lossy, beside the square", animation(rose.Width+2000, rose.Height+200, 0, 200, rose.Width, rose.Height, lossy[12:]), [4]color.Color{white, white, white, white}},
		{"lossy with alpha, beside the square", animation(rose.Width+2000, rose.Height+200, 0, 200, rose.Width, rose.Height, flower), [4]color.Color{white, white, white, white}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			made, img := makePhoto(t, photo.Options{Side: 128, AllowSmall: true}, row.src)
			if made.Source.Format != "webp" {
				t.Errorf("got source %+v", made.Source)
			}
			for i, c := range row.want {
				if i == 3 && c == (color.RGBA{120, 90, 160, 255}) {
					wantColour(t, img, 76, 96, purple)
					wantColour(t, img, 116, 96, purpler)
					continue
				}
				wantColour(t, img, 32+i%2*64, 32+i/2*64, c)
			}
		})
	}
	// And a lossy frame shows what the still picture shows, in its place.
	margin := 2 * (edge / 2)
	_, framed := makePhoto(t, photo.Options{Side: 128, AllowSmall: true},
		animation(rose.Width+2*margin, rose.Height+2*margin, margin, margin, rose.Width, rose.Height, lossy[12:]))
	got, want := color.GrayModel.Convert(framed.At(64, 64)).(color.Gray).Y, color.GrayModel.Convert(middle).(color.Gray).Y
	if max(got, want)-min(got, want) > 40 {
		t.Errorf("got grey %d in the middle, want about %d", got, want)
	}
	wantColour(t, framed, 10, 64, white)
}

func TestMake_BrokenAnimations(t *testing.T) {
	t.Parallel()
	picture := webpLossless(200, 200, red, 31)[12:]
	sound := animation(200, 200, 0, 0, 200, 200, picture)
	frameAt := bytes.Index(sound, []byte("ANMF"))
	for _, row := range []struct {
		name string
		src  []byte
		want photo.Reason
	}{
		{"frame beyond the right edge", animation(200, 200, 2, 0, 200, 200, picture), photo.Corrupt},
		{"frame beyond the bottom", animation(200, 200, 0, 2, 200, 200, picture), photo.Corrupt},
		{"place far away", animation(200, 200, 1<<24, 1<<24, 200, 200, picture), photo.Corrupt},
		{"picture of another size than its frame", animation(300, 300, 0, 0, 300, 300, picture), photo.Corrupt},
		{"frame without a picture", animation(200, 200, 0, 0, 200, 200), photo.Corrupt},
		{"frame cut in its header", sound[:frameAt+16], photo.Corrupt},
		{"frame cut in its picture", sound[:frameAt+60], photo.Corrupt},
		{"canvas too large", animation(16384, 16384, 0, 0, 200, 200, picture), photo.TooManyPixels},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, err := newMaker(t, photo.Options{}).Make(t.Context(), row.src)
			wantReason(t, err, row.want)
		})
	}
}

// pngClaims is a PNG whose header tells another size than it has.
func pngClaims(t testing.TB, width, height int, img image.Image) []byte {
	t.Helper()
	src := asPNG(t, img)
	const typeAt, sizeAt, sumAt = 12, 16, 29
	binary.BigEndian.PutUint32(src[sizeAt:], uint32(width))
	binary.BigEndian.PutUint32(src[sizeAt+4:], uint32(height))
	binary.BigEndian.PutUint32(src[sumAt:], crc32.ChecksumIEEE(src[typeAt:sumAt]))
	return src
}

func TestMake_LargestImagesFitTheBudget(t *testing.T) {
	t.Parallel()
	jpegClaims := func(width, height int, marker byte) []byte {
		return bytes.Join([][]byte{{0xff, 0xd8}, segment(marker, frameHeader(width, height, 3)), segment(0xda, []byte{1, 1, 0, 0, 63, 0})}, nil)
	}
	half := image.NewNRGBA(image.Rect(0, 0, 2, 2))
	lossless := webpLossless(200, 200, red, 31)
	binary.LittleEndian.PutUint32(lossless[21:], 4999|4999<<14) // the same codes, but 25 million pixels are missing
	for _, row := range []struct {
		name string
		src  []byte
	}{
		{"baseline JPEG, 50 MP", jpegClaims(8160, 6120, 0xc0)},
		{"progressive JPEG, 20 MP", jpegClaims(5472, 3648, 0xc2)},
		{"PNG with alpha, 25 MP", pngClaims(t, 5000, 5000, half)},
		{"PNG, 25 MP", pngClaims(t, 5000, 5000, painted(2, 2))},
		{"lossless WebP, 25 MP", lossless},
	} {
		need, err := newMaker(t, photo.Options{}).Memory(row.src)
		const budget, source = 160 << 20, 10 << 20 // the largest source comes on top
		if err != nil || need+source > budget || need < 60<<20 {
			t.Errorf("%s: got %d MiB, %v", row.name, need>>20, err)
		}
	}
}

func TestMake_WaitingForAPlaceIsNotDecoding(t *testing.T) {
	t.Parallel()
	// Given a maker whose places are all taken, and a caller who waits longer than decoding may take; when the caller
	// gives up; then its cause comes back, not the time limit; and when the places are free, it is made.
	maker := newMaker(t, photo.Options{Side: 128})
	leave := maker.Occupy()
	cause := errors.New("the caller gave up")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Millisecond, cause)
	defer cancel()
	src := asJPEG(t, painted(200, 200))
	if _, err := maker.Make(ctx, src); !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause", err)
	}
	leave()
	if _, err := maker.Make(t.Context(), src); err != nil {
		t.Error(err)
	}
}

package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// flatPNG is a sound PNG of one colour: hundreds of megabytes of pixels in some
// hundred kilobytes.
func flatPNG(t *testing.T, side int, depth, colourType byte, bytesPerPixel int) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	chunk := func(name string, data []byte) {
		body := append([]byte(name), data...)
		b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data))))
		b.Write(binary.BigEndian.AppendUint32(body, crc32.ChecksumIEEE(body)))
	}
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(side)), uint32(side))
	chunk("IHDR", append(header, depth, colourType, 0, 0, 0))
	chunk("IDAT", zeros(t, side*(1+side*bytesPerPixel)))
	chunk("IEND", nil)
	return b.Bytes()
}

// zeros is a zlib stream of so many zero bytes. From the second piece on, equal
// pieces compress to equal bytes, so that they need not be compressed again.
func zeros(t *testing.T, count int) []byte {
	t.Helper()
	const piece = 1 << 20
	var b bytes.Buffer
	z, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	write := func(n int) []byte {
		from := b.Len()
		if _, err := z.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		if err := z.Flush(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()[from:]
	}
	first := bytes.Clone(write(piece + count%piece))
	again := bytes.Clone(write(piece))
	stream := append([]byte{0x78, 0xda}, first...)
	stream = append(stream, bytes.Repeat(again, count/piece-1)...)
	stream = append(stream, 3, 0) // an empty last block
	return binary.BigEndian.AppendUint32(stream, uint32(count%65521)<<16|1)
}

func flatGIF(t *testing.T, side int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gif.Encode(&b, image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black}), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// flatJPEG is a sound JPEG of grey: with Go's tables a unit of 16 x 16 pixels
// without any coefficient takes four bytes.
func flatJPEG(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewYCbCr(image.Rect(0, 0, 16, 16), image.YCbCrSubsampleRatio420), nil); err != nil {
		t.Fatal(err)
	}
	src := b.Bytes()
	frame := bytes.Index(src, []byte{0xff, 0xc0})
	binary.BigEndian.PutUint16(src[frame+5:], uint16(height))
	binary.BigEndian.PutUint16(src[frame+7:], uint16(width))
	scan := bytes.Index(src, []byte{0xff, 0xda})
	src = src[:scan+2+int(binary.BigEndian.Uint16(src[scan+2:]))]
	src = append(src, bytes.Repeat([]byte{0x28, 0xa2, 0x8a, 0x00}, (width+15)/16*((height+15)/16))...)
	return append(src, 0xff, 0xd9)
}

// TestPhoto_HostileImagesStaySmall: sixteen pictures, each of which takes as much
// memory as a picture may, at the same time in one process.
func TestPhoto_HostileImagesStaySmall(t *testing.T) {
	if peakResident() == 0 {
		t.Skip("this system does not tell a process's memory")
	}
	path, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	// given the largest pictures of each kind that pass, and some that do not
	files := []string{
		file(t, "a.png", string(flatPNG(t, 5000, 8, 2, 3))), file(t, "b.png", string(flatPNG(t, 4200, 16, 6, 8))), file(t, "c.png", string(flatPNG(t, 5000, 16, 6, 8))),
		file(t, "d.png", string(flatPNG(t, 7000, 8, 6, 4))), file(t, "e.gif", string(flatGIF(t, 3000))), file(t, "f.jpg", string(flatJPEG(t, 8000, 6000))),
		file(t, "g.jpg", string(flatJPEG(t, 5000, 5000))), file(t, "h.jpg", string(flatJPEG(t, 9000, 9000))),
	}
	args := append([]string{"photo", "-o", "json"}, append(files, files...)...)
	// when all are made at once, with a place for each
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = []string{"GOMAXPROCS=" + strconv.Itoa(2*len(files))}
	out, _ := cmd.Output() // the exit code tells that some were refused
	// then each is a photo or refused, and the process never had more than the bar
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 2*len(files) {
		t.Fatalf("%d lines for %d files", len(lines), 2*len(files))
	}
	made, peak := 0, int64(0)
	for _, line := range lines {
		if o := object(t, line+"\n"); o["photo"] != nil {
			made++
			resident, _ := o["peakResidentBytes"].(float64)
			peak = max(peak, int64(resident))
		} else if !strings.Contains(line, "too_many_pixels") {
			t.Errorf("got %s", line)
		}
	}
	const bar = 256 << 20
	t.Logf("%d of %d made, %d MiB resident at most", made, len(lines), peak>>20)
	if made < len(files) || peak > bar || peak < 32<<20 {
		t.Errorf("%d of %d made, %d MiB resident at most; the bar is %d MiB", made, len(lines), peak>>20, bar>>20)
	}
}

package corpus_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/bmp"
	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

// side is that of a photo, in pixels.
const side = 592

// reference decodes src in the plainest way there is. It is false where the plain decoders can't.
func reference(format string, src []byte) (*image.RGBA, bool) {
	r := bytes.NewReader(src)
	var img image.Image
	var err error
	switch format {
	case "jpeg":
		img, err = jpeg.Decode(r)
	case "png":
		img, err = png.Decode(r)
	case "bmp":
		img, err = bmp.Decode(r)
	case "webp":
		if img, err = webp.Decode(r); err == nil {
			img = fullRange(img)
		}
	case "gif":
		var all *gif.GIF
		if all, err = gif.DecodeAll(r); err == nil {
			return onWhite(image.Rect(0, 0, all.Config.Width, all.Config.Height), all.Image[0]), true
		}
	}
	if err != nil {
		return nil, false
	}
	return onWhite(img.Bounds(), img), true
}

// fullRange gives the colours of a lossy WebP, whose luma is 16 to 235 and whose chroma is 16 to 240 (RFC 6386 section
// 9.2, ITU-R BT.601), while image.YCbCr takes both for 0 to 255. Other pictures are returned as they are.
func fullRange(img image.Image) image.Image {
	alpha, translucent := img.(*image.NYCbCrA)
	planes, lossy := img.(*image.YCbCr)
	if translucent {
		planes, lossy = &alpha.YCbCr, true
	}
	if !lossy {
		return img
	}
	out := image.NewNRGBA(img.Bounds())
	for y := out.Rect.Min.Y; y < out.Rect.Max.Y; y++ {
		for x := out.Rect.Min.X; x < out.Rect.Max.X; x++ {
			c := planes.YCbCrAt(x, y)
			luma := 255. / 219 * (float64(c.Y) - 16)
			blue, red := 255./224*(float64(c.Cb)-128), 255./224*(float64(c.Cr)-128)
			pixel := color.NRGBA{R: level(luma + 1.402*red), G: level(luma - 0.344136*blue - 0.714136*red), B: level(luma + 1.772*blue), A: 255}
			if translucent {
				pixel.A = alpha.A[alpha.AOffset(x, y)]
			}
			out.SetNRGBA(x, y, pixel)
		}
	}
	return out
}

func level(v float64) uint8 { return uint8(min(max(v+0.5, 0), 255)) }

// expected returns what a photo of the picture shows: the centred square, or all of a picture more than three times as
// long as it is wide, turned as the orientation says.
func expected(img *image.RGBA, orientation int) grid {
	width, height := img.Rect.Dx(), img.Rect.Dy()
	short, long := min(width, height), max(width, height)
	part := image.Rect(0, 0, short, short).Add(image.Pt((width-short)/2, (height-short)/2))
	if long > 3*short {
		part = image.Rect(0, 0, long, long).Sub(image.Pt((long-width)/2, (long-height)/2))
	}
	part = part.Add(img.Rect.Min)
	if part.Dx() < side {
		img, part = enlarged(img, part)
	}
	return average(img, part, cells).turn(orientation)
}

// enlarged brings a small part to the size of a photo: between smooth and blocky the means of cells differ.
func enlarged(img *image.RGBA, part image.Rectangle) (*image.RGBA, image.Rectangle) {
	whole := image.Rect(0, 0, side, side)
	out := onWhite(whole, image.NewRGBA(whole))
	seen := part.Intersect(img.Rect)
	scale := float64(side) / float64(part.Dx())
	at := func(v int) int { return int(float64(v)*scale + 0.5) }
	room := image.Rect(0, 0, max(1, at(seen.Dx())), max(1, at(seen.Dy())))
	room = room.Add(image.Pt((side-room.Dx())/2, (side-room.Dy())/2))
	xdraw.CatmullRom.Scale(out, room, img, seen, draw.Src, nil)
	return out, whole
}

// shown returns the finished photo as a grid.
func shown(made photo.Photo, n int) (grid, error) {
	img, err := jpeg.Decode(bytes.NewReader(made.JPEG))
	if err != nil {
		return grid{}, err
	}
	return average(onWhite(img.Bounds(), img), img.Bounds(), n), nil
}

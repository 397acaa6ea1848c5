package photo

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"
)

// webpFacts is what WebP's container tells without decoding.
type webpFacts struct {
	animated bool
	frame    image.Rectangle // where the first frame of an animation lies on the canvas
	wrapper  []byte          // of an animation: the header that makes its first frame a picture of its own
	chunks   []byte          // the picture's chunks, the alpha plane first if there is one
}

const riffSignature, riffFrame = 12, 8 // bytes before the first chunk; id and length of a chunk

// nextChunk splits the first chunk off. A chunk that is cut off is as long as what is left of it: decoders begin it too.
func nextChunk(rest []byte) (id string, data, after []byte) {
	if len(rest) < riffFrame {
		return "", nil, nil
	}
	length := int64(binary.LittleEndian.Uint32(rest[4:]))
	end := min(riffFrame+length, int64(len(rest)))
	return string(rest[:4]), rest[riffFrame:end], rest[min(end+length%2, int64(len(rest))):]
}

// walkWebP finds the picture, or the first frame of an animation. It fails where an animation contradicts itself; what
// else is wrong the decoder will tell.
func walkWebP(src []byte) (webpFacts, *Error) {
	chunks := src[min(riffSignature, len(src)):]
	id, canvas, rest := nextChunk(chunks)
	const animationFlag = 2
	if id != "VP8X" || len(canvas) < 10 || canvas[0]&animationFlag == 0 {
		return webpFacts{chunks: chunks}, nil
	}
	for len(rest) >= riffFrame {
		var data []byte
		if id, data, rest = nextChunk(rest); id == "ANMF" {
			return firstFrame(canvas, data)
		}
	}
	return webpFacts{}, refuse(Corrupt, "the animated WebP has no frame; export it again")
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// firstFrame reads an animation's frame: its place, and its chunks, which a header of their own turns into a picture.
func firstFrame(canvas, data []byte) (webpFacts, *Error) {
	const frameHeaderBytes = 16
	if len(data) < frameHeaderBytes {
		return webpFacts{}, refuse(Corrupt, "the animated WebP is cut off; export it again")
	}
	width, height := uint24(data[6:])+1, uint24(data[9:])+1
	at := image.Pt(2*uint24(data), 2*uint24(data[3:])) // stored halved
	facts := webpFacts{
		animated: true, frame: image.Rectangle{Min: at, Max: at.Add(image.Pt(width, height))}, chunks: data[frameHeaderBytes:],
	}
	if !facts.frame.In(image.Rect(0, 0, uint24(canvas[4:])+1, uint24(canvas[7:])+1)) {
		return webpFacts{}, refuse(Corrupt, "the animated WebP's first frame reaches beyond its canvas; export it again")
	}
	const alphaFlag = 16
	var flags byte
	if alpha, _, _ := facts.picture(); alpha != nil {
		flags = alphaFlag
	}
	extended := []byte{'V', 'P', '8', 'X', 10, 0, 0, 0, flags, 0, 0, 0}
	extended = append(append(extended, data[6:9]...), data[9:12]...)
	facts.wrapper = binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+len(extended)+len(facts.chunks)))
	facts.wrapper = append(append(facts.wrapper, "WEBP"...), extended...)
	return facts, nil
}

// picture returns the alpha plane's data, or nil, and the kind and data of the picture: what the decoder stops at.
func (f *webpFacts) picture() (alpha []byte, kind string, data []byte) {
	for rest := f.chunks; len(rest) >= riffFrame; {
		if kind, data, rest = nextChunk(rest); kind == "VP8 " || kind == "VP8L" {
			return alpha, kind, data
		}
		if kind == "ALPH" && alpha == nil {
			alpha = data
		}
	}
	return alpha, "", nil
}

// open returns the picture as a file that holds nothing else.
func (f *webpFacts) open(src []byte) io.Reader {
	if !f.animated {
		return bytes.NewReader(src)
	}
	return io.MultiReader(bytes.NewReader(f.wrapper), bytes.NewReader(f.chunks))
}

// cost estimates the decoder's memory for a picture of width x height. What is stored lossless is walked for it, and a
// walk that fails means that decoding would fail at the same place.
func (f *webpFacts) cost(width, height int, stop func() error) (cost, error) {
	const alphaHeaderBytes, compressed, lossless = 1, 1, "VP8L"
	const vp8lHeaderBytes = 5
	pixels := int64(width) * int64(height)
	alpha, kind, data := f.picture()
	total := cost{kept: 3 * pixels / 2, scratch: pixels / 16}
	if kind == lossless {
		walked, err := walkLossless(data[min(vp8lHeaderBytes, len(data)):], width, height, stop)
		if err != nil {
			return cost{}, err
		}
		total = walked
	}
	if alpha != nil {
		total.kept += pixels
		if len(alpha) > alphaHeaderBytes && alpha[0]&3 == compressed {
			walked, err := walkLossless(alpha[alphaHeaderBytes:], width, height, stop)
			if err != nil {
				return cost{}, err
			}
			total.scratch += walked.kept + walked.scratch
			total.tables += walked.tables
		}
	}
	return total, nil
}

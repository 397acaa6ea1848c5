package photo

import (
	"bytes"
	"encoding/binary"
)

const (
	exifPrefix  = "Exif\x00\x00"
	upright     = 1
	orientation = 0x0112 // the EXIF tag
)

// orientationOf returns the EXIF orientation, 1 to 8. Missing or broken EXIF is 1, never an error: the picture matters
// more than its papers.
func orientationOf(h *header, src []byte) int {
	switch h.format {
	case formatJPEG:
		return tiffOrientation(h.jpeg.exif)
	case formatPNG:
		return tiffOrientation(pngChunk(src, "eXIf"))
	case formatWebP:
		return tiffOrientation(bytes.TrimPrefix(riffChunk(src, "EXIF"), []byte(exifPrefix)))
	}
	return upright
}

// orientationIn reads the entry's value: one SHORT by the standard, or one LONG by some programs.
func orientationIn(entry []byte, order binary.ByteOrder) int {
	const short, long = 3, 4
	var value uint32
	switch order.Uint16(entry[2:]) {
	case short:
		value = uint32(order.Uint16(entry[8:]))
	case long:
		value = order.Uint32(entry[8:])
	}
	if order.Uint32(entry[4:]) != 1 || value < 1 || value > 8 {
		return upright
	}
	return int(value)
}

// tiffOrientation reads one number from the first directory of a TIFF structure.
func tiffOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	start := int64(order.Uint32(tiff[4:]))
	if start+2 > int64(len(tiff)) {
		return upright
	}
	const entryBytes = 12
	entries := tiff[start+2:]
	for range order.Uint16(tiff[start:]) {
		if len(entries) < entryBytes {
			return upright
		}
		if order.Uint16(entries) == orientation {
			return orientationIn(entries, order)
		}
		entries = entries[entryBytes:]
	}
	return upright
}

// pngChunk returns the data of the first chunk of the type, or nil.
func pngChunk(src []byte, chunkType string) []byte {
	const signature, frame = 8, 12 // length, type and checksum around the data
	for rest := src[min(signature, len(src)):]; len(rest) >= frame; {
		length := int64(binary.BigEndian.Uint32(rest))
		if length > int64(len(rest)-frame) {
			return nil
		}
		if string(rest[4:8]) == chunkType {
			return rest[8 : 8+length]
		}
		rest = rest[frame+length:]
	}
	return nil
}

// riffChunk returns the data of the first chunk with the id, or nil.
func riffChunk(src []byte, id string) []byte {
	const signature, frame = 12, 8
	for rest := src[min(signature, len(src)):]; len(rest) >= frame; {
		length := int64(binary.LittleEndian.Uint32(rest[4:]))
		if length > int64(len(rest)-frame) {
			return nil
		}
		if string(rest[:4]) == id {
			return rest[frame : frame+length]
		}
		rest = rest[min(frame+length+length%2, int64(len(rest))):]
	}
	return nil
}

// turn returns a square of side x side pixels, of so many bytes each, as the orientation wants it seen. A centred square
// commutes with all eight, so this is done on the small result.
func turn(pix []byte, side, bytes, orientation int) []byte {
	last := side - 1
	var from func(x, y int) (int, int)
	switch orientation {
	case 2: // mirrored
		from = func(x, y int) (int, int) { return last - x, y }
	case 3: // upside down
		from = func(x, y int) (int, int) { return last - x, last - y }
	case 4: // upside down, mirrored
		from = func(x, y int) (int, int) { return x, last - y }
	case 5: // on its side, mirrored
		from = func(x, y int) (int, int) { return y, x }
	case 6: // to be turned clockwise
		from = func(x, y int) (int, int) { return y, last - x }
	case 7: // on the other side, mirrored
		from = func(x, y int) (int, int) { return last - y, last - x }
	case 8: // to be turned anticlockwise
		from = func(x, y int) (int, int) { return last - y, x }
	default:
		return pix
	}
	turned := make([]byte, 0, len(pix))
	for y := range side {
		for x := range side {
			sx, sy := from(x, y)
			turned = append(turned, pix[(sy*side+sx)*bytes:][:bytes]...)
		}
	}
	return turned
}

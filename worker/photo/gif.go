package photo

// gifAnimated reports whether a GIF has a second frame. It walks over the blocks without unpacking them; where they make
// no sense, the walk ends.
func gifAnimated(src []byte) bool {
	const (
		extension, frame = 0x21, 0x2c
		screenBytes      = 13 // signature, sides, flags, background, aspect
		frameBytes       = 10 // separator, place, size, flags
	)
	if len(src) < screenBytes {
		return false
	}
	pos := screenBytes + colourTable(src[10])
	for frames := 0; pos+frameBytes <= len(src); {
		switch src[pos] {
		case extension:
			pos += 2 // and its label
		case frame:
			if frames++; frames > 1 {
				return true
			}
			pos += frameBytes + colourTable(src[pos+frameBytes-1]) + 1 // and the size of its codes
		default:
			return false
		}
		for pos < len(src) && src[pos] != 0 {
			pos += 1 + int(src[pos])
		}
		pos++
	}
	return false
}

// colourTable returns the length in bytes of the table that flags announce.
func colourTable(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

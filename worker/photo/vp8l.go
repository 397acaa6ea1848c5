package photo

import (
	"errors"
	"slices"
)

// The alphabets of WebP's lossless format: green with length codes, red, blue, alpha, distance.
var alphabets = [5]int{256 + 24, 256, 256, 256, 40}

// What golang.org/x/image/vp8l allocates: a group of five tables, two nodes for a symbol, and an alphabet's lengths and codes,
// which are built into a table or, in a group that is never used, thrown away.
const (
	groupBytes    = 5 * (512 + 24)
	symbolBytes   = 16
	alphabetBytes = 8
	maxGroups     = 2600 // libwebp writes no more and vp8l reads no more
)

var errLossless = errors.New("its lossless data are invalid")

// losslessWalk reads the head of a lossless picture: everything that stands before its pixels. Only that tells how much
// memory the decoder will take, because a file of 270 KB may hold tables of 130 MB.
type losslessWalk struct {
	src  []byte
	bit  int
	stop func() error
	cost cost

	// Used again and again: a walk is made before its file has memory of its own.
	tables  [5]prefixCode
	inner   prefixCode
	lengths []uint8
	pixels  []uint32
}

// walkLossless returns the decoder's cost for the data behind the five bytes of VP8L's header. It fails with errLossless
// where the decoder would fail, too, and with what stop returns, which is asked now and then.
func walkLossless(src []byte, width, height int, stop func() error) (cost, error) {
	w := &losslessWalk{src: src, stop: stop}
	packed, err := w.transforms(width, height)
	if err != nil {
		return cost{}, err
	}
	pixels := int64(height) * 4
	if packed != width {
		w.cost.scratch += int64(packed) * pixels // unpacking makes a second picture
	}
	w.cost.kept = int64(width) * pixels
	cacheBits, err := w.cacheBits()
	if err != nil {
		return cost{}, err
	}
	if err := w.metaTables(packed, height, cacheBits); err != nil {
		return cost{}, err
	}
	w.cost.scratch += w.cost.tables
	return w.cost, nil
}

// bits reads n bits, least significant first; n is at most 24.
func (w *losslessWalk) bits(n int) (int, error) {
	if w.bit+n > 8*len(w.src) {
		return 0, errLossless
	}
	value := 0
	for i := range n {
		value |= int(w.src[w.bit>>3]>>(w.bit&7)&1) << i
		w.bit++
	}
	return value, nil
}

func tiles(size, bits int) int { return (size + 1<<bits - 1) >> bits }

// transforms skips the transforms and returns the width of the stored picture: few colours are packed.
func (w *losslessWalk) transforms(width, height int) (int, error) {
	const subtractGreen, colourIndexing = 2, 3
	var seen [4]bool
	for {
		more, err := w.bits(1)
		if err != nil || more == 0 {
			return width, err
		}
		kind, err := w.bits(2)
		if err != nil || seen[kind] {
			return 0, errLossless
		}
		seen[kind] = true
		switch kind {
		case subtractGreen:
		case colourIndexing:
			colours, err := w.bits(8)
			if err != nil {
				return 0, err
			}
			colours++
			if _, err := w.picture(colours, 1); err != nil {
				return 0, err
			}
			switch {
			case colours <= 2:
				width = tiles(width, 3)
			case colours <= 4:
				width = tiles(width, 2)
			case colours <= 16:
				width = tiles(width, 1)
			}
		default:
			bits, err := w.bits(3)
			if err != nil {
				return 0, err
			}
			if _, err := w.picture(tiles(width, bits+2), tiles(height, bits+2)); err != nil {
				return 0, err
			}
		}
	}
}

// cacheBits reads the size of the colour cache; 0 means that there is none.
func (w *losslessWalk) cacheBits() (int, error) {
	used, err := w.bits(1)
	if err != nil || used == 0 {
		return 0, err
	}
	bits, err := w.bits(4)
	if err != nil || bits < 1 || bits > 11 {
		return 0, errLossless
	}
	return bits, nil
}

// metaTables charges the tables of the picture proper: one group, or as many as its map of tiles names.
func (w *losslessWalk) metaTables(width, height, cacheBits int) error {
	named := []bool{true}
	useMap, err := w.bits(1)
	if err != nil {
		return err
	}
	if useMap == 1 {
		bits, err := w.bits(3)
		if err != nil {
			return err
		}
		pixels, err := w.picture(tiles(width, bits+2), tiles(height, bits+2))
		if err != nil {
			return err
		}
		named = make([]bool, maxGroups)
		highest := 0
		for _, pixel := range pixels {
			group := int(pixel >> 8 & 0xffff)
			if group >= maxGroups {
				return errLossless
			}
			named[group] = true
			highest = max(highest, group)
		}
		named = named[:highest+1]
		if highest < 1000 && highest < len(pixels) {
			for i := range named { // the decoder then builds the unnamed ones, too
				named[i] = true
			}
		}
	}
	for _, build := range named {
		if err := w.group(cacheBits, build); err != nil {
			return err
		}
	}
	return nil
}

// group reads and charges the five tables of a group. Those that aren't built are only read.
func (w *losslessWalk) group(cacheBits int, build bool) error {
	if err := w.stop(); err != nil {
		return err
	}
	if build {
		w.cost.tables += groupBytes
	}
	for i, alphabet := range alphabets {
		if i == 0 && cacheBits > 0 {
			alphabet += 1 << cacheBits
		}
		if err := w.code(&w.tables[i], alphabet, build); err != nil {
			return err
		}
		if build {
			w.cost.tables += symbolBytes * int64(len(w.tables[i].symbols))
		}
	}
	return nil
}

// backward lists the 120 nearest pixels above and to the left, as (x to the left, y up), nearest first.
var backward = nearestPixels()

func nearestPixels() [][2]int {
	var out [][2]int
	for y := range 8 {
		for x := -7; x <= 8; x++ {
			if y > 0 || x > 0 {
				out = append(out, [2]int{x, y})
			}
		}
	}
	slices.SortFunc(out, func(a, b [2]int) int {
		if d := a[0]*a[0] + a[1]*a[1] - b[0]*b[0] - b[1]*b[1]; d != 0 {
			return d
		}
		if a[1] != b[1] {
			return b[1] - a[1]
		}
		return b[0] - a[0]
	})
	return out
}

// picture decodes one of the small pictures that describe the large one. Its pixels are ARGB and last until the next.
func (w *losslessWalk) picture(width, height int) ([]uint32, error) {
	cacheBits, err := w.cacheBits()
	if err != nil {
		return nil, err
	}
	if err := w.group(cacheBits, true); err != nil {
		return nil, err
	}
	group, size := &w.tables, width*height
	w.cost.scratch += 4 * int64(size)
	if cap(w.pixels) < size {
		w.pixels = make([]uint32, 0, size)
		w.cost.scratch += 4 * int64(size)
	}
	pixels := w.pixels[:0:size]
	cache := colourCache{bits: cacheBits}
	for asked := 0; len(pixels) < cap(pixels); asked++ {
		if asked&0xfff == 0 {
			if err := w.stop(); err != nil {
				return nil, err
			}
		}
		green, err := w.symbol(&group[0])
		if err != nil {
			return nil, err
		}
		switch {
		case green < 256:
			var pixel uint32
			if pixel, err = w.literal(group, green); err == nil {
				pixels = append(pixels, pixel)
			}
		case green < 256+24:
			pixels, err = w.copied(&group[4], green-256, width, pixels)
		default:
			pixels = append(pixels, cache.at(green-256-24, pixels))
		}
		if err != nil {
			return nil, err
		}
	}
	return pixels, nil
}

func (w *losslessWalk) literal(group *[5]prefixCode, green int) (uint32, error) {
	var channel [3]int // red, blue, alpha
	for i := range channel {
		value, err := w.symbol(&group[i+1])
		if err != nil {
			return 0, err
		}
		channel[i] = value
	}
	return uint32(channel[2])<<24 | uint32(channel[0])<<16 | uint32(green)<<8 | uint32(channel[1]), nil
}

// copied appends a stretch of earlier pixels.
func (w *losslessWalk) copied(distances *prefixCode, lengthSymbol, width int, pixels []uint32) ([]uint32, error) {
	length, err := w.number(lengthSymbol)
	if err != nil {
		return nil, err
	}
	symbol, err := w.symbol(distances)
	if err != nil {
		return nil, err
	}
	distance, err := w.number(symbol)
	if err != nil {
		return nil, err
	}
	if distance <= len(backward) {
		near := backward[distance-1]
		distance = max(1, near[1]*width+near[0])
	} else {
		distance -= len(backward)
	}
	if distance > len(pixels) || length > cap(pixels)-len(pixels) {
		return nil, errLossless
	}
	for range length {
		pixels = append(pixels, pixels[len(pixels)-distance])
	}
	return pixels, nil
}

// number reads the rest of a length or distance, which is at least 1.
func (w *losslessWalk) number(symbol int) (int, error) {
	if symbol < 4 {
		return symbol + 1, nil
	}
	extra := (symbol - 2) >> 1
	rest, err := w.bits(extra)
	return (2+symbol&1)<<extra + rest + 1, err
}

// colourCache holds recent colours by their hash. It takes pixels in as late as it is asked.
type colourCache struct {
	bits    int
	entries []uint32
	taken   int
}

func (c *colourCache) at(index int, pixels []uint32) uint32 {
	if c.entries == nil {
		c.entries = make([]uint32, 1<<c.bits)
	}
	for ; c.taken < len(pixels); c.taken++ {
		c.entries[pixels[c.taken]*0x1e35a7bd>>(32-c.bits)] = pixels[c.taken]
	}
	return c.entries[index]
}

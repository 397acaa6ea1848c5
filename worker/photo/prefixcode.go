package photo

import "slices"

// prefixCode is a canonical prefix code of WebP's lossless format.
type prefixCode struct {
	counts  [16]int  // codes of each length
	symbols []uint16 // by length, then by value; a single symbol takes no bits
}

// symbol reads one symbol.
func (w *losslessWalk) symbol(p *prefixCode) (int, error) {
	if len(p.symbols) == 1 {
		return int(p.symbols[0]), nil
	}
	code, first, index := 0, 0, 0
	for _, count := range p.counts[1:] {
		bit, err := w.bits(1)
		if err != nil {
			return 0, err
		}
		code |= bit
		if code-first < count {
			return int(p.symbols[index+code-first]), nil
		}
		index += count
		first = (first + count) << 1
		code <<= 1
	}
	return 0, errLossless
}

// code reads the description of a code into p. One that isn't to be built may be invalid, as the decoder doesn't look.
func (w *losslessWalk) code(p *prefixCode, alphabet int, build bool) error {
	simple, err := w.bits(1)
	if err != nil {
		return err
	}
	if simple == 1 {
		return w.simpleCode(p, alphabet, build)
	}
	if err := w.readLengths(alphabet); err != nil || !build {
		return err
	}
	return p.build(w.lengths)
}

// simpleCode reads a code of one or two symbols.
func (w *losslessWalk) simpleCode(p *prefixCode, alphabet int, build bool) error {
	head, err := w.bits(2)
	if err != nil {
		return err
	}
	width := 1
	if head>>1 == 1 {
		width = 8
	}
	*p = prefixCode{symbols: p.symbols[:0]}
	for range head&1 + 1 {
		symbol, err := w.bits(width)
		if err != nil || build && symbol >= alphabet {
			return errLossless
		}
		p.symbols = append(p.symbols, uint16(symbol))
		width = 8
	}
	p.counts[1] = len(p.symbols)
	return nil
}

// lengthOrder is the order in which the lengths of the code for lengths are stored.
var lengthOrder = [19]int{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// readLengths reads a code's lengths, which are stored in a code of their own.
func (w *losslessWalk) readLengths(alphabet int) error {
	count, err := w.bits(4)
	if err != nil || count+4 > len(lengthOrder) {
		return errLossless
	}
	var inner [len(lengthOrder)]uint8
	for _, at := range lengthOrder[:count+4] {
		length, err := w.bits(3)
		if err != nil {
			return err
		}
		inner[at] = uint8(length)
	}
	if err := w.inner.build(inner[:]); err != nil {
		return err
	}
	left, err := w.lengthCount(alphabet)
	if err != nil {
		return err
	}
	w.cost.tables += alphabetBytes * int64(alphabet)
	out := w.lengths[:0]
	for previous := uint8(8); left > 0 && len(out) < alphabet; left-- {
		symbol, err := w.symbol(&w.inner)
		if err != nil {
			return err
		}
		if symbol < 16 {
			if out = append(out, uint8(symbol)); symbol != 0 {
				previous = uint8(symbol)
			}
			continue
		}
		repeat := [3]struct{ bits, least int }{{2, 3}, {3, 3}, {7, 11}}[symbol-16]
		times, err := w.bits(repeat.bits)
		if times += repeat.least; err != nil || times > alphabet-len(out) {
			return errLossless
		}
		for range times {
			if symbol == 16 {
				out = append(out, previous)
			} else {
				out = append(out, 0)
			}
		}
	}
	w.lengths = out
	return nil
}

// lengthCount reads how many lengths are stored; the rest are zero.
func (w *losslessWalk) lengthCount(alphabet int) (int, error) {
	limited, err := w.bits(1)
	if err != nil || limited == 0 {
		return alphabet, err
	}
	width, err := w.bits(3)
	if err != nil {
		return 0, err
	}
	count, err := w.bits(2 + 2*width)
	if err != nil || count+2 > alphabet {
		return 0, errLossless
	}
	return count + 2, nil
}

// build makes p the canonical code of the lengths. It must be complete, or have one symbol only.
func (p *prefixCode) build(lengths []uint8) error {
	p.counts = [16]int{}
	var next [16]int
	for _, length := range lengths {
		p.counts[length]++
	}
	p.counts[0] = 0
	total, space := 0, 0
	for length := 1; length < len(next); length++ {
		next[length] = total
		total += p.counts[length]
		space += p.counts[length] << (15 - length)
	}
	if total == 0 || total > 1 && space != 1<<15 {
		return errLossless
	}
	p.symbols = slices.Grow(p.symbols[:0], total)[:total]
	for symbol, length := range lengths {
		if length > 0 {
			p.symbols[next[length]] = uint16(symbol)
			next[length]++
		}
	}
	return nil
}

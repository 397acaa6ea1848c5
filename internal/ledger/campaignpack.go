package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/plugchat-go/groupphoto/tasks"
)

// packVersion is the first byte of every packed chunk.
const packVersion = 1

// What the first byte of a packed row says. The two lowest bits are the form of
// its group id.
const (
	groupText   = 0 // length and text
	groupNew    = 1 // <8 bytes>-group
	groupOld    = 2 // <8 bytes>-<4 bytes>
	groupForm   = 3
	hasPhoto    = 1 << 2 // the number of its photo follows; else it is the chunk's first
	hasRef      = 1 << 3
	hasExtra    = 1 << 4
	lineFollows = 1 << 5 // how far its line is behind the one before; else 1
)

var errPacked = errors.New("a packed chunk of rows cannot be read")

// packer packs the rows of one chunk.
type packer struct {
	account string
	chunk   int64
	count   int
	first   int64 // line of the first row
	line    int64 // of the last row
	photos  []string
	rows    []byte
}

func (p *packer) add(r CampaignRow) {
	var flags byte
	if p.count == 0 {
		p.first = r.Line
	} else if r.Line != p.line+1 {
		flags |= lineFollows
	}
	photo := p.photo(r.Photo.Wire())
	if photo != 0 {
		flags |= hasPhoto
	}
	if r.Ref != "" {
		flags |= hasRef
	}
	if r.Extra != "" {
		flags |= hasExtra
	}
	form, head, tail := groupNumbers(string(r.Group))
	b := append(p.rows, flags|form)
	if flags&lineFollows != 0 {
		b = binary.AppendUvarint(b, uint64(r.Line-p.line)) //nolint:gosec // lines rise
	}
	switch form {
	case groupNew:
		b = binary.BigEndian.AppendUint64(b, head)
	case groupOld:
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, head), tail)
	default:
		b = appendText(b, string(r.Group))
	}
	if photo != 0 {
		b = binary.AppendUvarint(b, uint64(photo)) //nolint:gosec // an index
	}
	if r.Ref != "" {
		b = appendText(b, r.Ref)
	}
	if r.Extra != "" {
		b = appendText(b, r.Extra)
	}
	p.rows, p.line = b, r.Line
	p.count++
}

// photo numbers the photos of a chunk. Neighbours mostly share theirs.
func (p *packer) photo(text string) int {
	for i := len(p.photos) - 1; i >= max(0, len(p.photos)-4); i-- {
		if p.photos[i] == text {
			return i
		}
	}
	p.photos = append(p.photos, text)
	return len(p.photos) - 1
}

// bytes returns the packed chunk.
func (p *packer) bytes() []byte {
	b := make([]byte, 0, len(p.rows)+128)
	b = append(b, packVersion)
	b = binary.AppendUvarint(b, uint64(p.first)) //nolint:gosec // not negative
	b = binary.AppendUvarint(b, uint64(p.line))  //nolint:gosec // not negative
	b = binary.AppendUvarint(b, uint64(p.count)) //nolint:gosec // a count
	b = binary.AppendUvarint(b, uint64(len(p.photos)))
	for _, photo := range p.photos {
		b = appendText(b, photo)
	}
	return append(b, p.rows...)
}

// groupNumbers reads the numbers of a group id, if they are written as we would
// write them.
func groupNumbers(id string) (form byte, head uint64, tail uint32) {
	front, back, ok := strings.Cut(id, "-")
	if !ok || front == "" || front[0] == '0' {
		return groupText, 0, 0
	}
	head, err := strconv.ParseUint(front, 10, 64)
	if err != nil {
		return groupText, 0, 0
	}
	if back == "group" {
		return groupNew, head, 0
	}
	t, err := strconv.ParseUint(back, 10, 32)
	if err != nil || back[0] == '0' || back[0] == '+' {
		return groupText, 0, 0
	}
	return groupOld, head, uint32(t)
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// unpack reads a packed chunk. The rows' account is not in it.
func unpack(account string, b []byte) ([]CampaignRow, error) {
	u := unpacker{rest: b}
	if u.byte() != packVersion {
		return nil, fmt.Errorf("it begins unlike version %d: %w", packVersion, errPacked)
	}
	line, _ := u.lines()
	count, known := u.number(), u.number()
	if u.bad || count > chunkWidth || known > chunkWidth {
		return nil, errPacked
	}
	photos := make([]tasks.PhotoRef, known)
	for i := range photos {
		ref, err := tasks.ParsePhoto(u.text())
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errPacked, err)
		}
		photos[i] = ref
	}
	rows := make([]CampaignRow, count)
	for i := range rows {
		rows[i] = u.row(line, photos)
		rows[i].Account, line = account, rows[i].Line+1
	}
	if u.bad || len(u.rest) > 0 {
		return nil, errPacked
	}
	return rows, nil
}

// unpacker reads one field after the other; after a bad one it gives zeros.
type unpacker struct {
	rest []byte
	bad  bool
}

// packedHead is how much of a packed chunk holds its lines, at most.
const packedHead = 1 + 2*binary.MaxVarintLen64

// linesOf reads the first and the last line from the beginning of a packed chunk.
func linesOf(head string) (first, last int64) {
	u := unpacker{rest: []byte(head)}
	u.byte()
	return u.lines()
}

func (u *unpacker) lines() (first, last int64) {
	first, last = int64(u.number()), int64(u.number()) //nolint:gosec // written from an int64
	return first, last
}

func (u *unpacker) row(line int64, photos []tasks.PhotoRef) (r CampaignRow) {
	flags := u.byte()
	if r.Line = line; flags&lineFollows != 0 {
		r.Line = line - 1 + int64(u.number()) //nolint:gosec // written from an int64
	}
	switch flags & groupForm {
	case groupNew:
		r.Group = tasks.GroupID(strconv.FormatUint(u.fixed(8), 10) + "-group")
	case groupOld:
		head := strconv.FormatUint(u.fixed(8), 10)
		r.Group = tasks.GroupID(head + "-" + strconv.FormatUint(u.fixed(4), 10))
	default:
		r.Group = tasks.GroupID(u.text())
	}
	var photo uint64
	if flags&hasPhoto != 0 {
		photo = u.number()
	}
	if photo >= uint64(len(photos)) {
		u.bad = true
		return r
	}
	r.Photo = photos[photo]
	if flags&hasRef != 0 {
		r.Ref = u.text()
	}
	if flags&hasExtra != 0 {
		r.Extra = u.text()
	}
	return r
}

func (u *unpacker) take(n uint64) []byte {
	if n > uint64(len(u.rest)) {
		u.bad, u.rest = true, nil
		return nil
	}
	b := u.rest[:n]
	u.rest = u.rest[n:]
	return b
}

func (u *unpacker) byte() byte { return byte(u.fixed(1)) } //nolint:gosec // one byte

func (u *unpacker) fixed(width uint64) (n uint64) {
	for _, b := range u.take(width) {
		n = n<<8 | uint64(b)
	}
	return n
}

func (u *unpacker) number() uint64 {
	n, width := binary.Uvarint(u.rest)
	if width <= 0 {
		u.bad, u.rest = true, nil
		return 0
	}
	u.rest = u.rest[width:]
	return n
}

func (u *unpacker) text() string { return string(u.take(u.number())) }

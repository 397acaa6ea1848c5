package sheet

import (
	"hash/maphash"
	"strconv"
	"strings"

	"github.com/plugchat-go/groupphoto/tasks"
)

// shards divide the table of groups, so that only a 256th of it is copied at a
// time while it grows.
const shards = 256

// seen knows the groups of the rows so far, exactly: a group id fits into 96 bits.
// A group costs 20 bytes, 24 to 30 with the free places that finding it needs.
type seen struct {
	seed     maphash.Seed
	shards   [shards]shard
	numbers  map[string]uint32 // of accounts
	accounts []string
}

type shard struct {
	places []place
	used   int
}

// place holds one group with the line and the account of its row. Line 0 is free.
type place struct {
	id      packed
	line    uint32
	account uint32
}

func newSeen() *seen {
	return &seen{seed: maphash.MakeSeed(), numbers: map[string]uint32{}}
}

// add enters a group, unless it is there already: then it returns the line and
// the account of the row that has it.
func (s *seen) add(group tasks.GroupID, account string, line int) (otherLine int, otherAccount string, fresh bool) {
	number, ok := s.numbers[account]
	if !ok {
		account = strings.Clone(account) // it hangs on a whole record
		number = uint32(len(s.accounts))
		s.numbers[account], s.accounts = number, append(s.accounts, account)
	}
	id := pack(group)
	hash := maphash.Comparable(s.seed, id)
	h := &s.shards[hash%shards]
	if h.used*100 >= len(h.places)*85 {
		h.grow(s.seed)
	}
	p := h.find(id, hash)
	if p.line != 0 {
		return int(p.line), s.accounts[p.account], false
	}
	*p = place{id, uint32(line), number} //nolint:gosec // 4 billion lines of a sheet are out of reach
	h.used++
	return 0, "", true
}

// account returns the account under which a group was entered; known is false when
// it was not.
func (s *seen) account(group tasks.GroupID) (account string, known bool) {
	id := pack(group)
	hash := maphash.Comparable(s.seed, id)
	h := &s.shards[hash%shards]
	if h.used == 0 {
		return "", false
	}
	p := h.find(id, hash)
	if p.line == 0 {
		return "", false
	}
	return s.accounts[p.account], true
}

// find returns the place of a group, or the free one where it belongs.
func (h *shard) find(id packed, hash uint64) *place {
	i := int(hash >> 32 * uint64(len(h.places)) >> 32)
	for {
		p := &h.places[i]
		if p.line == 0 || p.id == id {
			return p
		}
		if i++; i == len(h.places) {
			i = 0
		}
	}
}

func (h *shard) grow(seed maphash.Seed) {
	old := h.places
	h.places = make([]place, len(old)*5/4+16)
	for _, p := range old {
		if p.line != 0 {
			*h.find(p.id, maphash.Comparable(seed, p.id)) = p
		}
	}
}

// packed is a group id in 96 bits; no two ids share one.
type packed [3]uint32

// pack stores up to 20 digits of a new id, or 15 and 10 of an old one, with how
// many they are: leading zeros count.
func pack(id tasks.GroupID) packed {
	left, right, _ := strings.Cut(string(id), "-")
	if right == "group" {
		head := left[:min(len(left), 19)]
		low := uint32(1)<<31 | uint32(len(left))<<8
		if len(left) == 20 {
			low |= uint32(left[19])
		}
		return split(digits(head), low)
	}
	seconds := digits(right) // up to 34 bits: the upper three go beside the phone's 50
	return split(digits(left)|uint64(len(left))<<50|seconds>>31<<54, uint32(seconds&(1<<31-1)))
}

func split(high uint64, low uint32) packed { return packed{uint32(high >> 32), uint32(high), low} }

// digits reads what ParseGroupID has let through.
func digits(text string) uint64 {
	n, _ := strconv.ParseUint(text, 10, 64) // at most 19 digits: it can't fail
	return n
}

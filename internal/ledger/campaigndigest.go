package ledger

import (
	"crypto/sha256"
	"fmt"
	"hash"
)

// rowDigest tells whether two lists of rows ask for the same. Lines do not count.
type rowDigest struct {
	hash hash.Hash
	room []byte
	last CampaignRow
}

func newRowDigest() *rowDigest { return &rowDigest{hash: sha256.New(), room: make([]byte, 0, 8<<10)} }

func (d *rowDigest) add(r CampaignRow) {
	for _, part := range [...]struct{ text, before string }{
		{r.Account, d.last.Account}, {r.Photo.Wire(), d.last.Photo.Wire()}, {string(r.Group), ""}, {r.Ref, ""}, {r.Extra, ""},
	} {
		if part.before != "" && part.text == part.before {
			d.room = append(d.room, 0) // as the row before
			continue
		}
		d.room = appendText(append(d.room, 1), part.text)
	}
	d.last = r
	if len(d.room) > 4<<10 {
		d.hash.Write(d.room)
		d.room = d.room[:0]
	}
}

func (d *rowDigest) sum() string {
	d.hash.Write(d.room)
	d.room = d.room[:0]
	return fmt.Sprintf("%x", d.hash.Sum(nil))
}

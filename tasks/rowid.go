package tasks

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxRow is the highest number a row of a campaign can have, and MaxFeed the
// highest feed number.
const (
	MaxRow  = 1<<31 - 1
	MaxFeed = 1<<24 - 1
)

// RowID names the update that a row of a campaign becomes when it is fed to its
// queue. The feed number rises with every feed, so that what an earlier feed left
// behind is told apart. Its text is "<campaign>.<row>.<feed>", an id that no
// producer can choose: CheckID refuses dots.
type RowID struct {
	Campaign string
	Row      int64 // from 1
	Feed     int64 // from 1
}

// String returns the update id.
func (r RowID) String() string {
	room := make([]byte, 0, len(r.Campaign)+20)
	room = append(append(room, r.Campaign...), '.')
	room = append(strconv.AppendInt(room, r.Row, 10), '.')
	return string(strconv.AppendInt(room, r.Feed, 10))
}

// ParseRowID reads the text form; ok is false for every other text, also for
// other ways to write the same numbers.
func ParseRowID(id string) (r RowID, ok bool) {
	campaign, rest, found := strings.Cut(id, ".")
	row, feed, both := strings.Cut(rest, ".")
	if !found || !both || !campaignPattern.MatchString(campaign) {
		return RowID{}, false
	}
	r.Campaign = campaign
	if r.Row, ok = counted(row, MaxRow); !ok {
		return RowID{}, false
	}
	if r.Feed, ok = counted(feed, MaxFeed); !ok {
		return RowID{}, false
	}
	return r, true
}

// counted reads a number from 1 that is written as we write it.
func counted(text string, most int64) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 1 && n <= most && text[0] >= '1' && text[0] <= '9'
}

// CheckCampaign returns nil when id can identify a campaign: 1 to 64 characters
// of A-Z, a-z, 0-9, "_" and "-".
func CheckCampaign(id string) error {
	if campaignPattern.MatchString(id) {
		return nil
	}
	return fmt.Errorf("campaign id %q: must be 1 to 64 of A-Z, a-z, 0-9, _ and -", clip(id, 70))
}

// CheckKnownID returns nil when an update can have this id: one that CheckID
// lets a producer choose, or a campaign row's. It is for looking up.
func CheckKnownID(id string) error {
	if _, ok := ParseRowID(id); ok {
		return nil
	}
	if CheckID(id) == nil {
		return nil
	}
	return fmt.Errorf("update id %q: must be 1 to 64 of A-Z, a-z, 0-9, _ and -, or <campaign>.<row>.<feed>", clip(id, 70))
}

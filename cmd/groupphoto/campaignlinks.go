package main

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/plugchat-go/groupphoto/internal/sheet"
	"github.com/plugchat-go/groupphoto/tasks"
)

// shownLinks is how many links are shown that end before their turn.
const shownLinks = 3

// lateLinks are signed links that hold no longer than until before their rows' turns.
type lateLinks struct {
	count int
	first []lateLink
}

type lateLink struct {
	Line    int       `json:"line"`
	Expires time.Time `json:"expires"`
	Turn    time.Time `json:"turn"`
}

// judge notes a row's link that ends before the row's turn.
func (l *lateLinks) judge(row sheet.Row, turn func() time.Time) {
	if row.Photo.Ref.Kind != tasks.PhotoURL {
		return
	}
	expires, signed := linkExpires(row.Photo.Ref.Wire())
	if !signed {
		return
	}
	if at := turn(); expires.Before(at) {
		if l.count++; len(l.first) < shownLinks {
			l.first = append(l.first, lateLink{row.Line, expires.UTC(), at.UTC()})
		}
	}
}

// linkExpires says until when a signed link holds, for the ways of signing that say
// so in the link: S3 and what speaks its language, Google, CloudFront, Azure, and
// WhatsApp's own pictures.
func linkExpires(link string) (time.Time, bool) {
	if !strings.Contains(link, "?") {
		return time.Time{}, false
	}
	u, err := url.Parse(link)
	if err != nil {
		return time.Time{}, false
	}
	q := u.Query()
	for _, vendor := range []string{"X-Amz-", "X-Goog-"} {
		begun, err := time.Parse("20060102T150405Z", q.Get(vendor+"Date"))
		seconds, failed := strconv.ParseInt(q.Get(vendor+"Expires"), 10, 32)
		if err == nil && failed == nil {
			return begun.Add(time.Duration(seconds) * time.Second), true
		}
	}
	if at, err := time.Parse(time.RFC3339, q.Get("se")); err == nil && q.Get("sig") != "" {
		return at, true
	}
	if n, err := strconv.ParseInt(q.Get("Expires"), 10, 64); err == nil && q.Has("Signature") {
		return time.Unix(n, 0), true
	}
	if n, err := strconv.ParseInt(q.Get("oe"), 16, 64); err == nil && q.Has("oh") {
		return time.Unix(n, 0), true
	}
	return time.Time{}, false
}

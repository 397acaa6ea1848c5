package tasks

import "time"

// Horizon is how many years ahead Schedule.After looks.
const Horizon = 100

// Widths of the clock, in seconds.
const (
	minute = 60
	day    = 24 * 60 * minute
)

// Schedule is when something may be done: one window a day, on some days of the
// week, by the clock of one zone. Its zero value is always open; others come from
// CampaignSettings.
//
// Where the zone's clock is put forward over an edge of a window, the edge is the
// moment of the change: a window between 02:00 and 03:00 is then empty, one from
// 02:30 to 09:00 begins at 03:00. Where the clock is put back, and an edge comes
// twice, it is the first of the two. All other windows last as long as they do on
// the wall clock, an hour more or less on such days.
type Schedule struct {
	zone *time.Location
	// from and to count minutes from midnight of the day on which the window opens;
	// from < to ≤ from + 24 h.
	from, to int64
	// days has bit n for time.Weekday n; 0: always open.
	days uint8
}

// Always says that nothing is ever closed.
func (s Schedule) Always() bool { return s.days == 0 }

// Open says whether t lies in a window, and when that changes next; zero: never.
// The moment of opening is open, that of closing is closed. A window that begins
// when another ends is one with it.
func (s Schedule) Open(t time.Time) (open bool, until time.Time) {
	if s.Always() {
		return true, time.Time{}
	}
	w := s.first(t)
	if w.from.After(t) {
		return false, w.from.In(t.Location())
	}
	// This ends: a schedule whose windows fill every day is Always.
	for next := s.next(w.day+1, w.to); !next.from.After(w.to); next = s.next(w.day+1, w.to) {
		w.day, w.to = next.day, next.to
	}
	return true, w.to.In(t.Location())
}

// After returns the moment at which so much open time has passed since t: t itself
// for no work. It looks no further than Horizon years, and returns the moment so
// far ahead for all that comes later.
func (s Schedule) After(t time.Time, work time.Duration) time.Time {
	limit := t.AddDate(Horizon, 0, 0)
	if work <= 0 {
		return t
	}
	if s.Always() {
		return earlier(t.Add(work), limit)
	}
	w := s.first(t)
	for begin := later(w.from, t); begin.Before(limit); begin = w.from {
		span := w.to.Sub(begin)
		if span >= work {
			return earlier(begin.Add(work).In(t.Location()), limit)
		}
		work -= span
		w = s.next(w.day+1, w.to)
	}
	return limit
}

// window is one time span between opening and closing.
type window struct {
	day      int64 // on which it opens, counted from 1970-01-01 by the zone's calendar
	from, to time.Time
}

// first is the window that t lies in, else the next one.
func (s Schedule) first(t time.Time) window {
	_, offset := t.In(s.zone).Zone()
	// Windows close within two days of the midnight before they open, so none of an
	// earlier day is still open. At a clock that was put back some windows of later
	// days have passed; next steps over them.
	return s.next(floor(t.Unix()+int64(offset), day)-2, t)
}

// next is the first window of this day or a later one that is not over at t.
func (s Schedule) next(date int64, t time.Time) window {
	for ; ; date++ {
		if s.days&(1<<weekday(date)) == 0 {
			continue
		}
		to := s.at(date*day + s.to*minute)
		if !to.After(t) {
			continue
		}
		if from := s.at(date*day + s.from*minute); from.Before(to) {
			return window{date, from, to}
		}
	}
}

// at is the first moment at which the zone's calendar and clock show this time or a
// later one. The time is in seconds as if the zone were UTC.
func (s Schedule) at(shown int64) time.Time {
	t := time.Unix(shown-day, 0).In(s.zone) // no zone is a day away from UTC
	for {
		_, offset := t.Zone()
		_, end := t.ZoneBounds()
		moment := shown - int64(offset)
		if moment <= t.Unix() {
			return t // the clock was put forward over it
		}
		if end.IsZero() || moment < end.Unix() {
			return time.Unix(moment, 0).In(s.zone)
		}
		t = end
	}
}

// weekday is that of a day counted from 1970-01-01, a Thursday.
func weekday(date int64) time.Weekday {
	return time.Weekday(date + int64(time.Thursday) - 7*floor(date+int64(time.Thursday), 7))
}

// floor divides and rounds down, below zero too.
func floor(n, by int64) int64 {
	if n < 0 {
		return -((-n + by - 1) / by)
	}
	return n / by
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

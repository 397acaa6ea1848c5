package ledger_test

import (
	"math"
	"slices"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
)

// laneModel is when an account may call, kept apart from Redis.
type laneModel struct {
	paused bool

	trouble     int
	provider    bool // it said so itself; else it gave no usable answers
	since       time.Time
	hold        time.Time
	heldAt      time.Time
	suspectHold time.Time
	suspects    []string  // who was told of the trouble, the first one first
	explained   bool      // by /status
	wellAt      time.Time // when trouble ended last
	statusAt    time.Time
	probeAt     time.Time
	failed      []string // whose calls failed in a row

	rest      time.Time
	widen     float64 // 1 is the configured gap
	widenedAt time.Time
	falses    int
	nextAt    time.Time // no call before: the pace
}

const (
	modelFirst = 5 * time.Second
	modelMost  = 20 * time.Second
	modelTrip  = 2
)

// closed says why nobody, or not this update, may call now; "" when it may.
func (l *laneModel) closed(now time.Time, u *modelUpdate) string {
	switch {
	case l.paused:
		return "an operator's pause"
	case l.trouble > 0 && now.Before(l.hold):
		return "the account's trouble"
	case l.trouble > 0 && l.provider && u.suspected.Equal(l.since) && now.Before(l.suspectHold):
		return "the suspicion against it"
	case now.Before(l.rest):
		return "the rest that the provider wants"
	case now.Before(l.nextAt.Add(-time.Millisecond)):
		return "the pace"
	}
	return ""
}

// granted moves the pace on.
func (l *laneModel) granted(now time.Time, gap time.Duration) {
	if l.widen > 1 {
		gap = time.Duration(float64(max(gap, 500*time.Millisecond)) * l.widen)
	}
	from := now
	if late := now.Sub(l.nextAt); late >= 0 && late <= 3*time.Millisecond {
		from = l.nextAt
	}
	l.nextAt = from.Add(gap)
}

func growing(trouble int) time.Duration { return min(modelFirst<<min(trouble-1, 10), modelMost) }

func (l *laneModel) setHold(now time.Time, length, suspectsToo time.Duration) {
	l.hold, l.heldAt, l.suspectHold = now.Add(length), now, now.Add(length+suspectsToo)
}

func (l *laneModel) end(now time.Time) {
	kept := laneModel{wellAt: now, paused: l.paused, statusAt: l.statusAt, rest: l.rest, widen: l.widen, widenedAt: l.widenedAt, falses: l.falses, nextAt: l.nextAt}
	*l = kept
}

// answer takes an answer about u into account; convict is told whose fault it was.
func (l *laneModel) answer(now time.Time, u *modelUpdate, said ledger.Said, convict func(id string)) {
	switch said {
	case ledger.SaidTrue, ledger.SaidFalse, ledger.SaidNormal:
		l.works(now, u, said, convict)
	case ledger.SaidSlower:
		l.slower(now, u.granted, 2)
		if rest := now.Add(modelFirst); rest.After(l.rest) {
			l.rest = rest
		}
		l.failed = nil
	case ledger.SaidFailing:
		l.failing(now, u)
	case ledger.SaidAccount:
		l.accused(now, u, convict)
	}
}

func (l *laneModel) works(now time.Time, u *modelUpdate, said ledger.Said, convict func(id string)) {
	u.suspected, u.guilty = time.Time{}, 0
	switch said {
	case ledger.SaidTrue:
		l.falses = 0
		if l.widen *= 0.95; l.widen < 1.05 {
			l.widen, l.widenedAt = 1, time.Time{}
		}
		l.widen = math.RoundToEven(l.widen*1000) / 1000
	case ledger.SaidFalse:
		if l.falses++; l.falses == 3 {
			l.falses = 0
			l.slower(now, u.granted, 1.5)
		}
	}
	switch {
	case l.trouble == 0:
		l.failed = nil
	case u.granted.After(l.heldAt):
		if l.provider && len(l.suspects) == 1 && !l.explained && l.suspects[0] != u.id {
			convict(l.suspects[0])
		}
		l.end(now)
	}
}

func (l *laneModel) slower(now, granted time.Time, factor float64) {
	if granted.After(l.widenedAt) {
		l.widen, l.widenedAt = math.RoundToEven(min(l.widen*factor, 16)*1000)/1000, now
	}
}

func (l *laneModel) failing(now time.Time, u *modelUpdate) {
	switch {
	case l.trouble == 0:
		if slices.Contains(l.failed, u.id) {
			return
		}
		if l.failed = append(l.failed, u.id); len(l.failed) < modelTrip {
			return
		}
		l.since = now
	case !u.granted.After(l.heldAt), now.Before(l.hold):
		return
	}
	l.trouble++
	l.setHold(now, growing(l.trouble), 0)
	l.probeAt = l.hold
}

func (l *laneModel) accused(now time.Time, u *modelUpdate, convict func(id string)) {
	if l.trouble == 0 && u.granted.Before(l.wellAt) {
		return // it tells of trouble that is over
	}
	if l.trouble == 0 && u.guilty > 0 {
		u.guilty++
		u.spent++
		return
	}
	if l.trouble == 0 {
		l.since = now
	}
	u.suspected = l.since
	switch {
	case l.trouble == 0 || !l.provider:
		l.trouble, l.provider, l.suspects, l.explained, l.hold = l.trouble+1, true, []string{u.id}, false, time.Time{}
		l.failed = nil
	default:
		if !now.Before(l.hold) {
			l.trouble++
		}
		if len(l.suspects) == 0 || l.suspects[0] != u.id {
			l.suspects = append(l.suspects, u.id)
		}
	}
	length := growing(l.trouble)
	lone := len(l.suspects) == 1 && !l.explained
	switch {
	case lone && !l.statusAt.IsZero() && now.Sub(l.statusAt) < time.Minute:
		l.setHold(now, 0, length)
		l.probeAt = time.Time{}
	case lone:
		l.setHold(now, length, 0)
		l.probeAt = now
	case l.hold.Before(now.Add(length)):
		l.setHold(now, length, 2*time.Second)
		l.probeAt = l.hold
	}
}

// probed takes an answer of /status into account that was asked for in trouble.
func (l *laneModel) probed(now time.Time, s ledger.Status) {
	switch s {
	case ledger.StatusUp:
		l.statusAt, l.probeAt, l.hold = now, time.Time{}, now
		if l.explained {
			l.explained, l.suspects = false, nil
		}
	case ledger.StatusUnknown:
		l.probeAt = time.Time{}
		if len(l.suspects) != 1 && l.hold.After(now) {
			l.hold = now
		}
	default:
		l.statusAt = time.Time{}
		if s == ledger.StatusDown {
			l.provider, l.explained, l.suspects, l.failed = true, true, nil, nil
		}
		l.trouble++
		l.setHold(now, growing(l.trouble), 0)
		if l.probeAt = l.hold; s == ledger.StatusAway {
			l.probeAt = time.Time{} // one call feels its way
		}
	}
}

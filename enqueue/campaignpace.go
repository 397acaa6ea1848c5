package enqueue

import (
	"math"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// idleGaps is after how many mean gaps without an end the time since the last one
// counts as slowness, and not as the wait for the next.
const idleGaps = 10

// pace fills in how fast the campaign and its parts go, and how long they will take.
func (i *CampaignInfo) pace(s ledger.CampaignStatus, log []ledger.CampaignEvent, now time.Time) {
	schedule, err := i.Settings.Schedule()
	if err != nil { // of a newer version: as if it were always open
		schedule = tasks.Schedule{}
	}
	w := worktime{schedule: schedule, stops: stopsOf(log, now), again: lastAgain(log)}
	running := i.State == CampaignRunning
	open, known := s.Open(), true
	for _, p := range s.Parts {
		part := CampaignPart{Account: p.Account, Total: p.Total, Counts: countsOf(p.Counts)}
		part.RatePerSecond = w.rate(p, running, now)
		if left := p.Counts.Open(); left > 0 {
			if running && part.RatePerSecond > 0 {
				part.ETASeconds = w.eta(left, part.RatePerSecond, now)
			}
			if part.ETASeconds == nil {
				known = false
			} else if i.ETASeconds == nil || *part.ETASeconds > *i.ETASeconds {
				i.ETASeconds = part.ETASeconds // the accounts work side by side
			}
		}
		if !open || p.Counts.Open() > 0 {
			i.RatePerSecond += part.RatePerSecond
		}
		i.Accounts = append(i.Accounts, part)
	}
	if !known {
		i.ETASeconds = nil
	}
}

// worktime knows when a campaign could work.
type worktime struct {
	schedule tasks.Schedule
	stops    [][2]time.Time // pauses, from and to
	again    time.Time      // when rows were sent again last; zero: never
}

// rate is how many rows of a part end per second of the time in which it could work.
func (w worktime) rate(p ledger.PartStatus, running bool, now time.Time) float64 {
	ended := p.Counts.Sum() - p.Counts.Open() - p.Known
	rate := w.over(p.FirstEnd, p.LastEnd, ended, running && p.Counts.Open() > 0, now)
	if recent := int64(len(p.Last)); w.again.After(p.FirstEnd) && recent > 0 {
		// The ends before that are counted too, and so is the time in which nothing was left
		// to do: what has ended since is nearer to the truth, as far as it is known.
		since := w.over(w.again, p.LastEnd, recent+1, running && p.Counts.Open() > 0, now)
		if recent < tasks.StopWindow {
			return since
		}
		return max(rate, since)
	}
	return rate
}

// over is the rate of so many ends, the first and the last of which are known.
func (w worktime) over(first, last time.Time, ended int64, goesOn bool, now time.Time) float64 {
	if first.IsZero() || ended < 2 || !last.After(first) {
		return 0
	}
	gaps := float64(ended - 1)
	span := w.between(first, last).Seconds()
	if goesOn {
		if idle := w.between(last, now).Seconds(); idle > idleGaps*span/gaps {
			span += idle
		}
	}
	if span <= 0 {
		return 0
	}
	return rounded(gaps/span, 1e6)
}

// eta is how long so many rows take, hours in which nothing goes included.
func (w worktime) eta(left int64, rate float64, now time.Time) *float64 {
	seconds := float64(left) / rate
	if most := MaxAhead.Seconds(); seconds > most {
		return nil // it will have expired
	}
	if end := w.schedule.After(now, time.Duration(seconds*float64(time.Second))); !w.schedule.Always() {
		seconds = max(seconds, end.Sub(now).Seconds())
	}
	seconds = rounded(seconds, 10)
	return &seconds
}

// rounded leaves so many parts of one: more digits than that would claim to be known.
func rounded(n, parts float64) float64 { return math.Round(n*parts) / parts }

// between is for how long the campaign could work between two moments.
func (w worktime) between(from, to time.Time) time.Duration {
	d := w.openTime(from, to)
	for _, stop := range w.stops {
		d -= w.openTime(latest(from, stop[0]), earliest(to, stop[1]))
	}
	return max(0, d)
}

// openTime is how much of the time between two moments lies in the campaign's hours.
func (w worktime) openTime(from, to time.Time) (d time.Duration) {
	for from.Before(to) {
		open, until := w.schedule.Open(from)
		if until.IsZero() || until.After(to) {
			until = to
		}
		if open {
			d += until.Sub(from)
		}
		if !until.After(from) {
			break
		}
		from = until
	}
	return d
}

// stopsOf reads the pauses from a campaign's log.
func stopsOf(log []ledger.CampaignEvent, now time.Time) (stops [][2]time.Time) {
	var since time.Time
	for _, e := range log {
		switch e.What {
		case "pause", "cancel", "expire":
			if since.IsZero() {
				since = e.At
			}
		case "resume", "again":
			if !since.IsZero() {
				stops = append(stops, [2]time.Time{since, e.At})
				since = time.Time{}
			}
		}
	}
	if !since.IsZero() {
		stops = append(stops, [2]time.Time{since, now})
	}
	return stops
}

func lastAgain(log []ledger.CampaignEvent) (at time.Time) {
	for _, e := range log {
		if e.What == "again" {
			at = e.At
		}
	}
	return at
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

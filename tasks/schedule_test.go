package tasks_test

import (
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/plugchat-go/groupphoto/tasks"
)

func schedule(t testing.TB, hours, days, zone string) tasks.Schedule {
	t.Helper()
	s, err := tasks.CampaignSettings{Hours: hours, Days: days, Zone: zone}.Schedule()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// at reads a moment written in UTC.
func at(t testing.TB, text string) time.Time {
	t.Helper()
	moment, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

const (
	saoPaulo = "America/Sao_Paulo"
	berlin   = "Europe/Berlin"
	newYork  = "America/New_York"
)

func TestSchedule_Open(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, hours, days, zone string
		now                     string // UTC
		open                    bool
		until                   string // UTC; "": never
	}{
		{"zero", "", "", "", "2026-11-25 08:00", true, ""},
		{"all day on all days", "00:00-24:00", "mon-sun", saoPaulo, "2026-11-25 08:00", true, ""},
		{"a day from nine on all days", "09:00-09:00", "", saoPaulo, "2026-11-25 08:00", true, ""},

		{"before opening", "09:00-18:00", "mon-fri", saoPaulo, "2026-11-25 11:59", false, "2026-11-25 12:00"},
		{"at opening", "09:00-18:00", "mon-fri", saoPaulo, "2026-11-25 12:00", true, "2026-11-25 21:00"},
		{"before closing", "09:00-18:00", "mon-fri", saoPaulo, "2026-11-25 20:59", true, "2026-11-25 21:00"},
		{"at closing", "09:00-18:00", "mon-fri", saoPaulo, "2026-11-25 21:00", false, "2026-11-26 12:00"},
		{"at closing on friday", "09:00-18:00", "mon-fri", saoPaulo, "2026-11-27 21:00", false, "2026-11-30 12:00"},
		{"one day a week, just over", "09:00-18:00", "wed", saoPaulo, "2026-11-25 21:00", false, "2026-12-02 12:00"},
		{"the zone's day is another than UTC's", "20:00-23:00", "fri", saoPaulo, "2026-11-28 01:00", true, "2026-11-28 02:00"},

		{"past midnight belongs to the day of opening", "22:00-06:00", "fri", "", "2026-11-28 05:59", true, "2026-11-28 06:00"},
		{"before midnight", "22:00-06:00", "fri", "", "2026-11-27 22:00", true, "2026-11-28 06:00"},
		{"the evening after is closed", "22:00-06:00", "fri", "", "2026-11-28 22:00", false, "2026-12-04 22:00"},
		{"the morning of the day itself is closed", "22:00-06:00", "fri", "", "2026-11-27 05:00", false, "2026-11-27 22:00"},

		{"days alone are whole days, and one window", "", "mon-fri", "", "2026-11-25 08:00", true, "2026-11-28 00:00"},
		{"days alone, closed", "", "mon-fri", "", "2026-11-28 00:00", false, "2026-11-30 00:00"},
		{"days that begin at nine are one window", "09:00-09:00", "mon,tue", "", "2026-11-23 10:00", true, "2026-11-25 09:00"},
		{"until midnight", "18:00-24:00", "sat", "", "2026-11-28 19:00", true, "2026-11-29 00:00"},
		{"until midnight, written otherwise", "18:00-00:00", "sat", "", "2026-11-28 19:00", true, "2026-11-29 00:00"},

		// Berlin, 2026-03-29: 02:00 is 03:00.
		{"forward: an opening that is not", "02:30-09:00", "", berlin, "2026-03-29 00:59", false, "2026-03-29 01:00"},
		{"forward: a closing that is not", "22:00-02:30", "", berlin, "2026-03-29 00:30", true, "2026-03-29 01:00"},
		{"forward: a window that is not", "02:00-03:00", "", berlin, "2026-03-29 00:59", false, "2026-03-30 00:00"},
		{"forward: a night is an hour shorter", "22:00-06:00", "", berlin, "2026-03-28 21:00", true, "2026-03-29 04:00"},
		// Two windows that the clock's jump brings together.
		{"forward: no gap between two windows", "02:59-02:01", "", berlin, "2026-03-28 12:00", true, "2026-03-30 00:01"},
		// Berlin, 2026-10-25: 03:00 is 02:00.
		{"back: an opening that comes twice", "02:30-09:00", "", berlin, "2026-10-25 00:30", true, "2026-10-25 08:00"},
		{"back: open goes on while the clock is put back", "02:30-09:00", "", berlin, "2026-10-25 01:10", true, "2026-10-25 08:00"},
		{"back: a closing that comes twice", "22:00-02:30", "", berlin, "2026-10-25 00:29", true, "2026-10-25 00:30"},
		{"back: it closes once", "22:00-02:30", "", berlin, "2026-10-25 01:10", false, "2026-10-25 21:00"},
		{"back: a window that comes twice is open once", "02:10-02:20", "", berlin, "2026-10-25 01:15", false, "2026-10-26 01:10"},
		{"back: a night is an hour longer", "22:00-06:00", "", berlin, "2026-10-24 20:00", true, "2026-10-25 05:00"},

		// New York, 2026-03-08 and 2026-11-01, at 02:00.
		{"New York forward", "02:00-02:30", "sun", newYork, "2026-03-08 06:59", false, "2026-03-15 06:00"},
		{"New York back", "01:00-02:00", "sun", newYork, "2026-11-01 05:00", true, "2026-11-01 07:00"},

		// São Paulo put the clock forward at midnight (2018-11-04), and back at midnight to 23:00 of the day before (2018-02-18).
		{"São Paulo: a day that begins at one", "00:00-06:00", "sun", saoPaulo, "2018-11-04 02:59", false, "2018-11-04 03:00"},
		{"São Paulo: an evening before such a day", "18:00-24:00", "sat", saoPaulo, "2018-11-03 21:30", true, "2018-11-04 03:00"},
		{"São Paulo: past such a midnight", "23:30-00:30", "sat", saoPaulo, "2018-11-04 02:45", true, "2018-11-04 03:00"},
		{"São Paulo: an evening of five hours", "20:00-24:00", "sat", saoPaulo, "2018-02-17 22:00", true, "2018-02-18 03:00"},
		{"São Paulo: the hour that comes twice is saturday's", "00:00-06:00", "sun", saoPaulo, "2018-02-18 02:30", false, "2018-02-18 03:00"},
		{"São Paulo: a closing that comes twice, at midnight", "20:00-23:30", "sat,sun", saoPaulo, "2018-02-18 02:45", false, "2018-02-18 23:00"},
		{"São Paulo has no such days since 2019", "00:00-06:00", "sun", saoPaulo, "2026-11-01 02:59", false, "2026-11-01 03:00"},

		// Samoa had no 2011-12-30.
		{"a day that is left out", "09:00-18:00", "fri", "Pacific/Apia", "2011-12-30 09:00", false, "2012-01-05 19:00"},
		{"long ago", "09:00-18:00", "mon", "", "1901-01-06 09:00", false, "1901-01-07 09:00"},
		{"far ahead", "09:00-18:00", "", berlin, "2090-07-01 09:00", true, "2090-07-01 16:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := schedule(t, tt.hours, tt.days, tt.zone)
			open, until := s.Open(at(t, tt.now))
			if s.Always() != (tt.until == "") {
				t.Errorf("Always = %t", s.Always())
			}
			var want time.Time
			if tt.until != "" {
				want = at(t, tt.until)
			}
			if open != tt.open || !until.Equal(want) {
				t.Errorf("Open(%s) = %t until %v; want %t until %v", tt.now, open, until, tt.open, want)
			}
		})
	}
}

func TestSchedule_After(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, hours, days, zone string
		now                     string
		work                    time.Duration
		want                    string
	}{
		{"always open", "", "", "", "2026-11-25 08:00", 36 * time.Hour, "2026-11-26 20:00"},
		{"no work while closed", "09:00-18:00", "mon-fri", "", "2026-11-28 08:00", 0, "2026-11-28 08:00"},
		{"less than none", "09:00-18:00", "mon-fri", "", "2026-11-28 08:00", -time.Hour, "2026-11-28 08:00"},
		{"a minute while closed", "09:00-18:00", "mon-fri", "", "2026-11-28 08:00", time.Minute, "2026-11-30 09:01"},
		{"within the window", "09:00-18:00", "mon-fri", "", "2026-11-25 09:30", 2 * time.Hour, "2026-11-25 11:30"},
		{"exactly to closing", "09:00-18:00", "mon-fri", "", "2026-11-25 09:30", 8*time.Hour + 30*time.Minute, "2026-11-25 18:00"},
		{"over the night", "09:00-18:00", "mon-fri", "", "2026-11-25 17:00", 2 * time.Hour, "2026-11-26 10:00"},
		{"over the weekend", "09:00-18:00", "mon-fri", "", "2026-11-27 17:00", 2 * time.Hour, "2026-11-30 10:00"},
		{"a year of work", "09:00-18:00", "mon-fri", "", "2026-11-23 09:00", 52 * 45 * time.Hour, "2027-11-19 18:00"},
		{"a short night", "22:00-06:00", "", berlin, "2026-03-28 21:00", 8 * time.Hour, "2026-03-29 21:00"},
		{"a long night", "22:00-06:00", "", berlin, "2026-10-24 20:00", 9 * time.Hour, "2026-10-25 05:00"},
		{"further than we look", "09:00-09:01", "mon", "", "2026-11-25 08:00", 100 * time.Hour, "2126-11-25 08:00"},
		{"further than we look, always open", "", "", "", "2026-11-25 08:00", 1<<63 - 1, "2126-11-25 08:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := schedule(t, tt.hours, tt.days, tt.zone)
			if got, want := s.After(at(t, tt.now), tt.work), at(t, tt.want); !got.Equal(want) {
				t.Errorf("After(%s, %v) = %v; want %v", tt.now, tt.work, got, want)
			}
		})
	}
}

// Any schedule, any zone, at the times of year when clocks are changed: After is
// where Open, asked minute by minute, has said yes as often as there are minutes of
// work, and until is where its answer changes.
func TestProperty_AfterIsTheSumOfOpen(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 2026))
	zones := []string{"", saoPaulo, berlin, newYork, "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Asia/Kathmandu"}
	starts := []string{"2018-02-16 12:00", "2018-11-02 12:00", "2026-03-06 12:00", "2026-03-27 12:00", "2026-10-23 12:00", "2026-10-30 12:00", "2011-12-28 12:00", "2026-04-03 12:00"}
	days := []string{"", "mon-fri", "sat,sun", "sun", "fri-mon", "mon,wed,sat"}
	for range 400 {
		clock := func() string {
			return time.Unix(rng.Int64N(24*60)*60, 0).UTC().Format("15:04")
		}
		hours := clock() + "-" + clock()
		zone, day := zones[rng.IntN(len(zones))], days[rng.IntN(len(days))]
		s := schedule(t, hours, day, zone)
		start := at(t, starts[rng.IntN(len(starts))]).Add(time.Duration(rng.IntN(2*24*60)) * time.Minute)
		work := time.Duration(rng.IntN(30*60)) * time.Minute
		want := start
		_, until := s.Open(start)
		for left, now := work, start; left > 0; now = now.Add(time.Minute) {
			open, change := s.Open(now)
			if before, _ := s.Open(now.Add(-time.Minute)); now.After(start) && open != before && !now.Equal(until) {
				t.Fatalf("%q %q %q: the answer changes at %v, and was said to hold until %v", hours, day, zone, now, until)
			}
			if until = change; open {
				left -= time.Minute
				want = now.Add(time.Minute)
			}
		}
		if got := s.After(start, work); !got.Equal(want) {
			t.Errorf("%q %q %q: After(%v, %v) = %v; want %v", hours, day, zone, start, work, got, want)
		}
	}
}

// Open, judged by what a clock on the wall has shown so far: a window opens when the
// clock reaches its beginning for the first time, and closes likewise.
func TestProperty_OpenFollowsTheClockOnTheWall(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 2026))
	zones := []string{saoPaulo, berlin, newYork, "Australia/Lord_Howe", "Pacific/Apia"}
	for range 20 {
		from, span := rng.IntN(24*60), 1+rng.IntN(24*60-1)
		clock := func(minutes int) string {
			return time.Unix(int64(minutes)*60, 0).UTC().Format("15:04")
		}
		hours := clock(from) + "-" + clock((from+span)%(24*60))
		name := zones[rng.IntN(len(zones))]
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		s := schedule(t, hours, "mon,tue,wed,thu,fri,sun", name)
		year := []int{2011, 2018, 2026}[rng.IntN(3)]
		furthest := int64(-1 << 62) // what the clock has shown at most, in minutes as if it were UTC's
		begin := time.Date(year, time.Month(1+rng.IntN(12)), 1, 0, 0, 0, 0, time.UTC)
		for now := begin.Add(-48 * time.Hour); now.Before(begin.AddDate(0, 1, 0)); now = now.Add(time.Minute) {
			_, offset := now.In(zone).Zone()
			furthest = max(furthest, (now.Unix()+int64(offset))/60)
			want := false
			for day := furthest/(24*60) - 1; day <= furthest/(24*60); day++ {
				opens := day*24*60 + int64(from)
				saturday := time.Unix(day*24*60*60, 0).UTC().Weekday() == time.Saturday
				want = want || !saturday && opens <= furthest && furthest < opens+int64(span)
			}
			if now.Before(begin) {
				continue
			}
			if got, _ := s.Open(now); got != want {
				t.Fatalf("%s in %s at %v: open = %t; want %t", hours, name, now.In(zone), got, want)
			}
		}
	}
}

func TestSchedule_KeepsTheCallersZone(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("caller's", 3600)
	now := at(t, "2026-11-25 08:00").In(zone)
	s := schedule(t, "09:00-18:00", "", saoPaulo)
	if _, until := s.Open(now); until.Location() != zone {
		t.Errorf("until is in %v", until.Location())
	}
	if after := s.After(now, time.Hour); after.Location() != zone {
		t.Errorf("After is in %v", after.Location())
	}
}

// BenchmarkSchedule shows what the feeder asks each second, and the end of a million
// rows at one call in 10 s.
func BenchmarkSchedule(b *testing.B) {
	s := schedule(b, "09:00-18:00", "mon-fri", saoPaulo)
	now := at(b, "2026-11-25 08:00")
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			s.Open(now)
		}
	})
	b.Run("after a million rows", func(b *testing.B) {
		for b.Loop() {
			s.After(now, 1e7*time.Second)
		}
	})
	b.Run("to the horizon", func(b *testing.B) {
		for b.Loop() {
			s.After(now, 1<<63-1)
		}
	})
}

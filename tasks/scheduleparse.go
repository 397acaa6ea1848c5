package tasks

import (
	"fmt"
	"strings"
	"time"
)

// allDays is Schedule.days with every day of the week.
const allDays = 1<<7 - 1

// dayNames are the words for days, English and Portuguese, as foldDay leaves them.
var dayNames = map[string]time.Weekday{
	"mon": time.Monday, "monday": time.Monday, "seg": time.Monday, "segunda": time.Monday,
	"tue": time.Tuesday, "tuesday": time.Tuesday, "ter": time.Tuesday, "terca": time.Tuesday,
	"wed": time.Wednesday, "wednesday": time.Wednesday, "qua": time.Wednesday, "quarta": time.Wednesday,
	"thu": time.Thursday, "thursday": time.Thursday, "qui": time.Thursday, "quinta": time.Thursday,
	"fri": time.Friday, "friday": time.Friday, "sex": time.Friday, "sexta": time.Friday,
	"sat": time.Saturday, "saturday": time.Saturday, "sab": time.Saturday, "sabado": time.Saturday,
	"sun": time.Sunday, "sunday": time.Sunday, "dom": time.Sunday, "domingo": time.Sunday,
}

// dashes are what people and their programs write between two ends.
var dashes = strings.NewReplacer("–", "-", "—", "-", "−", "-")

// foldDay takes away what makes no difference in a day's name: accents, in one
// character or in two, and the second word of Portuguese weekdays, whose dash would
// be that of a range.
var foldDay = strings.NewReplacer("á", "a", "ç", "c", "\u0301", "", "\u0327", "", "-feira", "")

// Schedule is when the campaign's rows are sent.
//
// Hours are the times of opening and closing: "09:00-18:00", also "9-18" and
// "9h-18h30". When the second is not later than the first it is of the next day:
// "22:00-06:00" is eight hours, "09:00-09:00" a whole day that begins at nine.
// "00:00-24:00" is the whole day, as are empty hours. Days are those on which the
// window opens: a list of names and ranges, "mon-fri", "mon,wed,sat", "fri-mon", in
// English or Portuguese ("seg-sex"), short or whole; empty is every day.
func (s CampaignSettings) Schedule() (Schedule, error) {
	return parseSchedule(strings.TrimSpace(s.Hours), strings.TrimSpace(s.Days), s.Zone)
}

func parseSchedule(hours, days, zone string) (Schedule, error) {
	s := Schedule{to: day / minute, days: allDays}
	var err error
	if s.zone, err = parseZone(zone); err != nil {
		return Schedule{}, err
	}
	if hours != "" {
		if s.from, s.to, err = parseHours(hours); err != nil {
			return Schedule{}, err
		}
	}
	if days != "" {
		if s.days, err = parseDays(days); err != nil {
			return Schedule{}, err
		}
	}
	if s.days == allDays && s.to-s.from == day/minute {
		return Schedule{}, nil // always open, whatever the zone
	}
	return s, nil
}

// parseZone refuses "Local", which is another zone on every machine.
func parseZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("time zone %q is not known: write an IANA name such as America/Sao_Paulo, or UTC", clip(name, 40))
	}
	return zone, nil
}

// parseHours returns both edges in minutes from the midnight before the first.
func parseHours(text string) (from, to int64, err error) {
	first, second, found := strings.Cut(dashes.Replace(text), "-")
	if !found {
		return 0, 0, fmt.Errorf("hours %q: write the times of opening and closing, as 09:00-18:00", clip(text, 40))
	}
	for _, edge := range []struct {
		text string
		into *int64
	}{{first, &from}, {second, &to}} {
		var ok bool
		if *edge.into, ok = clockTime(strings.ToLower(strings.TrimSpace(edge.text))); !ok {
			return 0, 0, fmt.Errorf("hours %q: %q is no time between 00:00 and 24:00; write them as 09:00-18:00", clip(text, 40), clip(strings.TrimSpace(edge.text), 20))
		}
	}
	if from == day/minute {
		return 0, 0, fmt.Errorf("hours %q: a window cannot open at 24:00; write 00:00 and the day after", clip(text, 40))
	}
	if to <= from {
		to += day / minute
	}
	return from, to, nil
}

// clockTime reads "09:00", "9", "9h" or "9h30" as minutes from midnight.
func clockTime(text string) (minutes int64, ok bool) {
	hour, rest := digits(text)
	if rest != "" && rest != "h" {
		if len(rest) != len(":00") || rest[0] != ':' && rest[0] != 'h' {
			return 0, false
		}
		if minutes, rest = digits(rest[1:]); rest != "" {
			return 0, false
		}
	}
	if hour < 0 || minutes < 0 || minutes > 59 || hour*60+minutes > day/minute {
		return 0, false
	}
	return hour*60 + minutes, true
}

// digits cuts one or two digits off; -1 when there are none.
func digits(text string) (n int64, rest string) {
	width := 0
	for width < len(text) && width < 2 && text[width] >= '0' && text[width] <= '9' {
		n = n*10 + int64(text[width]-'0')
		width++
	}
	if width == 0 {
		return -1, text
	}
	return n, text[width:]
}

// parseDays returns the days as Schedule keeps them.
func parseDays(text string) (days uint8, err error) {
	for item := range strings.SplitSeq(foldDay.Replace(strings.ToLower(dashes.Replace(text))), ",") {
		first, last, ranged := strings.Cut(item, "-")
		if !ranged {
			last = first
		}
		a, known := dayNames[strings.TrimSpace(first)]
		b, both := dayNames[strings.TrimSpace(last)]
		if !known || !both {
			wrong := first
			if known {
				wrong = last
			}
			return 0, fmt.Errorf("days %q: %q is no day; write mon-fri or mon,wed,sat, with mon, tue, wed, thu, fri, sat, sun or seg, ter, qua, qui, sex, sab, dom",
				clip(text, 40), clip(strings.TrimSpace(wrong), 20))
		}
		for ; ; a = (a + 1) % 7 {
			days |= 1 << a
			if a == b {
				break
			}
		}
	}
	return days, nil
}

package tasks_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/tasks"
)

func TestCampaignSettings_KeptAsJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		settings tasks.CampaignSettings
		want     string
	}{
		{"zero", tasks.CampaignSettings{}, `{}`},
		{"all", tasks.CampaignSettings{Hours: "22:00-06:00", Days: "mon-fri", Zone: "America/Sao_Paulo", StopAt: 25, EachOutcome: true, Sheet: json.RawMessage(`{"separator":";"}`)},
			`{"hours":"22:00-06:00","days":"mon-fri","zone":"America/Sao_Paulo","stopAt":25,"eachOutcome":true,"sheet":{"separator":";"}}`},
		{"a sheet with spaces", tasks.CampaignSettings{Sheet: json.RawMessage(` [ 1 ] `)}, `{"sheet":[1]}`},
		{"a sheet that is no JSON", tasks.CampaignSettings{StopAt: 5, Sheet: json.RawMessage(`{`)}, `{"stopAt":5}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.settings.JSON(); got != tt.want {
				t.Errorf("JSON = %s; want %s", got, tt.want)
			}
			back, err := tasks.ParseCampaignSettings(tt.want)
			if err != nil {
				t.Fatal(err)
			}
			if again := back.JSON(); again != tt.want {
				t.Errorf("read and written again it is %s; want %s", again, tt.want)
			}
		})
	}
}

func TestParseCampaignSettings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       tasks.CampaignSettings
		wrong      string // part of the error; "": none
	}{
		{"nothing", ``, tasks.CampaignSettings{}, ""},
		{"null", `null`, tasks.CampaignSettings{}, ""},
		{"a newer program's field", `{"stopAt":3,"moon":"full"}`, tasks.CampaignSettings{StopAt: 3}, ""},
		{"no sheet", `{"sheet":null}`, tasks.CampaignSettings{}, ""},
		{"what cannot be followed is read", `{"hours":"never"}`, tasks.CampaignSettings{Hours: "never"}, ""},
		{"a list", `[]`, tasks.CampaignSettings{}, "campaign settings: "},
		{"cut off", `{"stopAt":3`, tasks.CampaignSettings{}, "campaign settings: "},
		{"a text for a number", `{"stopAt":"3"}`, tasks.CampaignSettings{}, "campaign settings: "},
		{"more behind it", `{} {}`, tasks.CampaignSettings{}, "campaign settings: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tasks.ParseCampaignSettings(tt.text)
			if tt.wrong == "" && err != nil || tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
				t.Errorf("error %v; want %q", err, tt.wrong)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestCampaignSettings_Check(t *testing.T) {
	t.Parallel()
	for _, good := range []tasks.CampaignSettings{{}, {StopAt: 1}, {StopAt: tasks.StopWindow}, {Hours: "9-18", Sheet: json.RawMessage(`null`)}} {
		if err := good.Check(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	err := tasks.CampaignSettings{Hours: "18", StopAt: -1, Sheet: json.RawMessage(`{`)}.Check()
	for _, part := range []string{"hours", "stopAt is -1: must be 1 to 50", "no JSON"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v; want %q in it", err, part)
		}
	}
	if err := (tasks.CampaignSettings{StopAt: tasks.StopWindow + 1}).Check(); err == nil {
		t.Error("more rows than are looked at were taken")
	}
}

func TestCampaignSettings_FormsOfHours(t *testing.T) {
	t.Parallel()
	// All are asked on wednesday 2026-11-25, in UTC: when it opens on that day or is
	// open at midnight, and when it closes.
	tests := []struct {
		hours      string
		from, till string
	}{
		{"09:00-18:00", "25 09:00", "25 18:00"},
		{" 9:00 - 18:00 ", "25 09:00", "25 18:00"},
		{"9-18", "25 09:00", "25 18:00"},
		{"9h-18h30", "25 09:00", "25 18:30"},
		{"9H–18h", "25 09:00", "25 18:00"},
		{"23:59-24:00", "25 23:59", "26 00:00"},
		{"12:00-00:00", "25 12:00", "26 00:00"},
		{"12:00-11:00", "25 12:00", "26 11:00"},
		{"0-1", "25 00:00", "25 01:00"},
	}
	for _, tt := range tests {
		t.Run(tt.hours, func(t *testing.T) {
			t.Parallel()
			s := schedule(t, tt.hours, "wed", "")
			now := at(t, "2026-11-24 20:00")
			from := s.After(now, time.Nanosecond).Truncate(time.Minute)
			_, till := s.Open(from)
			if got := from.Format("02 15:04"); got != tt.from {
				t.Errorf("opens at %s; want %s", got, tt.from)
			}
			if got := till.Format("02 15:04"); got != tt.till {
				t.Errorf("closes at %s; want %s", got, tt.till)
			}
		})
	}
}

func TestCampaignSettings_FormsOfDays(t *testing.T) {
	t.Parallel()
	tests := []struct{ days, open string }{ // open: by day from monday on
		{"mon-fri", "xxxxx--"},
		{"sat,sun", "-----xx"},
		{"fri-mon", "x---xxx"},
		{"mon,wed,sat", "x-x--x-"},
		{"Mon - Wed , SUN", "xxx---x"},
		{"wed-wed", "--x----"},
		{"tue,tue", "-x-----"},
		{"sun-sat", "xxxxxxx"},
		{"monday-friday", "xxxxx--"},
		{"Saturday", "-----x-"},
		{"seg-sex", "xxxxx--"},
		{"segunda-feira,quinta-feira", "x--x---"},
		{"segunda-feira-quinta-feira", "xxxx---"},
		{"terça", "-x-----"},
		{"terca – sábado", "-xxxxx-"},
		{"sa\u0301b,DOM", "-----xx"},
		{"TERC\u0327A", "-x-----"},
		{"qua-fri", "--xxx--"},
	}
	for _, tt := range tests {
		t.Run(tt.days, func(t *testing.T) {
			t.Parallel()
			s, got := schedule(t, "", tt.days, ""), ""
			for day := range 7 {
				if open, _ := s.Open(at(t, "2026-11-23 12:00").AddDate(0, 0, day)); open {
					got += "x"
				} else {
					got += "-"
				}
			}
			if got != tt.open {
				t.Errorf("%s; want %s", got, tt.open)
			}
		})
	}
}

func TestCampaignSettings_WrongSchedules(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name              string
		hours, days, zone string
		want              string
	}{
		{"one time", "9", "", "", `hours "9": write the times of opening and closing, as 09:00-18:00`},
		{"no time", "nine-18:00", "", "", `hours "nine-18:00": "nine" is no time between 00:00 and 24:00`},
		{"nothing before the dash", "-18:00", "", "", `"" is no time`},
		{"nothing behind the dash", "9-", "", "", `"" is no time`},
		{"hour", "09:00-25:00", "", "", `"25:00" is no time`},
		{"past 24:00", "09:00-24:01", "", "", `"24:01" is no time`},
		{"minute", "09:60-18:00", "", "", `"09:60" is no time`},
		{"minute of one digit", "9:5-18:00", "", "", `"9:5" is no time`},
		{"colon alone", "9:-18", "", "", `"9:" is no time`},
		{"seconds", "09:00:00-18:00", "", "", `"09:00:00" is no time`},
		{"three times", "9-12-18", "", "", `"12-18" is no time`},
		{"am and pm", "9am-6pm", "", "", `"9am" is no time`},
		{"opens at 24:00", "24:00-06:00", "", "", `a window cannot open at 24:00; write 00:00 and the day after`},
		{"other digits", "٩-18", "", "", `is no time`},
		{"day", "", "mon-frj", "", `days "mon-frj": "frj" is no day; write mon-fri or mon,wed,sat`},
		{"first day", "", "mo-fri", "", `"mo" is no day`},
		{"empty day", "", "mon,,wed", "", `"" is no day`},
		{"comma at the end", "", "mon,", "", `"" is no day`},
		{"three days in a range", "", "mon-wed-fri", "", `"wed-fri" is no day`},
		{"number", "", "1-5", "", `"1" is no day`},
		{"zone", "", "", "Brasil/Sampa", `time zone "Brasil/Sampa" is not known: write an IANA name such as America/Sao_Paulo, or UTC`},
		{"this machine's zone", "", "", "Local", `time zone "Local" is not known`},
		{"a way out", "", "", "../../etc/passwd", `is not known`},
		{"long", strings.Repeat("9", 500), "", "", `…": write`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := tasks.CampaignSettings{Hours: tt.hours, Days: tt.days, Zone: tt.zone}.Schedule()
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 300 {
				t.Errorf("error %v; want %q in it", err, tt.want)
			}
			if !s.Always() {
				t.Error("a schedule came with the error")
			}
		})
	}
}

// Whatever is given for a schedule: an error, or one that opens within eight days,
// says when it changes next, and means the same when it is kept as JSON.
func FuzzCampaignSettings_Schedule(f *testing.F) {
	for _, seed := range [][3]string{
		{"", "", ""},
		{"09:00-18:00", "mon-fri", saoPaulo},
		{"22h-6h30", "sáb,dom", berlin},
		{"00:00-24:00", "sun-sat", newYork},
		{"9:5-", "mon,", "Local"},
		{"-", "-", "-"},
		{"02:00-03:00", "segunda-feira", "Australia/Lord_Howe"},
	} {
		f.Add(seed[0], seed[1], seed[2], int64(1792886400))
	}
	f.Fuzz(func(t *testing.T, hours, days, zone string, unix int64) {
		settings := tasks.CampaignSettings{Hours: hours, Days: days, Zone: zone}
		s, err := settings.Schedule()
		kept, parseErr := tasks.ParseCampaignSettings(settings.JSON())
		if parseErr != nil {
			t.Fatal(parseErr)
		}
		if err != nil {
			if !s.Always() || len(err.Error()) > 400 {
				t.Errorf("%v, %v", s, err)
			}
			return
		}
		again, err := kept.Schedule()
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(unix%(1<<33), 0)
		open, until := s.Open(now)
		if openAgain, untilAgain := again.Open(now); open != openAgain || !until.Equal(untilAgain) {
			t.Errorf("kept as JSON it is open %t until %v; was %t until %v", openAgain, untilAgain, open, until)
		}
		if s.Always() {
			return
		}
		if !until.After(now) || until.Sub(now) > 15*24*time.Hour {
			t.Errorf("at %v open %t until %v", now, open, until)
		}
		if next, _ := s.Open(until); next == open {
			t.Errorf("nothing changes at %v", until)
		}
		if got := s.After(now, time.Second); !got.After(now) || got.Sub(now) > 15*24*time.Hour {
			t.Errorf("After(%v, 1 s) = %v", now, got)
		}
	})
}

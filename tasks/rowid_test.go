package tasks_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/plugchat-go/groupphoto/tasks"
)

func TestParseRowID(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       tasks.RowID
		ok         bool
	}{
		{"first row, first feed", "spring.1.1", tasks.RowID{Campaign: "spring", Row: 1, Feed: 1}, true},
		{"highest numbers", "a_B-9.2147483647.16777215", tasks.RowID{Campaign: "a_B-9", Row: tasks.MaxRow, Feed: tasks.MaxFeed}, true},
		{"longest campaign", strings.Repeat("c", 64) + ".7.8", tasks.RowID{Campaign: strings.Repeat("c", 64), Row: 7, Feed: 8}, true},
		{"campaign too long", strings.Repeat("c", 65) + ".7.8", tasks.RowID{}, false},
		{"row too high", "spring.2147483648.1", tasks.RowID{}, false},
		{"feed too high", "spring.1.16777216", tasks.RowID{}, false},
		{"row 0", "spring.0.1", tasks.RowID{}, false},
		{"feed 0", "spring.1.0", tasks.RowID{}, false},
		{"leading zero", "spring.01.1", tasks.RowID{}, false},
		{"plus sign", "spring.+1.1", tasks.RowID{}, false},
		{"minus sign", "spring.1.-1", tasks.RowID{}, false},
		{"no campaign", ".1.1", tasks.RowID{}, false},
		{"no feed", "spring.1", tasks.RowID{}, false},
		{"empty feed", "spring.1.", tasks.RowID{}, false},
		{"four parts", "spring.1.1.1", tasks.RowID{}, false},
		{"plain id", "order-881", tasks.RowID{}, false},
		{"empty", "", tasks.RowID{}, false},
		{"end of line", "spring.1.1\n", tasks.RowID{}, false},
		{"beyond 64 bits", "spring.99999999999999999999.1", tasks.RowID{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := tasks.ParseRowID(tt.text)
			if got != tt.want || ok != tt.ok {
				t.Errorf("ParseRowID(%q) = %+v, %t; want %+v, %t", tt.text, got, ok, tt.want, tt.ok)
			}
			if ok && got.String() != tt.text {
				t.Errorf("%+v is written %q; want %q", got, got, tt.text)
			}
			if (tasks.CheckKnownID(tt.text) == nil) != (tt.ok || tt.text == "order-881") {
				t.Errorf("CheckKnownID(%q) = %v", tt.text, tasks.CheckKnownID(tt.text))
			}
			if tt.ok && tasks.CheckID(tt.text) == nil {
				t.Errorf("CheckID lets a producer choose %q", tt.text)
			}
		})
	}
}

func TestRowID_EveryOneIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		want := tasks.RowID{
			Campaign: rapid.StringMatching(`[A-Za-z0-9_-]{1,64}`).Draw(rt, "campaign"),
			Row:      rapid.Int64Range(1, tasks.MaxRow).Draw(rt, "row"),
			Feed:     rapid.Int64Range(1, tasks.MaxFeed).Draw(rt, "feed"),
		}
		if got, ok := tasks.ParseRowID(want.String()); !ok || got != want {
			rt.Fatalf("ParseRowID(%q) = %+v, %t; want %+v", want, got, ok, want)
		}
	})
}

func TestCheckCampaign(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{"spring-2026": true, "A_b": true, strings.Repeat("c", 64): true, strings.Repeat("c", 65): false, "": false, "a.b": false, "a b": false, "ação": false} {
		if err := tasks.CheckCampaign(text); (err == nil) != ok {
			t.Errorf("CheckCampaign(%q) = %v; want accepted %t", text, err, ok)
		}
	}
}

package tasks_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/plugchat-go/groupphoto/tasks"
)

const (
	newGroup = "120363019502650977-group"
	oldGroup = "5511999999999-1623281429"
)

func TestParseGroupID_Accepted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       tasks.GroupID
	}{
		{"documented form since 2021", newGroup, newGroup},
		{"documented form before 2021", oldGroup, oldGroup},
		{"new form with WhatsApp's server name", newGroup + "@g.us", newGroup},
		{"old form with WhatsApp's server name", oldGroup + "@g.us", oldGroup},
		{"bare number", "120363019502650977", newGroup},
		{"bare number with WhatsApp's server name", "120363019502650977@g.us", newGroup},
		{"white space around it", " \t" + newGroup + "\r\n", newGroup},
		{"no-break space around it", "\u00a0" + newGroup + "\u202f", newGroup},
		{"byte order mark of a CSV file", "\ufeff" + newGroup, newGroup},
		{"direction marks of a copied chat", "\u202a" + oldGroup + "\u202c", oldGroup},
		{"zero-width space behind it", newGroup + "\u200b", newGroup},
		{"capitals", "120363019502650977-GROUP@G.US", newGroup},
		{"shortest new form", "1234567890-group", "1234567890-group"},
		{"longest new form", "12345678901234567890-group", "12345678901234567890-group"},
		{"shortest phone", "12345678-1623281429", "12345678-1623281429"},
		{"longest phone", "123456789012345-1623281429", "123456789012345-1623281429"},
		{"shortest bare number", "120363123456789", "120363123456789-group"},
		{"longest bare number", "12036312345678901234", "12036312345678901234-group"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tasks.ParseGroupID(tt.text)
			if err != nil || got != tt.want {
				t.Errorf("ParseGroupID(%q) = %q, %v; want %q", tt.text, got, err, tt.want)
			}
		})
	}
}

func TestParseGroupID_Refused(t *testing.T) {
	t.Parallel()
	const expected = "expected 120363019502650977-group or 5511999999999-1623281429"
	tests := []struct{ name, text, why string }{
		{"empty", "", "is empty"},
		{"white space only", " \t\n", "is empty"},
		{"invisible marks only", "\u200b\ufeff", "is empty"},
		{"server name only", "@g.us", "is empty"},
		{"person", "5511999999999@s.whatsapp.net", "is a person, not a group"},
		{"person, old server name", "5511999999999@c.us", "is a person, not a group"},
		{"hidden id of a person", "98765432101234@lid", "hidden id"},
		{"channel", "120363019502650977@newsletter", "is a channel"},
		{"status list", "status@broadcast", "broadcast list"},
		{"broadcast list", "1623281429-broadcast", "broadcast list"},
		{"broadcast list with a group's server name", "1623281429-broadcast@g.us", "broadcast list"},
		{"phone", "5511999999999", "is a phone number, not a group"},
		{"phone with plus", "+5511999999999", "is a phone number, not a group"},
		{"phone as people write it", "+55 (11) 99999-9999", "is a phone number, not a group"},
		{"phone with a group's server name", "5511999999999@g.us", "is a phone number, not a group"},
		{"scientific notation", "1.20363019502651E+17", "rounded by a spreadsheet"},
		{"scientific notation with comma", "1,20363E+17", "rounded by a spreadsheet"},
		{"scientific notation without fraction", "12E17", "rounded by a spreadsheet"},
		{"server name twice", newGroup + "@g.us@g.us", expected},
		{"other server", newGroup + "@example.com", expected},
		{"new form, number too short", "123456789-group", expected},
		{"new form, number too long", "123456789012345678901-group", expected},
		{"old form, phone too short", "1234567-1623281429", ""},
		{"old form, phone too long", "1234567890123456-1623281429", ""},
		{"old form, seconds too short", "5511999999999-162328142", ""},
		{"old form, seconds too long", "5511999999999-16232814290", ""},
		{"bare number too short", "12036312345678", ""},
		{"bare number too long", "120363123456789012345", ""},
		{"bare number of another kind", "999363019502650977", ""},
		{"space inside", "120363019502650977 -group", expected},
		{"zero-width space inside", "120363019502650977\u200b-group", expected},
		{"Arabic digits", "١٢٠٣٦٣٠١٩٥٠٢٦٥٠٩٧٧-group", expected},
		{"full-width hyphen", "120363019502650977－group", expected},
		{"two lines", newGroup + "\n" + newGroup, expected},
		{"two ids", newGroup + "," + oldGroup, expected},
		{"the word of the documentation", "string", expected},
		{"path", "../" + newGroup, expected},
		{"other suffix", "120363019502650977-groups", expected},
		{"negative", "-120363019502650977-group", expected},
		{"null byte", newGroup + "\x00", expected},
		{"not UTF-8", "\xff\xfe" + newGroup, expected},
		{"very long", strings.Repeat("9", 100_000), expected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tasks.ParseGroupID(tt.text)
			if got != "" || !errors.Is(err, tasks.ErrGroupID) {
				t.Fatalf("ParseGroupID(%.80q) = %q, %v; want no id and an ErrGroupID", tt.text, got, err)
			}
			if !strings.Contains(err.Error(), tt.why) {
				t.Errorf("the error %q does not say %q", err, tt.why)
			}
			if len(err.Error()) > 400 {
				t.Errorf("the error has %d bytes; want a sentence", len(err.Error()))
			}
		})
	}
}

func TestParseGroupID_Fault(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]tasks.GroupFault{
		"": tasks.GroupEmpty, "5511999999999@c.us": tasks.GroupPerson, "98765432101234@lid": tasks.GroupHiddenID,
		"120363019502650977@newsletter": tasks.GroupChannel, "status@broadcast": tasks.GroupBroadcast,
		"1,20363E+17": tasks.GroupRounded, "+55 (11) 99999-9999": tasks.GroupPhone, "x": tasks.GroupMalformed,
	} {
		_, err := tasks.ParseGroupID(text)
		fault, ok := errors.AsType[*tasks.GroupIDError](err)
		if !ok || fault.Fault != want {
			t.Errorf("ParseGroupID(%q): got %#v; want the fault %q", text, err, want)
		}
	}
}

func FuzzParseGroupID(f *testing.F) {
	for _, seed := range []string{newGroup, oldGroup, newGroup + "@g.us", "120363019502650977", "", "\ufeff " + newGroup, "1.2E+17", "5511999999999@c.us", "\xff"} {
		f.Add(seed)
	}
	documented := regexp.MustCompile(`^([0-9]{10,20}-group|[0-9]{8,15}-[0-9]{10})$`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := tasks.ParseGroupID(text)
		if err != nil {
			if got != "" || !errors.Is(err, tasks.ErrGroupID) || !utf8.ValidString(err.Error()) {
				t.Fatalf("ParseGroupID(%q) = %q, %v; want no id and a readable ErrGroupID", text, got, err)
			}
			return
		}
		if !documented.MatchString(string(got)) {
			t.Fatalf("ParseGroupID(%q) = %q, which is not a documented form", text, got)
		}
		if again, err := tasks.ParseGroupID(string(got)); err != nil || again != got {
			t.Fatalf("ParseGroupID(%q) = %q, %v; want the same again", got, again, err)
		}
	})
}

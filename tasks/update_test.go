package tasks_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plugchat-go/groupphoto/tasks"
)

var photoText = cmp.Comparer(func(a, b tasks.PhotoRef) bool { return a == b })

func photo(t testing.TB, text string) tasks.PhotoRef {
	t.Helper()
	ref, err := tasks.ParsePhoto(text)
	if err != nil {
		t.Fatalf("ParsePhoto: %v", err)
	}
	return ref
}

func fullUpdate(t testing.TB) tasks.Update {
	return tasks.Update{
		GroupID: newGroup, Photo: photo(t, "https://example.com/a.jpg?sig=1&x=2"), Account: "sales", Campaign: "easter_2026", Seq: 42,
		EnqueuedAt: time.Date(2026, 1, 31, 15, 0, 0, 123_000_000, time.UTC), ExpiresAt: time.Date(2026, 2, 1, 15, 0, 0, 0, time.UTC),
		SkipUnchanged: true, Ref: "order-881", By: "backend",
	}
}

// The JSON is the contract with every producer and every older worker.
func TestUpdate_MarshalPinned(t *testing.T) {
	t.Parallel()
	saoPaulo := time.FixedZone("-03", -3*60*60)
	local := fullUpdate(t)
	local.EnqueuedAt, local.ExpiresAt = local.EnqueuedAt.In(saoPaulo).Add(999*time.Microsecond), local.ExpiresAt.In(saoPaulo)
	full := `{"groupId":"120363019502650977-group","groupPhoto":"https://example.com/a.jpg?sig=1\u0026x=2","account":"sales",` +
		`"campaign":"easter_2026","seq":42,"enqueuedAt":"2026-01-31T15:00:00.123Z","expiresAt":"2026-02-01T15:00:00.000Z",` +
		`"skipUnchanged":true,"ref":"order-881","by":"backend"}`
	tests := []struct {
		name   string
		update tasks.Update
		want   string
	}{
		{"the two attributes of the provider alone", tasks.Update{GroupID: oldGroup, Photo: tasks.MadeRef(hash)},
			`{"groupId":"5511999999999-1623281429","groupPhoto":"sha256:` + hash + `"}`},
		{"everything", fullUpdate(t), full},
		{"times in another zone and finer than milliseconds", local, full},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, string(tt.update.Marshal())); diff != "" {
				t.Errorf("payload (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseUpdate_Accepted(t *testing.T) {
	t.Parallel()
	minimal := tasks.Update{GroupID: newGroup, Photo: tasks.MadeRef(hash), Account: "main"}
	with := func(change func(*tasks.Update)) tasks.Update { u := minimal; change(&u); return u }
	const two = `"groupId":"120363019502650977-group","groupPhoto":"sha256:`
	tests := []struct {
		name, payload, account string
		want                   tasks.Update
	}{
		{"round trip", string(fullUpdate(t).Marshal()), "sales", fullUpdate(t)},
		{"minimal, account from the queue", `{` + two + hash + `"}`, "main", minimal},
		{"unknown fields", `{` + two + hash + `","priority":9,"x":{"y":[null]}}`, "main", minimal},
		{"null is absent", `{` + two + hash + `","account":null,"campaign":null,"seq":null,"enqueuedAt":null,"expiresAt":null,"skipUnchanged":null,"ref":null,"by":null}`, "main", minimal},
		{"empty texts are absent", `{` + two + hash + `","account":"","campaign":"","enqueuedAt":"","ref":""}`, "main", minimal},
		{"white space", " {\n" + two + hash + "\" }\n", "main", minimal},
		{"group id in another form", `{"groupId":"120363019502650977@g.us","groupPhoto":"sha256:` + hash + `"}`, "main", minimal},
		{"time with a zone", `{` + two + hash + `","expiresAt":"2026-01-31T15:00:00.1239-03:00"}`, "main",
			with(func(u *tasks.Update) { u.ExpiresAt = time.Date(2026, 1, 31, 18, 0, 0, 123_000_000, time.UTC) })},
		{"keys of another spelling are unknown", `{` + two + hash + `","SEQ":7,"Ref":"x"}`, "main", minimal},
		{"longest ref and by", `{` + two + hash + `","ref":"` + strings.Repeat("r", tasks.MaxRef) + `","by":"` + strings.Repeat("b", tasks.MaxRef) + `"}`, "main",
			with(func(u *tasks.Update) {
				u.Ref, u.By = strings.Repeat("r", tasks.MaxRef), strings.Repeat("b", tasks.MaxRef)
			})},
		{"largest seq", `{` + two + hash + `","seq":9223372036854775807}`, "main", with(func(u *tasks.Update) { u.Seq = 9223372036854775807 })},
		{"large inline image", `{"groupId":"120363019502650977-group","groupPhoto":"data:image/jpeg;base64,` + strings.Repeat("A", 4<<20) + `"}`, "main",
			with(func(u *tasks.Update) { u.Photo = photo(t, "data:image/jpeg;base64,"+strings.Repeat("A", 4<<20)) })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tasks.ParseUpdate([]byte(tt.payload), tt.account)
			if err != nil {
				t.Fatalf("ParseUpdate: %v", err)
			}
			if diff := cmp.Diff(tt.want, got, photoText); diff != "" {
				t.Errorf("update (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseUpdate_Refused(t *testing.T) {
	t.Parallel()
	two := `"groupId":"120363019502650977-group","groupPhoto":"sha256:` + hash + `"`
	tests := []struct{ name, payload, names string }{
		{"nothing", ``, "not a JSON object"},
		{"not JSON", `groupId=1`, "not a JSON object"},
		{"cut off", `{` + two, "not a JSON object"},
		{"two objects", `{` + two + `}{}`, "not a JSON object"},
		{"null", `null`, "not a JSON object"},
		{"array", `[{` + two + `}]`, "not a JSON object"},
		{"text", `"` + hash + `"`, "not a JSON object"},
		{"nested beyond reason", strings.Repeat("[", 20_000), "not a JSON object"},
		{"empty object", `{}`, "groupId is missing"},
		{"no group", `{"groupPhoto":"sha256:` + hash + `"}`, "groupId is missing"},
		{"group null", `{"groupId":null,"groupPhoto":"sha256:` + hash + `"}`, "groupId is missing"},
		{"group spelt as in the provider's example", `{"groupID":"120363019502650977-group","groupPhoto":"sha256:` + hash + `"}`, "groupId is missing"},
		{"no photo", `{"groupId":"120363019502650977-group"}`, "groupPhoto is missing"},
		{"photo null", `{"groupId":"120363019502650977-group","groupPhoto":null}`, "groupPhoto is missing"},
		{"photo spelt otherwise", `{"groupId":"120363019502650977-group","groupphoto":"sha256:` + hash + `"}`, "groupPhoto is missing"},
		{"group a number", `{"groupId":120363019502650977,"groupPhoto":"sha256:` + hash + `"}`, "groupId is not a text"},
		{"group empty", `{"groupId":"","groupPhoto":"sha256:` + hash + `"}`, "group id"},
		{"group a person", `{"groupId":"5511999999999@c.us","groupPhoto":"sha256:` + hash + `"}`, "group id"},
		{"photo an object", `{"groupId":"120363019502650977-group","groupPhoto":{"url":"https://example.com/` + markQuery + `"}}`, "groupPhoto is not a text"},
		{"photo empty", `{"groupId":"120363019502650977-group","groupPhoto":""}`, "photo"},
		{"photo with a password", `{"groupId":"120363019502650977-group","groupPhoto":"https://` + markUser + `:` + markPass + `@example.com/?` + markQuery + `"}`, "photo"},
		{"photo a broken image", `{"groupId":"120363019502650977-group","groupPhoto":"\"` + markImage + `"}`, "photo"},
		{"account of another queue", `{` + two + `,"account":"other"}`, "account"},
		{"account a number", `{` + two + `,"account":1}`, "account is not a text"},
		{"campaign of bad characters", `{` + two + `,"campaign":"a b"}`, "campaign"},
		{"campaign too long", `{` + two + `,"campaign":"` + strings.Repeat("c", 65) + `"}`, "campaign"},
		{"campaign a list", `{` + two + `,"campaign":["x"]}`, "campaign is not a text"},
		{"seq negative", `{` + two + `,"seq":-1}`, "seq"},
		{"seq a text", `{` + two + `,"seq":"1"}`, "seq is not a whole number"},
		{"seq with a fraction", `{` + two + `,"seq":1.5}`, "seq is not a whole number"},
		{"seq beyond 64 bits", `{` + two + `,"seq":9223372036854775808}`, "seq is not a whole number"},
		{"enqueued a number", `{` + two + `,"enqueuedAt":1769871600}`, "enqueuedAt is not a text"},
		{"enqueued not a time", `{` + two + `,"enqueuedAt":"yesterday"}`, "enqueuedAt is not a time"},
		{"expires without a zone", `{` + two + `,"expiresAt":"2026-01-31T15:00:00"}`, "expiresAt is not a time"},
		{"skipUnchanged a text", `{` + two + `,"skipUnchanged":"true"}`, "skipUnchanged is not true or false"},
		{"skipUnchanged a number", `{` + two + `,"skipUnchanged":1}`, "skipUnchanged is not true or false"},
		{"ref too long", `{` + two + `,"ref":"` + strings.Repeat("r", tasks.MaxRef+1) + `"}`, "ref"},
		{"by too long", `{` + two + `,"by":"` + strings.Repeat("b", tasks.MaxRef+1) + `"}`, "by"},
		{"by an object", `{` + two + `,"by":{}}`, "by is not a text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := tasks.ParseUpdate([]byte(tt.payload), "main")
			if !errors.Is(err, tasks.ErrPayload) {
				t.Fatalf("ParseUpdate error = %v; want an ErrPayload", err)
			}
			if !strings.Contains(err.Error(), tt.names) {
				t.Errorf("the error %q does not say %q", err, tt.names)
			}
			if secret := leaks(err.Error()); secret != "" {
				t.Errorf("the error shows %q: %v", secret, err)
			}
		})
	}
}

func TestParseUpdate_BadPartsMatchTheirOwnErrors(t *testing.T) {
	t.Parallel()
	_, err := tasks.ParseUpdate([]byte(`{"groupId":"5511999999999@c.us","groupPhoto":"sha256:`+hash+`"}`), "main")
	if !errors.Is(err, tasks.ErrGroupID) {
		t.Errorf("a bad group: %v; want an ErrGroupID too", err)
	}
	_, err = tasks.ParseUpdate([]byte(`{"groupId":"120363019502650977-group","groupPhoto":"x"}`), "main")
	if !errors.Is(err, tasks.ErrPhoto) {
		t.Errorf("a bad photo: %v; want an ErrPhoto too", err)
	}
}

func TestUpdate_Validate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*tasks.Update)
		names  string // "": valid
	}{
		{"full", func(*tasks.Update) {}, ""},
		{"account left out", func(u *tasks.Update) { u.Account = "" }, ""},
		{"times left out", func(u *tasks.Update) { u.EnqueuedAt, u.ExpiresAt = time.Time{}, time.Time{} }, ""},
		{"group missing", func(u *tasks.Update) { u.GroupID = "" }, "group id"},
		{"group a phone that was never parsed", func(u *tasks.Update) { u.GroupID = "5511999999999" }, "group id"},
		{"group in a form that is not PlugChat's", func(u *tasks.Update) { u.GroupID = "120363019502650977@g.us" }, "group id"},
		{"photo missing", func(u *tasks.Update) { u.Photo = tasks.PhotoRef{} }, "photo"},
		{"photo of a kind without text", func(u *tasks.Update) { u.Photo = tasks.PhotoRef{Kind: tasks.PhotoURL} }, "photo"},
		{"photo of a hash that is none", func(u *tasks.Update) { u.Photo = tasks.MadeRef("../x") }, "photo"},
		{"account of bad characters", func(u *tasks.Update) { u.Account = "a.b" }, "account"},
		{"campaign of bad characters", func(u *tasks.Update) { u.Campaign = "a:b" }, "campaign"},
		{"seq negative", func(u *tasks.Update) { u.Seq = -1 }, "seq"},
		{"ref too long", func(u *tasks.Update) { u.Ref = strings.Repeat("r", tasks.MaxRef+1) }, "ref"},
		{"by too long", func(u *tasks.Update) { u.By = strings.Repeat("b", tasks.MaxRef+1) }, "by"},
		{"ref not UTF-8, which JSON would change", func(u *tasks.Update) { u.Ref = "caf\xe9" }, "ref"},
		{"by not UTF-8, which JSON would change", func(u *tasks.Update) { u.By = "\xff" }, "by"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := fullUpdate(t)
			tt.change(&u)
			err := u.Validate()
			if tt.names == "" {
				if err != nil {
					t.Errorf("Validate = %v; want nil", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.names) {
				t.Errorf("Validate = %v; want an error that names %q", err, tt.names)
			}
		})
	}
}

func TestUpdate_ValidateTellsEveryProblem(t *testing.T) {
	t.Parallel()
	err := tasks.Update{Account: "A", Seq: -1, Campaign: "?"}.Validate()
	if !errors.Is(err, tasks.ErrGroupID) || !errors.Is(err, tasks.ErrPhoto) {
		t.Errorf("Validate = %v; want ErrGroupID and ErrPhoto", err)
	}
	for _, word := range []string{"account", "seq", "campaign"} {
		if !strings.Contains(fmt.Sprint(err), word) {
			t.Errorf("Validate = %v; want it to name %s", err, word)
		}
	}
}

func TestUpdate_Fingerprint(t *testing.T) {
	t.Parallel()
	base := fullUpdate(t)
	print := base.Fingerprint()
	if len(print) != 22 || strings.Trim(print, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("fingerprint %q; want 22 characters of URL-safe Base64", print)
	}
	same := map[string]func(*tasks.Update){
		"seq":      func(u *tasks.Update) { u.Seq++ },
		"enqueued": func(u *tasks.Update) { u.EnqueuedAt = time.Now() },
		"expires":  func(u *tasks.Update) { u.ExpiresAt = time.Time{} },
		"by":       func(u *tasks.Update) { u.By = "somebody else" },
	}
	for name, change := range same {
		u := base
		change(&u)
		if u.Fingerprint() != print {
			t.Errorf("another %s gives another fingerprint; a repeated call would not be recognised", name)
		}
	}
	other := map[string]func(*tasks.Update){
		"group":           func(u *tasks.Update) { u.GroupID = oldGroup },
		"photo":           func(u *tasks.Update) { u.Photo = tasks.MadeRef(hash) },
		"photo as given":  func(u *tasks.Update) { u.Photo = tasks.SourceRef(hash) },
		"query":           func(u *tasks.Update) { u.Photo = photo(t, "https://example.com/a.jpg?sig=1&x=3") },
		"account":         func(u *tasks.Update) { u.Account = "sales2" },
		"campaign":        func(u *tasks.Update) { u.Campaign = "" },
		"skipUnchanged":   func(u *tasks.Update) { u.SkipUnchanged = false },
		"ref":             func(u *tasks.Update) { u.Ref = "order-882" },
		"ref as campaign": func(u *tasks.Update) { u.Campaign, u.Ref = u.Ref, u.Campaign },
		"a border moved":  func(u *tasks.Update) { u.Account, u.Campaign = "saleseaster", "_2026" },
	}
	seen := map[string]string{print: "base"}
	for name, change := range other {
		u := base
		change(&u)
		if before, ok := seen[u.Fingerprint()]; ok {
			t.Errorf("%s and %s have the same fingerprint", name, before)
		}
		seen[u.Fingerprint()] = name
	}
	named, unnamed := tasks.Update{GroupID: newGroup, Account: tasks.DefaultAccount}, tasks.Update{GroupID: newGroup}
	if named.Fingerprint() != unnamed.Fingerprint() {
		t.Error("the default account named and not named differ")
	}
}

func TestUpdate_ShowsNothingSecret(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"signed URL": "https://example.com/a.jpg?sig=" + markQuery,
		"data URI":   "data:image/png;base64," + markImage,
		"Base64":     markImage,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := fullUpdate(t)
			u.Photo = photo(t, text)
			var log bytes.Buffer
			slog.New(slog.NewTextHandler(&log, nil)).Info("update", slog.Any("update", u), slog.Any("photo", u.Photo))
			text := shown(u) + log.String()
			if secret := leaks(text); secret != "" {
				t.Errorf("it shows %q: %s", secret, text)
			}
			for _, fact := range []string{newGroup, "sales"} {
				if !strings.Contains(u.String(), fact) || !strings.Contains(log.String(), fact) {
					t.Errorf("String %q or the log %q does not show %s", u, log.String(), fact)
				}
			}
		})
	}
}

func FuzzParseUpdate(f *testing.F) {
	f.Add([]byte(`{"groupId":"120363019502650977-group","groupPhoto":"https://example.com/a"}`), "main")
	f.Add(fullUpdate(f).Marshal(), "sales")
	f.Add([]byte(`{"groupId":"5511999999999-1623281429@g.us","groupPhoto":"sha256:`+hash+`","seq":1e3,"ref":"\ud800"}`), "main")
	f.Add([]byte(`{"groupId":"120363019502650977","groupPhoto":"data:,","expiresAt":"0000-01-01T00:00:00+23:59"}`), "main")
	f.Add([]byte(`{"groupId":1,"groupPhoto":[]}`), "")
	f.Add([]byte(`null`), "main")
	f.Fuzz(func(t *testing.T, payload []byte, account string) {
		u, err := tasks.ParseUpdate(payload, account)
		if err != nil {
			if !errors.Is(err, tasks.ErrPayload) {
				t.Fatalf("ParseUpdate error %v does not match ErrPayload", err)
			}
			return
		}
		if err := u.Validate(); err != nil {
			t.Fatalf("ParseUpdate accepted what Validate refuses: %v", err)
		}
		again, err := tasks.ParseUpdate(u.Marshal(), account)
		if err != nil {
			t.Fatalf("ParseUpdate(Marshal()): %v", err)
		}
		if diff := cmp.Diff(u, again, photoText, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("round trip (-first +second):\n%s", diff)
		}
		if u.Fingerprint() != again.Fingerprint() {
			t.Fatal("the fingerprint changes on the way")
		}
	})
}

// What Validate lets through, a worker must be able to read as it was meant.
func FuzzUpdate_ValidMeansReadable(f *testing.F) {
	f.Add(newGroup, "https://example.com/a?b=c", "main", "", int64(1), "ref", "by")
	f.Add("120363019502650977", "https://example.com/"+strings.Repeat("é", 1000), "", "c", int64(0), "\xff", "<&>")
	f.Add(oldGroup, "https://example.com/?q=\xff", "sales", "c", int64(7), strings.Repeat("\xff", 128), "\u2028")
	f.Fuzz(func(t *testing.T, group, photo, account, campaign string, seq int64, ref, by string) {
		u := tasks.Update{GroupID: tasks.GroupID(group), Account: account, Campaign: campaign, Seq: seq, Ref: ref, By: by}
		u.Photo, _ = tasks.ParsePhoto(photo) // a refused one is no photo, which Validate refuses
		if u.Validate() != nil {
			return
		}
		if !json.Valid(u.Marshal()) {
			t.Fatalf("not JSON: %s", u.Marshal())
		}
		queue := account
		if queue == "" {
			queue = tasks.DefaultAccount
		}
		got, err := tasks.ParseUpdate(u.Marshal(), queue)
		if err != nil {
			t.Fatalf("Validate accepts what ParseUpdate refuses: %v\n%#v", err, u)
		}
		u.Account = queue
		if diff := cmp.Diff(u, got, photoText); diff != "" {
			t.Fatalf("round trip (-want +got):\n%s", diff)
		}
	})
}

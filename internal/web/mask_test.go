package web_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/plugchat-go/groupphoto/internal/web"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestMaskText(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0a", 32)
	for _, tt := range []struct{ name, give, want string }{
		{"plain", "order 881, blue", "order 881, blue"},
		{"stored photo", "src:sha256:" + hash, "src:sha256:" + hash},
		{"query", "see https://h.example/a.png?sig=abc#d now", "see https://h.example/a.png now"},
		{"user", "ftp://me:pw@h.example/x", "ftp://h.example/x"},
		{"bad URL", "http://[bad?sig=abc", "http://[hidden]"},
		{"redis", "redis://:pw@10.0.0.1:6379/0", "redis://10.0.0.1:6379/0"},
		{"data URI", "x data:image/png;base64,AAAA y", "x [data URI of 26 characters] y"},
		{"bearer", "Authorization: Bearer abcdef123", "Authorization: [hidden] [hidden]"},
		{"pair", `token=abc rest`, `token=[hidden] rest`},
		{"pair in quotes", `{"password": "a b c", "n": 1`, `{"password": [hidden], "n": 1`},
		{"Base64", strings.Repeat("Ab1+", 20), "[80 characters]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := web.MaskText(tt.give); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestShowPayload_Bounded(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{
		strings.Repeat("word é ", 2000), `["` + strings.Repeat(`a b","`, 1000) + `"]`, strings.Repeat("x", 1<<20), "", "\xff", strings.Repeat("[", 5000),
	} {
		if got := web.ShowPayload("t", []byte(payload)); len(got) > 2048 || !utf8.ValidString(got) {
			t.Errorf("payload %.20q: got %d bytes, valid %t", payload, len(got), utf8.ValidString(got))
		}
	}
}

func FuzzShow(f *testing.F) {
	f.Add([]byte(`{"groupId": "120363019502650977-group", "groupPhoto": "https://h/p?MARK"}`))
	f.Add([]byte(`{"a": [1, "data:,x"]} x`))
	f.Add([]byte("https://[::1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, kind := range []string{tasks.TypeUpdate, "other"} {
			for _, got := range []string{web.ShowPayload(kind, b), web.ShowResult(kind, b)} {
				if len(got) > 2048 || !utf8.ValidString(got) {
					t.Errorf("got %d bytes, valid %t", len(got), utf8.ValidString(got))
				}
			}
		}
		// Whatever text stands in the place of the photo: its query is not shown.
		const mark = "MARKmark"
		text, err := json.Marshal("https://h.example/p?" + strings.ToValidUTF8(string(b), "") + mark)
		if err != nil {
			t.Fatal(err)
		}
		got := web.ShowPayload(tasks.TypeUpdate, []byte(`{"groupId": "120363019502650977-group", "groupPhoto": `+string(text)+`}`))
		if !strings.ContainsAny(string(b), " \t\r\n\v\f\"'<>\\") && strings.Contains(got, mark) {
			t.Errorf("got %q, which shows the query", got)
		}
	})
}

func FuzzUnquote(f *testing.F) {
	for _, seed := range []string{`"a"`, "a", `"a\"b"`, `"`, `\`, ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, ok := web.Unquote(text)
		if !ok {
			return
		}
		if id := web.KeyID(key); key != "" && tasks.CheckID(id) != nil {
			t.Errorf("key %q gives the id %q, which is none", key, id)
		}
		escaped := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
		if again, ok := web.Unquote(escaped); !ok || again != key {
			t.Errorf("key %q quoted as %s reads as %q, %t", key, escaped, again, ok)
		}
	})
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

func TestAccounts_FromEverywhere(t *testing.T) {
	t.Parallel()
	// given a token for main, and a file with two more accounts
	list := file(t, "accounts.json", `[
		{"name":"shop","tokenFile":"shop.token","pace":"2s","jitter":0.1,"concurrency":3,"baseURL":"https://other.example","authScheme":"Bearer",
			"refusalRetries":0,"phone":"+55 (11) 99999-9999"},
		{"name":"club","token":"club-token"}]`)
	if err := os.WriteFile(filepath.Join(filepath.Dir(list), "shop.token"), []byte("shop-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := (&app{env: map[string]string{"PLUGCHAT_TOKEN": "main-token", "PLUGCHAT_PHONE": " +55 21 98888.7777 ", "GROUPPHOTO_ACCOUNTS_FILE": list, "GROUPPHOTO_PACE": "7s", "GROUPPHOTO_REFUSAL_RETRIES": "3"}}).config(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	// when they are read
	got, err := c.accounts()
	if err != nil {
		t.Fatal(err)
	}
	// then each has its own values, and the common ones elsewhere
	const base = "https://www.plugchat.com.br"
	want := []account{
		{"main", "main-token", base, "", 7 * time.Second, 0.3, 1, 3, "5521988887777"},
		{"shop", "shop-token", "https://other.example", "Bearer", 2 * time.Second, 0.1, 3, 0, "5511999999999"},
		{"club", "club-token", base, "", 7 * time.Second, 0.3, 1, 3, ""},
	}
	if len(got) != len(want) {
		t.Fatalf("%d accounts; want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("account %d: got %v, want %v (tokens equal: %t)", i, got[i], want[i], got[i].token == want[i].token)
		}
	}
}

func TestAccounts_Problems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		file  string
		token plugchat.Secret
		want  []string // each is in a line of its own
	}{
		{"not JSON", "[{\"name\":\n\"a\" \"marked-token\"}]", "", []string{"it goes wrong in line 2"}},
		{"an object", `{"name":"a","token":"marked-token"}`, "", []string{"is not a JSON list"}},
		{"empty", `[]`, "", []string{"lists no account"}},
		{"two tokens in one entry", `[{"name":"a","token":"marked-token","tokenFile":"x"}]`, "", []string{"entry 1 (a): has two tokens, token and tokenFile"}},
		{"two tokens for one name", `[{"name":"a","token":"marked-1"},{"name":"a","token":"marked-2"}]`, "", []string{"account a: has two tokens in GROUPPHOTO_ACCOUNTS_FILE"}},
		{"one account twice", `[{"name":"a","token":"marked-1"},{"name":"a","token":"marked-1"}]`, "", []string{"account a: is in GROUPPHOTO_ACCOUNTS_FILE twice"}},
		{"one token twice", `[{"name":"a","token":"marked-1"},{"name":"b","token":"marked-1"}]`, "", []string{"accounts a and b have the same token"}},
		{"one phone twice", `[{"name":"a","token":"marked-1","phone":"5511999999999"},{"name":"b","token":"marked-2","phone":"+55 11 99999-9999"}]`, "", []string{"accounts a and b have the same phone; one number is one account"}},
		{"main by both", `[{"name":"main","token":"marked-1"}]`, "marked-2", []string{"account main: has two tokens, one by PLUGCHAT_TOKEN and one in GROUPPHOTO_ACCOUNTS_FILE"}},
		{"all at once", `[
			{"name":"A B","token":"marked-1","pace":"soon","jiter":0.5},
			{"name":"b","pace":"1s","concurrency":0},
			{"name":"c","tokenFile":"/no/such/token","jitter":7},
			17, {"name":3,"token":"marked-2"},
			{"name":"d","token":"marked-4","refusalRetries":11,"phone":"11 9999"}, {"name":"e","token":"marked-5","refusalRetries":1.5,"phone":5511999999999},
			{"name":"f","token":"marked-6","phone":"+55 11 99999-9999 9999"}, {"name":"g","token":"marked-7","phone":"home","refusalRetries":"2"}]`, "", []string{
			`entry 1: field "jiter" is not known; did you mean "jitter"?`, `entry 1: account name "A B"`, `entry 1: field pace "soon": must be`,
			`entry 2 (b): has no token`, `entry 2 (b): field concurrency "0"`,
			`entry 3 (c): tokenFile: the file cannot be read: "/no/such/token"`, `entry 3 (c): field jitter "7"`,
			`entry 4: is not a JSON object`, `entry 5: field "name" is not a text`, `entry 5: account name ""`,
			`entry 6 (d): field refusalRetries "11": must be a whole number from 0 to 10`, `entry 6 (d): field phone "11 9999": must be a phone with its country code`,
			`entry 7 (e): field refusalRetries "1.5"`, `entry 7 (e): field "phone" is not a text`,
			`entry 8 (f): field phone "+55 11 99999-9999 9999"`, `entry 9 (g): field phone "home"`, `entry 9 (g): field refusalRetries "\"2\""`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := config{accountsFile: file(t, "accounts.json", tt.file), token: tt.token}.accounts()
			if err == nil {
				t.Fatal("no error")
			}
			got := problems(err)
			for _, want := range tt.want {
				if !strings.Contains(strings.Join(got, "\n"), want) {
					t.Errorf("problems:\n%s\nwant among them: %s", strings.Join(got, "\n"), want)
				}
			}
			if len(got) != len(tt.want) || strings.Contains(err.Error(), "marked-") {
				t.Errorf("problems:\n%s\nwant %d without a token", strings.Join(got, "\n"), len(tt.want))
			}
		})
	}
}

func TestAccounts_TheSoundOnesOnly(t *testing.T) {
	t.Parallel()
	// given a file with a sound account among others
	list := file(t, "accounts.json", `[
		{"name":"fine","token":"marked-1"},
		{"name":"url","token":"marked-2","baseurl":"https://other.example"},
		{"name":"none"},
		{"name":"twice","token":"marked-3"}, {"name":"twice","tokenFile":"/no/such/token"},
		{"name":"one","token":"marked-4"}, {"name":"other","token":"marked-4"},
		17]`)
	// when it is read
	got, err := config{accountsFile: list}.accounts()
	// then that one alone can be worked with, and each of the others has its line
	if len(got) != 1 || got[0].name != "fine" {
		t.Errorf("%d accounts; want fine alone", len(got))
	}
	if err == nil || len(problems(err)) != 6 || strings.Contains(err.Error(), "has two tokens") {
		t.Errorf("problems:\n%v\nwant one for each", err)
	}
}

func FuzzAccounts(f *testing.F) {
	f.Add([]byte(`[{"name":"a","token":"x","pace":"1s","jitter":0.1,"concurrency":2}]`))
	f.Add([]byte(`[null, {}, 1, {"name":null,"tokenFile":"../x"}]`))
	f.Fuzz(func(t *testing.T, entry []byte) {
		a, problems := config{}.readAccount(entry)
		if len(problems) == 0 && (a.name == "" || a.token == "") {
			t.Errorf("an entry without name or token passed: %q", entry)
		}
	})
}

// The page about accounts shows a file that works, and names every field.
func TestDocs_AccountsFile(t *testing.T) {
	t.Parallel()
	page := read(t, "docs/accounts.md")
	_, rest, _ := strings.Cut(page, "\n```json\n")
	example, _, ok := strings.Cut(rest, "\n```\n")
	if !ok {
		t.Fatal("docs/accounts.md has no example")
	}
	token := file(t, "club_token", "club-token\n")
	list := file(t, "accounts.json", strings.ReplaceAll(example, "/run/secrets/club_token", filepath.ToSlash(token)))
	if err := os.WriteFile(filepath.Join(filepath.Dir(list), "shop.token"), []byte("shop-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := (&app{env: map[string]string{"GROUPPHOTO_ACCOUNTS_FILE": list}}).config(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.accounts()
	if err != nil || len(got) != 3 {
		t.Errorf("%d accounts, %v; want 3", len(got), err)
	}
	for _, field := range accountFields {
		if !strings.Contains(page, "`"+field+"`") {
			t.Errorf("docs/accounts.md does not explain %s", field)
		}
	}
}

func TestDocs_StatesOfAccounts(t *testing.T) {
	t.Parallel()
	page := read(t, "docs/accounts.md")
	// every state has its row, and what account list says stands there as it is said
	for _, state := range []string{laneWorking, laneSlowed, laneSuspicious, laneTrouble, lanePaused} {
		lacks(t, page, "\n| `"+state+"` | ")
	}
	for _, owner := range []string{"operator", "account", "breaker"} {
		lacks(t, page, "`"+owner+"`")
	}
	lacks(t, page, sinceSuspected(enqueue.Lane{}), "; go on with: groupphoto account resume club\n", "goes on by itself; next try at ",
		nextTryText(config{}, enqueue.Lane{Tries: 2, TroubleOf: "account"}), "; every accepted photo brings it back a little\n")
}

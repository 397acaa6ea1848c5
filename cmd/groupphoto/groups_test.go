package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/sandbox"
)

// hall is a sandbox with some groups and two numbers: shop is in all of them, club in
// all but the first.
type hall struct {
	box *sandbox.Sandbox
	env map[string]string
}

func newHall(t *testing.T, groups int) hall {
	t.Helper()
	h := hall{box: sandbox.New(sandbox.Config{Tokens: []string{"marked-shop", "marked-club"}, Groups: groups})}
	server := httptest.NewServer(h.box)
	t.Cleanup(server.Close)
	h.env = map[string]string{
		"PLUGCHAT_BASE_URL": server.URL, "REDIS_URL": "redis://127.0.0.1:1",
		"GROUPPHOTO_ACCOUNTS_FILE": file(t, "a.json", `[{"name":"shop","token":"marked-shop"},{"name":"club","token":"marked-club","pace":"5s"}]`),
	}
	h.dial(t)
	return h
}

const (
	firstGroup  = "120363900000000001-group"
	secondGroup = "120363900000000002-group"
	thirdGroup  = "120363900000000003-group"
)

func (h hall) dial(t *testing.T, more ...string) {
	t.Helper()
	rules, err := parseRules(append(more, "not-member:group="+firstGroup+",account="+sandbox.AccountOf("marked-club")))
	if err != nil {
		t.Fatal(err)
	}
	h.box.SetDial(rules...)
}

func TestGroups_ListsWhereEachNumberIs(t *testing.T) {
	t.Parallel()
	h := newHall(t, 2)
	for _, tt := range []struct {
		name string
		args []string
		want result
	}{
		{"all numbers, as text", nil, result{0,
			"120363900000000001-group  Group 0001  shop\n120363900000000002-group  Group 0002  shop\n120363900000000002-group  Group 0002  club\n",
			"shop: 2 groups among 3 chats (2 calls)\nclub: 1 group among 2 chats (2 calls)\n"}},
		{"some, as CSV, in Portuguese", []string{"--account", "club,club", "-o", "csv", "--lang", "pt"}, result{0,
			"\ufeffgroup,name,account\n120363900000000002-group,Group 0002,club\n", "club: 1 grupo entre 2 conversas (2 chamadas)\n"}},
		{"as JSON", []string{"--account", "club", "--account", "shop", "-o", "json"}, result{0,
			`{"groupId":"120363900000000002-group","name":"Group 0002","account":"club"}` + "\n" +
				`{"groupId":"120363900000000001-group","name":"Group 0001","account":"shop"}` + "\n" +
				`{"groupId":"120363900000000002-group","name":"Group 0002","account":"shop"}` + "\n",
			"club: 1 group among 2 chats (2 calls)\nshop: 2 groups among 3 chats (2 calls)\n"}},
		{"a number that is not configured", []string{"--account", "shop,clubs"}, result{2, "", `groupphoto: account "clubs": is not configured here; known: shop, club; did you mean "club"?` + "\n"}},
		{"no name", []string{"--account", "shop,"}, result{2, "", "groupphoto: account name \"\": must be 1 to 32 of a-z, 0-9 and - (see 'groupphoto groups --help')\n"}},
		{"another form", []string{"-o", "xlsx"}, result{2, "", "groupphoto: --output \"xlsx\": must be text or json or csv (see 'groupphoto groups --help')\n"}},
		{"another language", []string{"--lang", "fr"}, result{2, "", "groupphoto: --lang \"fr\": must be en or pt (see 'groupphoto groups --help')\n"}},
		{"an argument", []string{"shop"}, result{2, "", "groupphoto: argument \"shop\" is one too many (see 'groupphoto groups --help')\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := call(t, h.env, append([]string{"groups"}, tt.args...)...)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(result{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if got := call(t, map[string]string{}, "groups"); got.code != exitUsage || !strings.Contains(got.err, "no account is configured") {
		t.Errorf("without any account: %+v", got)
	}
}

func TestGroups_PagesOfManyChats(t *testing.T) {
	t.Parallel()
	h := newHall(t, 450)
	got := call(t, h.env, "groups", "--account", "shop")
	if n := strings.Count(got.out, "\n"); got.code != 0 || n != 450 || got.err != "shop: 450 groups among 451 chats (4 calls)\n" {
		t.Errorf("%d lines, %s", n, got.err)
	}
	for _, c := range h.box.Calls() {
		if c.Method != "GET" || c.Path != "/api/whatsapp/chats" {
			t.Errorf("it called %s %s", c.Method, c.Path)
		}
	}
}

func TestGroups_NothingOfANumberThatCannotBeRead(t *testing.T) {
	t.Parallel()
	club := "account=" + sandbox.AccountOf("marked-club")
	for _, tt := range []struct{ rule, want string }{
		{"disconnected:" + club, "groupphoto: account club: disconnected: the number is not connected to WhatsApp: You are not connected. (HTTP 400); reconnect it in the provider's panel"},
		{"html:on=chats," + club, "groupphoto: account club: unclear_answer: the answer is no list of chats: the reply is a web page (HTTP 200); check PLUGCHAT_BASE_URL\n"},
		{"429:on=chats," + club, "groupphoto: account club: throttled: "},
		{"redirect:on=chats," + club, "it points to moved.invalid (HTTP 301)"},
		{"401:on=chats," + club, "check PLUGCHAT_TOKEN"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			h := newHall(t, 2)
			h.dial(t, tt.rule)
			got := call(t, h.env, "groups", "-o", "csv")
			if got.code != exitFailure || got.out != "" || !strings.Contains(got.err, tt.want) || strings.Count(got.err, "\n") != 1 || strings.Contains(got.err, "marked-") {
				t.Errorf("%+v; want %q", got, tt.want)
			}
		})
	}
}

// What people called their groups is theirs: it must not become a formula, nor
// repaint a terminal, nor stand where the id is repeated.
func TestGroups_NamesAsPeopleGaveThem(t *testing.T) {
	t.Parallel()
	chats := `[{"phone":"5511999999999","name":"a person"},{"phone":"120363019502650977@g.us","name":"=HYPERLINK(\"http://x\")"},
		{"phone":"120363019502650977-group","name":"the same"},{"phone":"120363019502650978-group","name":"Vendas, \"Sul\" \u001b[31m?x=1"},
		{"phone":"5511999999999-1623281429","name":"5511999999999-1623281429"},{"phone":"120363019502650979@newsletter","name":"a channel"},{"phone":"status@broadcast"}]`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, chats) }))
	t.Cleanup(server.Close)
	env := map[string]string{"PLUGCHAT_TOKEN": "marked-token", "PLUGCHAT_BASE_URL": server.URL}
	want := "\ufeffgroup,name,account\n5511999999999-1623281429,,main\n" +
		`120363019502650977-group,"'=HYPERLINK(""http://x"")",main` + "\n" + `120363019502650978-group,"Vendas, ""Sul"" [31m?x=1",main` + "\n"
	if got := call(t, env, "groups", "-o", "csv"); got.out != want {
		t.Errorf("got\n%s\nwant\n%s", got.out, want)
	}
	if got := call(t, env, "groups"); !strings.HasPrefix(got.out, "5511999999999-1623281429  -  ") || strings.Contains(got.out, "\x1b") {
		t.Errorf("got\n%q", got.out)
	}
}

// What groups writes is a sheet.
func TestGroups_AreASheet(t *testing.T) {
	t.Parallel()
	h := newHall(t, 3)
	dir := t.TempDir()
	sheet := put(t, dir+"/groups.csv", call(t, h.env, "groups", "--account", "shop", "-o", "csv").out)
	logo := put(t, dir+"/logo.png", string(half(t, 300, 300)))
	got := call(t, h.env, "campaign", "check", sheet, "--photo", logo, "-o", "json")
	problems, summary := checked(t, got.out)
	if got.code != 0 || len(problems) > 0 || fmt.Sprint(summary["good"]) != "3" {
		t.Errorf("%d: %v %v\n%s", got.code, problems, summary, got.err)
	}
}

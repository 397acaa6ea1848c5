package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCampaignCheck_GivesRowsToNumbersInTheirGroups(t *testing.T) {
	t.Parallel()
	h := newHall(t, 4)
	h.dial(t, "not-member:group="+secondGroup) // nobody is in the second group, and shop alone in the first
	dir := t.TempDir()
	logo := put(t, filepath.Join(dir, "logo.png"), string(half(t, 300, 300)))
	groups := put(t, filepath.Join(dir, "groups.csv"), call(t, h.env, "groups", "-o", "csv").out)
	const fourth = "120363900000000004-group"
	sheet := put(t, filepath.Join(dir, "grupos.csv"), "grupo;conta\n"+firstGroup+";\n"+secondGroup+";\n"+thirdGroup+";\n"+fourth+";\n"+firstGroup+"@g.us;\n120363900000000009-group;club\n")
	got := call(t, h.env, "campaign", "check", sheet, "--photo", logo, "--groups", groups, "--accounts", "shop,club", "-o", "json")
	problems, summary := checked(t, got.out)
	want := []string{"3:1 no_member", "6:1 duplicate of 2", "7:2 not_member"}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	rows := rowsOf(summary)
	if diff := cmp.Diff(map[string]any{"shop": 1.0, "club": 2.0}, rows); diff != "" {
		t.Errorf("rows of the accounts (-want +got):\n%s", diff)
	}
	if got.code != exitUsage {
		t.Errorf("exit code %d, %s", got.code, got.err)
	}
	if again := call(t, h.env, "campaign", "check", sheet, "--photo", logo, "--groups", groups, "--accounts", "shop,club", "-o", "json"); untimed(again.out) != untimed(got.out) {
		t.Errorf("the same again gave\n%s", again.out)
	}
	one := call(t, h.env, "campaign", "check", sheet, "--photo", logo, "--groups", groups, "--accounts", "club", "--lang", "pt")
	if !strings.Contains(one.out, "linha 2, coluna 1 (grupo), \""+firstGroup+"\": no_member: nenhum dos números está neste grupo; coloque um deles no grupo") {
		t.Errorf("got\n%s", one.out)
	}
}

// untimed takes the moments away that lie a second later in another run.
func untimed(text string) string {
	return regexp.MustCompile(`"until":"[^"]*"`).ReplaceAllString(text, `"until":""`)
}

// rowsOf tells how many rows each account has, out of the summary of check.
func rowsOf(summary map[string]any) map[string]any {
	rows := map[string]any{}
	accounts, _ := summary["accounts"].([]any)
	for _, a := range accounts {
		if facts, ok := a.(map[string]any); ok {
			rows[fmt.Sprint(facts["account"])] = facts["rows"]
		}
	}
	return rows
}

func TestCampaignCheck_FilesOfGroups(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logo := put(t, filepath.Join(dir, "logo.png"), string(half(t, 300, 300)))
	sheet := put(t, filepath.Join(dir, "grupos.csv"), "grupo\n"+firstGroup+"\n")
	list := func(text string) string { return put(t, filepath.Join(t.TempDir(), "groups.csv"), text) }
	whole := list("group,name,account\n" + firstGroup + ",Vendas,shop\n")
	for _, tt := range []struct {
		name string
		in   string
		args []string
		code int
		want string // in stderr
	}{
		{"whole", "", []string{"--groups", whole}, 0, ""},
		{"from stdin", "group;account\n" + firstGroup + ";shop\n", []string{"--groups", "-"}, 0, ""},
		{"as JSON", "", []string{"--groups", list(`{"groupId":"` + firstGroup + `","name":"=1","account":"shop"}` + "\n")}, 0, ""},
		{"without any group", "", []string{"--groups", list("group,name,account\n")}, 2, "groups.csv: no group is in it\n"},
		{"empty", "", []string{"--groups", list("")}, 2, "groups.csv: the file has no rows; give a file with at least one row\n"},
		{"without a column of accounts", "", []string{"--groups", list("group,name\n" + firstGroup + ",x\n")}, 2, "it has no column of accounts; write it with: groupphoto groups -o csv\n"},
		{"with an empty account", "", []string{"--groups", list("group,account\n" + firstGroup + ",\n")}, 2, "line 2: the account is missing\n"},
		{"with rounded ids", "", []string{"--groups", list("group,account\n" + strings.Repeat("1.2E17,shop\n", 9))}, 2, "… and 4 more\n"},
		{"not there", "", []string{"--groups", filepath.Join(dir, "nothing.csv")}, 2, "nothing.csv\": no such file or directory\n"},
		{"a picture", "", []string{"--groups", logo, "--lang", "pt"}, 2, "logo.png: isto é uma imagem, não CSV"},
		{"an account that is not in it", "", []string{"--groups", whole, "--accounts", "shop,club"}, 2, "no line is of the account club; leave it out of --accounts, or list its groups: groupphoto groups --account club\n"},
		{"a bad name", "", []string{"--groups", whole, "--accounts", "Shop"}, 2, `--accounts: account name "Shop": must be`},
		{"accounts alone", "", []string{"--accounts", "shop"}, 2, "--accounts is for --groups; write the file of groups with: groupphoto groups -o csv"},
		{"and an account for all", "", []string{"--groups", whole, "--account", "shop"}, 2, "leave one of the two out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := callWith(t, t.Context(), []byte(tt.in), nil, append([]string{"campaign", "check", sheet, "--photo", logo}, tt.args...)...)
			if got.code != tt.code || !strings.Contains(got.err, tt.want) || tt.code == 0 && (got.err != "" || !strings.Contains(got.out, "shop: 1 row,")) {
				t.Errorf("exit code %d, %s%s; want %d and %q", got.code, got.err, got.out, tt.code, tt.want)
			}
			if tt.code != 0 && got.out != "" {
				t.Errorf("it printed %s", got.out)
			}
		})
	}
	if got := callWith(t, t.Context(), nil, nil, "campaign", "check", "-", "--photo", logo, "--groups", "-"); got.code != exitUsage || !strings.Contains(got.err, "stdin is the sheet already") {
		t.Errorf("%+v", got)
	}
}

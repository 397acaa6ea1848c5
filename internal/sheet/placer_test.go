package sheet_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/sheet"
	"github.com/plugchat-go/groupphoto/tasks"
)

// turns is a Placer that gives rows to a and b in turn. Nobody is in g3, and only a
// is in g2. It writes down what it is asked to place.
type turns struct{ placed []string }

func (p *turns) Fault(group tasks.GroupID, account string) sheet.Reason {
	switch {
	case group == g3 && account == "":
		return sheet.NoMember
	case account == "":
		return ""
	case group == g3, group == g2 && account != "a":
		return sheet.NotMember
	}
	return ""
}

func (p *turns) Place(group tasks.GroupID, account string) string {
	p.placed = append(p.placed, string(group)+" "+account)
	if account == "" {
		return string("ab"[(len(p.placed)-1)%2])
	}
	return account
}

func TestRows_PlacedByWhoIsInTheGroup(t *testing.T) {
	t.Parallel()
	const g4 = "120363019502650980-group"
	for _, tt := range []struct {
		name, text             string
		rows, problems, placed []string
	}{
		{"rows without an account", "grupo;conta\n" + g1 + ";\n" + g2 + "; \n" + g4 + ";\n",
			[]string{"2 a", "3 b", "4 a"}, nil, []string{g1 + " ", g2 + " ", g4 + " "}},
		{"no column of accounts", "grupo;foto\n" + g1 + ";a.png\n" + g2 + ";\n", []string{"2 a", "3 b"}, nil, []string{g1 + " ", g2 + " "}},
		{"rows that name one", "grupo;conta\n" + g2 + ";a\n" + g1 + ";other\n", []string{"2 a", "3 other"}, nil, []string{g2 + " a", g1 + " other"}},
		{"who is not in it", "grupo;conta\n" + g3 + ";\n" + g2 + ";b\n" + g3 + ";a\n", nil,
			[]string{"2:1 no_member " + g3, "3:2 not_member b", "4:2 not_member a"}, nil},
		{"told beside what else is wrong", "grupo;foto;conta\n" + g3 + ";../a.png;\n" + g2 + ";www.example.com/x;b\n", nil,
			[]string{"2:2 photo_outside ../a.png", "2:1 no_member " + g3, "3:2 bad_url www.example.com/x", "3:3 not_member b"}, nil},
		{"a bad group or account is not asked for", "grupo;conta\nx;\n" + g1 + ";Vendas Sul\n", nil, []string{"2:1 bad_group x", "3:2 bad_account Vendas Sul"}, nil},
		{"a row with another problem is not placed", "grupo;foto;conta\n" + g1 + ";../a.png;\n" + g2 + ";;\n", []string{"3 a"}, []string{"2:2 photo_outside ../a.png"}, []string{g2 + " "}},
		{"a duplicate is not placed again", "grupo;conta\n" + g1 + ";\n" + g2 + ";\n" + g1 + ";\n" + g2 + ";a\n" + g1 + ";a\n" + g4 + ";\n",
			[]string{"2 a", "3 b", "7 a"}, []string{"4:1 duplicate " + g1, "5:1 two_accounts " + g2, "6:1 duplicate " + g1}, []string{g1 + " ", g2 + " ", g4 + " "}},
		{"JSONL", `{"groupId":"` + g1 + `"}` + "\n" + `{"groupId":"` + g3 + `","account":null}` + "\n" + `{"groupId":"` + g2 + `","account":"b"}` + "\n",
			[]string{"1 a"}, []string{"2:1 no_member " + g3, "3:3 not_member b"}, []string{g1 + " "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &turns{}
			f := read(t, tt.text, sheet.Options{PhotoGiven: true, Account: "unused", Placer: p})
			if diff := cmp.Diff(tt.problems, brief(f.problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			var rows []string
			for _, row := range f.rows {
				rows = append(rows, fmt.Sprintf("%d %s", row.Line, row.Account))
			}
			if diff := cmp.Diff(tt.rows, rows); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.placed, p.placed); diff != "" {
				t.Errorf("placed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRows_AListOfMembers(t *testing.T) {
	t.Parallel()
	text := "\ufeffgroup,name,account,photo\n" + g1 + ",Vendas,a,../x\n" + g1 + ",Vendas,b,www.example.com\n" + g1 + ",Vendas,a,\nx,,a,\n"
	f := read(t, text, sheet.Options{Members: true})
	if diff := cmp.Diff([]string{"5:1 bad_group x"}, brief(f.problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if len(f.rows) != 3 || f.rows[1].Account != "b" || f.rows[2].Group != g1 {
		t.Errorf("rows: %v", f.rows)
	}
	if _, err := sheet.Open(strings.NewReader("group,account\n"+g1+",a\n"), sheet.Options{Members: true}); err != nil {
		t.Errorf("without a column of photos: %v", err)
	}
}

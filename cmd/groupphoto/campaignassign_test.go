package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/sheet"
	"github.com/plugchat-go/groupphoto/tasks"
)

// who makes a roster of "group: accounts" lines.
func who(senders []sender, memberships ...string) *roster {
	var names []string
	for _, s := range senders {
		names = append(names, s.Account)
	}
	r := newRoster(names)
	for _, m := range memberships {
		group, accounts, _ := strings.Cut(m, ": ")
		for account := range strings.FieldsSeq(accounts) {
			r.join(tasks.GroupID(group), account)
		}
	}
	r.employ(senders)
	return r
}

func TestRoster_Fault(t *testing.T) {
	t.Parallel()
	r := who([]sender{{Account: "a"}, {Account: "b"}}, "one: a b other", "two: b", "three: other", "four: other b")
	for _, tt := range []struct {
		group, account string
		want           sheet.Reason
	}{
		{"one", "", ""},
		{"two", "", ""},
		{"three", "", sheet.NoMember}, // nobody of those who may send
		{"four", "", ""},
		{"none", "", sheet.NoMember},
		{"one", "a", ""},
		{"two", "a", sheet.NotMember},
		{"three", "other", ""}, // the sheet says so itself
		{"two", "other", sheet.NotMember},
		{"one", "nobody", sheet.NotMember},
		{"none", "a", sheet.NotMember},
	} {
		if got := r.Fault(tasks.GroupID(tt.group), tt.account); got != tt.want {
			t.Errorf("%s through %q: %q; want %q", tt.group, tt.account, got, tt.want)
		}
	}
}

func TestRoster_Place(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for _, tt := range []struct {
		name    string
		senders []sender
		rows    string // groups in which all are, but those that begin with a name; "=b" names b
		want    string
	}{
		{"in turn", []sender{{"a", 10 * s, 0}, {"b", 10 * s, 0}}, "x x x x", "a b a b"},
		{"the order of the senders counts", []sender{{"b", 10 * s, 0}, {"a", 10 * s, 0}}, "x x x x", "b a b a"},
		{"who is twice as fast gets twice as many", []sender{{"a", 10 * s, 0}, {"b", 5 * s, 0}}, "x x x x x x", "b a b b a b"},
		{"what stands before counts", []sender{{"a", 10 * s, 3}, {"b", 10 * s, 0}}, "x x x x x x", "b b b a b a"},
		{"much before a fast one", []sender{{"a", 10 * s, 0}, {"b", s, 1000}}, "x x x", "a a a"},
		{"rows that name an account count", []sender{{"a", 10 * s, 0}, {"b", 10 * s, 0}}, "=a =a =a x x x x", "a a a b b b a"},
		{"groups of one number", []sender{{"a", 10 * s, 0}, {"b", 10 * s, 0}}, "b b b x x x x", "b b b a a a a"},
		{"without a pace", []sender{{"a", 0, 0}, {"b", 0, 0}, {"c", time.Hour, 0}}, "x x x x", "a b a b"},
		{"no overflow", []sender{{"a", 24 * time.Hour, math.MaxInt64 - 10}, {"b", 24 * time.Hour, 1 << 40}}, "x x", "a a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			all := ""
			for _, s := range tt.senders {
				all += " " + s.Account
			}
			r := who(tt.senders, "x:"+all, "a: a", "b: b")
			var got []string
			for row := range strings.FieldsSeq(tt.rows) {
				name, named := strings.CutPrefix(row, "=")
				if named {
					got = append(got, r.Place("x", name))
				} else {
					got = append(got, r.Place(tasks.GroupID(row), ""))
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Any numbers in any groups: a row goes to a member; no member would have been
// through earlier; and the same again gives the same, whatever else is in the list of
// groups and in whatever order its lines stand.
func TestProperty_RosterGivesRowsToMembersAndBalances(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 2026))
	for range 200 {
		senders := make([]sender, 1+rng.IntN(6))
		for i := range senders {
			senders[i] = sender{fmt.Sprintf("number-%d", i), time.Duration(rng.IntN(30)) * time.Second, rng.Int64N(50)}
		}
		var memberships []string
		in := map[string][]int{}
		for g := range 1 + rng.IntN(20) {
			group := fmt.Sprintf("group-%d", g)
			for i := range senders {
				if rng.IntN(3) > 0 {
					memberships = append(memberships, fmt.Sprintf("%s: number-%d", group, i))
					in[group] = append(in[group], i)
				}
			}
			memberships = append(memberships, group+": outsider")
		}
		first := who(senders, memberships...)
		rng.Shuffle(len(memberships), func(i, j int) { memberships[i], memberships[j] = memberships[j], memberships[i] })
		second := who(senders, append(memberships, memberships[0], "elsewhere: number-0 outsider")...)
		got := make([]int64, len(senders))
		for range 300 {
			group := fmt.Sprintf("group-%d", rng.IntN(20))
			if fault := first.Fault(tasks.GroupID(group), ""); (fault == "") != (len(in[group]) > 0) {
				t.Fatalf("%s: %q; in it are %v", group, fault, in[group])
			} else if fault != "" {
				continue
			}
			account := first.Place(tasks.GroupID(group), "")
			if again := second.Place(tasks.GroupID(group), ""); again != account {
				t.Fatalf("%s, then %s", account, again)
			}
			chosen := slices.IndexFunc(senders, func(s sender) bool { return s.Account == account })
			ends := func(i int) time.Duration {
				return max(senders[i].Gap, leastGap) * time.Duration(senders[i].Ahead+got[i]+1)
			}
			for _, i := range in[group] {
				if ends(i) < ends(chosen) {
					t.Fatalf("%s got it and is through after %v; number-%d would be after %v", account, ends(chosen), i, ends(i))
				}
			}
			if !slices.Contains(in[group], chosen) {
				t.Fatalf("%s is not in %s", account, group)
			}
			got[chosen]++
		}
	}
}

// BenchmarkRoster is one row of a sheet, with ten numbers in every group.
func BenchmarkRoster(b *testing.B) {
	var senders []sender
	r := newRoster(nil)
	for i := range 10 {
		senders = append(senders, sender{fmt.Sprintf("number-%d", i), 10 * time.Second, 0})
		for g := range 1000 {
			r.join(tasks.GroupID(fmt.Sprintf("group-%d", g)), senders[i].Account)
		}
	}
	r.employ(senders)
	for b.Loop() {
		r.Fault("group-7", "")
		r.Place("group-7", "")
	}
}

package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/plugchat-go/groupphoto/internal/sheet"
	"github.com/plugchat-go/groupphoto/tasks"
)

// sender is a number that rows can be given to. Nothing else decides which rows it
// gets, so a campaign that keeps its senders can be read from its sheet again.
type sender struct {
	Account string `json:"account"`
	// Gap is the mean time between two of its calls.
	Gap time.Duration `json:"gap"`
	// Ahead is how many updates stood in its queues before the campaign.
	Ahead int64 `json:"ahead"`
}

// leastGap is what a number without a pace is taken to need for a call.
const leastGap = 100 * time.Millisecond

// roster knows which numbers are in which groups, and gives each row that names no
// account to the number, of those in its group, that would be through with it first.
// The same senders, memberships and rows give the same accounts. It is a
// sheet.Placer once it employs senders.
type roster struct {
	// accounts numbers those that can become senders, in their order, and behind them
	// those that are only known as members.
	accounts map[string]int
	// groups names the members of a group by their place in sets: many groups have the
	// same. Members rise.
	groups map[tasks.GroupID]int
	sets   [][]int
	known  map[string]int // the place of a set, by its text
	more   map[[2]int]int // the place of a set with one member more

	senders []sender
	given   []int64 // how many rows each sender has got
}

// newRoster makes an empty roster, with room for its senders at the head.
func newRoster(names []string) *roster {
	r := &roster{
		accounts: map[string]int{}, groups: map[tasks.GroupID]int{},
		sets: [][]int{nil}, known: map[string]int{"[]": 0}, more: map[[2]int]int{},
	}
	for _, name := range names {
		r.number(name)
	}
	return r
}

// employ begins to give rows to senders: the accounts of newRoster in their order, and
// those that joined after them, as many as there are senders.
func (r *roster) employ(senders []sender) {
	r.senders, r.given = senders, make([]int64, len(senders))
}

func (r *roster) number(account string) int {
	number, known := r.accounts[account]
	if !known {
		number = len(r.accounts)
		r.accounts[strings.Clone(account)] = number // what was read is a part of a whole row
	}
	return number
}

// names are all accounts, in the order of their numbers.
func (r *roster) names() []string {
	names := make([]string, len(r.accounts))
	for name, number := range r.accounts {
		names[number] = name
	}
	return names
}

// join tells that an account's number is in a group.
func (r *roster) join(group tasks.GroupID, account string) {
	set, known := r.groups[group]
	if !known {
		group = tasks.GroupID(strings.Clone(string(group)))
	}
	r.groups[group] = r.with(set, r.number(account))
}

// with returns the place of a set with one member more.
func (r *roster) with(set, member int) int {
	step := [2]int{set, member}
	place, known := r.more[step]
	if known {
		return place
	}
	members := slices.Clone(r.sets[set])
	if at, there := slices.BinarySearch(members, member); !there {
		members = slices.Insert(members, at, member)
	}
	text := fmt.Sprint(members)
	if place, known = r.known[text]; !known {
		place = len(r.sets)
		r.sets, r.known[text] = append(r.sets, members), place
	}
	r.more[step] = place
	return place
}

// Fault says why a row cannot go through the account that it names, or through any
// sender.
func (r *roster) Fault(group tasks.GroupID, account string) sheet.Reason {
	members := r.sets[r.groups[group]]
	if account == "" {
		if len(members) == 0 || members[0] >= len(r.senders) {
			return sheet.NoMember
		}
		return ""
	}
	number, known := r.accounts[account]
	if _, there := slices.BinarySearch(members, number); !known || !there {
		return sheet.NotMember
	}
	return ""
}

// Place counts a row for the account that it names, or chooses one.
func (r *roster) Place(group tasks.GroupID, account string) string {
	if account != "" {
		if number := r.accounts[account]; number < len(r.senders) {
			r.given[number]++
		}
		return account
	}
	best, first := -1, time.Duration(0)
	for _, number := range r.sets[r.groups[group]] {
		if number >= len(r.senders) {
			break
		}
		if ends := r.through(number); best < 0 || ends < first {
			best, first = number, ends
		}
	}
	r.given[best]++
	return r.senders[best].Account
}

// through is when a sender would be through with one row more. It does not overflow.
func (r *roster) through(number int) time.Duration {
	s := r.senders[number]
	gap, rows := max(s.Gap, leastGap), time.Duration(s.Ahead+r.given[number]+1)
	if rows > math.MaxInt64/gap {
		return math.MaxInt64
	}
	return rows * gap
}

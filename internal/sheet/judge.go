package sheet

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/plugchat-go/groupphoto/tasks"
)

// judge reads the cells that have a role, and adds what is wrong with them. A row
// that has no problem is compared with those before it: one that will not be sent
// makes no other a duplicate.
func (r *Reader) judge(row Row, problems []Problem) (Row, []Problem) {
	damaged := problems
	note := func(column int, cell string, reason Reason) {
		if slices.ContainsFunc(damaged, func(p Problem) bool { return p.Column == column+1 }) {
			return // it can't be right, and that is told
		}
		problems = append(problems, Problem{Line: row.Line, Column: column + 1, Name: r.format.name(column), Value: shown(cell), Reason: reason})
	}
	at := r.format.index(GroupColumn)
	cell := row.Cells[at]
	var reason Reason
	if row.Group, reason = group(cell); reason != "" {
		note(at, cell, reason)
	}
	if i := r.format.index(PhotoColumn); i >= 0 && !r.opts.Members {
		if row.Photo, reason = r.opts.photo(row.Cells[i]); reason != "" {
			note(i, row.Cells[i], reason)
		}
	}
	row.Account = r.opts.Account
	named := ""
	if i := r.format.index(AccountColumn); i >= 0 {
		if named = strings.TrimSpace(row.Cells[i]); named != "" {
			row.Account = named
		}
		if tasks.CheckAccount(row.Account) != nil {
			note(i, row.Cells[i], BadAccount)
			row.Account = ""
		}
	}
	if p := r.opts.Placer; p != nil && row.Group != "" && row.Account != "" {
		switch reason := p.Fault(row.Group, named); {
		case reason == "":
		case named == "":
			note(at, cell, reason)
			row.Account = ""
		default:
			note(r.format.index(AccountColumn), named, reason)
			row.Account = ""
		}
	}
	if len(problems) > 0 || r.opts.Members {
		return row, problems
	}
	return r.compare(row, named)
}

// compare holds a row against those before it: one group is sent to once.
func (r *Reader) compare(row Row, named string) (Row, []Problem) {
	if r.opts.Placer != nil {
		account, known := r.seen.account(row.Group)
		switch {
		case !known:
			row.Account = r.opts.Placer.Place(row.Group, named)
		case named == "":
			row.Account = account // it would have gone the same way
		}
	}
	other, account, fresh := r.seen.add(row.Group, row.Account, row.Line)
	if fresh {
		return row, nil
	}
	at := r.format.index(GroupColumn)
	p := Problem{Line: row.Line, Column: at + 1, Name: r.format.name(at), Value: shown(row.Cells[at]), Reason: Duplicate, Other: other}
	if account != row.Account {
		p.Reason, p.Account = TwoAccounts, account
	}
	return row, []Problem{p}
}

// asText is how spreadsheets are made to keep an id: ="120363…" is a formula
// that gives the text.
var asText = regexp.MustCompile(`^="(.*)"$`)

// maybeRounded is a number that has nothing but zeros from the 16th digit on:
// spreadsheets keep 15.
var maybeRounded = regexp.MustCompile(`^[0-9]{15}0{2,}-group$`)

// group reads a cell that names a group.
func group(cell string) (tasks.GroupID, Reason) {
	text := strings.TrimSpace(cell)
	if m := asText.FindStringSubmatch(text); m != nil {
		text = m[1]
	}
	text = strings.TrimPrefix(text, "'") // which makes a text of a number while it is typed
	id, err := tasks.ParseGroupID(text)
	if err == nil {
		if strings.IndexByte(text, '-') < 0 && maybeRounded.MatchString(string(id)) {
			return "", MaybeRounded
		}
		return id, ""
	}
	fault, _ := errors.AsType[*tasks.GroupIDError](err)
	switch fault.Fault {
	case tasks.GroupEmpty:
		return "", EmptyGroup
	case tasks.GroupRounded:
		return "", RoundedGroup
	case tasks.GroupPerson, tasks.GroupHiddenID:
		return "", PersonGroup
	case tasks.GroupChannel:
		return "", ChannelGroup
	case tasks.GroupBroadcast:
		return "", BroadcastGroup
	case tasks.GroupPhone:
		return "", PhoneGroup
	default:
		return "", BadGroup
	}
}

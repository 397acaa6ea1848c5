package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// account is one connected number as it is configured.
type account struct {
	name           string
	token          plugchat.Secret
	baseURL        string
	authScheme     string
	pace           time.Duration
	jitter         float64
	concurrency    int
	refusalRetries int    // 0: never
	phone          string // digits; "" when it is not known
}

const maxAccountsFile = 4 << 20

// errNoAccount says that there is nothing to work for.
var errNoAccount = errors.New("no account is configured: set PLUGCHAT_TOKEN or PLUGCHAT_TOKEN_FILE, or list accounts in GROUPPHOTO_ACCOUNTS_FILE; to try without one: groupphoto dev")

// accounts lists the configured accounts: main by PLUGCHAT_TOKEN, and those of
// the accounts file. All problems are told at once, and no token is in them. The
// list lacks the accounts with problems: what was meant by a misspelt field is
// not known, and a token must not be sent where nobody meant it to go.
func (c config) accounts() ([]account, error) {
	var list []account
	var r reader
	broken := map[string]bool{}
	if c.token != "" {
		main := c.template(tasks.DefaultAccount, c.token)
		main.phone = c.phone
		list = append(list, main)
	}
	if c.accountsFile != "" {
		fromFile, err := c.readAccounts(broken)
		r.note(err)
		list = append(list, fromFile...)
	}
	r.note(twins(list, c.token != "", broken))
	if len(list) == 0 && len(r.problems) == 0 && !c.bad["PLUGCHAT_TOKEN"] { // a token that cannot be read has been told of
		r.note(errNoAccount)
	}
	list = slices.DeleteFunc(list, func(a account) bool { return broken[a.name] })
	return list, badInput(errors.Join(r.problems...))
}

// template is an account with the settings that hold for all.
func (c config) template(name string, token plugchat.Secret) account {
	return account{
		name: name, token: token, baseURL: c.baseURL, authScheme: c.authScheme,
		pace: c.pace, jitter: c.jitter, concurrency: c.concurrency,
		refusalRetries: max(0, c.policy.RefusalRetries), // the policy's never is -1
	}
}

// twins finds two tokens for one name, and one token or one phone under two
// names: each name has a pace of its own, so such a number would be driven twice
// as fast. It adds the names to broken.
func twins(list []account, main bool, broken map[string]bool) error {
	var r reader
	byName, byToken, byPhone := map[string]plugchat.Secret{}, map[plugchat.Secret]string{}, map[string]string{}
	for i, a := range list {
		if a.name == "" {
			continue // told already: it has no name that could be one
		}
		other, named := byName[a.name]
		switch {
		case named && a.name == tasks.DefaultAccount && main && list[0].name == a.name && i > 0:
			r.note(fmt.Errorf("account %s: has two tokens, one by PLUGCHAT_TOKEN and one in GROUPPHOTO_ACCOUNTS_FILE; keep one of them", a.name))
		case named && other != a.token && other != "" && a.token != "":
			r.note(fmt.Errorf("account %s: has two tokens in GROUPPHOTO_ACCOUNTS_FILE; keep one of them", a.name))
		case named:
			r.note(fmt.Errorf("account %s: is in GROUPPHOTO_ACCOUNTS_FILE twice; remove one", a.name))
		}
		broken[a.name] = broken[a.name] || named
		byName[a.name] = a.token
		if owner, ok := byToken[a.token]; ok && owner != a.name && a.token != "" {
			r.note(fmt.Errorf("accounts %s and %s have the same token; one number is one account, or it is driven at twice its pace", owner, a.name))
			broken[owner], broken[a.name] = true, true
		}
		byToken[a.token] = a.name
		if owner, ok := byPhone[a.phone]; ok && owner != a.name && a.phone != "" {
			r.note(fmt.Errorf("accounts %s and %s have the same phone; one number is one account, or it is driven at twice its pace", owner, a.name))
			broken[owner], broken[a.name] = true, true
		}
		byPhone[a.phone] = a.name
	}
	return errors.Join(r.problems...)
}

// readAccounts reads the accounts file. The list has an account for every entry;
// the names of those with problems, "" among them, are added to broken.
func (c config) readAccounts(broken map[string]bool) ([]account, error) {
	fail := func(err error) ([]account, error) { return nil, fmt.Errorf("GROUPPHOTO_ACCOUNTS_FILE: %w", err) }
	b, err := readInput(c.accountsFile, maxAccountsFile)
	if err != nil {
		return fail(err)
	}
	if len(b) > maxAccountsFile {
		return fail(fmt.Errorf("%q is larger than %d MiB", c.accountsFile, maxAccountsFile>>20))
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(bytes.TrimPrefix(b, []byte("\ufeff")), &entries); err != nil {
		return fail(fmt.Errorf(`%q: is not a JSON list such as [{"name":"main","tokenFile":"main.token"}]%s`, c.accountsFile, position(b, err)))
	}
	if len(entries) == 0 {
		return fail(fmt.Errorf("%q: lists no account", c.accountsFile))
	}
	var list []account
	var r reader
	for i, entry := range entries {
		a, problems := c.readAccount(entry)
		where := fmt.Sprintf("entry %d", i+1)
		if a.name != "" {
			where += fmt.Sprintf(" (%s)", a.name)
		}
		for _, p := range problems {
			r.note(fmt.Errorf("GROUPPHOTO_ACCOUNTS_FILE: %s: %w", where, p))
			broken[a.name] = true
		}
		list = append(list, a)
	}
	return list, errors.Join(r.problems...)
}

// position says where JSON ends to be JSON, without repeating what is there.
func position(b []byte, err error) string {
	e, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return ""
	}
	before := b[:min(int64(len(b)), max(e.Offset, 0))]
	return fmt.Sprintf(": it goes wrong in line %d", bytes.Count(before, []byte("\n"))+1)
}

var accountFields = []string{"name", "token", "tokenFile", "baseURL", "authScheme", "pace", "jitter", "concurrency", "refusalRetries", "phone"}

// nearestField is the field that was probably meant: capitals are no distance.
func nearestField(name string) string {
	i := slices.IndexFunc(accountFields, func(field string) bool {
		return strings.EqualFold(field, strings.ReplaceAll(name, "_", ""))
	})
	if i >= 0 {
		return accountFields[i]
	}
	return tasks.Nearest(name, accountFields)
}

func (c config) readAccount(entry json.RawMessage) (account, []error) {
	var r reader
	var fields map[string]json.RawMessage
	if json.Unmarshal(entry, &fields) != nil || fields == nil {
		return account{}, []error{errors.New("is not a JSON object")}
	}
	for name := range fields {
		if !slices.Contains(accountFields, name) {
			hint := ""
			if near := nearestField(name); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			r.note(fmt.Errorf("field %q is not known%s", clip(name, 40), hint))
		}
	}
	slices.SortFunc(r.problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	text := func(name string) string {
		var s string
		if raw, ok := fields[name]; ok && json.Unmarshal(raw, &s) != nil {
			r.note(fmt.Errorf("field %q is not a text", name))
		}
		return s
	}
	a := c.template(text("name"), "")
	if err := tasks.CheckAccount(a.name); err != nil {
		r.note(err)
		a.name = ""
	}
	a.token = c.accountToken(&r, text("token"), text("tokenFile"))
	if base := text("baseURL"); base != "" {
		a.baseURL = base
	}
	if _, ok := fields["authScheme"]; ok {
		a.authScheme = text("authScheme")
	}
	if pace := text("pace"); pace != "" {
		a.pace = r.duration("field pace", pace, 0, maxPace)
	}
	if raw, ok := fields["jitter"]; ok {
		a.jitter = r.part("field jitter", string(raw))
	}
	if raw, ok := fields["concurrency"]; ok {
		a.concurrency = r.count("field concurrency", string(raw), 1, 1000)
	}
	if raw, ok := fields["refusalRetries"]; ok {
		a.refusalRetries = r.count("field refusalRetries", string(raw), 0, maxRefusalRetries)
	}
	if phone := text("phone"); phone != "" {
		a.phone = r.phone("field phone", phone)
	}
	return a, r.problems
}

func (c config) accountToken(r *reader, token, file string) plugchat.Secret {
	switch {
	case token != "" && file != "":
		r.note(errors.New("has two tokens, token and tokenFile; keep one of them"))
	case token == "" && file == "":
		r.note(errors.New("has no token; give tokenFile (or token)"))
	case file != "":
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(c.accountsFile), file)
		}
		text, err := readSecret(file)
		if err != nil {
			r.note(fmt.Errorf("tokenFile: %w", err))
		}
		return plugchat.Secret(text)
	}
	return plugchat.Secret(token)
}

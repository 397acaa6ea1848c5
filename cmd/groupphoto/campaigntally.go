package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plugchat-go/groupphoto/internal/sheet"
)

// shownAccounts is how many accounts are shown in text.
const shownAccounts = 20

// tally counts the rows of a sheet.
type tally struct {
	rows, good, bad, problems int
	accounts                  map[string]int
	paces                     map[string]time.Duration // of the accounts configured here, and "" for others
}

func newTally() tally { return tally{accounts: map[string]int{}} }

func (t *tally) add(row sheet.Row, problems int) {
	t.rows++
	t.problems += problems
	if problems > 0 {
		t.bad++
		return
	}
	t.good++
	n, ok := t.accounts[row.Account]
	if !ok {
		row.Account = strings.Clone(row.Account) // a part of the whole row
	}
	t.accounts[row.Account] = n + 1
}

// paces are those of the configured accounts; it need not be any.
func (c config) paces() (map[string]time.Duration, error) {
	paces := map[string]time.Duration{"": c.pace}
	accounts, err := c.accounts()
	if err != nil && !errors.Is(err, errNoAccount) {
		return nil, err
	}
	for _, a := range accounts {
		paces[a.name] = a.pace
	}
	return paces, nil
}

func (t *tally) pace(account string) time.Duration {
	if pace, ok := t.paces[account]; ok {
		return pace
	}
	return t.paces[""]
}

// names are the accounts, those that take longest first.
func (t *tally) names() []string {
	names := make([]string, 0, len(t.accounts))
	for name := range t.accounts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(t.takes(b), t.takes(a)), strings.Compare(a, b))
	})
	return names
}

// takes is how long an account's rows take at its pace, and never overflows.
func (t *tally) takes(account string) time.Duration {
	n, pace := time.Duration(t.accounts[account]), t.pace(account)
	if pace > 0 && n > math.MaxInt64/pace {
		return math.MaxInt64
	}
	return n * pace
}

// sheetFacts is the JSON of the summary, the last line.
type sheetFacts struct {
	Type     string         `json:"type"`
	File     string         `json:"file"`
	Format   formatFacts    `json:"format"`
	Rows     int            `json:"rows"`
	Good     int            `json:"good"`
	Bad      int            `json:"bad"`
	Empty    int            `json:"emptyLines"`
	Problems int            `json:"problems"`
	Photos   photoCounts    `json:"photos"`
	Accounts []accountFacts `json:"accounts"`
	// LateLinks is how many rows have signed links that end before their turn, with the
	// first of them; Overlaps are rows of other campaigns for the same groups.
	LateLinks  int        `json:"lateLinks"`
	FirstLinks []lateLink `json:"firstLinks"`
	Overlaps   []overlap  `json:"overlaps"`
	Rejects    string     `json:"rejects,omitempty"`
}

type formatFacts struct {
	Kind       sheet.Kind     `json:"kind"`
	Separator  string         `json:"separator,omitempty"`
	Encoding   sheet.Encoding `json:"encoding"`
	BOM        bool           `json:"bom"`
	HeaderLine int            `json:"headerLine"` // 0: there is none
	Columns    []sheet.Column `json:"columns"`
}

type accountFacts struct {
	Account       string  `json:"account"`
	Rows          int     `json:"rows"`
	PaceSeconds   float64 `json:"paceSeconds"`
	TotalSeconds  float64 `json:"totalSeconds"`
	ConfiguredNow bool    `json:"configured"` // on this machine
	// Ahead is what stands before the rows, and Until when they would be through.
	Ahead int64     `json:"ahead"`
	Until time.Time `json:"until"`
}

// print writes the summary, and in text the first problems. What fails is told by
// the stream's Flush.
func (k *check) print() error {
	if k.json() {
		return printJSON(k.data, k.facts())
	}
	if err := printFields(k.data, k.summary()...); err != nil {
		return err
	}
	if len(k.first) > 0 {
		fmt.Fprintln(k.data)
	}
	for _, p := range k.first {
		fmt.Fprintln(k.data, strings.Map(plain, k.sentence(p)))
	}
	if more := k.tally.problems - len(k.first); more > 0 {
		fmt.Fprintln(k.data, k.say("… and %d more: --rejects FILE writes them all, and -o json shows them", more))
	}
	return nil
}

func (k *check) facts() sheetFacts {
	f, t := k.reader.Format(), k.tally
	facts := sheetFacts{
		Type: "summary", File: k.name, Rows: t.rows, Good: t.good, Bad: t.bad, Empty: k.reader.Empty(), Problems: t.problems,
		Format: formatFacts{f.Kind, f.DelimiterName(), f.Encoding, f.BOM, f.HeaderLine, f.Columns},
		Photos: k.photos.counted(), Accounts: []accountFacts{}, Rejects: k.flags.rejects,
		LateLinks: k.late.count, FirstLinks: append([]lateLink{}, k.late.first...), Overlaps: append([]overlap{}, k.others...),
	}
	for _, p := range k.plans() {
		_, configured := t.paces[p.account]
		facts.Accounts = append(facts.Accounts, accountFacts{
			p.account, p.rows, t.pace(p.account).Seconds(), t.takes(p.account).Seconds(), configured, p.ahead, p.until.UTC().Truncate(time.Second),
		})
	}
	return facts
}

// summary is what text shows, as names and values.
func (k *check) summary() []string {
	t := k.tally
	rows := strconv.Itoa(t.rows)
	if t.bad > 0 {
		rows += k.say(", %d good, %d with problems", t.good, t.bad)
	}
	if n := k.reader.Empty(); n > 0 {
		rows += k.say("; %d empty passed over", n)
	}
	pairs := []string{
		k.say("sheet"), clip(k.name, 200) + ": " + k.form(), k.say("columns"), k.columns(), k.say("rows"), rows,
		k.say("photos"), k.photoCounts(),
	}
	if text := k.photos.often(k.language); text != "" {
		pairs = append(pairs, k.say("sent"), text)
	}
	plans := k.plans()
	for i, p := range plans {
		if i == shownAccounts {
			pairs = append(pairs, "", k.say("… and %d more accounts", len(plans)-i))
			break
		}
		pairs = append(pairs, k.say("account"), k.expected(p))
	}
	pairs = append(pairs, k.warnings()...)
	if k.rejects != nil {
		pairs = append(pairs, k.say("rejects"), fmt.Sprintf("%s: %s", clip(k.flags.rejects, 200), k.many(t.bad, "row", "rows")))
	}
	return pairs
}

// expected says how long an account's rows take, and when they would be through where
// that is something else.
func (k *check) expected(p plan) string {
	text := fmt.Sprintf("%s: %s, %s", p.account, k.many(p.rows, "row", "rows"), k.duration(p.account))
	if p.ahead > 0 {
		text += k.say(", behind %s", k.many(int(p.ahead), "other", "others"))
	}
	if k.tally.pace(p.account) > 0 && (p.ahead > 0 || !k.outlook.schedule.Always() || k.flags.times.at != "") {
		text += k.say(", through about %s", k.config.stamp(p.until))
	}
	return text
}

// warnings are what may go wrong although the rows are good.
func (k *check) warnings() []string {
	var pairs []string
	if k.late.count > 0 {
		var first []string
		for _, l := range k.late.first {
			first = append(first, k.say("line %d ends %s, its turn is %s", l.Line, k.config.stamp(l.Expires), k.config.stamp(l.Turn)))
		}
		pairs = append(pairs, k.say("links"), k.say("%d end before their turn, unless --fetch fetches them now: %s", k.late.count, strings.Join(first, "; ")))
	}
	for _, o := range k.others {
		pairs = append(pairs, k.say("others"), k.say("%s of campaign %s still to go to the same groups; those that do not go first are superseded", k.many(int(o.Rows), "row", "rows"), o.Campaign))
	}
	return pairs
}

func (k *check) form() string {
	f := k.reader.Format()
	text := string(f.Encoding)
	if f.BOM {
		text += k.say(" with BOM")
	}
	if f.Kind == sheet.JSONL {
		return "JSONL, " + text
	}
	text = "CSV, " + k.text(f.DelimiterName()) + ", " + text
	if f.HeaderLine == 0 {
		return text + k.say(", no header")
	}
	return text + k.say(", header in line %d", f.HeaderLine)
}

// columns says what each column is taken for.
func (k *check) columns() string {
	var parts []string
	for i, c := range k.reader.Format().Columns {
		name := c.Name
		if name == "" {
			name = k.say("column %d", i+1)
		}
		switch c.Role {
		case sheet.OtherColumn:
			name += k.say(" (kept)")
		case sheet.Role(name):
		default:
			name += fmt.Sprintf(" (%s)", k.text(string(c.Role)))
		}
		parts = append(parts, name)
	}
	return clip(strings.Join(parts, ", "), 400)
}

func (k *check) photoCounts() string {
	n := k.photos.counted()
	var parts []string
	add := func(n int, text string) {
		if n > 0 {
			parts = append(parts, text)
		}
	}
	add(n.Made, k.say("%d made (%s)", n.Made, sized(n.MadeBytes)))
	add(n.NotFetched, k.say("%d not fetched (--fetch does)", n.NotFetched))
	add(n.Stored, k.say("%d in the photo store, not looked at", n.Stored))
	add(n.Bad, k.say("%d cannot be used", n.Bad))
	return strings.Join(append([]string{k.say("%d different", n.Different)}, parts...), ", ")
}

// duration says how long an account's rows take.
func (k *check) duration(account string) string {
	text := k.say("as fast as PlugChat answers")
	if pace := k.tally.pace(account); pace > 0 {
		text = k.say("%s at one call in %s", short(k.tally.takes(account)), short(pace))
	}
	if _, ok := k.tally.paces[account]; !ok && len(k.tally.paces) > 1 {
		text += k.say("; not configured on this machine")
	}
	return text
}

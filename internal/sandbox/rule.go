package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The endpoints that a rule can be put on.
const (
	onUpdate   = "update"
	onStatus   = "status"
	onMetadata = "metadata"
	onChats    = "chats"
	onAll      = "all"
)

// Rule is one failure on the dial. The first rule that matches a call and draws its chance decides the call; a "slow" rule only delays, and the search goes on.
type Rule struct {
	// Kind is one of Kinds.
	Kind string
	// On is the endpoint: "update", "status", "metadata", "chats" or "all"; "" is update.
	On string
	// Group and Account limit the rule to one group id and one account (see AccountOf); "" is all.
	Group, Account string
	// P is the probability, above 0 and below 1; 0 is always.
	P float64
	// N is how many calls the rule still decides; 0 is no limit. A rule that is used up leaves the dial.
	N int
	// Latency is how long "slow" delays.
	Latency time.Duration
	// Gap is how far apart "pace" wants an account's calls.
	Gap time.Duration
	// RetryAfter is sent as a header by the kinds that have one, in whole seconds; 0 sends none.
	RetryAfter time.Duration
	// Text replaces the kind's own error text; "" keeps it.
	Text string
}

// Kind describes a kind of rule, for people.
type Kind struct {
	// Name is what Rule.Kind holds, and Says what happens to a call.
	Name, Says string

	retryAfter, text, state bool
}

var kinds = []Kind{
	{Name: "false", Says: "200 and false, nothing changes"},
	{Name: "false-text", Says: "200 and false, with a text (default: forbidden)", text: true},
	{Name: "overlimit", Says: "200 and false, with the text rate-overlimit"},
	{Name: "400", Says: "400 bad request", text: true},
	{Name: "401", Says: "401 token not accepted", text: true},
	{Name: "403", Says: "403 forbidden", text: true},
	{Name: "404", Says: "404 not found", text: true},
	{Name: "405", Says: "405 method not allowed, as a wrong host would say"},
	{Name: "415", Says: "415 unsupported media type, as a wrong host would say"},
	{Name: "429", Says: "429 too many requests", retryAfter: true},
	{Name: "throttle", Says: "429 too many requests", retryAfter: true},
	{Name: "500", Says: "500 internal error", text: true},
	{Name: "502", Says: "502 from a gateway, as a web page"},
	{Name: "503", Says: "503 unavailable, as a web page", retryAfter: true},
	{Name: "504", Says: "504 from a gateway, as a web page"},
	{Name: "html", Says: "200 with a web page"},
	{Name: "empty", Says: "200 with nothing"},
	{Name: "string", Says: "200 with \"true\" as text"},
	{Name: "null", Says: "200 with null"},
	{Name: "slow", Says: "the answer comes late, by latency="},
	{Name: "hang", Says: "no answer ever; nothing changes"},
	{Name: "land-then-hang", Says: "the photo changes, then no answer ever"},
	{Name: "reset", Says: "the connection breaks; nothing changes"},
	{Name: "land-then-reset", Says: "the photo changes, then the connection breaks"},
	{Name: "land-then-504", Says: "the photo changes, then 504 from a gateway, as a web page"},
	{Name: "pace", Says: "200 and false, with the text rate-overlimit, for calls of an account closer together than gap="},
	{Name: "redirect", Says: "301 to another host"},
	{Name: "disconnected", Says: "the number is offline: 400 with a text, and status says so", state: true},
	{Name: "disconnected-false", Says: "the number is offline: 200 and false, and status says so", state: true},
	{Name: "session-lost", Says: "the number's session is to be restored: 400 with a text, and status says so", state: true},
	{Name: "expired", Says: "the subscription ended: 400 with a text, also to reads, while status says connected", state: true},
	{Name: "not-admin", Says: "200 and false, and metadata shows that the number is no admin", state: true},
	{Name: "plain-member", Says: "metadata shows that the number is no admin, yet the photo changes: all members may", state: true},
	{Name: "not-member", Says: "200 and false, metadata lists the group without the number, and chats does not list it", state: true},
	{Name: "gone", Says: "the group is unknown: 200 and false, metadata answers 404, and chats does not list it", state: true},
}

// Kinds returns every kind of rule, in the order of the documentation.
func Kinds() []Kind { return slices.Clone(kinds) }

func kindOf(name string) (Kind, bool) {
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return kinds[i], true
}

// ParseRule reads "kind" or "kind:key=value,key=value", as in "503:n=3", "false:p=0.2" or "slow:latency=2s,group=1203…-group".
// The keys are on, group, account, p, n, latency, gap, retry-after and text; text comes last and may hold commas. A key that the kind has no use for is an error.
func ParseRule(text string) (Rule, error) {
	name, rest, hasOptions := strings.Cut(strings.TrimSpace(text), ":")
	kind, ok := kindOf(name)
	if !ok {
		return Rule{}, fmt.Errorf("rule %.60q: there is no such kind; the kinds are %s", name, kindNames())
	}
	r := Rule{Kind: name}
	for seen := []string(nil); hasOptions; {
		var option string
		if strings.HasPrefix(rest, "text=") {
			option, hasOptions = rest, false
		} else {
			option, rest, hasOptions = strings.Cut(rest, ",")
		}
		key, value, _ := strings.Cut(option, "=")
		if slices.Contains(seen, key) {
			return Rule{}, fmt.Errorf("rule %s: %.20q stands there twice", name, key)
		}
		seen = append(seen, key)
		if err := r.set(kind, key, value); err != nil {
			return Rule{}, fmt.Errorf("rule %s: %w", name, err)
		}
	}
	if name == "slow" && r.Latency == 0 {
		return Rule{}, fmt.Errorf("rule slow: needs a latency, as in slow:latency=2s")
	}
	if name == "pace" && r.Gap == 0 {
		return Rule{}, fmt.Errorf("rule pace: needs a gap, as in pace:gap=10s")
	}
	return r, nil
}

func kindNames() string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.Name
	}
	return strings.Join(names, ", ")
}

// set reads one option.
func (r *Rule) set(kind Kind, key, value string) (err error) {
	switch {
	case key == "on" && !kind.state:
		if !slices.Contains([]string{onUpdate, onStatus, onMetadata, onChats, onAll}, value) {
			return fmt.Errorf("on=%.20q: must be update, status, metadata, chats or all", value)
		}
		r.On = strings.TrimPrefix(value, onUpdate)
	case key == "group":
		if !isGroupID(value) {
			return fmt.Errorf("group=%.40q: must be like 120363019502650977-group or 5511999999999-1623281429", value)
		}
		r.Group = value
	case key == "account":
		if len(value) != 8 || strings.Trim(value, "0123456789abcdef") != "" {
			return fmt.Errorf("account=%.20q: must be 8 hex digits, as the log of calls shows them", value)
		}
		r.Account = value
	case key == "p":
		r.P, err = strconv.ParseFloat(value, 64)
		if err != nil || !(r.P > 0 && r.P <= 1) {
			return fmt.Errorf("p=%.20q: must be above 0 and at most 1", value)
		}
		if r.P == 1 {
			r.P = 0
		}
	case key == "n":
		r.N, err = strconv.Atoi(value)
		if err != nil || r.N < 1 {
			return fmt.Errorf("n=%.20q: must be a whole number from 1", value)
		}
	case key == "latency" && kind.Name == "slow":
		r.Latency, err = duration(key, value, time.Millisecond)
	case key == "gap" && kind.Name == "pace":
		r.Gap, err = duration(key, value, time.Millisecond)
	case key == "retry-after" && kind.retryAfter:
		r.RetryAfter, err = duration(key, value, time.Second)
	case key == "text" && kind.text:
		if value == "" || len(value) > 500 {
			return fmt.Errorf("text: must have 1 to 500 bytes")
		}
		r.Text = value
	default:
		return fmt.Errorf("%.20q is no option of it", key)
	}
	return err
}

func duration(key, value string, unit time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d < unit || d > 24*time.Hour || d%unit != 0 {
		return 0, fmt.Errorf("%s=%.20q: must be between %s and 24h, in steps of %s", key, value, unit, unit)
	}
	return d, nil
}

// String is the inverse of ParseRule.
func (r Rule) String() string {
	var options []string
	add := func(key, value string, isSet bool) {
		if isSet {
			options = append(options, key+"="+value)
		}
	}
	add("on", r.On, r.On != "")
	add("group", r.Group, r.Group != "")
	add("account", r.Account, r.Account != "")
	add("p", strconv.FormatFloat(r.P, 'g', -1, 64), r.P != 0)
	add("n", strconv.Itoa(r.N), r.N != 0)
	add("latency", r.Latency.String(), r.Latency != 0)
	add("gap", r.Gap.String(), r.Gap != 0)
	add("retry-after", r.RetryAfter.String(), r.RetryAfter != 0)
	add("text", r.Text, r.Text != "")
	if len(options) == 0 {
		return r.Kind
	}
	return r.Kind + ":" + strings.Join(options, ",")
}

package main

import (
	"fmt"
	"maps"
	"strings"

	"github.com/spf13/cobra"
)

// language is the one in which a command talks to people. Reason words, JSON and
// help are English in all of them. The zero value is English.
type language struct{ texts map[string]string }

// languages are the catalogues by the names of --lang: from English texts to
// theirs, with the same places for arguments.
var languages = map[string]map[string]string{
	"en": nil,
	"pt": joined(portuguese, portugueseActs, portugueseLooks, portugueseStart, portugueseGroups, portugueseRun, portugueseReasons),
}

// joined is one catalogue of several.
func joined(parts ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

func (a *app) langFlag(cmd *cobra.Command, lang *string) {
	cmd.Flags().StringVar(lang, "lang", "", "`language` of texts for people: en or pt (default: as LANG says)")
	_ = cmd.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions([]string{"en", "pt"}, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
}

// language finds the language: --lang, else the locale in the order in which
// POSIX looks it up, else English.
func (a *app) language(flag string) (language, error) {
	if flag != "" {
		texts, ok := languages[flag]
		if !ok {
			return language{}, fmt.Errorf("--lang %q: must be en or pt", clip(flag, 40))
		}
		return language{texts}, nil
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if locale := a.env[name]; locale != "" {
			code, _, _ := strings.Cut(locale, "_")
			code, _, _ = strings.Cut(code, ".")
			return language{languages[strings.ToLower(code)]}, nil
		}
	}
	return language{}, nil
}

// say is fmt.Sprintf with a text of the catalogue.
func (l language) say(english string, args ...any) string {
	text := l.text(english)
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// text is a text of the catalogue, as it stands; English where it is missing.
func (l language) text(english string) string {
	if text, ok := l.texts[english]; ok {
		return text
	}
	return english
}

// many counts things: "1 row", "5 rows".
func (l language) many(n int, one, more string) string {
	if n == 1 {
		return "1 " + l.text(one)
	}
	return fmt.Sprintf("%d %s", n, l.text(more))
}

package sheet

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Reason is one word for what is wrong with a sheet or a row. Every word is in
// Reasons; the words are stable and never translated.
type Reason string

// Reasons why a whole sheet cannot be read.
const (
	EmptySheet    Reason = "empty_sheet"
	ExcelFile     Reason = "excel_file"
	OldExcelFile  Reason = "old_excel_file"
	OpenDocument  Reason = "opendocument_file"
	NumbersFile   Reason = "numbers_file"
	PDFFile       Reason = "pdf_file"
	HTMLFile      Reason = "html_file"
	XMLFile       Reason = "xml_file"
	ArchiveFile   Reason = "archive_file"
	PictureFile   Reason = "picture_file"
	UTF32File     Reason = "utf32_file"
	JSONList      Reason = "json_list"
	JSONOverLines Reason = "json_over_lines"
	NoGroupColumn Reason = "no_group_column"
	NoPhotoColumn Reason = "no_photo_column"
	ColumnTwice   Reason = "column_twice"
)

// Reasons why a row cannot be used.
const (
	EmptyGroup     Reason = "empty_group"
	RoundedGroup   Reason = "rounded_group"
	MaybeRounded   Reason = "maybe_rounded_group"
	PersonGroup    Reason = "person"
	ChannelGroup   Reason = "channel"
	BroadcastGroup Reason = "broadcast_list"
	PhoneGroup     Reason = "phone_number"
	BadGroup       Reason = "bad_group"
	NoPhoto        Reason = "no_photo"
	BadURL         Reason = "bad_url"
	BadPhoto       Reason = "bad_photo"
	PhotoOutside   Reason = "photo_outside"
	// PhotoUnreadable is for whoever opens the files: nothing here does.
	PhotoUnreadable Reason = "photo_unreadable"
	BadAccount      Reason = "bad_account"
	TooFewFields    Reason = "too_few_fields"
	TooManyFields   Reason = "too_many_fields"
	OpenQuote       Reason = "open_quote"
	TextAfterQuote  Reason = "text_after_quote"
	LineTooLong     Reason = "line_too_long"
	NULByte         Reason = "nul_byte"
	BadEncoding     Reason = "bad_encoding"
	BadJSON         Reason = "bad_json"
	NotText         Reason = "not_text"
	FieldTwice      Reason = "field_twice"
	Duplicate       Reason = "duplicate"
	TwoAccounts     Reason = "two_accounts"
	// NoMember and NotMember are a Placer's: nothing here knows who is in a group.
	NoMember  Reason = "no_member"
	NotMember Reason = "not_member"
)

// Problem is one thing that is wrong with a sheet or one of its rows. Its value
// is shortened and never image data or a URL's query.
type Problem struct {
	// Line is where it is, from 1; 0 when it is about the whole file.
	Line int `json:"line"`
	// Column is the column's number from 1; 0 when it is about the whole line.
	Column int    `json:"column,omitempty"`
	Name   string `json:"name,omitempty"` // the column's
	Value  string `json:"value,omitempty"`
	Reason Reason `json:"reason"`
	// Other is the line of the row that this one collides with.
	Other int `json:"otherLine,omitempty"`
	// Account is the one under which that other row stands.
	Account string `json:"otherAccount,omitempty"`
	// Fields are how many the row has, or the place of an error in its text.
	Fields int `json:"fields,omitempty"`
	// Columns are how many the sheet has.
	Columns int `json:"columns,omitempty"`
}

// Error is the problem as one English sentence.
func (p *Problem) Error() string {
	a := p.Reason.advice()
	text := p.Fill(a.Means)
	if a.Mend != "" {
		text += "; " + p.Fill(a.Mend)
	}
	return p.Where("line", "column") + text
}

// Where says where the problem is, in words for a line and a column: "line 7,
// column 1 (grupo), "1,2E+17": ".
func (p *Problem) Where(line, column string) string {
	var parts []string
	if p.Line > 0 {
		parts = append(parts, fmt.Sprintf("%s %d", line, p.Line))
	}
	switch {
	case p.Column > 0 && p.Name != "":
		parts = append(parts, fmt.Sprintf("%s %d (%s)", column, p.Column, p.Name))
	case p.Column > 0:
		parts = append(parts, fmt.Sprintf("%s %d", column, p.Column))
	case p.Name != "":
		parts = append(parts, p.Name)
	}
	if p.Value != "" {
		parts = append(parts, strconv.Quote(p.Value))
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, ", ") + ": "
}

// Fill puts the problem's own facts into a sentence of Advice, or into its
// translation: {other}, {account}, {fields} and {columns}.
func (p *Problem) Fill(sentence string) string {
	if !strings.Contains(sentence, "{") {
		return sentence
	}
	return strings.NewReplacer(
		"{other}", strconv.Itoa(p.Other), "{account}", p.Account,
		"{fields}", strconv.Itoa(p.Fields), "{columns}", strconv.Itoa(p.Columns),
	).Replace(sentence)
}

// Reasons lists every reason word with what it means and what to do.
func Reasons() []Advice { return slices.Clone(advice) }

// Known reports whether the word is in Reasons.
func (r Reason) Known() bool {
	return slices.ContainsFunc(advice, func(a Advice) bool { return a.Reason == r })
}

// Means says what is wrong in one clause, with places that Problem.Fill fills.
func (r Reason) Means() string { return r.advice().Means }

// Mend says what a person should do, with such places; "" when that is plain.
func (r Reason) Mend() string { return r.advice().Mend }

func (r Reason) advice() Advice {
	i := slices.IndexFunc(advice, func(a Advice) bool { return a.Reason == r })
	if i < 0 {
		return Advice{Reason: r, Means: string(r)}
	}
	return advice[i]
}

// longValue is the most characters of a value that are shown.
const longValue = 60

var imageLike = regexp.MustCompile(`(?i)data:[a-z]+/|base64,|[a-z0-9+/_=-]{64}`)

// shown is a value as it may stand in a message: short, readable, without image
// data and without what may be secret in a URL.
func shown(value string) string {
	value = strings.TrimSpace(value)
	head := value[:min(len(value), 4096)]
	if imageLike.MatchString(head) {
		return fmt.Sprintf("… (%d characters)", len(value))
	}
	head = strings.Map(printable, strings.ToValidUTF8(withoutSecrets(head), "\ufffd"))
	if runes := []rune(head); len(runes) > longValue {
		return string(runes[:longValue]) + "…"
	}
	return head
}

// withoutSecrets leaves out user name, password, query and fragment of what is,
// or was meant as, a URL.
func withoutSecrets(text string) string {
	scheme, _, isURL := strings.Cut(text, "://")
	u, err := url.Parse(text)
	switch {
	case isURL && err == nil && u.Host != "":
		return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	case isURL:
		return scheme + "://…"
	case strings.Contains(text, "www.") || strings.Contains(text, "http"):
		text, _, _ = strings.Cut(text, "?")
		if _, host, found := strings.Cut(text, "@"); found {
			return "…@" + host
		}
	}
	return text
}

func printable(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}

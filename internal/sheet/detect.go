package sheet

import (
	"strings"
	"unicode"

	"github.com/plugchat-go/groupphoto/tasks"
)

// sampleRecords is how many records the separator is found from.
const sampleRecords = 50

// headerWords are the names of columns, folded.
var headerWords = map[string]Role{
	"group": GroupColumn, "grupo": GroupColumn, "groupid": GroupColumn, "iddogrupo": GroupColumn, "idgrupo": GroupColumn,
	"photo": PhotoColumn, "foto": PhotoColumn, "groupphoto": PhotoColumn, "imagem": PhotoColumn, "image": PhotoColumn,
	"account": AccountColumn, "conta": AccountColumn, "numero": AccountColumn, "number": AccountColumn,
}

// weakWord names the column of groups where no other does: in PlugChat's own
// lists of chats a group's id stands under phone.
const weakWord = "phone"

var accents = strings.NewReplacer(
	"á", "a", "à", "a", "â", "a", "ã", "a", "ä", "a", "é", "e", "ê", "e", "è", "e", "í", "i", "ì", "i",
	"ó", "o", "ô", "o", "õ", "o", "ö", "o", "ò", "o", "ú", "u", "ü", "u", "ù", "u", "ç", "c", "ñ", "n",
)

// fold brings a column's name to the form of headerWords: small letters without
// accents, spaces and marks.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, Unaccented(name))
}

// Unaccented is a text in small letters, without the accents of Portuguese and its
// neighbours.
func Unaccented(text string) string { return accents.Replace(strings.ToLower(text)) }

// columns gives the cells of a header their roles; known is false when no cell
// is a name that is known.
func columns(cells []string) (list []Column, known bool, problem *Problem) {
	list = make([]Column, len(cells))
	taken := map[Role]int{}
	for i, cell := range cells {
		name := strings.TrimFunc(unguarded(cell), unicode.IsSpace)
		role := headerWords[fold(name)]
		list[i] = Column{strings.Clone(name), role}
		if role == OtherColumn {
			continue
		}
		if taken[role] > 0 && problem == nil {
			problem = &Problem{Column: i + 1, Name: list[i].Name, Value: list[taken[role]-1].Name, Reason: ColumnTwice}
		}
		taken[role], known = i+1, true
	}
	for i := range list {
		if taken[GroupColumn] == 0 && fold(list[i].Name) == weakWord {
			list[i].Role, taken[GroupColumn], known = GroupColumn, i+1, true
		}
	}
	return list, known, problem
}

// looksLikeGroup reports whether a cell was meant as a group id or a number: no
// column is named like that.
func looksLikeGroup(cell string) bool {
	digits := 0
	for i := range len(cell) {
		if '0' <= cell[i] && cell[i] <= '9' {
			digits++
		}
	}
	_, err := tasks.ParseGroupID(cell)
	return err == nil || digits >= 6
}

// sampled returns the first records of a sample as a separator would split it.
func sampled(sample []byte, whole bool, delim, eol byte) [][]string {
	s := scanner{buf: sample, end: true, delim: delim, eol: eol}
	var records [][]string
	for len(records) < sampleRecords {
		r, ok := s.next()
		if !ok || !whole && s.pos >= len(sample) {
			break // the last record may be cut
		}
		if r.fault == "" && !r.empty() {
			records = append(records, append([]string(nil), r.cells...))
		}
	}
	return records
}

// separator finds what separates the cells: what makes a known header, else what
// splits most records into as many cells as the first, and groups among them.
func separator(sample []byte, whole bool, eol byte) byte {
	best, most := byte(','), 0
	for _, delim := range []byte{';', '\t', ','} {
		records := sampled(sample, whole, delim, eol)
		if len(records) == 0 || len(records[0]) < 2 {
			continue
		}
		points := 0
		list, _, _ := columns(records[0])
		for _, c := range list {
			switch c.Role {
			case GroupColumn:
				points += 1000
			case PhotoColumn, AccountColumn:
				points += 100
			}
		}
		for _, cells := range records {
			if len(cells) == len(records[0]) {
				points++
			}
			for _, cell := range cells {
				if _, err := tasks.ParseGroupID(cell); err == nil {
					points += 2
				}
			}
		}
		if points > most {
			best, most = delim, points
		}
	}
	return best
}

// hint reads the line "sep=;" that Excel understands and some programs write.
func hint(line []byte) (delim byte, ok bool) {
	if len(line) != 5 || !strings.EqualFold(string(line[:4]), "sep=") || !strings.ContainsRune(",;\t", rune(line[4])) {
		return 0, false
	}
	return line[4], true
}

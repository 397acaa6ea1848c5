package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plugchat-go/groupphoto/internal/sheet"
	"github.com/plugchat-go/groupphoto/tasks"
)

// sheetMeta is how a campaign's sheet was written, kept with its settings so that an
// export is written like it.
type sheetMeta struct {
	File    string       `json:"file,omitempty"` // its name without folders; "" for stdin
	Format  sheet.Format `json:"format"`
	Senders []sender     `json:"senders,omitempty"` // whom rows without an account were given to

	foreign bool // there was no sheet
}

func newSheetMeta(path string, f sheet.Format, senders []sender) sheetMeta {
	m := sheetMeta{Format: f, Senders: senders}
	if path != "-" {
		m.File = filepath.Base(path)
	}
	return m
}

func (m sheetMeta) json() json.RawMessage {
	text, _ := json.Marshal(m) // words and numbers cannot fail
	return text
}

// readSheetMeta reads what json wrote; a campaign that came from no sheet gets the
// plainest one there is.
func readSheetMeta(kept json.RawMessage) sheetMeta {
	var m sheetMeta
	if json.Unmarshal(kept, &m) != nil || len(m.Format.Columns) == 0 {
		m.foreign = true
		m.Format = sheet.Format{Kind: sheet.CSV, Delimiter: ',', Encoding: sheet.UTF8, HeaderLine: 1, Columns: []sheet.Column{
			{Name: "group", Role: sheet.GroupColumn}, {Name: "photo", Role: sheet.PhotoColumn}, {Name: "account", Role: sheet.AccountColumn},
		}}
	}
	return m
}

// rowExtra is what a row keeps of its sheet besides what is sent.
type rowExtra struct {
	Photo string   `json:"p,omitempty"` // the photo's cell, when it names a file: a link is in the row, and image data is nowhere
	Kept  []string `json:"k,omitempty"` // the cells of columns that are not ours, in their order
	Whole string   `json:"o,omitempty"` // the object of a row of JSONL, without its photo when that is image data
	Data  bool     `json:"d,omitempty"` // the photo was image data in the sheet
}

// extraOf is the text that a row keeps, "" when there is nothing to keep.
func extraOf(f sheet.Format, row sheet.Row) string {
	e := rowExtra{Data: row.Photo.Ref.Kind == tasks.PhotoInline}
	if f.Kind == sheet.JSONL {
		e.Whole = row.Object
		if e.Data {
			e.Whole = sheet.WithoutPhoto(row.Object)
		}
	} else {
		for i, column := range f.Columns {
			switch {
			case i >= len(row.Cells):
			case column.Role == sheet.OtherColumn:
				e.Kept = append(e.Kept, row.Cells[i])
			case column.Role == sheet.PhotoColumn && (row.Photo.File != "" || row.Photo.Ref.Hash() != ""):
				e.Photo = strings.TrimSpace(row.Cells[i])
			}
		}
		if !slices.ContainsFunc(e.Kept, func(cell string) bool { return cell != "" }) {
			e.Kept = nil
		}
	}
	if e.Photo == "" && e.Kept == nil && e.Whole == "" && !e.Data {
		return ""
	}
	text, _ := json.Marshal(e) // texts cannot fail
	return string(text)
}

func readExtra(text string) (e rowExtra) {
	_ = json.Unmarshal([]byte(text), &e) // another program's, perhaps: then nothing of it is known
	return e
}

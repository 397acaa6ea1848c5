package main

import (
	"strings"

	"github.com/plugchat-go/groupphoto/internal/sheet"
	"github.com/plugchat-go/groupphoto/tasks"
)

// rowProblem is a problem as it is told. Its JSON is English.
type rowProblem struct {
	Type string `json:"type"`
	sheet.Problem
	Text   string `json:"text"`
	Mend   string `json:"mend"`
	Detail string `json:"detail,omitempty"` // what the photo's maker says of it
}

func (k *check) told(p sheet.Problem, lang language) rowProblem {
	return rowProblem{Type: "problem", Problem: p, Text: p.Fill(lang.text(p.Reason.Means())), Mend: p.Fill(lang.text(p.Reason.Mend()))}
}

// badPhoto is the problem of a row whose photo cannot be made.
func (k *check) badPhoto(row sheet.Row, photo *verdict) rowProblem {
	p := sheet.Problem{Line: row.Line, Reason: photo.reason, Value: row.Photo.Ref.String()}
	for i, c := range k.reader.Format().Columns {
		if c.Role != sheet.PhotoColumn {
			continue
		}
		p.Column, p.Name = i+1, c.Name
		if row.Photo.File != "" {
			p.Value = clip(strings.TrimSpace(row.Cells[i]), 200) // as it stands there, not as a path
		}
	}
	told := k.told(p, k.tongue())
	if !p.Reason.Known() {
		told.Text, told.Mend = k.tongue().text(tasks.Reason(p.Reason).Means()), photoMend(k.tongue(), tasks.Reason(p.Reason))
	}
	told.Detail = photo.detail
	return told
}

// photoMend says what to do about a photo of which nothing was sent yet.
func photoMend(lang language, reason tasks.Reason) string {
	mend, again := strings.CutSuffix(reason.Mend(), ", then: groupphoto retry ID")
	if again {
		return lang.say("%s, and check again", lang.text(mend))
	}
	return lang.text(mend)
}

// sentence is a problem in one line.
func (k *check) sentence(p rowProblem) string {
	text := string(p.Reason) + ": " + p.Text
	if p.Reason == sheet.PhotoUnreadable { // the system's own word is short, and says what
		text += " (" + p.Detail + ")"
	}
	return p.Where(k.text("line"), k.text("column")) + text + "; " + p.Mend
}

// why is what the rejects file says of a row.
func (k *check) why(told []rowProblem) string {
	parts := make([]string, 0, len(told))
	for _, p := range told {
		parts = append(parts, k.sentence(p))
	}
	return strings.Join(parts, " | ")
}

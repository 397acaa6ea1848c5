package main

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/sheet"
	"github.com/plugchat-go/groupphoto/tasks"
)

// named gives columns without a name one by which they are known again.
func named(columns []sheet.Column) []sheet.Column {
	all := make([]sheet.Column, len(columns))
	for i, c := range columns {
		if c.Name == "" {
			c.Name = string(c.Role)
		}
		if c.Name == "" {
			c.Name = "column " + strconv.Itoa(i+1)
		}
		all[i] = c
	}
	return all
}

// write writes one row.
func (x *exporter) write(r enqueue.CampaignRecord) error {
	extra := readExtra(r.Extra)
	photo := x.photo(r, extra)
	row := sheet.Row{Line: int(r.Line), Cells: x.cells}
	switch {
	case x.to.Kind == sheet.CSV:
		x.fill(r, extra, photo)
	case extra.Whole != "":
		row.Object = extra.Whole
		if extra.Data {
			row.Object = joinedObject(extra.Whole, "groupPhoto", photo)
		}
	default:
		x.fill(r, extra, photo)
		row.Object = x.object()
	}
	x.outcome(r)
	return x.sheet.Write(row, x.added...)
}

// fill makes the cells of the sheet's own columns.
func (x *exporter) fill(r enqueue.CampaignRecord, extra rowExtra, photo string) {
	kept := extra.Kept
	for i, c := range x.to.Columns {
		x.cells[i] = ""
		switch c.Role {
		case sheet.GroupColumn:
			x.cells[i] = string(r.GroupID)
		case sheet.PhotoColumn:
			x.cells[i] = photo
		case sheet.AccountColumn:
			x.cells[i] = r.Account
		default:
			if len(kept) > 0 {
				x.cells[i], kept = kept[0], kept[1:]
			}
		}
	}
}

// photo is what names the row's photo in a sheet. Image data is named as the photo
// store names it: a spreadsheet would cut it.
func (x *exporter) photo(r enqueue.CampaignRecord, extra rowExtra) string {
	switch {
	case extra.Photo != "":
		return extra.Photo
	case extra.Data, x.foreign, r.Given.Kind == tasks.PhotoURL:
		return r.Given.Wire()
	}
	return "" // the one that was given for all
}

// outcome fills the cells of the columns that are added.
func (x *exporter) outcome(r enqueue.CampaignRecord) {
	clear(x.added)
	at, took := "", ""
	if !r.FinishedAt.IsZero() {
		at, took = r.FinishedAt.UTC().Format(time.RFC3339), strconv.FormatInt(r.Took.Milliseconds(), 10)
	}
	status := ""
	if r.HTTPStatus > 0 {
		status = strconv.Itoa(r.HTTPStatus)
	}
	attempts := ""
	if r.State.Ended() {
		attempts = strconv.Itoa(r.Attempts)
	}
	copy(x.added, []string{
		strconv.FormatInt(r.Line, 10), r.Account, string(r.State), string(r.Reason), r.Detail, attempts, status, at, took,
		r.Photo, r.PreviousPhoto,
	})
}

// object is a row of CSV as an object.
func (x *exporter) object() string {
	var out strings.Builder
	for i, c := range x.to.Columns {
		name, _ := json.Marshal(c.Name) // texts cannot fail
		value, _ := json.Marshal(x.cells[i])
		out.WriteByte(',')
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	return "{" + strings.TrimPrefix(out.String(), ",") + "}"
}

// joinedObject is an object with one more field.
func joinedObject(object, name, value string) string {
	head := strings.TrimRight(strings.TrimRight(object, " \t\r\n"), "}")
	field, _ := json.Marshal(map[string]string{name: value}) // texts cannot fail
	if strings.TrimSpace(head) == "{" {
		return string(field)
	}
	return head + "," + string(field[1:])
}

package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/plugchat-go/groupphoto/tasks"
)

// report is a file to which every outcome of a campaign is added as soon as it is
// known, and from which a later run learns what has been done. It is only ever added
// to; one run at a time does so. A line is an object.
type report struct {
	mu   sync.Mutex
	file *os.File
	// known are the ends of rows so far, by their key.
	known map[string]tasks.Outcome
	begun bool // there was a run before
}

// reportLine is a line of a report: the beginning of a run, or the end of a row.
type reportLine struct {
	Type  string     `json:"type"` // run or row
	At    *time.Time `json:"at,omitempty"`
	Name  string     `json:"name,omitempty"`
	Again bool       `json:"again,omitempty"` // what came before counts no more
	// Key names the row by its group, account and photo, whatever its line.
	Key     string         `json:"key,omitempty"`
	Line    int64          `json:"line,omitempty"`
	Outcome *tasks.Outcome `json:"outcome,omitempty"`
}

// rowKey is the same for the same photo in the same group through the same account.
func rowKey(group tasks.GroupID, account string, photo tasks.PhotoRef) string {
	sum := sha256.Sum256([]byte(string(group) + "\x00" + account + "\x00" + photo.Wire()))
	return hex.EncodeToString(sum[:12])
}

// openReport opens a report for this run alone and reads what it says.
func openReport(path string) (*report, error) {
	fail := func(err error) error {
		return badInput(fmt.Errorf("--report: the file cannot be used: %w", bare(err, path)))
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600) // group ids are nobody else's business
	if err != nil {
		return nil, fail(err)
	}
	r := &report{file: file, known: map[string]tasks.Outcome{}}
	if err := lockFile(file); err != nil {
		return nil, errors.Join(fail(errors.New("another run is writing it")), file.Close())
	}
	if err := r.read(); err != nil {
		return nil, errors.Join(fail(err), r.close())
	}
	return r, nil
}

// read takes in what earlier runs wrote. A last line that a crash cut off says
// nothing; any other that cannot be read is an error: what it said may have been
// done, and would be done again.
func (r *report) read() error {
	lines := bufio.NewReaderSize(r.file, 64<<10)
	for n := 1; ; n++ {
		text, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			if len(text) == 0 {
				return nil
			}
			_, err = r.file.WriteString("\n")
			return err
		}
		if err != nil {
			return err
		}
		var line reportLine
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		if err := json.Unmarshal(text, &line); err != nil {
			if n > 1 && r.torn(text) {
				continue
			}
			return fmt.Errorf("line %d is not one of a report; give another --report", n)
		}
		r.begun = r.begun || line.Type == "run"
		switch {
		case line.Type == "run" && line.Again:
			clear(r.known)
		case line.Type == "row" && line.Outcome != nil:
			r.known[line.Key] = *line.Outcome
		case line.Type != "run":
			return fmt.Errorf("line %d is not one of a report; give another --report", n)
		}
	}
}

// torn says that a line was cut off by a crash and then ended by the next run.
func (r *report) torn(text []byte) bool { return bytes.HasPrefix(text, []byte(`{"type":`)) }

// begin notes that a run begins.
func (r *report) begin(name string, again bool) error {
	if again {
		clear(r.known)
	}
	now := time.Now().UTC().Truncate(time.Second)
	return r.write(reportLine{Type: "run", At: &now, Name: name, Again: again})
}

// write adds a line and waits until the disk has it.
func (r *report) write(line reportLine) error {
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.file.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if err := r.file.Sync(); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

func (r *report) close() error { return errors.Join(unlockFile(r.file), r.file.Close()) }

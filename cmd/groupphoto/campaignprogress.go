package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// progressGap is how long a drawing of progress stands at least.
const progressGap = 200 * time.Millisecond

// progress tells on stderr how far a command has come with a sheet: drawn on a
// terminal, as a line now and then elsewhere, and not at all beside JSON.
type progress struct {
	screen *screen
	drawn  bool // it is a terminal
	silent bool
	gap    time.Duration // between two tellings
	told   time.Time
}

func newProgress(a *app) *progress {
	p := &progress{screen: newScreen(a.err), drawn: a.errTerminal, silent: a.json(), gap: lineGap, told: time.Now()}
	if p.drawn {
		p.gap, p.told = progressGap, time.Time{}
	}
	return p
}

// due says whether it is time to tell once more.
func (p *progress) due() bool { return !p.silent && time.Since(p.told) >= p.gap }

// tell says that done of total is done, and in words how much that is. A total of 0 is
// not known.
func (p *progress) tell(done, total int, text string) {
	p.told = time.Now()
	if total > 0 {
		done = min(done, total)
		text = fmt.Sprintf("%d %%: %s", int64(done)*100/int64(total), text)
	}
	if !p.drawn {
		fmt.Fprintln(p.screen, text)
		return
	}
	if total > 0 {
		text = bar(int64(done), int64(total), min(24, p.screen.width()/4)) + " " + text
	}
	p.screen.draw([]string{text})
}

// clear takes the drawing away, so that other lines can be written.
func (p *progress) clear() {
	if p.drawn {
		p.screen.draw(nil)
	}
}

// countLines counts the lines of a file of any encoding well enough for a drawing; 0
// where it cannot be read.
func countLines(path string) int {
	file, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer file.Close() //nolint:errcheck // it was only read
	buf := make([]byte, 256<<10)
	lines, returns := 0, 0
	for {
		n, err := file.Read(buf)
		lines += bytes.Count(buf[:n], []byte{'\n'})
		returns += bytes.Count(buf[:n], []byte{'\r'})
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0
		}
	}
	if lines == 0 {
		return returns // old programs of the Mac
	}
	return lines
}

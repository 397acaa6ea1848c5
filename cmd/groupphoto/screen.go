package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// screen is a terminal at the end of which a few lines are drawn anew again and
// again. What is written between goes above them. It is safe for concurrent use.
type screen struct {
	mu    sync.Mutex
	w     io.Writer
	drawn []string
}

func newScreen(w io.Writer) *screen { return &screen{w: w} }

// Write writes whole lines above what is drawn.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.drawn
	s.put(nil)
	n, err := s.w.Write(p)
	s.put(lines)
	return n, err //nolint:wrapcheck // a terminal that is gone is nobody's loss
}

// draw draws lines over those that were drawn before.
func (s *screen) draw(lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(lines)
}

// leave lets the last drawing stand.
func (s *screen) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drawn = nil
}

func (s *screen) put(lines []string) {
	var text strings.Builder
	if n := len(s.drawn); n > 0 {
		fmt.Fprintf(&text, "\x1b[%dA\r", n)
	}
	width := s.width()
	for _, line := range lines {
		fmt.Fprintf(&text, "%s\x1b[K\n", fit(strings.Map(plain, line), width))
	}
	if len(s.drawn) > len(lines) {
		text.WriteString("\x1b[J")
	}
	s.drawn = lines
	_, _ = io.WriteString(s.w, text.String())
}

// width is how many columns a line may have.
func (s *screen) width() int {
	if file, ok := s.w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns > 20 {
			return columns - 1
		}
	}
	return 79
}

// fit cuts a line to a width.
func fit(text string, width int) string {
	if runes := []rune(text); len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return text
}

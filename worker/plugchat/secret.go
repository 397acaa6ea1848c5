package plugchat

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is text that must never be printed: however it is formatted, logged or marshalled, it shows as "[redacted]".
// Only a conversion to string gives the text. The zero value is an empty secret, and prints the same.
//
// fmt cannot call methods on unexported struct fields, so a struct that is ever printed keeps its Secret exported or behind a pointer.
type Secret string

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]", for %#v.
func (Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb: without it, %d and other verbs that do not fit text would print the text itself.
func (Secret) Format(f fmt.State, _ rune) {
	// A failed write to fmt's own buffer has nobody to be told.
	_, _ = io.WriteString(f, redacted)
}

// LogValue returns "[redacted]", for log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]" and never an error.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]" as a JSON string and never an error.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

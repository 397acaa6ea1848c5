package sheet

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/plugchat-go/groupphoto/tasks"
)

// TestSeen_IsExact compares with a plain map, with ids that differ in leading
// zeros, in length or in one digit.
func TestSeen_IsExact(t *testing.T) {
	t.Parallel()
	id := rapid.OneOf(
		rapid.StringMatching(`0{0,4}[0-9]{10,16}-group`), rapid.StringMatching(`[0-9]{20}-group`), rapid.StringMatching(`9{18}[0-9]{2}-group`),
		rapid.StringMatching(`0{0,3}[0-9]{8,12}-[0-9]{10}`), rapid.StringMatching(`9{14}[0-9]-9{9}[0-9]`),
	)
	rapid.Check(t, func(t *rapid.T) {
		s, plain := newSeen(), map[string]int{}
		for line, text := range rapid.SliceOfN(id, 1, 400).Draw(t, "ids") {
			if _, err := tasks.ParseGroupID(text); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			other, _, fresh := s.add(tasks.GroupID(text), "main", line+1)
			if want, there := plain[text]; fresh == there || there && other != want {
				t.Fatalf("%q in line %d: got line %d, fresh %t; want %d", text, line+1, other, fresh, want)
			}
			if fresh {
				plain[text] = line + 1
			}
		}
	})
}

func TestSeen_OldAndNewIDsShareNothing(t *testing.T) {
	t.Parallel()
	ids := []tasks.GroupID{"1234567890-group", "01234567890-group", "12345678-1234567890", "012345678-1234567890", "12345678-0000000000", "00000000-0000000000", "0000000000-group"}
	for i, a := range ids {
		for _, b := range ids[:i] {
			if pack(a) == pack(b) {
				t.Errorf("%s and %s are one", a, b)
			}
		}
	}
}

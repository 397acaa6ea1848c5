package sheet_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/sheet"
)

// TestReasons_AreDocumented compares the table of docs/campaigns.md, which people
// read, with the words that the program says.
func TestReasons_AreDocumented(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../docs/campaigns.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, a := range sheet.Reasons() {
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", a.Reason, a.Means, a.Mend)
	}
	if !strings.Contains(string(b), want.String()) {
		t.Errorf("the table of docs/campaigns.md differs; put this in its place:\n%s", want.String())
	}
}

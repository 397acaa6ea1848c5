package tasks_test

import (
	"os"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/tasks"
)

// docs/reasons.md is what people read; it must say what the program says.
func TestReasons_AreDocumented(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(b), reasonsPage(); got != want {
		if os.Getenv("WRITE_DOCS") == "" {
			t.Fatalf("docs/reasons.md is not what tasks.Reasons says; write it anew with: WRITE_DOCS=1 go test ./tasks -run AreDocumented")
		}
		if err := os.WriteFile("../docs/reasons.md", []byte(want), 0o644); err != nil { //nolint:gosec // a page for everybody
			t.Fatal(err)
		}
	}
}

func reasonsPage() string {
	var b strings.Builder
	b.WriteString("# Reasons\n\nEvery outcome that is not `updated` or `unchanged` carries one of these words, in the\n" +
		"command line's output, over HTTP, in the asynq web UI and in the log. This page is\nwritten from `tasks/reason.go`; a test compares them.\n\n" +
		"| reason | what happened | what to do |\n|---|---|---|\n")
	for _, a := range tasks.Reasons() {
		mend := a.Mend
		if mend == "" {
			mend = "nothing"
		}
		b.WriteString("| `" + string(a.Reason) + "` | " + a.Means + " | " + mend + " |\n")
	}
	return b.String()
}

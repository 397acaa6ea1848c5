package tasks_test

import (
	"testing"

	"github.com/plugchat-go/groupphoto/tasks"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"main", "sales", "support", "support-br"}
	cases := []struct{ name, misspelt, want string }{
		{"letters swapped", "mian", "main"},
		{"a letter missing", "sale", "sales"},
		{"an ending missing", "support-b", "support-br"},
		{"nothing like it", "warehouse", ""},
		{"empty", "", ""},
		{"a tie goes to the first by name", "suppor", "support"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := tasks.Nearest(tc.misspelt, names); got != tc.want {
				t.Errorf("Nearest(%q) = %q, want %q", tc.misspelt, got, tc.want)
			}
		})
	}
}

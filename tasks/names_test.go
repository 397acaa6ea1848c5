package tasks_test

import (
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/tasks"
)

// asynq matches handler patterns by prefix: a type that begins with another
// would reach the other's handler.
func TestTaskTypes_NoneBeginsWithAnother(t *testing.T) {
	t.Parallel()
	if tasks.TypeUpdate != "groupphoto:update" {
		t.Errorf("TypeUpdate = %q; queues in use hold groupphoto:update", tasks.TypeUpdate)
	}
	types := map[string]string{}
	for name, c := range constants(t) {
		if strings.HasPrefix(name, "Type") {
			types[name] = c.value
		}
	}
	if _, ok := types["TypeUpdate"]; !ok {
		t.Fatal("TypeUpdate was not found in the source; the search is broken")
	}
	for a, x := range types {
		for b, y := range types {
			if a != b && strings.HasPrefix(x, y) {
				t.Errorf("%s %q begins with %s %q", a, x, b, y)
			}
		}
	}
}

func TestQueues(t *testing.T) {
	t.Parallel()
	for _, account := range []string{"main", "a", "0", "-", "bulk", "photo", "sales-2", strings.Repeat("a", 32)} {
		t.Run(account, func(t *testing.T) {
			t.Parallel()
			if err := tasks.CheckAccount(account); err != nil {
				t.Fatalf("CheckAccount: %v", err)
			}
			if got, want := tasks.Queue(account), "photo."+account; got != want {
				t.Errorf("Queue = %q; want %q", got, want)
			}
			if got, want := tasks.BulkQueue(account), "photo."+account+".bulk"; got != want {
				t.Errorf("BulkQueue = %q; want %q", got, want)
			}
			for _, queue := range []string{tasks.Queue(account), tasks.BulkQueue(account)} {
				if got, ok := tasks.QueueAccount(queue); !ok || got != account {
					t.Errorf("QueueAccount(%q) = %q, %t; want %q", queue, got, ok, account)
				}
			}
		})
	}
	for _, queue := range []string{"", "default", "photo.", "photo..bulk", "photo.a.b", "photo.a.bulk.bulk", "Photo.a", "photo.A", "xphoto.a", "photo.a.Bulk", "photo.a b", "photo." + strings.Repeat("a", 33)} {
		if account, ok := tasks.QueueAccount(queue); ok {
			t.Errorf("QueueAccount(%q) = %q; want it to be somebody else's", queue, account)
		}
	}
}

func TestNames_Checked(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text  string
		account, id bool
	}{
		{"plain", "order-881", true, true},
		{"capitals and underscore", "Order_881", false, true},
		{"longest account", strings.Repeat("a", 32), true, true},
		{"longer than an account", strings.Repeat("a", 33), false, true},
		{"longest id", strings.Repeat("a", 64), false, true},
		{"longer than an id", strings.Repeat("a", 65), false, false},
		{"empty", "", false, false},
		{"space", "a b", false, false},
		{"end of line", "a\n", false, false},
		{"dot", "a.b", false, false},
		{"colon", "a:b", false, false},
		{"brace of a hash tag", "a}", false, false},
		{"accent", "ação", false, false},
		{"very long", strings.Repeat("é", 10_000), false, false},
		{"not UTF-8", "\xff", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for what, check := range map[string]struct {
				err error
				ok  bool
			}{"account": {tasks.CheckAccount(tt.text), tt.account}, "id": {tasks.CheckID(tt.text), tt.id}} {
				if (check.err == nil) != check.ok {
					t.Errorf("%s: %v; want accepted %t", what, check.err, check.ok)
				}
				if check.err != nil && (!strings.Contains(check.err.Error(), what) || len(check.err.Error()) > 300) {
					t.Errorf("%s: %q must name what it is about, in a sentence", what, check.err)
				}
			}
		})
	}
}

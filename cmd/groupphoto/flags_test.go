package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFlags_StandWhereTheyAct: a flag that is accepted and does nothing lets a
// person believe that it did.
func TestFlags_StandWhereTheyAct(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"dev":         {"output", "redis"},
		"worker":      {"redis"},
		"update":      {"output", "account", "redis"},
		"outcome":     {"output", "account", "redis"},
		"retry":       {"output", "account", "redis"},
		"cancel":      {"output", "account", "redis"},
		"account":     nil,
		"campaign":    nil,
		"groups":      {"output", "account"},
		"photo":       {"output"},
		"webhook":     nil,
		"sandbox":     nil,
		"doctor":      {"output", "redis"},
		"healthcheck": nil,
		"version":     {"output"},
	}
	got := map[string][]string{}
	root := (&app{}).command(nil)
	for _, c := range root.Commands() {
		var has []string
		for _, shared := range []string{"output", "account", "redis"} {
			if c.Flags().Lookup(shared) != nil || root.PersistentFlags().Lookup(shared) != nil {
				has = append(has, shared)
			}
		}
		got[c.Name()] = has
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flags of the commands (-want +got):\n%s", diff)
	}
}

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		env  map[string]string
		want int64
	}{
		{"nobody says anything", nil, 192 << 20},
		{"empty is not set", map[string]string{"GOMEMLIMIT": ""}, 192 << 20},
		{"somebody knows better", map[string]string{"GOMEMLIMIT": "1GiB"}, -1},
		{"even none", map[string]string{"GOMEMLIMIT": "off"}, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := memoryLimit(tt.env, 160<<20); got != tt.want {
				t.Errorf("got %d; want %d", got, tt.want)
			}
		})
	}
}

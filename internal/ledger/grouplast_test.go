package ledger_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/ledger/rowtest"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestGroupsLast_IsWhatWasAcceptedLast(t *testing.T) {
	t.Parallel()
	// Given a group that a photo was accepted for, one of which nothing is known, and
	// the first again while a call is under way, when groups are asked about, then each
	// tells what it shows, as far as is known.
	each(t, func(t *testing.T, e *env) {
		last := func(want ...string) {
			t.Helper()
			got, err := e.GroupsLast(t.Context(), account, []tasks.GroupID{groupB, groupA})
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("GroupsLast: %v (-want +got):\n%s", err, diff)
			}
		}
		last("", "")
		first := e.started(t, "first")
		first.ask(t, ledger.Go)
		first.end(t, tasks.Updated, "")
		last("", photo1)
		e.started(t, "second").ask(t, ledger.Go)
		last("", "")
		if got, err := e.GroupsLast(t.Context(), account, nil); len(got) != 0 || err != nil {
			t.Errorf("of no group: %v, %v", got, err)
		}
	})
}

func TestKeepPhotos(t *testing.T) {
	t.Parallel()
	// Given photos of which one is stored, when they are to be kept, then that one lives
	// so long, and the others are told to be missing.
	each(t, func(t *testing.T, e *env) {
		there, err := e.StorePhoto(t.Context(), tasks.PhotoSource, everyByte(), e.clock(t).Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.KeepPhotos(t.Context(), []tasks.PhotoRef{tasks.MadeRef(there.Hash()), there, tasks.SourceRef(strings.Repeat("0", 64))}, e.clock(t).Add(time.Hour))
		if diff := cmp.Diff([]bool{false, true, false}, got); err != nil || diff != "" {
			t.Errorf("KeepPhotos: %v (-want +got):\n%s", err, diff)
		}
		e.ttlAtLeast(t, "groupphoto:photo:{"+there.Hash()+"}:src", 59*time.Minute)
		if got, err := e.KeepPhotos(t.Context(), nil, e.clock(t)); len(got) != 0 || err != nil {
			t.Errorf("none: %v, %v", got, err)
		}
	})
}

func TestFirstRows_OfEachKind(t *testing.T) {
	t.Parallel()
	// Given rows of two accounts over several chunks, some of which were refused late in
	// the input, when the first of a kind are wanted, then they are found by their
	// lines, over both accounts, whether or not others of the kind are before them.
	each(t, func(t *testing.T, e *env) {
		c := e.accepted(t, "c", sheet(5000, "a", "b"))
		kind := ledger.EndKind{State: tasks.Refused, Reason: tasks.NotAdmin}
		other := ledger.EndKind{State: tasks.Failed, Reason: tasks.NoAnswer}
		for account, refused := range map[string]int{"a": 1500, "b": 1800} {
			for fed := 0; fed < 2000; {
				for _, row := range c.feed(t, account, 1000) {
					end := ledger.RowEnd{State: tasks.Updated}
					if fed >= refused {
						end = ledger.RowEnd{State: kind.State, Reason: kind.Reason}
					}
					if fed == 1999 {
						end = ledger.RowEnd{State: other.State, Reason: other.Reason}
					}
					if _, _, err := rowtest.Settle(t.Context(), e.Ledger, row, end); err != nil {
						t.Fatal(err)
					}
					fed++
				}
			}
		}
		found, err := e.FirstRows(t.Context(), c.Campaign, map[ledger.EndKind]int{kind: 3, other: 5, {State: tasks.Expired}: 1})
		if err != nil {
			t.Fatal(err)
		}
		lines := map[ledger.EndKind][]int64{}
		for k, rows := range found {
			for _, r := range rows {
				lines[k] = append(lines[k], r.Given.Line)
			}
		}
		// Row n of account a stands in line 2n, of b in line 2n + 1.
		if diff := cmp.Diff(map[ledger.EndKind][]int64{kind: {3002, 3004, 3006}, other: {4000, 4001}}, lines); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

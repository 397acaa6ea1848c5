package ledger_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// Given rows of any kind, when they are accepted, then they come back as they were
// given, in their order, whichever accounts they are for.
func TestProperty_AnyRowsComeBack(t *testing.T) {
	t.Parallel()
	e := newMini(t)
	photo := func(text string) tasks.PhotoRef {
		ref, err := tasks.ParsePhoto(text)
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	photos := []tasks.PhotoRef{photo(photo1), photo("src:" + photo2), photo("https://example.com/a.jpg?x=1"), photo("https://example.com/ação.png")}
	group := rapid.OneOf(
		rapid.StringMatching(`[0-9]{10,20}-group`), rapid.StringMatching(`120363[0-9]{12}-group`), rapid.StringMatching(`[0-9]{8,15}-[0-9]{10}`))
	rapid.Check(t, func(rt *rapid.T) {
		e.mini.FlushDB()
		input := make([]ledger.CampaignRow, rapid.IntRange(1, 40).Draw(rt, "rows"))
		line := int64(0)
		for i := range input {
			line += rapid.SampledFrom([]int64{1, 1, 1, 2, 300, 1 << 40}).Draw(rt, "lines on")
			input[i] = ledger.CampaignRow{
				Line: line, Account: rapid.SampledFrom(modelAccounts).Draw(rt, "account"), Group: tasks.GroupID(group.Draw(rt, "group")),
				Photo: rapid.SampledFrom(photos).Draw(rt, "photo"), Ref: rapid.SampledFrom([]string{"", "r", "código \x00"}).Draw(rt, "ref"),
				Extra: rapid.StringN(0, 20, 300).Draw(rt, "extra"),
			}
		}
		c := &campaign{env: e}
		got, err := e.AcceptCampaign(t.Context(), e.asking("any"), given(input))
		if err != nil {
			rt.Fatalf("AcceptCampaign: %v", err)
		}
		c.Campaign = got.Campaign
		var back []ledger.CampaignRow
		for _, v := range c.rows(t, ledger.RowFilter{}) {
			back = append(back, v.Given)
		}
		if !slices.Equal(back, input) {
			rt.Fatalf("came back as %+v; given %+v", back, input)
		}
		if again, err := e.AcceptCampaign(t.Context(), e.asking("any"), given(input)); err != nil || !again.Before {
			rt.Fatalf("the same again = %+v, %v", again, err)
		}
		other := slices.Clone(input)
		other[len(other)-1].Ref += "!"
		if _, err := e.AcceptCampaign(t.Context(), e.asking("any"), given(other)); err == nil {
			rt.Fatal("other rows were taken for the same")
		} else if d, ok := errors.AsType[*ledger.CampaignDiffersError](err); !ok || d.Changed != 1 || d.Is != other[len(other)-1] {
			rt.Fatalf("other rows: %v", err)
		}
	})
}

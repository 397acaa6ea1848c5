package sandbox_test

import (
	"testing"

	"github.com/plugchat-go/groupphoto/internal/sandbox"
)

func TestRule_RoundTrip(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"false", "503:n=3", "false:p=0.2", "throttle:n=5,retry-after=30s", "slow:group=" + newGroup + ",latency=2s",
		"hang:on=status,n=1", "pace:n=2,gap=10s", "reset:on=all", "400:account=0123abcd,p=1e-05,text=a, b: n=3, text=c", "expired:n=1",
	} {
		if got := rule(t, text).String(); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
	if got := rule(t, "503:on=update,p=1,n=3").String(); got != "503:n=3" {
		t.Errorf("defaults: got %q, want 503:n=3", got)
	}
	for _, text := range []string{
		"", "nope", "503:", "503:n=0", "503:n=x", "503:n=1,n=2", "503:p=0", "503:p=1.5", "503:p=NaN", "503:latency=2s", "slow", "slow:latency=-1s",
		"pace", "pace:latency=2s", "pace:gap=0s", "503:gap=1s", "not-member:on=metadata",
		"slow:latency=48h", "503:retry-after=1500ms", "503:text=x", "expired:on=status", "503:on=nothing", "503:group=x", "503:account=XYZ", "400:text=",
	} {
		if r, err := sandbox.ParseRule(text); err == nil {
			t.Errorf("%q: got %+v, want an error", text, r)
		}
	}
}

func FuzzParseRule(f *testing.F) {
	for _, seed := range []string{"503:n=3", "slow:latency=2s,group=" + newGroup, "400:text=a,b", "false:p=0.2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := sandbox.ParseRule(text)
		if err != nil {
			return
		}
		again, err := sandbox.ParseRule(r.String())
		if err != nil || again != r {
			t.Errorf("%q became %q, which gives %+v, %v", text, r, again, err)
		}
	})
}

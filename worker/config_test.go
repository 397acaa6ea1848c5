package worker_test

import (
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/worker"
)

func TestNew_AccountFields(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		accounts []worker.Account
		want     string // "": nothing is said of it
	}{
		{"neither is given", []worker.Account{{Name: "a"}, {Name: "b"}}, ""},
		{"both are given", []worker.Account{{Name: "a", Phone: "5511999999999", RefusalRetries: new(0)}, {Name: "b", Phone: "5511999999998", RefusalRetries: new(10)}}, ""},
		{"too many retries", []worker.Account{{Name: "a", RefusalRetries: new(11)}}, "account a: refusal retries"},
		{"fewer than none", []worker.Account{{Name: "a", RefusalRetries: new(-1)}}, "account a: refusal retries"},
		{"a short phone", []worker.Account{{Name: "a", Phone: "1199999"}}, "account a: the phone"},
		{"a long phone", []worker.Account{{Name: "a", Phone: "5511999999999999"}}, "account a: the phone"},
		{"a phone for people", []worker.Account{{Name: "a", Phone: "+5511999999999"}}, "account a: the phone"},
		{"one phone for two", []worker.Account{{Name: "a", Phone: "5511999999999"}, {Name: "b", Phone: "5511999999999"}}, "accounts a and b have the same phone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := worker.New(worker.Config{Accounts: tt.accounts})
			if err == nil {
				t.Fatal("no error, although Redis and callers are missing")
			}
			said := strings.Contains(err.Error(), "phone") || strings.Contains(err.Error(), "refusal retries")
			if !strings.Contains(err.Error(), tt.want) || said != (tt.want != "") {
				t.Errorf("got %v; want %q of the fields", err, tt.want)
			}
		})
	}
}

package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/webhook"
)

// Fixed vectors. The first was signed by openssl: printf '%s.%s.%s' ID TIMESTAMP BODY | openssl dgst -sha256 -hmac KEY
// -binary | base64. The second is the one that the libraries of Standard Webhooks test themselves with.
const (
	oursSecret    = "whsec_Z3JvdXBwaG90byB0ZXN0IHZlY3RvciBrZXkgMDAwMSE="
	oursKey       = "groupphoto test vector key 0001!"
	oursID        = "evt-1"
	oursStamp     = "1793613600"
	oursBody      = `{"id":"evt-1","type":"account.paused","time":"2026-11-02T10:00:00Z","data":{"account":"main"}}`
	oursSignature = "v1,/b58T4ZipT729pq2odq7gM8q8PO2v9Efmnb3JJxsHxs="

	theirsSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	theirsSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func secret(t testing.TB, text string) webhook.Secret {
	t.Helper()
	s, err := webhook.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func headers(id, stamp, signature string) http.Header {
	h := http.Header{}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", stamp)
	h.Set("webhook-signature", signature)
	return h
}

func TestSecret_FixedVectors(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, secret, id, stamp, body, want string }{
		{"signed by openssl", oursSecret, oursID, oursStamp, oursBody, oursSignature},
		{"of other implementations", theirsSecret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", `{"test": 2432232314}`, theirsSignature},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := secret(t, row.secret)
			if got := s.Sign(row.id, row.stamp, []byte(row.body)); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
			unix, err := strconv.ParseInt(row.stamp, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if err := webhook.Verify(s, headers(row.id, row.stamp, row.want), []byte(row.body), time.Unix(unix, 0)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestVerify_Table(t *testing.T) {
	t.Parallel()
	signed := time.Unix(1793613600, 0)
	good := headers(oursID, oursStamp, oursSignature)
	with := func(name string, values ...string) http.Header {
		h := good.Clone()
		h.Del(name)
		for _, v := range values {
			h.Add(name, v)
		}
		return h
	}
	for _, row := range []struct {
		name   string
		header http.Header
		body   string
		now    time.Time
		want   error
	}{
		{"right", good, oursBody, signed, nil},
		{"five minutes late", good, oursBody, signed.Add(5 * time.Minute), nil},
		{"later", good, oursBody, signed.Add(5*time.Minute + time.Second), webhook.ErrStale},
		{"five minutes early", good, oursBody, signed.Add(-5 * time.Minute), nil},
		{"earlier", good, oursBody, signed.Add(-5*time.Minute - time.Second), webhook.ErrStale},
		{"first of two", with("webhook-signature", oursSignature+" "+theirsSignature), oursBody, signed, nil},
		{"second of two", with("webhook-signature", theirsSignature+" "+oursSignature), oursBody, signed, nil},
		{"beside another version", with("webhook-signature", "v1a,xyz "+oursSignature), oursBody, signed, nil},
		{"as another version", with("webhook-signature", "v2"+oursSignature[2:]), oursBody, signed, webhook.ErrSignature},
		{"without a version", with("webhook-signature", oursSignature[3:]), oursBody, signed, webhook.ErrSignature},
		{"not Base64", with("webhook-signature", "v1,!"), oursBody, signed, webhook.ErrSignature},
		{"nothing signed", with("webhook-signature", "v1,"), oursBody, signed, webhook.ErrSignature},
		{"cut short", with("webhook-signature", "v1,/b58T4Zi"), oursBody, signed, webhook.ErrSignature},
		{"another body", good, oursBody + " ", signed, webhook.ErrSignature},
		{"no body", good, "", signed, webhook.ErrSignature},
		{"another id", with("webhook-id", "evt-2"), oursBody, signed, webhook.ErrSignature},
		{"another time", with("webhook-timestamp", "1793613601"), oursBody, signed, webhook.ErrSignature},
		{"time that is none", with("webhook-timestamp", "now"), oursBody, signed, webhook.ErrHeaders},
		{"time beyond all", with("webhook-timestamp", "9223372036854775807"), oursBody, signed, webhook.ErrStale},
		{"time before all", with("webhook-timestamp", "-9223372036854775808"), oursBody, signed, webhook.ErrStale},
		{"no id", with("webhook-id"), oursBody, signed, webhook.ErrHeaders},
		{"no time", with("webhook-timestamp"), oursBody, signed, webhook.ErrHeaders},
		{"no signature", with("webhook-signature"), oursBody, signed, webhook.ErrHeaders},
		{"two signature headers", with("webhook-signature", theirsSignature, oursSignature), oursBody, signed, webhook.ErrHeaders},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if err := webhook.Verify(secret(t, oursSecret), row.header, []byte(row.body), row.now); !errors.Is(err, row.want) {
				t.Errorf("got %v, want %v", err, row.want)
			}
		})
	}
	if err := webhook.Verify(webhook.Secret{}, good, []byte(oursBody), signed); !errors.Is(err, webhook.ErrSignature) {
		t.Errorf("no secret at all: got %v", err)
	}
}

func TestParseSecret_Table(t *testing.T) {
	t.Parallel()
	sized := func(n int) string {
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("m", n)))
	}
	for _, row := range []struct {
		name, text string
		ok         bool
	}{
		{"24 bytes", sized(24), true},
		{"32 bytes", sized(32), true},
		{"64 bytes", sized(64), true},
		{"23 bytes", sized(23), false},
		{"65 bytes", sized(65), false},
		{"nothing", "", false},
		{"the prefix alone", "whsec_", false},
		{"without the prefix", sized(32)[6:], false},
		{"prefix in capitals", "WHSEC_" + sized(32)[6:], false},
		{"not Base64", "whsec_" + strings.Repeat("marked-secret!", 4), false},
		{"without padding", strings.TrimRight(sized(32), "="), false},
		{"line break within", sized(30)[:20] + "\n" + sized(30)[20:], false},
		{"bits that mean nothing", "whsec_" + strings.Repeat("A", 42) + "B=", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, err := webhook.ParseSecret(row.text)
			if (err == nil) != row.ok {
				t.Fatalf("got %v, want ok = %t", err, row.ok)
			}
			if err != nil && (!strings.Contains(err.Error(), "openssl rand -base64 32") || len(row.text) > 6 && strings.Contains(err.Error(), row.text[6:])) {
				t.Errorf("the error shows the secret, or doesn't say how to make one: %v", err)
			}
		})
	}
}

func TestSecret_PrintsNothing(t *testing.T) {
	t.Parallel()
	s := secret(t, oursSecret)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("event", "secret", s, "in", []any{s})
	coded, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%v %+v %#v %s %q %d %x %v", s, s, s, s, s, s, s, struct{ s webhook.Secret }{s}) + log.String() + string(coded)
	for _, mark := range []string{oursSecret[6:20], oursKey[:8], fmt.Sprintf("%x", oursKey[:8])} {
		if strings.Contains(text, mark) {
			t.Errorf("%q is in %s", mark, text)
		}
	}
	if got := strings.Count(text, "[redacted]"); got < 8 {
		t.Errorf("redacted %d times: %s", got, text)
	}
}

// FuzzVerify: whatever passes carries a signature that crypto/hmac alone gives for the same id, time and body.
func FuzzVerify(f *testing.F) {
	f.Add(oursID, oursStamp, oursSignature, []byte(oursBody), int64(0))
	f.Add(oursID, oursStamp, "v1,x "+oursSignature, []byte(oursBody), int64(300))
	f.Add("", "", "", []byte(nil), int64(0))
	f.Add("a.b", "-1", "v1,,v1,", []byte("."), int64(-1793613600))
	s := secret(f, oursSecret)
	f.Fuzz(func(t *testing.T, id, stamp, signature string, body []byte, later int64) {
		now := time.Unix(1793613600, 0).Add(time.Duration(later%1e6) * time.Second)
		mac := hmac.New(sha256.New, []byte(oursKey))
		fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
		right := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		if webhook.Verify(s, headers(id, stamp, signature), body, now) == nil {
			// Base64 as receivers read it may be written in more than one way, so the sums are compared.
			if !carries(signature, mac.Sum(nil)) {
				t.Errorf("%q passes for %q %q %q; right is %q", signature, id, stamp, body, right)
			}
			unix, err := strconv.ParseInt(stamp, 10, 64)
			if err != nil || time.Unix(unix, 0).Sub(now).Abs() > webhook.Tolerance {
				t.Errorf("the time %q passes at %s", stamp, now)
			}
		}
		err := webhook.Verify(s, headers(id, stamp, right), body, now)
		if errors.Is(err, webhook.ErrSignature) {
			t.Errorf("the right signature is refused: %q %q %q: %v", id, stamp, body, err)
		}
		if err == nil && webhook.Verify(s, headers(id, stamp, right), append(body, 'x'), now) == nil {
			t.Errorf("a longer body passes: %q", body)
		}
	})
}

func carries(signatures string, sum []byte) bool {
	for part := range strings.FieldsSeq(signatures) {
		_, coded, _ := strings.Cut(part, ",")
		if got, err := base64.StdEncoding.DecodeString(coded); err == nil && hmac.Equal(got, sum) {
			return true
		}
	}
	return false
}

package webhook_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch/dnstest"
	"github.com/plugchat-go/groupphoto/internal/webhook"
)

const markedKey = "MARKED-KEY-MARKED-KEY-MARKED-KEY"

var (
	markedSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(markedKey))
	marks        = []string{
		"MARKED-", fmt.Sprintf("%x", "MARKED-KEY"), fmt.Sprintf("%X", "MARKED-KEY"), "77 65 82 75 69 68",
		markedSecret[6:24], markedSecret[10:30],
	}
)

// renderings are the ways in which a value may end in a log.
func renderings(v any) string {
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	slog.New(slog.NewJSONHandler(&b, nil)).Info("event", "value", v, "in", []any{v})
	slog.New(slog.NewTextHandler(&b, nil)).Info("event", "value", v)
	return b.String()
}

func wantNoMark(t *testing.T, situation string, v any) {
	t.Helper()
	text := renderings(v)
	for _, mark := range marks {
		if strings.Contains(text, mark) {
			t.Errorf("%s: %q is in %s", situation, mark, text)
		}
	}
}

// TestLeak_NoFailureTellsAnything lets every way of failing happen with a marked secret, path, query, user info and data,
// to receivers that write all of it back.
func TestLeak_NoFailureTellsAnything(t *testing.T) {
	t.Parallel()
	echo := "MARKED-BODY " + markedSecret + " https://u:MARKED-PASSWORD@h/MARKED-PATH?MARKED-QUERY"
	marked := func(url string) webhook.Config {
		return webhook.Config{URL: url + "/MARKED-PATH?key=MARKED-QUERY", Secrets: []webhook.Secret{secret(t, markedSecret)}, Allow: loopback(), Timeout: 2 * time.Second}
	}
	e := webhook.Event{ID: "evt-1", Type: "test", Time: time.Now(), Data: "MARKED-DATA"}
	// given receivers that answer with every class of status, and with what is no HTTP
	for _, status := range []int{301, 302, 308, 400, 401, 403, 404, 405, 408, 410, 413, 429, 500, 503, 599} {
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://u:MARKED-PASSWORD@h/?MARKED-QUERY")
			w.Header().Set("Retry-After", "MARKED-HEADER")
			w.WriteHeader(status)
			fmt.Fprint(w, echo, r.URL)
		})
		wantNoMark(t, fmt.Sprintf("status %d", status), newSender(t, marked(server.URL)).Send(t.Context(), e))
	}
	broken := serve(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, echo+r.URL.String()+"\r\n\r\n")
			_ = conn.Close()
		}
	})
	wantNoMark(t, "no HTTP", newSender(t, marked(broken.URL)).Send(t.Context(), e))
	// when nothing is reached
	refused := newSender(t, marked("https://hooks.example.com"))
	refused.ResolveBy(dnstest.Serve(t, dnstest.Addrs("169.254.169.254")).Dial)
	wantNoMark(t, "refused address", refused.Send(t.Context(), e))
	unknown := newSender(t, marked("https://hooks.example.com"))
	unknown.ResolveBy(dnstest.Serve(t, nil).Dial)
	wantNoMark(t, "unknown name", unknown.Send(t.Context(), e))
	failing := newSender(t, marked("https://hooks.example.com"))
	failing.DialNothing(errors.New(echo))
	wantNoMark(t, "failed connection", failing.Send(t.Context(), e))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	wantNoMark(t, "caller gone", failing.Send(ended, e))
	// when the event is none
	for name, bad := range map[string]webhook.Event{
		"id": {ID: "MARKED-ID .", Type: "test", Time: time.Now()}, "type": {ID: "a", Type: "MARKED-TYPE", Time: time.Now()},
		"data": {ID: "a", Type: "test", Time: time.Now(), Data: map[string]any{"MARKED-DATA": func() {}}},
	} {
		wantNoMark(t, name, failing.Send(t.Context(), bad))
	}
	// when the configuration is none; then no mark is in what is told
	for _, url := range []string{
		"https://u:MARKED-PASSWORD@hooks.example.com/", "https://MARKED-USER@/", "https://h:MARKED-PORT/?MARKED-QUERY", "MARKED-TEXT", markedSecret,
		"http://hooks.example.com\x7f/?MARKED-QUERY", "https://127.0.0.1/MARKED-PATH?MARKED-QUERY", "http://8.8.8.8/MARKED-PATH?MARKED-QUERY",
		"https://[MARKED-HOST]/?MARKED-QUERY", "https://h/%zzMARKED-PATH",
	} {
		c := webhook.Config{URL: url, Secrets: []webhook.Secret{secret(t, markedSecret)}}
		_, err := webhook.New(c)
		if err == nil || c.CheckURL() == nil {
			t.Errorf("%s: is taken", url)
		}
		wantNoMark(t, "URL", err)
		wantNoMark(t, "URL checked", c.CheckURL())
	}
	_, err := webhook.ParseSecret(markedSecret + "!")
	wantNoMark(t, "secret", err)
	// nor in what a sender is printed as
	wantNoMark(t, "sender", failing)
	wantNoMark(t, "sender by value", *newSender(t, marked("https://hooks.example.com")))
	wantNoMark(t, "secrets", marked("").Secrets)
}

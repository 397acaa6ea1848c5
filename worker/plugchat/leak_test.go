package plugchat_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// renderings are the ways in which a value may end in a log.
func renderings(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	slog.New(slog.NewJSONHandler(&b, nil)).Info("event", "value", v, "in", []any{v})
	slog.New(slog.NewTextHandler(&b, nil)).Info("event", "value", v)
	if text, err := json.Marshal(v); err == nil {
		b.Write(text)
	}
	return b.String()
}

func leaks(text string) string {
	encoded := base64.StdEncoding.EncodeToString(jpeg)
	for _, mark := range []string{"MARKEDTOKEN", "MARKEDPHOTO", "SECRETQUERY", encoded[:40], encoded[16:40], fmt.Sprintf("%x", "MARKEDTOKEN"), fmt.Sprintf("%X", "MARKEDPHOTO")} {
		if strings.Contains(text, mark) {
			return mark
		}
	}
	return ""
}

func TestLeak_NoFailureTellsTokenPhotoOrQuery(t *testing.T) {
	t.Parallel()
	// given replies and transports that echo everything they got, in every form and with every class of status, when the failure is printed in every way, then no mark is in it.
	uri := "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(jpeg)
	quoted, err := json.Marshal("Bad request: " + token + " sent " + uri + " and https://u:" + token + "@h/p?sig=SECRETQUERY and /x?SECRETQUERY")
	if err != nil {
		t.Fatal(err)
	}
	echo := "Authorization: " + token + "\r\n" + strings.ToUpper(token) + "\x00 " + uri + " " + strings.TrimPrefix(uri, "data:image/jpeg;base64,") + " https://h/?SECRETQUERY"
	bodies := []string{
		string(quoted), echo, `{"error":` + string(quoted) + `}`, `{"value":false,"error":` + string(quoted) + `}`, `{"value":"` + token + `"}`,
		`{"error":"not connected ` + token + `"}`, "<html>" + echo, `{"value":false,"message":"overlimit ` + token + `"}`,
		`{"error":"` + token[:8] + "\u200b" + token[8:] + `"}`, `{"error":"not found ` + token + `"}`, `{"error":"forbidden ` + token + `"}`,
		`{"subject":` + string(quoted) + `}`, `[` + string(quoted) + `]`, `[{"name":` + string(quoted) + `}]`, `{"participants":[{"isAdmin":"` + token + `"}]}`,
	}
	header := http.Header{"Location": {"https://" + token + "@h/" + token + "?t=SECRETQUERY"}, "Retry-After": {token}}
	for _, status := range []int{200, 201, 301, 400, 401, 403, 404, 405, 407, 415, 429, 500, 502, 503, 504, 599} {
		for _, body := range bodies {
			_, err := newClient(t, plugchat.Config{Transport: answering(status, header, body)}).UpdateGroupPhoto(t.Context(), call())
			check(t, fmt.Sprintf("status %d", status), err)
			_, err = newClient(t, plugchat.Config{Transport: answering(status, header, body)}).Status(t.Context())
			check(t, fmt.Sprintf("probe, status %d", status), err)
			_, err = newClient(t, plugchat.Config{Transport: answering(status, header, body)}).Metadata(t.Context(), group)
			check(t, fmt.Sprintf("metadata, status %d", status), err)
			_, _, err = chatsOf(t, answering(status, header, body))
			check(t, fmt.Sprintf("chats, status %d", status), err)
		}
	}
	for name, transport := range map[string]roundTripFunc{
		"before writing": func(*http.Request) (*http.Response, error) { return nil, errors.New(echo) },
		"after writing": func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			return nil, fmt.Errorf("post %s: %w", echo, io.ErrUnexpectedEOF)
		},
	} {
		_, err := newClient(t, plugchat.Config{Transport: transport}).UpdateGroupPhoto(t.Context(), call())
		check(t, name, err)
	}
}

func check(t *testing.T, situation string, err error) {
	t.Helper()
	for err != nil {
		if mark := leaks(renderings(t, err)); mark != "" {
			t.Errorf("%s: %q is in %s", situation, mark, renderings(t, err))
		}
		if e, ok := errors.AsType[*plugchat.Error](err); ok {
			if mark := leaks(renderings(t, *e)); mark != "" {
				t.Errorf("%s, by value: %q is in %s", situation, mark, renderings(t, *e))
			}
		}
		err = errors.Unwrap(err)
	}
}

func TestLeak_MetadataHoldsNoMark(t *testing.T) {
	t.Parallel()
	// given metadata that echo the token and an image wherever there is a text, when they are read, then no field holds a mark, and printing shows no member.
	uri := "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(jpeg)
	body := `{"subject":"` + token + " " + uri + ` https://h/?SECRETQUERY","participants":[{"phone":"` + token + `"},{"phone":"` + uri + `"},{"phone":"5511888888888"}]}`
	got, err := newClient(t, plugchat.Config{Transport: answering(200, nil, body)}).Metadata(t.Context(), group)
	if err != nil || len(got.Participants) != 3 {
		t.Fatalf("got %v, %v", got, err)
	}
	for _, text := range []string{got.Subject, got.Participants[0].Phone, got.Participants[1].Phone, renderings(t, got)} {
		if mark := leaks(text); mark != "" {
			t.Errorf("%q is in %s", mark, text)
		}
	}
	if shown := fmt.Sprintf("%v %+v %s", got, got, got); strings.Contains(shown, "5511888888888") {
		t.Errorf("a member's number is in %s", shown)
	}
}

func TestLeak_ValuesPrintNothing(t *testing.T) {
	t.Parallel()
	type holder struct {
		Call   plugchat.Call
		photo  plugchat.Photo
		client *plugchat.Client
	}
	c := newClient(t, plugchat.Config{})
	cfg := plugchat.Config{Token: token}
	for name, v := range map[string]any{
		"secret": plugchat.Secret(token), "config": cfg, "config pointer": &cfg, "client": c, "client by value": *c,
		"photo": plugchat.JPEG(jpeg), "address": plugchat.URL("https://h/?SECRETQUERY"), "call": call(),
		"holder": holder{call(), plugchat.JPEG(jpeg), c}, "map": map[string]plugchat.Secret{"a": token}, "in a slice": []plugchat.Secret{token},
	} {
		if mark := leaks(renderings(t, v)); mark != "" {
			t.Errorf("%s: %q is in %s", name, mark, renderings(t, v))
		}
	}
	if got := fmt.Sprintf("%v %d %q %#v", plugchat.Secret(token), plugchat.Secret(token), plugchat.Secret(token), plugchat.Secret("")); strings.Count(got, "[redacted]") != 4 {
		t.Errorf("got %s, want it redacted four times", got)
	}
	if got := string(plugchat.Secret(token)); got != token {
		t.Errorf("converted: got %s, want the text itself", got)
	}
}

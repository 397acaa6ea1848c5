package plugchat_test

import (
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

func TestClient_Clean(t *testing.T) {
	t.Parallel()
	c, err := plugchat.New(plugchat.Config{Token: "marked-token"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"an answer", `{"value":true}`, `{"value":true}`},
		{"lines and colours", "a\r\n\x1b[31mb", "a [31mb"},
		{"the token", "for Marked-Token only", "for [redacted] only"},
		{"an image", `{"photo":"data:image/jpeg;base64,/9j/4AAQ"}`, `{"photo":"[image]"}`},
		{"an image with escaped slashes", `{"photo":"data:image\/jpeg;base64,\/9j\/4AAQ"}`, `{"photo":"[image]"}`},
		{"a signed URL", "see https://cdn.example/a.png?sig=hush", "see https://cdn.example/a.png?[…]"},
		{"much", strings.Repeat("ab ", 100), strings.Repeat("ab ", 65) + "ab…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := c.Clean(tt.text); got != tt.want || len(got) > 200 {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

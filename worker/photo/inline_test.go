package photo_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

func TestDecodeInline_Table(t *testing.T) {
	t.Parallel()
	data := []byte{0xfb, 0xff, 0xbf, 0x01} // "+/+/AQ==" and "-_-_AQ"
	for _, row := range []struct {
		name, in string
		max      int
		want     []byte
		reason   photo.Reason
	}{
		{"bare", "+/+/AQ==", 0, data, ""},
		{"URL alphabet, no padding", "-_-_AQ", 0, data, ""},
		{"standard, no padding", "+/+/AQ", 0, data, ""},
		{"lines", "+/+/\r\nAQ=\n=\r\n", 0, data, ""},
		{"data URI", "data:image/jpeg;base64,+/+/AQ==", 0, data, ""},
		{"data URI, letter case and parameters", "DATA:image/png;name=a.png;BASE64,-_-_AQ", 0, data, ""},
		{"data URI without a type", "data:;base64,+/+/AQ", 0, data, ""},
		{"exactly the limit", "+/+/AQ==", 4, data, ""},
		{"one more than the limit", "+/+/AQ==", 3, nil, photo.TooLarge},
		{"far above the limit, and not Base64", strings.Repeat("!", 100), 10, nil, photo.TooLarge},
		{"nothing", "", 0, nil, photo.Empty},
		{"line ends only", "\r\n", 0, nil, photo.Empty},
		{"padding only", "==", 0, nil, photo.BadBase64},
		{"data URI, nothing", "data:image/png;base64,", 0, nil, photo.Empty},
		{"data URI without a comma", "data:image/png;base64", 0, nil, photo.BadBase64},
		{"data URI, not Base64", "data:text/plain,hello", 0, nil, photo.BadBase64},
		{"data URI, percent-encoded", "data:image/png;base64,AQ%3D%3D", 0, nil, photo.BadBase64},
		{"space", "+/+/ AQ==", 0, nil, photo.BadBase64},
		{"one digit over", "+/+/A", 0, nil, photo.BadBase64},
		{"padding in the middle", "AQ==AQ==", 0, nil, photo.BadBase64},
		{"too much padding", "AQ===", 0, nil, photo.BadBase64},
		{"too little padding", "AQ=", 0, nil, photo.BadBase64},
		{"a URL", "https://example.com/p.jpg", 0, nil, photo.BadBase64},
		{"letters beyond ASCII", "éééé", 0, nil, photo.BadBase64},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, err := photo.DecodeInline(row.in, row.max)
			if row.reason != "" {
				wantReason(t, err, row.reason)
				return
			}
			if err != nil || !bytes.Equal(got, row.want) {
				t.Errorf("got %x, %v, want %x", got, err, row.want)
			}
		})
	}
}

func TestDecodeInline_ErrorsTellNoData(t *testing.T) {
	t.Parallel()
	// Given marked data with a fault; when decoded; then the error doesn't quote them.
	for _, in := range []string{"U0VDUkVU!", "data:image/png,U0VDUkVU", "data:U0VDUkVU", "U0VDUkVUA", "U0VDUkVU=U0VDUkVU"} {
		_, err := photo.DecodeInline(in, 0)
		if err == nil || strings.Contains(err.Error(), "U0VDUkVU") {
			t.Errorf("got %v", err)
		}
	}
}

func FuzzDecodeInline(f *testing.F) {
	for _, seed := range []string{"", "AQ==", "data:image/png;base64,AQ", "-_-_\r\nAQ=", "data:,x", "====", "A"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		const limit = 64
		got, err := photo.DecodeInline(in, limit)
		if err != nil {
			if _, ok := errors.AsType[*photo.Error](err); !ok {
				t.Errorf("got %v, want a *photo.Error", err)
			}
			return
		}
		if len(got) == 0 || len(got) > limit {
			t.Errorf("got %d bytes", len(got))
		}
		again, err := photo.DecodeInline("data:image/jpeg;base64,"+base64.RawURLEncoding.EncodeToString(got), limit)
		if err != nil || !bytes.Equal(again, got) {
			t.Errorf("got %x, %v, want %x", again, err, got)
		}
	})
}

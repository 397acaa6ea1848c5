package tasks_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/tasks"
)

// Marks that stand for secrets: none may ever be shown.
const (
	markUser  = "markuser"
	markPass  = "markpass"
	markQuery = "markquery"
)

// markImage is Base64 of bytes that look like a picture, long and marked: its
// beginning and its end are both searched for.
var markImage = base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n\x1a\n" + strings.Repeat("a picture nobody else may see ", 12)))

var hash = strings.Repeat("0123456789abcdef", 4)

// leaks returns the first secret that shows in text, "" when there is none.
func leaks(text string) string {
	// Twelve characters of Base64 carry nine bytes of picture. Windows over the
	// whole image catch a cut at either end.
	for i := 0; i+12 <= len(markImage); i += 4 {
		if strings.Contains(text, markImage[i:i+12]) {
			return markImage[i : i+12]
		}
	}
	for _, mark := range []string{markUser, markPass, markQuery} {
		if strings.Contains(strings.ToLower(text), mark) {
			return mark
		}
	}
	return ""
}

// shown is every way in which a value reaches a log or a page.
func shown(v any) string {
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("photo", "value", v)
	slog.New(slog.NewTextHandler(&log, nil)).Info("photo", "value", v)
	return fmt.Sprintf("%v %+v %#v %s %q ", v, v, v, v, v) + log.String()
}

func TestParsePhoto_Accepted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		kind       tasks.PhotoKind
		wire, hash string
		shows      string
	}{
		{"https", "https://example.com/logo.png", tasks.PhotoURL, "https://example.com/logo.png", "", "https://example.com/logo.png"},
		{"http", "http://example.com/logo.png", tasks.PhotoURL, "http://example.com/logo.png", "", "http://example.com/logo.png"},
		{"scheme in capitals", "HTTPS://example.com/a", tasks.PhotoURL, "https://example.com/a", "", "https://example.com/a"},
		{"signed URL", "https://cdn.example.com/a.jpg?sig=" + markQuery, tasks.PhotoURL, "https://cdn.example.com/a.jpg?sig=" + markQuery, "", "https://cdn.example.com/a.jpg"},
		{"fragment goes", "https://example.com/a.jpg#top", tasks.PhotoURL, "https://example.com/a.jpg", "", "https://example.com/a.jpg"},
		{"white space around it", "\t https://example.com/a \n", tasks.PhotoURL, "https://example.com/a", "", "https://example.com/a"},
		{"port and IPv6", "http://[2001:db8::1]:8080/a", tasks.PhotoURL, "http://[2001:db8::1]:8080/a", "", "http://[2001:db8::1]:8080/a"},
		{"data URI", "data:image/png;base64," + markImage, tasks.PhotoInline, "data:image/png;base64," + markImage, "", "inline image ("},
		{"data URI in capitals", "DATA:image/png;base64," + markImage, tasks.PhotoInline, "DATA:image/png;base64," + markImage, "", "inline image ("},
		{"bare Base64", markImage, tasks.PhotoInline, markImage, "", fmt.Sprintf("inline image (%d characters)", len(markImage))},
		{"Base64 in lines", markImage[:76] + "\r\n" + markImage[76:], tasks.PhotoInline, markImage[:76] + "\r\n" + markImage[76:], "", "inline image ("},
		{"URL-safe Base64", strings.Repeat("ab-_", 20), tasks.PhotoInline, strings.Repeat("ab-_", 20), "", "inline image (80 characters)"},
		{"stored source", "src:sha256:" + hash, tasks.PhotoSource, "src:sha256:" + hash, hash, "src:sha256:" + hash},
		{"stored photo", "sha256:" + hash, tasks.PhotoMade, "sha256:" + hash, hash, "sha256:" + hash},
		{"longest URL", "https://example.com/" + strings.Repeat("a", tasks.MaxURL-20), tasks.PhotoURL, "https://example.com/" + strings.Repeat("a", tasks.MaxURL-20), "", "https://example.com/aaaa"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tasks.ParsePhoto(tt.text)
			if err != nil {
				t.Fatalf("ParsePhoto: %v", err)
			}
			if got.Kind != tt.kind || got.Wire() != tt.wire || got.Hash() != tt.hash {
				t.Errorf("got kind %d, wire %q, hash %q; want %d, %q, %q", got.Kind, got.Wire(), got.Hash(), tt.kind, tt.wire, tt.hash)
			}
			if !strings.HasPrefix(got.String(), tt.shows) {
				t.Errorf("String() = %q; want it to begin with %q", got, tt.shows)
			}
			if secret := leaks(shown(got)); secret != "" {
				t.Errorf("it shows %q: %s", secret, shown(got))
			}
			if again, err := tasks.ParsePhoto(got.Wire()); err != nil || again != got {
				t.Errorf("ParsePhoto(Wire()) = %#v, %v; want the same reference", again, err)
			}
		})
	}
}

func TestParsePhoto_Refused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, why string }{
		{"empty", "", "is empty"},
		{"white space", " \r\n", "is empty"},
		{"file name", "logo.png", "give a URL"},
		{"path", "/srv/photos/logo.png", "give a URL"},
		{"URL without scheme", "example.com/logo.png?sig=" + markQuery, "give a URL"},
		{"relative URL", "//example.com/logo.png?sig=" + markQuery, "give a URL"},
		{"other scheme", "ftp://" + markUser + ":" + markPass + "@example.com/a", "must begin with http"},
		{"file URL", "file:///etc/passwd", "must begin with http"},
		{"no host", "https:///logo.png", "names no host"},
		{"port without host", "https://:443/logo.png", "names no host"},
		{"user and password", "https://" + markUser + ":" + markPass + "@example.com/a?sig=" + markQuery, "user name or password"},
		{"user", "https://" + markUser + "@example.com/a", "user name or password"},
		{"bad escape behind a password", "https://" + markUser + ":" + markPass + "@example.com/%zz", "cannot be read"},
		{"bad port behind a password", "https://" + markUser + ":" + markPass + "@example.com:http/a", "cannot be read"},
		{"control character behind a password", "https://" + markUser + ":" + markPass + "@example.com/\x7f?" + markQuery, "cannot be read"},
		{"password with an at sign", "https://" + markUser + ":x@" + markPass + "@example.com/%zz", "cannot be read"},
		{"scheme without slashes", "https:" + markUser + ":" + markPass + "@example.com/a", "give a URL"},
		{"bad escape in front of a query", "https://example.com/%zz?sig=" + markQuery, "cannot be read"},
		{"URL too long", "https://example.com/?sig=" + markQuery + strings.Repeat("a", tasks.MaxURL), "longer than"},
		{"URL too long once written", "https://example.com/" + strings.Repeat("é", 1000), "longer than"},
		{"stored source, hash too short", "src:sha256:" + hash[1:], "64 lower-case"},
		{"stored source, capitals", "src:sha256:" + strings.ToUpper(hash), "64 lower-case"},
		{"stored photo, hash too long", "sha256:" + hash + "0", "64 lower-case"},
		{"stored photo, an image behind it", "sha256:" + markImage, "64 lower-case"},
		{"data word alone", "data:", "give a URL"},
		{"short Base64", markImage[:60], "give a URL"},
		{"Base64 with spaces", strings.ReplaceAll(markImage, "m", " "), "give a URL"},
		{"Base64 in quotes", `"` + markImage + `"`, "give a URL"},
		{"data URI in quotes", `"data:image/png;base64,` + markImage + `"`, "give a URL"},
		{"data URI behind a byte order mark", "\ufeffdata:image/png;base64," + markImage, "give a URL"},
		{"data URI without its first word", "image/png;base64," + markImage, "give a URL"},
		{"not UTF-8", "\xff\xfe\xfd", "give a URL"},
		{"URL that is not UTF-8, which JSON would change", "https://example.com/?q=\xff" + markQuery, "photo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tasks.ParsePhoto(tt.text)
			if !errors.Is(err, tasks.ErrPhoto) || got.Kind != tasks.PhotoNone || got.Wire() != "" {
				t.Fatalf("ParsePhoto = %#v, %v; want no photo and an ErrPhoto", got, err)
			}
			if !strings.Contains(err.Error(), tt.why) {
				t.Errorf("the error %q does not say %q", err, tt.why)
			}
			if secret := leaks(err.Error()); secret != "" {
				t.Errorf("the error shows %q: %v", secret, err)
			}
		})
	}
}

func TestPhotoRef_Stored(t *testing.T) {
	t.Parallel()
	if got := tasks.HashHex(sha256.Sum256(nil)); got != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Errorf("HashHex of nothing = %q", got)
	}
	for name, ref := range map[string]tasks.PhotoRef{"src:sha256:" + hash: tasks.SourceRef(hash), "sha256:" + hash: tasks.MadeRef(hash)} {
		if parsed, err := tasks.ParsePhoto(name); err != nil || parsed != ref {
			t.Errorf("ParsePhoto(%q) = %#v, %v; want %#v", name, parsed, err, ref)
		}
		if ref.Hash() != hash || ref.Wire() != name || ref.String() != name {
			t.Errorf("hash %q, wire %q, String %q; want %q and twice %q", ref.Hash(), ref.Wire(), ref, hash, name)
		}
	}
}

// A caller can make a PhotoRef of any kind without a text: nothing may panic.
func TestPhotoRef_KindWithoutText(t *testing.T) {
	t.Parallel()
	if got := (tasks.PhotoRef{}).String(); got != "no photo" {
		t.Errorf("the zero value shows as %q", got)
	}
	for kind := tasks.PhotoNone; kind <= tasks.PhotoMade+1; kind++ {
		t.Run(fmt.Sprint("kind ", int(kind)), func(t *testing.T) {
			t.Parallel()
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("it panics: %v", r)
				}
			}()
			ref := tasks.PhotoRef{Kind: kind}
			if ref.Hash() != "" || ref.Wire() != "" {
				t.Errorf("hash %q, wire %q; want none", ref.Hash(), ref.Wire())
			}
			_ = shown(ref)
		})
	}
}

func FuzzParsePhoto(f *testing.F) {
	for _, seed := range []string{
		"", "https://example.com/a?b=c#d", "https://u:p@example.com/%zz", "data:image/png;base64,AAAA", "sha256:" + hash,
		"src:sha256:" + hash, markImage, "https://[::1%25eth0]:80/", "https://example.com/é", "http://a\\b", "://", "\ufeffdata:,",
		"https://example.com/%2f?%zz", "http://ex ample.com/", "https://example.com:/a;b?c d",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := tasks.ParsePhoto(text)
		if err != nil {
			if !errors.Is(err, tasks.ErrPhoto) || ref.Kind != tasks.PhotoNone {
				t.Fatalf("ParsePhoto(%q) = %#v, %v; want no photo and an ErrPhoto", text, ref, err)
			}
			if len(err.Error()) > 400 {
				t.Fatalf("the error has %d bytes; want a sentence", len(err.Error()))
			}
			return
		}
		if again, err := tasks.ParsePhoto(ref.Wire()); err != nil || again != ref {
			t.Fatalf("ParsePhoto(%q).Wire() = %q, which reads as %q, %v", text, ref.Wire(), again.Wire(), err)
		}
		if ref.Kind == tasks.PhotoURL && strings.ContainsAny(ref.String(), "?#") {
			t.Fatalf("String() shows a query: %q", ref)
		}
		if ref.Kind == tasks.PhotoInline && len(ref.String()) > 60 {
			t.Fatalf("String() of an inline image is %q", ref)
		}
	})
}

// Whatever surrounds it, a marked user, password, query or image never shows.
func FuzzParsePhoto_NothingSecretShows(f *testing.F) {
	f.Add("https://", "@example.com/a", uint8(0))
	f.Add("https://", "@example.com/%zz", uint8(0))
	f.Add("https://example.com/%zz", "", uint8(1))
	f.Add("https://example.com/\x7f", "#a@b", uint8(1))
	f.Add("data:image/png;base64,", "", uint8(2))
	f.Add("\ufeffdata:image/png;base64,", "\"", uint8(2))
	f.Add("", " ", uint8(2))
	f.Add("  ", "!", uint8(2))
	f.Fuzz(func(t *testing.T, before, after string, kind uint8) {
		secret := []string{markUser + ":" + markPass, "?sig=" + markQuery, markImage}[kind%3]
		if kind%3 == 0 { // user information is what stands between :// and the last @ of the authority
			if strings.ContainsAny(before, "/?#@\\") && before != "https://" && before != "http://" || !strings.HasPrefix(after, "@") {
				return
			}
		}
		if kind%3 == 2 && strings.Contains(before, "://") {
			return // an image in a path is an address, not an image
		}
		ref, err := tasks.ParsePhoto(before + secret + after)
		text := shown(ref)
		if err != nil {
			text = err.Error()
		}
		if found := leaks(text); found != "" {
			t.Fatalf("ParsePhoto(%q) shows %q: %s", before+secret+after, found, text)
		}
	})
}

package plugchat

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
)

const jpegDataURI = "data:image/jpeg;base64,"

// Photo is the value of groupPhoto, prepared once and shared by any number of calls without being copied.
// It is immutable, safe for concurrent use, cheap to pass by value, and prints as its size only.
// The zero value is no photo; a call with it is refused, since several servers take an empty photo as "remove the picture".
type Photo struct{ p *photo }

type photo struct {
	// text returns what stands between the quotes of a JSON string. It is a function because fmt can't call String on
	// a Photo in an unexported field and would print the bytes; what a function holds it never prints.
	text    func() []byte
	problem string
}

func usable(text []byte) Photo { return Photo{&photo{text: func() []byte { return text }}} }

// JPEG prepares a finished JPEG to be sent inline, as a data URI. The bytes are encoded here, once, and not kept.
// Bytes that do not begin like a JPEG make a Photo that every call refuses; dimensions are not looked at.
func JPEG(b []byte) Photo {
	if !bytes.HasPrefix(b, []byte{0xFF, 0xD8, 0xFF}) {
		return Photo{&photo{problem: "the photo is not a JPEG; prepare it first"}}
	}
	text := make([]byte, len(jpegDataURI)+base64.StdEncoding.EncodedLen(len(b)))
	base64.StdEncoding.Encode(text[copy(text, jpegDataURI):], b)
	return usable(text)
}

// URL prepares an address that PlugChat fetches by itself. Anything but an absolute http or https address makes a Photo that every call refuses.
// The address is sent as it was given; whether it can be fetched, and is an image, only PlugChat learns.
func URL(u string) Photo {
	parsed, err := url.Parse(u)
	// The parse error quotes the address, which may carry a signature: it is not passed on.
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return Photo{&photo{problem: "the photo's address is not an absolute http or https URL"}}
	}
	quoted, err := json.Marshal(u)
	if err != nil {
		return Photo{&photo{problem: "the photo's address cannot be written as JSON"}}
	}
	return usable(quoted[1 : len(quoted)-1])
}

// String tells the size of the value as it is sent, and nothing of its content.
func (p Photo) String() string {
	if p.p == nil || p.p.problem != "" {
		return "photo (unusable)"
	}
	return fmt.Sprintf("photo (%d bytes)", len(p.p.text()))
}

// GoString is String, for %#v.
func (p Photo) GoString() string { return p.String() }

// LogValue is String, for log/slog.
func (p Photo) LogValue() slog.Value { return slog.StringValue(p.String()) }

func (p Photo) check() string {
	if p.p == nil {
		return "there is no photo to send"
	}
	return p.p.problem
}

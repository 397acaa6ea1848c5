package photo

import (
	"encoding/base64"
	"strings"
)

const defaultInlineBytes = 10 << 20

// DecodeInline returns the bytes of a data URI ("data:...;base64,...") or of bare Base64. Standard and URL alphabet are
// taken, padding is optional, CR and LF are ignored, the declared media type is not looked at. Data that would decode
// to more than maxBytes (0 or less: 10 MiB) are refused before they are decoded. Every failure is an *Error with the
// reason empty, bad_base64 or too_large; its text never quotes the data.
func DecodeInline(s string, maxBytes int) ([]byte, error) {
	if maxBytes <= 0 {
		maxBytes = defaultInlineBytes
	}
	if len(s) >= 5 && strings.EqualFold(s[:5], "data:") {
		header, data, found := strings.Cut(s, ",")
		if !found {
			return nil, refuse(BadBase64, "the data URI has no comma; give data:image/jpeg;base64,...")
		}
		if len(header) < 7 || !strings.EqualFold(header[len(header)-7:], ";base64") {
			return nil, refuse(BadBase64, "the data URI is not marked ;base64 before its comma; give data:image/jpeg;base64,...")
		}
		s = data
	}
	digits := len(s) - strings.Count(s, "\r") - strings.Count(s, "\n")
	if digits == 0 {
		return nil, refuse(Empty, "there is no Base64 data; give the whole image")
	}
	// Up to two padding characters are counted in, hence the allowance; the exact length is checked again below.
	if base64.RawStdEncoding.DecodedLen(digits-min(digits, 2)) > maxBytes {
		return nil, tooLarge(maxBytes)
	}
	clean, bad := normalise(s, digits)
	if bad >= 0 {
		return nil, refuse(BadBase64, "character %d is not Base64", bad+1)
	}
	if base64.RawStdEncoding.DecodedLen(len(clean)) > maxBytes {
		return nil, tooLarge(maxBytes)
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, err := base64.RawStdEncoding.Decode(out, clean)
	if err != nil {
		return nil, refuse(BadBase64, "the Base64 data are cut off; give the whole image")
	}
	if n == 0 {
		return nil, refuse(Empty, "there is no Base64 data; give the whole image")
	}
	return out[:n], nil
}

func tooLarge(maxBytes int) *Error {
	return refuse(TooLarge, "the inline photo is larger than %d bytes; make it smaller or give its address", maxBytes)
}

// normalise brings s to the standard alphabet without padding and line ends. The second result is the place of the first
// character that doesn't belong, or -1.
func normalise(s string, digits int) ([]byte, int) {
	clean := make([]byte, 0, digits)
	padding := 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '\r' || c == '\n':
			continue
		case c == '=':
			if padding++; padding > 2 {
				return nil, i
			}
			continue
		case padding > 0:
			return nil, i
		case c == '-':
			c = '+'
		case c == '_':
			c = '/'
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '+', c == '/':
		default:
			return nil, i
		}
		clean = append(clean, c)
	}
	if padding > 0 && (len(clean)+padding)%4 != 0 {
		return nil, len(s) - 1
	}
	return clean, -1
}

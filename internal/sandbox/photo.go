package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"image/jpeg"
	"net/url"
	"strings"
	"sync"
)

const (
	dataURIPrefix = "data:image/jpeg;base64,"
	// maxSide is PlugChat's rule: smaller than 600×600.
	maxSide = 599
	// maxChecks bounds what is remembered of photos that were looked at.
	maxChecks = 4096
)

// sentPhoto is a photo as a request gave it. problem is why the real service would answer false.
type sentPhoto struct {
	hash    string
	jpeg    []byte
	host    string
	problem string
}

// readPhoto reads the value of groupPhoto.
func (c *photoChecks) readPhoto(text string) sentPhoto {
	encoded, isJPEG := strings.CutPrefix(text, dataURIPrefix)
	if !isJPEG {
		return readAddress(text)
	}
	if strings.ContainsAny(encoded, "\r\n") {
		return sentPhoto{problem: "the Base64 has line breaks"}
	}
	b, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return sentPhoto{problem: "the Base64 is not in the standard alphabet with padding"}
	}
	sum := sha256.Sum256(b)
	shared, problem := c.check(sum, b)
	return sentPhoto{hash: hex.EncodeToString(sum[:]), jpeg: shared, problem: problem}
}

func readAddress(text string) sentPhoto {
	switch {
	case text == "":
		return sentPhoto{problem: "groupPhoto is empty"}
	case strings.HasPrefix(text, "data:"):
		return sentPhoto{problem: "the data URI does not begin with " + dataURIPrefix}
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return sentPhoto{problem: "groupPhoto is neither a data URI nor an http or https address"}
	}
	sum := sha256.Sum256([]byte(text))
	return sentPhoto{hash: hex.EncodeToString(sum[:]), host: u.Host}
}

// photoChecks decodes every photo once and remembers the result, with one copy of its bytes: decoding at each of ten thousand calls would measure the decoder.
type photoChecks struct {
	mu   sync.Mutex
	seen map[[sha256.Size]byte]checked
}

type checked struct {
	bytes   []byte
	problem string
}

func (c *photoChecks) check(sum [sha256.Size]byte, b []byte) (shared []byte, problem string) {
	c.mu.Lock()
	known, ok := c.seen[sum]
	c.mu.Unlock()
	if ok {
		return known.bytes, known.problem
	}
	problem = jpegProblem(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil || len(c.seen) >= maxChecks {
		c.seen = map[[sha256.Size]byte]checked{}
	}
	c.seen[sum] = checked{b, problem}
	return b, problem
}

// jpegProblem says what WhatsApp would have against a picture; "" if nothing.
func jpegProblem(b []byte) string {
	size, err := jpeg.DecodeConfig(bytes.NewReader(b))
	switch {
	case err != nil:
		return "the photo is not a JPEG"
	case size.Width > maxSide || size.Height > maxSide:
		return fmt.Sprintf("the photo has %d×%d pixels, each side must be below 600", size.Width, size.Height)
	}
	if _, err := jpeg.Decode(bytes.NewReader(b)); err != nil {
		return "the photo is a damaged JPEG"
	}
	return ""
}

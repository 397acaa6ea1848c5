package plugchat

import "strings"

// Clean makes text of a reply fit to be shown, as in the Detail of an Error: one line of at most 200 bytes without control characters, token,
// images, long runs of letters and digits, and query strings.
func (c *Client) Clean(text string) string {
	return c.clean.clean(strings.ReplaceAll(text, `\/`, "/")) // as some write it in JSON: it would cut an image into harmless-looking pieces
}

package plugchat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
)

// Bounds of reading chats. PlugChat documents no largest page; one that holds less than was asked for is taken as it is.
const (
	// chatsPage is how many chats are asked for at a time.
	chatsPage = 200
	// maxChats bounds one answer: 200 chats with thumbnail addresses take about 120 KiB, and a server that ignores pages gives all at once.
	maxChats = 8 << 20
	// maxChatsPages is more than any number needs: 50,000 chats. A server that made up ever new ones would otherwise be asked for ever.
	maxChatsPages = 250
)

// Chat is one conversation of the account's number, with a person, a group or a list. It prints as a word: whom a number talks to is nobody's business in a log.
type Chat struct {
	// Phone is the id that PlugChat gives: digits of a person, 120363019502650977-group or 5511999999999-1623281429 of a group. Cleaned, at most 200 bytes, never empty.
	Phone string
	// Name is what the chat is called, on one line, at most 200 bytes; "" if PlugChat gives no text. For groups PlugChat's documentation says that it may be the id again.
	Name string
}

// String returns "chat".
func (Chat) String() string { return "chat" }

// GoString is String, for %#v.
func (c Chat) GoString() string { return c.String() }

// LogValue is String, for log/slog.
func (c Chat) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Chats reads the chats of the account's number page by page, each chat once. Every page that is given was one request, also one that brings nothing new:
// n chats take about n / 200 + 2. It changes nothing, and net/http may repeat a request on a stale connection. The reading ends after the first error, which
// is a *Error, classified like that of a call; an answer that is no list of chats is Unclear. What was given before an error is not all there is.
//
// The order of chats changes while they are read, since the newest message comes first. So a list of several pages ends with its first page once more: what
// moved over a border meanwhile is there.
func (c *Client) Chats(ctx context.Context) iter.Seq2[[]Chat, error] {
	return func(yield func([]Chat, error) bool) {
		known := map[string]bool{}
		read := func(page int) (fresh []Chat, all int, ok bool) {
			list, all, err := c.chats(ctx, page)
			if err != nil && (page > 0 || !aboutThePage(err)) {
				yield(nil, err)
				return nil, 0, false
			}
			for _, chat := range list {
				if !known[chat.Phone] {
					known[chat.Phone] = true
					fresh = append(fresh, chat)
				}
			}
			return fresh, all, yield(fresh, nil)
		}
		first := 0
		for page := 1; page <= maxChatsPages; page++ {
			fresh, all, ok := read(page)
			switch {
			case !ok:
				return
			case page == 1 && all == 0:
				read(0) // nothing documents that pages count from 1, and a number without any chat is rare
				return
			case page == 1:
				first = all
			}
			// An empty page is behind the end, one of known chats comes from a server that ignores pages. The first page shows how long they are.
			if last := len(fresh) == 0 || all < first; last || all > chatsPage {
				if page > 2 || page == 2 && len(fresh) > 0 {
					read(1)
				}
				return
			}
		}
		yield(nil, &Error{Class: Unclear, Reason: ReasonUnclearAnswer, Status: http.StatusOK, Sent: true,
			Detail: "the list of chats has no end; " + strconv.Itoa(len(known)) + " came"})
	}
}

// aboutThePage says whether an error may mean that there is no such page.
func aboutThePage(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Class == Permanent || e.Class == Ambiguous || e.Class == Unclear)
}

// chats reads one page. all counts those without an id too.
func (c *Client) chats(ctx context.Context, page int) (list []Chat, all int, err error) {
	got, err := c.get(ctx, c.chatsURL+"?page="+strconv.Itoa(page)+"&pageSize="+strconv.Itoa(chatsPage), maxChats)
	if err != nil {
		return nil, 0, err
	}
	var items []json.RawMessage
	body := bytes.TrimSpace(got.body)
	if got.status != http.StatusOK || got.long || !bytes.HasPrefix(body, []byte("[")) || json.Unmarshal(body, &items) != nil {
		return nil, 0, c.noChats(got)
	}
	list = make([]Chat, 0, len(items))
	for _, item := range items {
		about, ok := readObject(item)
		if !ok {
			return nil, 0, c.unclearChats(got, "the answer is a list, but not of chats")
		}
		if id := c.clean.clean(about.id("phone")); id != "" {
			list = append(list, Chat{Phone: id, Name: c.clean.line(about.text("name"))})
		}
	}
	if len(list) == 0 && len(items) > 0 {
		return nil, 0, c.unclearChats(got, `the chats have no "phone"`)
	}
	return list, len(items), nil
}

// id returns the value of a key that is a JSON string or a whole number, else "". An id that has become a number in between still has all its digits here.
func (o object) id(key string) string {
	raw, _ := o.last(key)
	if len(raw) > 0 && strings.Trim(string(raw), "0123456789") == "" {
		return string(raw)
	}
	return o.text(key)
}

// noChats is the error of a reply that is no list: by what it says of the account, by its status, else unclear.
func (c *Client) noChats(got reply) *Error {
	detail := "the answer is no list of chats"
	switch {
	case got.long:
		return c.unclearChats(got, "the list of chats is longer than 8 MiB")
	case inPieces(got.body):
		detail, got.body = "the answer is not JSON", []byte("{}") // the words in it may be people's own
	default:
		detail += c.quote(got.body)
	}
	v := verdictOf(got.status)
	if v.reason == ReasonWrongMethod {
		v.says = "PlugChat, or something on the way to it, takes no GET here"
	}
	if said, ok := phraseOf(strings.ToLower(explanation(got.body))); ok && !v.aboutTheWay() {
		v = said
	}
	if v.class != Unclear {
		return c.failure(got, v)
	}
	return c.unclearChats(got, detail)
}

func (c *Client) unclearChats(got reply, detail string) *Error {
	return &Error{Class: Unclear, Reason: ReasonUnclearAnswer, Status: got.status, Sent: true, Detail: c.clean.clean(detail)}
}

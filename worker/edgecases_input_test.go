package worker_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/plugchat-go/groupphoto/internal/sandbox"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/photo"
)

// blank is a PNG of a size, and of nothing else.
func blank(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bomb is a PNG that says it had 900 million pixels.
func bomb(t *testing.T) []byte {
	t.Helper()
	file := blank(t, 8, 8)
	header := file[12:29] // IHDR: the type, then width and height
	binary.BigEndian.PutUint32(header[4:], 30000)
	binary.BigEndian.PutUint32(header[8:], 30000)
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(header))
	return file
}

func TestEdge14_HugeOrHostileImage(t *testing.T) {
	t.Parallel()
	// Given photos that have no end, too many pixels, or an address inside our network,
	// directly or by a redirect, when their updates run, then each fails by its name and
	// PlugChat is not called.
	inside := make(chan struct{}, 100)
	base := pictures(t, map[string]http.HandlerFunc{
		"/endless": func(w http.ResponseWriter, r *http.Request) { // without a Content-Length
			junk := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 64<<10)...)
			for r.Context().Err() == nil {
				if _, err := w.Write(junk); err != nil {
					return
				}
			}
		},
		"/bomb": gives(200, string(bomb(t))),
		"/away": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
		},
		"/round": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) },
	})
	secret := pictures(t, map[string]http.HandlerFunc{"/": func(http.ResponseWriter, *http.Request) { inside <- struct{}{} }})
	r := edgeMini(t, mayFetch).start()
	strict := edgeMini(t).start() // which may not fetch from this machine
	for id, reason := range map[string]tasks.Reason{
		"endless": "photo_too_large", "bomb": "photo_too_many_pixels", "away": "photo_refused_address", "round": "photo_redirects",
	} {
		r.submitURL(id, base+"/"+id)
		r.ends(id, tasks.Failed, reason, 0)
	}
	for id, url := range map[string]string{
		"loopback": secret + "/logo.png", "metadata": "http://169.254.169.254/latest/meta-data", "private": "http://10.0.0.1/logo.png",
		"mapped": "http://[::ffff:127.0.0.1]/logo.png", "decimal": "http://2130706433/logo.png", "port": "http://93.184.216.34:6379/logo.png",
	} {
		strict.submitURL(id, url)
		strict.ends(id, tasks.Failed, "photo_refused_address", 0)
	}
	r.wantAsked("")
	strict.wantAsked("")
	if len(inside) != 0 {
		t.Error("a server inside our network was asked")
	}
}

func TestEdge15_TinyOrExtremeRatio(t *testing.T) {
	t.Parallel()
	// Given photos that are tiny or long, when they are sent, then tiny ones fail with
	// what to do; of long ones the whole is shown, on white, or they fail where the setting says so.
	refusing, err := photo.New(photo.Options{Extreme: photo.RefuseExtreme})
	if err != nil {
		t.Fatal(err)
	}
	r, strict := edgeMini(t), edgeMini(t, func(_ *edgeRig, c *worker.Config) { c.Maker = refusing })
	sizes := []struct {
		id            string
		width, height int
	}{{"tiny", 191, 191}, {"thin", 4000, 100}, {"least", 192, 192}, {"wide", 576, 192}, {"long", 1200, 200}, {"tall", 200, 1200}}
	for i, size := range sizes {
		for _, to := range []*edgeRig{r, strict} {
			ref, err := to.ledger.StorePhoto(t.Context(), tasks.PhotoSource, blank(t, size.width, size.height), time.Now().Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			to.submit(size.id, tasks.Update{GroupID: edgeGroup(i), Photo: ref})
		}
	}
	r.start()
	strict.start()
	for i, size := range sizes {
		switch size.id {
		case "tiny", "thin":
			r.ends(size.id, tasks.Failed, "photo_too_small", 0)
		case "long", "tall":
			r.ends(size.id, tasks.Updated, "", 1)
			strict.ends(size.id, tasks.Failed, "photo_extreme_ratio", 0)
			g, _ := r.box.Group(string(edgeGroup(i)))
			img, err := jpeg.Decode(bytes.NewReader(g.JPEG))
			if err != nil {
				t.Fatal(err)
			}
			middle, _, _, _ := img.At(img.Bounds().Dx()/2, img.Bounds().Dy()/2).RGBA()
			if corner, _, _, _ := img.At(2, 2).RGBA(); middle > 0x1000 || corner < 0xf000 {
				t.Errorf("%s: the middle is %#x, the corner %#x", size.id, middle, corner)
			}
		default:
			r.ends(size.id, tasks.Updated, "", 1)
			strict.ends(size.id, tasks.Updated, "", 1)
		}
	}
	strict.wantAsked("update update")
}

func TestEdge16_GroupIDs(t *testing.T) {
	t.Parallel()
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		// Given tasks whose target is empty or no group, when they run, then they fail by
		// name, and nobody is called: an empty target could change the account's own photo.
		payloads := map[string]string{"missing": `{"groupPhoto":"https://example.com/a.png"}`}
		for id, group := range map[string]string{
			"empty": "", "blank": "  ", "person": "5511999999999@s.whatsapp.net", "contact": "5511999999999@c.us", "phone": "5511999999999",
			"lid": "12345678901234@lid", "channel": "120363019502650977@newsletter", "list": "5511999999999-broadcast", "sheet": "1.20363E+17",
		} {
			payloads[id] = `{"groupId":"` + group + `","groupPhoto":"https://example.com/a.png"}`
		}
		badTasks(t, payloads, "group")
	})
	t.Run("normalised", func(t *testing.T) {
		t.Parallel()
		// Given a group in WhatsApp's own forms, when the tasks run, then PlugChat is asked
		// in the forms that it documents.
		forms := map[string]string{
			"server": "120363019502650977@g.us", "documented": "120363019502650977-group", "bare": "120363019502650977",
			"old": "5511999999999-1623281429@g.us", "olddocumented": "5511999999999-1623281429",
		}
		r := edgeMini(t).start()
		for id, form := range forms { // one after the other: a newer one would supersede them
			r.byHand(id, form, r.photo(120).Wire())
			o := r.ends(id, tasks.Updated, "", 1)
			if want := map[bool]tasks.GroupID{true: groupB, false: groupA}[strings.Contains(form, "-16")]; o.GroupID != want {
				t.Errorf("%s: got %s", form, o.GroupID)
			}
		}
		for _, c := range r.box.Calls() {
			if tasks.GroupID(c.GroupID) != groupA && tasks.GroupID(c.GroupID) != groupB || c.Why != "" {
				t.Errorf("got %+v", c)
			}
		}
		if groups := r.box.Groups(); len(groups) != 2 || !allChanged(groups) {
			t.Errorf("got %+v", groups)
		}
	})
}

func allChanged(groups []sandbox.Group) bool {
	for _, g := range groups {
		if g.Changes == 0 {
			return false
		}
	}
	return true
}

func TestEdge17_EmptyPhoto(t *testing.T) {
	t.Parallel()
	// Given tasks without a photo in one form or another, when they run, then they fail
	// by name, and nobody is called: several back-ends would remove the group's photo.
	const group = `{"groupId":"120363019502650977-group"`
	badTasks(t, map[string]string{
		"missing": group + `}`, "empty": group + `,"groupPhoto":""}`, "null": group + `,"groupPhoto":null}`, "blank": group + `,"groupPhoto":" \n"}`,
		"object": group + `,"groupPhoto":{}}`, "bare": group + `,"groupPhoto":"data:image/jpeg;base64,"}`, "comma": group + `,"groupPhoto":"data:,"}`,
	}, "hoto")
}

// badTasks runs hand-written tasks of one group each, and checks that nobody is called for them.
func badTasks(t *testing.T, payloads map[string]string, says string) {
	t.Helper()
	r := edgeMini(t)
	for id, payload := range payloads {
		r.enqueue(id, []byte(payload))
	}
	r.start()
	for id := range payloads {
		if o := r.wait(id); o.State != tasks.Failed || o.Value != nil || o.Reason != tasks.BadTask && o.Reason != "photo_empty" && o.Reason != "photo_bad_base64" || o.Attempts != 0 {
			t.Errorf("%s: got %+v", id, o)
		}
		info := r.task(id, asynq.TaskStateArchived)
		if !strings.Contains(info.LastErr, says) || !strings.Contains(info.LastErr, "; mend: ") {
			t.Errorf("%s: the web UI shows %q", id, info.LastErr)
		}
	}
	r.wantAsked("")
}

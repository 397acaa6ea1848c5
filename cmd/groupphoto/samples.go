package main

import (
	"context"
	"fmt"
	"image/color"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/sandbox"
	"github.com/plugchat-go/groupphoto/tasks"
)

// sample is one update that dev sends to show what happens.
type sample struct {
	name   string
	group  string
	look   look
	format string
	byURL  bool   // given as a URL, which the worker fetches
	dial   string // the kind of failure that its group meets, "" for none
}

func rgb(hex uint32) color.NRGBA {
	return color.NRGBA{uint8(hex >> 16), uint8(hex >> 8), uint8(hex), 255}
}

// samples shows one of each: every format, a URL, a refusal and a retry.
func samples() []sample {
	return []sample{
		{"Team Lisbon", "120363000000000001-group", look{from: rgb(0xff8a3d), to: rgb(0xd6336c), figure: disc}, asJPEG, false, ""},
		{"Book club", "120363000000000002-group", look{from: rgb(0x12b886), to: rgb(0x1864ab), figure: diamond, clear: true}, asPNG, false, ""},
		{"Night shift", "120363000000000003-group", look{from: rgb(0x364fc7), to: rgb(0x0b1030), figure: star}, asJPEG, false, "503:n=2"},
		{"Parents 4B", "120363000000000004-group", look{from: rgb(0xfab005), to: rgb(0xe8590c), figure: plus}, asPNG, false, "false"},
		{"Sunday runners", "5511999999999-1623281429", look{from: rgb(0x7048e8), to: rgb(0xf06595), figure: ring}, asGIF, false, ""},
		{"Beach volley", "120363000000000006-group", look{from: rgb(0x22b8cf), to: rgb(0x1971c2), figure: waves}, asPNG, true, ""},
	}
}

const samplePath = "/samples/"

// samplePage serves one picture of ours by URL, drawn when it is first asked for.
func samplePage() http.Handler {
	list := samples()
	picture := sync.OnceValues(func() ([]byte, error) { return list[len(list)-1].look.draw(asPNG) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := picture()
		if err != nil || r.URL.Path != samplePath+"logo.png" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(b) // who asked and went away has nothing to be told
	})
}

// rule is the dial's setting for a sample's group.
func (s sample) rule() (sandbox.Rule, error) {
	kind, limits, _ := strings.Cut(s.dial, ":")
	text := kind + ":group=" + s.group
	if limits != "" {
		text += "," + limits
	}
	rule, err := sandbox.ParseRule(text)
	if err != nil {
		return rule, fmt.Errorf("setting the dial for %s: %w", s.name, err)
	}
	return rule, nil
}

// ended is a sample with what became of it.
type ended struct {
	sample  sample
	outcome tasks.Outcome
	err     error
}

// sendSamples enqueues all samples and tells each as it ends, in that order; the
// channel is closed after the last.
func sendSamples(ctx context.Context, gp *client, box *runningSandbox) (<-chan ended, error) {
	var rules []sandbox.Rule
	for _, s := range samples() {
		if s.dial == "" {
			continue
		}
		rule, err := s.rule()
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	box.SetDial(rules...)
	ends := make(chan ended)
	var waiting sync.WaitGroup
	for _, s := range samples() {
		waiting.Go(func() {
			o, err := s.send(ctx, gp, box.url)
			ends <- ended{s, o, err}
		})
	}
	go func() {
		waiting.Wait()
		close(ends)
	}()
	return ends, nil
}

// sampleLimit is how long a sample is waited for; they take two seconds or so.
const sampleLimit = time.Minute

func (s sample) send(ctx context.Context, gp *client, base string) (tasks.Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, sampleLimit)
	defer cancel()
	photo := enqueue.URL(base + samplePath + "logo.png")
	if !s.byURL {
		b, err := s.look.draw(s.format)
		if err != nil {
			return tasks.Outcome{}, err
		}
		photo = enqueue.Bytes(b)
	}
	r, err := gp.UpdateGroupPhoto(ctx, enqueue.Update{GroupID: s.group, Photo: photo, Ref: s.name, By: "groupphoto dev"})
	if err != nil {
		return tasks.Outcome{}, err
	}
	return gp.Wait(ctx, r.ID, enqueue.OfAccount(r.Account))
}

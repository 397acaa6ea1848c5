package corpus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/color"
	"image/jpeg"
	"os"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

const verdictFile = "testdata/verdicts.txt"

// How far a photo may be from the plain decoder's picture, in levels of 0 to 255.
const (
	nearMean  = 2.0  // measured: 1.5
	nearWorst = 40.0 // measured: 24
	// Saturated dots beside each other lose what 4:2:0 can't hold.
	ditheredMean = 4.0 // measured: 3.1
	// A picture with a colour profile is shown in other numbers than it is stored in: TestColour judges those.
	profiledMean  = 40.0
	profiledWorst = 200.0
)

// Every picture of every set is a right photo or a named refusal, and which of the two is written down.
func TestVerdicts(t *testing.T) {
	m := maker(t, photo.Options{AllowSmall: true})
	verdicts := map[string]string{} // by content, because the sets share files
	var got strings.Builder
	files := thin(t, pictures(t))
	for _, file := range files {
		src := read(t, file)
		verdict, known := verdicts[string(src)]
		if !known {
			verdict = judge(t, m, file.Name, src)
			verdicts[string(src)] = verdict
		}
		fmt.Fprintf(&got, "%s\t%s\n", file.Name, verdict)
	}
	if os.Getenv("WRITE_VERDICTS") != "" && !raced {
		if err := os.WriteFile(verdictFile, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("wrote %s", verdictFile)
		return
	}
	want, err := os.ReadFile(verdictFile)
	if err != nil {
		t.Fatal(err)
	}
	reportChanges(t, string(want), got.String())
}

// judge makes the photo, checks it, and returns one line about it.
func judge(t *testing.T, m *photo.Maker, name string, src []byte) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	before := bytes.Clone(src)
	made, err := m.Make(ctx, src)
	if !bytes.Equal(before, src) {
		t.Errorf("%s: Make changed its source", name)
	}
	if err != nil {
		refusal, ok := errors.AsType[*photo.Error](err)
		if !ok || refusal.Reason == "" || refusal.Detail == "" {
			t.Errorf("%s: not a named refusal: %v", name, err)
			return "no verdict"
		}
		return "refused\t" + string(refusal.Reason)
	}
	checkJPEG(t, name, made)
	checkPicture(t, name, src, made)
	s := made.Source
	facts := fmt.Sprintf("%s\t%dx%d\torientation %d\t%s", s.Format, s.Width, s.Height, s.Orientation, or(s.Profile, "no profile"))
	if made.Work.Converted {
		facts += "\tconverted"
	}
	if made.Work.Padded {
		facts += "\tpadded"
	}
	return facts
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// checkJPEG holds the form of the result against what WhatsApp takes.
func checkJPEG(t *testing.T, name string, made photo.Photo) {
	t.Helper()
	config, err := jpeg.DecodeConfig(bytes.NewReader(made.JPEG))
	switch {
	case err != nil:
		t.Errorf("%s: the photo is no JPEG: %v", name, err)
	case config.Width != 592 || config.Height != 592 || made.Side != 592:
		t.Errorf("%s: the photo is %dx%d and says %d, want 592", name, config.Width, config.Height, made.Side)
	case config.ColorModel != color.YCbCrModel:
		t.Errorf("%s: the photo has not three components", name)
	case len(made.JPEG) > 100<<10:
		t.Errorf("%s: the photo has %d bytes", name, len(made.JPEG))
	case made.Source.Orientation < 1 || made.Source.Orientation > 8:
		t.Errorf("%s: orientation %d", name, made.Source.Orientation)
	}
}

// checkPicture compares the photo with the plain decoder's picture, where there is one.
func checkPicture(t *testing.T, name string, src []byte, made photo.Photo) {
	t.Helper()
	plain, ok := reference(made.Source.Format, src)
	if !ok {
		return
	}
	want := expected(plain, made.Source.Orientation)
	got, err := shown(made, want.n)
	if err != nil {
		t.Errorf("%s: the photo does not decode: %v", name, err)
		return
	}
	mean, worst := nearMean, nearWorst
	if made.Source.Format == "gif" {
		mean = ditheredMean
	}
	if made.Work.Converted {
		mean, worst = profiledMean, profiledWorst
	}
	if d := compare(got, want); d.overall() > mean || d.worst > worst {
		t.Errorf("%s: %s, want at most %.1f and %.0f (quality %d, %s)", name, d, mean, worst, made.Quality, made)
	}
}

// reportChanges names every line that is only in one of the two.
func reportChanges(t *testing.T, want, got string) {
	t.Helper()
	lines := func(text string) map[string]bool {
		set := map[string]bool{}
		for line := range strings.Lines(text) {
			set[line] = true
		}
		return set
	}
	before, after := lines(want), lines(got)
	for line := range strings.Lines(want) {
		if !after[line] && !raced {
			t.Errorf("no longer: %s", strings.TrimSpace(line))
		}
	}
	for line := range strings.Lines(got) {
		if !before[line] {
			t.Errorf("new: %s", strings.TrimSpace(line))
		}
	}
	if t.Failed() {
		t.Log("when the new verdicts are right, write them with WRITE_VERDICTS=1 go test -run TestVerdicts .")
	}
}

// judged returns the names of the files whose verdict, as written down, contains the text.
func judged(t *testing.T, text string) []string {
	t.Helper()
	verdicts, err := os.ReadFile(verdictFile)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(verdicts)) {
		if name, verdict, _ := strings.Cut(line, "\t"); strings.Contains("\t"+verdict, text) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		t.Fatalf("%s names no file that is %q", verdictFile, text)
	}
	return names
}

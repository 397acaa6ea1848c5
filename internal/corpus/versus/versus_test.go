package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/corpus/scene"
)

// TestMain lets the test binary be the process that makes photos, as the program itself is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == makeTask {
		if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestRun_RefusesBadArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-runs", "0"}, {"-o", "xml"}, {"-speed"}, {"file.jpg"}, {makeTask, "out.jpg"}, {drawTask}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

func TestSpreadOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		values []float64
		want   spread
	}{
		{[]float64{7}, spread{7, 7, 7}},
		{[]float64{3, 1}, spread{1, 2, 3}},
		{[]float64{9, 1, 2}, spread{1, 2, 9}},
	}
	for _, tt := range tests {
		if got := spreadOf(tt.values); got != tt.want {
			t.Errorf("%v: got %v, want %v", tt.values, got, tt.want)
		}
	}
}

// One small file goes the whole way, and both forms of the report tell of it.
func TestFile_MeasuresBothSides(t *testing.T) {
	t.Parallel()
	b, err := newBench(1, io.Discard)
	if err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	t.Cleanup(b.close)
	file := filepath.Join(b.dir, "small.png")
	if err := writePNG(file, scene.RGB(scene.New(640, 480, 1))); err != nil {
		t.Fatal(err)
	}
	r, err := b.file(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]figures{"ours": r.Ours, "libvips": r.Vips} {
		if f.CPU.Median <= 0 || f.Memory.Median <= 0 {
			t.Errorf("%s: nothing was measured: %+v", name, f)
		}
	}
	for _, name := range []string{"ours.jpg", "vips.jpg"} {
		img, err := os.Open(filepath.Join(b.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		config, _, err := image.DecodeConfig(img)
		if _ = img.Close(); err != nil || config.Width != 592 || config.Height != 592 {
			t.Errorf("%s: %dx%d, %v; both must have done the same work", name, config.Width, config.Height, err)
		}
	}
	var text, object bytes.Buffer
	if err := writeTable(&text, 1, []row{r}); err != nil || !strings.Contains(text.String(), "| small.png |") {
		t.Errorf("%v, the table is\n%s", err, text.String())
	}
	if err := writeJSON(&object, 1, []row{r}); err != nil || !json.Valid(object.Bytes()) {
		t.Errorf("%v, the object is\n%s", err, object.String())
	}
}

func TestFile_TellsWhatIsRefused(t *testing.T) {
	t.Parallel()
	b, err := newBench(1, io.Discard)
	if err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	t.Cleanup(b.close)
	file := filepath.Join(b.dir, "page.jpg")
	if err := os.WriteFile(file, []byte("<html>not found</html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.file(t.Context(), file); err == nil || !strings.Contains(err.Error(), "an HTML page") {
		t.Errorf("%v, want our refusal by name", err)
	}
}

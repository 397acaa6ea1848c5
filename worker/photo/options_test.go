package photo_test

import (
	"image/color"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

func TestNew_OptionsTable(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		options photo.Options
		version string
		names   []string // of the options the error must name
	}{
		{"zero", photo.Options{}, "v3-592-80-102400-192-crop-pad-ffffff", nil},
		{"all set", photo.Options{
			Side: 640, Quality: 50, MaxBytes: 50000, MinSide: 100, MemoryBudget: 1 << 30,
			Fit: photo.Pad, Extreme: photo.RefuseExtreme, Background: color.NRGBA{1, 2, 0xfe, 255},
		}, "v3-640-50-50000-100-pad-refuse-0102fe", nil},
		{"small allowed", photo.Options{AllowSmall: true}, "v3-592-80-102400-0-crop-pad-ffffff", nil},
		{"all wrong", photo.Options{Side: 63, Quality: 101, MaxBytes: -1, MinSide: -1, MemoryBudget: 1}, "", []string{"Side", "Quality", "MaxBytes", "MinSide", "MemoryBudget"}},
		{"no such words", photo.Options{Fit: "stretch", Extreme: "crop", Background: color.NRGBA{1, 2, 3, 4}}, "", []string{"Fit", "Extreme", "Background"}},
		{"too high", photo.Options{Side: 1025, Quality: 23, MaxBytes: 6 << 20, MinSide: 16385}, "", []string{"Side", "Quality", "MaxBytes", "MinSide"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			maker, err := photo.New(row.options)
			if (err != nil) != (row.names != nil) {
				t.Fatalf("got %v", err)
			}
			for _, name := range row.names {
				if !strings.Contains(err.Error(), "option "+name+" ") {
					t.Errorf("%v doesn't name %s", err, name)
				}
			}
			if err == nil && maker.Version() != row.version {
				t.Errorf("got %s, want %s", maker.Version(), row.version)
			}
		})
	}
}

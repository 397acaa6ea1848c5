package corpus_test

import (
	"fmt"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

// uprightMean is how far the photo of a turned file may be from that of the upright one, on a grid of 64 by 64, mean of
// the absolute differences in levels of 0 to 255. The files were compressed one by one, and some have their number drawn
// on them. Measured: 0.66 at most; one turned wrongly is asserted to be at four times the bound or more.
const uprightMean = 1.5

// turned are series of the same picture in all eight orientations; the first is stored upright.
var turned = []string{
	"kovid/testdata/orientation_%d.jpg",
	"imaging/testdata/orientation_%d.jpg",
	"imageorient/testdata/orientation_%d.jpg",
	"imagemeta/testdata/images/goexif/f%d-exif.jpg",
	"goexif/exif/samples/f%d-exif.jpg",
	"bimg/testdata/exif/Landscape_%d.jpg",
	"bimg/testdata/exif/Portrait_%d.jpg",
}

func TestOrientation_AllUpright(t *testing.T) {
	m := maker(t, photo.Options{AllowSmall: true})
	for _, pattern := range thin(t, turned) {
		upright := mustShow(t, m, pattern, read(t, pictures(t, fmt.Sprintf(pattern, 1))[0]))
		for other := 2; other <= 8; other++ {
			if d := compare(upright, upright.turn(other)); d.overall() < 4*uprightMean {
				t.Errorf("%s: the picture turned to %d looks too much like the upright one to tell: %s", pattern, other, d)
			}
		}
		for orientation := 2; orientation <= 8; orientation++ {
			file := pictures(t, fmt.Sprintf(pattern, orientation))[0]
			made := mustMake(t, m, file.Name, read(t, file))
			got, err := shown(made, cells)
			if err != nil {
				t.Fatalf("%s: %v", file.Name, err)
			}
			d := compare(got, upright)
			if d.overall() > uprightMean || made.Source.Orientation != orientation {
				t.Errorf("%s: read as orientation %d, %s from the upright one", file.Name, made.Source.Orientation, d)
			}
			t.Logf("%s: %s", file.Name, d)
		}
	}
}

// The upright files that another program made of the turned ones look the same as our photos of the turned ones.
func TestOrientation_LikeTheOthers(t *testing.T) {
	m := maker(t, photo.Options{})
	for _, name := range thin(t, []string{"Landscape", "Portrait"}) {
		for orientation := 1; orientation <= 8; orientation++ {
			stem := fmt.Sprintf("bimg/testdata/exif/%s_%d", name, orientation)
			theirs, ok := reference("jpeg", read(t, pictures(t, stem+"_out.jpg")[0]))
			if !ok {
				t.Fatalf("%s_out.jpg does not decode", stem)
			}
			d := compare(mustShow(t, m, stem, read(t, pictures(t, stem+".jpg")[0])), expected(theirs, 1))
			if d.overall() > uprightMean {
				t.Errorf("%s: %s from the file that bimg made", stem, d)
			}
			t.Logf("%s: %s", stem, d)
		}
	}
}

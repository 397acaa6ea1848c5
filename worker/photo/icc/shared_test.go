package icc_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestSharedProfiles_AreOurs: the tests of package photo embed two profiles, which are made here. With WRITE_TESTDATA set it writes
// them anew.
func TestSharedProfiles_AreOurs(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]byte{
		"grey-light.icc": grayProfile("XYZ ", straight()), // stores light as it is
		"display-p3.icc": matrixProfile(4, colorantsP3, formulaSRGB),
		// Every ink comes out as the same green: no picture looks so by chance.
		"green-ink.icc": profile(2, "prtr", "CMYK", "Lab ", description, block{"A2B0", oldTable(2, 4, 2, same, same, func([]float64) [3]float64 {
			return encodeLegacy([3]float64{60, -50, 40})
		})}),
	} {
		path := filepath.Join("..", "testdata", name)
		if os.Getenv("WRITE_TESTDATA") != "" {
			if err := os.WriteFile(path, want, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what is made here (%v)", path, err)
		}
	}
}

package corpus_test

import (
	"errors"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/corpus"
)

// A module whose files are not the expected ones is not used, and the error says which.
func TestFind_RefusesAnotherSum(t *testing.T) {
	pictures(t) // skips where nothing can be downloaded
	sets := corpus.Sets()
	for i := range sets {
		if sets[i].Name == "imageorient" {
			sets[i].Sum = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
		}
	}
	if _, err := corpus.Find(t.Context(), sets); !errors.Is(err, corpus.ErrSum) {
		t.Errorf("got %v, want ErrSum", err)
	}
}

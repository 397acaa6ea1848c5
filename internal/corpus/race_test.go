//go:build race

package corpus_test

// raced is true with the race detector, which makes loops over pixels fifteen times as slow.
const raced = true

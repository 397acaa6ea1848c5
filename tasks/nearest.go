package tasks

import "slices"

// Nearest returns the name that differs least from a misspelt one, for an error
// that asks "did you mean …?"; "" when none is near enough to be meant.
func Nearest(misspelt string, names []string) string {
	best, least := "", max(2, len(misspelt)/4)+1
	for _, name := range slices.Sorted(slices.Values(names)) {
		if d := distance(misspelt, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance counts the bytes to insert, drop or replace on the way from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := corner
			if a[i] != b[j] {
				replace++
			}
			corner = row[j+1]
			row[j+1] = min(replace, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

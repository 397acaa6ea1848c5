package worker

import (
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestLRU_BoundHolds(t *testing.T) {
	t.Parallel()
	// Given any sequence of puts and gets, when each has been done, then the weight
	// is the sum of what is held and within the bound, and what is held is what was
	// used last: the longest row of last used keys that fits.
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.Int64Range(0, 100).Draw(t, "most")
		c := newLRU[int64](most)
		type entry struct {
			key    string
			weight int64
		}
		var model []entry // the last used first
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			key := strconv.Itoa(rapid.IntRange(0, 9).Draw(t, "key"))
			i := slices.IndexFunc(model, func(e entry) bool { return e.key == key })
			var was entry
			if i >= 0 {
				was = model[i]
				model = slices.Delete(model, i, i+1)
			}
			if rapid.Bool().Draw(t, "put") {
				w := rapid.Int64Range(0, 60).Draw(t, "weight")
				c.put(key, w, w)
				was = entry{key, w + 1} // the key weighs one
				i = 0
			} else if v, ok := c.get(key); ok != (i >= 0) || ok && v+1 != was.weight {
				t.Fatalf("get %s = %d, %v; want %+v", key, v, ok, was)
			}
			if i >= 0 {
				model = slices.Insert(model, 0, was)
			}
			sum := int64(0)
			for i, e := range model {
				if sum += e.weight; sum > most {
					sum -= e.weight
					model = model[:i]
					break
				}
			}
			if c.weight != sum || c.weight > most || len(c.byKey) != len(model) || c.order.Len() != len(model) {
				t.Fatalf("%d entries (%d in the list) of weight %d; want %d of %d, at most %d", len(c.byKey), c.order.Len(), c.weight, len(model), sum, most)
			}
		}
	})
}

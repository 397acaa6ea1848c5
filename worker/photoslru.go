package worker

import "container/list"

// lru keeps values while they weigh no more than so much together, and lets go
// of those first that were not used for longest. It is not safe for concurrent
// use.
type lru[V any] struct {
	most, weight int64
	order        *list.List // of *weighed[V], the last used first
	byKey        map[string]*list.Element
}

type weighed[V any] struct {
	key    string
	value  V
	weight int64
}

func newLRU[V any](most int64) *lru[V] {
	return &lru[V]{most: most, order: list.New(), byKey: map[string]*list.Element{}}
}

func (c *lru[V]) get(key string) (V, bool) {
	e, ok := c.byKey[key]
	if !ok {
		var none V
		return none, false
	}
	c.order.MoveToFront(e)
	return c.at(e).value, true
}

// put takes a value in the place of what was there. The key weighs its length,
// once more. A value that alone is too heavy is not kept.
func (c *lru[V]) put(key string, value V, weight int64) {
	if old, ok := c.byKey[key]; ok {
		c.drop(old)
	}
	w := &weighed[V]{key, value, weight + int64(len(key))}
	c.byKey[key] = c.order.PushFront(w)
	c.weight += w.weight
	for c.weight > c.most {
		c.drop(c.order.Back())
	}
}

func (c *lru[V]) drop(e *list.Element) {
	w := c.at(e)
	c.order.Remove(e)
	delete(c.byKey, w.key)
	c.weight -= w.weight
}

func (c *lru[V]) at(e *list.Element) *weighed[V] {
	return e.Value.(*weighed[V]) //nolint:errcheck,forcetypeassert // the list holds nothing else
}

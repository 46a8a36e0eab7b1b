package memstore

import "slices"

// table is a map that can also be walked in the order of its keys. Writing is
// as cheap as in a map; the order is put right when somebody reads it.
type table[K comparable, V any] struct {
	compare func(a, b K) int
	rows    map[K]V
	sorted  []K  // in order; may hold keys that were removed
	tail    []K  // added since, in any order; may repeat keys
	stale   bool // tail is not empty, or a key was removed
}

func newTable[K comparable, V any](compare func(a, b K) int) *table[K, V] {
	return &table[K, V]{compare: compare, rows: map[K]V{}}
}

func (t *table[K, V]) put(k K, v V) {
	if _, ok := t.rows[k]; !ok {
		t.tail = append(t.tail, k)
		t.stale = true
	}
	t.rows[k] = v
	// A key that comes and goes for ever without being listed must not fill the memory.
	if len(t.tail) > len(t.sorted)+1024 {
		t.settle()
	}
}

func (t *table[K, V]) remove(k K) {
	if _, ok := t.rows[k]; ok {
		delete(t.rows, k)
		t.stale = true
	}
}

// from returns the keys that are not before k, in order. The slice is valid
// until the next write.
func (t *table[K, V]) from(k K) []K {
	t.settle()
	i, _ := slices.BinarySearchFunc(t.sorted, k, t.compare)
	return t.sorted[i:]
}

// settle merges the tail in and leaves out what was removed.
func (t *table[K, V]) settle() {
	if !t.stale {
		return
	}
	slices.SortFunc(t.tail, t.compare)
	merged := make([]K, 0, len(t.rows))
	a, b := t.sorted, t.tail
	for len(a) > 0 || len(b) > 0 {
		var k K
		if len(b) == 0 || len(a) > 0 && t.compare(a[0], b[0]) <= 0 {
			k, a = a[0], a[1:]
		} else {
			k, b = b[0], b[1:]
		}
		if _, ok := t.rows[k]; !ok || len(merged) > 0 && merged[len(merged)-1] == k {
			continue
		}
		merged = append(merged, k)
	}
	t.sorted, t.tail, t.stale = merged, nil, false
}

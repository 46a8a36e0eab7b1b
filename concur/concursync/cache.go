package concursync

import (
	"sync"
	"time"
)

// cacheLife is how long a look-up of a list item or a person is believed. A
// code that is renamed in Concur shows after that time.
const cacheLife = 10 * time.Minute

// cacheSize bounds a cache; a full one starts anew.
const cacheSize = 20_000

// cache remembers look-ups for a while.
type cache[V any] struct {
	mu    sync.Mutex
	found map[string]cached[V]
}

type cached[V any] struct {
	value V
	until time.Time
}

// get returns what is remembered for key, or asks. Errors are not remembered.
func (c *cache[V]) get(key string, ask func() (V, error)) (V, error) {
	now := time.Now()
	c.mu.Lock()
	e, ok := c.found[key]
	c.mu.Unlock()
	if ok && now.Before(e.until) {
		return e.value, nil
	}
	// Two callers may ask at once; the answers are the same.
	v, err := ask()
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found == nil || len(c.found) >= cacheSize {
		c.found = make(map[string]cached[V])
	}
	c.found[key] = cached[V]{v, now.Add(cacheLife)}
	return v, nil
}

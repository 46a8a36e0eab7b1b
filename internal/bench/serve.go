package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// served runs a handler on loopback until stop is called.
func served(ctx context.Context, h http.Handler) (url string, stop func() error, err error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	return "http://" + l.Addr().String(), func() error {
		err := s.Close()
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}, nil
}

// caller returns a client that keeps as many connections as there are clients.
func caller(clients int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients, MaxConnsPerHost: clients}, Timeout: time.Minute}
}

// event is one delivery to a webhook.
type event struct {
	body   []byte
	header http.Header
}

// callers calls do for 0 to n-1, so many at a time.
func callers(ctx context.Context, atOnce, n int, do func(ctx context.Context, n int) error) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range atOnce {
		group.Go(func() error {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// post sends every event once, by so many clients, and returns how long each
// waited for its 200.
func post(ctx context.Context, c *http.Client, url string, clients int, events []event) (waits []time.Duration, err error) {
	waits = make([]time.Duration, len(events))
	return waits, callers(ctx, clients, len(events), func(ctx context.Context, i int) error {
		began := time.Now()
		err := send(ctx, c, url, events[i])
		waits[i] = time.Since(began)
		return err
	})
}

func send(ctx context.Context, c *http.Client, url string, e event) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(e.body))
	if err != nil {
		return err
	}
	for name, values := range e.header {
		req.Header[name] = values
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the webhook answered %d", resp.StatusCode)
	}
	return nil
}

// counter is the sink's side: it takes papers by HTTP and knows how often each
// came.
type counter struct {
	mu    sync.Mutex
	times map[string]int
	first map[string]time.Time
	want  int
	all   chan struct{} // closed once want papers came
}

func newCounter(want int) *counter {
	return &counter{times: map[string]int{}, first: map[string]time.Time{}, want: want, all: make(chan struct{})}
}

// ServeHTTP implements http.Handler: POST /id makes one, GET /id looks.
func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id := r.URL.Path[1:]
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Method == http.MethodGet {
		if c.times[id] == 0 {
			w.WriteHeader(http.StatusNotFound)
		}
		return
	}
	c.times[id]++
	if c.times[id] == 1 {
		c.first[id] = time.Now()
		if len(c.times) == c.want {
			close(c.all)
		}
	}
}

// faults counts papers that never came and those that came more than once.
func (c *counter) faults() (lost, doubled int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.times {
		if n > 1 {
			doubled++
		}
	}
	return c.want - len(c.times), doubled
}

func (c *counter) arrived(id string) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.first[id]
	return at, ok
}

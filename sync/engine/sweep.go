package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// cursor is the value in which a position in a source's changes or a target's
// payments is kept, with the lease of the process that reads them.
type cursor struct {
	At    connector.Cursor `json:"at"`
	Lease time.Time        `json:"lease,omitzero"`
	Last  time.Time        `json:"last,omitzero"` // end of the last whole sweep
	Found int64            `json:"found"`         // rows that a sweep created or woke
}

func cursorName(flow string) string { return "cursor/" + digest(flow) }

// sweepAll runs a loop for every flow, also for those added later.
func (e *Engine) sweepAll(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	started := map[*flow]bool{}
	for {
		for _, f := range e.all() {
			if started[f] {
				continue
			}
			started[f] = true
			if f.policy.Sweep > 0 {
				wg.Go(func() { e.sweepLoop(ctx, f) })
			}
			if f.policy.Payments > 0 && e.payments(f) {
				wg.Go(func() { e.collectLoop(ctx, f) })
			}
			if f.policy.KeepContents > 0 || f.policy.KeepRows > 0 {
				wg.Go(func() { e.purgeLoop(ctx, f) })
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-e.added:
		}
	}
}

func (e *Engine) sweepLoop(ctx context.Context, f *flow) {
	e.repeat(ctx, f, "sweep", f.policy.Sweep, func() error { return e.sweep(ctx, f) })
}

// Sweep asks a flow's source for what changed, as the engine does by itself
// from time to time, and returns when everything found is durable. Another
// process that sweeps the flow at the moment is left to it.
func (e *Engine) Sweep(ctx context.Context, tenant, flow string) error {
	f := e.flow(tenant, flow)
	if f == nil {
		return fmt.Errorf("engine: tenant %q has no flow %q", tenant, flow)
	}
	return e.sweep(ctx, f)
}

func (e *Engine) sweep(ctx context.Context, f *flow) error {
	return e.pages(ctx, f, cursorName(f.name), e.sweepPage)
}

// pages reads pages from a saved position on. Each position is saved once its
// page is durable; another process that reads them at the moment is left to it.
func (e *Engine) pages(ctx context.Context, f *flow, name string, take func(ctx context.Context, f *flow, c *cursor) (more bool, err error)) error {
	v, c, err := e.loadCursor(ctx, f, name)
	if err != nil {
		return err
	}
	if c.Lease.After(e.clock()) {
		return nil
	}
	if paused, err := e.pauses.paused(ctx, f); err != nil || paused {
		return err
	}
	for {
		c.Lease = e.clock().Add(f.policy.Lease)
		v, err = e.saveCursor(ctx, v, c)
		if errors.Is(err, storage.ErrConflict) {
			return nil // another process reads
		}
		if err != nil {
			return ours("claim cursor", err)
		}
		more, err := take(ctx, f, &c)
		if err != nil || !more {
			c.Lease = time.Time{}
			if err == nil {
				c.Last = e.clock()
			}
			// Also after a failure the claim is given back, so that the next try need not wait for its end.
			back, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			_, serr := e.saveCursor(back, v, c)
			if errors.Is(serr, storage.ErrConflict) {
				serr = nil // another process took over; its cursor counts
			}
			return errors.Join(err, ours("save cursor", serr))
		}
	}
}

// sweepPage takes one page in; more says that there is another.
func (e *Engine) sweepPage(ctx context.Context, f *flow, c *cursor) (more bool, err error) {
	var p page
	err = e.ask(ctx, f, f.sourceSystem(), "the source", func() (err error) {
		p, err = e.changes(ctx, f, c.At)
		return err
	})
	if err != nil {
		return false, err
	}
	altered := 0
	for _, ch := range p.changes {
		if err := checkRef(ch.ref); err != nil {
			// No row can stand for it. One such document must not keep the others from
			// being found.
			atomic.AddInt64(&e.unrouted, 1)
			e.log.ErrorContext(ctx, "sweep found a document that cannot be taken in", "tenant", f.tenant, "flow", f.name, "error", err)
			continue
		}
		ok, err := e.knock(ctx, f, ch.ref, knock{Hint: ch.ref.Hint, Version: ch.version})
		if err != nil {
			return false, err
		}
		if !ok {
			continue
		}
		altered++
		if ch.snapshot != nil {
			id := storage.ID{Tenant: f.tenant, Target: f.target, Document: documentOf(ch.ref)}
			if err := e.work(ctx, id, f, ch.snapshot); err != nil {
				return false, err
			}
		}
	}
	if altered > 0 {
		e.kick()
	}
	// The page is durable now.
	c.At = p.next
	c.Found += int64(altered)
	if p.hold && altered == 0 {
		return false, nil
	}
	return p.more, nil
}

// ask calls a system outside of any transfer, through its gate.
func (e *Engine) ask(ctx context.Context, f *flow, system, which string, call func() error) error {
	if !e.gates.enter(system) {
		return fmt.Errorf("engine: %s of flow %q is not being asked at present", which, f.name)
	}
	err := call()
	switch {
	case err == nil:
		if e.gates.pass(system) {
			e.kick()
		}
	case isOurs(err) || ctx.Err() != nil:
		e.gates.leave(system)
	default:
		var after time.Duration
		var waiter interface{ RetryAfter() time.Duration }
		if errors.As(err, &waiter) {
			after = max(0, waiter.RetryAfter())
		}
		e.gates.fail(system, clip(err.Error()), errors.Is(err, connector.ErrConnection), after, f.policy)
	}
	return err
}

// changes asks the source for a page.
func (e *Engine) changes(ctx context.Context, f *flow, after connector.Cursor) (p page, err error) {
	defer e.guard(ctx, "sweep of flow "+f.name, &err)
	return f.changes(scope(ctx, f.tenant, "sweep/"+f.name, 0), after)
}

func (e *Engine) loadCursor(ctx context.Context, f *flow, name string) (storage.Value, cursor, error) {
	v, err := e.store.Load(ctx, f.tenant, name)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Value{Tenant: f.tenant, Name: name}, cursor{}, nil
	}
	if err != nil {
		return v, cursor{}, ours("read cursor", err)
	}
	var c cursor
	if err := json.Unmarshal(v.Data, &c); err != nil {
		return v, c, fmt.Errorf("engine: cursor of flow %q: %w", f.name, err)
	}
	return v, c, nil
}

func (e *Engine) saveCursor(ctx context.Context, v storage.Value, c cursor) (storage.Value, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return v, fmt.Errorf("engine: encode cursor: %w", err)
	}
	v.Data = b
	return e.store.Save(ctx, v)
}

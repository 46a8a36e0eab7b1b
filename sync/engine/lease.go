package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ml-connector/ml-connector/sync/storage"
)

// errLeaseLost says that another worker holds the row now.
var errLeaseLost = errors.New("engine: another worker holds the transfer")

// claim takes the row for the length of a lease.
func (w *work) claim(ctx context.Context) (bool, error) {
	t, r := w.t, w.r
	r.Fence++
	r.Lease = w.e.clock().Add(w.f.policy.Lease)
	t.Due = r.Lease
	if err := encode(&t, &r); err != nil {
		return false, err
	}
	t, err := w.e.store.Update(ctx, t)
	if errors.Is(err, storage.ErrConflict) {
		// A knock or another worker; the row is still due if it needs anything.
		w.e.kick()
		return false, nil
	}
	if err != nil {
		return false, ours("claim transfer", err)
	}
	w.t, w.r, w.fence, w.wakes = t, r, r.Fence, t.Wakes
	w.until.Store(&r.Lease)
	return true, nil
}

// hold extends the lease until stop is called. The context it returns ends when
// the lease cannot be extended.
func (w *work) hold(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done, ended := make(chan struct{}), make(chan struct{})
	id := w.t.ID // w is the worker's own from here on, but for the end of the lease
	go func() {
		defer close(ended)
		w.keep(ctx, done, cancel, id)
	}()
	return ctx, func() {
		close(done)
		cancel(nil)
		<-ended
	}
}

// keep extends the lease every third of its length until done.
func (w *work) keep(ctx context.Context, done <-chan struct{}, cancel context.CancelCauseFunc, id storage.ID) {
	lease := w.f.policy.Lease
	timer := time.NewTimer(lease / 3)
	defer timer.Stop()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		extended, err := w.e.extend(ctx, id, w.fence, lease)
		switch {
		case errors.Is(err, errLeaseLost):
			cancel(errLeaseLost)
			return
		case err == nil:
			w.until.Store(&extended)
		case !w.e.clock().Add(lease / 3).Before(*w.until.Load()):
			// The next try would come too late.
			cancel(fmt.Errorf("%w: %w", errLeaseLost, err))
			return
		}
		timer.Reset(lease / 3)
	}
}

// mine says whether the lease still runs. It is asked right before whatever is
// sent, as a process may have been paused since: its context then ends only when
// the goroutine that extends the lease had its turn. Both clocks are looked at: a
// machine that sleeps stops the one that only goes forward.
func (w *work) mine() error {
	now, until := w.e.clock(), *w.until.Load()
	if now.Before(until) && now.Round(0).Before(until.Round(0)) {
		return nil
	}
	return fmt.Errorf("%w: the lease is over", errLeaseLost)
}

func (e *Engine) extend(ctx context.Context, id storage.ID, fence int64, lease time.Duration) (time.Time, error) {
	for {
		t, err := e.store.Get(ctx, id)
		if err != nil {
			return time.Time{}, err
		}
		r, err := decode(t)
		if err != nil {
			return time.Time{}, err
		}
		if r.Fence != fence || r.Lease.IsZero() {
			return time.Time{}, errLeaseLost
		}
		r.Lease = e.clock().Add(lease)
		t.Due = r.Lease
		if err := encode(&t, &r); err != nil {
			return time.Time{}, err
		}
		if _, err = e.store.Update(ctx, t); err == nil {
			return r.Lease, nil
		}
		if !errors.Is(err, storage.ErrConflict) {
			return time.Time{}, err
		}
	}
}

// save changes the row: read, change, compare-and-set, repeat. A conflict is no
// lost lease, since intake, people and the extension of the lease write the
// same row; the fence tells. What the change relies on is durable before it, and
// what was fetched is written with it.
func (w *work) save(ctx context.Context, change func(t *storage.Transfer, r *row)) error {
	if err := w.flush(ctx); err != nil {
		return err
	}
	before := State(w.t.State)
	for {
		t := w.t
		r, err := decode(t)
		if err != nil {
			return err
		}
		if w.taken != nil {
			w.taken(&t, &r)
		}
		change(&t, &r)
		summary(&t, &r)
		if err := encode(&t, &r); err != nil {
			return err
		}
		next, err := w.e.store.Update(ctx, t)
		if err == nil {
			w.t, w.r, w.taken = next, r, nil
			w.e.changed(Change{ID: t.ID, From: before, To: State(t.State), Cause: t.Cause})
			return nil
		}
		if !errors.Is(err, storage.ErrConflict) {
			return ours("write transfer", err)
		}
		if w.t, err = w.e.store.Get(ctx, t.ID); err != nil {
			return ours("read transfer", err)
		}
		if r, err = decode(w.t); err != nil {
			return err
		}
		if r.Fence != w.fence {
			return errLeaseLost
		}
		w.r = r
	}
}

// abandon gives the row back after a failure of our own or at a stop, without
// counting an attempt. If that fails too, the lease runs out by itself.
func (w *work) abandon(cause error) error {
	if w.released || errors.Is(cause, errLeaseLost) {
		return cause
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	// What is not written yet may be what failed. Nothing relies on it: it is fetched
	// again.
	w.taken, w.ahead = nil, nil
	if r, err := decode(w.t); err == nil {
		w.r = r
	}
	_, queue := w.system(w.next())
	err := w.save(ctx, func(t *storage.Transfer, r *row) {
		if w.unsent {
			r.Attempts--
		}
		w.letGo(t, r, w.e.clock().Add(w.f.policy.MinWait), queue)
		// Not at once, also if somebody knocked: what failed is not mended yet.
		t.Due = w.e.clock().Add(w.f.policy.MinWait)
	})
	if err != nil {
		return errors.Join(cause, err)
	}
	w.freed()
	if errors.Is(cause, context.Canceled) {
		return nil
	}
	return cause
}

// release lets the row go. A knock that came meanwhile makes it due at once.
func (w *work) release(ctx context.Context, due time.Time, queue string) error {
	err := w.save(ctx, func(t *storage.Transfer, r *row) {
		w.letGo(t, r, due, queue)
	})
	if err == nil {
		w.freed()
	}
	return err
}

// letGo is the part of a row's change that ends the hold; it is joined with the
// last change of a pass, so that most documents need one write less.
func (w *work) letGo(t *storage.Transfer, r *row, due time.Time, queue string) {
	r.Lease = time.Time{}
	t.Due, t.Queue = due, queue
	switch {
	case t.Wakes <= r.Seen:
	case r.Tries == 0:
		t.Due = sooner(due, w.e.clock())
	case due.IsZero():
		// An unanswered knock is never forgotten, whatever failed.
		t.Due = w.e.clock().Add(w.f.policy.wait(r.Tries))
	}
	rev := r.current()
	switch {
	case rev == nil:
	case rev.State != Parked && len(r.Outbox) > 0 && r.Tries == 0:
		t.Due = sooner(t.Due, w.e.clock())
	case rev.State == Parked:
		t.Due = sooner(t.Due, rev.ReturnAt)
	}
	if v := w.wants(r); v != nil && (t.Due.IsZero() || v.Wanting.Due.Before(t.Due)) {
		t.Due, t.Queue = v.Wanting.Due, w.f.targetQueue()
	}
}

func (w *work) freed() {
	w.released = true
	w.e.plan(w.t.Due)
}

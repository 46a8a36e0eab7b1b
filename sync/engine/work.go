package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// errLeaseLost says that another worker holds the row now.
var errLeaseLost = errors.New("engine: another worker holds the transfer")

// work is one worker's hold on one transfer.
type work struct {
	e     *Engine
	f     *flow
	t     storage.Transfer
	r     row
	fence int64
	lease time.Time
	wakes int64 // knocks that this pass answers: those before its claim, or before its fetch

	fresh    bool      // the intent was written in this pass and nothing was sent yet
	unsent   bool      // the attempt could not be recorded, so nothing was sent
	sweeping bool      // takes a sweep's document in, and leaves the rest to the workers
	given    *snapshot // from a sweep, instead of a fetch
	remapped bool      // mapped once more after a wait was noted
	released bool
}

// step is what a transfer needs next.
type step int

const (
	stepNone step = iota
	stepReverse
	stepFind
	stepDeliver
	stepSignal
	stepFetch
	stepMap
	stepPoll
)

// next decides what the row needs. What may stand in the target is settled
// before anything new is looked at.
func (w *work) next() step {
	rev := w.r.current()
	if rev != nil && rev.Then != "" && rev.State == Reversing {
		return stepReverse
	}
	if rev != nil && rev.State == Delivering {
		if w.fresh {
			return stepDeliver
		}
		return stepFind
	}
	woken := w.t.Wakes > w.r.Seen || w.given != nil
	// Once the source could not be told, news of the document come first: a recall
	// must not wait for an answer that never comes.
	if len(w.r.Outbox) > 0 && (!woken || w.r.Tries == 0) {
		return stepSignal
	}
	if rev == nil {
		return stepFetch
	}
	switch rev.State {
	case Pending:
		if woken {
			return stepFetch
		}
		return stepMap
	case Delivered:
		if woken {
			return stepFetch
		}
		return stepPoll
	case Parked:
		if woken && rev.Then != "" {
			return stepReverse
		}
		if woken {
			return stepFetch
		}
	case Received, Waiting, Confirmed, Returned, Reversed, Void:
		if woken {
			return stepFetch
		}
	case Delivering, Reversing:
		// Handled above.
	}
	return stepNone
}

// system returns which system a step asks.
func (w *work) system(s step) (system, queue string) {
	switch s {
	case stepReverse, stepFind, stepDeliver, stepPoll:
		return w.f.targetSystem(), w.f.targetQueue()
	case stepSignal, stepFetch:
		return w.f.sourceSystem(), w.f.sourceQueue()
	case stepMap, stepNone:
		return "", w.f.sourceQueue()
	}
	return "", w.f.sourceQueue()
}

// work works on one transfer until it needs nothing, must wait, or another
// worker holds it. Its error is ours alone: the document's own failures are
// written in its row. With a sweep's snapshot it takes that in, tells the source
// that it was taken, and leaves the rest to the workers.
func (e *Engine) work(ctx context.Context, id storage.ID, given *snapshot) error {
	t, err := e.store.Get(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		e.idle.add(id, e.clock(), idleWait)
		return nil
	}
	if err != nil {
		return ours("read transfer", err)
	}
	r, err := decode(t)
	if err != nil {
		return e.unreadable(ctx, t, err)
	}
	f := e.flow(t.Tenant, t.Flow)
	now := e.clock()
	if f == nil || r.Lease.After(now) || (given == nil && (t.Due.IsZero() || t.Due.After(now))) {
		e.idle.add(id, now, idleWait)
		return nil
	}
	paused, err := e.pauses.paused(ctx, f)
	if err != nil {
		return err
	}
	if paused {
		e.idle.add(id, now, idleWait)
		return nil
	}
	w := &work{e: e, f: f, t: t, r: r, given: given, sweeping: given != nil}
	if ok, err := w.claim(ctx); !ok {
		return err
	}
	ctx, stop := w.hold(ctx)
	defer stop()
	err = w.run(ctx)
	if errors.Is(err, errLeaseLost) {
		e.log.WarnContext(ctx, "lease lost", "document", id.Document, "fence", w.fence)
		return nil
	}
	return err
}

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
	w.t, w.r, w.fence, w.lease, w.wakes = t, r, r.Fence, r.Lease, t.Wakes
	return true, nil
}

// rereadUnreadable is how often a row is looked at that a newer version wrote.
const rereadUnreadable = time.Minute

// CodeUnreadable is the cause of a transfer whose row this version cannot read
// although it should. Its data is kept as it is.
const CodeUnreadable = "row_unreadable"

// unreadable leaves a newer version's row to that version, and sets a row that
// nobody can read aside, so that neither keeps the others from being worked on.
func (e *Engine) unreadable(ctx context.Context, t storage.Transfer, cause error) error {
	var newer *errNewer
	if errors.As(cause, &newer) {
		e.idle.add(t.ID, e.clock(), rereadUnreadable)
		e.log.WarnContext(ctx, "transfer left to a newer version", "document", t.Document, "format", newer.format)
		return nil
	}
	e.log.ErrorContext(ctx, "transfer cannot be read and is set aside", "document", t.Document, "error", cause)
	before := State(t.State)
	t.Due, t.State, t.Cause = time.Time{}, string(Parked), CodeUnreadable
	if _, err := e.store.Update(ctx, t); err != nil && !errors.Is(err, storage.ErrConflict) {
		return ours("set transfer aside", err)
	}
	e.changed(Change{ID: t.ID, From: before, To: Parked, Cause: CodeUnreadable})
	return nil
}

// hold extends the lease until stop is called. The context it returns ends when
// the lease cannot be extended.
func (w *work) hold(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done, ended := make(chan struct{}), make(chan struct{})
	id, until := w.t.ID, w.lease // w is the worker's own from here on
	go func() {
		defer close(ended)
		w.keep(ctx, done, cancel, id, until)
	}()
	return ctx, func() {
		close(done)
		cancel(nil)
		<-ended
	}
}

// keep extends the lease every third of its length until done.
func (w *work) keep(ctx context.Context, done <-chan struct{}, cancel context.CancelCauseFunc, id storage.ID, until time.Time) {
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
			until = extended
		case !w.e.clock().Add(lease / 3).Before(until):
			// The next try would come too late.
			cancel(fmt.Errorf("%w: %w", errLeaseLost, err))
			return
		}
		timer.Reset(lease / 3)
	}
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
// same row; the fence tells.
func (w *work) save(ctx context.Context, change func(t *storage.Transfer, r *row)) error {
	before := State(w.t.State)
	for {
		t := w.t
		r, err := decode(t)
		if err != nil {
			return err
		}
		change(&t, &r)
		summary(&t, &r)
		if err := encode(&t, &r); err != nil {
			return err
		}
		next, err := w.e.store.Update(ctx, t)
		if err == nil {
			w.t, w.r = next, r
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

// run takes step after step.
func (w *work) run(ctx context.Context) error {
	for !w.released {
		if err := context.Cause(ctx); err != nil {
			return w.abandon(err)
		}
		s := w.next()
		if s == stepNone {
			return w.release(ctx, time.Time{}, w.f.sourceQueue())
		}
		system, queue := w.system(s)
		if w.sweeping && s != stepFetch && s != stepSignal {
			return w.release(ctx, w.e.clock(), queue)
		}
		if system != "" && !w.e.gates.enter(system) {
			// Due stays, the queue is not asked while its system is shut.
			return w.release(ctx, w.e.clock(), queue)
		}
		err := w.do(ctx, s)
		switch {
		case err == nil:
			if system != "" && w.e.gates.pass(system) {
				w.e.kick()
			}
		case isOurs(err) || errors.Is(err, errLeaseLost):
			if system != "" {
				w.e.gates.leave(system)
			}
			return w.abandon(err)
		case ctx.Err() != nil:
			if system != "" {
				w.e.gates.leave(system)
			}
			return w.abandon(context.Cause(ctx))
		default:
			var gone *errGone
			if errors.As(err, &gone) {
				if system != "" {
					w.e.gates.leave(system)
				}
				return w.contentGone(ctx, gone)
			}
			return w.fail(ctx, s, err)
		}
	}
	return nil
}

// contentGone parks a document whose stored content is gone. What stands in the
// target because of it stays known.
func (w *work) contentGone(ctx context.Context, cause *errGone) error {
	err := w.save(ctx, func(t *storage.Transfer, r *row) {
		w.park(r, []connector.Issue{{
			Code: CodeContentGone, Owner: connector.IT, Message: clip(cause.Error()),
			Remedy: "Restore the stored contents from a backup, or settle this document in the ERP by hand; then replay it.",
		}})
		w.letGo(t, r, time.Time{}, w.f.sourceQueue())
	})
	if err == nil {
		w.freed()
	}
	return err
}

func (w *work) do(ctx context.Context, s step) (err error) {
	defer w.e.guard(ctx, w.t.Document, &err)
	switch s {
	case stepReverse:
		return w.reverse(ctx)
	case stepFind, stepPoll:
		return w.find(ctx)
	case stepDeliver:
		return w.deliver(ctx)
	case stepSignal:
		return w.signal(ctx)
	case stepFetch:
		return w.fetch(ctx)
	case stepMap:
		return w.mapDocument(ctx)
	case stepNone:
	}
	return nil
}

// guard turns a panic of an end or a mapper into an error: one document that
// makes code panic must not stop the others, and what it had sent is unknown, as
// after every other error. What was panicked with may hold anything, so its type
// alone is told, but for faults that the runtime words.
func (e *Engine) guard(ctx context.Context, what string, err *error) {
	p := recover()
	if p == nil {
		return
	}
	text := fmt.Sprintf("%T", p)
	if re, ok := p.(runtime.Error); ok {
		text = re.Error()
	}
	*err = fmt.Errorf("engine: a panic: %s", text)
	e.log.ErrorContext(ctx, "a panic was caught", "what", what, "panic", text, "stack", string(debug.Stack()))
}

// abandon gives the row back after a failure of our own or at a stop, without
// counting an attempt. If that fails too, the lease runs out by itself.
func (w *work) abandon(cause error) error {
	if w.released || errors.Is(cause, errLeaseLost) {
		return cause
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
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
	if t.Wakes > r.Seen && r.Tries == 0 {
		t.Due = sooner(due, w.e.clock())
	}
}

func (w *work) freed() {
	w.released = true
	w.e.plan(w.t.Due)
}

// fail writes down a transient failure and when to try again, or parks the
// document when it failed too often.
func (w *work) fail(ctx context.Context, s step, cause error) error {
	now := w.e.clock()
	system, queue := w.system(s)
	var after time.Duration
	var waiter interface{ RetryAfter() time.Duration }
	if errors.As(cause, &waiter) {
		after = max(0, waiter.RetryAfter())
	}
	mend := errors.Is(cause, connector.ErrConnection)
	why := clip(cause.Error())
	if s == stepMap {
		// What a mapping asks for are the target's tables. It needs no leave to ask,
		// since it may have read them before the target went down.
		system = w.f.targetSystem()
	}
	probe := false
	if system != "" {
		var until time.Time
		until, probe = w.e.gates.fail(system, why, mend, after, w.f.policy)
		if s == stepMap {
			after = max(after, until.Sub(now))
		}
	}
	w.e.log.WarnContext(ctx, "transfer will be tried again", "document", w.t.Document, "error", cause)
	// A wrong credential, a request to slow down and a system that is down for
	// everybody are not this document's failure.
	counts := !mend && !probe && (after == 0 || s == stepMap)
	err := w.save(ctx, func(t *storage.Transfer, r *row) {
		if counts {
			r.Tries++
		}
		if r.Failing.IsZero() {
			r.Failing = now
		}
		r.Why = why
		r.note(now, "failed", why)
		news := s == stepFetch && settledState(r)
		// The only document of a system that is down may be what brings it down.
		stuck := probe && now.Sub(r.Failing) >= w.f.policy.MaxFailing
		if (r.Tries >= w.f.policy.MaxTries || stuck) && !news {
			w.park(r, []connector.Issue{exhausted(now.Sub(r.Failing), why)})
			w.letGo(t, r, time.Time{}, queue)
			return
		}
		wait := max(after, w.f.policy.wait(max(1, r.Tries)))
		r.Lease = time.Time{}
		t.Due, t.Queue = now.Add(wait), queue
	})
	if err == nil {
		w.freed()
	}
	return err
}

// settledState reports whether a document has come to its end as far as it is
// known. That news of it cannot be fetched does not undo this: it is asked for
// again and again, and a person goes on seeing what stands.
func settledState(r *row) bool {
	rev := r.current()
	if rev == nil {
		return false
	}
	switch rev.State {
	case Confirmed, Delivered, Reversed, Void, Returned:
		return true
	case Received, Waiting, Pending, Delivering, Parked, Reversing:
		return false
	}
	return false
}

// CodeExhausted is the code of a document that failed too often with errors
// that looked transient.
const CodeExhausted = "retries_exhausted"

func exhausted(failing time.Duration, cause string) connector.Issue {
	return connector.Issue{
		Code: CodeExhausted, Owner: connector.IT,
		Message: fmt.Sprintf("It has failed for %s, at last with: %s", failing.Round(time.Second), cause),
		Remedy:  "Mend what the message names, then replay this document.",
	}
}

// park stops work on the current revision until a person acts or the document
// changes. The knocks that this pass answers count as seen, later ones do not.
func (w *work) park(r *row, issues []connector.Issue) {
	if r.current() == nil {
		r.push(revision{Effect: None, Generation: 1})
	}
	rev := r.current()
	rev.State, rev.Issues = Parked, public(issues)
	rev.Cause, rev.Details = CodeUnknown, ""
	if len(issues) > 0 {
		rev.Cause = issues[0].Code
	}
	r.recovered()
	r.Seen = max(r.Seen, w.wakes)
	r.note(w.e.clock(), "parked", rev.Cause)
}

// record appends to the audit trail what the engine does for this transfer,
// with the moments that happened since the last record.
func (w *work) record(ctx context.Context, action, outcome, id string, detail map[string]any) error {
	if w.r.Audited < len(w.r.History) {
		detail["since"] = w.r.History[w.r.Audited:]
	}
	if w.r.Correlation != "" {
		detail["correlation"] = w.r.Correlation
	}
	b, err := marshal(detail)
	if err != nil {
		return err
	}
	err = w.e.trail.Append(ctx, audit.Record{
		Tenant: w.t.Tenant, ID: id, Actor: "engine", Action: action,
		Subject: w.t.Document, Outcome: outcome, Detail: b,
	})
	if err != nil {
		return ours("record "+action, err)
	}
	// The next record of this step does not repeat them.
	w.r.Audited = len(w.r.History)
	return nil
}

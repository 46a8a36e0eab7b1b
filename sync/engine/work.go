package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// work is one worker's hold on one transfer.
type work struct {
	e     *Engine
	f     *flow
	t     storage.Transfer
	r     row
	fence int64
	until atomic.Pointer[time.Time] // end of the lease; the goroutine of hold moves it
	wakes int64                     // knocks that this pass answers: those before its claim, or before its fetch

	fresh    bool      // the intent was written in this pass and nothing was sent yet
	unsent   bool      // the attempt could not be recorded, so nothing was sent
	sweeping bool      // takes a sweep's document in, and leaves the rest to the workers
	given    *snapshot // from a sweep, instead of a fetch
	remapped bool      // mapped once more after a wait was noted
	released bool
	// unapproved says that the source does not approve a parked document any more of
	// which something may stand: it is looked for, and nothing is sent.
	unapproved string
	past       *note // what remains of an earlier row that was purged, where nothing of it stands

	// taken is what a fetch found and the row does not say yet: the next write of
	// the row says both. Until then r shows it and t does not.
	taken  func(t *storage.Transfer, r *row)
	ahead  []func(ctx context.Context) error // writes that the next one of the row relies on
	held   map[string][]byte                 // contents that this pass has put, by name, as they are stored
	traced string                            // the key that this pass has traced
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
	stepReturn
	stepAttach
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
	if w.unapproved != "" {
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
		if !rev.ReturnAt.IsZero() && !w.e.clock().Before(rev.ReturnAt) {
			return stepReturn
		}
	case Received, Waiting, Confirmed, Returned, Reversed, Void:
		if woken {
			return stepFetch
		}
	case Delivering, Reversing:
		// Handled above.
	}
	if v := w.wants(&w.r); v != nil && !w.e.clock().Before(v.Wanting.Due) {
		return stepAttach
	}
	return stepNone
}

// system returns which system a step asks.
func (w *work) system(s step) (system, queue string) {
	switch s {
	case stepReverse, stepFind, stepDeliver, stepPoll, stepAttach:
		return w.f.targetSystem(), w.f.targetQueue()
	case stepSignal, stepFetch:
		return w.f.sourceSystem(), w.f.sourceQueue()
	case stepMap, stepReturn, stepNone:
		return "", w.f.sourceQueue()
	}
	return "", w.f.sourceQueue()
}

// work works on one transfer until it needs nothing, must wait, or another
// worker holds it. Its error is ours alone: the document's own failures are
// written in its row. With a sweep's snapshot it takes that in, tells the source
// that it was taken, and leaves the rest to the workers.
//
// Never two workers of this process, whatever the Runner does: an end that does
// not heed its context may still be at work when the lease is long over.
func (e *Engine) work(ctx context.Context, id storage.ID, sweep *flow, given *snapshot) error {
	if _, busy := e.inHand.LoadOrStore(id, true); busy {
		e.idle.add(id, e.clock(), idleWait)
		return nil
	}
	defer e.inHand.Delete(id)
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
	if given != nil && f != sweep {
		// Another flow's notice has made the row its own meanwhile. What the one reads of
		// the document is nothing to the other: a worker fetches it.
		e.kick()
		return nil
	}
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
	if !e.quotas.enter(f, given != nil) {
		return nil // it stays due; its tenant's queues are not asked meanwhile
	}
	defer func() {
		if e.quotas.leave(f) {
			e.kick()
		}
	}()
	w := &work{e: e, f: f, t: t, r: r, given: given, sweeping: given != nil}
	ctx, passed := w.passing(ctx)
	defer passed()
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
		err := w.watched(ctx, s, func(ctx context.Context) error { return w.do(ctx, s) })
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
	case stepReturn:
		return w.returnDue(ctx)
	case stepAttach:
		return w.attach(ctx)
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

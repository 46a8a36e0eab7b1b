package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// AnyCause is the key of Policy.Return for every cause that is not named there.
const AnyCause = "*"

// Return gives parked transfers of a plan back to their source: it is told that
// they failed, with the issues, and sends the document again as a new revision.
// What was returned is never posted, also if the issue goes away. One that
// changed since the plan was made is skipped, and so is one that is not
// PlanItem.Returnable. It returns how many it gave back; the engine tells the
// source, which is an error of the transfer's when it fails, not of Return.
func (e *Engine) Return(ctx context.Context, p Plan, by Act) (done int, err error) {
	for _, item := range p.Items {
		ok, err := e.returnOne(ctx, item, by)
		if err != nil {
			return done, err
		}
		if ok {
			done++
		}
	}
	if done > 0 {
		e.kick()
	}
	return done, nil
}

func (e *Engine) returnOne(ctx context.Context, item PlanItem, by Act) (bool, error) {
	t, err := e.store.Get(ctx, item.ID)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, ours("read transfer", err)
	}
	if t.Rev != item.Rev {
		return false, nil
	}
	r, err := decode(t)
	now := e.clock()
	if err != nil || r.Lease.After(now) || !e.returnable(t, &r) {
		return false, nil //nolint:nilerr // a row that this version cannot read is not its to return
	}
	if err := e.acted(ctx, t.Tenant, t.Document, "return", by); err != nil {
		return false, err
	}
	giveBack(&t, &r, Moment{Time: now, What: "returned", Text: by.Reason, Actor: by.Actor})
	t.Due, t.Queue = now, e.flow(t.Tenant, t.Flow).sourceQueue()
	summary(&t, &r)
	if err := encode(&t, &r); err != nil {
		return false, err
	}
	if _, err := e.store.Update(ctx, t); err != nil {
		if errors.Is(err, storage.ErrConflict) {
			return false, nil
		}
		return false, ours("return", err)
	}
	e.idle.drop(t.ID)
	e.changed(Change{ID: t.ID, From: Parked, To: State(t.State), Cause: t.Cause})
	return true, nil
}

// returnable reports whether the source may be told that the parked revision
// failed: certainly nothing of it stands in the target, the source has handed it
// out and wants to be told, and has not been told so already.
func (e *Engine) returnable(t storage.Transfer, r *row) bool {
	rev := r.current()
	f := e.flow(t.Tenant, t.Flow)
	return f != nil && f.acknowledger() != nil && rev != nil &&
		rev.State == Parked && rev.Effect == None && rev.Then == "" && rev.Content != "" && !r.wasReturned(rev.Number, rev.Handle)
}

// wasReturned reports whether the source was told, or is being told, that this
// revision or a later one failed. A source may send what was corrected under the
// same number and another handle: that is another revision.
func (r *row) wasReturned(revision int64, handle string) bool {
	if r.Returned == nil || revision > *r.Returned {
		return false
	}
	return revision < *r.Returned || handle == "" || len(r.ReturnedAs) == 0 || slices.Contains(r.ReturnedAs, handle)
}

// afterReturned returns the least generation of a revision with a number and a
// handle: no key, number or signal of one that was returned under the same number
// is its own.
func (r *row) afterReturned(revision int64, handle string) int {
	g := 1
	for i := range r.Revisions {
		if have := &r.Revisions[i]; have.Number == revision && have.Handle != handle && slices.Contains(r.ReturnedAs, have.Handle) {
			g = max(g, have.Generation+1)
		}
	}
	return g
}

// maxHandles is how many handles of returned revisions are remembered.
const maxHandles = 20

// giveBack makes the current revision returned and puts the signal into the
// outbox, in one write of the row.
func giveBack(t *storage.Transfer, r *row, m Moment) {
	rev := r.current()
	number := rev.Number
	if r.Returned == nil || *r.Returned != number {
		r.ReturnedAs = nil // those of an earlier number are told by it
	}
	r.Returned = &number
	if rev.Handle != "" {
		r.ReturnedAs = append(r.ReturnedAs, rev.Handle)
		r.ReturnedAs = r.ReturnedAs[max(0, len(r.ReturnedAs)-maxHandles):]
	}
	rev.State, rev.ReturnAt = Returned, time.Time{}
	r.recovered()
	r.remember(m)
	post(t.ID, r, connector.Signal{Kind: connector.Failed, Issues: rev.Issues})
}

// arrange does with a revision that was just parked what the policy says about
// its cause: give it back now, later, or never.
func (w *work) arrange(t *storage.Transfer, r *row) {
	rev := r.current()
	rev.ReturnAt = time.Time{}
	after, ok := w.f.policy.returnAfter(rev.Cause)
	if !ok || !w.e.returnable(*t, r) {
		return
	}
	now := w.e.clock()
	if after > 0 {
		rev.ReturnAt = now.Add(after)
		return
	}
	giveBack(t, r, Moment{Time: now, What: "returned", Text: "by policy: " + rev.Cause})
}

// returnDue gives back what nobody mended in the time that the policy leaves.
func (w *work) returnDue(ctx context.Context) error {
	return w.save(ctx, func(t *storage.Transfer, r *row) {
		rev := r.current()
		if !w.e.returnable(*t, r) {
			rev.ReturnAt = time.Time{}
			return
		}
		giveBack(t, r, Moment{Time: w.e.clock(), What: "returned", Text: "by policy, nobody mended it in time: " + rev.Cause})
	})
}

// returnAfter returns after how long a document with a cause is given back by
// itself. That the source refuses to be told is never told to it.
func (p Policy) returnAfter(cause string) (time.Duration, bool) {
	if after, ok := p.Return[cause]; ok {
		return after, true
	}
	after, ok := p.Return[AnyCause]
	return after, ok && cause != CodeUntold
}

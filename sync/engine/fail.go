package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

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

// contentGone parks a document whose stored content is gone. What stands in the
// target because of it stays known.
func (w *work) contentGone(ctx context.Context, cause *errGone) error {
	err := w.save(ctx, func(t *storage.Transfer, r *row) {
		w.park(t, r, []connector.Issue{{
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
	if s == stepAttach {
		return w.attachFailed(ctx, after, counts, why)
	}
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
		// The only document of a system that is down may be what brings it down, but
		// not what makes it refuse a credential.
		stuck := probe && !mend && now.Sub(r.Failing) >= w.f.policy.MaxFailing
		if (r.Tries >= w.f.policy.MaxTries || stuck) && !news {
			w.park(t, r, []connector.Issue{exhausted(now.Sub(r.Failing), why)})
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
func (w *work) park(t *storage.Transfer, r *row, issues []connector.Issue) {
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
	w.arrange(t, r)
}

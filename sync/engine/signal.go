package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// post puts a signal to the source into the row's outbox.
func post(id storage.ID, r *row, s connector.Signal) {
	rev := r.current()
	s.Ref = refOf(id.Document)
	s.Ref.Hint = r.Hint
	s.Revision, s.Handle = rev.Number, rev.Handle
	s.ID = digest(id.Tenant, id.Target, id.Document, strconv.FormatInt(rev.Number, 10), strconv.Itoa(rev.Generation), string(s.Kind))
	for _, have := range r.Outbox {
		if have.ID == s.ID {
			return
		}
	}
	r.Outbox = append(r.Outbox, s)
}

// signal tells the source what stands first in the outbox.
func (w *work) signal(ctx context.Context) error {
	s := w.r.Outbox[0]
	ack := w.f.acknowledger()
	if ack != nil {
		if err := w.record(ctx, "acknowledge", "attempt", s.ID+"/attempt", map[string]any{"kind": s.Kind, "revision": s.Revision}); err != nil {
			return err
		}
		err := ack.Acknowledge(w.scope(ctx, w.r.Attempts), s)
		if errors.Is(err, connector.ErrWithdrawn) {
			return w.recalled(ctx, s)
		}
		if errors.Is(err, connector.ErrRejected) && !isOurs(err) {
			return w.unheard(ctx, s, err)
		}
		if err != nil {
			return err
		}
		if err := w.record(ctx, "acknowledge", "done", s.ID+"/done", map[string]any{"kind": s.Kind, "revision": s.Revision}); err != nil {
			return err
		}
	}
	return w.save(ctx, func(_ *storage.Transfer, r *row) {
		r.drop(s.ID)
		r.recovered()
		r.Audited = len(r.History)
		r.note(w.e.clock(), "told", string(s.Kind))
		// Parked because it could not be told, and told now: what stands is as it was.
		rev := r.current()
		if rev.State != Parked || rev.Then != "" {
			return
		}
		switch s.Kind {
		case connector.Posted, connector.Paid:
			if rev.Effect == Effective && (s.Kind == connector.Posted || rev.Receipt != nil && rev.Receipt.Final) {
				rev.State, rev.Cause, rev.Issues = Confirmed, "", nil
			}
		case connector.Failed:
			if rev.Number == s.Revision {
				rev.State = Returned
			}
		case connector.Taken:
		}
	})
}

// CodeUntold is the code of a document whose source refuses to be told about it.
const CodeUntold = "source_refused_signal"

// unheard parks a document whose source refuses to be told. What stands in the
// target stays, and a replay tells the source again.
func (w *work) unheard(ctx context.Context, s connector.Signal, cause error) error {
	issues := []connector.Issue{{
		Code: CodeUntold, Owner: connector.ConcurAdmin, Message: clip(cause.Error()),
		Remedy: "Mend what the message names at the source, then replay this document.",
	}}
	var rej *connector.Rejection
	if errors.As(cause, &rej) && len(rej.Issues) > 0 {
		issues = rej.Issues
	}
	if err := w.record(ctx, "acknowledge", "refused", s.ID+"/refused", map[string]any{"kind": s.Kind, "issues": public(issues)}); err != nil {
		return err
	}
	if w.r.past(s) {
		// Nothing about the current revision is wrong, and every replay would meet
		// the same answer first.
		return w.save(ctx, func(_ *storage.Transfer, r *row) {
			r.drop(s.ID)
			r.recovered()
			r.Audited = len(r.History)
			r.note(w.e.clock(), "untold", fmt.Sprintf("%s of revision %d: %s", s.Kind, s.Revision, issues[0].Code))
		})
	}
	err := w.save(ctx, func(t *storage.Transfer, r *row) {
		w.park(t, r, issues)
		w.letGo(t, r, time.Time{}, w.f.sourceQueue())
	})
	if err == nil {
		w.freed()
	}
	return err
}

// past reports whether a signal tells of another revision than the current one.
func (r *row) past(s connector.Signal) bool {
	rev := r.current()
	return rev == nil || s.Revision != rev.Number || s.Handle != rev.Handle
}

// unsay drops what the source was to be told of a revision that is void, but for
// payments: it is not true any more, and the answer would be taken for one about
// the revision that follows. What stands in the target under the same number is
// still told.
func (r *row) unsay(number int64) {
	stands := slices.ContainsFunc(r.Revisions, func(v revision) bool { return v.Number == number && v.Effect == Effective })
	r.Outbox = slices.DeleteFunc(r.Outbox, func(s connector.Signal) bool {
		return s.Revision == number && s.Kind != connector.Paid && (s.Kind != connector.Posted || !stands)
	})
}

func (r *row) drop(id string) {
	for i, s := range r.Outbox {
		if s.ID == id {
			r.Outbox = append(r.Outbox[:i], r.Outbox[i+1:]...)
			return
		}
	}
}

// recalled goes on when the source answers that it took the document back.
func (w *work) recalled(ctx context.Context, s connector.Signal) error {
	if err := w.record(ctx, "acknowledge", "recalled", s.ID+"/recalled", map[string]any{"kind": s.Kind}); err != nil {
		return err
	}
	if s.Kind == connector.Failed || s.Kind == connector.Paid || w.r.past(s) {
		// It is told of a revision that may be past, and a later one may be approved.
		// What became of the document is asked anew.
		return w.save(ctx, func(t *storage.Transfer, r *row) {
			r.drop(s.ID)
			r.recovered()
			r.note(w.e.clock(), "asked anew", fmt.Sprintf("%s of revision %d: recalled at the source", s.Kind, s.Revision))
			t.Wakes++
		})
	}
	// The signal leaves the outbox with the write that heeds its answer: the source
	// does not answer what it is not told again.
	return w.withdrawn(ctx, func(r *row) { r.drop(s.ID) }, "recalled at the source")
}

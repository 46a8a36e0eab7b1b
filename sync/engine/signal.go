package engine

import (
	"context"
	"errors"
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
	err := w.save(ctx, func(t *storage.Transfer, r *row) {
		w.park(t, r, issues)
		w.letGo(t, r, time.Time{}, w.f.sourceQueue())
	})
	if err == nil {
		w.freed()
	}
	return err
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
	if s.Kind == connector.Failed || s.Kind == connector.Paid {
		// It is told of a revision that may be past. What became of the document is
		// asked anew.
		return w.save(ctx, func(t *storage.Transfer, r *row) {
			r.drop(s.ID)
			t.Wakes++
		})
	}
	if err := w.save(ctx, func(_ *storage.Transfer, r *row) { r.drop(s.ID) }); err != nil {
		return err
	}
	return w.withdrawn(ctx, func(*row) {}, "recalled at the source")
}

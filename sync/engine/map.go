package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// mapDocument maps the stored document, stores the posting and writes the
// intent; what a person must mend parks it.
func (w *work) mapDocument(ctx context.Context) error {
	rev := w.r.current()
	content, err := w.stored(ctx, rev.Person, rev.Content)
	if err != nil {
		return err
	}
	m, err := w.f.mapContent(w.scope(ctx, 0), content)
	var issues mapping.Issues
	switch {
	case errors.As(err, &issues):
		return w.issues(ctx, issues)
	case err != nil:
		return err
	case m.empty && w.r.effective() == nil:
		return w.confirmWithout(ctx, m.version, CauseNothing, "nothing to post: every line is zero", false)
	}
	send, whole := m.posting, ""
	if prior := w.r.effective(); prior != nil {
		delta, changed, err := w.changes(ctx, prior, m)
		switch {
		case errors.As(err, &issues):
			return w.issues(ctx, issues)
		case err != nil:
			return err
		case !changed:
			why := fmt.Sprintf("revision %d changes nothing that was posted", rev.Number)
			if m.empty {
				why = fmt.Sprintf("revision %d comes to nothing, as what was posted does", rev.Number)
			}
			return w.confirmWithout(ctx, m.version, "", why, true)
		case delta == nil || w.r.standing() >= maxStanding:
			return w.issues(ctx, mapping.Issues{secondRevision(prior, rev)})
		case prior.State != Confirmed:
			return w.replace(ctx, prior.Number)
		}
		// What stands is the whole of one revision and the deltas of those after it.
		if whole, err = w.put(ctx, "posting", rev.Person, m.posting); err != nil {
			return err
		}
		send = delta
	}
	posting, err := w.put(ctx, "posting", rev.Person, send)
	if err != nil {
		return err
	}
	why, err := marshal(m.reasons)
	if err != nil {
		return err
	}
	reasons, err := w.put(ctx, "reasons", rev.Person, why)
	if err != nil {
		return err
	}
	// Whoever reads the target must be able to tell whose a key is, so it is traced
	// before anything can bear it; that needs no commit of its own.
	w.trace(connector.Delivery[[]byte]{
		Tenant: w.t.Tenant, Target: w.t.Target, Ref: refOf(w.t.Document), Revision: rev.key(), Generation: w.r.unused(),
	}.Key())
	fetched := w.taken != nil
	err = w.save(ctx, func(t *storage.Transfer, r *row) {
		if fetched && t.Wakes > r.Seen {
			// A knock came while it was mapped: it is looked at before anything is sent.
			return
		}
		rev := r.current()
		rev.State, rev.Effect, rev.Cause, rev.Issues = Delivering, Unknown, "", nil
		rev.Posting, rev.Whole, rev.Reasons, rev.Mapping, rev.Sealed = posting, whole, reasons, m.version, ""
		rev.Generation = r.unused()
		r.Attempts++
		r.recovered()
		r.note(w.e.clock(), "mapped", "mapping "+m.version)
	})
	w.fresh = err == nil && w.r.current().State == Delivering
	return err
}

// maxStanding is how many revisions may stand beside one another in the target;
// a document that changes more often is for a person.
const maxStanding = 5

// changes compares what was mapped now with the whole of what stands.
func (w *work) changes(ctx context.Context, prior *revision, m mapped) (delta []byte, changed bool, err error) {
	old, err := w.stored(ctx, prior.sealer(), prior.whole())
	var gone *errGone
	if errors.As(err, &gone) && !w.r.Dropped.IsZero() {
		// Dropped after its time: its name alone tells whether it is the same.
		return nil, w.name("posting", prior.sealer(), m.posting) != prior.whole(), nil
	}
	if err != nil {
		return nil, false, err
	}
	return w.f.diff(old, m.posting)
}

// replace takes back an earlier revision that is not final in the target; the
// document is fetched again afterwards and posted whole in its place.
func (w *work) replace(ctx context.Context, earlier int64) error {
	return w.save(ctx, func(t *storage.Transfer, r *row) {
		r.current().State = Void
		r.note(w.e.clock(), "replaced", fmt.Sprintf("revision %d changes revision %d, which is not final: that one is taken back first", r.current().Number, earlier))
		rev := r.raise()
		rev.State, rev.Then, rev.Only, rev.Cause, rev.Issues = Reversing, Reversed, true, "", nil
		r.Outbox = slices.DeleteFunc(r.Outbox, func(s connector.Signal) bool { return s.Kind != connector.Paid })
		t.Wakes++
	})
}

// CodeSecondRevision is the code of a document that changed after it was posted.
const CodeSecondRevision = "second_revision"

func secondRevision(prior, rev *revision) connector.Issue {
	return connector.Issue{
		Code: CodeSecondRevision, Owner: connector.Finance,
		Value:   fmt.Sprintf("revision %d", rev.Number),
		Message: fmt.Sprintf("Revision %d was posted, and revision %d would post something else.", prior.Number, rev.Number),
		Remedy:  "Correct the posted AP invoices in the ERP by hand; this revision is never posted beside them.",
	}
}

// confirmWithout ends a revision that needs no delivery. With inherit it takes
// over what an earlier revision has standing in the target.
func (w *work) confirmWithout(ctx context.Context, version, cause, why string, inherit bool) error {
	return w.save(ctx, func(_ *storage.Transfer, r *row) {
		rev := r.current()
		rev.State, rev.Cause, rev.Issues, rev.Mapping = Confirmed, cause, nil, version
		if prior := r.effective(); inherit && prior != nil {
			// What stands bears the key of the revision that was delivered.
			rev.Effect, rev.Receipt, rev.Posting, rev.Whole, rev.Reasons = Effective, prior.Receipt, prior.Posting, prior.Whole, prior.Reasons
			rev.Generation, rev.Keyed, rev.Sealed = prior.Generation, prior.key(), prior.sealer()
			if prior.State != Confirmed {
				// Not final yet, or not looked up again yet.
				rev.State = Delivered
			}
			rev.Wanting, prior.Wanting = prior.Wanting, nil
			prior.Effect, prior.State = None, Void
		}
		r.recovered()
		r.note(w.e.clock(), "confirmed", why)
		if rev.State != Confirmed {
			return
		}
		if w.f.acknowledger() != nil {
			post(w.t.ID, r, connector.Signal{Kind: connector.Posted, Receipt: rev.Receipt})
		}
	})
}

// issues parks the document. A wait for something that the mirror may bring is
// noted first, and the document is mapped once more afterwards: it might have
// come between mapping and noting.
func (w *work) issues(ctx context.Context, is mapping.Issues) error {
	waits, _, err := w.await(ctx, is)
	if err != nil {
		return err
	}
	again := waits && !w.remapped
	w.remapped = true
	if again {
		return nil // the row is still pending: the next step maps it once more
	}
	details, err := w.details(ctx, is)
	if err != nil {
		return err
	}
	err = w.save(ctx, func(t *storage.Transfer, r *row) {
		w.park(t, r, is)
		r.current().Details = details
		w.letGo(t, r, time.Time{}, w.f.sourceQueue())
	})
	if err == nil {
		w.freed()
	}
	return err
}

package engine

import (
	"context"
	"errors"
	"fmt"
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
	m, err := w.f.mapContent(scope(ctx, w.t.Tenant, w.t.Document, 0), content)
	var issues mapping.Issues
	switch {
	case errors.As(err, &issues):
		return w.issues(ctx, issues)
	case err != nil:
		return err
	case m.empty && w.r.effective() == nil:
		return w.confirmWithout(ctx, m.version, CauseNothing, "nothing to post: every line is zero", false)
	}
	if prior := w.r.effective(); prior != nil {
		old, err := w.stored(ctx, prior.sealer(), prior.Posting)
		if err != nil {
			return err
		}
		same, err := w.f.same(old, m.posting)
		if err != nil {
			return err
		}
		if !same || m.empty {
			return w.issues(ctx, mapping.Issues{secondRevision(prior, rev)})
		}
		return w.confirmWithout(ctx, m.version, "", fmt.Sprintf("revision %d changes nothing that was posted", rev.Number), true)
	}
	posting, err := w.put(ctx, "posting", rev.Person, m.posting)
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
	err = w.save(ctx, func(_ *storage.Transfer, r *row) {
		rev := r.current()
		rev.State, rev.Effect, rev.Cause, rev.Issues = Delivering, Unknown, "", nil
		rev.Posting, rev.Reasons, rev.Mapping, rev.Sealed = posting, reasons, m.version, ""
		r.Attempts++
		r.recovered()
		r.note(w.e.clock(), "mapped", "mapping "+m.version)
	})
	w.fresh = err == nil
	return err
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
			rev.Effect, rev.Receipt, rev.Posting, rev.Reasons = Effective, prior.Receipt, prior.Posting, prior.Reasons
			rev.Generation, rev.Keyed, rev.Sealed = prior.Generation, prior.key(), prior.sealer()
			if prior.State != Confirmed {
				// Not final yet, or not looked up again yet.
				rev.State = Delivered
			}
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
	waits, err := w.await(ctx, is)
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

package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// fetch asks the source what the document is now and takes it into the row.
func (w *work) fetch(ctx context.Context) error {
	wakes := w.t.Wakes
	k := decodeKnock(w.t.Hint)
	if k.Hint == "" {
		k.Hint = w.r.Hint
	}
	ref := refOf(w.t.Document)
	ref.Hint = k.Hint
	var s snapshot
	var err error
	if w.given != nil {
		s, w.given = *w.given, nil
	} else {
		s, err = w.f.fetch(w.scope(ctx, 0), ref)
	}
	w.wakes = wakes
	learn := func(r *row) {
		r.Seen, r.Why, r.Missing = max(r.Seen, wakes), "", 0
		r.recovered()
		if k.Hint != "" {
			r.Hint = k.Hint
		}
		if k.Correlation != "" {
			r.Correlation = k.Correlation
		}
		if k.Version != "" {
			r.Version = k.Version
		}
	}
	if w.r.empty() && (err == nil || errors.Is(err, connector.ErrWithdrawn)) {
		n, nerr := w.e.noteOf(ctx, w.t.ID)
		if nerr != nil {
			return nerr
		}
		if n != nil {
			if err != nil {
				s.Phase = connector.Withdrawn
			}
			if handled, lerr := w.late(ctx, learn, n, s); handled || lerr != nil {
				return lerr
			}
		}
	}
	switch {
	case errors.Is(err, connector.ErrNotFound):
		// Not a withdrawal: what was delivered stays, since a document may be
		// archived, or looked for in the wrong place.
		k.Version = ""
		return w.gone(ctx, learn, k)
	case errors.Is(err, connector.ErrWithdrawn):
		return w.withdrawn(ctx, learn, "withdrawn at the source")
	case errors.Is(err, connector.ErrRejected) && !isOurs(err):
		var rej *connector.Rejection
		issues := []connector.Issue{{Code: CodeSourceRefused, Message: err.Error(), Owner: connector.ConcurAdmin, Remedy: "Mend what the message names at the source, then replay this document."}}
		if errors.As(err, &rej) && len(rej.Issues) > 0 {
			issues = rej.Issues
		}
		return w.parkNow(ctx, learn, issues)
	case err != nil:
		return err
	}
	switch s.Phase {
	case connector.Ready:
		return w.ready(ctx, learn, s)
	case connector.Withdrawn:
		return w.withdrawn(ctx, learn, s.Why)
	case connector.NotYet:
		return w.notYet(ctx, learn, s)
	default:
		return w.parkNow(ctx, learn, []connector.Issue{{
			Code: CodePhaseUnknown, Value: string(s.Phase), Owner: connector.IT,
			Message: "The source gave a phase that this version does not know.", Remedy: "Upgrade the connector, then replay this document.",
		}})
	}
}

// parkNow parks and lets go in one write. A revision that stands in the target
// keeps its state: what cannot be read now does not undo what was done.
func (w *work) parkNow(ctx context.Context, learn func(*row), issues []connector.Issue) error {
	_, noted, err := w.await(ctx, issues)
	if err != nil {
		return err
	}
	details, err := w.details(ctx, issues)
	if err != nil {
		return err
	}
	err = w.save(ctx, func(t *storage.Transfer, r *row) {
		learn(r)
		lookAgain(t, noted)
		if rev := r.current(); rev != nil && rev.Effect != None {
			r.note(w.e.clock(), "ignored", issues[0].Code)
		} else {
			w.park(t, r, issues)
			r.current().Details = details
		}
		w.letGo(t, r, w.pollDue(r), w.f.sourceQueue())
	})
	if err == nil {
		w.freed()
	}
	return err
}

// lookAgain knocks where a wait was noted for the first time: what is waited for
// may have come after it was asked for and before the note of it was there.
func lookAgain(t *storage.Transfer, noted bool) {
	if noted {
		t.Wakes++
	}
}

// await notes that the transfer waits for whatever the issues need. It reports
// whether there was anything, and whether a note of it is new.
func (w *work) await(ctx context.Context, issues []connector.Issue) (waits, noted bool, err error) {
	for _, i := range issues {
		if i.Needs == "" {
			continue
		}
		waits = true
		first, err := w.e.waitFor(ctx, w.t.ID, i.Needs)
		if err != nil {
			return true, noted, err
		}
		noted = noted || first
	}
	return waits, noted, nil
}

// maxMissing is how often in a row a document may not be found before it is
// taken for gone: a source's lists may lag, and one answer may come from the
// wrong place.
const maxMissing = 3

func (w *work) gone(ctx context.Context, learn func(*row), k knock) error {
	if w.r.Missing+1 >= maxMissing {
		// The version is forgotten, also that of an earlier fetch: a sweep that still
		// shows the document wakes it.
		forget := func(r *row) {
			learn(r)
			r.Version = ""
		}
		return w.void(ctx, forget, "no longer at the source", k.encode())
	}
	err := w.save(ctx, func(t *storage.Transfer, r *row) {
		r.Missing++
		r.Why = "the source does not find it"
		r.note(w.e.clock(), "missing", r.Why)
		r.Lease = time.Time{}
		t.Due, t.Queue = w.e.clock().Add(w.f.policy.wait(r.Missing)), w.f.sourceQueue()
	})
	if err == nil {
		w.freed()
	}
	return err
}

// void ends a revision that has no effect; one that has stays as it is.
func (w *work) void(ctx context.Context, learn func(*row), why, hint string) error {
	err := w.save(ctx, func(t *storage.Transfer, r *row) {
		learn(r)
		r.recovered()
		t.Hint = hint
		rev := r.current()
		if rev == nil {
			r.push(revision{Effect: None, Generation: 1})
			rev = r.current()
		}
		r.Why = why
		if rev.Effect == None && rev.State != Confirmed && rev.State != Reversed {
			rev.State, rev.Cause, rev.Issues = Void, "", nil
			r.unsay(rev.Number)
			r.note(w.e.clock(), "void", why)
			// What an earlier revision has standing in the target still stands.
			r.raise()
		} else {
			r.note(w.e.clock(), "ignored", why)
		}
		if w.again(r) {
			return
		}
		w.letGo(t, r, w.pollDue(r), w.f.sourceQueue())
	})
	if err == nil && w.r.Lease.IsZero() {
		w.freed()
	}
	return err
}

// again puts a parked revision that has, or may have, an effect back to where it
// is looked up in the target. It reports whether it did.
func (w *work) again(r *row) bool {
	rev := r.current()
	if rev == nil || rev.State != Parked || rev.Then != "" {
		return false
	}
	switch rev.Effect {
	case Unknown:
		rev.State = Delivering
	case Effective:
		rev.State = Delivered
	case None:
		return false
	}
	rev.Cause, rev.Issues = "", nil
	return true
}

// withdrawn voids what has no effect and begins to take back what has.
func (w *work) withdrawn(ctx context.Context, learn func(*row), why string) error {
	rev := w.r.current()
	standing := rev != nil && rev.Effect != None
	earlier := w.r.effective()
	if !standing && earlier == nil {
		return w.void(ctx, learn, why, w.t.Hint)
	}
	return w.save(ctx, func(_ *storage.Transfer, r *row) {
		learn(r)
		r.recovered()
		r.Why = why
		target := r.current()
		if target.Effect == None {
			// The newest revision never had an effect; what stands is an earlier one,
			// which becomes the current one again in order to be taken back.
			target.State = Void
			target = r.raise()
		}
		target.State, target.Then, target.Only, target.Cause, target.Issues = Reversing, Reversed, false, "", nil
		// The source has taken it back: what it was to be told is no longer true.
		r.Outbox = slices.DeleteFunc(r.Outbox, func(s connector.Signal) bool { return s.Kind != connector.Paid })
		r.note(w.e.clock(), "recalled", why)
	})
}

// notYet lets a document that is not approved rest. One of which a delivery is
// unresolved is looked for first: what stands whole was delivered while it was
// approved, and half a set is taken back. Until then the knock stays unanswered,
// so that the document is fetched again after that, also after a crash.
func (w *work) notYet(ctx context.Context, learn func(*row), s snapshot) error {
	if rev := w.r.current(); rev != nil && rev.Effect == Unknown {
		w.unapproved = "not approved any more: " + s.Why
		return nil
	}
	err := w.save(ctx, func(t *storage.Transfer, r *row) {
		learn(r)
		rev := r.current()
		switch {
		case rev != nil && rev.State == Returned && r.wasReturned(s.Revision, s.Handle):
			r.note(w.e.clock(), "ignored", s.Why)
		case rev != nil && rev.Effect == Effective:
			r.note(w.e.clock(), "ignored", "not approved any more, but delivered: "+s.Why)
			if w.again(r) {
				return
			}
		case rev != nil && rev.State == Confirmed:
			r.note(w.e.clock(), "ignored", s.Why)
		case r.effective() != nil:
			// The row says what stands in the target until a new revision is approved.
			rev.State, rev.Cause, rev.Issues = Void, "", nil
			r.unsay(rev.Number)
			r.note(w.e.clock(), "waiting", s.Why)
			r.raise()
			if w.again(r) {
				return
			}
		default:
			if rev == nil || rev.Number != s.Revision || rev.Content != "" {
				if rev != nil && rev.Effect == None && rev.State != Confirmed && rev.State != Reversed {
					rev.State = Void
					r.unsay(rev.Number)
				}
				r.push(revision{Number: s.Revision, Effect: None, Generation: r.generation()})
				rev = r.current()
			}
			rev.State, rev.Cause, rev.Issues = Waiting, "", nil
			rev.Handle, rev.Person, rev.Totals, rev.Period = s.Handle, s.Person, s.Totals, s.Period
			r.Why = s.Why
			r.note(w.e.clock(), "waiting", s.Why)
		}
		w.letGo(t, r, w.pollDue(r), w.f.sourceQueue())
	})
	if err == nil && w.r.Lease.IsZero() {
		w.freed()
	}
	return err
}

// ready takes a finally approved document in.
func (w *work) ready(ctx context.Context, learn func(*row), s snapshot) error {
	cur := w.r.current()
	if w.r.wasReturned(s.Revision, s.Handle) {
		return w.ignore(ctx, learn, fmt.Sprintf("revision %d was returned to the source: only a later one is taken", s.Revision))
	}
	if cur != nil && cur.Content != "" {
		switch {
		case s.Revision < cur.Number:
			return w.ignore(ctx, learn, fmt.Sprintf("revision %d is older than %d", s.Revision, cur.Number))
		case s.Revision == cur.Number && cur.Effect == Unknown:
			return w.ignore(ctx, learn, "its outcome is to be resolved first")
		case s.Revision > cur.Number && cur.Effect == Unknown:
			// Revision n is resolved first; it is parked with an unknown outcome. The
			// knock stays unanswered, so that this one is fetched again then.
			return w.ignore(ctx, func(*row) {}, fmt.Sprintf("revision %d waits until revision %d is resolved", s.Revision, cur.Number))
		}
	}
	// Looked at before it is stored: what was dropped on purpose does not come back
	// with a late event.
	if cur != nil && s.Revision == cur.Number && w.name("document", s.Person, s.Content) == cur.Content && (cur.Effect != None || cur.State == Confirmed) {
		return w.ignore(ctx, learn, "nothing new")
	}
	name, err := w.put(ctx, "document", s.Person, s.Content)
	if err != nil {
		return err
	}
	take := func(t *storage.Transfer, r *row) {
		learn(r)
		rev := r.current()
		// A source may change what it calls the same revision. What was posted of it
		// is then compared like that of an earlier one. The content of a revision that never had an effect may still change, and
		// a revision that was only waited for is this one.
		reuse := rev != nil && rev.Effect == None && rev.State != Confirmed && (rev.Number == s.Revision || rev.Content == "")
		if !reuse {
			if rev != nil && rev.Effect == None && rev.State != Confirmed && rev.State != Reversed {
				rev.State = Void
				r.unsay(rev.Number)
			}
			r.push(revision{Effect: None, Generation: r.generation()})
			rev = r.current()
		} else {
			r.unsay(rev.Number)
		}
		least := r.afterReturned(s.Revision, s.Handle)
		if w.past != nil {
			// No number of the row that was purged is used again.
			rev.Generation = max(rev.Generation, w.past.least(s.Revision))
			r.Returned, r.ReturnedAs = w.past.Returned, w.past.ReturnedAs
		}
		rev.Generation = max(rev.Generation, least)
		// Another flow's notice may have come meanwhile; from now on it is ignored.
		r.Owner, t.Flow = w.f.name, w.f.name
		rev.Number, rev.Handle, rev.Person = s.Revision, s.Handle, s.Person
		rev.Totals, rev.Period, rev.Content = s.Totals, s.Period, name
		rev.State, rev.Cause, rev.Issues, rev.Details, rev.Then, rev.ReturnAt = Pending, "", nil, "", "", time.Time{}
		r.note(w.e.clock(), "fetched", fmt.Sprintf("revision %d: %s", s.Revision, s.Why))
		if w.f.acknowledger() != nil {
			post(w.t.ID, r, connector.Signal{Kind: connector.Taken})
		}
	}
	if w.sweeping || w.f.acknowledger() != nil || !w.r.empty() {
		return w.save(ctx, take)
	}
	// Nobody is told, and nothing was ever sent: a row that said only that it was
	// fetched would save a restart nothing but the fetch.
	t := w.t
	r, err := decode(t)
	if err != nil {
		return err
	}
	take(&t, &r)
	w.r, w.taken = r, take
	return nil
}

func (w *work) ignore(ctx context.Context, learn func(*row), why string) error {
	return w.save(ctx, func(_ *storage.Transfer, r *row) {
		learn(r)
		r.note(w.e.clock(), "ignored", why)
		w.again(r)
	})
}

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

// delivery builds what the sink gets from the stored posting, never from a new
// mapping.
func (w *work) delivery(ctx context.Context) (delivery, error) {
	return w.deliveryOf(ctx, w.r.current())
}

// deliveryOf is the delivery of a revision, the current one or one that stands.
func (w *work) deliveryOf(ctx context.Context, rev *revision) (delivery, error) {
	b, err := w.stored(ctx, rev.sealer(), rev.Posting)
	if err != nil {
		return delivery{}, err
	}
	ref := refOf(w.t.Document)
	ref.Hint = w.r.Hint
	return delivery{
		Tenant: w.t.Tenant, Target: w.t.Target, Ref: ref,
		Revision: rev.key(), Generation: rev.Generation, Posting: b,
	}, nil
}

// attempt names one happening in the audit: a repeat after a crash bears the
// same name.
func attempt(d delivery, what string, n int) string {
	return d.Key() + "/" + what + "/" + strconv.Itoa(n)
}

// find looks in the target and goes on by what stands there.
func (w *work) find(ctx context.Context) error {
	unapproved := w.unapproved
	w.unapproved = ""
	d, err := w.delivery(ctx)
	if err != nil {
		return err
	}
	got, err := w.f.find(w.scope(ctx, w.r.Attempts), d)
	if err != nil {
		return w.cannotLook(ctx, err)
	}
	if w.r.current().Effect == Effective {
		return w.polled(ctx, d, got)
	}
	switch got.Presence {
	case connector.Same:
		return w.made(ctx, d, got.Receipt, "found")
	case connector.Absent, connector.Partial:
		if unapproved != "" {
			return w.backOut(ctx, got, unapproved)
		}
		err := w.save(ctx, func(_ *storage.Transfer, r *row) {
			rev := r.current()
			rev.State, rev.Effect, rev.Cause, rev.Issues = Delivering, Unknown, "", nil
			r.Attempts++
			r.note(w.e.clock(), "looked", string(got.Presence)+" in the target; sending the stored posting")
		})
		w.fresh = err == nil
		return err
	case connector.Different:
		return w.different(ctx, d, got.Why)
	}
	return fmt.Errorf("engine: sink answered presence %q, which is none of the contract's", got.Presence)
}

// backOut begins to take back what stands of a set that is no longer to be
// completed, also where nothing was found: what is still on its way bears the key.
// The knock that told of it is unanswered, so the document is fetched again then.
func (w *work) backOut(ctx context.Context, got connector.Finding, why string) error {
	return w.save(ctx, func(_ *storage.Transfer, r *row) {
		rev := r.current()
		rev.State, rev.Then, rev.Cause, rev.Issues, rev.Details = Reversing, Parked, "", nil, ""
		r.recovered()
		r.note(w.e.clock(), "looked", string(got.Presence)+" in the target; taking it back: "+why)
	})
}

// CodeDiffers is the code of a document for which something else stands in the
// target.
const CodeDiffers = "target_differs"

func (w *work) different(ctx context.Context, d delivery, why string) error {
	why = clip(why)
	if err := w.record(ctx, "deliver", "differs", attempt(d, "differs", w.r.Attempts), map[string]any{"why": why}); err != nil {
		return err
	}
	err := w.save(ctx, func(t *storage.Transfer, r *row) {
		r.Audited = len(r.History)
		w.park(t, r, []connector.Issue{{
			Code: CodeDiffers, Owner: connector.Finance, Message: why,
			Remedy: "Compare the document with what stands in the ERP; remove or correct what is in the way, then replay this document.",
		}})
		w.letGo(t, r, time.Time{}, w.f.sourceQueue())
	})
	if err == nil {
		w.freed()
	}
	return err
}

// cannotLook turns the error of a Find into one that fail takes; a rejection
// has no meaning there.
func (w *work) cannotLook(_ context.Context, err error) error {
	if errors.Is(err, connector.ErrRejected) && !isOurs(err) {
		return fmt.Errorf("engine: could not look in the target: %s", err.Error())
	}
	return err
}

// deliver sends the stored posting. The attempt is in the audit trail before.
func (w *work) deliver(ctx context.Context) error {
	// Whatever happens now, something may have been sent.
	w.fresh = false
	d, err := w.delivery(ctx)
	if err != nil {
		return err
	}
	if err := w.sweepUp(ctx, d); err != nil || w.released {
		return err
	}
	// As a rule it was traced before the intent.
	w.trace(d.Key())
	if err := w.flush(ctx); err != nil {
		w.unsent = true
		return err
	}
	rev := w.r.current()
	n := w.r.Attempts
	err = w.record(ctx, "deliver", "attempt", attempt(d, "deliver", n), map[string]any{
		"attempt": n, "revision": d.Revision, "generation": d.Generation, "key": d.Key(), "mapping": rev.Mapping, "totals": rev.Totals,
	})
	if err != nil {
		w.unsent = true
		return err
	}
	if err := w.mine(); err != nil {
		w.unsent = true
		return err
	}
	receipt, err := w.f.deliver(w.scope(ctx, n), d)
	switch {
	case err == nil:
		return w.made(ctx, d, receipt, "made")
	case isOurs(err):
		return err
	case errors.Is(err, connector.ErrRejected):
		return w.refused(ctx, d, err)
	}
	if aerr := w.record(ctx, "deliver", "unknown", attempt(d, "unknown", n), map[string]any{"attempt": n, "error": clip(err.Error())}); aerr != nil {
		return aerr
	}
	return err
}

// sweepUp takes back once more, before anything is sent, what was taken back of
// this transfer: a worker that was paused in the middle of that delivery may have
// gone on since, and another key and number would let both stand.
func (w *work) sweepUp(ctx context.Context, d delivery) error {
	n := w.r.Attempts
	for _, b := range w.r.Back {
		if w.r.bears(b) {
			continue
		}
		old := d
		old.Revision, old.Generation = b.Revision, b.Generation
		err := w.record(ctx, "reverse", "again", attempt(old, "again", n), map[string]any{"key": old.Key(), "before": d.Key()})
		if err == nil {
			err = w.mine()
		}
		if err != nil {
			w.unsent = true
			return err
		}
		receipt, err := w.f.reverse(w.scope(ctx, n), old)
		if errors.Is(err, connector.ErrRejected) && !isOurs(err) {
			return w.stuck(ctx, old, err)
		}
		if err != nil {
			return err
		}
		if len(receipt.Made) == 0 {
			continue
		}
		if err := w.record(ctx, "reverse", "done", attempt(old, "swept", n), map[string]any{"key": old.Key(), "receipt": evidence(receipt)}); err != nil {
			return err
		}
	}
	return nil
}

// made writes down that the posting stands in the target.
func (w *work) made(ctx context.Context, d delivery, receipt connector.Receipt, how string) error {
	n := w.r.Attempts
	err := w.record(ctx, "deliver", how, attempt(d, how, n), map[string]any{"attempt": n, "key": d.Key(), "receipt": evidence(receipt)})
	if err != nil {
		return err
	}
	return w.settled(ctx, receipt, how)
}

// settled moves the row to delivered, or on to confirmed when the receipt is
// final.
func (w *work) settled(ctx context.Context, receipt connector.Receipt, how string) error {
	tell := w.f.acknowledger() != nil
	done := false
	err := w.save(ctx, func(t *storage.Transfer, r *row) {
		rev := r.current()
		rev.State, rev.Effect, rev.Receipt, rev.Cause, rev.Issues = Delivered, Effective, &receipt, "", nil
		r.Why = ""
		r.recovered()
		r.Audited = len(r.History)
		r.note(w.e.clock(), how, numbers(receipt))
		rev.Wanting = nil
		if done = false; receipt.Final {
			rev.State = Confirmed
			w.want(rev)
			if tell {
				post(w.t.ID, r, connector.Signal{Kind: connector.Posted, Receipt: rev.Receipt})
				return
			}
		}
		if t.Wakes > r.Seen {
			return
		}
		done = true
		w.letGo(t, r, w.pollDue(r), w.f.targetQueue())
	})
	if err == nil && done {
		w.freed()
	}
	return err
}

// pollDue returns when a receipt that is not final is looked at again.
func (w *work) pollDue(r *row) time.Time {
	if rev := r.current(); rev != nil && rev.State == Delivered {
		return w.e.clock().Add(w.f.policy.Poll)
	}
	return time.Time{}
}

// CodeDrift is the code of a posting that was changed or removed in the target
// after it was delivered.
const CodeDrift = "drift"

// polled goes on with a posting that was delivered and not final.
func (w *work) polled(ctx context.Context, d delivery, got connector.Finding) error {
	if got.Presence == connector.Same {
		if got.Receipt.Final {
			return w.made(ctx, d, got.Receipt, "found")
		}
		err := w.save(ctx, func(t *storage.Transfer, r *row) {
			r.Why = ""
			r.recovered()
			w.letGo(t, r, w.pollDue(r), w.f.targetQueue())
		})
		if err == nil {
			w.freed()
		}
		return err
	}
	why := clip(got.Why)
	if why == "" {
		why = "what was delivered is " + string(got.Presence) + " now"
	}
	if err := w.record(ctx, "deliver", "drift", attempt(d, "drift", w.r.Attempts), map[string]any{"presence": got.Presence, "why": why}); err != nil {
		return err
	}
	err := w.save(ctx, func(t *storage.Transfer, r *row) {
		w.park(t, r, []connector.Issue{{
			Code: CodeDrift, Owner: connector.Finance, Message: why,
			Remedy: "Somebody changed or removed in the ERP what had been delivered. Put it back there, then replay this document; it is never delivered a second time.",
		}})
		// The effect stays made: a replay looks again and never delivers.
		w.letGo(t, r, time.Time{}, w.f.sourceQueue())
	})
	if err == nil {
		w.freed()
	}
	return err
}

// refused begins to take back what a refused set may have left, before the
// document is parked.
func (w *work) refused(ctx context.Context, d delivery, cause error) error {
	issues := []connector.Issue{{
		Code: CodeRefused, Owner: connector.Finance, Message: cause.Error(),
		Remedy: "Mend what the message names, then replay this document.",
	}}
	var rej *connector.Rejection
	if errors.As(cause, &rej) && len(rej.Issues) > 0 {
		issues = rej.Issues
	}
	_, noted, err := w.await(ctx, issues)
	if err != nil {
		return err
	}
	details, err := w.details(ctx, issues)
	if err != nil {
		return err
	}
	n := w.r.Attempts
	if err := w.record(ctx, "deliver", "refused", attempt(d, "refused", n), map[string]any{"attempt": n, "issues": public(issues)}); err != nil {
		return err
	}
	return w.save(ctx, func(t *storage.Transfer, r *row) {
		lookAgain(t, noted)
		rev := r.current()
		rev.State, rev.Then, rev.Issues, rev.Details = Reversing, Parked, public(issues), details
		rev.Cause = issues[0].Code
		r.Audited = len(r.History)
		r.note(w.e.clock(), "refused", issues[0].String())
	})
}

// evidence is a receipt as the trail keeps it: the name of a party may be a
// person's.
func evidence(r connector.Receipt) connector.Receipt {
	r.Made = slices.Clone(r.Made)
	for i := range r.Made {
		r.Made[i].Party = ""
	}
	return r
}

// public leaves personal values out of what rows and the trail keep in the open.
func public(is []connector.Issue) []connector.Issue {
	out := append([]connector.Issue(nil), is...)
	for i := range out {
		if out[i].Personal {
			out[i].Value = ""
		}
	}
	return out
}

// reverse takes back whatever bears the key.
func (w *work) reverse(ctx context.Context) error {
	d, err := w.delivery(ctx)
	if err != nil {
		return err
	}
	n := w.r.Attempts
	if err := w.record(ctx, "reverse", "attempt", attempt(d, "reverse", n), map[string]any{"key": d.Key(), "then": w.r.current().Then}); err != nil {
		return err
	}
	if err := w.mine(); err != nil {
		return err
	}
	receipt, err := w.f.reverse(w.scope(ctx, n), d)
	if errors.Is(err, connector.ErrRejected) && !isOurs(err) {
		return w.stuck(ctx, d, err)
	}
	if err != nil {
		return err
	}
	if err := w.record(ctx, "reverse", "done", attempt(d, "reversed", n), map[string]any{"key": d.Key(), "receipt": evidence(receipt)}); err != nil {
		return err
	}
	then, only := w.r.current().Then, w.r.current().Only
	if then == Parked && w.t.Wakes > w.r.Seen {
		// Something new came meanwhile: look at it before a person is asked.
		then = Pending
	}
	err = w.save(ctx, func(t *storage.Transfer, r *row) {
		rev := r.current()
		r.back(rev)
		rev.Effect, rev.Then, rev.Only, rev.Receipt, rev.Keyed, rev.Wanting = None, "", false, nil, 0, nil
		rev.Generation++
		rev.State = then
		r.recovered()
		r.Audited = len(r.History)
		r.note(w.e.clock(), "reversed", numbers(receipt))
		switch details := rev.Details; then {
		case Parked:
			w.park(t, r, rev.Issues)
			rev.Details = details
		default:
			rev.Cause, rev.Issues, rev.Details = "", nil, ""
		}
		if then == Reversed && !only && r.effective() != nil {
			// A delta is gone, what it changed still stands: all of the document is recalled.
			next := r.raise()
			next.State, next.Then, next.Cause, next.Issues = Reversing, Reversed, "", nil
			return
		}
		if t.Wakes <= r.Seen {
			w.letGo(t, r, time.Time{}, w.f.sourceQueue())
		}
	})
	if err == nil && w.r.Lease.IsZero() {
		w.freed()
	}
	return err
}

// stuck parks a reversal that the target refuses; a replay tries it again.
func (w *work) stuck(ctx context.Context, d delivery, cause error) error {
	issues := []connector.Issue{{
		Code: CodeReversalRefused, Owner: connector.Finance, Message: cause.Error(),
		Remedy: "Take the AP invoices back in the ERP, then replay this document.",
	}}
	var rej *connector.Rejection
	if errors.As(cause, &rej) && len(rej.Issues) > 0 {
		issues = rej.Issues
	}
	_, noted, err := w.await(ctx, issues)
	if err != nil {
		return err
	}
	if err := w.record(ctx, "reverse", "refused", attempt(d, "reverse-refused", w.r.Attempts), map[string]any{"issues": public(issues)}); err != nil {
		return err
	}
	err = w.save(ctx, func(t *storage.Transfer, r *row) {
		lookAgain(t, noted)
		then := r.current().Then
		w.park(t, r, issues)
		r.current().Then, r.current().Effect = then, Unknown
		w.letGo(t, r, time.Time{}, w.f.sourceQueue())
	})
	if err == nil {
		w.freed()
	}
	return err
}

// trace saves, before the next write of the row, which transfer a key belongs to,
// so that a payment can be traced.
func (w *work) trace(key string) {
	if w.traced == key {
		return
	}
	w.traced = key
	w.ahead = append(w.ahead, func(ctx context.Context) error {
		b, err := marshal(w.t.ID)
		if err != nil {
			return err
		}
		_, err = w.e.store.Save(ctx, storage.Value{Tenant: w.t.Tenant, Name: "key/" + key, Data: b})
		if err != nil && !errors.Is(err, storage.ErrConflict) {
			return ours("save key", err)
		}
		return nil
	})
}

func numbers(r connector.Receipt) string {
	s := ""
	for i, m := range r.Made {
		if i > 0 {
			s += ", "
		}
		s += m.Number
	}
	return s
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// The waits between tries of something that is missing.
const (
	minAttachWait = time.Minute
	maxAttachWait = 6 * time.Hour
	maxLines      = 20 // lines of what is missing that a row keeps
)

// wanting says that something which belongs to a revision that stands is missing.
type wanting struct {
	Tries int       `json:"tries,omitempty"` // that were made
	Due   time.Time `json:"due"`             // of the next one
}

// format returns the shape that a row has to be written in.
func (r *row) format() int {
	if r.wanting() != nil {
		return formatWanting
	}
	return formatPlain
}

// wanting returns the revision of which something is missing that is due first.
func (r *row) wanting() *revision {
	var first *revision
	for i := range r.Revisions {
		if v := &r.Revisions[i]; v.Wanting != nil && (first == nil || v.Wanting.Due.Before(first.Wanting.Due)) {
			first = v
		}
	}
	return first
}

// idle reports whether nothing but something missing may make a row due.
func (r *row) idle() bool {
	rev := r.current()
	return rev != nil && rev.State == Confirmed && r.wanting() != nil && len(r.Outbox) == 0
}

// wants returns the revision to which something is to be added, nil when none is.
// Whatever else the row needs comes first; a revision that is not final, that its
// source could not be told of, or that is being taken back waits.
func (w *work) wants(r *row) *revision {
	rev := r.current()
	if rev == nil || len(r.Outbox) > 0 || !w.f.attaches() {
		return nil
	}
	switch rev.State {
	case Confirmed, Parked, Returned:
	case Received, Waiting, Pending, Delivering, Delivered, Reversing, Reversed, Void:
		return nil
	}
	if v := r.wanting(); v != nil && rev.Then == "" && v.Effect == Effective && v.State == Confirmed {
		return v
	}
	return nil
}

// want notes that something of a revision that is final is missing, in the write
// that makes it final.
func (w *work) want(rev *revision) {
	rev.Receipt.Missing = lines(rev.Receipt.Missing)
	if len(rev.Receipt.Missing) > 0 && w.f.attaches() && w.f.policy.AttachTries > 0 {
		rev.Wanting = &wanting{Due: w.attachDue(1, 0)}
	}
}

// attachDue is when the nth try is due. A store keeps microseconds: the row must not
// be due before its mark is.
func (w *work) attachDue(n int, after time.Duration) time.Time {
	return w.e.clock().Add(max(after, backoff(minAttachWait, maxAttachWait, n))).Truncate(time.Microsecond)
}

// lines bounds what an end says.
func lines(in []string) []string {
	var out []string
	for _, s := range in[:min(len(in), maxLines)] {
		out = append(out, clip(s))
	}
	return out
}

// attach adds what is missing to a posting that stands and is final. Whatever comes
// of it changes nothing of the posting, nor of what its source was told.
func (w *work) attach(ctx context.Context) error {
	v := w.wants(&w.r)
	number, n := v.Number, v.Wanting.Tries+1
	d, err := w.deliveryOf(ctx, v)
	var gone *errGone
	if errors.As(err, &gone) {
		return w.attached(ctx, number, connector.Attached{Lost: append(slices.Clone(v.Receipt.Missing), gone.Error())})
	}
	if err != nil {
		return err
	}
	if err := w.record(ctx, "attach", "attempt", attempt(d, "attach", n), map[string]any{"attempt": n, "key": d.Key(), "missing": v.Receipt.Missing}); err != nil {
		return err
	}
	got, err := w.f.attach(w.scope(ctx, w.r.Attempts), d)
	if errors.Is(err, connector.ErrRejected) && !isOurs(err) {
		got, err = connector.Attached{Lost: append(slices.Clone(v.Receipt.Missing), err.Error())}, nil
	}
	if err != nil {
		return err
	}
	got = connector.Attached{Added: lines(got.Added), Missing: lines(got.Missing), Lost: lines(got.Lost)}
	outcome := "done"
	if len(got.Missing) > 0 || len(got.Lost) > 0 {
		outcome = "missing"
	}
	if err := w.record(ctx, "attach", outcome, attempt(d, "attach-"+outcome, n), map[string]any{
		"attempt": n, "key": d.Key(), "added": got.Added, "missing": got.Missing, "lost": got.Lost,
	}); err != nil {
		return err
	}
	return w.attached(ctx, number, got)
}

// attached writes down what came of a try, and when the next one is.
func (w *work) attached(ctx context.Context, number int64, got connector.Attached) error {
	return w.save(ctx, func(_ *storage.Transfer, r *row) {
		r.Audited = len(r.History)
		v := r.wanted(number)
		if v == nil {
			return
		}
		v.Wanting.Tries++
		if len(got.Added) > 0 {
			r.note(w.e.clock(), "attached", strings.Join(got.Added, "; "))
		}
		if len(got.Lost) > 0 {
			r.note(w.e.clock(), "not attached", "to be added by hand: "+strings.Join(got.Lost, "; "))
		}
		w.tryAgain(r, v, got.Missing, 0)
		// What is lost stays missing, though nobody tries it any more.
		missing := append(slices.Clone(got.Missing), got.Lost...)
		receipt := *v.Receipt
		receipt.Missing = lines(missing)
		v.Receipt = &receipt
	})
}

// wanted returns the revision of a number of which something is missing.
func (r *row) wanted(number int64) *revision {
	for i := range r.Revisions {
		if v := &r.Revisions[i]; v.Number == number && v.Wanting != nil && v.Effect == Effective {
			return v
		}
	}
	return nil
}

// tryAgain puts off what is missing, or gives it up: a person is told in the
// history.
func (w *work) tryAgain(r *row, v *revision, missing []string, after time.Duration) {
	now := w.e.clock()
	tries := v.Wanting.Tries
	switch {
	case len(missing) == 0:
		v.Wanting = nil
	case tries >= w.f.policy.AttachTries:
		v.Wanting = nil
		r.note(now, "not attached", fmt.Sprintf("given up after %d tries, to be added by hand: %s", tries, strings.Join(missing, "; ")))
	default:
		v.Wanting.Due = w.attachDue(tries+1, after)
		r.note(now, "not attached", "will be tried again: "+strings.Join(missing, "; "))
	}
}

// attachFailed puts a try off whose target could not be looked at. A target that is
// down for everybody costs no try, and no state changes because of it.
func (w *work) attachFailed(ctx context.Context, after time.Duration, counts bool, why string) error {
	err := w.save(ctx, func(t *storage.Transfer, r *row) {
		if v := w.wants(r); v != nil {
			if counts {
				v.Wanting.Tries++
			}
			w.tryAgain(r, v, []string{why}, after)
		}
		w.letGo(t, r, time.Time{}, w.f.sourceQueue())
	})
	if err == nil {
		w.freed()
	}
	return err
}

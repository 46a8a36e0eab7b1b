package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// maxPayments is how many payments a row remembers, the newest ones. One that
// was forgotten and is shown again is told again, under the same signal ID.
const maxPayments = 100

func paymentsName(target string) string { return "payments/" + digest(target) }

// payments reports whether a flow is the one that asks its target for payments:
// the first of the target's flows whose source wants to be told.
func (e *Engine) payments(f *flow) bool {
	for _, have := range e.all() {
		if have.tenant == f.tenant && have.target == f.target && have.payer() != nil && have.acknowledger() != nil {
			return have == f
		}
	}
	return false
}

// Payments asks a flow's target what was paid of what the engine delivered
// there, as the engine does by itself every Policy.Payments, and returns when the
// signals to the sources are durable. It does nothing when the sink is no
// connector.Payer, and leaves a target to another process that asks it at the
// moment.
func (e *Engine) Payments(ctx context.Context, tenant, flow string) error {
	f := e.flow(tenant, flow)
	if f == nil {
		return fmt.Errorf("engine: tenant %q has no flow %q", tenant, flow)
	}
	return e.collect(ctx, f)
}

func (e *Engine) collect(ctx context.Context, f *flow) error {
	if f.payer() == nil {
		return nil
	}
	return e.pages(ctx, f, paymentsName(f.target), e.paymentPage)
}

// paymentPage takes one page of payments in; more says that there is another.
func (e *Engine) paymentPage(ctx context.Context, f *flow, c *cursor) (more bool, err error) {
	var ps []connector.Payment
	var next connector.Cursor
	err = e.ask(ctx, f, f.targetSystem(), "the target", func() (err error) {
		defer e.guard(ctx, "payments of target "+f.target, &err)
		ps, next, more, err = f.payer().Payments(scope(ctx, f.tenant, "payments/"+f.target, 0), c.At)
		return err
	})
	if err != nil {
		return false, err
	}
	altered := 0
	for _, p := range ps {
		ok, err := e.paid(ctx, f, p)
		if err != nil {
			return false, err
		}
		if ok {
			altered++
		}
	}
	if altered > 0 {
		e.kick()
	}
	more = more && next != c.At
	c.At = next
	c.Found += int64(altered)
	return more, nil
}

// paid writes a payment into the row of what was paid, with the signal to its
// source. It reports whether the row did not know it.
func (e *Engine) paid(ctx context.Context, f *flow, p connector.Payment) (bool, error) {
	id, err := e.ByKey(ctx, f.tenant, p.Key)
	if errors.Is(err, storage.ErrNotFound) {
		e.log.WarnContext(ctx, "payment of something that is not ours", "tenant", f.tenant, "target", f.target, "payment", p.ID)
		return false, nil
	}
	if err != nil {
		return false, ours("read key", err)
	}
	recorded := false
	for {
		t, err := e.store.Get(ctx, id)
		if errors.Is(err, storage.ErrNotFound) {
			e.log.WarnContext(ctx, "payment of a transfer that was purged", "tenant", f.tenant, "document", id.Document, "payment", p.ID)
			return false, nil
		}
		if err != nil {
			return false, ours("read transfer", err)
		}
		r, err := decode(t)
		var newer *errNewer
		if errors.As(err, &newer) {
			return false, err // the cursor stays: a newer process tells of it
		}
		if err != nil {
			e.log.ErrorContext(ctx, "payment of a transfer that cannot be read", "document", id.Document, "payment", p.ID, "error", err)
			return false, nil
		}
		if slices.ContainsFunc(r.Payments, func(have connector.Payment) bool { return have.ID == p.ID }) {
			return false, nil
		}
		s := paidSignal(t, &r, p)
		if !recorded {
			if err := e.recordPaid(ctx, t, s); err != nil {
				return false, err
			}
			recorded = true
		}
		now := e.clock()
		noted := p
		noted.Key = ""
		r.Payments = append(r.Payments, noted)
		if cut := len(r.Payments) - maxPayments; cut > 0 {
			r.Payments = slices.Clone(r.Payments[cut:])
		}
		r.note(now, "paid", fmt.Sprintf("%s %s %s", p.Kind, p.Amount.Amount, p.Amount.Currency))
		if owner := e.flow(t.Tenant, t.Flow); owner == nil || owner.acknowledger() != nil {
			r.Outbox = append(r.Outbox, s)
			if r.Lease.After(now) {
				t.Wakes++ // its worker sees it when it lets go
			} else {
				t.Due, t.Queue = sooner(t.Due, now), queueOf(t.Tenant, t.Flow, "source")
			}
		}
		if err := encode(&t, &r); err != nil {
			return false, err
		}
		if _, err = e.store.Update(ctx, t); err == nil {
			e.idle.drop(id)
			return true, nil
		}
		if !errors.Is(err, storage.ErrConflict) {
			return false, ours("note payment", err)
		}
	}
}

// paidSignal names the revision whose key what was paid bears.
func paidSignal(t storage.Transfer, r *row, p connector.Payment) connector.Signal {
	s := connector.Signal{Kind: connector.Paid, Payment: &p, Ref: refOf(t.Document)}
	s.ID = digest(t.Tenant, t.Target, t.Document, string(connector.Paid), p.ID)
	s.Ref.Hint = r.Hint
	for i := len(r.Revisions) - 1; i >= 0; i-- {
		rev := &r.Revisions[i]
		d := delivery{Tenant: t.Tenant, Target: t.Target, Ref: s.Ref, Revision: rev.key(), Generation: rev.Generation}
		if s.Handle == "" && i == len(r.Revisions)-1 || d.Key() == p.Key {
			s.Revision, s.Handle, s.Receipt = rev.Number, rev.Handle, shorten(rev.Receipt)
		}
		if d.Key() == p.Key {
			break
		}
	}
	return s
}

func (e *Engine) recordPaid(ctx context.Context, t storage.Transfer, s connector.Signal) error {
	b, err := marshal(map[string]any{"payment": s.Payment, "revision": s.Revision})
	if err != nil {
		return err
	}
	return ours("record payment", e.trail.Append(ctx, audit.Record{
		Tenant: t.Tenant, ID: s.ID + "/seen", Actor: "engine", Action: "pay", Subject: t.Document, Outcome: "seen", Detail: b,
	}))
}

// collectLoop asks for payments from time to time.
func (e *Engine) collectLoop(ctx context.Context, f *flow) {
	e.repeat(ctx, f, "payments", f.policy.Payments, func() error { return e.collect(ctx, f) })
}

// repeat does something every so often until ctx ends, sooner after a failure.
func (e *Engine) repeat(ctx context.Context, f *flow, what string, every time.Duration, do func() error) {
	failures := 0
	for {
		wait := every
		if err := do(); err != nil {
			if ctx.Err() != nil {
				return
			}
			failures++
			wait = min(wait, f.policy.wait(failures))
			e.log.WarnContext(ctx, what+" failed, will be tried again", "tenant", f.tenant, "flow", f.name, "error", err)
		} else {
			failures = 0
		}
		sleep(ctx, wait)
		if ctx.Err() != nil {
			return
		}
	}
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Plan says what a replay would do. It is plain data: it can be stored, shown,
// and approved by a second person.
type Plan struct {
	Items []PlanItem `json:"items"`
}

// PlanItem is one transfer in a Plan.
type PlanItem struct {
	ID     storage.ID        `json:"id"`
	Rev    string            `json:"rev"` // of the row when the plan was made
	State  State             `json:"state"`
	Cause  string            `json:"cause"`
	Action ReplayAction      `json:"action"`
	Totals []connector.Total `json:"totals,omitempty"`
	// Returnable: nothing of it stands in the target, and its source wants to be
	// told, so that Return may give it back.
	Returnable bool `json:"returnable,omitempty"`
	// Outlook, Why and Issues are what Preview foresees.
	Outlook Outlook           `json:"outlook,omitempty"`
	Why     string            `json:"why,omitempty"`
	Issues  []connector.Issue `json:"issues,omitempty"` // without personal values
}

// ReplayAction says what a replay does with a transfer.
type ReplayAction string

// What a replay does.
const (
	ReplayMap     ReplayAction = "fetch, map and post" // nothing stands in the target
	ReplayLook    ReplayAction = "look in the target"  // something stands there, or may
	ReplayReverse ReplayAction = "take back"           // a reversal is to be finished
)

// Plan returns what Replay would do with the parked transfers that a query
// selects. State may be empty or "parked".
func (e *Engine) Plan(ctx context.Context, q storage.Query) (Plan, error) {
	if q.State != "" && q.State != string(Parked) {
		return Plan{}, fmt.Errorf("engine: only parked transfers are replayed, not %q", q.State)
	}
	q.State = string(Parked)
	var p Plan
	for t, err := range storage.All(ctx, e.store, q) {
		if err != nil {
			return Plan{}, ours("list transfers", err)
		}
		r, err := decode(t)
		if err != nil {
			// A row that this version cannot read is not its to replay, and must not
			// keep the others from it.
			e.log.WarnContext(ctx, "transfer left out of a plan", "document", t.Document, "error", err)
			continue
		}
		rev := r.current()
		if rev == nil || rev.State != Parked {
			continue // List may lag
		}
		p.Items = append(p.Items, PlanItem{
			ID: t.ID, Rev: t.Rev, State: rev.State, Cause: rev.Cause, Action: actionOf(rev), Totals: rev.Totals,
			Returnable: e.returnable(t, &r),
		})
	}
	return p, nil
}

func actionOf(rev *revision) ReplayAction {
	switch {
	case rev.Then != "":
		return ReplayReverse
	case rev.Effect != None:
		return ReplayLook
	default:
		return ReplayMap
	}
}

// Replay wakes the transfers of a plan. One that changed since the plan was
// made is skipped. It returns how many it woke; the engine does the work.
func (e *Engine) Replay(ctx context.Context, p Plan, by Act) (done int, err error) {
	for _, item := range p.Items {
		t, err := e.store.Get(ctx, item.ID)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return done, ours("read transfer", err)
		}
		if t.Rev != item.Rev || State(t.State) != Parked {
			continue
		}
		r, err := decode(t)
		if err != nil {
			continue
		}
		if err := e.acted(ctx, t.Tenant, t.Document, "replay", by); err != nil {
			return done, err
		}
		now := e.clock()
		r.recovered()
		r.remember(Moment{Time: now, What: "replay", Text: by.Reason, Actor: by.Actor})
		t.Wakes++
		if !r.Lease.After(now) {
			t.Due = now
			e.idle.drop(t.ID)
		}
		if err := encode(&t, &r); err != nil {
			return done, err
		}
		if _, err := e.store.Update(ctx, t); err != nil {
			if errors.Is(err, storage.ErrConflict) {
				continue
			}
			return done, ours("replay", err)
		}
		done++
	}
	if done > 0 {
		e.kick()
	}
	return done, nil
}

// Settle waits until no transfer of a tenant is being worked on or wants to be
// within the time given, or ctx ends. Delivered ones that are only looked at until
// they are final do not count, nor do those to which only a file is to be added; those of a paused flow, or of a system that is not
// being asked, do. It is for programs that do one thing and stop.
func (e *Engine) Settle(ctx context.Context, tenant string, within time.Duration) error {
	t := time.NewTicker(10 * time.Millisecond)
	defer t.Stop()
	for {
		busy, err := e.busy(ctx, tenant, within)
		if err != nil || !busy {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
	}
}

func (e *Engine) busy(ctx context.Context, tenant string, within time.Duration) (bool, error) {
	by := e.clock().Add(within)
	for t, err := range storage.All(ctx, e.store, storage.Query{Tenant: tenant}) {
		if err != nil {
			return false, ours("list transfers", err)
		}
		r, err := decode(t)
		if err != nil {
			continue // not this version's to work on
		}
		if r.Lease.After(e.clock()) {
			return true, nil
		}
		quiet := (State(t.State) == Delivered || r.idle()) && t.Wakes <= r.Seen
		if !t.Due.IsZero() && t.Due.Before(by) && !quiet {
			return true, nil
		}
	}
	return false, nil
}

package engine

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Outlook says what would come of a replay, as both systems stand now.
type Outlook string

// What Preview foresees.
const (
	WouldCreate Outlook = "would create" // nothing stands in the target: it would be posted, or completed
	WouldExist  Outlook = "exists"       // it stands there whole: nothing would be sent
	WouldChange Outlook = "changed"      // what stands there differs, or a later revision would post something else
	WouldRecall Outlook = "recalled"     // the source took it back: void, or taken back in the target
	WouldWait   Outlook = "not approved" // the source does not call it finally approved
	WouldPark   Outlook = "parks again"  // the same or another issue is still there: PlanItem.Issues
	CannotTell  Outlook = "cannot tell"  // a system could not be looked at, or the row changed: PlanItem.Why
)

// previewers is how many transfers Preview looks at side by side.
const previewers = 4

// Preview looks in the source and in the target, writes nothing in either and
// changes no row, and returns the plan with what Replay would come to for each
// of its items. What was foreseen may have changed when the replay is done, which
// decides anew. Preview needs no approval; its calls are in the audit trail where
// the ends' transport records them. Its error is a failure of the store.
func (e *Engine) Preview(ctx context.Context, p Plan) (Plan, error) {
	out := Plan{Items: make([]PlanItem, len(p.Items))}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(previewers)
	for i, item := range p.Items {
		group.Go(func() (err error) {
			out.Items[i], err = e.preview(ctx, item)
			return err
		})
	}
	return out, group.Wait()
}

func (e *Engine) preview(ctx context.Context, item PlanItem) (PlanItem, error) {
	tell := func(o Outlook, why string) (PlanItem, error) {
		item.Outlook, item.Why = o, clip(why)
		return item, nil
	}
	item.Issues = nil
	t, err := e.store.Get(ctx, item.ID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && t.Rev != item.Rev {
		return tell(CannotTell, "it changed since the plan was made")
	}
	if err != nil {
		return item, ours("read transfer", err)
	}
	r, err := decode(t)
	f := e.flow(t.Tenant, t.Flow)
	if err != nil || f == nil || r.current() == nil {
		return tell(CannotTell, "its row cannot be read, or its flow is not here")
	}
	w := &work{e: e, f: f, t: t, r: r}
	err = func() (err error) {
		defer e.guard(ctx, "preview of "+t.Document, &err)
		item.Outlook, item.Why, err = w.foresee(ctx)
		return err
	}()
	var issues mapping.Issues
	var gone *errGone
	switch {
	case errors.As(err, &issues):
		item.Issues = public(issues)
		return tell(WouldPark, public(issues)[0].String())
	case errors.As(err, &gone):
		return tell(WouldPark, gone.Error())
	case isOurs(err):
		return item, err
	case err != nil:
		return tell(CannotTell, err.Error())
	}
	return tell(item.Outlook, item.Why)
}

// foresee takes the way of a replay without a write.
func (w *work) foresee(ctx context.Context) (Outlook, string, error) {
	rev := w.r.current()
	if rev.Then != "" {
		return WouldRecall, "what bears its key would be taken back", nil
	}
	ref := refOf(w.t.Document)
	if ref.Hint = w.r.Hint; decodeKnock(w.t.Hint).Hint != "" {
		ref.Hint = decodeKnock(w.t.Hint).Hint
	}
	s, err := w.f.fetch(scope(ctx, w.t.Tenant, w.t.Document, 0), ref)
	var rej *connector.Rejection
	switch {
	case errors.Is(err, connector.ErrWithdrawn):
		return WouldRecall, "withdrawn at the source", nil
	case errors.Is(err, connector.ErrNotFound):
		return CannotTell, "the source does not find it", nil
	case errors.As(err, &rej) && len(rej.Issues) > 0:
		return "", "", mapping.Issues(rej.Issues)
	case err != nil:
		return "", "", err
	}
	switch s.Phase {
	case connector.Withdrawn:
		return WouldRecall, s.Why, nil
	case connector.NotYet:
		if rev.Effect == None {
			return WouldWait, s.Why, nil
		}
		o, why, err := w.foreseeStanding(ctx)
		if o == WouldCreate {
			o, why = WouldWait, "what stands of it would be taken back: "+s.Why
		}
		return o, why, err
	case connector.Ready:
	default:
		return CannotTell, fmt.Sprintf("the source gave phase %q, which this version does not know", s.Phase), nil
	}
	switch {
	case w.r.wasReturned(s.Revision, s.Handle):
		return WouldPark, fmt.Sprintf("revision %d was returned to the source: only a later one is posted", s.Revision), nil
	case rev.Effect != None:
		return w.foreseeStanding(ctx)
	}
	return w.foreseeMapped(ctx, s)
}

// foreseeStanding looks for what was sent, or may have been.
func (w *work) foreseeStanding(ctx context.Context) (Outlook, string, error) {
	d, err := w.delivery(ctx)
	if err != nil {
		return "", "", err
	}
	got, err := w.f.find(scope(ctx, w.t.Tenant, w.t.Document, w.r.Attempts), d)
	if err != nil {
		return "", "", err
	}
	return outlookOf(got, w.r.current().Effect == Effective)
}

// foreseeMapped maps what the source says now and looks for it in the target.
func (w *work) foreseeMapped(ctx context.Context, s snapshot) (Outlook, string, error) {
	m, err := w.f.mapContent(scope(ctx, w.t.Tenant, w.t.Document, 0), s.Content)
	if err != nil {
		return "", "", err
	}
	prior := w.r.effective()
	if prior == nil && m.empty {
		return WouldExist, "nothing to post: every line is zero", nil
	}
	if prior != nil {
		delta, changed, err := w.changes(ctx, prior, m)
		switch {
		case err != nil:
			return "", "", err
		case !changed:
			return WouldExist, fmt.Sprintf("revision %d changes nothing that was posted", s.Revision), nil
		case delta == nil || w.r.standing() >= maxStanding:
			return "", "", mapping.Issues{secondRevision(prior, &revision{Number: s.Revision})}
		}
		return WouldChange, fmt.Sprintf("revision %d would be posted as the difference to revision %d", s.Revision, prior.Number), nil
	}
	ref := refOf(w.t.Document)
	ref.Hint = w.r.Hint
	got, err := w.f.find(scope(ctx, w.t.Tenant, w.t.Document, w.r.Attempts), delivery{
		Tenant: w.t.Tenant, Target: w.t.Target, Ref: ref,
		Revision: s.Revision, Generation: w.r.generation(), Posting: m.posting,
	})
	if err != nil {
		return "", "", err
	}
	return outlookOf(got, false)
}

// outlookOf reads a finding; what was delivered once is never delivered again.
func outlookOf(got connector.Finding, delivered bool) (Outlook, string, error) {
	switch got.Presence {
	case connector.Same:
		return WouldExist, got.Why, nil
	case connector.Absent, connector.Partial:
		if delivered {
			return WouldChange, "what was delivered is " + string(got.Presence) + " now", nil
		}
		return WouldCreate, got.Why, nil
	case connector.Different:
		return WouldChange, got.Why, nil
	}
	return CannotTell, fmt.Sprintf("the target answered presence %q, which is none of the contract's", got.Presence), nil
}

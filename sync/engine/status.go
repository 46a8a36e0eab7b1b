package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Status is the decoded view of a transfer.
type Status struct {
	ID    storage.ID
	Rev   string // of the row
	Flow  string
	State State
	Word  Word // as screens say it
	Cause string
	Why   string // the last thing the source or an error said
	Since time.Time
	Held  time.Time // until when a worker holds it, unless it lets go before; zero: none does
	Due   time.Time // when the engine works on it again; zero: never by itself

	Period     string
	Revision   int64
	Generation int
	Effect     Effect
	Totals     []connector.Total
	Issues     []connector.Issue // without personal values; Engine.Issues has them
	Receipt    *connector.Receipt
	// Beside are the receipts of earlier revisions that stand too, the newest first:
	// Receipt is then that of a delta.
	Beside      []connector.Receipt
	Mapping     string              // version of the mapping used
	Attempts    int                 // calls that may have had an effect
	Tries       int                 // failures in a row
	Payments    []connector.Payment // of what was delivered, the newest 100; without keys
	Correlation string
	History     []Moment

	document, posting, reasons, details string
	person, sealer                      string
}

// Get returns a transfer's status; storage.ErrNotFound when there is none. With
// a row that this version cannot read it returns an error and what stands beside
// the row's data: ID, Flow, State, Cause, Due and Period.
func (e *Engine) Get(ctx context.Context, id storage.ID) (Status, error) {
	t, err := e.store.Get(ctx, id)
	if err != nil {
		return Status{}, err
	}
	return statusOf(t)
}

// List walks over the statuses of the transfers that a query selects. A row that
// cannot be read comes with an error, as Get returns it, and the walk goes on.
func (e *Engine) List(ctx context.Context, q storage.Query) iter.Seq2[Status, error] {
	return func(yield func(Status, error) bool) {
		for t, err := range storage.All(ctx, e.store, q) {
			var s Status
			if err == nil {
				s, err = statusOf(t)
			}
			if !yield(s, err) {
				return
			}
		}
	}
}

func statusOf(t storage.Transfer) (Status, error) {
	s := Status{
		ID: t.ID, Rev: t.Rev, Flow: t.Flow, State: State(t.State), Cause: t.Cause, Due: t.Due, Period: t.Period,
		Word: wordOf(State(t.State), t.Cause),
	}
	r, err := decode(t)
	if err != nil {
		return s, err
	}
	s.Why, s.Since, s.Attempts, s.Tries = r.Why, r.Since, r.Attempts, r.Tries
	s.Payments, s.Held = r.Payments, r.Lease
	s.Correlation, s.History, s.Effect = r.Correlation, r.History, None
	if s.Correlation == "" {
		s.Correlation = decodeKnock(t.Hint).Correlation
	}
	if rev := r.current(); rev != nil {
		s.Revision, s.Generation, s.Effect, s.Totals = rev.Number, rev.Generation, rev.Effect, rev.Totals
		s.Issues, s.Receipt, s.Mapping = rev.Issues, rev.Receipt, rev.Mapping
		s.document, s.posting, s.reasons, s.details = rev.Content, rev.Posting, rev.Reasons, rev.Details
		s.person, s.sealer = rev.Person, rev.sealer()
		for i := len(r.Revisions) - 2; i >= 0; i-- {
			if have := &r.Revisions[i]; have.Effect == Effective && have.Receipt != nil {
				s.Beside = append(s.Beside, *have.Receipt)
			}
		}
	}
	return s, nil
}

// Document decodes the document of the current revision into v.
// storage.ErrNotFound when none is stored.
func (e *Engine) Document(ctx context.Context, s Status, v any) error {
	return e.decodeContent(ctx, s, s.document, s.person, v)
}

// Issues returns the issues of the current revision with the personal values
// that Status.Issues leaves out.
func (e *Engine) Issues(ctx context.Context, s Status) ([]connector.Issue, error) {
	if s.details == "" || len(s.Issues) == 0 {
		return s.Issues, nil
	}
	var is []connector.Issue
	err := e.decodeContent(ctx, s, s.details, s.person, &is)
	return is, err
}

// Posting decodes the posting of the current revision into v.
// storage.ErrNotFound when none is stored.
func (e *Engine) Posting(ctx context.Context, s Status, v any) error {
	return e.decodeContent(ctx, s, s.posting, s.sealer, v)
}

// Reasons returns why each value of the posting is what it is.
// storage.ErrNotFound when none are stored.
func (e *Engine) Reasons(ctx context.Context, s Status) ([]mapping.Reason, error) {
	var rs []mapping.Reason
	err := e.decodeContent(ctx, s, s.reasons, s.sealer, &rs)
	return rs, err
}

func (e *Engine) decodeContent(ctx context.Context, s Status, name, person string, v any) error {
	if name == "" {
		return storage.ErrNotFound
	}
	b, err := e.content(ctx, s.ID.Tenant, person, name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("engine: decode content of %s: %w", s.ID.Document, err)
	}
	return nil
}

// ByKey returns which transfer a delivery's key belongs to; storage.ErrNotFound
// when the key is not ours.
func (e *Engine) ByKey(ctx context.Context, tenant, key string) (storage.ID, error) {
	v, err := e.store.Load(ctx, tenant, "key/"+key)
	if err != nil {
		return storage.ID{}, err
	}
	var id storage.ID
	if err := json.Unmarshal(v.Data, &id); err != nil {
		return storage.ID{}, fmt.Errorf("engine: decode which transfer key %s belongs to: %w", key, err)
	}
	return id, nil
}

// Progress says how a flow's sweep stands.
type Progress struct {
	LastSweep time.Time // end of the last whole sweep; zero: none yet
	Found     int64     // documents that sweeps created or woke
}

// Progress returns how a flow's sweep stands.
func (e *Engine) Progress(ctx context.Context, tenant, flow string) (Progress, error) {
	v, err := e.store.Load(ctx, tenant, cursorName(flow))
	if errors.Is(err, storage.ErrNotFound) {
		return Progress{}, nil
	}
	if err != nil {
		return Progress{}, ours("read cursor", err)
	}
	var c cursor
	if err := json.Unmarshal(v.Data, &c); err != nil {
		return Progress{}, fmt.Errorf("engine: cursor of flow %q: %w", flow, err)
	}
	return Progress{LastSweep: c.Last, Found: c.Found}, nil
}

// Orphans returns the transfers of a tenant that are not at their end and
// belong to a flow that this engine does not have: it was renamed, or taken out
// of the configuration. Nobody works on them, and notices for them change
// nothing, until a flow of that name is added again.
func (e *Engine) Orphans(ctx context.Context, tenant string) ([]Status, error) {
	var out []Status
	for s, err := range e.List(ctx, storage.Query{Tenant: tenant}) {
		if err != nil {
			if s.ID.Document == "" {
				return out, err
			}
			continue // a row that cannot be read is told of elsewhere
		}
		if e.flow(tenant, s.Flow) == nil && (s.Word == WordOpen || s.Word == WordSaved) {
			out = append(out, s)
		}
	}
	return out, nil
}

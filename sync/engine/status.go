package engine

import (
	"context"
	"encoding/json"
	"errors"
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
	Due   time.Time // when the engine works on it again; zero: never by itself

	Period      string
	Revision    int64
	Generation  int
	Effect      Effect
	Totals      []connector.Total
	Issues      []connector.Issue
	Receipt     *connector.Receipt
	Mapping     string // version of the mapping used
	Attempts    int    // calls that may have had an effect
	Tries       int    // failures in a row
	Correlation string
	History     []Moment

	document, posting, reasons, person string
}

// Get returns a transfer's status; storage.ErrNotFound when there is none.
func (e *Engine) Get(ctx context.Context, id storage.ID) (Status, error) {
	t, err := e.store.Get(ctx, id)
	if err != nil {
		return Status{}, err
	}
	return statusOf(t)
}

// List walks over the statuses of the transfers that a query selects.
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
	r, err := decode(t)
	if err != nil {
		return Status{}, err
	}
	s := Status{
		ID: t.ID, Rev: t.Rev, Flow: t.Flow, State: State(t.State), Cause: t.Cause, Why: r.Why,
		Since: r.Since, Due: t.Due, Period: t.Period, Attempts: r.Attempts, Tries: r.Tries,
		Correlation: r.Correlation, History: r.History, Effect: None,
	}
	if s.Correlation == "" {
		s.Correlation = decodeKnock(t.Hint).Correlation
	}
	s.Word = wordOf(s.State, s.Cause)
	if rev := r.current(); rev != nil {
		s.Revision, s.Generation, s.Effect, s.Totals = rev.Number, rev.Generation, rev.Effect, rev.Totals
		s.Issues, s.Receipt, s.Mapping = rev.Issues, rev.Receipt, rev.Mapping
		s.document, s.posting, s.reasons, s.person = rev.Content, rev.Posting, rev.Reasons, rev.Person
	}
	return s, nil
}

// Document decodes the document of the current revision into v.
// storage.ErrNotFound when none is stored.
func (e *Engine) Document(ctx context.Context, s Status, v any) error {
	return e.decodeContent(ctx, s, s.document, v)
}

// Posting decodes the posting of the current revision into v.
// storage.ErrNotFound when none is stored.
func (e *Engine) Posting(ctx context.Context, s Status, v any) error {
	return e.decodeContent(ctx, s, s.posting, v)
}

// Reasons returns why each value of the posting is what it is.
// storage.ErrNotFound when none are stored.
func (e *Engine) Reasons(ctx context.Context, s Status) ([]mapping.Reason, error) {
	var rs []mapping.Reason
	err := e.decodeContent(ctx, s, s.reasons, &rs)
	return rs, err
}

func (e *Engine) decodeContent(ctx context.Context, s Status, name string, v any) error {
	if name == "" {
		return storage.ErrNotFound
	}
	b, err := e.content(ctx, s.ID.Tenant, s.person, name)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// ByKey returns which transfer a delivery's key belongs to; storage.ErrNotFound
// when the key is not ours.
func (e *Engine) ByKey(ctx context.Context, tenant, key string) (storage.ID, error) {
	v, err := e.store.Load(ctx, tenant, "key/"+key)
	if err != nil {
		return storage.ID{}, err
	}
	var id storage.ID
	err = json.Unmarshal(v.Data, &id)
	return id, err
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
		return Progress{}, err
	}
	return Progress{LastSweep: c.Last, Found: c.Found}, nil
}

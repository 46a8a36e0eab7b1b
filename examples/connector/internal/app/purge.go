package app

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// PurgePlan says what a purge of one flow would drop. What was touched by the
// time of the purge stays.
type PurgePlan struct {
	Tenant string `json:"tenant"`
	Flow   string `json:"flow"`
	// Contents are transfers whose documents and postings would be dropped, Rows
	// those that would be removed whole, and Kept all the others of the flow.
	Contents int `json:"contents"`
	Rows     int `json:"rows"`
	Kept     int `json:"kept"`
	// KeepContents and KeepRows are the policy's; 0: for ever.
	KeepContents time.Duration `json:"keep_contents_ns"`
	KeepRows     time.Duration `json:"keep_rows_ns"`
}

// PurgePlan looks what a purge of a tenant's flows would drop now.
func (a *App) PurgePlan(ctx context.Context, name string) ([]PurgePlan, error) {
	t, err := a.find(name)
	if err != nil {
		return nil, err
	}
	var out []PurgePlan
	byFlow := map[string]int{}
	for _, flow := range a.Flows(name) {
		byFlow[flow] = len(out)
		out = append(out, PurgePlan{Tenant: name, Flow: flow, KeepContents: t.cfg.Policy.KeepContents, KeepRows: t.cfg.Policy.KeepRows})
	}
	now := time.Now()
	for s, err := range a.Engine.List(ctx, storage.Query{Tenant: name, Target: t.cfg.Target}) {
		i, ours := byFlow[s.Flow]
		if !ours {
			continue
		}
		contents, row := false, false
		if err == nil { // a row that this version cannot read is not its to purge
			contents, row = overdue(s, t.cfg.Policy, now)
		}
		switch {
		case row:
			out[i].Rows++
		case contents:
			out[i].Contents++
		default:
			out[i].Kept++
		}
	}
	return out, nil
}

// overdue reports what of a transfer at its end the policy keeps no longer.
func overdue(s engine.Status, p engine.Policy, now time.Time) (contents, row bool) {
	switch s.State {
	case engine.Confirmed, engine.Reversed, engine.Void:
	case engine.Received, engine.Waiting, engine.Pending, engine.Delivering, engine.Delivered, engine.Parked, engine.Returned, engine.Reversing:
		return false, false
	}
	if !s.Due.IsZero() || s.Held.After(now) {
		return false, false
	}
	since, dropped := s.Since, time.Time{}
	for _, m := range s.History {
		if m.Time.After(since) {
			since = m.Time
		}
		if m.What == "purged" {
			dropped = m.Time
		}
	}
	age := now.Sub(since)
	return p.KeepContents > 0 && age >= p.KeepContents && since.After(dropped), p.KeepRows > 0 && age >= p.KeepRows
}

package app

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Held are the documents that no process takes up before a moment, because one
// claimed them and did not say that it is done: one that was killed, or one that
// runs now.
type Held struct {
	Documents int
	Until     time.Time // when the last of them is taken up again
}

// Held counts the held documents of all tenants.
func (d *Data) Held(ctx context.Context, now time.Time) (Held, error) {
	var h Held
	for _, tenant := range d.Tenants() {
		for s, err := range d.Engine.List(ctx, storage.Query{Tenant: tenant}) {
			if err != nil && s.ID.Document == "" {
				return h, err
			}
			if err != nil || !held(s, now) {
				continue
			}
			h.Documents++
			if s.Due.After(h.Until) {
				h.Until = s.Due
			}
		}
	}
	return h, nil
}

// held reports whether a transfer that could be worked on is due later only.
// After a failure that is the wait for the next try.
func held(s engine.Status, now time.Time) bool {
	if !s.Due.After(now) || s.Tries > 0 {
		return false
	}
	switch s.State {
	case engine.Received, engine.Pending, engine.Delivering, engine.Reversing:
		return true
	case engine.Waiting, engine.Delivered, engine.Confirmed, engine.Parked, engine.Returned, engine.Reversed, engine.Void:
		return false
	}
	return false
}

// Again says that something is under way to Epicor or back, and when it is
// taken up again if nobody finishes it before; empty where nothing is.
func (t *Transfer) Again() string {
	what := ""
	switch t.State {
	case engine.Delivering:
		what = "in delivery"
	case engine.Reversing:
		what = "being taken back"
	case engine.Received, engine.Waiting, engine.Pending, engine.Delivered, engine.Confirmed, engine.Parked, engine.Returned, engine.Reversed, engine.Void:
		return ""
	}
	if t.Due.IsZero() {
		return what
	}
	return what + ", taken up again at " + t.Due.UTC().Format(time.TimeOnly)
}

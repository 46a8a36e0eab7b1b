package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ml-connector/ml-connector/sync/storage"
)

func waitPrefix(object string) string { return "wait/" + digest(object) + "/" }

// waitFor notes that a transfer waits for an object of the target, such as
// "glaccount/6410|200|00"; first says that no note said so yet. A note that is
// there is written again: whoever is about to delete it, because the object
// appeared before, must not delete this wait with it.
func (e *Engine) waitFor(ctx context.Context, id storage.ID, object string) (first bool, err error) {
	b, err := json.Marshal(id)
	if err != nil {
		return false, fmt.Errorf("engine: encode wait: %w", err)
	}
	note := storage.Value{Tenant: id.Tenant, Name: waitPrefix(object) + digest(id.Tenant, id.Target, id.Document), Data: b}
	for {
		_, err := e.store.Save(ctx, note)
		if err == nil {
			return note.Rev == "", nil
		}
		if !errors.Is(err, storage.ErrConflict) {
			return false, ours("note wait", err)
		}
		have, err := e.store.Load(ctx, note.Tenant, note.Name)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return false, ours("read wait", err)
		}
		note.Rev = have.Rev // none: it was deleted meanwhile
	}
}

// Appeared says that an object is in the target's tables now; transfers that
// wait for it are woken and mapped again. The mirror calls it after its own
// table shows the object, so that no wake-up is lost.
func (e *Engine) Appeared(ctx context.Context, tenant, object string) (woken int, err error) {
	after := ""
	for {
		vs, next, err := e.store.Scan(ctx, tenant, waitPrefix(object), after, 100)
		if err != nil {
			return woken, ours("read waits", err)
		}
		for _, v := range vs {
			var id storage.ID
			if err := json.Unmarshal(v.Data, &id); err != nil {
				// One note that cannot be read must not keep the others asleep.
				e.log.ErrorContext(ctx, "note of a waiting transfer cannot be read", "note", v.Name, "error", err)
				continue
			}
			if err := e.rouse(ctx, id); err != nil {
				return woken, err
			}
			// Deleted after the wake-up is durable: a crash between the two wakes twice.
			if err := e.store.Delete(ctx, tenant, v.Name, v.Rev); err != nil && !errors.Is(err, storage.ErrConflict) {
				return woken, ours("drop wait", err)
			}
			woken++
		}
		if next == "" {
			if woken > 0 {
				e.kick()
			}
			return woken, nil
		}
		after = next
	}
}

// rouse knocks on an existing row, also on one of a flow that this process does
// not have.
func (e *Engine) rouse(ctx context.Context, id storage.ID) error {
	for {
		t, err := e.store.Get(ctx, id)
		if errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		if err != nil {
			return ours("read transfer", err)
		}
		h, _ := e.holding(t, "")
		now := e.clock()
		t.Wakes++
		if !h.Lease.After(now) && (t.Due.IsZero() || t.Due.After(now)) {
			t.Due = now
		}
		if _, err = e.store.Update(ctx, t); err == nil {
			e.idle.drop(id)
			return nil
		}
		if !errors.Is(err, storage.ErrConflict) {
			return ours("wake transfer", err)
		}
	}
}

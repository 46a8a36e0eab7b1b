package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Notify takes a notice in: it creates the document's transfer or counts up a
// knock on it, and returns nil once that is durable. An error means that it may
// not be: a webhook then answers 503, so that the source sends again. A notice
// that no flow takes is counted and is no error.
func (e *Engine) Notify(ctx context.Context, n connector.Notice) error {
	f, err := e.route(n)
	if err != nil {
		return err
	}
	if f == nil {
		atomic.AddInt64(&e.unrouted, 1)
		return nil
	}
	_, err = e.knock(ctx, f, n.Ref, knock{Hint: n.Ref.Hint, Correlation: n.Correlation})
	if err == nil {
		e.kick()
	}
	return err
}

// checkRef tells whether a row can stand for a document.
func checkRef(r connector.Ref) error {
	if r.Kind == "" || strings.Contains(r.Kind, "/") || r.ID == "" || len(documentOf(r)) > storage.MaxIDPart || !utf8.ValidString(documentOf(r)) {
		return fmt.Errorf("kind and id must be set, the kind without a slash, both UTF-8, together at most %d bytes", storage.MaxIDPart-1)
	}
	return nil
}

// Unrouted returns how many notices no flow took since the engine was made, and
// how many documents a sweep found for which no row can stand.
func (e *Engine) Unrouted() int64 { return atomic.LoadInt64(&e.unrouted) }

func (e *Engine) route(n connector.Notice) (*flow, error) {
	if err := checkRef(n.Ref); err != nil {
		return nil, fmt.Errorf("engine: notice for tenant %q: %w", n.Tenant, err)
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if n.Flow != "" {
		f := e.flows[n.Tenant][n.Flow]
		if f == nil {
			return nil, fmt.Errorf("engine: notice for tenant %q names flow %q, which does not exist", n.Tenant, n.Flow)
		}
		return f, nil
	}
	for _, f := range e.order {
		if f.tenant == n.Tenant && f.takes(n.Ref.Kind) {
			return f, nil
		}
	}
	return nil, nil //nolint:nilnil // no flow takes it, and that is no error
}

// knock counts a knock on the document's row. altered is false when the row
// needs none: another flow owns the document, or the version is known.
func (e *Engine) knock(ctx context.Context, f *flow, ref connector.Ref, k knock) (altered bool, err error) {
	id := storage.ID{Tenant: f.tenant, Target: f.target, Document: documentOf(ref)}
	for {
		t, err := e.store.Get(ctx, id)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			t = storage.Transfer{
				ID: id, Flow: f.name, Queue: f.sourceQueue(), Due: e.clock(), Wakes: 1,
				Hint: k.encode(), State: string(Received), Format: formatPlain,
			}
			if err := encode(&t, &row{Since: e.clock()}); err != nil {
				return false, err
			}
			if _, err = e.store.Create(ctx, t); err == nil {
				e.changed(Change{ID: id, To: Received})
				return true, nil
			}
			if !errors.Is(err, storage.ErrExists) {
				return false, ours("create transfer", err)
			}
			continue
		case err != nil:
			return false, ours("read transfer", err)
		}
		h, known := e.holding(t, k.Version)
		if known {
			return false, nil
		}
		if h.Owner != "" && h.Owner != f.name {
			if e.flow(id.Tenant, h.Owner) == nil {
				e.log.WarnContext(ctx, "notice for a document of a flow that is not here", "tenant", id.Tenant, "document", id.Document, "flow", h.Owner)
			}
			return false, nil
		}
		now := e.clock()
		t.Wakes++
		t.Flow = f.name
		if k.Hint == "" {
			// A sweep often knows less than the event before it.
			k.Hint = decodeKnock(t.Hint).Hint
		}
		t.Hint = k.encode()
		// A worker that holds the row sees the knock when it lets go. Making the row
		// due now would let a second worker in beside it.
		if !h.Lease.After(now) {
			if t.Due.IsZero() || t.Due.After(now) {
				t.Due = now
			}
			if State(t.State) != Delivering && State(t.State) != Reversing {
				t.Queue = f.sourceQueue()
			}
		}
		if _, err = e.store.Update(ctx, t); err == nil {
			e.idle.drop(id)
			return true, nil
		}
		if !errors.Is(err, storage.ErrConflict) {
			return false, ours("knock on transfer", err)
		}
	}
}

// holding reads what intake may read of a row, in any format.
func (e *Engine) holding(t storage.Transfer, version string) (h held, known bool) {
	if len(t.Data) > 0 {
		// A row that cannot be read is still woken: its worker will say what is wrong.
		_ = json.Unmarshal(t.Data, &h)
	}
	if version == "" {
		return h, false
	}
	if len(version) > 64 {
		version = digest(version)
	}
	if decodeKnock(t.Hint).Version == version {
		return h, true
	}
	var v struct {
		Version string `json:"version"`
	}
	_ = json.Unmarshal(t.Data, &v)
	return h, v.Version == version
}

// sooner returns the earlier of two times, where zero means never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

func marshal(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("engine: encode: %w", err)
	}
	return b, nil
}

// details stores issues whole, as a content, when values in them are personal:
// the row keeps them without. It returns the content's name.
func (w *work) details(ctx context.Context, issues []connector.Issue) (string, error) {
	rev := w.r.current()
	if rev == nil || !slices.ContainsFunc(issues, func(i connector.Issue) bool { return i.Personal && i.Value != "" }) {
		return "", nil
	}
	b, err := marshal(issues)
	if err != nil {
		return "", err
	}
	return w.put(ctx, "issues", rev.Person, b)
}

// name returns how a content is called, by a hash of it.
func (w *work) name(kind, person string, plain []byte) string {
	hash := digest(string(plain))
	if s := w.e.opts.Sealer; s != nil {
		// The same content of two persons is sealed twice: one key must not open it for both.
		hash = s.Name(w.t.Tenant, append([]byte(person+"\x00"), plain...))
	}
	return contentPrefix(w.t.ID) + kind + "/" + hash
}

// put seals a content and returns its name. It is stored before the next write
// of the row, together with whatever else that one relies on.
func (w *work) put(ctx context.Context, kind, person string, plain []byte) (string, error) {
	name, data := w.name(kind, person, plain), plain
	if s := w.e.opts.Sealer; s != nil {
		var err error
		if data, err = s.Seal(ctx, w.t.Tenant, person, plain); err != nil {
			return "", ours("seal "+kind, err)
		}
	}
	w.ahead = append(w.ahead, func(ctx context.Context) error {
		err := w.e.store.Put(ctx, w.t.Tenant, name, data)
		// The name is a hash of the content, so what exists is the same.
		if err != nil && !errors.Is(err, storage.ErrExists) {
			return ours("store "+kind, err)
		}
		return nil
	})
	if w.held == nil {
		w.held = map[string][]byte{}
	}
	w.held[name] = data
	return name, nil
}

// flush does the writes that the next one of the row relies on: side by side,
// since none of them relies on another, so that a store may commit them at once.
func (w *work) flush(ctx context.Context) error {
	ahead := w.ahead
	errs := make([]error, len(ahead))
	var all sync.WaitGroup
	for i, write := range ahead {
		all.Go(func() {
			defer w.e.guard(ctx, w.t.Document, &errs[i])
			errs[i] = write(ctx)
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	w.ahead = nil
	return nil
}

func contentPrefix(id storage.ID) string { return "c/" + digest(id.Target, id.Document) + "/" }

// CodeContentGone is the code of a document whose stored content, or the key
// that seals it, is gone.
const CodeContentGone = "content_gone"

// stored reads a content that a step needs. That it is gone is this document's
// fault alone and must not stop the others.
func (w *work) stored(ctx context.Context, person, name string) ([]byte, error) {
	if name == "" {
		return nil, &errGone{errors.New("the row names none")}
	}
	var b []byte
	var err error
	if data, ok := w.held[name]; ok {
		b, err = w.e.open(ctx, w.t.Tenant, person, data)
	} else {
		b, err = w.e.content(ctx, w.t.Tenant, person, name)
	}
	if errors.Is(err, storage.ErrNotFound) {
		return nil, &errGone{err}
	}
	return b, err
}

// errGone says that a stored content is no longer there.
type errGone struct{ err error }

func (e *errGone) Error() string { return "engine: a stored content is gone: " + e.err.Error() }

// content reads a stored content back.
func (e *Engine) content(ctx context.Context, tenant, person, name string) ([]byte, error) {
	b, err := e.store.Read(ctx, tenant, name)
	if err != nil {
		return nil, ours("read content", err)
	}
	return e.open(ctx, tenant, person, b)
}

// open returns the plain text of what is stored.
func (e *Engine) open(ctx context.Context, tenant, person string, data []byte) ([]byte, error) {
	s := e.opts.Sealer
	if s == nil {
		return data, nil
	}
	b, err := s.Open(ctx, tenant, person, data)
	if err != nil {
		return nil, ours("open content", err)
	}
	return b, nil
}

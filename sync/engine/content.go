package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

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

// put seals and stores a content and returns its name.
func (w *work) put(ctx context.Context, kind, person string, plain []byte) (string, error) {
	name, data := w.name(kind, person, plain), plain
	if s := w.e.opts.Sealer; s != nil {
		var err error
		if data, err = s.Seal(ctx, w.t.Tenant, person, plain); err != nil {
			return "", ours("seal "+kind, err)
		}
	}
	err := w.e.store.Put(ctx, w.t.Tenant, name, data)
	// The name is a hash of the content, so what exists is the same.
	if err != nil && !errors.Is(err, storage.ErrExists) {
		return "", ours("store "+kind, err)
	}
	return name, nil
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
	b, err := w.e.content(ctx, w.t.Tenant, person, name)
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
	if e.opts.Sealer != nil {
		if b, err = e.opts.Sealer.Open(ctx, tenant, person, b); err != nil {
			return nil, ours("open content", err)
		}
	}
	return b, nil
}

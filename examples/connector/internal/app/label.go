package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Label is how a person knows a document: "report A1B2C3".
type Label struct {
	Kind   string `json:"kind"`
	Number string `json:"number"`
}

// String returns the label as screens show it.
func (l Label) String() string { return strings.TrimSpace(l.Kind + " " + l.Number) }

// Labels remember the numbers by which people know documents, from the first
// look on, also of documents that are not approved and so are not stored. They
// hold no personal data. Safe for concurrent use.
type Labels struct {
	values storage.Values
	log    *slog.Logger
	mu     sync.Mutex
	known  map[string]Label // tenant and document
}

func newLabels(values storage.Values, log *slog.Logger) *Labels {
	return &Labels{values: values, log: log, known: map[string]Label{}}
}

const (
	labelPrefix  = "label/"
	numberPrefix = "number/"
)

// numberName is the prefix of the values that lead from a number to documents.
// Escaping keeps a slash in a supplier's number from ending it early.
func numberName(number string) string {
	escaped := url.PathEscape(fold(number))
	return numberPrefix + escaped[:min(len(escaped), 80)] + "/"
}

// note remembers a label. A label only helps people, so a store that fails here
// holds up no document.
func (l *Labels) note(ctx context.Context, tenant, doc string, label Label) {
	l.mu.Lock()
	same := l.known[tenant+"\x00"+doc] == label
	l.mu.Unlock()
	if same || label.Number == "" {
		return
	}
	b, err := json.Marshal(label)
	if err != nil {
		return
	}
	for _, name := range []string{labelPrefix + doc, numberName(label.Number) + doc} {
		if len(name) > storage.MaxIDPart {
			continue
		}
		if err := l.save(ctx, storage.Value{Tenant: tenant, Name: name, Data: b}); err != nil {
			l.log.WarnContext(ctx, "the number of a document could not be noted", "document", doc, "error", err)
			return
		}
	}
	l.mu.Lock()
	l.known[tenant+"\x00"+doc] = label
	l.mu.Unlock()
}

func (l *Labels) save(ctx context.Context, v storage.Value) error {
	old, err := l.values.Load(ctx, v.Tenant, v.Name)
	if err == nil && string(old.Data) == string(v.Data) {
		return nil
	}
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	v.Rev = old.Rev
	_, err = l.values.Save(ctx, v)
	if errors.Is(err, storage.ErrConflict) {
		return nil // somebody else noted it meanwhile
	}
	return err
}

// Of returns how people know a document. One that was never looked at goes by
// its id.
func (l *Labels) Of(ctx context.Context, id storage.ID) Label {
	l.mu.Lock()
	label, ok := l.known[id.Tenant+"\x00"+id.Document]
	l.mu.Unlock()
	if ok {
		return label
	}
	kind, rest, _ := strings.Cut(id.Document, "/")
	label = Label{Kind: kind, Number: rest}
	v, err := l.values.Load(ctx, id.Tenant, labelPrefix+id.Document)
	if err == nil && json.Unmarshal(v.Data, &label) == nil && label.Number != "" {
		l.mu.Lock()
		l.known[id.Tenant+"\x00"+id.Document] = label
		l.mu.Unlock()
	}
	return label
}

// documents returns the documents of a tenant that bear a number.
func (l *Labels) documents(ctx context.Context, tenant, number string) ([]string, error) {
	var out []string
	prefix, after := numberName(number), ""
	for {
		vs, next, err := l.values.Scan(ctx, tenant, prefix, after, 0)
		if err != nil {
			return nil, err
		}
		for _, v := range vs {
			out = append(out, strings.TrimPrefix(v.Name, prefix))
		}
		if next == "" {
			return out, nil
		}
		after = next
	}
}

// kindSource is what the ends of Concur are.
type kindSource interface {
	connector.Source[document.Document]
	connector.Kinder
}

// labelled is a source that notes the numbers of what it fetches.
type labelled struct {
	kindSource
	tenant string
	labels *Labels
}

// heard is a source that wants to be told what became of its documents.
type heard struct {
	kindSource
	connector.Acknowledger
}

// told returns a source with the answers going to the one that it is around,
// where that wants them.
func told(s, inner kindSource) kindSource {
	if a, ok := inner.(connector.Acknowledger); ok {
		return heard{s, a}
	}
	return s
}

// Changes implements connector.Source.
func (s labelled) Changes(ctx context.Context, after connector.Cursor) (connector.Page[document.Document], error) {
	page, err := s.kindSource.Changes(ctx, after)
	for _, c := range page.Changes {
		if err == nil && c.Snapshot != nil {
			s.labels.note(ctx, s.tenant, c.Ref.Kind+"/"+c.Ref.ID, Label{Kind: c.Ref.Kind, Number: c.Snapshot.Content.Number})
		}
	}
	return page, err
}

// Fetch implements connector.Source.
func (s labelled) Fetch(ctx context.Context, ref connector.Ref) (connector.Snapshot[document.Document], error) {
	snap, err := s.kindSource.Fetch(ctx, ref)
	if err == nil {
		s.labels.note(ctx, s.tenant, ref.Kind+"/"+ref.ID, Label{Kind: ref.Kind, Number: snap.Content.Number})
	}
	return snap, err
}

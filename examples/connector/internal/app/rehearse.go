package app

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Tables returns what a tenant's Epicor has, with the rows that are kept, for
// rules that are tried.
func (a *App) Tables(name string) (rules.Tables, error) {
	t, err := a.find(name)
	if err != nil {
		return nil, err
	}
	return t.tables, nil
}

// ApprovedDocuments returns the ids of the documents that Concur finally approved
// from one moment until before another: "report/4D1E5C0F1A2B3C4D5E6F".
func (a *App) ApprovedDocuments(ctx context.Context, name string, since, until time.Time) ([]string, error) {
	t, err := a.find(name)
	if err != nil {
		return nil, err
	}
	found, err := a.approved(a.scope(ctx, name, "simulate"), t, since, until)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(found))
	for i, f := range found {
		out[i] = f.document
	}
	return out, nil
}

// Read reads a document from Concur as it is there now, by its id, and changes
// nothing. Its Phase says whether it would be taken.
func (a *App) Read(ctx context.Context, name, id string) (connector.Snapshot[document.Document], error) {
	var none connector.Snapshot[document.Document]
	t, err := a.find(name)
	if err != nil {
		return none, err
	}
	kind, key, ok := strings.Cut(id, "/")
	if !ok {
		return none, fmt.Errorf("%q is no id of a document; such as report/4D1E5C0F1A2B3C4D5E6F", id)
	}
	ref := connector.Ref{Kind: kind, ID: key}
	ctx = a.scope(ctx, name, "simulate "+id)
	switch {
	case kind == string(document.Report) && t.reports != nil:
		return t.reports.Fetch(ctx, ref)
	case kind == string(document.Invoice) && t.invoices != nil:
		return t.invoices.Fetch(ctx, ref)
	default:
		return none, errors.New("this tenant takes no documents of the kind " + kind)
	}
}

// Documents yields the documents that are stored of a tenant, each in its last
// revision, in the order of their ids.
func (d *Data) Documents(ctx context.Context, tenant string) iter.Seq2[document.Document, error] {
	return func(yield func(document.Document, error) bool) {
		for s, err := range d.Engine.List(ctx, storage.Query{Tenant: tenant}) {
			var doc document.Document
			if err == nil {
				err = d.Engine.Document(ctx, s, &doc)
			}
			if errors.Is(err, storage.ErrNotFound) {
				continue // nothing is stored of one that is not approved
			}
			if !yield(doc, err) || err != nil {
				return
			}
		}
	}
}

// ContentsDropped reports whether the contents of a transfer were dropped because
// policy.keep_contents keeps them no longer.
func ContentsDropped(s engine.Status) bool {
	return slices.ContainsFunc(s.History, func(m engine.Moment) bool { return m.What == "purged" })
}

// Gone counts a tenant's transfers whose documents cannot be looked at any more,
// because their contents were dropped.
func (d *Data) Gone(ctx context.Context, tenant string) (int, error) {
	n := 0
	for s, err := range d.Engine.List(ctx, storage.Query{Tenant: tenant}) {
		if err != nil {
			return 0, err
		}
		if !ContentsDropped(s) {
			continue
		}
		var doc document.Document
		switch err := d.Engine.Document(ctx, s, &doc); {
		case errors.Is(err, storage.ErrNotFound):
			n++
		case err != nil:
			return 0, err
		}
	}
	return n, nil
}

// Financial reports whether a tenant's Concur has the Financial Integration
// Service: its documents come by a queue, once, and are looked at as stored.
func (a *App) Financial(name string) bool {
	t, err := a.find(name)
	return err == nil && t.fis != nil
}

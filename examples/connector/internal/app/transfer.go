package app

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Transfer is one document on its way, with what people know it by.
type Transfer struct {
	engine.Status
	Label Label
	// Document and Posting are what is stored of them; nil where nothing is, as of
	// a document that is not approved.
	Document *document.Document
	Posting  *document.Posting
}

// Owner is the employee of a report, the supplier of an invoice.
func (t *Transfer) Owner() string {
	switch {
	case t.Document == nil:
		return ""
	case t.Document.Supplier != nil:
		return t.Document.Supplier.Name
	default:
		return t.Document.Owner.Name
	}
}

// Transfers returns the transfers that a query selects, each with its document
// and its posting, in the order of their ids.
func (d *Data) Transfers(ctx context.Context, q storage.Query) ([]*Transfer, error) {
	var out []*Transfer
	for s, err := range d.Engine.List(ctx, q) {
		if err != nil {
			return nil, err
		}
		t, err := d.Whole(ctx, s)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// Whole reads what is stored beside a transfer's row.
func (d *Data) Whole(ctx context.Context, s engine.Status) (*Transfer, error) {
	t := &Transfer{Status: s, Label: d.Labels.Of(ctx, s.ID)}
	var doc document.Document
	switch err := d.Engine.Document(ctx, s, &doc); {
	case err == nil:
		t.Document = &doc
		t.Label = Label{Kind: string(doc.Kind), Number: doc.Number}
	case !errors.Is(err, storage.ErrNotFound):
		return nil, err
	}
	var p document.Posting
	switch err := d.Engine.Posting(ctx, s, &p); {
	case err == nil:
		t.Posting = &p
	case !errors.Is(err, storage.ErrNotFound):
		return nil, err
	}
	return t, nil
}

// Find returns the transfers that a person may mean: by the document's number
// (A1B2C3), its id in Concur, or the number of an AP invoice that was made of it.
// Case does not matter.
func (d *Data) Find(ctx context.Context, tenant, text string) ([]*Transfer, error) {
	docs, err := d.Labels.documents(ctx, tenant, text)
	if err != nil {
		return nil, err
	}
	for _, kind := range []document.Kind{document.Report, document.Invoice, document.CashAdvance} {
		for _, id := range []string{text, strings.ToUpper(text), strings.ToLower(text)} {
			docs = append(docs, string(kind)+"/"+id)
		}
	}
	if strings.Contains(text, "/") {
		docs = append(docs, text)
	}
	slices.Sort(docs)
	var out []*Transfer
	for s, err := range d.candidates(ctx, tenant, slices.Compact(docs)) {
		if err != nil {
			return nil, err
		}
		t, err := d.Whole(ctx, s)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	if len(out) > 0 {
		return out, nil
	}
	return d.byInvoice(ctx, tenant, text)
}

// candidates walks over those of the documents that have a transfer.
func (d *Data) candidates(ctx context.Context, tenant string, docs []string) func(func(engine.Status, error) bool) {
	return func(yield func(engine.Status, error) bool) {
		for _, doc := range docs {
			if len(doc) > storage.MaxIDPart || strings.HasSuffix(doc, "/") {
				continue
			}
			for _, target := range d.targets() {
				s, err := d.Engine.Get(ctx, storage.ID{Tenant: tenant, Target: target, Document: doc})
				if errors.Is(err, storage.ErrNotFound) {
					continue
				}
				if !yield(s, err) || err != nil {
					return
				}
			}
		}
	}
}

// targets are the targets of the directory's flows.
func (d *Data) targets() []string {
	if len(d.Marker.Targets) == 0 {
		return []string{DefaultTarget}
	}
	return d.Marker.Targets
}

// byInvoice looks through all transfers for one whose AP invoice has the number.
func (d *Data) byInvoice(ctx context.Context, tenant, number string) ([]*Transfer, error) {
	var out []*Transfer
	for s, err := range d.Engine.List(ctx, storage.Query{Tenant: tenant}) {
		if err != nil {
			return nil, err
		}
		for _, m := range made(s) {
			if fold(m.Number) != fold(number) {
				continue
			}
			t, err := d.Whole(ctx, s)
			if err != nil {
				return nil, err
			}
			out = append(out, t)
			break
		}
	}
	return out, nil
}

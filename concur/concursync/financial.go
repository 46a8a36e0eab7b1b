package concursync

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// FinancialOptions configure a source of financial documents. Nil, and each
// field's zero value, mean the defaults.
type FinancialOptions struct {
	// Types are the kinds of documents that are taken. Default: expense reports,
	// suppliers' invoices and cash advances. The vendor's others hold no money that
	// is owed.
	Types []concur.FinancialType
	// SystemID names this ERP system to the service, at most 50 characters. Never
	// change it while documents are on their way: the service refuses to confirm
	// under another name. Name one where several systems take documents of one
	// company, so that one that another system took is not posted twice. Default: "".
	SystemID string
	// ERPSystem asks for the documents that Concur routes to this system alone.
	// Default: "", all of them.
	ERPSystem string
	// From is the moment of going live. What was finally approved on a day before
	// is never ready. Default: none; the service holds only what was approved after
	// it was switched on, and what nobody acknowledged.
	From time.Time
	// PageSize is how many documents of each kind are asked for at a time. Default:
	// DefaultPageSize; the vendor documents no maximum.
	PageSize int
	// Location is the time zone whose calendar decides the day, and so the period,
	// of the final approval. Default: UTC.
	Location *time.Location
	// RawCodes takes the codes of list items as they stand in Concur; see
	// ReportsOptions.
	RawCodes bool
	// FiscalYear names the fiscal year of a posting by its date, YYYY-MM-DD, for
	// Concur's audit trail. Default: the calendar year.
	FiscalYear func(date string) string
}

// FinancialSource is a source of financial documents: what was finally approved,
// with its journal. Create one with Financial.
type FinancialSource struct {
	client *concur.Client
	opts   FinancialOptions
}

// Financial returns the source of a company's financial documents, by Concur's
// Financial Integration Service. They are of the kinds "report", "invoice" and
// "cashadvance" and bear the ids that Reports and PaymentRequests give the same
// documents, so that flows of one target that read both never post one twice:
// the flow that first saw it ready keeps it. It makes no call.
//
// A document's Person is the employee's number, or else the login, since a
// financial document holds no UUID, which is the Person of a report that Reports
// read: to erase somebody both are erased.
//
// It is told what becomes of each document and tells Concur: that it was taken,
// which takes it out of the queue, that it was posted or why not, and what was
// paid. The customer has to have the service switched on. Scope: FISVC; for
// payments of invoices also invoice.paymentconfirmation.write.
func Financial(client *concur.Client, opts *FinancialOptions) *FinancialSource {
	s := &FinancialSource{client: client}
	if opts != nil {
		s.opts = *opts
	}
	o := &s.opts
	o.Types = slices.Clone(o.Types)
	if len(o.Types) == 0 {
		o.Types = []concur.FinancialType{concur.FinancialExpense, concur.FinancialInvoice, concur.FinancialCashAdvance}
	}
	if o.PageSize <= 0 {
		o.PageSize = DefaultPageSize
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.FiscalYear == nil {
		o.FiscalYear = func(date string) string { return date[:min(4, len(date))] }
	}
	return s
}

var (
	_ connector.Source[document.Document] = (*FinancialSource)(nil)
	_ connector.Kinder                    = (*FinancialSource)(nil)
	_ connector.Acknowledger              = (*FinancialSource)(nil)
)

// kindOf and typeOf translate the kinds that a document can be; "" for others.
func kindOf(t concur.FinancialType) document.Kind {
	switch t {
	case concur.FinancialExpense:
		return document.Report
	case concur.FinancialInvoice:
		return document.Invoice
	case concur.FinancialCashAdvance:
		return document.CashAdvance
	default:
		return ""
	}
}

func typeOf(kind string) concur.FinancialType {
	for _, t := range []concur.FinancialType{concur.FinancialExpense, concur.FinancialInvoice, concur.FinancialCashAdvance} {
		if string(kindOf(t)) == kind {
			return t
		}
	}
	return ""
}

// Kinds implements connector.Kinder.
func (s *FinancialSource) Kinds() []string {
	var kinds []string
	for _, t := range s.opts.Types {
		if k := kindOf(t); k != "" {
			kinds = append(kinds, string(k))
		}
	}
	return kinds
}

// queue is how far a sweep is, for each type: the page at which it stands, and
// what stood on it when it was last read.
type queue map[concur.FinancialType]queuePage

type queuePage struct {
	Number int    `json:"n,omitempty"`
	Seen   string `json:"s,omitempty"`
}

// Changes implements connector.Source: what is ready, from the head of the queue.
// Acknowledging takes documents out of it, so the same page is read again until
// nothing new comes. What stays, because nobody acknowledges it, is passed over:
// a document that cannot be read, or one that another flow has.
//
// One page holds up to PageSize documents of each kind, with their contents. A
// document that cannot be read comes under the service's own id and parks.
func (s *FinancialSource) Changes(ctx context.Context, after connector.Cursor) (connector.Page[document.Document], error) {
	var page connector.Page[document.Document]
	at := queue{}
	if after != "" && json.Unmarshal([]byte(after), &at) != nil {
		return page, fmt.Errorf("concursync: the position %.40q is none of a queue", after)
	}
	for _, t := range s.opts.Types {
		if kindOf(t) == "" {
			continue
		}
		found, next, err := s.head(ctx, t, at[t])
		if err != nil {
			return connector.Page[document.Document]{}, translate(err)
		}
		delete(at, t)
		if len(found) > 0 {
			at[t] = next
		}
		for _, d := range found {
			page.Changes = append(page.Changes, s.change(t, d))
		}
	}
	if len(at) == 0 {
		return page, nil
	}
	b, err := json.Marshal(at)
	if err != nil {
		return connector.Page[document.Document]{}, err
	}
	page.Next, page.More, page.Hold = connector.Cursor(b), true, true
	return page, nil
}

// head reads the page at which the sweep stands, or the next one where nothing
// changed on it; none: the end.
func (s *FinancialSource) head(ctx context.Context, t concur.FinancialType, at queuePage) ([]*concur.FinancialDocument, queuePage, error) {
	for {
		position := ""
		if at.Number > 0 {
			position = strconv.Itoa(at.Number)
		}
		list, err := s.client.Financial.ListPage(ctx, t, concur.FinancialQuery{SystemID: s.opts.ERPSystem, Limit: s.opts.PageSize}, position)
		if err != nil {
			if at.Number > 0 && (errors.Is(err, concur.ErrInvalid) || errors.Is(err, concur.ErrNotFound)) {
				return nil, at, nil // the queue became shorter
			}
			return nil, at, err
		}
		if len(list.Items) == 0 {
			return nil, at, nil
		}
		ids := make([]string, 0, len(list.Items))
		for _, d := range list.Items {
			ids = append(ids, d.ID)
		}
		seen := version(ids...)
		if seen != at.Seen {
			return list.Items, queuePage{at.Number, seen}, nil
		}
		if list.Next == "" {
			return nil, at, nil
		}
		at = queuePage{Number: at.Number + 1}
	}
}

// inQueue is the hint of a document that bears the service's own id, because its
// business id cannot be read.
const inQueue = "queue"

func (s *FinancialSource) change(t concur.FinancialType, d *concur.FinancialDocument) connector.Change[document.Document] {
	c := connector.Change[document.Document]{Version: version(d.ID, string(d.DocStatus))}
	snap, err := s.snapshot(t, d)
	c.Ref = snap.Ref
	if c.Ref.ID == "" {
		c.Ref = connector.Ref{Kind: string(kindOf(t)), ID: d.ID, Hint: inQueue}
	} else if err == nil {
		c.Snapshot = &snap
	}
	return c
}

// Fetch implements connector.Source. A document is read in whatever state it is;
// of several revisions the newest counts.
func (s *FinancialSource) Fetch(ctx context.Context, ref connector.Ref) (connector.Snapshot[document.Document], error) {
	none := connector.Snapshot[document.Document]{}
	t := typeOf(ref.Kind)
	if t == "" {
		return none, fmt.Errorf("%w: concursync: the Financial Integration Service has no documents of kind %.40q", connector.ErrNotFound, ref.Kind)
	}
	var d *concur.FinancialDocument
	var err error
	if ref.Hint == inQueue {
		d, err = s.queued(ctx, t, ref.ID)
	} else {
		d, err = s.client.Financial.Get(ctx, t, ref.ID, true)
	}
	if err != nil {
		return none, translate(missing(err))
	}
	snap, err := s.snapshot(t, d)
	if err != nil {
		return none, err
	}
	if ref.Hint == inQueue {
		// It can be read now: the sweep brings it under its own id.
		return none, fmt.Errorf("%w: concursync: document %s is %s %s now", connector.ErrNotFound, ref.ID, snap.Ref.Kind, snap.Ref.ID)
	}
	if err := sameID(ref, snap.Ref.ID); err != nil {
		return none, err
	}
	snap.Ref = ref
	return snap, nil
}

// sameID refuses a document that bears another id than was asked for. Concur may
// find a document under its id in other letters than its own. Under them it would
// be a second document, and posted twice, so it is not found: the sweep brings it
// under the id that it bears.
func sameID(asked connector.Ref, bears string) error {
	switch {
	case bears == asked.ID:
		return nil
	case strings.EqualFold(bears, asked.ID):
		return fmt.Errorf("%w: concursync: no %s bears the id %s; the one that comes bears it in other letters, %s", connector.ErrNotFound, asked.Kind, asked.ID, bears)
	default:
		return fmt.Errorf("concursync: %s %s was asked for, and %s came", asked.Kind, asked.ID, bears)
	}
}

// queued looks for a document by the service's own id among what is ready.
func (s *FinancialSource) queued(ctx context.Context, t concur.FinancialType, id string) (*concur.FinancialDocument, error) {
	for d, err := range s.client.Financial.List(ctx, t, concur.FinancialQuery{SystemID: s.opts.ERPSystem, Limit: s.opts.PageSize}) {
		if err != nil {
			return nil, err
		}
		if d.ID == id {
			return d, nil
		}
	}
	return nil, fmt.Errorf("%w: concursync: document %s is not in the queue", connector.ErrNotFound, id)
}

// snapshot turns a document into what the engine takes. Its Ref is set where the
// business id could be read, also beside an error.
func (s *FinancialSource) snapshot(t concur.FinancialType, d *concur.FinancialDocument) (connector.Snapshot[document.Document], error) {
	var doc document.Document
	var err error
	switch t { //nolint:exhaustive // the others are no documents; see kindOf
	case concur.FinancialExpense:
		doc, err = s.expense(d)
	case concur.FinancialInvoice:
		doc, err = s.invoice(d)
	case concur.FinancialCashAdvance:
		doc, err = s.cashAdvance(d)
	}
	snap := connector.Snapshot[document.Document]{Handle: d.ID}
	if doc.ID != "" && len(doc.ID) <= maxID {
		snap.Ref = connector.Ref{Kind: string(doc.Kind), ID: doc.ID}
	}
	switch {
	case err != nil:
		return snap, rejection(FinancialUnreadable, "", d.ID, fmt.Sprintf("the %s document %s cannot be read", t, d.ID), err)
	case snap.Ref.ID == "":
		return snap, rejection(FinancialUnreadable, "", d.ID, fmt.Sprintf("the %s document %s does not say which document it is of", t, d.ID), nil)
	}
	snap.Revision, snap.Content = doc.Revision, doc
	// The documents hold no UUID, by which Reports name a person: whoever forgets
	// somebody forgets both names.
	snap.Person = cmp.Or(doc.Owner.EmployeeID, doc.Owner.Login)
	snap.Period = cmp.Or(doc.Approved.Month(), doc.Date.Month())
	snap.Totals = []connector.Total{{Currency: doc.Currency, Amount: doc.Total}}
	if snap.Phase, snap.Why, err = phaseOf(d.DocStatus); err != nil {
		return snap, err
	}
	if snap.Phase == connector.Ready {
		settleBefore(&snap, s.opts.From, s.opts.Location)
	}
	return snap, nil
}

// phaseOf reads the state of a document. One that is confirmed already is not to
// be posted by whoever sees it now for the first time; the engine lets what it
// posted itself stand.
func phaseOf(status concur.FinancialStatus) (connector.Phase, string, error) {
	why := "document status " + string(status)
	switch status {
	case concur.FinancialReady, concur.FinancialAcknowledged:
		return connector.Ready, why, nil
	case concur.FinancialRecalled, concur.FinancialVoid, concur.FinancialCancelled:
		return connector.Withdrawn, why, nil
	case concur.FinancialDelayed, concur.FinancialPendingRefresh:
		return connector.NotYet, why + ": Concur has not released it", nil
	case concur.FinancialFailed:
		return connector.NotYet, why + ": Concur was told that it could not be posted and sends it again when it is mended", nil
	case concur.FinancialPosted, concur.FinancialPaid, concur.FinancialPaymentDone, concur.FinancialReversed, concur.FinancialObsolete:
		return connector.NotYet, why + ": Concur was told already that it is posted", nil
	case concur.FinancialDuplicate:
		return "", "", rejection(FinancialStateUnknown, "document status", string(status), "Concur marks the document as a duplicate of another", nil)
	default:
		return "", "", rejection(FinancialStateUnknown, "document status", string(status),
			fmt.Sprintf("the document is in a state (%.60q) that this version does not know", string(status)), nil)
	}
}

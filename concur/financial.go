package concur

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// FinancialType is a kind of financial document, as the service's paths name it.
type FinancialType string

// The kinds of financial documents.
const (
	FinancialExpense           FinancialType = "expense"
	FinancialInvoice           FinancialType = "invoice"
	FinancialCashAdvance       FinancialType = "cashadvance"
	FinancialPayroll           FinancialType = "payroll"
	FinancialRequestObligation FinancialType = "requestobligation"
	FinancialReportObligation  FinancialType = "reportobligation" // can be read only
)

// FinancialStatus is where a document stands. The last ten stand in the
// specification alone; others survive.
type FinancialStatus string

// The states of a document.
const (
	FinancialReady          FinancialStatus = "READY"
	FinancialAcknowledged   FinancialStatus = "ACKNOWLEDGED"
	FinancialPosted         FinancialStatus = "POSTING_CONFIRMED_SUCCESS"
	FinancialFailed         FinancialStatus = "POSTING_CONFIRMED_FAILURE"
	FinancialDelayed        FinancialStatus = "DELAYED"
	FinancialPaid           FinancialStatus = "PAID"
	FinancialRecalled       FinancialStatus = "RECALLED"
	FinancialVoid           FinancialStatus = "VOID"
	FinancialCancelled      FinancialStatus = "CANCEL"
	FinancialPaymentDone    FinancialStatus = "PAYMENT_CONFIRMED_SUCCESS"
	FinancialReversed       FinancialStatus = "PAYMENT_CONFIRMED_REVERSED"
	FinancialObsolete       FinancialStatus = "PAYMENT_CONFIRMED_OBSOLETE"
	FinancialPendingRefresh FinancialStatus = "PENDING_SYSTEM_REFRESH"
	FinancialDuplicate      FinancialStatus = "FLAG_DUPLICATE"
)

// FinancialDocument is a finally approved document with the envelope that the
// service puts around it. Follows the Financial Integration v4 page.
type FinancialDocument struct {
	// ID is the service's own id of this revision, 32 hexadecimal digits: what
	// Acknowledge and the confirmations are given. The id of the report, payment
	// request or cash advance stands inside the document; Get takes that one.
	ID          string          `json:"id"`
	DocType     FinancialType   `json:"docType"`
	CompanyID   Text            `json:"companyId"`
	EntityID    Text            `json:"entityId"`
	CompanyUUID Text            `json:"companyUuid"`
	ERPSystemID Text            `json:"erpSystemId"`
	DocStatus   FinancialStatus `json:"docStatus"` // "" in older envelopes
	// Document is the content; see Expense, Invoice and CashAdvance.
	Document json.RawMessage `json:"document"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (d *FinancialDocument) UnmarshalJSON(b []byte) error {
	type plain FinancialDocument
	return readObject(b, (*plain)(d), &d.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (d FinancialDocument) MarshalJSON() ([]byte, error) {
	type plain FinancialDocument
	return writeObject(plain(d), d.Raw)
}

// Content returns the document's JSON object, also where the service was asked
// for text and gave it inside a string.
func (d *FinancialDocument) Content() (json.RawMessage, error) {
	b := bytes.TrimSpace(d.Document)
	if kind(b) == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return nil, errors.New("concur: financial document is not readable text")
		}
		b = bytes.TrimSpace([]byte(s))
	}
	if kind(b) != '{' {
		return nil, errors.New("concur: financial document is not a JSON object")
	}
	return b, nil
}

func (d *FinancialDocument) read(want FinancialType, into any) error {
	if d.DocType != want && d.DocType != "" {
		return fmt.Errorf("concur: financial document is of type %.40q: want %s", string(d.DocType), want)
	}
	b, err := d.Content()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("concur: financial document: %w", shape(err))
	}
	return nil
}

// Expense reads the content of an expense report.
func (d *FinancialDocument) Expense() (*ExpenseDocument, error) {
	var v ExpenseDocument
	if err := d.read(FinancialExpense, &v); err != nil {
		return nil, err
	}
	return &v, nil
}

// Invoice reads the content of a supplier's invoice.
func (d *FinancialDocument) Invoice() (*InvoiceDocument, error) {
	var v InvoiceDocument
	if err := d.read(FinancialInvoice, &v); err != nil {
		return nil, err
	}
	return &v, nil
}

// CashAdvance reads the content of a cash advance.
func (d *FinancialDocument) CashAdvance() (*CashAdvanceDocument, error) {
	var v CashAdvanceDocument
	if err := d.read(FinancialCashAdvance, &v); err != nil {
		return nil, err
	}
	return &v, nil
}

// FinancialQuery selects documents that are ready.
type FinancialQuery struct {
	SystemID string // the ERP system whose documents are asked for; at most 50 characters
	Limit    int    // of a page; 0 leaves it to the vendor, whose default is 25
}

// FinancialService is the Financial Integration Service: a queue of finally
// approved documents with their journal. A document is read, acknowledged (it
// then leaves the queue and can no longer be pulled back), posted and confirmed.
// The service answers 200 whatever became of the single documents, so each call
// that writes returns what became of each. Follows the Financial Integration v4
// page. It takes a company's token. Scope: FISVC.
type FinancialService struct{ service }

func financialPath(operation string, kind FinancialType, more ...string) (string, error) {
	return path(operation, "/financialintegration/fi/v4/companies/transactiontypes", append([]string{string(kind), "transactions"}, more...)...)
}

// List walks over the documents that are ready. Acknowledging takes documents
// out of the list, so pages shift under a walk that acknowledges: to empty the
// queue, read ListPage from its beginning until it is empty.
func (s *FinancialService) List(ctx context.Context, kind FinancialType, q FinancialQuery) iter.Seq2[*FinancialDocument, error] {
	return all(ctx, func(ctx context.Context, after string) (*Page[FinancialDocument], error) {
		return s.ListPage(ctx, kind, q, after)
	})
}

// ListPage returns one page: the first one when after is "", else the one at
// Page.Next of the page before, with the same query.
func (s *FinancialService) ListPage(ctx context.Context, kind FinancialType, q FinancialQuery, after string) (*Page[FinancialDocument], error) {
	const operation = "Financial.List"
	number := 0
	if after != "" {
		var err error
		if number, err = strconv.Atoi(after); err != nil || number < 1 || number > 1_000_000 {
			return nil, &Error{Operation: operation, Status: http.StatusBadRequest, Message: "the page position is malformed; nothing was sent"}
		}
	}
	v := url.Values{"page": {strconv.Itoa(number)}}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.SystemID != "" {
		v.Set("systemId", q.SystemID)
	}
	a, err := s.read(ctx, operation, kind, v)
	if err != nil {
		return nil, err
	}
	p := &Page[FinancialDocument]{Items: a.documents}
	// Links in the answer name other hosts and paths: the numbers are followed.
	if number+1 < a.pages || a.pages == 0 && a.more {
		p.Next = strconv.Itoa(number + 1)
	}
	return p, nil
}

// Get returns the document of a report, payment request or cash advance, by its
// business id (FinancialFacts.DocumentID). Unless anyStatus, only one that is
// ready is found. A report that was recalled and approved again has several:
// the last one with the highest revision is returned. No such document:
// ErrNotFound.
func (s *FinancialService) Get(ctx context.Context, kind FinancialType, businessID string, anyStatus bool) (*FinancialDocument, error) {
	const operation = "Financial.Get"
	ds, err := s.Revisions(ctx, kind, businessID, anyStatus)
	if err != nil {
		return nil, err
	}
	if len(ds) == 0 {
		return nil, &Error{Operation: operation, Status: http.StatusNotFound, Message: "no such document"}
	}
	last, revision := ds[0], ds[0].revision()
	for _, d := range ds[1:] {
		if r := d.revision(); r >= revision {
			last, revision = d, r
		}
	}
	return last, nil
}

// Revisions returns all that the service answers for a business id: one document
// by its page, each revision by an assumption to check on a live tenant.
func (s *FinancialService) Revisions(ctx context.Context, kind FinancialType, businessID string, anyStatus bool) ([]*FinancialDocument, error) {
	const operation = "Financial.Get"
	if businessID == "" {
		return nil, &Error{Operation: operation, Status: http.StatusBadRequest, Message: "an id is missing; nothing was sent"}
	}
	v := url.Values{"docId": {businessID}}
	if anyStatus {
		v.Set("ignoreDocumentStatus", "yes")
	}
	a, err := s.read(ctx, operation, kind, v)
	if err != nil {
		return nil, err
	}
	return a.documents, nil
}

// revision returns the revisionNumber inside the document, 0 for none.
func (d *FinancialDocument) revision() int64 {
	b, err := d.Content()
	if err != nil {
		return 0
	}
	var v struct {
		Report  struct{ RevisionNumber Text } `json:"report"`
		Request struct{ RevisionNumber Text } `json:"requestHeader"`
	}
	if json.Unmarshal(b, &v) != nil {
		return 0
	}
	n, err := seconds(v.Report.RevisionNumber + v.Request.RevisionNumber)
	if err != nil {
		return 0
	}
	return n
}

// financialAnswer is one of two envelopes, or a single document.
type financialAnswer struct {
	documents []*FinancialDocument
	pages     int
	more      bool
}

func (s *FinancialService) read(ctx context.Context, operation string, kind FinancialType, q url.Values) (*financialAnswer, error) {
	p, err := financialPath(operation, kind)
	if err != nil {
		return nil, err
	}
	var body json.RawMessage
	if err := s.client.do(ctx, request{operation: operation, path: p, query: q.Encode(), safe: true}, &body); err != nil {
		return nil, err
	}
	a := &financialAnswer{}
	if err := a.decode(body); err != nil {
		return nil, &Error{Operation: operation, Err: shape(err)}
	}
	return a, nil
}

func (a *financialAnswer) decode(body []byte) error {
	var e struct {
		Page struct {
			TotalPages int `json:"totalPages"`
		} `json:"page"`
		NextPage Text `json:"nextPage"`
		ID       Text `json:"id"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	a.pages, a.more = e.Page.TotalPages, e.NextPage != "" && e.NextPage != "false"
	known := e.ID != ""
	err := members(body, func(name, _, value []byte) error {
		if string(name) != "content" && string(name) != "fIDocuments" {
			return nil
		}
		known = true
		if kind(value) == 'n' {
			return nil
		}
		rows, err := rowsOf[FinancialDocument](value)
		a.documents = append(a.documents, rows...)
		return err
	})
	if err != nil {
		return err
	}
	if !known {
		return errNoList
	}
	if e.ID != "" && len(a.documents) == 0 {
		var d FinancialDocument
		if err := json.Unmarshal(body, &d); err != nil {
			return err
		}
		a.documents = []*FinancialDocument{&d}
	}
	for _, d := range a.documents {
		if d == nil || d.ID == "" {
			return errors.New("a document has no id")
		}
	}
	return nil
}

type acknowledgement struct {
	IDs      []string `json:"ids"`
	SystemID string   `json:"systemId"`
}

// Acknowledge tells the service that documents were taken, and returns what
// became of each, in the order of ids (FinancialDocument.ID). systemID names this
// ERP system, "" for none; give the same one always. It is sent once; sending it
// again is answered with FinancialAcknowledgedBefore.
func (s *FinancialService) Acknowledge(ctx context.Context, kind FinancialType, ids []string, systemID string) ([]FinancialResult, error) {
	const operation = "Financial.Acknowledge"
	if len(ids) == 0 {
		return nil, nil
	}
	body := acknowledgement{ids, systemID}
	rows, err := s.write(ctx, operation, kind, "acknowledgements", body)
	if err != nil {
		return nil, err
	}
	return inOrder(rows, len(ids), func(i int, r FinancialResult) bool { return string(r.DocID) == ids[i] },
		func(i int) FinancialResult { return FinancialResult{DocID: Text(ids[i]), Missing: true} }), nil
}

func (s *FinancialService) write(ctx context.Context, operation string, kind FinancialType, what string, body any) ([]FinancialResult, error) {
	p, err := financialPath(operation, kind, what)
	if err != nil {
		return nil, err
	}
	var rows []FinancialResult
	if err := s.client.do(ctx, request{operation: operation, method: http.MethodPost, path: p, body: body}, &rows); err != nil {
		return nil, err
	}
	return rows, nil
}

// inOrder gives each of n things that were sent the row of the answer that is
// about it, each row once.
func inOrder(rows []FinancialResult, n int, about func(i int, r FinancialResult) bool, missing func(i int) FinancialResult) []FinancialResult {
	out, used := make([]FinancialResult, n), make([]bool, len(rows))
	for i := range out {
		out[i] = missing(i)
		for j, r := range rows {
			if !used[j] && about(i, r) {
				out[i], used[j] = r, true
				break
			}
		}
	}
	return out
}

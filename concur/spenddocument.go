package concur

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/ml-connector/ml-connector/internal/rest"
)

// Document is a stream of bytes: an image, a PDF. Close it after reading.
type Document struct {
	io.ReadCloser
	ContentType string
	Length      int64 // -1 where it is not known
}

// streamer returns a client that follows no redirect and sets no end to a body:
// the context of the call does.
func streamer(base *http.Client) *http.Client {
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if base != nil {
		c.Transport = base.Transport
	}
	if c.Transport == nil {
		if t, ok := http.DefaultTransport.(*http.Transport); ok {
			t = t.Clone()
			t.ResponseHeaderTimeout = rest.DefaultTimeout
			c.Transport = t
		}
	}
	return c
}

// document takes an answer over as a stream, or reads the refusal.
func document(operation string, res *http.Response, err error) (*Document, error) {
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // its text would repeat the URL, which may be a secret
		}
		return nil, &Error{Operation: operation, Err: err}
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		defer func() { _ = res.Body.Close() }()
		body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10)) // what came of it says what it can
		return nil, errorFrom(operation, res.StatusCode, res.Header, body, rest.RetryAfter(res.Header, time.Now()))
	}
	return &Document{ReadCloser: res.Body, ContentType: res.Header.Get("Content-Type"), Length: res.ContentLength}, nil
}

// open sends a call that reads and hands its answer over as a stream. A refused one
// is repeated once, as do does.
func (c *Client) open(ctx context.Context, r request) (*Document, error) {
	var refused Secret
	repeated := false
	for {
		token, err := c.source.get(ctx, readMargin, refused)
		if err != nil {
			return nil, inOperation(r.operation, err)
		}
		req, err := c.newRequest(ctx, r, token)
		if err != nil {
			return nil, &Error{Operation: r.operation, Err: err}
		}
		res, err := c.stream.Do(req) //nolint:bodyclose // document hands it over or closes it
		d, err := document(r.operation, res, err)
		var e *Error
		if !repeated && errors.As(err, &e) && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden) {
			repeated = true
			if ended(e.Status, token) {
				refused = token.AccessToken
			}
			continue
		}
		return d, err
	}
}

// SpendDocument is the original of a receipt with its copies. Follows the Spend
// Documents v4 page.
type SpendDocument struct {
	Metadata struct {
		ID               string `json:"id"`
		ImageID          string `json:"imageId"`
		UserID           string `json:"userId"`
		CompanyID        string `json:"companyId"`
		DateTimeReceived Time   `json:"dateTimeReceived"`
		Status           string `json:"status"`
	} `json:"metadata"`
	// ReceiptData is what was read from the receipt: amount, vendor, date.
	ReceiptData json.RawMessage `json:"receiptData"`
	Documents   []struct {
		Representation DocumentRepresentation `json:"representation"`
		Type           string                 `json:"type"` // application/pdf
		Name           string                 `json:"name"`
		Renderable     bool                   `json:"renderable"`
		Href           string                 `json:"href"` // its host may be an old one: never call it
	} `json:"documents"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (d *SpendDocument) UnmarshalJSON(b []byte) error {
	type plain SpendDocument
	return readObject(b, (*plain)(d), &d.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (d SpendDocument) MarshalJSON() ([]byte, error) {
	type plain SpendDocument
	return writeObject(plain(d), d.Raw)
}

// DocumentRepresentation is a copy of a receipt.
type DocumentRepresentation string

// The copies of a receipt.
const (
	RepresentationDisplay    DocumentRepresentation = "display"
	RepresentationCompliance DocumentRepresentation = "compliance"
)

// SpendDocumentsService reads the originals of receipts of finally approved
// reports. Follows the Spend Documents v4 page. Scope: spenddocs.receipts.read,
// and spenddocs.receipts.compliance.read for compliance copies.
type SpendDocumentsService struct{ service }

const spendDocumentsPath = "/spend-documents/v4/receipts"

// Get returns a receipt's description. No such receipt: ErrNotFound.
func (s *SpendDocumentsService) Get(ctx context.Context, receiptID string) (*SpendDocument, error) {
	const operation = "SpendDocuments.Get"
	p, err := path(operation, spendDocumentsPath, receiptID)
	if err != nil {
		return nil, err
	}
	return fetch[SpendDocument](ctx, s.client, request{operation: operation, path: p, safe: true})
}

// ByImage returns a receipt's description by the id of its image, which reports
// have (Expense.ReceiptImageID).
func (s *SpendDocumentsService) ByImage(ctx context.Context, companyID, imageID string) (*SpendDocument, error) {
	const operation = "SpendDocuments.ByImage"
	q := url.Values{"imageId": {imageID}, "companyId": {companyID}}
	return fetch[SpendDocument](ctx, s.client, request{operation: operation, path: spendDocumentsPath, query: q.Encode(), safe: true})
}

// Open opens a copy of a receipt. Close it after reading; ctx bounds it.
func (s *SpendDocumentsService) Open(ctx context.Context, receiptID string, as DocumentRepresentation) (*Document, error) {
	const operation = "SpendDocuments.Open"
	p, err := path(operation, spendDocumentsPath, receiptID, "representations")
	if err != nil {
		return nil, err
	}
	return s.client.open(ctx, request{operation: operation, path: p, query: url.Values{"type": {string(as)}}.Encode(), safe: true, accept: "*/*"})
}

package concur

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strconv"
)

// Digest is a payment request in a list. Follows the Payment Request Digest v3
// page.
type Digest struct {
	ID                  string  `json:"ID"`
	PaymentRequestID    string  `json:"PaymentRequestId"` // for PaymentRequests.Get
	PaymentRequestURI   string  `json:"PaymentRequestUri"`
	URI                 string  `json:"URI"`
	ApprovalStatusCode  Text    `json:"ApprovalStatusCode"`
	PaymentStatusCode   Text    `json:"PaymentStatusCode"`
	InvoiceNumber       Text    `json:"InvoiceNumber"`
	Total               Decimal `json:"Total"`
	CurrencyCode        Text    `json:"CurrencyCode"`
	VendorName          Text    `json:"VendorName"`
	OwnerLoginID        Text    `json:"OwnerLoginID"`
	OwnerName           Text    `json:"OwnerName"`
	CreateDate          Time    `json:"CreateDate"`
	UserDefinedDate     Time    `json:"UserDefinedDate"`
	PaidDate            Time    `json:"PaidDate"`
	ExtractedDate       Time    `json:"ExtractedDate"`    // documented, not in the specification
	LastModifiedDate    Time    `json:"LastModifiedDate"` // documented, not in the specification
	PaymentMethod       Text    `json:"PaymentMethod"`
	PurchaseOrderNumber Text    `json:"PurchaseOrderNumber"`
	IsDeleted           Flag    `json:"IsDeleted"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (d *Digest) UnmarshalJSON(b []byte) error {
	type plain Digest
	return readObject(b, (*plain)(d), &d.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (d Digest) MarshalJSON() ([]byte, error) {
	type plain Digest
	return writeObject(plain(d), d.Raw)
}

// Request returns the id of the payment request that the digest stands for.
func (d *Digest) Request() string {
	if d.PaymentRequestID != "" {
		return d.PaymentRequestID
	}
	return d.ID
}

// DigestQuery selects digests. Its dates are whole days, so a list of what
// changed since an hour asks for the day before and drops what it knows. The
// service may ignore LastModifiedDate…, ExtractedDate… and PaymentMethod, which
// its specification lacks: look at the rows too.
type DigestQuery struct {
	ApprovalStatus, PaymentStatus                 string
	VendorInvoiceNumber                           string
	PaymentMethod                                 string // such as CLIENT; the service may ignore it
	CreateDateAfter, CreateDateBefore             Date
	SubmitDateAfter, SubmitDateBefore             Date
	LastModifiedDateAfter, LastModifiedDateBefore Date
	PaidDateAfter, PaidDateBefore                 Date
	UserDefinedDateAfter, UserDefinedDateBefore   Date
	ExtractedDateAfter, ExtractedDateBefore       Date
	Limit                                         int // of a page; 0 leaves it to the vendor, whose default is 1000
}

func (q DigestQuery) encode() string {
	v := url.Values{}
	for name, text := range map[string]string{
		"approvalStatus": q.ApprovalStatus, "paymentStatus": q.PaymentStatus,
		"vendorInvoiceNumber": q.VendorInvoiceNumber,
		"createDateAfter":     q.CreateDateAfter.String(), "createDateBefore": q.CreateDateBefore.String(),
		"submitDateAfter": q.SubmitDateAfter.String(), "submitDateBefore": q.SubmitDateBefore.String(),
		"lastModifiedDateAfter": q.LastModifiedDateAfter.String(), "lastModifiedDateBefore": q.LastModifiedDateBefore.String(),
		"payMethodType":        q.PaymentMethod,
		"userDefinedDateAfter": q.UserDefinedDateAfter.String(), "userDefinedDateBefore": q.UserDefinedDateBefore.String(),
		"extractedDateAfter": q.ExtractedDateAfter.String(), "extractedDateBefore": q.ExtractedDateBefore.String(),
		"paidDateAfter": q.PaidDateAfter.String(), "paidDateBefore": q.PaidDateBefore.String(),
	} {
		if text != "" {
			v.Set(name, text)
		}
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return v.Encode()
}

// DigestsService lists suppliers' invoices. Follows the Payment Request Digest
// v3 page. Scope: INVPMT.
type DigestsService struct{ service }

const digestsPath = "/api/v3.0/invoice/paymentrequestdigests"

// List walks over all digests that the query selects.
func (s *DigestsService) List(ctx context.Context, q DigestQuery) iter.Seq2[*Digest, error] {
	return all(ctx, func(ctx context.Context, after string) (*Page[Digest], error) { return s.ListPage(ctx, q, after) })
}

// ListPage returns one page: the first one when after is "", else the one at
// Page.Next of the page before, for which q is not looked at.
func (s *DigestsService) ListPage(ctx context.Context, q DigestQuery, after string) (*Page[Digest], error) {
	const operation = "Digests.List"
	// The specification lists both names of the array; live answers use the longer.
	return pageV3[Digest](ctx, s.client, operation, digestsPath, q.encode(), after, "PaymentRequestDigest")
}

// Get returns one digest. No such digest: ErrNotFound.
func (s *DigestsService) Get(ctx context.Context, id string) (*Digest, error) {
	const operation = "Digests.Get"
	p, err := path(operation, digestsPath, id)
	if err != nil {
		return nil, err
	}
	var d Digest
	if err := s.client.do(ctx, request{operation: operation, path: p, safe: true}, &d); err != nil {
		return nil, err
	}
	return &d, nil
}

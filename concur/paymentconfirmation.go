package concur

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// InvoicePayment is a payment that Concur's own Invoice Pay made. Follows the
// Invoice Payment Confirmation v4 page.
type InvoicePayment struct {
	RequestID              string  `json:"requestId"` // PaymentRequest.ID
	RequestName            string  `json:"requestName"`
	InvoiceNumber          string  `json:"invoiceNumber"`
	PurchaseOrderNumber    string  `json:"purchaseOrderNumber"`
	SupplierName           string  `json:"supplierName"`
	VendorCode             string  `json:"vendorCode"`
	VendorAddressCode      string  `json:"vendorAddressCode"`
	PaymentMethodType      string  `json:"paymentMethodType"`
	PaymentStatus          string  `json:"paymentStatus"`
	PaymentStatusDate      Date    `json:"paymentStatusDate"`
	PaymentAmount          Decimal `json:"paymentAmount"`
	PaymentCurrency        string  `json:"paymentCurrency"`
	InvoiceCurrency        string  `json:"invoiceCurrency"`
	FundingCurrency        string  `json:"fundingCurrency"`
	ForeignExchangeRate    Decimal `json:"foreignExchangeRate"`
	CheckNumber            string  `json:"checkNumber"`
	ProviderPaymentMethod  string  `json:"providerPaymentMethod"`
	FundingSourceReference string  `json:"fundingSourceReference"`
	ThirdPartyReference    string  `json:"thirdPartyReference"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (p *InvoicePayment) UnmarshalJSON(b []byte) error {
	type plain InvoicePayment
	return readObject(b, (*plain)(p), &p.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (p InvoicePayment) MarshalJSON() ([]byte, error) {
	type plain InvoicePayment
	return writeObject(plain(p), p.Raw)
}

// InvoicePaymentQuery selects payments of the past.
type InvoicePaymentQuery struct {
	StatusFrom, StatusTo   Date // of the payment's status
	InvoiceFrom, InvoiceTo Date
	VendorName             string
	VendorCode             string
	AddressCode            string
	InvoiceNumber          string
	Limit                  int // of a page; 0 leaves it to the vendor, whose maximum is 500
}

// InvoicePaid says that an invoice was paid outside of Concur, or that a payment
// was undone. The invoice is named by RequestID, or by InvoiceNumber with one of
// VendorName, VendorCode, or VendorCode and VendorAddressCode.
type InvoicePaid struct {
	RequestID         string  `json:"requestId,omitempty"`
	InvoiceNumber     string  `json:"invoiceNumber,omitempty"`
	VendorName        string  `json:"vendorName,omitempty"`
	VendorCode        string  `json:"vendorCode,omitempty"`
	VendorAddressCode string  `json:"vendorAddressCode,omitempty"`
	InvoiceAmount     Decimal `json:"invoiceAmount,omitzero"`
	// Status is InvoicePaidStatus where it is empty.
	Status        InvoicePayStatus `json:"paymentStatus,omitempty"`
	StatusDate    Date             `json:"paymentStatusDate,omitzero"`
	Method        string           `json:"paymentMethodType,omitempty"` // ACH, CHECK, WIRE, CARD, VCHER, CLIENT; "" is the vendor's default
	Amount        Decimal          `json:"paymentAmount,omitzero"`
	CheckNumbers  []string         `json:"checkNumbers,omitempty"`
	NotesToVendor string           `json:"notesToSupplier,omitempty"`
	Notes         string           `json:"paymentAdjNotes,omitempty"`
	// Custom sets "custom1" to "custom24".
	Custom map[string]string `json:"customFields,omitempty"`
}

// InvoicePayStatus is what became of an invoice's payment.
type InvoicePayStatus string

// What became of a payment.
const (
	InvoicePaidStatus      InvoicePayStatus = "PAID"
	InvoiceVoidStatus      InvoicePayStatus = "VOID"
	InvoiceCancelledStatus InvoicePayStatus = "CANCEL"
)

// InvoicePaidError is an update that was refused, under an answer of 200, 207 or
// 400. An invoice whose payment status is not Extracted yet is refused: the
// customer's extract, or the posting confirmation of its financial document,
// makes it so.
type InvoicePaidError struct {
	RequestID, InvoiceNumber string
	Message                  string // the vendor's
	// Unclear: the answer does not mention the update.
	Unclear bool
}

// Error returns the refusal on one line.
func (e *InvoicePaidError) Error() string {
	name := e.RequestID
	if name == "" {
		name = e.InvoiceNumber
	}
	if e.Unclear {
		return fmt.Sprintf("concur: PaymentConfirmations.Update: invoice %.80q: the answer does not say whether it was updated", name)
	}
	return fmt.Sprintf("concur: PaymentConfirmations.Update: invoice %.80q was not updated: %s", name, oneLine(e.Message))
}

// NotExtracted reports whether the invoice's payment status stands in the way:
// the same update may succeed later. The vendor gives no code, so this reads its
// sentence.
func (e *InvoicePaidError) NotExtracted() bool {
	return strings.Contains(strings.ToLower(e.Message), "payment status of extracted")
}

// Retryable reports whether the same update may succeed later.
func (e *InvoicePaidError) Retryable() bool { return e.NotExtracted() }

// Is makes a refusal ErrInvalid, or ErrConflict where the invoice is not extracted.
func (e *InvoicePaidError) Is(target error) bool {
	switch {
	case e.Unclear:
		return false
	case e.NotExtracted():
		return target == ErrConflict
	default:
		return target == ErrInvalid
	}
}

// MaxInvoicePaid is how many updates one call takes.
const MaxInvoicePaid = 500

// PaymentConfirmationsService tells Concur that suppliers' invoices were paid,
// and reads what its own Invoice Pay paid. Follows the Invoice Payment Confirmation v4 page.
// It takes a company's token. Scope: invoice.paymentconfirmation.read, .write.
type PaymentConfirmationsService struct{ service }

const paymentConfirmationsPath = "/invoice/payment-confirmation/v4/payments"

// List walks over the payments of the past that the query selects.
func (s *PaymentConfirmationsService) List(ctx context.Context, q InvoicePaymentQuery) iter.Seq2[*InvoicePayment, error] {
	return all(ctx, func(ctx context.Context, after string) (*Page[InvoicePayment], error) {
		return s.ListPage(ctx, q, after)
	})
}

// ListPage returns one page: the first one when after is "", else the one at
// Page.Next of the page before, with the same query.
func (s *PaymentConfirmationsService) ListPage(ctx context.Context, q InvoicePaymentQuery, after string) (*Page[InvoicePayment], error) {
	const operation = "PaymentConfirmations.List"
	number := 1 // pages count from 1
	if after != "" {
		var err error
		if number, err = strconv.Atoi(after); err != nil || number < 2 || number > 1_000_000 {
			return nil, &Error{Operation: operation, Status: http.StatusBadRequest, Message: "the page position is malformed; nothing was sent"}
		}
	}
	v := url.Values{"page": {strconv.Itoa(number)}}
	for name, text := range map[string]string{
		"payStatusFromDate": q.StatusFrom.String(), "payStatusToDate": q.StatusTo.String(), "invoiceFromDate": q.InvoiceFrom.String(),
		"invoiceToDate": q.InvoiceTo.String(), "vendorName": q.VendorName, "vendorCode": q.VendorCode, "addressCode": q.AddressCode,
		"invoiceNumber": q.InvoiceNumber,
	} {
		if text != "" {
			v.Set(name, text)
		}
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	items, limit, total, err := s.payments(ctx, request{operation: operation, path: paymentConfirmationsPath, query: v.Encode(), safe: true})
	if err != nil {
		return nil, err
	}
	p := &Page[InvoicePayment]{Items: items}
	if len(items) == 0 {
		return p, nil
	}
	if limit <= 0 {
		limit = min(q.Limit, maxInvoicePayments) // what was asked for
	}
	switch {
	case total < 0, limit <= 0 && number == 1 && len(items) < total, limit <= 0 && number > 1:
		return nil, &Error{Operation: operation, Err: errNoEnd}
	case number*limit < total && limit > 0:
		p.Next = strconv.Itoa(number + 1)
	}
	return p, nil
}

// maxInvoicePayments is how many a page holds at most.
const maxInvoicePayments = 500

// payments reads a page; a total of -1 is none.
func (s *PaymentConfirmationsService) payments(ctx context.Context, r request) (items []*InvoicePayment, limit, total int, err error) {
	a, err := fetch[struct {
		Limit    int  `json:"pageLimit"`
		Total    *int `json:"totalRecordCount"`
		Payments *[]*InvoicePayment
		List     *[]*InvoicePayment `json:"paymentsList"` // the schema's name; the samples have the other
	}](ctx, s.client, r)
	if err != nil {
		return nil, 0, 0, err
	}
	if a.Payments == nil {
		a.Payments = a.List
	}
	if a.Payments == nil {
		return nil, 0, 0, &Error{Operation: r.operation, Err: errNoList}
	}
	total = -1
	if a.Total != nil {
		total = *a.Total
	}
	return *a.Payments, a.Limit, total, nil
}

// Extract gives out payments that Concur's own Invoice Pay made and that were not
// given out before, and marks them as extracted in the same stroke: who loses the
// answer finds them by List alone. It is for customers whom Concur pays for, never
// for invoices that the ERP pays, which Update tells of. Call it until it returns
// none; store what it returned before the next call. limit is at most 500; 0
// leaves it to the vendor. It is sent once.
//
// That the first page always holds what is new, since what was given out leaves
// it, is an assumption to check on a live tenant. Scope:
// invoice.paymentconfirmation.write.
func (s *PaymentConfirmationsService) Extract(ctx context.Context, limit int) ([]*InvoicePayment, error) {
	v := url.Values{"page": {"1"}}
	if limit > 0 {
		v.Set("limit", strconv.Itoa(limit))
	}
	r := request{operation: "PaymentConfirmations.Extract", method: http.MethodPost, path: paymentConfirmationsPath, query: v.Encode()}
	items, _, _, err := s.payments(ctx, r)
	return items, err
}

// Update tells that invoices were paid outside of Concur and returns one error
// for each: nil where it was taken, else an *InvoicePaidError. The second result
// is a failure of the whole call. It is sent once; at most MaxInvoicePaid.
func (s *PaymentConfirmationsService) Update(ctx context.Context, paid []InvoicePaid) ([]error, error) {
	const operation = "PaymentConfirmations.Update"
	if len(paid) == 0 {
		return nil, nil
	}
	if len(paid) > MaxInvoicePaid {
		return nil, &Error{Operation: operation, Status: http.StatusBadRequest, Message: fmt.Sprintf("%d updates: at most %d go into one call; nothing was sent", len(paid), MaxInvoicePaid)}
	}
	a, err := fetch[invoicePaidAnswer](ctx, s.client, request{
		operation: operation, method: http.MethodPost, path: paymentConfirmationsPath + "/bulkUpdate", body: paid,
		// All failed: 400 with the body of a success.
		outcome: func(status int, body []byte) bool {
			var a invoicePaidAnswer
			return status == http.StatusBadRequest && json.Unmarshal(body, &a) == nil && len(a.Failed) > 0
		},
	})
	if err != nil {
		return nil, err
	}
	if len(a.Successful)+len(a.Failed) == 0 && a.SuccessCount+a.FailureCount == 0 {
		return nil, &Error{Operation: operation, Err: errors.New("the answer says nothing about the updates: whether they were taken is not known")}
	}
	return a.outcomes(paid), nil
}

type invoicePaidAnswer struct {
	SuccessCount int             `json:"successCount"`
	FailureCount int             `json:"failureCount"`
	Successful   []invoiceUpdate `json:"successfulPayments"`
	Failed       []invoiceUpdate `json:"failedPayments"`
}

type invoiceUpdate struct {
	InvoicePaid
	Message Text `json:"errorMessage"`
}

// outcomes gives each update the row of the answer that repeats it. Rows are
// matched by what names the invoice, since their order is not that of the call.
func (a *invoicePaidAnswer) outcomes(paid []InvoicePaid) []error {
	used := map[bool][]bool{true: make([]bool, len(a.Successful)), false: make([]bool, len(a.Failed))}
	same := func(x, y InvoicePaid) bool {
		return x.RequestID == y.RequestID && x.InvoiceNumber == y.InvoiceNumber && x.VendorCode == y.VendorCode &&
			x.VendorName == y.VendorName && x.StatusDate == y.StatusDate && (x.Status == y.Status || x.Status == "")
	}
	each := make([]error, len(paid))
	for i, p := range paid {
		found := false
		for j, r := range a.Failed {
			if !used[false][j] && same(p, r.InvoicePaid) {
				used[false][j], found = true, true
				each[i] = &InvoicePaidError{RequestID: p.RequestID, InvoiceNumber: p.InvoiceNumber, Message: string(r.Message)}
				break
			}
		}
		for j, r := range a.Successful {
			if !found && !used[true][j] && same(p, r.InvoicePaid) {
				used[true][j], found = true, true
			}
		}
		if !found {
			each[i] = &InvoicePaidError{RequestID: p.RequestID, InvoiceNumber: p.InvoiceNumber, Unclear: true}
		}
	}
	return each
}

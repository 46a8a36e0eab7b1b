package concur

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// PurchaseOrder is an order, as it is read and written; every scalar is a text
// here. Follows the Purchase Orders v3 page. Required to write: PolicyExternalID,
// Name, OrderDate, CurrencyCode, VendorCode, VendorAddressCode, both addresses
// and the lines.
type PurchaseOrder struct {
	ID                  Text                `json:"ID,omitempty"`
	URI                 Text                `json:"URI,omitempty"` // read only; its host may be an old one: never call it
	PurchaseOrderNumber Text                `json:"PurchaseOrderNumber,omitempty"`
	Name                Text                `json:"Name,omitempty"`
	Description         Text                `json:"Description,omitempty"`
	PolicyExternalID    Text                `json:"PolicyExternalID,omitempty"`
	LedgerCode          Text                `json:"LedgerCode,omitempty"`
	OrderDate           Text                `json:"OrderDate,omitempty"` // YYYY-MM-DD
	CurrencyCode        Text                `json:"CurrencyCode,omitempty"`
	VendorCode          Text                `json:"VendorCode,omitempty"`
	VendorAddressCode   Text                `json:"VendorAddressCode,omitempty"`
	PaymentTerms        Text                `json:"PaymentTerms,omitempty"`
	ReceiptType         Text                `json:"ReceiptType,omitempty"` // the page: QUANTITY_RECEIPT or NONE; its sample: WQTY
	RequestedBy         Text                `json:"RequestedBy,omitempty"`
	Shipping            Text                `json:"Shipping,omitempty"`
	Tax                 Text                `json:"Tax,omitempty"`
	Status              Text                `json:"Status,omitempty"` // Transmitted or Closed
	BillToAddress       OrderAddress        `json:"BillToAddress,omitzero"`
	ShipToAddress       OrderAddress        `json:"ShipToAddress,omitzero"`
	LineItems           []PurchaseOrderLine `json:"LineItem,omitempty"`

	// Custom holds "custom1" to "custom24".
	Custom map[string]Text `json:"-"`
	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above; what was emptied goes
	// out as empty. To make another order of one that was read, empty Raw, also that
	// of its parts.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (o *PurchaseOrder) UnmarshalJSON(b []byte) error {
	type plain PurchaseOrder
	return readRow(b, (*plain)(o), &o.Raw, &o.Custom)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (o PurchaseOrder) MarshalJSON() ([]byte, error) {
	type plain PurchaseOrder
	return writeRow(plain(o), o.Raw, o.Custom)
}

// OrderAddress is where an order is billed or shipped to.
type OrderAddress struct {
	ExternalID    Text `json:"ExternalID,omitempty"`
	Name          Text `json:"Name,omitempty"`
	Address1      Text `json:"Address1,omitempty"`
	Address2      Text `json:"Address2,omitempty"`
	Address3      Text `json:"Address3,omitempty"`
	City          Text `json:"City,omitempty"`
	StateProvince Text `json:"StateProvince,omitempty"`
	PostalCode    Text `json:"PostalCode,omitempty"`
	CountryCode   Text `json:"CountryCode,omitempty"`
}

// PurchaseOrderLine is a line of an order. Of ExpenseType and AccountCode one is
// given.
type PurchaseOrderLine struct {
	ExternalID        Text                      `json:"ExternalID,omitempty"`
	LineNumber        Text                      `json:"LineNumber,omitempty"`
	Description       Text                      `json:"Description,omitempty"`
	Quantity          Text                      `json:"Quantity,omitempty"`
	UnitPrice         Text                      `json:"UnitPrice,omitempty"`
	UnitOfMeasureCode Text                      `json:"UnitOfMeasureCode,omitempty"`
	ExpenseType       Text                      `json:"ExpenseType,omitempty"`
	AccountCode       Text                      `json:"AccountCode,omitempty"`
	SupplierPartID    Text                      `json:"SupplierPartID,omitempty"`
	ReceiptType       Text                      `json:"PurchaseOrderReceiptType,omitempty"`
	IsReceiptRequired Text                      `json:"IsReceiptRequired,omitempty"`
	Allocations       []PurchaseOrderAllocation `json:"Allocation,omitempty"`

	// Custom holds "custom1" to "custom20", the line's coding among them.
	Custom map[string]Text `json:"-"`
	// Raw is the line as it came; it belongs to this line alone. See PurchaseOrder.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the line and keeps it in Raw.
func (l *PurchaseOrderLine) UnmarshalJSON(b []byte) error {
	type plain PurchaseOrderLine
	return readRow(b, (*plain)(l), &l.Raw, &l.Custom)
}

// MarshalJSON writes the line as it came, with what was changed since.
func (l PurchaseOrderLine) MarshalJSON() ([]byte, error) {
	type plain PurchaseOrderLine
	return writeRow(plain(l), l.Raw, l.Custom)
}

// PurchaseOrderAllocation is a share of a line.
type PurchaseOrderAllocation struct {
	Amount      Text `json:"Amount,omitempty"`
	GrossAmount Text `json:"GrossAmount,omitempty"`
	Percentage  Text `json:"Percentage,omitempty"`

	// Custom holds "custom1" to "custom20".
	Custom map[string]Text `json:"-"`
	// Raw is the share as it came; it belongs to this share alone. See PurchaseOrder.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the share and keeps it in Raw.
func (a *PurchaseOrderAllocation) UnmarshalJSON(b []byte) error {
	type plain PurchaseOrderAllocation
	return readRow(b, (*plain)(a), &a.Raw, &a.Custom)
}

// MarshalJSON writes the share as it came, with what was changed since.
func (a PurchaseOrderAllocation) MarshalJSON() ([]byte, error) {
	type plain PurchaseOrderAllocation
	return writeRow(plain(a), a.Raw, a.Custom)
}

// OrderError is an order or a receipt that was not stored, under an answer of
// 200. It is ErrInvalid for errors.Is unless Unclear.
type OrderError struct {
	Operation string
	Number    string // PurchaseOrderNumber
	Code      string // the vendor's, such as 5500
	Field     string
	Line      string // LineItemExternalID
	Message   string
	Unclear   bool // the answer does not say whether it was stored
}

// Error returns the refusal on one line.
func (e *OrderError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "concur: %s: order %.80q", e.Operation, e.Number)
	if e.Unclear {
		b.WriteString(": the answer does not say whether it was stored")
	} else {
		b.WriteString(" was not stored")
	}
	for _, t := range []string{e.Code, e.Field, e.Line, e.Message} {
		if t = oneLine(t); t != "" {
			b.WriteString("; " + t)
		}
	}
	return b.String()
}

// Is makes a refusal ErrInvalid; an unclear answer is nothing.
func (e *OrderError) Is(target error) bool {
	return target == ErrInvalid && !e.Unclear
}

// orderAnswer is the answer to one order or receipt.
type orderAnswer struct {
	Status  Text `json:"Status"`
	Code    Text `json:"ErrorCode"`
	Error   Text `json:"ErrorMessage"`
	Field   Text `json:"FieldCode"`
	Line    Text `json:"LineItemExternalID"`
	Message Text `json:"Message"`
	Number  Text `json:"PurchaseOrderNumber"`
}

// outcome tells what an answer of 200 means: only SUCCESS means stored.
func (a *orderAnswer) outcome(operation, number string) error {
	e := &OrderError{Operation: operation, Number: number, Code: string(a.Code), Field: string(a.Field), Line: string(a.Line), Message: string(a.Error)}
	first(&e.Message, string(a.Message))
	switch {
	case strings.EqualFold(string(a.Status), "SUCCESS") && a.Code == "":
		return nil
	case strings.EqualFold(string(a.Status), "FAILURE") || a.Code != "":
		return e
	default:
		e.Unclear = true
		return e
	}
}

// PurchaseOrdersService reads and writes orders, one a call. A company's token
// is needed where requesters differ: with a user's every order is that user's.
// Follows the Purchase Orders v3 page. Scope: INVPO.
type PurchaseOrdersService struct{ service }

const purchaseOrdersPath = "/api/v3.0/invoice/purchaseorders"

// Get returns an order by its number. No such order: ErrNotFound.
func (s *PurchaseOrdersService) Get(ctx context.Context, number string) (*PurchaseOrder, error) {
	return oneV3[PurchaseOrder](ctx, s.client, "PurchaseOrders.Get", purchaseOrdersPath, number, "")
}

// Create makes an order and returns its number. A refusal under an answer of 200
// is an *OrderError. It is sent once.
func (s *PurchaseOrdersService) Create(ctx context.Context, o PurchaseOrder) (number string, err error) {
	return s.write(ctx, "PurchaseOrders.Create", http.MethodPost, o)
}

// Update changes an order and returns its number. A refusal under an answer of
// 200 is an *OrderError. It is sent once.
func (s *PurchaseOrdersService) Update(ctx context.Context, o PurchaseOrder) (number string, err error) {
	return s.write(ctx, "PurchaseOrders.Update", http.MethodPut, o)
}

func (s *PurchaseOrdersService) write(ctx context.Context, operation, method string, o PurchaseOrder) (string, error) {
	a, err := fetch[orderAnswer](ctx, s.client, request{operation: operation, method: method, path: purchaseOrdersPath, body: o})
	if err != nil {
		return "", err
	}
	number := string(a.Number)
	first(&number, string(o.PurchaseOrderNumber))
	return number, a.outcome(operation, number)
}

package concur

import (
	"context"
	"encoding/json"
	"net/http"
)

// PaymentRequestInput describes a supplier's invoice to be made or changed. Name,
// InvoiceAmount, CountryCode and VendorRemitTo are required, CurrencyCode is
// always worth sending, and a new one needs something that says whose it is: one
// of EmployeeLoginID, EmployeeID and EmployeeEmailAddress (of several the first
// counts), or LedgerCode, PurchaseOrderNumber or ExternalPolicyID.
//
// The write model is not the read model: custom fields have two digits, lines
// stand in a bare array, and an allocation has no account, which follows from its
// custom fields. What an update does to a field that is not sent is not
// documented.
type PaymentRequestInput struct {
	Name          string
	Description   string
	InvoiceNumber string // the supplier's
	InvoiceAmount Decimal
	CurrencyCode  string // ISO 4217
	CountryCode   string // ISO 3166, two capital letters
	VendorRemitTo VendorIdentifier

	EmployeeLoginID      string
	EmployeeID           string
	EmployeeEmailAddress string
	LedgerCode           string // of a new one only
	ExternalPolicyID     string // of a new one only
	// PurchaseOrderNumber has that name on the page; the specification calls it
	// PurchaseOrderId, which Other can send instead.
	PurchaseOrderNumber string

	InvoiceDate         Date
	InvoiceReceivedDate Date
	PaymentDueDate      Date
	PaymentTermsDays    string
	AmountWithoutVat    Decimal
	TaxAmount           Decimal
	ShippingAmount      Decimal
	VendorTaxID         string
	NotesToVendor       string

	LineItems []LineItemInput
	// Custom holds "custom1" to "custom24" and "orgUnit1" to "orgUnit6".
	Custom map[string]string
	// Other holds further fields by the names of the page, such as VatAmountOne,
	// DiscountTerms and, of an update, DoCopyDown.
	Other map[string]string
}

// VendorIdentifier names the supplier to be paid by its codes, or by name,
// address and postal code. A call whose identifier fits more than one fails.
type VendorIdentifier struct {
	VendorCode  string `json:"VendorCode,omitempty"`
	AddressCode string `json:"AddressCode,omitempty"`
	Name        string `json:"Name,omitempty"`
	Address1    string `json:"Address1,omitempty"`
	PostalCode  string `json:"PostalCode,omitempty"`
}

func (v VendorIdentifier) complete() bool {
	return v.VendorCode != "" && v.AddressCode != "" || v.Name != "" && v.Address1 != "" && v.PostalCode != ""
}

// LineAction is what an update does to a line.
type LineAction string

// The actions.
const (
	LineInsert LineAction = "INSERT"
	LineUpdate LineAction = "UPDATE"
	LineDelete LineAction = "DELETE"
)

// LineItemInput is a line to be made, or of an update changed.
type LineItemInput struct {
	// Action and, but for an insertion, LineItemID belong to an update.
	Action     LineAction
	LineItemID string

	Description         string
	ExpenseTypeCode     string
	Quantity            Decimal
	UnitPrice           Decimal
	UnitOfMeasure       string
	TotalPrice          Decimal // of a new payment request only
	AmountWithoutVat    Decimal
	Tax                 Decimal
	VatAmount           Decimal
	TaxCode             string
	ItemCode            string
	SupplierPartID      string
	PurchaseOrderNumber string
	Allocations         []LineItemAllocationInput
	Custom              map[string]string // "custom1" to "custom20"
	Other               map[string]string // further fields by the names of the page
}

// LineItemAllocationInput is a share of a line; all of a line add up to 100.
type LineItemAllocationInput struct {
	Percentage Decimal
	Custom     map[string]string // "custom1" to "custom20"
}

// MarshalJSON writes the payment request in the vendor's write model.
func (in PaymentRequestInput) MarshalJSON() ([]byte, error) {
	t := texts{}
	if in.VendorRemitTo != (VendorIdentifier{}) {
		// An empty object could take the supplier away.
		t["VendorRemitToIdentifier"] = in.VendorRemitTo
	}
	for _, f := range []struct{ name, text string }{
		{"Name", in.Name},
		{"Description", in.Description},
		{"InvoiceNumber", in.InvoiceNumber},
		{"InvoiceAmount", decimalText(in.InvoiceAmount)},
		{"CurrencyCode", in.CurrencyCode},
		{"CountryCode", in.CountryCode},
		{"EmployeeLoginId", in.EmployeeLoginID},
		{"EmployeeId", in.EmployeeID},
		{"EmployeeEmailAddress", in.EmployeeEmailAddress},
		{"LedgerCode", in.LedgerCode},
		{"ExternalPolicyId", in.ExternalPolicyID},
		{"PurchaseOrderNumber", in.PurchaseOrderNumber},
		{"InvoiceDate", in.InvoiceDate.String()},
		{"InvoiceReceivedDate", in.InvoiceReceivedDate.String()},
		{"PaymentDueDate", in.PaymentDueDate.String()},
		{"PaymentTermsDays", in.PaymentTermsDays},
		{"AmountWithoutVat", decimalText(in.AmountWithoutVat)},
		{"TaxAmount", decimalText(in.TaxAmount)},
		{"ShippingAmount", decimalText(in.ShippingAmount)},
		{"VendorTaxId", in.VendorTaxID},
		{"NotesToVendor", in.NotesToVendor},
	} {
		t.put(f.name, f.text)
	}
	if len(in.LineItems) > 0 {
		t["LineItems"] = in.LineItems
	}
	if err := t.custom(in.Custom, in.Other); err != nil {
		return nil, err
	}
	return json.Marshal(t)
}

// MarshalJSON writes the line in the vendor's write model.
func (in LineItemInput) MarshalJSON() ([]byte, error) {
	t := texts{}
	for _, f := range []struct{ name, text string }{
		{"Action", string(in.Action)},
		{"LineItemID", in.LineItemID},
		{"Description", in.Description},
		{"ExpenseTypeCode", in.ExpenseTypeCode},
		{"Quantity", decimalText(in.Quantity)},
		{"UnitPrice", decimalText(in.UnitPrice)},
		{"UnitOfMeasure", in.UnitOfMeasure},
		{"TotalPrice", decimalText(in.TotalPrice)},
		{"AmountWithoutVat", decimalText(in.AmountWithoutVat)},
		{"Tax", decimalText(in.Tax)},
		{"VatAmount", decimalText(in.VatAmount)},
		{"TaxCode", in.TaxCode},
		{"ItemCode", in.ItemCode},
		{"SupplierPartId", in.SupplierPartID},
		{"PurchaseOrderNumber", in.PurchaseOrderNumber},
	} {
		t.put(f.name, f.text)
	}
	if len(in.Allocations) > 0 {
		t["Allocations"] = in.Allocations
	}
	if err := t.custom(in.Custom, in.Other); err != nil {
		return nil, err
	}
	return json.Marshal(t)
}

// MarshalJSON writes the allocation in the vendor's write model.
func (in LineItemAllocationInput) MarshalJSON() ([]byte, error) {
	t := texts{}
	t.put("Percentage", decimalText(in.Percentage))
	if err := t.custom(in.Custom, nil); err != nil {
		return nil, err
	}
	return json.Marshal(t)
}

const paymentRequestPath = "/api/v3.0/invoice/paymentrequest"

// Create makes a payment request and returns its id. It is sent once: where the
// answer is lost, look among the digests for InvoiceNumber before making another.
// What is plainly incomplete is refused before it is sent.
func (s *PaymentRequestsService) Create(ctx context.Context, in PaymentRequestInput) (id string, err error) {
	const operation = "PaymentRequests.Create"
	switch {
	case in.Name == "" || !in.InvoiceAmount.Present() || in.CountryCode == "" || !in.VendorRemitTo.complete():
		return "", notSent(operation, "name, invoice amount, country and the supplier's codes (or name, address and postal code) are required")
	case in.EmployeeLoginID+in.EmployeeID+in.EmployeeEmailAddress+in.LedgerCode+in.PurchaseOrderNumber+in.ExternalPolicyID+in.Other["PurchaseOrderId"] == "":
		return "", notSent(operation, "an employee, a ledger, a purchase order or a policy has to say whose the payment request is")
	}
	for _, l := range in.LineItems {
		if l.Action != "" || l.LineItemID != "" {
			return "", notSent(operation, "the lines of a new payment request have no action and no id")
		}
	}
	return s.write(ctx, operation, http.MethodPost, in)
}

// Update changes a payment request and returns its id. It is sent once. Ledger and
// policy cannot be changed; a line says by its Action what becomes of it.
func (s *PaymentRequestsService) Update(ctx context.Context, requestID string, in PaymentRequestInput) (id string, err error) {
	const operation = "PaymentRequests.Update"
	if requestID == "" || in.LedgerCode != "" || in.ExternalPolicyID != "" {
		return "", notSent(operation, "an update needs the payment request's id and cannot change its ledger or policy")
	}
	for _, l := range in.LineItems {
		if l.Action == "" || l.Action != LineInsert && l.LineItemID == "" || l.TotalPrice.Present() {
			return "", notSent(operation, "a line of an update needs its action, and its id unless it is inserted; its total follows from quantity and price")
		}
	}
	other := map[string]string{"RequestID": requestID} // in the body, not in the path
	for name, text := range in.Other {
		if name != "RequestID" {
			other[name] = text
		}
	}
	in.Other = other
	return s.write(ctx, operation, http.MethodPut, in)
}

func (s *PaymentRequestsService) write(ctx context.Context, operation, method string, in PaymentRequestInput) (string, error) {
	a, err := fetch[createdV3](ctx, s.client, request{operation: operation, method: method, path: paymentRequestPath, body: in})
	if err != nil {
		return "", err
	}
	return a.id(operation, "payment request")
}

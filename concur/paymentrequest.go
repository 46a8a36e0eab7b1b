package concur

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
)

// PaymentRequest is a supplier's invoice. Follows the Payment Request v3 page,
// whose services write every number and truth value as a text. Amounts are in
// CurrencyCode.
type PaymentRequest struct {
	ID               string `json:"ID"`
	URI              string `json:"URI"`
	Name             Text   `json:"Name"`
	Description      Text   `json:"Description"`
	InvoiceNumber    Text   `json:"InvoiceNumber"` // the supplier's
	DataSource       Text   `json:"DataSource"`
	ExternalPolicyID Text   `json:"ExternalPolicyId"`
	LedgerCode       Text   `json:"LedgerCode"`
	CurrencyCode     Text   `json:"CurrencyCode"`
	CountryCode      Text   `json:"CountryCode"`

	// The vendor does not list the codes: LocalizedData does, per customer.
	ApprovalStatus Text `json:"ApprovalStatus"`
	PaymentStatus  Text `json:"PaymentStatus"`

	InvoiceDate          Date `json:"InvoiceDate"`
	InvoiceReceivedDate  Date `json:"InvoiceReceivedDate"`
	PaymentDueDate       Date `json:"PaymentDueDate"`
	FirstSubmitDate      Time `json:"FirstSubmitDate"`
	LastSubmitDate       Time `json:"LastSubmitDate"`
	FirstApprovalDate    Time `json:"FirstApprovalDate"`
	WorkflowCompleteDate Time `json:"WorkflowCompleteDate"` // final approval
	UserCreationDate     Time `json:"UserCreationDate"`
	ExtractDate          Time `json:"ExtractDate"`
	PaidDate             Time `json:"PaidDate"`
	DeletedDate          Time `json:"DeletedDate"`
	AssignedDate         Time `json:"AssignedDate"`

	InvoiceAmount       Decimal `json:"InvoiceAmount"` // as the supplier claims it
	CalculatedAmount    Decimal `json:"CalculatedAmount"`
	TotalApprovedAmount Decimal `json:"TotalApprovedAmount"` // what is to be posted
	AmountWithoutVat    Decimal `json:"AmountWithoutVat"`
	TaxAmount           Decimal `json:"TaxAmount"`
	ShippingAmount      Decimal `json:"ShippingAmount"`
	LineItemTotalAmount Decimal `json:"LineItemTotalAmount"`
	LineItemVatAmount   Decimal `json:"LineItemVatAmount"`

	PaidAmount Decimal `json:"PaidAmount"`

	// The four rates that an invoice may have, and their codes.
	VatAmountOne   Decimal `json:"VatAmountOne"`
	VatAmountTwo   Decimal `json:"VatAmountTwo"`
	VatAmountThree Decimal `json:"VatAmountThree"`
	VatAmountFour  Decimal `json:"VatAmountFour"`
	VatRateOne     Decimal `json:"VatRateOne"`
	VatRateTwo     Decimal `json:"VatRateTwo"`
	VatRateThree   Decimal `json:"VatRateThree"`
	VatRateFour    Decimal `json:"VatRateFour"`
	TaxCode        Text    `json:"TaxCode"`
	TaxCode2       Text    `json:"TaxCode2"`
	TaxCode3       Text    `json:"TaxCode3"`
	TaxCode4       Text    `json:"TaxCode4"`

	EmployeeName        Text `json:"EmployeeName"` // personal data; there is no employee id
	CreatedByUsername   Text `json:"CreatedByUsername"`
	AssignedByUsername  Text `json:"AssignedByUsername"`
	CheckNumber         Text `json:"CheckNumber"`
	DiscountTerms       Text `json:"DiscountTerms"`
	DiscountPercentage  Text `json:"DiscountPercentage"`
	DeliverySlipNumber  Text `json:"DeliverySlipNumber"`
	ProvincialTaxID     Text `json:"ProvincialTaxId"`
	ReceiptConfirmation Text `json:"ReceiptConfirmationType"`
	AdjustmentNotes     Text `json:"PaymentAdjustmentNotes"`
	PaymentMethod       Text `json:"PaymentMethod"`
	PaymentTermsDays    Text `json:"PaymentTermsDays"`
	PurchaseOrderNumber Text `json:"PurchaseOrderNumber"`
	BuyerCostCenter     Text `json:"BuyerCostCenter"`
	VendorTaxID         Text `json:"VendorTaxId"`
	NotesToVendor       Text `json:"NotesToVendor"`

	IsPaymentRequestDeleted   Flag `json:"IsPaymentRequestDeleted"`
	IsPaymentRequestDuplicate Flag `json:"IsPaymentRequestDuplicate"`
	IsTestTransaction         Flag `json:"IsTestTransaction"`
	IsAssigned                Flag `json:"IsAssigned"`
	IsInvoiceConfirmed        Flag `json:"IsInvoiceConfirmed"`

	VendorRemitAddress    VendorAddress `json:"VendorRemitAddress"`
	VendorShipFromAddress VendorAddress `json:"VendorShipFromAddress"`
	// The customer's own addresses: codes and external id are empty there.
	CompanyBillToAddress VendorAddress `json:"CompanyBillToAddress"`
	CompanyShipToAddress VendorAddress `json:"CompanyShipToAddress"`
	LineItems            []LineItem    `json:"-"`

	// Custom holds the fields that the customer defined, by "custom1", "orgUnit1":
	// plain texts here.
	Custom map[string]Text `json:"-"`
	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above but LineItems and
	// Custom.
	Raw json.RawMessage `json:"-"`
}

// VendorAddress is where a supplier is paid. The codes and the external id
// stand in live answers but not in the documentation: they may be empty.
type VendorAddress struct {
	VendorCode  Text `json:"VendorCode"`
	AddressCode Text `json:"AddressCode"`
	ExternalID  Text `json:"ExternalId"`
	Name        Text `json:"Name"`
	Address1    Text `json:"Address1"`
	Address2    Text `json:"Address2"`
	Address3    Text `json:"Address3"`
	City        Text `json:"City"`
	State       Text `json:"State"`
	PostalCode  Text `json:"PostalCode"`
	CountryCode Text `json:"CountryCode"`
}

// LineItem is one line of a supplier's invoice.
type LineItem struct {
	LineItemID              Text    `json:"LineItemId"` // unique within its payment request only
	RequestLineItemNumber   Text    `json:"RequestLineItemNumber"`
	Description             Text    `json:"Description"`
	Quantity                Decimal `json:"Quantity"`
	UnitPrice               Decimal `json:"UnitPrice"`
	UnitOfMeasure           Text    `json:"UnitOfMeasure"`
	TotalPrice              Decimal `json:"TotalPrice"`
	RequestedLineItemAmount Decimal `json:"RequestedLineItemAmount"`
	ApprovedLineItemAmount  Decimal `json:"ApprovedLineItemAmount"`
	AmountWithoutVat        Decimal `json:"AmountWithoutVat"`
	Tax                     Decimal `json:"Tax"`
	VatAmount               Decimal `json:"VatAmount"`
	VatAmountTwo            Decimal `json:"VatAmountTwo"`
	VatAmountThree          Decimal `json:"VatAmountThree"`
	VatAmountFour           Decimal `json:"VatAmountFour"`
	VatRate                 Decimal `json:"VatRate"`
	VatRateTwo              Decimal `json:"VatRateTwo"`
	VatRateThree            Decimal `json:"VatRateThree"`
	VatRateFour             Decimal `json:"VatRateFour"`
	TaxCode                 Text    `json:"TaxCode"`
	TaxCode2                Text    `json:"TaxCode2"`
	TaxCode3                Text    `json:"TaxCode3"`
	TaxCode4                Text    `json:"TaxCode4"`
	ItemCode                Text    `json:"ItemCode"` // on the page, not in the specification
	ExpenseTypeCode         Text    `json:"ExpenseTypeCode"`
	SupplierPartID          Text    `json:"SupplierPartId"`
	PurchaseOrderNumber     Text    `json:"PurchaseOrderNumber"`
	// MatchedPurchaseOrderLineItemID names the order's line that was matched.
	MatchedPurchaseOrderLineItemID Text `json:"MatchedPurchaseOrderLineItemId"`
	IsMatched                      Flag `json:"IsMatched"`
	AllocationStatus               Text `json:"AllocationStatus"` // None, Partial, Full

	Allocations []LineItemAllocation `json:"-"`
	Custom      map[string]Text      `json:"-"`
}

// LineItemAllocation is a share of a line. It has no amount: compute it from
// Percentage and let the shares add up to the line.
type LineItemAllocation struct {
	AllocationAccountCode Text            `json:"AllocationAccountCode"` // GL account
	Percentage            Decimal         `json:"Percentage"`            // 0 to 100
	Custom                map[string]Text `json:"-"`
}

// UnmarshalJSON reads a payment request whose lines come wrapped, bare or as a
// single object.
func (r *PaymentRequest) UnmarshalJSON(b []byte) error {
	type plain PaymentRequest
	var p plain // nothing of what r held before stays
	object, custom, err := withCustom(b, &p)
	if err != nil {
		return err
	}
	p.Custom, p.Raw = custom, bytes.Clone(b)
	if p.LineItems, err = collection[LineItem](object["LineItems"], "LineItem"); err != nil {
		return err
	}
	*r = PaymentRequest(p)
	return nil
}

// MarshalJSON writes the object as it came, with what was changed since.
func (r PaymentRequest) MarshalJSON() ([]byte, error) {
	type plain PaymentRequest
	return writeObject(plain(r), r.Raw)
}

// UnmarshalJSON reads a line whose allocations come wrapped, bare or as a
// single object.
func (l *LineItem) UnmarshalJSON(b []byte) error {
	type plain LineItem
	var p plain
	object, custom, err := withCustom(b, &p)
	if err != nil {
		return err
	}
	p.Custom = custom
	if p.Allocations, err = collection[LineItemAllocation](object["Allocations"], "Allocation"); err != nil {
		return err
	}
	*l = LineItem(p)
	return nil
}

// UnmarshalJSON reads an allocation and collects its custom fields.
func (a *LineItemAllocation) UnmarshalJSON(b []byte) error {
	type plain LineItemAllocation
	var p plain
	_, custom, err := withCustom(b, &p)
	if err != nil {
		return err
	}
	p.Custom = custom
	*a = LineItemAllocation(p)
	return nil
}

func withCustom(b []byte, into any) (map[string]json.RawMessage, map[string]Text, error) {
	if err := json.Unmarshal(b, into); err != nil {
		return nil, nil, err
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(b, &object); err != nil {
		return nil, nil, err
	}
	custom, err := customFields[Text](object)
	for name, text := range custom {
		if text == "" {
			delete(custom, name)
		}
	}
	return object, custom, err
}

// PaymentRequestsService reads and writes suppliers' invoices. Follows the Payment
// v3 page, which has no list: Digests.List tells their ids. Scope: INVPMT.
type PaymentRequestsService struct{ service }

// Get returns a payment request. No such request: ErrNotFound.
func (s *PaymentRequestsService) Get(ctx context.Context, id string) (*PaymentRequest, error) {
	const operation = "PaymentRequests.Get"
	p, err := path(operation, paymentRequestPath, id)
	if err != nil {
		return nil, err
	}
	var r PaymentRequest
	if err := s.client.do(ctx, request{operation: operation, path: p, safe: true}, &r); err != nil {
		return nil, err
	}
	if r.ID == "" {
		return nil, &Error{Operation: operation, Err: errors.New("the answer holds no payment request")}
	}
	return &r, nil
}

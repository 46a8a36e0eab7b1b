package concur

import "encoding/json"

// InvoiceDocument is an approved invoice of a supplier with its journal. Amounts
// are in the header's currency. Follows the Financial Documents Schema page.
type InvoiceDocument struct {
	Header InvoiceHeader    `json:"requestHeader"`
	Owner  DocumentEmployee `json:"ownerEmployee"`
	Vendor InvoiceVendor    `json:"vendor"`
	Lines  []InvoiceLine    `json:"lineItem"`
	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above but the customs.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (i *InvoiceDocument) UnmarshalJSON(b []byte) error {
	type plain InvoiceDocument
	return readObject(b, (*plain)(i), &i.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (i InvoiceDocument) MarshalJSON() ([]byte, error) {
	type plain InvoiceDocument
	return writeObject(plain(i), i.Raw)
}

// InvoiceHeader is the header of a supplier's invoice. Its dates come as
// YYYY-MM-DD by the documentation and as MM/DD/YYYY in the sample.
type InvoiceHeader struct {
	RequestID           Text    `json:"requestId"` // the business id, 20 characters
	RequestKey          Text    `json:"reqKey"`
	InvoiceNumber       Text    `json:"vendorInvoiceNumber"` // the supplier's
	Title               Text    `json:"requestTitle"`
	Description         Text    `json:"requestDescription"`
	CurrencyCode        Text    `json:"currencyAlphaCode"`
	Total               Decimal `json:"requestTotal"`
	AmountNet           Decimal `json:"amountNetInvoice"`
	AmountShipping      Decimal `json:"amountShippingTotal"`
	AmountTax           Decimal `json:"amountTax"`
	AmountVAT1          Decimal `json:"amountVAT1"`
	AmountVAT2          Decimal `json:"amountVAT2"`
	AmountVAT3          Decimal `json:"amountVAT3"`
	AmountVAT4          Decimal `json:"amountVAT4"`
	InvoiceDate         Time    `json:"invoiceDate"`
	PaymentDueDate      Time    `json:"paymentDueDate"`
	PostingDate         Time    `json:"postingDate"`
	InvoiceReceivedDate Time    `json:"invoiceReceivedDate"`
	SubmitDate          Time    `json:"submitDate"`
	CreationDate        Time    `json:"requestCreationDate"`
	ProcessCompleteDate Time    `json:"processCompleteDate"`
	PaymentTermDays     Text    `json:"netPaymentTermDays"`
	DiscountPercentage  Decimal `json:"discountPercentage"`
	DiscountTermDays    Text    `json:"discountTermsDays"`
	PaymentMethod       Text    `json:"payMethodType"` // ACH, CHECK, WIRE, CARD, VCHER, CLIENT, PAYPVD
	LedgerCode          Text    `json:"ledgerCode"`
	LedgerName          Text    `json:"ledgerName"`
	PolicyName          Text    `json:"policyName"`
	ExternalPolicyID    Text    `json:"externalPolicyId"`
	PONumber            Text    `json:"poNumber"`
	MultiplePO          Flag    `json:"multiplePurchaseOrder"`
	DeliverySlipNumber  Text    `json:"deliverySlipNumber"`
	VendorTaxID         Text    `json:"vendorTaxId"`
	ClearingAccount     Text    `json:"clearingAccountCode"`
	InvoicePay          Text    `json:"invoicePayIndicator"`
	IsTest              Flag    `json:"isTest"`
	RevisionNumber      Text    `json:"revisionNumber"`
	VersionID           Text    `json:"versionId"`
	// Custom holds the fields that the customer defined, by "custom1", "orgUnit1".
	Custom map[string]CodedValue `json:"-"`
}

// UnmarshalJSON reads the object and collects its custom fields.
func (i *InvoiceHeader) UnmarshalJSON(b []byte) error {
	type plain InvoiceHeader
	return readCoded(b, (*plain)(i), &i.Custom, "request")
}

// InvoiceVendor is the supplier. VendorCode and RemitToAddressCode together name
// it in the ERP; one that the ERP does not know is never guessed.
type InvoiceVendor struct {
	VendorCode          Text `json:"vendorCode"`
	VendorName          Text `json:"vendorName"`
	RemitToAddressCode  Text `json:"vendorRemitToAddressCode"`
	ShipFromAddressCode Text `json:"vendorShipFromAddressCode"`
	ContactFirstName    Text `json:"vendorContactFirstName"`
	ContactLastName     Text `json:"vendorContactLastName"`
}

// InvoiceLine is one line of a supplier's invoice.
type InvoiceLine struct {
	Sequence            Text                `json:"lineItemSequenceOrder"`
	Description         Text                `json:"lineItemDescription"`
	Quantity            Decimal             `json:"lineItemQuantity"`
	UnitPrice           Decimal             `json:"lineItemUnitPrice"`
	ExpenseTypeCode     Text                `json:"expenseTypeCode"` // padded with blanks: trim it
	ExpenseTypeName     Text                `json:"expenseTypeName"`
	Code                Text                `json:"lineItemCode"`
	PurchaseOrderNumber Text                `json:"lineItemPurchaseOrderNumber"`
	POLineNumber        Text                `json:"poLineNumber"`
	ExternalLineItemID  Text                `json:"externalLineItemId"`
	DeliverySlipNumber  Text                `json:"lineItemDeliverySlipNumber"`
	ReceiptNumbers      json.RawMessage     `json:"receiptNumbers"` // an array whose elements are not documented
	Allocations         []InvoiceAllocation `json:"allocation"`
	// Custom holds the fields that the customer defined, by "custom1", "orgUnit1".
	Custom map[string]CodedValue `json:"-"`
}

// UnmarshalJSON reads the object and collects its custom fields.
func (i *InvoiceLine) UnmarshalJSON(b []byte) error {
	type plain InvoiceLine
	return readCoded(b, (*plain)(i), &i.Custom, "lineItem")
}

// InvoiceAllocation is a share of a line.
type InvoiceAllocation struct {
	Key         Text           `json:"allocationKey"`
	Percentage  Decimal        `json:"allocationPercentage"`
	AccountCode Text           `json:"allocationAccountCode"`
	Journal     InvoiceJournal `json:"journal"`
	// Custom holds the fields that the customer defined, by "custom1", "orgUnit1".
	Custom map[string]CodedValue `json:"-"`
}

// UnmarshalJSON reads the object and collects its custom fields.
func (i *InvoiceAllocation) UnmarshalJSON(b []byte) error {
	type plain InvoiceAllocation
	return readCoded(b, (*plain)(i), &i.Custom, "allocation")
}

// InvoiceJournal is the posting of a share of a line.
type InvoiceJournal struct {
	AccountCode Text         `json:"accountCode"`
	Net         Decimal      `json:"amountNet"`
	Gross       Decimal      `json:"amountGross"`
	Shipping    Decimal      `json:"amountShipping"`
	Taxes       []InvoiceTax `json:"tax"`
}

// InvoiceTax is a tax of a share of a line.
type InvoiceTax struct {
	Amount   Decimal `json:"amountTax"`
	TaxCode  Text    `json:"taxCode"`
	TaxField Text    `json:"taxField"`
}

// CashAdvanceDocument is a cash advance that was issued. Follows the Financial
// Documents Schema page.
type CashAdvanceDocument struct {
	Employee    DocumentEmployee     `json:"employeeData"`
	CashAdvance CashAdvance          `json:"cashAdvanceData"`
	Journal     []CashAdvanceJournal `json:"journalData"`
	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above but the customs.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (c *CashAdvanceDocument) UnmarshalJSON(b []byte) error {
	type plain CashAdvanceDocument
	return readObject(b, (*plain)(c), &c.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (c CashAdvanceDocument) MarshalJSON() ([]byte, error) {
	type plain CashAdvanceDocument
	return writeObject(plain(c), c.Raw)
}

// CashAdvance is the advance itself.
type CashAdvance struct {
	ID                   Text    `json:"cashAdvanceId"` // the business id
	Name                 Text    `json:"name"`
	Purpose              Text    `json:"purpose"`
	Amount               Decimal `json:"requestAmount"` // in CurrencyCode
	CurrencyCode         Text    `json:"currencyAlphaCode"`
	EmployeeCurrencyCode Text    `json:"employeeCurrencyAlphaCode"`
	ExchangeRate         Decimal `json:"exchangeRate"`
	IssuedDate           Time    `json:"issuedDate"`
	RequestDate          Time    `json:"requestDate"`
	PaymentMethod        Text    `json:"paymentMethod"` // 0 other, 1 Expense Pay
	TransactionType      Text    `json:"transactionType"`
	ClearingAccount      Text    `json:"clearingAccountCode"`
	CountryCode          Text    `json:"countryCode"`
	CountrySubCode       Text    `json:"countrySubCode"`
	ExpensePay           Text    `json:"expensePayIndicator"`
	IsTest               Flag    `json:"isTest"`
}

// CashAdvanceJournal is one posting of a cash advance.
type CashAdvanceJournal struct {
	AccountCode   Text    `json:"accountCode"`
	Amount        Decimal `json:"amount"`
	DebitOrCredit Text    `json:"debitOrCredit"` // DR or CR
	Payer         Text    `json:"payer"`
	Payee         Text    `json:"payee"`
	PaymentCode   Text    `json:"paymentCode"`
}

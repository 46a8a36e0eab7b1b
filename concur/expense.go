package concur

import (
	"context"
	"encoding/json"
)

// AllocationState says how much of an expense is allocated.
type AllocationState string

// The states of allocation.
const (
	FullyAllocated     AllocationState = "FULLY_ALLOCATED"
	PartiallyAllocated AllocationState = "PARTIALLY_ALLOCATED"
	NotAllocated       AllocationState = "NOT_ALLOCATED"
)

// Expense is one expense of a report, or one itemization of an expense. Follows
// the Expenses v4 page. The fields from CustomData on come with Expenses.Get
// only, not in lists.
type Expense struct {
	ExpenseID   string      `json:"expenseId"`
	ExpenseType ExpenseType `json:"expenseType"`
	PaymentType PaymentType `json:"paymentType"`

	TransactionDate Date `json:"transactionDate"`
	// TransactionAmount is in the currency that was spent; the others are in the
	// report's. ApprovedAmount is what is to be posted, PostedAmount what was entered.
	TransactionAmount      Amount       `json:"transactionAmount"`
	PostedAmount           Amount       `json:"postedAmount"`
	ClaimedAmount          Amount       `json:"claimedAmount"`
	ApprovedAmount         Amount       `json:"approvedAmount"`
	ApproverAdjustedAmount Amount       `json:"approverAdjustedAmount"`
	ExchangeRate           ExchangeRate `json:"exchangeRate"`

	BusinessPurpose string          `json:"businessPurpose"`
	Vendor          Merchant        `json:"vendor"`
	Location        Location        `json:"location"`
	AllocationState AllocationState `json:"allocationState"`
	AllocationSetID string          `json:"allocationSetId"`

	IsPersonalExpense     bool   `json:"isPersonalExpense"`
	HasExceptions         bool   `json:"hasExceptions"`
	HasBlockingExceptions bool   `json:"hasBlockingExceptions"`
	ReceiptImageID        string `json:"receiptImageId"`
	EreceiptImageID       string `json:"ereceiptImageId"`
	TicketNumber          string `json:"ticketNumber"`
	AttendeeCount         int    `json:"attendeeCount"`
	Links                 []Link `json:"links"`

	CustomData []CustomField `json:"customData"`
	TaxSummary TaxSummary    `json:"expenseTaxSummary"`
	// ParentExpenseID is set on an itemization. An expense with itemizations is
	// never posted itself, or its amount would count twice.
	ParentExpenseID string `json:"parentExpenseId"`
	// IsExpenseRejected: the expense goes back in a report of its own and is never posted.
	IsExpenseRejected bool   `json:"isExpenseRejected"`
	IsExpenseBillable bool   `json:"isExpenseBillable"`
	MerchantTaxID     string `json:"merchantTaxId"`
	InvoiceID         string `json:"invoiceId"`
	TaxRateLocation   string `json:"taxRateLocation"` // HOME, FOREIGN, OUT_OF_PROVINCE
	LastModifiedDate  Time   `json:"lastModifiedDate"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (e *Expense) UnmarshalJSON(b []byte) error {
	type plain Expense
	return readObject(b, (*plain)(e), &e.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (e Expense) MarshalJSON() ([]byte, error) {
	type plain Expense
	return writeObject(plain(e), e.Raw)
}

// Itemized reports whether the service offers itemizations of the expense, by
// the link it adds. A listed expense without any links says nothing: true.
func (e *Expense) Itemized() bool {
	if len(e.Links) == 0 {
		return true
	}
	for _, l := range e.Links {
		if l.Rel == "itemizations" {
			return true
		}
	}
	return false
}

// ExpenseType classifies an expense. ID is the customer's code ("LUNCH"); Code
// is the broader class behind it ("OTHER").
type ExpenseType struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Code      string `json:"code"`
	IsDeleted bool   `json:"isDeleted"`
}

// PaymentType says who paid. ID is the customer's ("CASH", "1022"), one for each
// card programme; Code is the class behind it ("CASH", "CBCP").
type PaymentType struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Code string `json:"code"`
}

// ExchangeRate leads from the currency that was spent to the report's. It is
// for checks only: the amounts are given.
type ExchangeRate struct {
	Value     Decimal `json:"value"`
	Operation string  `json:"operation"` // MULTIPLY or DIVIDE
}

// Merchant is where the money was spent.
type Merchant struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

// Location is where the money was spent.
type Location struct {
	ID                     string `json:"id"`
	Name                   string `json:"name"`
	City                   string `json:"city"`
	CountrySubDivisionCode string `json:"countrySubDivisionCode"`
	CountryCode            string `json:"countryCode"`
}

// TaxSummary sums an expense's taxes. The net amounts are net of tax, in spite
// of their names.
type TaxSummary struct {
	NetTaxAmount               Amount `json:"netTaxAmount"`
	NetAdjustedTaxAmount       Amount `json:"netAdjustedTaxAmount"`
	NetReclaimAmount           Amount `json:"netReclaimAmount"`
	NetReclaimAdjustedAmount   Amount `json:"netReclaimAdjustedAmount"`
	TotalTaxPostedAmount       Amount `json:"totalTaxPostedAmount"`
	TotalTaxAdjustedAmount     Amount `json:"totalTaxAdjustedAmount"`
	TotalReclaimPostedAmount   Amount `json:"totalReclaimPostedAmount"`
	TotalReclaimAdjustedAmount Amount `json:"totalReclaimAdjustedAmount"`
}

// ExpensesService reads the expenses of a report. Follows the Expenses v4 page.
// Scope: expense.report.read.
type ExpensesService struct{ service }

// List returns the report's expenses, without what only Get gives. The service
// knows no paging here. userID is the owner's UUID.
func (s *ExpensesService) List(ctx context.Context, userID, reportID string) ([]*Expense, error) {
	return s.list(ctx, "Expenses.List", userID, reportID, "expenses")
}

// Itemizations returns the parts that an expense was split into, without what
// only Get gives; none when it was not split.
func (s *ExpensesService) Itemizations(ctx context.Context, userID, reportID, expenseID string) ([]*Expense, error) {
	return s.list(ctx, "Expenses.Itemizations", userID, reportID, "expenses", expenseID, "itemizations")
}

func (s *ExpensesService) list(ctx context.Context, operation, userID, reportID string, more ...string) ([]*Expense, error) {
	p, err := reportPath(operation, userID, reportID, more...)
	if err != nil {
		return nil, err
	}
	var es []*Expense
	if err := s.client.do(ctx, request{operation: operation, path: p, safe: true}, &es); err != nil {
		return nil, err
	}
	return es, nil
}

// Get returns an expense, or an itemization, whole.
func (s *ExpensesService) Get(ctx context.Context, userID, reportID, expenseID string) (*Expense, error) {
	const operation = "Expenses.Get"
	p, err := reportPath(operation, userID, reportID, "expenses", expenseID)
	if err != nil {
		return nil, err
	}
	var e Expense
	if err := s.client.do(ctx, request{operation: operation, path: p, safe: true}, &e); err != nil {
		return nil, err
	}
	return &e, nil
}

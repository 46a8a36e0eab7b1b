package concur

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strconv"
)

// EntryV3 is an expense as version 3 shows it. Amounts are in the report's
// currency, but TransactionAmount. Follows the Expense Entries v3 page.
type EntryV3 struct {
	ID            string `json:"ID"`        // version 3's own, opaque
	ExpenseID     string `json:"ExpenseID"` // the same as Expense.ExpenseID
	URI           string `json:"URI"`
	ReportID      string `json:"ReportID"`
	ReportOwnerID string `json:"ReportOwnerID"` // log-in name

	ExpenseTypeCode   string `json:"ExpenseTypeCode"`
	ExpenseTypeName   string `json:"ExpenseTypeName"`
	SpendCategoryCode string `json:"SpendCategoryCode"`
	SpendCategoryName string `json:"SpendCategoryName"`
	PaymentTypeID     string `json:"PaymentTypeID"`
	PaymentTypeName   string `json:"PaymentTypeName"`

	TransactionDate         Date    `json:"TransactionDate"`
	TransactionAmount       Decimal `json:"TransactionAmount"`
	TransactionCurrencyCode string  `json:"TransactionCurrencyCode"`
	ExchangeRate            Decimal `json:"ExchangeRate"`
	PostedAmount            Decimal `json:"PostedAmount"`
	ApprovedAmount          Decimal `json:"ApprovedAmount"`

	VendorDescription   string `json:"VendorDescription"`
	VendorListItemID    string `json:"VendorListItemID"`
	VendorListItemName  string `json:"VendorListItemName"`
	LocationID          string `json:"LocationID"`
	LocationName        string `json:"LocationName"`
	LocationSubdivision string `json:"LocationSubdivision"`
	LocationCountry     string `json:"LocationCountry"`
	Description         string `json:"Description"`

	IsPersonal           Flag `json:"IsPersonal"`
	IsBillable           Flag `json:"IsBillable"`
	IsPersonalCardCharge Flag `json:"IsPersonalCardCharge"`
	IsPaidByExpensePay   Flag `json:"IsPaidByExpensePay"`
	HasImage             Flag `json:"HasImage"`
	HasVAT               Flag `json:"HasVAT"`
	HasItemizations      Flag `json:"HasItemizations"`
	HasExceptions        Flag `json:"HasExceptions"`
	HasComments          Flag `json:"HasComments"`

	AllocationType           string `json:"AllocationType"` // F full, P partial, N none
	TaxReceiptType           string `json:"TaxReceiptType"` // T, R, N
	CompanyCardTransactionID string `json:"CompanyCardTransactionID"`
	ElectronicReceiptID      string `json:"ElectronicReceiptID"`
	LastModified             Time   `json:"LastModified"` // UTC

	// Custom holds the fields that the customer defined, by "custom1", "orgUnit1".
	Custom map[string]CustomValue `json:"-"`
	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above but Custom.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads an entry and collects its custom fields.
func (e *EntryV3) UnmarshalJSON(b []byte) error {
	type plain EntryV3
	return readRowV3(b, (*plain)(e), &e.Raw, &e.Custom)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (e EntryV3) MarshalJSON() ([]byte, error) {
	type plain EntryV3
	return writeObject(plain(e), e.Raw)
}

// EntryV3Query selects entries.
type EntryV3Query struct {
	ReportID        string
	ExpenseTypeCode string
	PaymentTypeID   string
	BatchID         string
	AttendeeID      string
	AttendeeType    string // code
	// Nil is either.
	IsBillable, HasAttendees, HasVAT *bool
	// User is a log-in name, or AllUsers; empty means the token's own.
	User  string
	Limit int // of a page; 0 leaves it to the vendor, whose default is 25
}

func (q EntryV3Query) encode() string {
	return v3Query(q.Limit, "reportID", q.ReportID, "expenseTypeCode", q.ExpenseTypeCode, "paymentTypeID", q.PaymentTypeID, "user", q.User,
		"batchID", q.BatchID, "attendeeID", q.AttendeeID, "attendeeTypeCode", q.AttendeeType,
		"isBillable", either(q.IsBillable), "hasAttendees", either(q.HasAttendees), "hasVAT", either(q.HasVAT))
}

func either(b *bool) string {
	if b == nil {
		return ""
	}
	return strconv.FormatBool(*b)
}

// v3Query encodes names and values; empty values are left out.
func v3Query(limit int, pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if limit > 0 {
		v.Set("limit", strconv.Itoa(limit))
	}
	return v.Encode()
}

// EntriesV3Service lists expenses across reports. Follows the Expense Entries v3
// page. Scope: EXPRPT.
type EntriesV3Service struct{ service }

const entriesV3Path = "/api/v3.0/expense/entries"

// List walks over all entries that the query selects.
func (s *EntriesV3Service) List(ctx context.Context, q EntryV3Query) iter.Seq2[*EntryV3, error] {
	return all(ctx, func(ctx context.Context, after string) (*Page[EntryV3], error) { return s.ListPage(ctx, q, after) })
}

// ListPage returns one page: the first one when after is "", else the one at
// Page.Next of the page before, for which q is not looked at.
func (s *EntriesV3Service) ListPage(ctx context.Context, q EntryV3Query, after string) (*Page[EntryV3], error) {
	return pageV3[EntryV3](ctx, s.client, "EntriesV3.List", entriesV3Path, q.encode(), after, "Entry")
}

// Get returns one entry by version 3's own id. ownerLogin is the report owner's
// log-in name, required for entries that are not the token's own.
func (s *EntriesV3Service) Get(ctx context.Context, id, ownerLogin string) (*EntryV3, error) {
	return oneV3[EntryV3](ctx, s.client, "EntriesV3.Get", entriesV3Path, id, ownerLogin)
}

func oneV3[T any](ctx context.Context, c *Client, operation, prefix, id, ownerLogin string) (*T, error) {
	p, err := path(operation, prefix, id)
	if err != nil {
		return nil, err
	}
	return fetch[T](ctx, c, request{operation: operation, path: p, query: v3Query(0, "user", ownerLogin), safe: true})
}

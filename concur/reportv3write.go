package concur

import (
	"context"
	"net/http"
)

// ReportV3Input describes a report to be made or changed. Empty fields are not
// sent; whether a change leaves what is not sent is not documented.
type ReportV3Input struct {
	Name            string `json:"Name,omitempty"`
	Purpose         string `json:"Purpose,omitempty"`
	Comment         string `json:"Comment,omitempty"`
	PolicyID        string `json:"PolicyID,omitempty"`
	UserDefinedDate Date   `json:"UserDefinedDate,omitzero"`
	// Custom holds "custom1" to "custom20" and "orgUnit1" to "orgUnit6": texts, and
	// of lists version 3's own ids of the items (CustomValue.ListItemID).
	Custom map[string]string `json:"-"`
}

// MarshalJSON writes the report with its custom fields.
func (in ReportV3Input) MarshalJSON() ([]byte, error) {
	type plain ReportV3Input
	return withCustomInput(plain(in), in.Custom)
}

// EntryV3Input describes an expense to be made or changed. ReportID is required,
// and of a new one what the page requires: ExpenseTypeCode, PaymentTypeID,
// TransactionAmount, TransactionCurrencyCode and TransactionDate.
type EntryV3Input struct {
	ReportID                string  `json:"ReportID,omitempty"`
	ExpenseTypeCode         string  `json:"ExpenseTypeCode,omitempty"`
	PaymentTypeID           string  `json:"PaymentTypeID,omitempty"`
	TransactionDate         Date    `json:"TransactionDate,omitzero"`
	TransactionAmount       Decimal `json:"TransactionAmount,omitzero"`
	TransactionCurrencyCode string  `json:"TransactionCurrencyCode,omitempty"`
	ExchangeRate            Decimal `json:"ExchangeRate,omitzero"`
	Description             string  `json:"Description,omitempty"`
	Comment                 string  `json:"Comment,omitempty"`
	VendorDescription       string  `json:"VendorDescription,omitempty"`
	VendorListItemID        string  `json:"VendorListItemID,omitempty"`
	LocationID              string  `json:"LocationID,omitempty"`
	TaxReceiptType          string  `json:"TaxReceiptType,omitempty"` // T, R, N
	IsPersonal              *bool   `json:"IsPersonal,omitempty"`
	IsBillable              *bool   `json:"IsBillable,omitempty"`
	// Journey is what a mileage is computed from.
	Journey *JourneyV3 `json:"Journey,omitempty"`
	// Custom holds "custom1" to "custom40" and "orgUnit1" to "orgUnit6", as
	// ReportV3Input.Custom.
	Custom map[string]string `json:"-"`
}

// JourneyV3 is a drive with a car.
type JourneyV3 struct {
	StartLocation      string `json:"StartLocation,omitempty"`
	EndLocation        string `json:"EndLocation,omitempty"`
	BusinessDistance   int    `json:"BusinessDistance,omitempty"`
	PersonalDistance   int    `json:"PersonalDistance,omitempty"`
	OdometerStart      int    `json:"OdometerStart,omitempty"`
	OdometerEnd        int    `json:"OdometerEnd,omitempty"`
	NumberOfPassengers int    `json:"NumberOfPassengers,omitempty"`
	UnitOfMeasure      string `json:"UnitOfMeasure,omitempty"` // M miles, K kilometres
	VehicleID          string `json:"VehicleID,omitempty"`
}

// MarshalJSON writes the expense with its custom fields.
func (in EntryV3Input) MarshalJSON() ([]byte, error) {
	type plain EntryV3Input
	return withCustomInput(plain(in), in.Custom)
}

// ItemizationV3Input describes a part of an expense to be made.
type ItemizationV3Input struct {
	EntryID           string  `json:"EntryID"` // EntryV3.ID
	ExpenseTypeCode   string  `json:"ExpenseTypeCode,omitempty"`
	TransactionDate   Date    `json:"TransactionDate,omitzero"`
	TransactionAmount Decimal `json:"TransactionAmount,omitzero"` // in the entry's currency
	Description       string  `json:"Description,omitempty"`
	Comment           string  `json:"Comment,omitempty"`
	IsPersonal        *bool   `json:"IsPersonal,omitempty"`
	IsBillable        *bool   `json:"IsBillable,omitempty"`
	// Custom holds "custom1" to "custom40" and "orgUnit1" to "orgUnit6", as
	// ReportV3Input.Custom.
	Custom map[string]string `json:"-"`
}

// MarshalJSON writes the part with its custom fields.
func (in ItemizationV3Input) MarshalJSON() ([]byte, error) {
	type plain ItemizationV3Input
	return withCustomInput(plain(in), in.Custom)
}

// Create makes a report and returns its id, which is that of version 4 too.
// ownerLogin is the owner's log-in name, required for a report that is not the
// token's own. It is sent once: where the answer is lost, look for the report
// before making another.
func (s *ReportsV3Service) Create(ctx context.Context, ownerLogin string, in ReportV3Input) (id string, err error) {
	return createV3(ctx, s.client, "ReportsV3.Create", reportsV3Path, ownerLogin, "report", in)
}

// Update changes a report that is not submitted. It is sent once.
func (s *ReportsV3Service) Update(ctx context.Context, id, ownerLogin string, in ReportV3Input) error {
	return updateV3(ctx, s.client, "ReportsV3.Update", reportsV3Path, id, ownerLogin, in)
}

// Create makes an expense in a report that is not submitted and returns version
// 3's own id of it. ownerLogin is the report owner's log-in name, required for a
// report that is not the token's own. It is sent once: where the answer is lost,
// look for the expense before making another.
func (s *EntriesV3Service) Create(ctx context.Context, ownerLogin string, in EntryV3Input) (id string, err error) {
	return createV3(ctx, s.client, "EntriesV3.Create", entriesV3Path, ownerLogin, "expense", in)
}

// Update changes an expense of a report that is not submitted. It is sent once.
func (s *EntriesV3Service) Update(ctx context.Context, id, ownerLogin string, in EntryV3Input) error {
	return updateV3(ctx, s.client, "EntriesV3.Update", entriesV3Path, id, ownerLogin, in)
}

// Create makes a part of an expense and returns version 3's own id of it.
// ownerLogin is the report owner's log-in name. It is sent once: where the answer
// is lost, look for the part before making another. Changing and deleting parts
// is deprecated and left out.
func (s *ItemizationsV3Service) Create(ctx context.Context, ownerLogin string, in ItemizationV3Input) (id string, err error) {
	return createV3(ctx, s.client, "ItemizationsV3.Create", itemizationsV3Path, ownerLogin, "part", in)
}

func createV3(ctx context.Context, c *Client, operation, at, ownerLogin, what string, in any) (string, error) {
	r := request{operation: operation, method: http.MethodPost, path: at, query: v3Query(0, "user", ownerLogin), body: in}
	a, err := fetch[createdV3](ctx, c, r)
	if err != nil {
		return "", err
	}
	return a.id(operation, what)
}

// updateV3 looks at no answer: the pages say that there is none, a sample shows
// the id again.
func updateV3(ctx context.Context, c *Client, operation, at, id, ownerLogin string, in any) error {
	p, err := path(operation, at, id)
	if err != nil {
		return err
	}
	return c.do(ctx, request{operation: operation, method: http.MethodPut, path: p, query: v3Query(0, "user", ownerLogin), body: in}, nil)
}

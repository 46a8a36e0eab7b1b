package concur

import (
	"context"
	"encoding/json"
	"iter"
)

// ItemizationV3 is a part of an itemised expense as version 3 shows it. Follows
// the Itemizations v3 page.
type ItemizationV3 struct {
	ID                  string  `json:"ID"`
	URI                 string  `json:"URI"`
	EntryID             string  `json:"EntryID"` // EntryV3.ID
	ReportID            string  `json:"ReportID"`
	ReportOwnerID       string  `json:"ReportOwnerID"`
	ExpenseTypeCode     string  `json:"ExpenseTypeCode"`
	ExpenseTypeName     string  `json:"ExpenseTypeName"`
	SpendCategoryCode   string  `json:"SpendCategoryCode"`
	SpendCategoryName   string  `json:"SpendCategoryName"`
	TransactionDate     Date    `json:"TransactionDate"`
	TransactionAmount   Decimal `json:"TransactionAmount"`
	PostedAmount        Decimal `json:"PostedAmount"`
	ApprovedAmount      Decimal `json:"ApprovedAmount"`
	LocationID          string  `json:"LocationID"`
	LocationName        string  `json:"LocationName"`
	LocationSubdivision string  `json:"LocationSubdivision"`
	LocationCountry     string  `json:"LocationCountry"`
	Description         string  `json:"Description"`
	IsPersonal          Flag    `json:"IsPersonal"`
	IsBillable          Flag    `json:"IsBillable"`
	HasComments         Flag    `json:"HasComments"`
	HasExceptions       Flag    `json:"HasExceptions"`
	AllocationType      string  `json:"AllocationType"` // F full, P partial, N none
	LastModified        Time    `json:"LastModified"`   // UTC

	// Custom holds the fields that the customer defined, by "custom1", "orgUnit1".
	Custom map[string]CustomValue `json:"-"`
	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above but Custom.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads an itemization and collects its custom fields.
func (i *ItemizationV3) UnmarshalJSON(b []byte) error {
	type plain ItemizationV3
	return readRowV3(b, (*plain)(i), &i.Raw, &i.Custom)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (i ItemizationV3) MarshalJSON() ([]byte, error) {
	type plain ItemizationV3
	return writeObject(plain(i), i.Raw)
}

// ItemizationV3Query selects itemizations.
type ItemizationV3Query struct {
	ReportID        string
	EntryID         string // EntryV3.ID
	ExpenseTypeCode string
	User            string // a log-in name, or AllUsers; empty means the token's own
	Limit           int    // of a page; 0 leaves it to the vendor, whose default is 25
}

// ItemizationsV3Service lists the parts of itemised expenses. Follows the
// Itemizations v3 page. Scope: EXPRPT.
type ItemizationsV3Service struct{ service }

const itemizationsV3Path = "/api/v3.0/expense/itemizations"

// List walks over all itemizations that the query selects.
func (s *ItemizationsV3Service) List(ctx context.Context, q ItemizationV3Query) iter.Seq2[*ItemizationV3, error] {
	return all(ctx, func(ctx context.Context, after string) (*Page[ItemizationV3], error) {
		return s.ListPage(ctx, q, after)
	})
}

// ListPage returns one page: the first one when after is "", else the one at
// Page.Next of the page before, for which q is not looked at.
func (s *ItemizationsV3Service) ListPage(ctx context.Context, q ItemizationV3Query, after string) (*Page[ItemizationV3], error) {
	query := v3Query(q.Limit, "reportID", q.ReportID, "entryID", q.EntryID, "expenseTypeCode", q.ExpenseTypeCode, "user", q.User)
	return pageV3[ItemizationV3](ctx, s.client, "ItemizationsV3.List", itemizationsV3Path, query, after, "Itemization")
}

// Get returns one itemization. ownerLogin is the report owner's log-in name,
// required for itemizations that are not the token's own.
func (s *ItemizationsV3Service) Get(ctx context.Context, id, ownerLogin string) (*ItemizationV3, error) {
	return oneV3[ItemizationV3](ctx, s.client, "ItemizationsV3.Get", itemizationsV3Path, id, ownerLogin)
}

package concur

import (
	"context"
	"encoding/json"
	"iter"
)

// AllocationV3 is a share of an entry or an itemization as version 3 shows it.
// It has no amount: compute it from Percentage and let the shares add up.
// Follows the Allocations v3 page.
type AllocationV3 struct {
	ID              string  `json:"ID"`
	URI             string  `json:"URI"`
	EntryID         string  `json:"EntryID"`    // of the entry, or of the itemization
	Percentage      Decimal `json:"Percentage"` // 0 to 100
	AccountCode1    string  `json:"AccountCode1"`
	AccountCode2    string  `json:"AccountCode2"`
	IsPercentEdited Flag    `json:"IsPercentEdited"`
	IsHidden        Flag    `json:"IsHidden"` // the implicit one of 100 %

	// Custom holds the fields that the customer defined, by "custom1".
	Custom map[string]CustomValue `json:"-"`
	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above but Custom.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads an allocation and collects its custom fields.
func (a *AllocationV3) UnmarshalJSON(b []byte) error {
	type plain AllocationV3
	return readRowV3(b, (*plain)(a), &a.Raw, &a.Custom)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (a AllocationV3) MarshalJSON() ([]byte, error) {
	type plain AllocationV3
	return writeObject(plain(a), a.Raw)
}

// AllocationV3Query selects allocations, by one of its ids.
type AllocationV3Query struct {
	ReportID      string
	EntryID       string // EntryV3.ID
	ItemizationID string
	Limit         int // of a page; 0 leaves it to the vendor, whose default is 25 and maximum 100
}

// AllocationsV3Service lists how entries are shared out. Follows the Allocations
// v3 page. Scope: EXPRPT.
type AllocationsV3Service struct{ service }

const allocationsV3Path = "/api/v3.0/expense/allocations"

// List walks over all allocations that the query selects.
func (s *AllocationsV3Service) List(ctx context.Context, q AllocationV3Query) iter.Seq2[*AllocationV3, error] {
	return all(ctx, func(ctx context.Context, after string) (*Page[AllocationV3], error) { return s.ListPage(ctx, q, after) })
}

// ListPage returns one page: the first one when after is "", else the one at
// Page.Next of the page before, for which q is not looked at.
func (s *AllocationsV3Service) ListPage(ctx context.Context, q AllocationV3Query, after string) (*Page[AllocationV3], error) {
	query := v3Query(q.Limit, "reportID", q.ReportID, "entryID", q.EntryID, "itemizationID", q.ItemizationID)
	return pageV3[AllocationV3](ctx, s.client, "AllocationsV3.List", allocationsV3Path, query, after, "Allocation")
}

// Get returns one allocation. ownerLogin is the report owner's log-in name.
func (s *AllocationsV3Service) Get(ctx context.Context, id, ownerLogin string) (*AllocationV3, error) {
	return oneV3[AllocationV3](ctx, s.client, "AllocationsV3.Get", allocationsV3Path, id, ownerLogin)
}

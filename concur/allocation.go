package concur

import (
	"context"
	"encoding/json"
)

// PendingAccount is the account code of an allocation whose account hierarchy
// is not configured.
const PendingAccount = "Pending Client"

// Allocation is a share of an expense. Follows the Allocations v4 page.
type Allocation struct {
	AllocationID string `json:"allocationId"`
	ExpenseID    string `json:"expenseId"`
	// AccountCode is the GL account that Concur derived; PendingAccount where the
	// customer configured none.
	AccountCode          string `json:"accountCode"`
	OverLimitAccountCode string `json:"overLimitAccountCode"`
	// Percentage is the share, 0 to 100. The amounts are in the report's currency;
	// ApprovedAmount is what is to be posted.
	Percentage         Decimal       `json:"percentage"`
	AllocationAmount   Amount        `json:"allocationAmount"`
	ApprovedAmount     Amount        `json:"approvedAmount"`
	ClaimedAmount      Amount        `json:"claimedAmount"`
	IsPercentEdited    bool          `json:"isPercentEdited"`
	IsSystemAllocation bool          `json:"isSystemAllocation"` // made by the service, not by a person
	CustomData         []CustomField `json:"customData"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (a *Allocation) UnmarshalJSON(b []byte) error {
	type plain Allocation
	return readObject(b, (*plain)(a), &a.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (a Allocation) MarshalJSON() ([]byte, error) {
	type plain Allocation
	return writeObject(plain(a), a.Raw)
}

// AllocationsService reads how expenses are shared out. Follows the
// Allocations v4 page. Scope: expense.report.read.
type AllocationsService struct{ service }

// List returns the allocations of an expense, or of an itemization. The service
// knows no paging here. An expense that nobody allocated may have one system
// allocation of 100 % or none.
func (s *AllocationsService) List(ctx context.Context, userID, reportID, expenseID string) ([]*Allocation, error) {
	const operation = "Allocations.List"
	p, err := reportPath(operation, userID, reportID, "expenses", expenseID, "allocations")
	if err != nil {
		return nil, err
	}
	var as []*Allocation
	if err := s.client.do(ctx, request{operation: operation, path: p, safe: true}, &as); err != nil {
		return nil, err
	}
	return as, nil
}

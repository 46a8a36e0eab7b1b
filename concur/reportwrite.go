package concur

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// ExpenseSource says where a change of a report or an expense comes from.
type ExpenseSource string

// SourceOther is what a program says that is none of the vendor's own sources
// (EA, MOB, SE, TA, TR, UI).
const SourceOther ExpenseSource = "OTHER"

// CustomFieldInput is a custom field to be set.
type CustomFieldInput struct {
	ID    string `json:"id"`    // "custom15", "orgUnit1"
	Value string `json:"value"` // a text, or the id of a list item
}

// ReportInput describes a report to be made. Name and PolicyID are what a
// report needs; the customer's form may require more.
type ReportInput struct {
	Name                   string             `json:"name,omitempty"`
	PolicyID               string             `json:"policyId,omitempty"`
	BusinessPurpose        string             `json:"businessPurpose,omitempty"`
	Comment                string             `json:"comment,omitempty"`
	CountryCode            string             `json:"countryCode,omitempty"`
	CountrySubDivisionCode string             `json:"countrySubDivisionCode,omitempty"`
	ReportDate             Date               `json:"reportDate,omitzero"`
	StartDate              Date               `json:"startDate,omitzero"`
	EndDate                Date               `json:"endDate,omitzero"`
	CustomData             []CustomFieldInput `json:"customData,omitempty"`

	// IdempotencyID, if it is set, is the same for each try to make the same report:
	// the service then makes one, and answers with it again. The specification alone
	// knows it, and not how long it is remembered. While the first try is worked on
	// the second is ErrConflict. At most 100 letters, digits and dashes.
	IdempotencyID string `json:"-"`
}

// ReportUpdate is what is changed of a report; nil and empty fields stay as they
// are (JSON Merge Patch).
type ReportUpdate struct {
	Name            *string            `json:"name,omitempty"`
	BusinessPurpose *string            `json:"businessPurpose,omitempty"`
	Comment         string             `json:"comment,omitempty"`
	ReportDate      Date               `json:"reportDate,omitzero"`
	CustomData      []CustomFieldInput `json:"customData,omitempty"`
	// Source is required by the page; "" is SourceOther.
	Source ExpenseSource `json:"reportSource"`
}

// ExpenseUpdate is what may be changed of an expense in a submitted report.
type ExpenseUpdate struct {
	BusinessPurpose *string            `json:"businessPurpose,omitempty"`
	IsRejected      *bool              `json:"isExpenseRejected,omitempty"`
	PaperReceived   *bool              `json:"isPaperReceiptReceived,omitempty"`
	CustomData      []CustomFieldInput `json:"customData,omitempty"`
	// Source is required; "" is SourceOther.
	Source ExpenseSource `json:"expenseSource"`
}

// ReportToApprove is a report that waits for an approver.
type ReportToApprove struct {
	ReportID            string   `json:"reportId"`
	ReportNumber        string   `json:"reportNumber"`
	Name                string   `json:"name"`
	ReportType          string   `json:"reportType"`
	ReportDate          Date     `json:"reportDate"`
	SubmitDate          Time     `json:"submitDate"`
	Approver            Employee `json:"approver"`
	Employee            Employee `json:"employee"`
	AmountDueEmployee   Amount   `json:"amountDueEmployee"`
	ClaimedAmount       Amount   `json:"claimedAmount"`
	TotalApprovedAmount Amount   `json:"totalApprovedAmount"`
	HasExceptions       bool     `json:"hasExceptions"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (r *ReportToApprove) UnmarshalJSON(b []byte) error {
	type plain ReportToApprove
	return readObject(b, (*plain)(r), &r.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (r ReportToApprove) MarshalJSON() ([]byte, error) {
	type plain ReportToApprove
	return writeObject(plain(r), r.Raw)
}

// plainID reports whether an id can stand in a header.
func plainID(id string) bool {
	return len(id) <= 100 && !strings.ContainsFunc(id, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// madeAt is what the version 4 services of expense answer to a write.
type madeAt struct {
	URI string `json:"uri"`
}

// Create makes a report for its owner and returns its id. It is sent once: where
// the answer is lost, look for the report before making another. Scope:
// expense.report.readwrite.
func (s *ReportsService) Create(ctx context.Context, userID string, in ReportInput) (reportID string, err error) {
	const operation = "Reports.Create"
	p, err := path(operation, "/expensereports/v4/users", userID, "context", string(Traveler), "reports")
	if err != nil {
		return "", err
	}
	if !plainID(in.IdempotencyID) {
		return "", notSent(operation, "the idempotency id has other characters than letters, digits and dashes, or more than 100")
	}
	a, err := fetch[madeAt](ctx, s.client, request{operation: operation, method: http.MethodPost, path: p, body: in, idempotency: in.IdempotencyID})
	if err != nil {
		return "", err
	}
	// The address is not called: its last part is the id.
	u, err := url.Parse(a.URI)
	if err == nil {
		reportID = u.Path[strings.LastIndex(u.Path, "/")+1:]
	}
	if reportID == "" {
		return "", &Error{Operation: operation, Err: errors.New("the answer does not name the report that was made")}
	}
	return reportID, nil
}

// Update changes a report that is not submitted. It is sent once. Scope:
// expense.report.readwrite.
func (s *ReportsService) Update(ctx context.Context, userID, reportID string, in ReportUpdate) error {
	return s.patch(ctx, "Reports.Update", Place{User: userID, ReportID: reportID}, in)
}

// UpdateSubmitted changes the few fields of a submitted report that may be; once
// it is paid it is refused. It takes a company's token and is sent once. Scope:
// expense.report.readwrite.
func (s *ReportsService) UpdateSubmitted(ctx context.Context, reportID string, in ReportUpdate) error {
	return s.patch(ctx, "Reports.UpdateSubmitted", Place{ReportID: reportID}, in)
}

func (s *ReportsService) patch(ctx context.Context, operation string, at Place, in ReportUpdate) error {
	p, err := at.path(operation)
	if err != nil {
		return err
	}
	if in.Source == "" {
		in.Source = SourceOther
	}
	return s.client.do(ctx, request{operation: operation, method: http.MethodPatch, path: p, body: in}, nil)
}

// Delete removes a report that is not submitted; one that is: ErrConflict. It is
// sent once. Scope: expense.report.readwrite.
func (s *ReportsService) Delete(ctx context.Context, reportID string) error {
	return remove(ctx, s.client, "Reports.Delete", Place{ReportID: reportID})
}

// ToApprove returns the reports that wait for an approver, and with delegated
// those that wait for somebody who made the approver a delegate.
func (s *ReportsService) ToApprove(ctx context.Context, managerID string, delegated bool) ([]*ReportToApprove, error) {
	const operation = "Reports.ToApprove"
	p, err := path(operation, "/expensereports/v4/users", managerID, "context", string(Manager), "reportsToApprove")
	if err != nil {
		return nil, err
	}
	q := url.Values{"includeDelegateApprovals": {strconv.FormatBool(delegated)}}.Encode()
	var rs []*ReportToApprove
	return rs, s.client.do(ctx, request{operation: operation, path: p, query: q, safe: true}, &rs)
}

// UpdateSubmitted changes the few fields of an expense in a submitted report that
// may be. It takes a company's token and is sent once. Scope:
// expense.report.readwrite.
func (s *ExpensesService) UpdateSubmitted(ctx context.Context, reportID, expenseID string, in ExpenseUpdate) error {
	const operation = "Expenses.UpdateSubmitted"
	p, err := path(operation, "/expensereports/v4/reports", reportID, "expenses", expenseID)
	if err != nil {
		return err
	}
	if in.Source == "" {
		in.Source = SourceOther
	}
	return s.client.do(ctx, request{operation: operation, method: http.MethodPatch, path: p, body: in}, nil)
}

// Delete removes an expense of a report that is not submitted; of one that is:
// ErrConflict. It is sent once. Scope: expense.report.readwrite.
func (s *ExpensesService) Delete(ctx context.Context, reportID, expenseID string) error {
	if expenseID == "" {
		return &Error{Operation: "Expenses.Delete", Status: http.StatusBadRequest, Message: "an id is missing; nothing was sent"}
	}
	return remove(ctx, s.client, "Expenses.Delete", Place{ReportID: reportID, ExpenseID: expenseID})
}

func remove(ctx context.Context, c *Client, operation string, at Place) error {
	p, err := at.path(operation)
	if err != nil {
		return err
	}
	return c.do(ctx, request{operation: operation, method: http.MethodDelete, path: p}, nil)
}

// Get returns one allocation.
func (s *AllocationsService) Get(ctx context.Context, userID, reportID, allocationID string) (*Allocation, error) {
	const operation = "Allocations.Get"
	p, err := reportPath(operation, userID, reportID, "allocations", allocationID)
	if err != nil {
		return nil, err
	}
	return fetch[Allocation](ctx, s.client, request{operation: operation, path: p, safe: true})
}

// Update sets custom fields of an allocation of the expenses that share it. It
// is sent once. The page shows custom fields alone; the specification wraps them
// with the ids of the expenses, and that is what is sent. Scope:
// expense.report.readwrite.
func (s *AllocationsService) Update(ctx context.Context, userID, reportID, allocationID string, expenseIDs []string, custom []CustomFieldInput) error {
	const operation = "Allocations.Update"
	p, err := reportPath(operation, userID, reportID, "allocations", allocationID)
	if err != nil {
		return err
	}
	body := map[string]any{"expenseIds": expenseIDs, "allocation": map[string]any{"customData": custom}}
	return s.client.do(ctx, request{operation: operation, method: http.MethodPatch, path: p, body: body}, nil)
}

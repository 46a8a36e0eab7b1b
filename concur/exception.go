package concur

import (
	"context"
	"encoding/json"
	"net/http"
)

// ExceptionVisibility says who sees an exception.
type ExceptionVisibility string

// Who sees an exception.
const (
	VisibleToAll                ExceptionVisibility = "ALL"
	VisibleToApproverAndProcess ExceptionVisibility = "APPROVER_PROCESSOR"
	VisibleToProcessor          ExceptionVisibility = "PROCESSOR"
)

// ReportException is a fault that a report, an expense or an allocation is
// marked with. Follows the Exceptions v4 page.
type ReportException struct {
	Code            string              `json:"exceptionCode"`
	Visibility      ExceptionVisibility `json:"exceptionVisibility"`
	IsBlocking      bool                `json:"isBlocking"`
	Message         string              `json:"message"`
	ExpenseID       string              `json:"expenseId"`
	ParentExpenseID string              `json:"parentExpenseId"`
	AllocationID    string              `json:"allocationId"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (e *ReportException) UnmarshalJSON(b []byte) error {
	type plain ReportException
	return readObject(b, (*plain)(e), &e.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (e ReportException) MarshalJSON() ([]byte, error) {
	type plain ReportException
	return writeObject(plain(e), e.Raw)
}

// ExceptionsService marks reports, expenses and allocations with exceptions: a
// way to give the ERP's refusal back to the owner where there is no Financial
// Integration Service. Follows the Exceptions v4 page. Scope:
// expense.report.read, expense.report.readwrite. What writes takes a company's
// token and a Place without User.
type ExceptionsService struct{ service }

// List returns the exceptions at a place; for a report, those of its expenses too.
func (s *ExceptionsService) List(ctx context.Context, at Place) ([]*ReportException, error) {
	const operation = "Exceptions.List"
	p, err := at.path(operation, "exceptions")
	if err != nil {
		return nil, err
	}
	var es []*ReportException
	return es, s.client.do(ctx, request{operation: operation, path: p, safe: true}, &es)
}

// Add marks a place with an exception, whose code of at most eight characters
// the customer has configured. It is sent once; adding it again does no harm.
func (s *ExceptionsService) Add(ctx context.Context, at Place, code string, seen ExceptionVisibility) error {
	const operation = "Exceptions.Add"
	at.User = ""
	p, err := at.path(operation, "exceptions")
	if err != nil {
		return err
	}
	body := exceptionInput{code, seen}
	return s.client.do(ctx, request{operation: operation, method: http.MethodPut, path: p, body: body}, nil)
}

type exceptionInput struct {
	Code       string              `json:"exceptionCode"`
	Visibility ExceptionVisibility `json:"exceptionVisibility"`
}

// Delete takes an exception away. It is sent once.
func (s *ExceptionsService) Delete(ctx context.Context, at Place, code string) error {
	const operation = "Exceptions.Delete"
	at.User = ""
	p, err := at.path(operation, "exceptions", code)
	if err != nil {
		return err
	}
	return s.client.do(ctx, request{operation: operation, method: http.MethodDelete, path: p}, nil)
}

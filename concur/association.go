package concur

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Requests returns the ids of the travel requests that a report belongs to. Follows
// the Report Request Associations v4 page. Scope: expense.report.read.
func (s *ReportsService) Requests(ctx context.Context, at Place) (ids []string, err error) {
	const operation = "Reports.Requests"
	if at.User == "" || at.ExpenseID != "" || at.AllocationID != "" {
		return nil, notSent(operation, "a report and whose it is are required")
	}
	p, err := at.path(operation, "requestassociations")
	if err != nil {
		return nil, err
	}
	a, err := fetch[struct {
		Requests []identified `json:"requests"`
	}](ctx, s.client, request{operation: operation, path: p, safe: true})
	if err != nil {
		return nil, err
	}
	return idsOf(a.Requests), nil
}

type identified struct {
	ID string `json:"id"`
}

func idsOf(rows []identified) []string {
	ids := make([]string, 0, len(rows))
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids
}

// CashAdvances returns the ids of the cash advances that are set off against a
// report. Follows the Cash Advance Associations v4 page. Scope:
// expense.report.read.
func (s *ReportsService) CashAdvances(ctx context.Context, reportID string) (ids []string, err error) {
	const operation = "Reports.CashAdvances"
	p, err := cashAdvancePath(operation, reportID)
	if err != nil {
		return nil, err
	}
	a, err := fetch[struct {
		CashAdvances []identified `json:"cashAdvances"`
	}](ctx, s.client, request{operation: operation, path: p, safe: true})
	if err != nil {
		return nil, err
	}
	return idsOf(a.CashAdvances), nil
}

// SetCashAdvances sets off these cash advances against a report, and no others any
// more; with one that is unknown nothing changes. It is sent once. Scope:
// expense.report.readwrite.
func (s *ReportsService) SetCashAdvances(ctx context.Context, reportID string, ids []string) error {
	const operation = "Reports.SetCashAdvances"
	p, err := cashAdvancePath(operation, reportID)
	if err != nil {
		return err
	}
	body := cashAdvanceInput{ids}
	return s.client.do(ctx, request{operation: operation, method: http.MethodPost, path: p, body: body}, nil)
}

// RemoveCashAdvances ends that these cash advances are set off against a report. It
// is sent once. Scope: expense.report.readwrite.
func (s *ReportsService) RemoveCashAdvances(ctx context.Context, reportID string, ids []string) error {
	const operation = "Reports.RemoveCashAdvances"
	if len(ids) == 0 {
		return notSent(operation, "the ids of cash advances are required")
	}
	p, err := cashAdvancePath(operation, reportID)
	if err != nil {
		return err
	}
	q := url.Values{"cashAdvanceIds": ids}.Encode()
	return s.client.do(ctx, request{operation: operation, method: http.MethodDelete, path: p, query: q}, nil)
}

type cashAdvanceInput struct {
	IDs []string `json:"cashAdvanceIds"`
}

func cashAdvancePath(operation, reportID string) (string, error) {
	return path(operation, "/expensereports/v4/reports", reportID, "cashAdvances")
}

// Header returns a report as Place's user sees it: Get for the contexts Manager,
// Processor and Proxy. Scope: expense.report.read.
func (s *ReportsService) Header(ctx context.Context, at Place) (*Report, error) {
	const operation = "Reports.Header"
	if at.User == "" || at.ExpenseID != "" || at.AllocationID != "" {
		return nil, notSent(operation, "a report and as whom it is read are required")
	}
	p, err := at.path(operation)
	if err != nil {
		return nil, err
	}
	return fetch[Report](ctx, s.client, request{operation: operation, path: p, safe: true})
}

// ExpenseRead says how expenses are listed.
type ExpenseRead struct {
	// IncludeItemizations lists the parts of itemised expenses beside them, which
	// the specification alone knows. Never add up both.
	IncludeItemizations bool
}

// ListWith returns the expenses of a report as somebody sees it. It is List with
// all that the specification can say.
func (s *ExpensesService) ListWith(ctx context.Context, at Place, read ExpenseRead) ([]*Expense, error) {
	const operation = "Expenses.ListWith"
	if at.User == "" || at.ExpenseID != "" || at.AllocationID != "" {
		return nil, notSent(operation, "a report and as whom it is read are required")
	}
	p, err := at.path(operation, "expenses")
	if err != nil {
		return nil, err
	}
	q := url.Values{}
	if read.IncludeItemizations {
		q.Set("includeItemizations", strconv.FormatBool(true))
	}
	var es []*Expense
	return es, s.client.do(ctx, request{operation: operation, path: p, query: q.Encode(), safe: true}, &es)
}

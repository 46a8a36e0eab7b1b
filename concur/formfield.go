package concur

import (
	"context"
	"encoding/json"
	"net/url"
)

// FormField is a field of the customer's form of a report or an expense: what may
// and what must be filled. Follows the Reports v4 and Expenses v4 pages.
type FormField struct {
	FormFieldID       string `json:"formFieldId"`
	FieldID           string `json:"fieldId"`   // "Name", "Custom29"
	FieldName         string `json:"fieldName"` // for people
	FieldSequence     int    `json:"fieldSequence"`
	FieldAccess       string `json:"fieldAccess"` // RW, RO, HD
	ControlType       string `json:"controlType"`
	DataType          string `json:"dataType"`
	DefaultValue      Text   `json:"defaultValue"`
	IsRequired        bool   `json:"isRequired"`
	MaximumLength     int    `json:"maximumLength"`
	ListID            string `json:"listId"` // of a field that takes its values from a list
	ListLevel         int    `json:"listLevel"`
	IsExternalList    bool   `json:"isExternalList"`
	ParentFieldID     string `json:"parentFieldId"`
	ValidationPattern Text   `json:"validationExpression"`
	ValidationMessage Text   `json:"validationMessage"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (f *FormField) UnmarshalJSON(b []byte) error {
	type plain FormField
	return readObject(b, (*plain)(f), &f.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (f FormField) MarshalJSON() ([]byte, error) {
	type plain FormField
	return writeObject(plain(f), f.Raw)
}

// FormFields returns the fields of a report's header; policyID may be "". Scope:
// expense.report.read.
func (s *ReportsService) FormFields(ctx context.Context, reportID, policyID string) ([]*FormField, error) {
	return formFields(ctx, s.client, "Reports.FormFields", "policyId", policyID, reportID)
}

// FormFields returns the fields of an expense; expenseTypeID may be "". Scope:
// expense.report.read.
func (s *ExpensesService) FormFields(ctx context.Context, reportID, expenseID, expenseTypeID string) ([]*FormField, error) {
	return formFields(ctx, s.client, "Expenses.FormFields", "expenseTypeId", expenseTypeID, reportID, "expenses", expenseID)
}

func formFields(ctx context.Context, c *Client, operation, parameter, value string, elements ...string) ([]*FormField, error) {
	p, err := path(operation, "/expensereports/v4/reports", append(elements, "formFields")...)
	if err != nil {
		return nil, err
	}
	q := url.Values{}
	if value != "" {
		q.Set(parameter, value)
	}
	var fs []*FormField
	return fs, c.do(ctx, request{operation: operation, path: p, query: q.Encode(), safe: true}, &fs)
}

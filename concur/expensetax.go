package concur

import (
	"context"
	"encoding/json"
	"net/http"
)

// ExpenseTax is a tax of an expense, as entered and as posted. Amounts are in the
// currency of the transaction, but for the posted ones, which are in the report's.
// Follows the Expense Tax v4 page.
type ExpenseTax struct {
	// TaxAuthorityID names the tax authority, and of an expense the one tax.
	TaxAuthorityID            string        `json:"taxAuthorityId"`
	TaxAuthorityName          string        `json:"taxAuthorityName"`
	TaxLabel                  string        `json:"taxLabel"` // in the caller's language
	TaxCode                   string        `json:"taxCode"`
	TaxTransactionAmount      Decimal       `json:"taxTransactionAmount"`
	TaxPostedAmount           Decimal       `json:"taxPostedAmount"`
	ReclaimCode               string        `json:"reclaimCode"`
	ReclaimTransactionAmount  Decimal       `json:"reclaimTransactionAmount"`
	TaxReclaimPostedAmount    Decimal       `json:"taxReclaimPostedAmount"`
	TaxRateTypeID             string        `json:"taxRateTypeId"`
	TaxRateTypeName           string        `json:"taxRateTypeName"`
	TaxReclaimConfigurationID string        `json:"taxReclaimConfigurationId"`
	TaxFormID                 string        `json:"taxFormId"`
	CustomData                []CustomField `json:"customData"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (t *ExpenseTax) UnmarshalJSON(b []byte) error {
	type plain ExpenseTax
	return readObject(b, (*plain)(t), &t.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (t ExpenseTax) MarshalJSON() ([]byte, error) {
	type plain ExpenseTax
	return writeObject(plain(t), t.Raw)
}

// ExpenseTaxUpdate is what may be changed of a tax; nil and absent fields stay as
// they are (JSON Merge Patch). Amounts are in the currency of the transaction.
type ExpenseTaxUpdate struct {
	TaxCode                  *string            `json:"taxCode,omitempty"`
	TaxTransactionAmount     Decimal            `json:"taxTransactionAmount,omitzero"` // 0 is sent, absent is not
	ReclaimCode              *string            `json:"reclaimCode,omitempty"`
	ReclaimTransactionAmount Decimal            `json:"reclaimTransactionAmount,omitzero"`
	CustomData               []CustomFieldInput `json:"customData,omitempty"`
}

// ExpenseTaxesService reads and changes the taxes of expenses. It takes a company's
// token. Follows the Expense Tax v4 page. Scope: expense.report.read to read,
// expense.report.tax.readwrite to change.
type ExpenseTaxesService struct{ service }

// List returns the taxes of an expense.
func (s *ExpenseTaxesService) List(ctx context.Context, reportID, expenseID string) ([]*ExpenseTax, error) {
	const operation = "ExpenseTaxes.List"
	p, err := path(operation, "/expensereports/v4/reports", reportID, "expenses", expenseID, "taxes")
	if err != nil {
		return nil, err
	}
	a, err := fetch[struct {
		Taxes *[]*ExpenseTax `json:"expenseTaxes"`
	}](ctx, s.client, request{operation: operation, path: p, safe: true})
	if err != nil {
		return nil, err
	}
	if a.Taxes == nil {
		return nil, &Error{Operation: operation, Err: errNoList}
	}
	return *a.Taxes, nil
}

// Update changes one tax of an expense in a submitted report. It is sent once.
func (s *ExpenseTaxesService) Update(ctx context.Context, reportID, expenseID, taxAuthorityID string, in ExpenseTaxUpdate) error {
	const operation = "ExpenseTaxes.Update"
	p, err := path(operation, "/expensereports/v4/reports", reportID, "expenses", expenseID, "tax", taxAuthorityID)
	if err != nil {
		return err
	}
	return s.client.do(ctx, request{operation: operation, method: http.MethodPatch, path: p, body: in}, nil)
}

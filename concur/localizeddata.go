package concur

import (
	"context"
	"encoding/json"
	"net/url"
)

// LocalizedKind is a set of invoice codes.
type LocalizedKind string

// The sets of codes.
const (
	LocalizedApprovalStatus      LocalizedKind = "approvalStatus"
	LocalizedDataSource          LocalizedKind = "dataSourceCode"
	LocalizedReceiptConfirmation LocalizedKind = "receiptConfirmation"
	LocalizedUnitOfMeasure       LocalizedKind = "unitOfMeasure"
	LocalizedPaymentStatus       LocalizedKind = "paymentStatus"
	LocalizedExpenseType         LocalizedKind = "expenseType"
	LocalizedLedgerCode          LocalizedKind = "ledgerCode"
	LocalizedPaymentMethod       LocalizedKind = "payMethod"
)

// LocalizedValue is one code with its name.
type LocalizedValue struct {
	Code           Text `json:"Code"`
	LangCode       Text `json:"LangCode"`
	LocalizedValue Text `json:"LocalizedValue"`
}

// LocalizedDataService reads a customer's invoice codes, which the vendor's
// documentation does not list. Follows the Localized Data v3 page. Scope: INVPMT.
type LocalizedDataService struct{ service }

// List returns the codes of a kind with their names in a language, such as
// "en"; "" leaves the language to the vendor.
func (s *LocalizedDataService) List(ctx context.Context, kind LocalizedKind, language string) ([]LocalizedValue, error) {
	const operation = "LocalizedData.List"
	q := url.Values{"type": {string(kind)}}
	if language != "" {
		q.Set("langCode", language)
	}
	var a struct {
		Data  json.RawMessage `json:"LocalizationData"`
		Items json.RawMessage `json:"Items"`
	}
	if err := s.client.do(ctx, request{operation: operation, path: "/api/v3.0/invoice/localizeddata", query: q.Encode(), safe: true}, &a); err != nil {
		return nil, err
	}
	if len(a.Data) == 0 {
		a.Data = a.Items
	}
	values, err := collection[LocalizedValue](a.Data, "LocalizationData")
	if err != nil {
		return nil, &Error{Operation: operation, Err: shape(err)}
	}
	return values, nil
}

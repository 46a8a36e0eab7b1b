package concur_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
)

func number(t *testing.T, text string) concur.Decimal {
	t.Helper()
	d, err := concur.ParseDecimal(text)
	require.NoError(t, err)
	return d
}

// encoded is what a write model sends.
func encoded(t *testing.T, in any) string {
	t.Helper()
	b, err := json.Marshal(in)
	require.NoError(t, err)
	return string(b)
}

func TestAnAmountOfZeroThatWasGivenIsSent(t *testing.T) {
	t.Parallel()
	zero := number(t, "0.00")
	for name, in := range map[string]any{
		"taxTransactionAmount":     concur.ExpenseTaxUpdate{TaxTransactionAmount: zero},
		"reclaimTransactionAmount": concur.ExpenseTaxUpdate{ReclaimTransactionAmount: zero},
		"transactionAmount":        concur.AttendeeInput{TransactionAmount: zero},
		"TransactionAmount":        concur.EntryV3Input{TransactionAmount: zero},
		"ExchangeRate":             concur.EntryV3Input{ExchangeRate: zero},
		"paymentAmount":            concur.InvoicePaid{Amount: zero},
		"invoiceAmount":            concur.InvoicePaid{InvoiceAmount: zero},
		"percentage":               concur.ERPTaxRate{Percentage: zero},
	} {
		require.Contains(t, encoded(t, in), `"`+name+`":0.00`)
	}
	require.Contains(t, encoded(t, concur.ItemizationV3Input{TransactionAmount: zero}), `"TransactionAmount":0.00`)
}

func TestAnAmountThatWasNotGivenIsNotSent(t *testing.T) {
	t.Parallel()
	for _, in := range []any{concur.ExpenseTaxUpdate{}, concur.AttendeeInput{}, concur.EntryV3Input{}, concur.ItemizationV3Input{}, concur.InvoicePaid{}, concur.ERPTaxRate{}} {
		require.NotRegexp(t, `(?i)amount":|rate":|percentage":`, encoded(t, in))
	}
}

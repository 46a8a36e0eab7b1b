package epicortest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInvoiceIsKeptAsItWasEntered(t *testing.T) {
	k := newKit(t, nil)
	k.group("G1")
	k.invoice("INV-1", "12.10")
	list := k.srv.Invoices(co)
	require.Len(t, list, 1)
	i := list[0]
	require.Equal(t, "ACME", i.VendorID)
	require.Equal(t, "key-INV-1", i.ExternalID)
	require.Equal(t, "EUR", i.Currency)
	require.Equal(t, "12.1", i.Amount.String())
	require.Equal(t, "12.1", i.VendorAmount.String())
	require.Equal(t, date(2026, 10, 28), i.Date)
	require.Len(t, i.Lines, 1)
	require.Len(t, i.Lines[0].Splits, 1)
	require.Equal(t, "6410|200|00", i.Lines[0].Splits[0].Account)
	require.True(t, i.Balanced())
}

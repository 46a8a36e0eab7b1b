package epicor_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
)

func TestCreateEntersAnInvoiceToTheCent(t *testing.T) {
	srv, c := pair(t, nil)
	in := meal(t)
	inv, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "133.43", inv.Amount.Value().String())
	require.Equal(t, in.Key, inv.Key)
	require.Equal(t, 10, inv.FiscalPeriod)
	require.Empty(t, in.Diff(inv))

	got, ok := srv.Invoice(company, "E1042", "CX-A1B2C3-1-E")
	require.True(t, ok)
	require.True(t, got.Balanced())
	require.Equal(t, "CX261030U", got.Group)
	require.Equal(t, "Report A1B2C3", got.Description)
	require.Equal(t, "Dinner <3 guests>", got.Lines[0].Description)
	require.True(t, got.VendorAmount.Equal(dec("133.43")))
	require.Len(t, got.Lines, 3)
	require.Equal(t, "kept", got.Column("Seen_c"))
	require.Empty(t, srv.Locks(company))
	require.Nil(t, srv.Post(company, got.Group))
}

func TestCreateEntersADebitMemoWithTheSignsThatEpicorWants(t *testing.T) {
	srv, c := pair(t, nil)
	in := meal(t)
	in.DebitMemo, in.Lines = true, []epicor.APInvoiceLineInput{
		{Description: "Refund", Amount: dec("-349.00"), Splits: []epicor.APInvoiceSplitInput{
			{Account: "6410|200|00", Amount: dec("-300.00")}, {Account: "6420|200|00", Amount: dec("-49.00")},
		}},
	}
	inv, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "-349", inv.Amount.Value().String())
	got, ok := srv.Invoice(company, "E1042", in.Number)
	require.True(t, ok)
	require.True(t, got.DebitMemo)
	require.True(t, got.Amount.Equal(dec("-349")))
	require.True(t, got.VendorAmount.Equal(dec("349")))
	require.True(t, got.Balanced())
	require.Nil(t, srv.Post(company, got.Group))
}

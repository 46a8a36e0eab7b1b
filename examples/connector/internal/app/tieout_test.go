package app

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/sync/engine"
)

// tied lets everything that the sample has be approved and posted, does some
// harm, and ties out.
func tied(t *testing.T, harm func(context.Context, *world, *App)) *TieOut {
	t.Helper()
	var tie *TieOut
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, r := range w.company.Reports {
			w.company.Approve(r.ID)
		}
		a := w.connector()
		w.run(a, time.Minute)
		if harm != nil {
			harm(audit.NewContext(t.Context(), audit.Scope{Tenant: tenantName, Subject: "harm"}), w, a)
		}
		var err error
		tie, err = a.TieOut(t.Context(), tenantName, time.Now().AddDate(0, 0, -1))
		require.NoError(t, err)
	})
	return tie
}

// dollars is the line of one currency.
func dollars(t *testing.T, tie *TieOut) CurrencyLine {
	t.Helper()
	for _, c := range tie.Currencies {
		if c.Currency == "USD" {
			return c
		}
	}
	t.Fatal("no line for USD")
	return CurrencyLine{}
}

// harmed is the invoice to which harm is done: USD 450.00 on one line.
func harmed(w *world) epicortest.Invoice { return w.ours(sample.LostAnswer)[0] }

func TestTieOutOfAnHonestMonthHasNoDifference(t *testing.T) {
	tie := tied(t, nil)
	require.True(t, tie.Ties())
	require.Len(t, tie.Documents, 17, "all that was approved")
	usd := dollars(t, tie)
	require.Equal(t, "14397.56", usd.Approved.String())
	require.Equal(t, "1514.1", usd.Open.String(), "one unknown cost centre, one missing supplier")
	require.True(t, usd.Approved.Equal(usd.Posted.Add(usd.Open)))
}

func TestTieOutNamesADocumentWhoseInvoiceIsGone(t *testing.T) {
	tie := tied(t, func(ctx context.Context, w *world, a *App) {
		inv := harmed(w)
		require.NoError(t, a.tenants[tenantName].epicor.APInvoices.Delete(ctx, inv.VendorNum, inv.Number, inv.ExternalID))
	})
	require.False(t, tie.Ties())
	require.Equal(t, "450", dollars(t, tie).Difference.String())
	for _, d := range tie.Documents {
		require.Equal(t, d.Word == engine.WordPosted && len(d.Standing) == 0, !d.Difference.IsZero(), d.ID.Document)
	}
}

func TestTieOutNamesADocumentThatStandsTwice(t *testing.T) {
	tie := tied(t, func(ctx context.Context, w *world, a *App) {
		inv := harmed(w)
		_, err := a.tenants[tenantName].epicor.APInvoices.Create(ctx, epicor.APInvoiceInput{
			Key: inv.ExternalID, VendorID: inv.VendorID, Number: inv.Number + "-AGAIN", Currency: inv.Currency, Date: inv.Date, ApplyDate: inv.ApplyDate,
			Lines: []epicor.APInvoiceLineInput{{
				Description: "again", Amount: inv.Amount, Splits: []epicor.APInvoiceSplitInput{{Account: "6610|420|00", Amount: inv.Amount}},
			}},
		})
		require.NoError(t, err)
	})
	require.False(t, tie.Ties())
	require.Equal(t, "-450", dollars(t, tie).Difference.String())
}

func TestTieOutNamesAnInvoiceWithAKeyThatNoDocumentHas(t *testing.T) {
	tie := tied(t, func(_ context.Context, w *world, _ *App) {
		inv := harmed(w)
		w.epicor.EditInvoice(sample.EpicorCompany, inv.VendorID, inv.Number, map[string]any{"ExternalID": strings.Repeat("A", 32)})
	})
	require.False(t, tie.Ties(), "although the sum of the currency is right")
	require.True(t, dollars(t, tie).Difference.IsZero())
	require.Len(t, tie.Strangers, 1)
}

func TestTieOutSeesAnAmountThatWasChangedInEpicor(t *testing.T) {
	tie := tied(t, func(_ context.Context, w *world, _ *App) {
		inv := harmed(w)
		w.epicor.EditInvoice(sample.EpicorCompany, inv.VendorID, inv.Number, map[string]any{"DocInvoiceAmt": decimal.RequireFromString("449.99")})
	})
	require.False(t, tie.Ties())
	require.Equal(t, "0.01", dollars(t, tie).Difference.String())
}

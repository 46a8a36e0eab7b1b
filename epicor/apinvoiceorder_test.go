package epicor_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

// ordered gives the fake two orders of ACME: one received in two slips, one not.
func ordered(srv *epicortest.Server) {
	srv.AddOrders(company,
		epicortest.Order{Num: 4711, VendorID: "ACME", Lines: []epicortest.OrderLine{
			{PartNum: "BOLT", Quantity: dec("10"), UnitCost: dec("5.00"), Receipts: []epicortest.Receipt{{PackSlip: "S1", Quantity: dec("4")}, {PackSlip: "S2", Quantity: dec("6")}}},
			{PartNum: "NUT", Quantity: dec("100"), UnitCost: dec("0.25"), Receipts: []epicortest.Receipt{{PackSlip: "S1", Quantity: dec("100")}}},
		}},
		epicortest.Order{Num: 4712, VendorID: "ACME", Lines: []epicortest.OrderLine{{PartNum: "GEAR", Quantity: dec("2"), UnitCost: dec("50")}}},
	)
}

// goods is an invoice with a line for a receipt, one for an order that has not
// arrived, freight, and tax.
func goods(t testing.TB) epicor.APInvoiceInput {
	t.Helper()
	return epicor.APInvoiceInput{
		Key: "BCDEFGHIJKLMNOPQRSTUVWXYZ234567A", VendorID: "ACME", Number: "INV-77", Currency: "USD", Order: 4711,
		Date: date(t, "2026-10-28"), ApplyDate: date(t, "2026-10-30"), Description: "Goods",
		Lines: []epicor.APInvoiceLineInput{
			{Amount: dec("20.80"), Ordered: &epicor.APInvoiceOrderInput{Order: 4711, Line: 1, PackSlip: "S1"}}, // 4 at 5.20
			{Amount: dec("100.00"), Description: "Gears ahead", Ordered: &epicor.APInvoiceOrderInput{Order: 4712, Line: 1, Unreceived: true}},
			{Description: "Freight", Amount: dec("7.50"), Splits: []epicor.APInvoiceSplitInput{{Account: "6420|200|00", Amount: dec("7.50")}}},
		},
		Taxes:       []epicor.APInvoiceTaxInput{{Code: "VAT", Rate: "STD", Amount: dec("10.27")}},
		Attachments: []epicor.APInvoiceAttachmentInput{{Name: "invoice.pdf", Description: "Image", Data: []byte("%PDF-1.7 …")}},
	}
}

func TestAnInvoiceOfReceiptsOrdersTaxAndAnImageIsEnteredWholeAndPosts(t *testing.T) {
	for _, apart := range []bool{false, true} {
		o := options()
		o.TaxApart = apart
		srv := epicortest.New(o)
		seed(srv)
		ordered(srv)
		c := client(t, srv, nil)
		in := goods(t)
		inv, err := c.APInvoices.Create(t.Context(), in)
		require.NoError(t, err)
		require.True(t, inv.Balanced())
		require.Equal(t, 4711, inv.Order)
		require.Equal(t, "10.27", inv.Tax.String())
		require.Equal(t, 4711, inv.Lines[0].Order)
		require.Equal(t, "S1", inv.Lines[0].PackSlip)
		require.Equal(t, 4712, inv.Lines[1].Order)
		require.Empty(t, inv.Lines[1].PackSlip)
		got, _ := srv.Invoice(company, "ACME", "INV-77")
		require.Equal(t, "138.57", got.VendorAmount.String())
		require.Equal(t, "Image", got.Attachments[0].Description)
		data, err := c.Attachments.Download(t.Context(), inv.Attachments[0].FileRef)
		require.NoError(t, err)
		require.Equal(t, in.Attachments[0].Data, data)
		require.Empty(t, srv.Post(company, inv.Group))
	}
}

func TestADebitMemoTakesTaxWithItsTrueSign(t *testing.T) {
	for _, trueSign := range []bool{false, true} {
		o := options()
		o.TrueSignLines = trueSign
		srv := epicortest.New(o)
		seed(srv)
		c := client(t, srv, nil)
		in := meal(t)
		in.DebitMemo, in.Number = true, "CX-A1B2C3-1-ED"
		in.Lines = []epicor.APInvoiceLineInput{{Amount: dec("-100"), Splits: []epicor.APInvoiceSplitInput{{Account: "6410|200|00", Amount: dec("-100")}}}}
		in.Taxes = []epicor.APInvoiceTaxInput{{Code: "VAT", Amount: dec("-19.00")}}
		inv, err := c.APInvoices.Create(t.Context(), in)
		require.NoError(t, err)
		require.True(t, inv.Tax.Value().Equal(dec("-19")))
		require.Empty(t, srv.Post(company, inv.Group))
	}
}

func TestAReceiptThatIsNotThereOrNotSingleIsRefusedAndNothingElseTaken(t *testing.T) {
	srv, c := pair(t, nil)
	ordered(srv)
	in := goods(t)
	in.Lines = in.Lines[:1]
	in.Taxes, in.Attachments = nil, nil
	for name, o := range map[string]epicor.APInvoiceOrderInput{
		"several": {Order: 4711, Line: 1}, "none": {Order: 4712, Line: 1}, "another slip": {Order: 4711, Line: 1, PackSlip: "S9"},
	} {
		in.Lines[0].Ordered = &o
		in.Number = "INV-" + name
		_, err := c.APInvoices.Create(t.Context(), in)
		require.ErrorIs(t, err, epicor.ErrNoReceipt, name)
		var ie *epicor.APInvoiceError
		require.ErrorAs(t, err, &ie)
		require.Equal(t, epicor.Committed, ie.Outcome)
		require.NoError(t, c.APInvoices.Delete(t.Context(), 7, in.Number, in.Key))
	}
	require.Empty(t, srv.Invoices(company))
}

func TestAReceiptIsFreeAgainWhenItsInvoiceIsDeleted(t *testing.T) {
	srv, c := pair(t, nil)
	ordered(srv)
	in := goods(t)
	for range 2 {
		_, err := c.APInvoices.Create(t.Context(), in)
		require.NoError(t, err)
		require.NoError(t, c.APInvoices.Delete(t.Context(), 7, in.Number, in.Key))
	}
	require.Empty(t, srv.Invoices(company))
}

func TestWhateverBefallsOneCallOfAnInvoiceOfGoodsItIsWholeOrAbsentAfterResume(t *testing.T) {
	fresh := func(t *testing.T) (*epicortest.Server, *epicor.Client) {
		srv := epicortest.New(options())
		seed(srv)
		ordered(srv)
		return srv, client(t, srv, &epicor.Options{Tries: 1})
	}
	srv, c := fresh(t)
	_, err := c.APInvoices.Create(t.Context(), goods(t))
	require.NoError(t, err)
	calls := srv.Calls()
	cells := 0
	all := faults()
	for name, f := range worse() {
		all[name] = f
	}
	for name, f := range all {
		if sampled && name != "drop after commit" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for i, call := range calls {
					if sampled && i%2 > 0 && !strings.HasSuffix(call.Path, "/InvoiceSelectedLines") || sampled && !commits(call.Path) {
						continue
					}
					cells++
					srv, c := fresh(t)
					f.Skip = i
					srv.Inject(f)
					in := goods(t)
					_, err := c.APInvoices.Create(t.Context(), in)
					srv.ClearFaults()
					synctest.Wait() // what timed out here is committed there all the same
					found, ferr := c.APInvoices.Find(t.Context(), in.Key)
					require.NoError(t, ferr, call.Path)
					if len(found) == 0 {
						require.Error(t, err, call.Path)
						require.Empty(t, srv.Invoices(company), call.Path)
						continue
					}
					_, err = c.APInvoices.Resume(t.Context(), in)
					require.NoError(t, err, "call %d (%s)", i, call.Path)
					got := srv.Invoices(company)
					require.Len(t, got, 1, call.Path)
					require.Len(t, got[0].Lines, 3, call.Path)
					require.True(t, got[0].Balanced(), call.Path)
					require.Equal(t, "138.57", got[0].Amount.String(), call.Path)
					require.Len(t, got[0].Attachments, 1, call.Path)
				}
			})
		})
	}
	t.Logf("%d cells (%d calls): 0 lost, 0 doubled, 0 wrong", cells, len(calls))
}

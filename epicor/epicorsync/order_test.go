package epicorsync_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// orderedInvoice is a supplier's invoice of ten pieces of an order.
func orderedInvoice(amount, price string) delivery {
	d := one("CARDCO", "INV-1", "6410|200|00", "10.00")
	inv := &d.Posting.Invoices[0]
	inv.MadeUp = false
	inv.Lines = append([]document.Line{{
		Description: "Drill", Amount: dec(amount), Order: &document.OrderLine{Order: 4500017, Line: 1, Quantity: dec("10"), UnitPrice: dec(price), PackSlip: "PS-9"},
	}}, inv.Lines...)
	inv.Amount = dec(amount).Add(dec("10.00"))
	return d
}

func withOrder(t *testing.T, opts *epicorsync.InvoicesOptions) (*epicortest.Server, *epicorsync.InvoiceSink) {
	t.Helper()
	srv := server(nil)
	srv.AddOrders(company, epicortest.Order{Num: 4500017, VendorID: "CARDCO", Lines: []epicortest.OrderLine{{
		PartNum: "DRILL", Quantity: dec("10"), UnitCost: dec("5.00"), Receipts: []epicortest.Receipt{{PackSlip: "PS-9", Quantity: dec("10")}},
	}}})
	return srv, epicorsync.Invoices(client(t, srv, epicor.Options{Tries: 1}), opts)
}

func TestR58AnOrderedLineStaysOne(t *testing.T) {
	srv, s := withOrder(t, nil)
	d := orderedInvoice("50.00", "5.00")
	r, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	require.Len(t, r.Made, 1)
	require.Equal(t, connector.Same, find(t, s, d).Presence)
	inv := srv.Invoices(company)[0]
	require.Equal(t, "60", inv.Amount.String())

	other := orderedInvoice("50.00", "5.00")
	other.Posting.Invoices[0].Lines[0].Order.Line = 2
	require.Equal(t, connector.Different, find(t, s, other).Presence, "a line of another line of the order is no other's beginning")
}

func TestR58APriceThatDiffersIsHeld(t *testing.T) {
	srv, s := withOrder(t, &epicorsync.InvoicesOptions{PriceTolerance: dec("2")})
	_, err := s.Deliver(t.Context(), orderedInvoice("52.00", "5.20"))
	issue := rejected(t, err)
	require.Equal(t, epicorsync.POVariance, issue.Code)
	require.Equal(t, "invoice 1, line 1", issue.Field)
	require.Contains(t, issue.Message, "a variance of 2, which is 4 %, and 2 % are tolerated", "10 × (5.20 − 5.00) = 2.00 = 4 %")
	require.Empty(t, srv.Invoices(company))

	srv, s = withOrder(t, &epicorsync.InvoicesOptions{PriceTolerance: dec("4")})
	_, err = s.Deliver(t.Context(), orderedInvoice("52.00", "5.20"))
	require.NoError(t, err)
	require.Len(t, srv.Invoices(company), 1)

	srv, s = withOrder(t, nil)
	_, err = s.Deliver(t.Context(), orderedInvoice("50.01", "5.001"))
	require.Equal(t, epicorsync.POVariance, rejected(t, err).Code, "without a tolerance nothing is tolerated")
	require.Empty(t, srv.Invoices(company))
}

func TestR58AnOrderInAnotherCurrencyIsHeld(t *testing.T) {
	srv := server(nil)
	srv.AddOrders(company, epicortest.Order{Num: 4500017, VendorID: "CARDCO", Currency: "EUR", Lines: []epicortest.OrderLine{{
		PartNum: "DRILL", Quantity: dec("10"), UnitCost: dec("5.00"), Receipts: []epicortest.Receipt{{PackSlip: "PS-9", Quantity: dec("10")}},
	}}})
	s := epicorsync.Invoices(client(t, srv, epicor.Options{Tries: 1}), nil)
	_, err := s.Deliver(t.Context(), orderedInvoice("50.00", "5.00"))
	issue := rejected(t, err)
	require.Equal(t, epicorsync.POVariance, issue.Code)
	require.Contains(t, issue.Message, "in EUR and the invoice in USD")
	require.Empty(t, srv.Invoices(company))
}

func taxed() delivery {
	d := one("E1042", "CX-TAX-1-E", "6410|200|00", "51.83")
	inv := &d.Posting.Invoices[0]
	inv.Taxes = []document.InvoiceTax{{Code: "GST", Rate: "STD", Amount: dec("1.22")}, {Code: "PST", Rate: "STD", Amount: dec("1.95")}}
	inv.Amount = dec("55.00")
	return d
}

func withTaxes(t *testing.T) (*epicortest.Server, *epicorsync.InvoiceSink) {
	t.Helper()
	return setup(t)
}

func TestR34TaxesAreEnteredAsTheyAre(t *testing.T) {
	srv, s := withTaxes(t)
	d := taxed()
	_, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, connector.Same, find(t, s, d).Presence)
	inv := srv.Invoices(company)[0]
	require.Equal(t, "55", inv.VendorAmount.String(), "51.83 + 1.22 + 1.95")

	other := taxed()
	other.Posting.Invoices[0].Taxes = other.Posting.Invoices[0].Taxes[:1]
	other.Posting.Invoices[0].Amount = dec("53.05")
	require.Equal(t, connector.Different, find(t, s, other).Presence, "a tax is part of what is compared")

	wrong := taxed()
	wrong.Ref.ID, wrong.Posting.Invoices[0].Number, wrong.Posting.Invoices[0].Amount = "W", "CX-W-1-E", dec("54.99")
	_, err = s.Deliver(t.Context(), wrong)
	issue := rejected(t, err)
	require.Equal(t, epicorsync.PostingMismatch, issue.Code)
	require.Contains(t, issue.Message, "55.00, not to the invoice's 54.99")
	require.Len(t, srv.Invoices(company), 1, "refused before anything is sent")
}

func TestAFaultAtAnyCallOfATaxedInvoiceIsMended(t *testing.T) {
	srv, s := withTaxes(t)
	_, err := s.Deliver(t.Context(), taxed())
	require.NoError(t, err)
	calls := len(srv.Calls())
	require.Greater(t, calls, 5)
	for n := 1; n <= calls; n++ {
		for when := range map[string]bool{"before": true, "after": true} {
			srv, s := withTaxes(t)
			d := taxed()
			fault := epicortest.Fault{Skip: n - 1, Times: 1, Status: http.StatusBadGateway, When: epicortest.Before}
			if when == "after" {
				fault.When = epicortest.After
			}
			srv.Inject(fault)
			if _, err := s.Deliver(t.Context(), d); err != nil {
				require.NotErrorIs(t, err, connector.ErrRejected, "call %d", n)
				for range 3 {
					if find(t, s, d).Presence == connector.Same {
						break
					}
					_, _ = s.Deliver(t.Context(), d) // what is there afterwards counts
				}
			}
			require.Equal(t, connector.Same, find(t, s, d).Presence, "call %d", n)
			require.Len(t, srv.Invoices(company), 1, "call %d", n)
			require.Equal(t, "55", srv.Invoices(company)[0].VendorAmount.String(), "call %d", n)
		}
	}
}

func TestTermsOfAPostingAreEntered(t *testing.T) {
	srv, s := setup(t)
	d := one("E1042", "CX-T-1-E", "6410|200|00", "10.00")
	d.Posting.Invoices[0].Terms = "N10"
	_, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, "N10", srv.Invoices(company)[0].TermsCode)
}

// receipts is a source of files that may fail.
type receipts struct {
	fail  int
	none  bool
	asked []string
}

func (r *receipts) read(_ context.Context, a document.Attachment) ([]byte, error) {
	r.asked = append(r.asked, a.ID)
	if r.fail > 0 {
		r.fail--
		return nil, errors.New("503")
	}
	if r.none {
		return nil, nil
	}
	return []byte("%PDF-1.7 " + a.ID), nil
}

func withReceipt() delivery {
	d := one("E1042", "CX-R-1-E", "6410|200|00", "284.00")
	d.Posting.Invoices[0].Attachments = []document.Attachment{{ID: "IMG/1", Kind: "receipt"}}
	return d
}

func TestR59AnAttachmentThatFailsLeavesTheMoneyAlone(t *testing.T) {
	for name, first := range map[string]bool{"by default": false, "where the tenant waits for it": true} {
		t.Run(name, func(t *testing.T) {
			srv := server(nil)
			files := &receipts{fail: 2}
			s := epicorsync.Invoices(client(t, srv, epicor.Options{Tries: 1}), &epicorsync.InvoicesOptions{Attachments: files.read, AttachmentsFirst: first})
			d := withReceipt()
			r, err := s.Deliver(t.Context(), d)
			require.NoError(t, err, "284.00 stand there")
			require.Equal(t, "284", srv.Invoices(company)[0].Amount.String())
			require.Equal(t, !first, r.Final)
			require.Contains(t, r.Missing[0], "IMG/1 could not be added")
			require.Empty(t, srv.Invoices(company)[0].Attachments)

			f := find(t, s, d) // which tries again
			require.Equal(t, connector.Same, f.Presence)
			require.True(t, f.Receipt.Final)
			require.Len(t, srv.Invoices(company)[0].Attachments, 1)

			asked := len(files.asked)
			find(t, s, d)
			again, err := s.Attach(t.Context(), d)
			require.NoError(t, err)
			require.Equal(t, connector.Attached{}, again)
			require.Len(t, files.asked, asked, "what is there is not asked for again")
			require.Len(t, srv.Invoices(company)[0].Attachments, 1)
		})
	}
}

func TestAFileThatIsNotThereIsNoFault(t *testing.T) {
	srv := server(nil)
	files := &receipts{none: true}
	s := epicorsync.Invoices(client(t, srv, epicor.Options{Tries: 1}), &epicorsync.InvoicesOptions{Attachments: files.read, AttachmentsFirst: true})
	r, err := s.Deliver(t.Context(), withReceipt())
	require.NoError(t, err)
	require.True(t, r.Final)
	require.Empty(t, r.Notes)
}

func TestR40AnInvoiceThatIsThereUnderAnotherSpellingIsHeld(t *testing.T) {
	supplier := func(number, amount, date string) delivery {
		d := one("CARDCO", number, "6410|200|00", amount)
		d.Posting.Invoices[0].MadeUp, d.Posting.Invoices[0].Date = false, document.Date(date)
		return d
	}
	srv := server(nil)
	s := epicorsync.Invoices(client(t, srv, epicor.Options{Tries: 1}), &epicorsync.InvoicesOptions{DuplicateDays: 90})
	first := supplier("INV-001", "115.75", "2026-10-28")
	_, err := s.Deliver(t.Context(), first)
	require.NoError(t, err)

	for _, number := range []string{"inv 001", "INV1", "inv/0001"} {
		_, err = s.Deliver(t.Context(), supplier(number, "115.75", "2026-10-30"))
		issue := rejected(t, err)
		require.Equal(t, epicorsync.SupplierDuplicate, issue.Code, number)
		require.Contains(t, issue.Message, "INV-001 of 2026-10-28 over 115.75")
	}
	require.Len(t, srv.Invoices(company), 1)
	for name, d := range map[string]delivery{
		"another amount": supplier("inv 001", "115.76", "2026-10-30"),
		"another number": supplier("INV-0010", "115.75", "2026-10-30"),
		"long ago":       supplier("inv 0001", "115.75", "2026-01-05"),
	} {
		_, err = s.Deliver(t.Context(), d)
		require.NoError(t, err, name)
	}
	_, err = s.Deliver(t.Context(), first)
	require.NoError(t, err, "R36: what is ours is no duplicate of itself")

	off := epicorsync.Invoices(client(t, srv, epicor.Options{Tries: 1}), nil)
	_, err = off.Deliver(t.Context(), supplier("INV/001", "115.75", "2026-10-30"))
	require.NoError(t, err, "it is off by default")
}

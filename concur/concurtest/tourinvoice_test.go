package concurtest_test

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

func (w *walk) invoices() {
	t, ctx, c := w.t, w.t.Context(), w.client
	p := w.co.AddApprovedPaymentRequest(invoice("INV-1"))
	require.NotEmpty(t, drain(t, c.Digests.List(ctx, concur.DigestQuery{})))
	_, err := c.Digests.Get(ctx, p.ID)
	require.NoError(t, err)
	_, err = c.PaymentRequests.Get(ctx, p.ID)
	require.NoError(t, err)
	_, err = c.LocalizedData.List(ctx, concur.LocalizedPaymentStatus, "en")
	require.NoError(t, err)
	w.writeInvoices()
	w.co.ExtractPaymentRequest(p.ID)
	each, err := c.PaymentConfirmations.Update(ctx, []concur.InvoicePaid{
		{RequestID: p.ID, Status: concur.InvoicePaidStatus, StatusDate: concur.Date{Year: 2026, Month: time.November, Day: 3}, Amount: decimal(t, "123.00"), Method: "CLIENT", CheckNumbers: []string{"1"}, Custom: map[string]string{"custom1": "a"}},
		{InvoiceNumber: "none", VendorCode: "V100", StatusDate: concur.Date{Year: 2026, Month: time.November, Day: 3}},
	})
	require.NoError(t, err)
	require.NoError(t, each[0])
	require.ErrorIs(t, each[1], concur.ErrInvalid)
	w.co.AddInvoicePayment(concurtest.InvoicePayment{RequestID: p.ID, InvoiceNumber: "INV-1", VendorCode: "V100"})
	fresh, err := c.PaymentConfirmations.Extract(ctx, 100)
	require.NoError(t, err)
	require.Len(t, fresh, 1)
	fresh, err = c.PaymentConfirmations.Extract(ctx, 100)
	require.NoError(t, err)
	require.Empty(t, fresh, "each is given out once")
	require.Len(t, drain(t, c.PaymentConfirmations.List(ctx, concur.InvoicePaymentQuery{})), 1)

	each, err = c.Vendors.Create(ctx, []concur.VendorInput{{VendorCode: "V1", AddressCode: "A", VendorName: "Steel", CountryCode: "US", CurrencyCode: "USD", Address1: "1 Way", City: "X", State: "WA", PostalCode: "98004"}})
	require.NoError(t, err)
	require.NoError(t, each[0])
	_, err = c.Vendors.Update(ctx, []concur.VendorInput{{VendorCode: "V1", AddressCode: "A", VendorName: "Steel & Sons", CountryCode: "US", CurrencyCode: "USD"}})
	require.NoError(t, err)
	require.NotEmpty(t, drain(t, c.Vendors.List(ctx, concur.VendorQuery{VendorCode: "V1"})))
	require.NoError(t, c.Vendors.Delete(ctx, "V1", "A"))

	address := concur.OrderAddress{ExternalID: "x", Name: "HQ", Address1: "1 Way", City: "X", StateProvince: "WA", PostalCode: "98004", CountryCode: "US"}
	order := concur.PurchaseOrder{
		PurchaseOrderNumber: "PO1", Name: "Beams", PolicyExternalID: "PO", OrderDate: "2026-10-30", CurrencyCode: "USD", VendorCode: "V1", VendorAddressCode: "A",
		BillToAddress: address, ShipToAddress: address,
		LineItems: []concur.PurchaseOrderLine{{ExternalID: "L1", LineNumber: "1", Quantity: "2", UnitPrice: "5.00", AccountCode: "6410"}},
	}
	number, err := c.PurchaseOrders.Create(ctx, order)
	require.NoError(t, err)
	order.Description = "changed"
	_, err = c.PurchaseOrders.Update(ctx, order)
	require.NoError(t, err)
	_, err = c.PurchaseOrders.Get(ctx, number)
	require.NoError(t, err)
	_, err = c.PurchaseOrders.Create(ctx, order)
	require.ErrorIs(t, err, concur.ErrInvalid)
	receipt := concur.PurchaseOrderReceipt{PurchaseOrderNumber: "PO1", LineItemExternalID: "L1", GoodsReceiptNumber: "R1", ReceivedQuantity: "1", ReceivedDate: "2026-10-30 00:00:00.0"}
	require.NoError(t, c.PurchaseOrderReceipts.Create(ctx, receipt))
	require.NoError(t, c.PurchaseOrderReceipts.Update(ctx, receipt))
	rs, err := c.PurchaseOrderReceipts.List(ctx, "PO1", "L1", "R1")
	require.NoError(t, err)
	require.Len(t, rs, 1)
	require.NoError(t, c.PurchaseOrderReceipts.Delete(ctx, "PO1", "L1", "R1"))
}

func (w *walk) writeInvoices() {
	t, ctx, c := w.t, w.t.Context(), w.client
	w.co.AddVendor(concurtest.VendorRecord{Code: "V100", AddressCode: "A1", Name: "Steel & Sons"})
	in := concur.PaymentRequestInput{
		Name: "Beams", InvoiceNumber: "INV-W", InvoiceAmount: decimal(t, "110.00"), CurrencyCode: "USD", CountryCode: "US",
		VendorRemitTo: concur.VendorIdentifier{VendorCode: "V100", AddressCode: "A1"}, EmployeeLoginID: "ada@acme.example", PurchaseOrderNumber: "PO9",
		InvoiceDate: concur.Date{Year: 2026, Month: time.October, Day: 28}, TaxAmount: decimal(t, "10.00"), Custom: map[string]string{"custom1": "a", "orgUnit2": "b"},
		LineItems: []concur.LineItemInput{{
			Description: "Beam", Quantity: decimal(t, "2"), UnitPrice: decimal(t, "50"), TotalPrice: decimal(t, "100"),
			Allocations: []concur.LineItemAllocationInput{
				{Percentage: decimal(t, "60"), Custom: map[string]string{"custom1": "100"}}, {Percentage: decimal(t, "40")},
			},
		}},
	}
	id, err := c.PaymentRequests.Create(ctx, in)
	require.NoError(t, err)
	made, found := w.co.PaymentRequest(id)
	require.True(t, found)
	require.Equal(t, "ada@acme.example", made.Owner)
	require.Equal(t, map[string]string{"Custom1": "a", "OrgUnit2": "b"}, made.Custom)
	require.Equal(t, "100", made.Lines[0].Amount.String())
	require.Equal(t, "60", made.Lines[0].Allocations[0].Percentage.String())
	_, err = c.PaymentRequests.Update(ctx, id, concur.PaymentRequestInput{
		InvoiceAmount: decimal(t, "130.00"), LineItems: []concur.LineItemInput{
			{Action: concur.LineUpdate, LineItemID: "1", UnitPrice: decimal(t, "55")},
			{Action: concur.LineInsert, Description: "Bolt", Quantity: decimal(t, "1"), UnitPrice: decimal(t, "10")},
		},
	})
	require.NoError(t, err)
	_, err = c.PaymentRequests.Update(ctx, id, concur.PaymentRequestInput{LineItems: []concur.LineItemInput{{Action: concur.LineDelete, LineItemID: "2"}}})
	require.NoError(t, err)
	made, _ = w.co.PaymentRequest(id)
	require.Equal(t, "130", made.Amount.Decimal.String())
	require.Len(t, made.Lines, 1)
	require.Equal(t, "110", made.Lines[0].Amount.String())
	in.VendorRemitTo = concur.VendorIdentifier{VendorCode: "nobody", AddressCode: "A1"}
	_, err = c.PaymentRequests.Create(ctx, in)
	require.ErrorIs(t, err, concur.ErrInvalid)
}

func (w *walk) financial() {
	t, ctx, f := w.t, w.t.Context(), w.client.Financial
	w.co.AddApprovedReport(lunch("12.50"))
	p := w.co.AddApprovedPaymentRequest(invoice("INV-9"))
	ds := drain(t, f.List(ctx, concur.FinancialExpense, concur.FinancialQuery{Limit: 2}))
	require.NotEmpty(t, ds)
	var ids []string
	for _, d := range ds {
		_, err := d.Expense()
		require.NoError(t, err)
		ids = append(ids, d.ID)
	}
	d, err := f.Get(ctx, concur.FinancialInvoice, p.ID, true)
	require.NoError(t, err)
	v, err := d.Invoice()
	require.NoError(t, err)
	require.Equal(t, concur.Text(p.ID), v.Header.RequestID)
	rows, err := f.Acknowledge(ctx, concur.FinancialExpense, ids, "")
	require.NoError(t, err)
	require.NoError(t, rows[0].Err())
	rows, err = f.ConfirmPostings(ctx, concur.FinancialExpense, []concur.PostingConfirmation{
		{DocID: ids[0], Status: concur.PostingSuccess, Documents: []concur.PostedDocument{{CompanyID: "0100", Number: "1", FiscalYear: "2026", PostingDate: concur.Date{Year: 2026, Month: time.November, Day: 2}}}},
		{DocID: ids[1], Status: concur.PostingError, Messages: []concur.SystemMessage{{ID: "X", Language: "EN", ShortText: "no"}}},
	}, "")
	require.NoError(t, err)
	require.NoError(t, rows[0].Err())
	rows, err = f.ConfirmPayments(ctx, concur.FinancialExpense, []concur.PaymentConfirmation{{
		DocID: ids[0], Status: concur.CompletelyPaid, Clearing: []concur.Clearing{{
			Date: concur.ClearingDate(time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)), Amount: decimal(t, "12.50"), Currency: "USD",
			Receiver: concur.ClearingReceiver{ID: "1002", Name: "Ada", Type: "EMPLOYEE"}, Reference: concur.ClearingReference{CompanyCode: "0100", DocumentID: "9", FiscalYear: "2026", PaymentRef: "0100/9", Method: "E"},
		}},
	}}, "")
	require.NoError(t, err)
	require.NoError(t, rows[0].Err())
}

func (w *walk) accounting() {
	t, ctx, a := w.t, w.t.Context(), w.client.AccountingIntegration
	e, err := a.Register(ctx, w.co.ID, concur.ERP{PartnerAppName: "p", ERPName: "Kinetic", ExternalERPID: "1", Features: []string{"SUPPORTS_RECEIPT_POSTING"}})
	require.NoError(t, err)
	_, err = a.ERPs(ctx, w.co.ID)
	require.NoError(t, err)
	_, err = a.Get(ctx, w.co.ID, e.ERPID)
	require.NoError(t, err)
	_, err = a.Update(ctx, w.co.ID, e.ERPID, concur.ERP{PartnerAppName: "p", ERPName: "Kinetic", ExternalERPID: "1", Features: []string{"SUPPORTS_LIABILITY_ACCOUNT"}})
	require.NoError(t, err)
	var accounts []concur.ERPAccount
	for i := range 60 {
		accounts = append(accounts, concur.ERPAccount{ID: string(rune('A'+i/10)) + string(rune('0'+i%10)), Name: "n", Type: "EXPENSE"})
	}
	req, err := a.PutAccounts(ctx, w.co.ID, e.ERPID, false, accounts)
	require.NoError(t, err)
	_, err = a.PutVendors(ctx, w.co.ID, e.ERPID, true, []concur.ERPVendor{{ID: "1", Type: "EMPLOYEE", Name: "Ada"}})
	require.NoError(t, err)
	bad, err := a.PutLists(ctx, w.co.ID, e.ERPID, false, []concur.ERPList{{ID: "1", Name: "Department"}, {ID: "", Name: "nameless"}})
	require.NoError(t, err)
	require.Len(t, drain(t, a.Accounts(ctx, w.co.ID, e.ERPID)), 60)
	require.Len(t, drain(t, a.Vendors(ctx, w.co.ID, e.ERPID)), 1)
	require.Len(t, drain(t, a.Lists(ctx, w.co.ID, e.ERPID)), 1)
	_, err = a.AddTaxData(ctx, w.co.ID, e.ERPID, []concur.ERPTaxData{{CountryCode: "FR", StateEntries: []concur.ERPTaxState{{
		StateCode: "FR-IDF", ReclaimEntries: []concur.ERPTaxReclaim{{ReclaimCode: "5.5%", ReclaimDetails: []concur.ERPTaxRate{{TaxCode: "F5R", Percentage: decimal(t, "5.50")}}}},
	}}}})
	require.NoError(t, err)
	_, err = a.AddTaxData(ctx, w.co.ID, e.ERPID, []concur.ERPTaxData{{CountryCode: "DE"}})
	require.NoError(t, err)
	require.Len(t, drain(t, a.TaxData(ctx, w.co.ID, e.ERPID)), 2)
	_, err = a.ReplaceTaxData(ctx, w.co.ID, e.ERPID, nil)
	require.NoError(t, err)
	require.Empty(t, drain(t, a.TaxData(ctx, w.co.ID, e.ERPID)))
	done, err := a.Request(ctx, w.co.ID, e.ERPID, req.RequestID)
	require.NoError(t, err)
	require.Equal(t, "SUCCESS", done.Status)
	require.Len(t, drain(t, a.RequestErrors(ctx, w.co.ID, e.ERPID, bad.RequestID)), 1)
	_, err = a.Mappings(ctx, w.co.ID, e.ERPID)
	require.NoError(t, err)
	require.NoError(t, a.Delete(ctx, w.co.ID, e.ERPID))
	_, err = a.Get(ctx, w.co.ID, e.ERPID)
	require.ErrorIs(t, err, concur.ErrNotFound)
}

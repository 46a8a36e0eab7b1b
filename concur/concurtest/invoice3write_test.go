package concurtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

func newInvoice(t *testing.T) concur.PaymentRequestInput {
	t.Helper()
	return concur.PaymentRequestInput{
		Name: "Beams", InvoiceNumber: "INV-1", InvoiceAmount: decimal(t, "100"), CountryCode: "US", CurrencyCode: "USD",
		VendorRemitTo: concur.VendorIdentifier{Name: "Steel", Address1: "1 Way", PostalCode: "98004"}, EmployeeID: "1002",
	}
}

func steel(address string) concurtest.VendorRecord {
	return concurtest.VendorRecord{Code: "V1", AddressCode: address, Name: "Steel", Fields: map[string]string{"Address1": "1 Way", "PostalCode": "98004"}}
}

func TestAnInvoiceWhoseVendorFitsTwiceIsRefused(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	c := w.client.PaymentRequests
	_, err := c.Create(t.Context(), newInvoice(t))
	require.ErrorIs(t, err, concur.ErrInvalid, "nobody has that address")
	w.co.AddVendor(steel("A"))
	id, err := c.Create(t.Context(), newInvoice(t))
	require.NoError(t, err)
	made, _ := w.co.PaymentRequest(id)
	require.Equal(t, "A", made.Vendor.AddressCode)
	w.co.AddVendor(steel("B"))
	_, err = c.Create(t.Context(), newInvoice(t))
	require.ErrorContains(t, err, "fits 2 vendors")
	require.Len(t, w.co.PaymentRequests(), 1)
}

func TestTheLoginGoesBeforeTheNumberAndTheAddressOfAnInvoicesOwner(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.co.AddVendor(steel("A"))
	in := newInvoice(t)
	in.EmployeeLoginID, in.EmployeeEmailAddress = "max@acme.example", "ada@acme.example"
	id, err := w.client.PaymentRequests.Create(t.Context(), in)
	require.NoError(t, err)
	made, _ := w.co.PaymentRequest(id)
	require.Equal(t, "max@acme.example", made.Owner)
}

func TestAllocationsThatDoNotAddUpAreRefused(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.co.AddVendor(steel("A"))
	in := newInvoice(t)
	in.LineItems = []concur.LineItemInput{{TotalPrice: decimal(t, "100"), Allocations: []concur.LineItemAllocationInput{{Percentage: decimal(t, "99")}}}}
	_, err := w.client.PaymentRequests.Create(t.Context(), in)
	require.ErrorContains(t, err, "add up to 100")
	require.Empty(t, w.co.PaymentRequests())
}

func TestAFaultBehindTheCommitLeavesAnInvoiceThatNobodyWasToldOf(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.co.AddVendor(steel("A"))
	w.s.Inject(concurtest.Fault{Method: "POST", Path: "/invoice/paymentrequest", When: concurtest.After, Status: 503, Times: 1})
	_, err := w.client.PaymentRequests.Create(t.Context(), newInvoice(t))
	require.Error(t, err)
	require.NotErrorIs(t, err, concur.ErrInvalid)
	require.Len(t, w.co.PaymentRequests(), 1)
	require.Len(t, w.s.CallsTo("/invoice/paymentrequest"), 1, "it is not sent twice")
}

func TestASubmittedReportOfVersionThreeIsNotWritten(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	r := w.co.AddApprovedReport(lunch("12.50"))
	err := w.client.ReportsV3.Update(t.Context(), r.ID, "ada@acme.example", concur.ReportV3Input{Name: "other"})
	require.ErrorContains(t, err, "submitted")
	_, err = w.client.EntriesV3.Create(t.Context(), "ada@acme.example", concur.EntryV3Input{
		ReportID: r.ID, ExpenseTypeCode: "LUNCH", PaymentTypeID: "CASH", TransactionAmount: decimal(t, "1"), TransactionCurrencyCode: "USD",
		TransactionDate: concur.Date{Year: 2026, Month: 10, Day: 30},
	})
	require.ErrorContains(t, err, "submitted")
	now, _ := w.co.Report(r.ID)
	require.Len(t, now.Expenses, 1)
}

func TestAnotherOwnersReportOfVersionThreeIsNotFound(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	r := w.co.AddReport(lunch("12.50"))
	require.ErrorIs(t, w.client.ReportsV3.Update(t.Context(), r.ID, "max@acme.example", concur.ReportV3Input{Name: "x"}), concur.ErrNotFound)
	require.ErrorIs(t, w.client.ReportsV3.Update(t.Context(), r.ID, "", concur.ReportV3Input{Name: "x"}), concur.ErrInvalid, "a company's token owns no report")
}

func TestADeletedListIsListedAmongTheDeletedOnly(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	require.NoError(t, w.client.Lists.Delete(t.Context(), w.centres.ID()))
	require.Empty(t, drain(t, w.client.Lists.List(t.Context(), concur.ListQuery{})))
	require.Len(t, drain(t, w.client.Lists.List(t.Context(), concur.ListQuery{Deleted: true})), 1)
	require.Empty(t, w.centres.Names())
}

func TestAListThatAnotherAppManagesIsNeitherRenamedNorDeleted(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.centres.Manage(w.s.AddApp(concurtest.App{Name: "other"}))
	_, err := w.client.Lists.Update(t.Context(), w.centres.ID(), concur.ListUpdate{Value: "x"})
	require.ErrorContains(t, err, "list.is.managed")
	require.ErrorContains(t, w.client.Lists.Delete(t.Context(), w.centres.ID()), "list.is.managed")
}

func TestAReportThatIsMadeAgainWithTheSameIDIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	in := concur.ReportInput{Name: "Trip", IdempotencyID: "trip-1"}
	w.s.Inject(concurtest.Fault{Method: "POST", Path: "/reports", When: concurtest.After, Status: 503, Times: 1})
	_, err := w.client.Reports.Create(t.Context(), w.ada, in)
	require.Error(t, err, "the answer is lost")
	id, err := w.client.Reports.Create(t.Context(), w.ada, in)
	require.NoError(t, err)
	require.Len(t, w.co.Reports(), 1)
	require.Equal(t, w.co.Reports()[0].ID, id)
	in.IdempotencyID = "trip-2"
	_, err = w.client.Reports.Create(t.Context(), w.ada, in)
	require.NoError(t, err)
	require.Len(t, w.co.Reports(), 2)
	in.IdempotencyID = "trip\r\n3"
	_, err = w.client.Reports.Create(t.Context(), w.ada, in)
	require.ErrorIs(t, err, concur.ErrInvalid)
	require.Len(t, w.co.Reports(), 2)
}

func TestPaymentsWhoseAnswerWasLostAreNotGivenOutAgain(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.co.AddInvoicePayment(concurtest.InvoicePayment{RequestID: "A", InvoiceNumber: "INV-1", VendorCode: "V100"})
	w.s.Inject(concurtest.Fault{Method: "POST", Path: "/payment-confirmation/v4/payments", When: concurtest.After, Status: 503, Times: 1})
	c := w.client.PaymentConfirmations
	_, err := c.Extract(t.Context(), 0)
	require.Error(t, err)
	require.Len(t, w.s.CallsTo("/payment-confirmation"), 1, "it is not sent twice")
	fresh, err := c.Extract(t.Context(), 0)
	require.NoError(t, err)
	require.Empty(t, fresh)
	require.Len(t, drain(t, c.List(t.Context(), concur.InvoicePaymentQuery{})), 1, "List still has them")
}

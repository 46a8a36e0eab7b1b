package concursync_test

import (
	"errors"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// invoiceCodes are the customer's own in these tests.
var invoiceCodes = concurtest.InvoiceCodes{
	Draft: "N", Pending: "W", Approved: "OK", SentBack: "BACK",
	NotPaid: "NP", PendingPayment: "PP", Extracted: "EX", Paid: "PD",
}

var invoiceOptions = concursync.PaymentRequestsOptions{
	From: longAgo, ReadyApproval: []string{"OK"}, ReadyPayment: []string{"PP", "EX", "PD"}, WithdrawnApproval: []string{"BACK"},
}

func openInvoices(t *testing.T, opts *concurtest.Options) *office {
	t.Helper()
	o := open(t, opts)
	company := o.AddCompany("Invoices", &concurtest.CompanyOptions{Invoice: &invoiceCodes})
	return o.in(t, company)
}

func invoice(lines ...concurtest.Line) concurtest.PaymentRequest {
	return concurtest.PaymentRequest{
		InvoiceNumber: "25688", Owner: login, InvoiceDate: "2026-10-05",
		Vendor: concurtest.Vendor{Code: "NORDWIND", AddressCode: "BERLIN", Name: "Nordwind"}, Lines: lines,
	}
}

func line(amount string, as ...concurtest.LineAllocation) concurtest.Line {
	return concurtest.Line{ExpenseType: "OFFIC", Amount: concurtest.Amount(amount), Allocations: as}
}

func share(percent, account string) concurtest.LineAllocation {
	return concurtest.LineAllocation{AccountCode: account, Percentage: concurtest.Amount(percent), Custom: map[string]string{"Custom2": "200"}}
}

func (o *office) invoice(t *testing.T, p concurtest.PaymentRequest) connector.Snapshot[document.Document] {
	t.Helper()
	s, err := concursync.PaymentRequests(o.client, &invoiceOptions).Fetch(t.Context(), connector.Ref{Kind: "invoice", ID: p.ID})
	require.NoError(t, err)
	return s
}

func TestApprovedInvoiceIsReadyWithAllThatAPostingNeeds(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, nil)
	p := o.company.AddApprovedPaymentRequest(invoice(line("480", share("100", "6410"))))
	s := o.invoice(t, p)
	require.Equal(t, connector.Ready, s.Phase)
	require.Equal(t, p.SubmitDate.Unix(), s.Revision)
	require.Equal(t, p.ApprovalDate.UTC().Format("2006-01"), s.Period)
	require.Equal(t, o.owner.ID, s.Person)
	d := s.Content
	require.NoError(t, d.Check())
	require.Equal(t, document.Supplier{Code: "NORDWIND", AddressCode: "BERLIN", Name: "Nordwind"}, *d.Supplier)
	require.Equal(t, []string{"25688", "2026-10-05", "480", "USD"}, []string{d.Number, string(d.Date), d.Total.String(), d.Currency})
	a := d.Entries[0].Allocations[0]
	require.Equal(t, []string{"6410", "480", "200"}, []string{a.Account, a.Amount.StringFixed(0), a.Custom["custom2"].Code})
}

func TestLinesThatComeBareAreReadToo(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, &concurtest.Options{BareArrays: true, NoVendorCode: true})
	d := o.invoice(t, o.company.AddApprovedPaymentRequest(invoice(line("480", share("100", "6410"))))).Content
	require.NoError(t, d.Check())
	require.Empty(t, d.Supplier.Code)
	require.Len(t, d.Entries[0].Allocations, 1)
}

func TestALineOfAPurchaseOrderSaysHowManyAreInvoiced(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, nil)
	l := line("60.00")
	l.PONumber, l.Quantity = "4500017", concurtest.Amount("10")
	e := o.invoice(t, o.company.AddApprovedPaymentRequest(invoice(l))).Content.Entries[0]
	require.Equal(t, []string{"4500017", "10", "6"}, []string{e.PO, e.Quantity.String(), e.UnitPrice.String()})
}

func TestPercentagesBecomeAmountsByLargestRemainder(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, nil)
	d := o.invoice(t, o.company.AddApprovedPaymentRequest(invoice(
		line("100", share("33.333333", "1"), share("33.333333", "2"), share("33.333334", "3")),
	))).Content
	require.NoError(t, d.Check())
	var got []string
	for _, a := range d.Entries[0].Allocations {
		got = append(got, a.Amount.StringFixed(2))
	}
	require.ElementsMatch(t, []string{"33.33", "33.33", "33.34"}, got)
}

func TestPercentagesThatLackAShareAreRefused(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, nil)
	p := o.company.AddApprovedPaymentRequest(invoice(line("100", share("33.33", "1"), share("33.33", "2"), share("33.33", "3"))))
	_, err := concursync.PaymentRequests(o.client, &invoiceOptions).Fetch(t.Context(), connector.Ref{Kind: "invoice", ID: p.ID})
	require.ErrorIs(t, err, connector.ErrRejected)
	var r *connector.Rejection
	require.ErrorAs(t, err, &r)
	require.Equal(t, []string{"allocation_percent", "line 1"}, []string{r.Issues[0].Code, r.Issues[0].Field})
}

func TestShippingAndTaxBecomeCharges(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, nil)
	p := invoice(line("100"))
	p.Shipping, p.Tax = concurtest.Amount("7.50"), concurtest.Amount("8.25")
	d := o.invoice(t, o.company.AddApprovedPaymentRequest(p)).Content
	require.NoError(t, d.Check())
	require.Equal(t, "115.75", d.Total.String())
	require.Equal(t, []document.Charge{
		{Kind: document.Shipping, Amount: d.Charges[0].Amount}, {Kind: document.Tax, Amount: d.Charges[1].Amount},
	}, d.Charges)
	require.True(t, d.Charges[1].Amount.Equal(decimal.RequireFromString("8.25")))
}

func TestTaxOfTheLinesIsNotCountedTwice(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, nil)
	l := line("100")
	l.Tax = concurtest.Amount("19")
	p := invoice(l)
	p.Tax = concurtest.Amount("5")
	d := o.invoice(t, o.company.AddApprovedPaymentRequest(p)).Content
	require.NoError(t, d.Check())
	require.Equal(t, "124", d.Total.String())
}

func TestGateOfInvoicesOpensOnTheConfiguredCodes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		act   func(*concurtest.Company, string)
		phase connector.Phase
	}{
		"draft":     {func(*concurtest.Company, string) {}, connector.NotYet},
		"submitted": {func(co *concurtest.Company, id string) { co.SubmitPaymentRequest(id) }, connector.NotYet},
		"approved": {func(co *concurtest.Company, id string) {
			co.SubmitPaymentRequest(id)
			co.ApprovePaymentRequest(id)
		}, connector.Ready},
		"extracted": {func(co *concurtest.Company, id string) {
			co.SubmitPaymentRequest(id)
			co.ApprovePaymentRequest(id)
			co.ExtractPaymentRequest(id)
		}, connector.Ready},
		"sent back": {func(co *concurtest.Company, id string) {
			co.SubmitPaymentRequest(id)
			co.SendBackPaymentRequest(id)
		}, connector.Withdrawn},
		"deleted": {func(co *concurtest.Company, id string) { co.DeletePaymentRequest(id) }, connector.Withdrawn},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := openInvoices(t, nil)
			p := o.company.AddPaymentRequest(invoice(line("480")))
			c.act(o.company, p.ID)
			require.Equal(t, c.phase, o.invoice(t, p).Phase)
		})
	}
}

func TestInvoicesWithoutConfiguredCodesAreNeverReady(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, nil)
	p := o.company.AddApprovedPaymentRequest(invoice(line("480")))
	s, err := concursync.PaymentRequests(o.client, nil).Fetch(t.Context(), connector.Ref{Kind: "invoice", ID: p.ID})
	require.NoError(t, err)
	require.Equal(t, connector.NotYet, s.Phase)
	_, err = concursync.PaymentRequests(o.client, nil).Changes(t.Context(), "")
	require.ErrorIs(t, err, connector.ErrConnection)
}

func TestCodeThatTheCustomerDoesNotHaveIsNamed(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, nil)
	err := concursync.PaymentRequests(o.client, &concursync.PaymentRequestsOptions{ReadyPayment: []string{"P_PROC"}}).Check(t.Context())
	require.ErrorIs(t, err, connector.ErrConnection)
	require.ErrorContains(t, err, `"P_PROC"`)
}

func TestResubmittedInvoiceHasAHigherRevision(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, nil)
	p := o.company.AddApprovedPaymentRequest(invoice(line("480")))
	before := o.invoice(t, p).Revision
	o.company.EditPaymentRequest(p.ID, func(p *concurtest.PaymentRequest) { p.SubmitDate = p.SubmitDate.Add(3600e9) })
	require.Equal(t, before+3600, o.invoice(t, p).Revision)
}

func TestUnknownInvoiceIsNotFound(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, nil)
	_, err := concursync.PaymentRequests(o.client, &invoiceOptions).Fetch(t.Context(), connector.Ref{Kind: "invoice", ID: "764428DD6A664AF0BFCB"})
	require.ErrorIs(t, err, connector.ErrNotFound)
}

func TestSweepOfInvoicesFindsEachWithItsOwner(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, nil)
	for range 5 {
		o.company.AddApprovedPaymentRequest(invoice(line("480")))
	}
	opts := invoiceOptions
	opts.PageSize = 2
	s := concursync.PaymentRequests(o.client, &opts)
	found, next := sweep(t.Context(), t, s, "")
	require.Len(t, found, 5)
	again, _ := sweep(t.Context(), t, s, next)
	require.Equal(t, found, again)
	for _, c := range found {
		require.Equal(t, o.owner.ID, c.Ref.Hint)
	}
}

func TestPaidInvoiceHasAnotherVersion(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, nil)
	p := o.company.AddApprovedPaymentRequest(invoice(line("480")))
	s := concursync.PaymentRequests(o.client, &invoiceOptions)
	before, next := sweep(t.Context(), t, s, "")
	o.company.PayPaymentRequest(p.ID)
	after, _ := sweep(t.Context(), t, s, next)
	require.NotEqual(t, before[p.ID].Version, after[p.ID].Version)
}

var errBusy = errors.New("store is busy")

func TestAnInvoiceApprovedBeforeGoingLiveIsNeverReady(t *testing.T) {
	t.Parallel()
	o := openInvoices(t, nil)
	p := o.company.AddApprovedPaymentRequest(invoice(line("480", share("100", "6410"))))
	opts := invoiceOptions
	opts.From = time.Now().Add(36 * time.Hour)
	s, err := concursync.PaymentRequests(o.client, &opts).Fetch(t.Context(), connector.Ref{Kind: "invoice", ID: p.ID})
	require.NoError(t, err)
	require.Equal(t, connector.NotYet, s.Phase)
	require.Contains(t, s.Why, "before this flow went live")
}

package concurtest_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// walk calls every method of the client against the server, so that what both
// say can be compared with the vendor's files.
type walk struct {
	t       *testing.T
	s       *concurtest.Server
	co      *concurtest.Company
	client  *concur.Client
	app     *concur.AppClient
	centres *concurtest.List
	ada     string
	max     string
}

func newWalk(t *testing.T) *walk {
	t.Helper()
	s := concurtest.NewServer(t, nil)
	co := s.AddCompany("Acme", &concurtest.CompanyOptions{FinancialIntegration: true})
	boss := co.AddUser(concurtest.User{Login: "max@acme.example", FirstName: "Max", LastName: "Manager"})
	ada := co.AddUser(concurtest.User{Login: "ada@acme.example", FirstName: "Ada", LastName: "Adams", Manager: "max@acme.example", Password: "secret"})
	w := &walk{
		t: t, s: s, co: co, ada: ada.ID, max: boss.ID,
		centres: co.AddList("Cost Center", concurtest.Item{Code: "100", Name: "Sales", Children: []concurtest.Item{{Code: "7", Name: "North"}}}, concurtest.Item{Code: "200", Name: "Service"}),
	}
	app := w.credentials()
	tokens, err := concur.NewTokenSource(app, concur.NewMemoryTokenStore(), w.options())
	require.NoError(t, err)
	_, err = tokens.Connect(t.Context(), co.ID, concur.Secret(co.RequestToken()))
	require.NoError(t, err)
	w.client = concur.NewClient(tokens, nil)
	own, err := concur.NewAppTokenSource(app, co.BaseURL(), w.options())
	require.NoError(t, err)
	w.app = concur.NewAppClient(own, nil)
	return w
}

func (w *walk) credentials() concur.App {
	a := w.s.App()
	return concur.App{ClientID: a.ClientID, ClientSecret: concur.Secret(a.ClientSecret)}
}

func (w *walk) options() *concur.TokenOptions {
	o := &concur.TokenOptions{HTTP: w.s.Client(), BootstrapURL: w.s.URL}
	for _, dc := range w.s.DataCenters() {
		o.AllowHosts = append(o.AllowHosts, dc.URL)
	}
	return o
}

// user returns a client with Ada's own token.
func (w *walk) user() *concur.Client {
	w.t.Helper()
	tokens, err := concur.NewTokenSource(w.credentials(), concur.NewMemoryTokenStore(), w.options())
	require.NoError(w.t, err)
	_, err = tokens.ConnectUser(w.t.Context(), "ada@acme.example", "secret")
	require.NoError(w.t, err)
	return concur.NewClient(tokens, nil)
}

func drain[T any](t *testing.T, seq func(yield func(*T, error) bool)) []*T {
	t.Helper()
	var all []*T
	for v, err := range seq {
		require.NoError(t, err)
		all = append(all, v)
	}
	return all
}

func (w *walk) all() {
	w.tokens()
	w.reports()
	w.remarks()
	w.workflow()
	w.version3()
	w.invoices()
	w.lists()
	w.people()
	w.financial()
	w.images()
	w.accounting()
	w.subscriptions()
}

func (w *walk) tokens() {
	t, ctx := w.t, w.t.Context()
	tokens, err := concur.NewTokenSource(w.credentials(), concur.NewMemoryTokenStore(), w.options())
	require.NoError(t, err)
	q := w.co.Authorize("ada@acme.example", "https://app.example/back", "s1")
	code, err := concur.ParseAuthorization(q, "s1")
	require.NoError(t, err)
	_, err = tokens.ConnectCode(ctx, code, "https://app.example/back")
	require.NoError(t, err)
	otp := concur.OTP{Email: "ada@acme.example", Parameters: map[string]string{"tenant": "7"}}
	require.NoError(t, tokens.SendOTP(ctx, otp))
	_, err = tokens.ConnectOTP(ctx, otp, concur.Secret(w.s.OTP("ada@acme.example")))
	require.NoError(t, err)
	_, err = tokens.Refresh(ctx)
	require.NoError(t, err)
	require.NoError(t, tokens.Revoke(ctx))
	secret, err := w.app.Secrets.Create(ctx)
	require.NoError(t, err)
	require.NoError(t, w.app.Secrets.SetActive(ctx, secret.ID, true))
	require.NoError(t, w.app.Secrets.SetActive(ctx, secret.ID, false))
	_, err = w.app.Secrets.List(ctx)
	require.NoError(t, err)
	require.NoError(t, w.app.Secrets.Delete(ctx, secret.ID))
}

func (w *walk) reports() {
	t, ctx, c := w.t, w.t.Context(), w.client
	r := w.co.AddApprovedReport(trip(w.centres))
	_, err := c.Reports.Get(ctx, w.ada, r.ID)
	require.NoError(t, err)
	es, err := c.Expenses.List(ctx, w.ada, r.ID)
	require.NoError(t, err)
	for _, e := range es {
		_, err = c.Expenses.Get(ctx, w.ada, r.ID, e.ExpenseID)
		require.NoError(t, err)
		_, err = c.Allocations.List(ctx, w.ada, r.ID, e.ExpenseID)
		require.NoError(t, err)
	}
	_, err = c.Expenses.Itemizations(ctx, w.ada, r.ID, r.Expenses[2].ID)
	require.NoError(t, err)
	allocation := r.Expenses[3].Allocations[0].ID
	_, err = c.Allocations.Get(ctx, w.ada, r.ID, allocation)
	require.NoError(t, err)
	require.NoError(t, c.Allocations.Update(ctx, w.ada, r.ID, allocation, []string{r.Expenses[3].ID}, []concur.CustomFieldInput{{ID: "custom9", Value: "x"}}))
	require.NoError(t, c.Reports.UpdateSubmitted(ctx, r.ID, concur.ReportUpdate{CustomData: []concur.CustomFieldInput{{ID: "custom15", Value: "y"}}}))
	yes := true
	require.NoError(t, c.Expenses.UpdateSubmitted(ctx, r.ID, r.Expenses[0].ID, concur.ExpenseUpdate{IsRejected: &yes}))
	_, err = c.Reports.Get(ctx, w.ada, "FFFFFFFFFFFFFFFFFFFF")
	require.ErrorIs(t, err, concur.ErrNotFound)

	w.aroundExpenses()
	id, err := c.Reports.Create(ctx, w.ada, concur.ReportInput{Name: "New", PolicyID: "p", ReportDate: concur.Date{Year: 2026, Month: time.October, Day: 30}})
	require.NoError(t, err)
	name := "Newer"
	require.NoError(t, c.Reports.Update(ctx, w.ada, id, concur.ReportUpdate{Name: &name}))
	require.NoError(t, c.Reports.Delete(ctx, id))
	draft := w.co.AddReport(lunch("12.50"))
	require.NoError(t, c.Expenses.Delete(ctx, draft.ID, draft.Expenses[0].ID))
	require.ErrorIs(t, c.Reports.Delete(ctx, r.ID), concur.ErrConflict)
}

func (w *walk) aroundExpenses() {
	t, ctx, c := w.t, w.t.Context(), w.client
	draft := trip(w.centres)
	draft.Requests = []string{"6A51F1B24A419543A647DDF523F94C3F"}
	draft.Expenses[0].Tax, draft.Expenses[0].TaxReclaim = concurtest.Amount("2.00"), concurtest.Amount("1.00")
	r := w.co.AddReport(draft)
	expense := r.Expenses[0].ID
	at := concur.Place{ReportID: r.ID, ExpenseID: expense, User: w.ada}
	require.NoError(t, c.Attendees.Associate(ctx, at, 0, []concur.AttendeeInput{
		{AttendeeID: "db05cf7e-073d-dc4d-90d8-d280783ec9bb", TransactionAmount: decimal(t, "3.50")}, {AttendeeID: "695e66e2-a472-074d-8895-057311c6a158"},
	}))
	for _, place := range []concur.Place{at, {ReportID: r.ID, ExpenseID: expense}} {
		who, err := c.Attendees.Get(ctx, place)
		require.NoError(t, err)
		require.Len(t, who.List, 2)
		require.Equal(t, "3.5", who.List[0].TransactionAmount.Value.Value().String())
	}
	require.NoError(t, c.Attendees.RemoveAll(ctx, at))
	require.Empty(t, w.co.Attendees(expense))

	taxes, err := c.ExpenseTaxes.List(ctx, r.ID, expense)
	require.NoError(t, err)
	require.Len(t, taxes, 1)
	code := "TC7"
	require.NoError(t, c.ExpenseTaxes.Update(ctx, r.ID, expense, taxes[0].TaxAuthorityID, concur.ExpenseTaxUpdate{TaxCode: &code, ReclaimTransactionAmount: decimal(t, "2.00")}))
	taxes, err = c.ExpenseTaxes.List(ctx, r.ID, expense)
	require.NoError(t, err)
	require.Equal(t, "TC7", taxes[0].TaxCode)
	require.Equal(t, "2", taxes[0].TaxReclaimPostedAmount.Value().String())
	require.Equal(t, "2", taxes[0].TaxPostedAmount.Value().String(), "what is not sent stays")

	requests, err := c.Reports.Requests(ctx, concur.Place{ReportID: r.ID, User: w.ada})
	require.NoError(t, err)
	require.Equal(t, draft.Requests, requests)
	advance := "3fa85f64-5717-4562-b3fc-2c963f66afa6"
	require.NoError(t, c.Reports.SetCashAdvances(ctx, r.ID, []string{advance}))
	advances, err := c.Reports.CashAdvances(ctx, r.ID)
	require.NoError(t, err)
	require.Equal(t, []string{advance}, advances)
	require.NoError(t, c.Reports.RemoveCashAdvances(ctx, r.ID, advances))
	fields, err := c.Reports.FormFields(ctx, r.ID, "p")
	require.NoError(t, err)
	require.True(t, fields[0].IsRequired)
	_, err = c.Expenses.FormFields(ctx, r.ID, expense, "LUNCH")
	require.NoError(t, err)
	_, err = c.Reports.Header(ctx, concur.Place{ReportID: r.ID, User: w.max, Context: concur.Processor})
	require.NoError(t, err)
	all, err := c.Expenses.ListWith(ctx, concur.Place{ReportID: r.ID, User: w.ada}, concur.ExpenseRead{IncludeItemizations: true})
	require.NoError(t, err)
	plain, err := c.Expenses.List(ctx, w.ada, r.ID)
	require.NoError(t, err)
	require.Greater(t, len(all), len(plain))
}

func (w *walk) remarks() {
	t, ctx, c := w.t, w.t.Context(), w.client
	r := w.co.AddReport(trip(w.centres))
	e := r.Expenses[3]
	for _, at := range []concur.Place{
		{ReportID: r.ID},
		{ReportID: r.ID, ExpenseID: e.ID},
		{ReportID: r.ID, User: w.ada},
		{ReportID: r.ID, ExpenseID: e.ID, User: w.ada},
	} {
		require.NoError(t, c.Comments.Create(ctx, at, "one"))
		require.NoError(t, c.Comments.Update(ctx, at, "two"))
		cs, err := c.Comments.List(ctx, at)
		require.NoError(t, err)
		require.Equal(t, "two", cs[0].Comment)
		require.NoError(t, c.Comments.Delete(ctx, at))
	}
	for _, at := range []concur.Place{
		{ReportID: r.ID}, {ReportID: r.ID, ExpenseID: e.ID}, {ReportID: r.ID, ExpenseID: e.ID, AllocationID: e.Allocations[0].ID},
	} {
		require.NoError(t, c.Exceptions.Add(ctx, at, "ERPFAIL", concur.VisibleToAll))
		for _, user := range []string{"", w.ada} {
			at.User = user
			es, err := c.Exceptions.List(ctx, at)
			require.NoError(t, err)
			require.Len(t, es, 1)
		}
		require.NoError(t, c.Exceptions.Delete(ctx, at, "ERPFAIL"))
	}
}

func (w *walk) workflow() {
	t, ctx, c := w.t, w.t.Context(), w.client
	r := w.co.AddReport(lunch("12.50"))
	require.NoError(t, c.Workflow.Submit(ctx, w.ada, r.ID))
	rs, err := c.Reports.ToApprove(ctx, w.max, true)
	require.NoError(t, err)
	require.NotEmpty(t, rs)
	_, err = c.Workflow.CostObjects(ctx, w.max, r.ID)
	require.NoError(t, err)
	require.NoError(t, w.user().Workflow.Recall(ctx, w.ada, r.ID))
	require.NoError(t, c.Workflow.Submit(ctx, w.ada, r.ID))
	require.NoError(t, c.Workflow.SendBack(ctx, concur.Place{ReportID: r.ID}, concur.WorkflowStep{Comment: "no"}))
	require.NoError(t, c.Workflow.Submit(ctx, w.ada, r.ID))
	manager := concur.Place{ReportID: r.ID, User: w.max, Context: concur.Manager}
	require.NoError(t, c.Workflow.SendBack(ctx, manager, concur.WorkflowStep{Comment: "no"}))
	require.NoError(t, c.Workflow.Submit(ctx, w.ada, r.ID))
	require.NoError(t, c.Workflow.Approve(ctx, manager, concur.WorkflowStep{Comment: "yes"}))
	other := w.co.AddReport(lunch("7"))
	w.co.Submit(other.ID)
	require.NoError(t, c.Workflow.Approve(ctx, concur.Place{ReportID: other.ID}, concur.WorkflowStep{}))
}

func (w *walk) version3() {
	t, ctx, c := w.t, w.t.Context(), w.client
	r := w.co.AddApprovedReport(trip(w.centres))
	require.NotEmpty(t, drain(t, c.ReportsV3.List(ctx, concur.ReportV3Query{User: concur.AllUsers, Limit: 1})))
	_, err := c.ReportsV3.Get(ctx, r.ID, "ada@acme.example")
	require.NoError(t, err)
	entries := drain(t, c.EntriesV3.List(ctx, concur.EntryV3Query{ReportID: r.ID, User: concur.AllUsers, Limit: 2}))
	require.Len(t, entries, 5)
	_, err = c.EntriesV3.Get(ctx, entries[0].ID, "ada@acme.example")
	require.NoError(t, err)
	items := drain(t, c.ItemizationsV3.List(ctx, concur.ItemizationV3Query{ReportID: r.ID, User: concur.AllUsers}))
	require.Len(t, items, 2)
	_, err = c.ItemizationsV3.Get(ctx, items[0].ID, "ada@acme.example")
	require.NoError(t, err)
	as := drain(t, c.AllocationsV3.List(ctx, concur.AllocationV3Query{EntryID: entries[3].ID, Limit: 2}))
	require.Len(t, as, 3)
	_, err = c.AllocationsV3.Get(ctx, as[0].ID, "ada@acme.example")
	require.NoError(t, err)

	const ada = "ada@acme.example"
	id, err := c.ReportsV3.Create(ctx, ada, concur.ReportV3Input{Name: "Trip", Custom: map[string]string{"custom1": "x"}})
	require.NoError(t, err)
	require.NoError(t, c.ReportsV3.Update(ctx, id, ada, concur.ReportV3Input{Name: "Long trip", UserDefinedDate: concur.Date{Year: 2026, Month: time.October, Day: 30}}))
	day := concur.Date{Year: 2026, Month: time.October, Day: 29}
	entry, err := c.EntriesV3.Create(ctx, ada, concur.EntryV3Input{
		ReportID: id, ExpenseTypeCode: "LODNG", PaymentTypeID: "CASH", TransactionDate: day, TransactionAmount: decimal(t, "120.50"), TransactionCurrencyCode: "USD",
		Journey: &concur.JourneyV3{StartLocation: "A", EndLocation: "B", BusinessDistance: 3, UnitOfMeasure: "M"},
	})
	require.NoError(t, err)
	require.NoError(t, c.EntriesV3.Update(ctx, entry, ada, concur.EntryV3Input{ReportID: id, Description: "a night", TransactionAmount: decimal(t, "121.50"), IsBillable: new(bool)}))
	_, err = c.ItemizationsV3.Create(ctx, ada, concur.ItemizationV3Input{EntryID: entry, ExpenseTypeCode: "ROOMR", TransactionDate: day, TransactionAmount: decimal(t, "121.50")})
	require.NoError(t, err)
	made, found := w.co.Report(id)
	require.True(t, found)
	require.Equal(t, "Long trip", made.Name)
	require.Equal(t, "121.5", made.Expenses[0].Amount.String())
	require.Equal(t, "121.5", made.ApprovedAmount().String())
}

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

func decimal(t *testing.T, s string) concur.Decimal {
	t.Helper()
	d, err := concur.ParseDecimal(s)
	require.NoError(t, err)
	return d
}

func (w *walk) lists() {
	t, ctx, c := w.t, w.t.Context(), w.client
	lists := drain(t, c.Lists.List(ctx, concur.ListQuery{}))
	_, err := c.Lists.Get(ctx, lists[0].ID)
	require.NoError(t, err)
	l, err := c.Lists.Create(ctx, concur.ListInput{Value: "Projects"})
	require.NoError(t, err)
	l, err = c.Lists.Update(ctx, l.ID, concur.ListUpdate{Value: "Project", IsManaged: new(bool)})
	require.NoError(t, err)
	require.Equal(t, "Project", l.Value)
	require.NotEmpty(t, drain(t, c.Lists.InCategory(ctx, l.Category.ID)))
	gone, err := c.Lists.Create(ctx, concur.ListInput{Value: "Gone"})
	require.NoError(t, err)
	require.NoError(t, c.Lists.Delete(ctx, gone.ID))
	require.ErrorIs(t, c.Lists.Delete(ctx, gone.ID), concur.ErrInvalid)
	item, err := c.ListItems.Create(ctx, concur.ListItemInput{ListID: l.ID, ShortCode: "A", Value: "Alpha"})
	require.NoError(t, err)
	_, err = c.ListItems.Update(ctx, item.ID, concur.ListItemUpdate{ShortCode: "A", Value: "Beta"})
	require.NoError(t, err)
	_, err = c.ListItems.Get(ctx, item.ID)
	require.NoError(t, err)
	_, err = c.ListItems.BulkCreate(ctx, l.ID, []concur.ListItemPart{{ShortCode: "B", Value: "Bravo"}})
	require.NoError(t, err)
	_, err = c.ListItems.BulkUpdate(ctx, l.ID, []concur.ListItemChange{{Code: "B", Value: "Better"}})
	require.NoError(t, err)
	drain(t, c.ListItems.List(ctx, l.ID, concur.ListItemQuery{}))
	top := drain(t, c.ListItems.List(ctx, w.centres.ID(), concur.ListItemQuery{}))
	drain(t, c.ListItems.List(ctx, w.centres.ID(), concur.ListItemQuery{ParentID: top[0].ID}))
	require.Len(t, drain(t, c.ListItems.Children(ctx, top[0].ID, concur.ListItemQuery{WithChildren: false, ByName: true})), 1)
	require.Len(t, drain(t, c.ListItems.List(ctx, w.centres.ID(), concur.ListItemQuery{ShortCodeOrValue: concur.Match{Op: concur.MatchContains, Text: "ales"}})), 1)
	require.NoError(t, c.ListItems.Delete(ctx, l.ID, item.ID))
	other, err := c.ListItems.Create(ctx, concur.ListItemInput{ListID: l.ID, ShortCode: "C", Value: "Charlie"})
	require.NoError(t, err)
	require.NoError(t, c.ListItems.DeleteEverywhere(ctx, other.ID))
	_, err = c.ListItems.Get(ctx, "00000000-0000-0000-0000-000000000000")
	require.ErrorIs(t, err, concur.ErrNotFound)
}

func (w *walk) people() {
	t, ctx, c := w.t, w.t.Context(), w.client
	_, err := c.Users.ByLogin(ctx, "ada@acme.example")
	require.NoError(t, err)
	_, err = c.Users.Get(ctx, w.ada)
	require.NoError(t, err)
	drain(t, c.Users.List(ctx, concur.UserQuery{}))
	found := drain(t, c.Users.Search(ctx, concur.UserSearch{Filter: "userName eq " + concur.FilterText("max@acme.example"), Attributes: []string{"userName"}, Count: 1}))
	require.Len(t, found, 1)
	started, err := concur.ParseTime("2021-11-17T00:00:00.000")
	require.NoError(t, err)
	in := concur.UserInput{
		UserName: "eve@acme.example", Active: true, Name: concur.UserNameInput{GivenName: "Eve", FamilyName: "Ellis"}, Emails: []concur.UserEmail{{Value: "eve@acme.example", Type: "work"}},
		PreferredLanguage: "en-US", Timezone: "America/New_York", Enterprise: concur.UserEnterpriseInput{EmployeeNumber: "77", CompanyID: w.co.ID, StartDate: started},
	}
	eve, err := c.Users.Create(ctx, in)
	require.NoError(t, err)
	require.Equal(t, "77", eve.Enterprise.EmployeeNumber)
	require.Equal(t, "eve@acme.example", eve.Emails[0].Value)
	_, err = c.Users.Create(ctx, in)
	require.ErrorIs(t, err, concur.ErrConflict)
	eve, err = c.Users.Update(ctx, eve.ID, concur.UserOperation{Op: "replace", Path: "active", Value: false})
	require.NoError(t, err)
	require.False(t, bool(eve.Active))
	require.Equal(t, "Ellis", eve.Name.FamilyName, "what is not named stays")
	in.Name = concur.UserNameInput{FamilyName: "Evans"}
	eve, err = c.Users.Replace(ctx, eve.ID, in)
	require.NoError(t, err)
	require.Empty(t, eve.Name.GivenName, "what is not sent is cleared")
	require.NoError(t, c.Users.Delete(ctx, eve.ID))
	_, err = c.SpendUsers.Get(ctx, w.ada)
	require.NoError(t, err)
	require.Len(t, drain(t, c.SpendUsers.List(ctx, `reimbursementType eq "ACCOUNTS_PAYABLE"`)), 2)
	each, err := c.ExchangeRates.Create(ctx, []concur.ExchangeRateInput{
		{From: "USD", To: "EUR", StartDate: concur.Date{Year: 2026, Month: time.October, Day: 1}, Rate: decimal(t, "0.92")},
		{From: "USD", To: "USD", StartDate: concur.Date{Year: 2026, Month: time.October, Day: 1}, Rate: decimal(t, "1")},
	})
	require.NoError(t, err)
	require.NoError(t, each[0])
	require.ErrorIs(t, each[1], concur.ErrInvalid)
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

func (w *walk) images() {
	t, ctx, c := w.t, w.t.Context(), w.client
	r := w.co.AddReport(lunch("12.50"))
	id, err := c.Images.Attach(ctx, concur.ImageOfReport, r.ID, "image/png", []byte("png"))
	require.NoError(t, err)
	for kind, of := range map[concur.ImageKind]string{concur.ImageOfReport: r.ID, concur.ImageByID: id} {
		d, err := c.Images.Fetch(ctx, kind, of)
		require.NoError(t, err)
		b, err := io.ReadAll(d)
		require.NoError(t, err)
		require.NoError(t, d.Close())
		require.Equal(t, "png", string(b))
	}
	sd, err := c.SpendDocuments.ByImage(ctx, w.co.ID, id)
	require.NoError(t, err)
	_, err = c.SpendDocuments.Get(ctx, sd.Metadata.ID)
	require.NoError(t, err)
	d, err := c.SpendDocuments.Open(ctx, sd.Metadata.ID, concur.RepresentationDisplay)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	p := w.co.AddPaymentRequest(invoice("INV-77"))
	for kind, of := range map[concur.ImageKind]string{concur.ImageOfInvoice: p.ID, concur.ImageOfEntry: "0123456789ABCDEF0123", concur.ImageByID: ""} {
		_, err = c.Images.Attach(ctx, kind, of, "application/pdf", []byte("pdf"))
		require.NoError(t, err)
		if of != "" {
			_, err = c.Images.Locate(ctx, kind, of)
			require.NoError(t, err)
		}
	}
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

func (w *walk) subscriptions() {
	t, ctx, c := w.t, w.t.Context(), w.app
	_, err := c.Topics.List(ctx)
	require.NoError(t, err)
	_, changed, err := c.Subscriptions.Ensure(ctx, concur.SubscriptionInput{ID: "acme.reports", Topic: concur.TopicExpenseReport, Endpoint: "https://hook.example/concur"})
	require.NoError(t, err)
	require.True(t, changed)
	_, err = c.Subscriptions.Get(ctx, "acme.reports")
	require.NoError(t, err)
	_, err = c.Subscriptions.EnsureAll(ctx, nil, &concur.SubscriptionSet{DeleteOthers: true})
	require.NoError(t, err)
}

// Every method of the client works against the server, whatever the vendor's
// files say.
func TestEveryCallOfTheClientIsServed(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.all()
	for _, c := range w.s.Calls() {
		require.False(t, c.Status == http.StatusNotFound && len(c.Response) == 0, "%s %s is not served", c.Method, c.Path)
	}
}

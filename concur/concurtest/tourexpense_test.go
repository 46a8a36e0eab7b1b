package concurtest_test

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

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

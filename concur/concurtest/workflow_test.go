package concurtest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
)

func TestEachStepMovesStatusVersionAndDates(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 10, 30, 10, 0, 0, 0, time.UTC)
	clk := newClock(start)
	s := concurtest.New(&concurtest.Options{Now: clk.now})
	defer s.Close()
	co, _ := acme(s)
	id := co.AddReport(lunch("12.50")).ID
	hour := 0
	for _, tt := range []struct {
		name              string
		step              func() concurtest.Report
		approval, payment string
		version           int
		processing        bool
	}{
		{"submit", func() concurtest.Report { return co.Submit(id) }, "A_PEND", "P_NOTP", 1, false},
		{"recall", func() concurtest.Report { return co.Recall(id) }, "A_RESU", "P_NOTP", 2, false},
		{"submit again", func() concurtest.Report { return co.Submit(id) }, "A_PEND", "P_NOTP", 3, false},
		{"review", func() concurtest.Report {
			return co.SetStatus(id, concurtest.Status{Approval: concurtest.AccountingReview, StepCode: "ACCTCLERK"})
		}, "A_ACCO", "P_NOTP", 4, false},
		{"approve", func() concurtest.Report { return co.Approve(id) }, "A_APPR", "P_PROC", 5, true},
		{"send back", func() concurtest.Report { return co.SendBack(id, "receipt?") }, "A_RESU", "P_NOTP", 6, false},
		{"submit a third time", func() concurtest.Report { return co.Submit(id) }, "A_PEND", "P_NOTP", 7, false},
		{"approve again", func() concurtest.Report { return co.Approve(id) }, "A_APPR", "P_PROC", 8, true},
		{"pay", func() concurtest.Report { return co.Pay(id) }, "A_APPR", "P_PAID", 8, true},
	} {
		hour++
		clk.forward(time.Hour)
		r := tt.step()
		require.Equal(t, tt.approval, r.ApprovalStatus, tt.name)
		require.Equal(t, tt.payment, r.PaymentStatus, tt.name)
		require.Equal(t, tt.version, r.Version, tt.name)
		require.Equal(t, tt.processing, !r.ProcessingDate.IsZero(), tt.name)
		require.Equal(t, start.Add(time.Duration(hour)*time.Hour), r.LastModified, tt.name)
	}
	r, found := co.Report(id)
	require.True(t, found)
	require.True(t, r.EverSentBack)
	require.Equal(t, "receipt?", r.LastComment)
}

func TestAnImpossibleStepPanics(t *testing.T) {
	t.Parallel()
	s := concurtest.New(nil)
	defer s.Close()
	co, _ := acme(s)
	draft := co.AddReport(lunch("1")).ID
	paid := co.AddApprovedReport(lunch("1")).ID
	co.Pay(paid)
	require.Panics(t, func() { co.Approve(draft) })
	require.Panics(t, func() { co.Pay(draft) })
	require.Panics(t, func() { co.Submit(paid) })
	require.Panics(t, func() { co.Submit("nothing") })
	// The server still answers: a panic leaves no lock behind.
	require.Len(t, co.Reports(), 2)
}

func TestEditReportRecomputesAndCountsUp(t *testing.T) {
	t.Parallel()
	s, co, r, p := setup(t, nil)
	edited := co.EditReport(r.ID, func(r *concurtest.Report) {
		r.Expenses = append(r.Expenses[:1:1], concurtest.Expense{Type: "LUNCH", Amount: concurtest.Amount("0.1")})
	})
	require.Equal(t, r.Version+1, edited.Version)
	require.Equal(t, r.Expenses[0].ID, edited.Expenses[0].ID)
	require.Equal(t, "10.10000000", amountOf(t, get(t, s, co, p).object(t), "approvedAmount"))
}

func TestAReturnedReportIsACopy(t *testing.T) {
	t.Parallel()
	s := concurtest.New(nil)
	defer s.Close()
	co, centres := acme(s)
	r := co.AddReport(trip(centres))
	r.Expenses[0].Type = "OTHER"
	r.Expenses[3].Allocations[0].AccountCode = "0"
	again, _ := co.Report(r.ID)
	require.Equal(t, "TAXIX", again.Expenses[0].Type)
	require.Equal(t, "6410", again.Expenses[3].Allocations[0].AccountCode)
}

func TestAReportAddedInAStatusHasItsDates(t *testing.T) {
	t.Parallel()
	s := concurtest.New(nil)
	defer s.Close()
	co, _ := acme(s)
	r := lunch("1")
	r.ApprovalStatus, r.PaymentStatus = concurtest.Approved, concurtest.Paid
	r = co.AddReport(r)
	require.False(t, r.SubmitDate.IsZero() || r.ProcessingDate.IsZero() || r.PaidDate.IsZero())
	require.Equal(t, 1, r.Version)
}

func TestApprovedAmountLeavesPersonalAndRejectedOut(t *testing.T) {
	t.Parallel()
	s := concurtest.New(nil)
	defer s.Close()
	co, centres := acme(s)
	require.Equal(t, "418.37", co.AddReport(trip(centres)).ApprovedAmount().String())
}

func TestEachStepOfAPaymentRequestMovesStatusAndDates(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 10, 30, 10, 0, 0, 0, time.UTC)
	clk := newClock(start)
	s := concurtest.New(&concurtest.Options{Now: clk.now})
	defer s.Close()
	co, _ := acme(s)
	id := co.AddPaymentRequest(invoice("INV-1")).ID
	var p concurtest.PaymentRequest
	for i, tt := range []struct {
		step              func(string) concurtest.PaymentRequest
		approval, payment string
	}{
		{co.SubmitPaymentRequest, "A_PEND", "P_NOTP"},
		{co.SendBackPaymentRequest, "A_RESU", "P_NOTP"},
		{co.SubmitPaymentRequest, "A_PEND", "P_NOTP"},
		{co.ApprovePaymentRequest, "A_APPR", "P_PEND"},
		{co.ExtractPaymentRequest, "A_APPR", "P_EXTR"},
		{co.PayPaymentRequest, "A_APPR", "P_PAID"},
		{co.DeletePaymentRequest, "A_APPR", "P_PAID"},
	} {
		clk.forward(time.Hour)
		p = tt.step(id)
		require.Equal(t, []string{tt.approval, tt.payment}, []string{p.ApprovalStatus, p.PaymentStatus}, i)
		require.Equal(t, clk.now(), p.LastModified, i)
	}
	hour := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	require.Equal(t, []time.Time{hour(1), hour(3), hour(4), hour(5), hour(6)},
		[]time.Time{p.FirstSubmitDate, p.SubmitDate, p.ApprovalDate, p.ExtractDate, p.PaidDate})
	require.True(t, p.Deleted)
}

func TestEditPaymentRequestChangesItsContent(t *testing.T) {
	t.Parallel()
	s := concurtest.New(nil)
	defer s.Close()
	co, _ := acme(s)
	id := co.AddPaymentRequest(invoice("INV-1")).ID
	co.EditPaymentRequest(id, func(p *concurtest.PaymentRequest) { p.InvoiceNumber, p.ID = "INV-2", "other" })
	p, found := co.PaymentRequest(id)
	require.True(t, found)
	require.Equal(t, "INV-2", p.InvoiceNumber)
	require.Len(t, co.PaymentRequests(), 1)
}

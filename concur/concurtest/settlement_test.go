package concurtest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
)

func TestAdvanceLessensWhatIsDueToTheEmployee(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ advance, employee, company string }{
		{"0", "315.00000000", "0E-8"}, {"300", "15.00000000", "0E-8"}, {"400", "0E-8", "85.00000000"},
	} {
		s := concurtest.NewServer(t, nil)
		co, _ := acme(s)
		r := co.AddApprovedReport(concurtest.Report{
			Owner: "ada@acme.example", Advance: concurtest.Amount(tt.advance),
			Expenses: []concurtest.Expense{{Type: "HOTEL", Amount: concurtest.Amount("315")}},
		})
		o := get(t, s, co, path(r, userID(t, s, co, "ada@acme.example"))).object(t)
		require.Equal(t, tt.employee, amountOf(t, o, "amountDueEmployee"))
		require.Equal(t, tt.company, amountOf(t, o, "amountDueCompany"))
		require.Equal(t, "315.00000000", amountOf(t, o, "approvedAmount"))
		entry := fields(rows(get(t, s, co, "/api/v3.0/expense/entries?user=ALL&reportID="+r.ID).object(t)["Items"])[0])
		require.Equal(t, tt.advance != "0", entry["HasAppliedCashAdvance"])
	}
}

func TestClassOfThePaymentTypeSaysToWhomAnExpenseIsDue(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	r := co.AddApprovedReport(concurtest.Report{Owner: "ada@acme.example", Expenses: []concurtest.Expense{
		{Type: "HOTEL", PaymentType: "1022", PaymentClass: "IBCP", Itemizations: []concurtest.Expense{{Type: "LODGE", Amount: concurtest.Amount("40")}}},
		{Type: "MOVIE", PaymentType: "1022", PaymentClass: "IBCP", Personal: true, Amount: concurtest.Amount("9")},
	}})
	p := path(r, userID(t, s, co, "ada@acme.example"))
	o := get(t, s, co, p).object(t)
	for field, want := range map[string]string{"amountDueCompanyCard": "40.00000000", "amountDueEmployee": "0E-8", "amountDueCompany": "0E-8"} {
		require.Equal(t, want, amountOf(t, o, field), field)
	}
	payment := fields(fields(get(t, s, co, p+"/expenses").array(t)[0])["paymentType"])
	require.Equal(t, []any{"1022", "IBCP"}, []any{payment["id"], payment["code"]})
}

func TestReportsByChangeMoveToTheEnd(t *testing.T) {
	t.Parallel()
	clk := newClock(time.Date(2026, 10, 30, 10, 0, 0, 0, time.UTC))
	s := concurtest.NewServer(t, &concurtest.Options{Now: clk.now, ReportsByChange: true})
	co, _ := acme(s)
	first := co.AddReport(lunch("1"))
	clk.forward(time.Minute)
	second := co.AddReport(lunch("2"))
	clk.forward(time.Minute)
	co.EditReport(first.ID, func(r *concurtest.Report) { r.Name = "April" })
	items := rows(get(t, s, co, "/api/v3.0/expense/reports?user=ALL").object(t)["Items"])
	require.Equal(t, []any{second.ID, first.ID}, []any{fields(items[0])["ID"], fields(items[1])["ID"]})
}

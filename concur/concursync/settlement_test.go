package concursync_test

import (
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/document"
)

// figures are the amounts of a settlement: to and from the employee, to cards.
func figures(s *document.Settlement) []string {
	var out []string
	for _, a := range []decimal.NullDecimal{s.ToEmployee, s.FromEmployee, s.ToCard} {
		text := "unknown"
		if a.Valid {
			text = a.Decimal.StringFixed(2)
		}
		out = append(out, text)
	}
	return out
}

func TestSettlementSaysWhatIsDueAfterAnAdvance(t *testing.T) {
	t.Parallel()
	for advance, want := range map[string][]string{
		"0": {"315.00", "20.00", "99.00"}, "300": {"15.00", "20.00", "99.00"}, "400": {"0.00", "105.00", "99.00"},
	} {
		o := open(t, nil)
		r := o.company.AddApprovedReport(concurtest.Report{Owner: login, Advance: concurtest.Amount(advance), Expenses: []concurtest.Expense{
			lunch("315"),
			{Type: "TAXI", PaymentType: "IBCP", Amount: concurtest.Amount("99")},
			{Type: "MOVIE", PaymentType: "CBCP", Personal: true, Amount: concurtest.Amount("20")},
		}})
		d := o.fetch(t, r, nil).Content
		require.Equal(t, want, figures(d.Settlement))
		require.Equal(t, advance != "0", d.Settlement.Advance)
		require.Equal(t, "414.00", d.Total.StringFixed(2), "the total does not show it")
	}
}

func TestAmountsDueThatAreNotThereOrOfAnotherCurrencyAreUnknown(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.get(inReport, header[:len(header)-1]+`,"amountDueEmployee":{"value":0E-8,"currencyCode":"USD"},"amountDueCompanyCard":{"value":5,"currencyCode":"EUR"}}`)
	w.get(inReport+"/expenses", `[]`)
	require.Equal(t, []string{"0.00", "unknown", "unknown"}, figures(w.fetch(t).Content.Settlement))
}

func TestWhatExpensePayPaysIsMarkedAlsoInItsParts(t *testing.T) {
	t.Parallel()
	for _, paid := range []bool{false, true} {
		o := open(t, nil)
		r := o.company.AddApprovedReport(concurtest.Report{Owner: login, ExpensePay: paid, Expenses: []concurtest.Expense{
			lunch("12.50"),
			{Type: "HOTEL", Itemizations: []concurtest.Expense{{Type: "LODGE", Amount: concurtest.Amount("250")}, {Type: "MEALS", Amount: concurtest.Amount("50")}}},
		}})
		d := o.fetch(t, r, nil).Content
		require.Len(t, d.Entries, 3)
		for _, e := range d.Entries {
			require.Equal(t, paid, e.SourcePays)
		}
	}
}

func TestOneExpenseThatExpensePayPaysMarksNoOther(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.get(inReport, header)
	w.get(inReport+"/expenses", `[`+expense("A", "40.00", ``)+`,`+expense("B", "60.00", ``)+`]`)
	w.get(inReport+"/expenses/A", expense("A", "40.00", ``))
	w.get(inReport+"/expenses/B", expense("B", "60.00", ``))
	w.get(us2+"/api/v3.0/expense/entries", `{"Items":[{"ExpenseID":"A","IsPaidByExpensePay":null,"HasAppliedCashAdvance":false},{"ExpenseID":"b","IsPaidByExpensePay":true},`+
		`{"ReportID":"0123456789ABCDEF0123","ExpenseID":"A","IsPaidByExpensePay":true,"HasAppliedCashAdvance":true}],"NextPage":null}`)
	d := w.fetch(t).Content
	require.Equal(t, []bool{false, true}, []bool{d.Entries[0].SourcePays, d.Entries[1].SourcePays})
	require.False(t, d.Settlement.Advance)
}

func TestExpensesThatVersionThreeDoesNotShowAreNamed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 404} {
		w := newWire(t)
		w.get(inReport, header)
		w.get(inReport+"/expenses", `[`+expense("A", "100.00", ``)+`]`)
		w.get(inReport+"/expenses/A", expense("A", "100.00", ``))
		w.RegisterResponder(http.MethodGet, us2+"/api/v3.0/expense/entries", httpmock.NewStringResponder(status, ``))
		require.Contains(t, w.fetch(t).Why, "Expense Pay pays them is not known")
	}
}

func TestReportWhoseAmountDueChangesWhileItIsReadIsReadAgainLater(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	due := func(amount string) string {
		return header[:len(header)-1] + `,"amountDueEmployee":{"value":` + amount + `,"currencyCode":"USD"}}`
	}
	w.RegisterResponder(http.MethodGet, inReport, httpmock.NewStringResponder(200, due("100")).Then(httpmock.NewStringResponder(200, due("40"))))
	w.get(inReport+"/expenses", `[]`)
	_, err := concursync.Reports(w.client, nil).Fetch(t.Context(), ref())
	require.ErrorContains(t, err, "changed while it was read")
}

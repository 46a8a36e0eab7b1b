package rehearsal_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/examples/connector/internal/rehearsal"
	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

var money = decimal.RequireFromString

// answers is a mapper that answers always the same.
type answers struct {
	posting document.Posting
	empty   bool
	err     error
}

func (a answers) Map(context.Context, document.Document) (mapping.Result[document.Posting], error) {
	return mapping.Result[document.Posting]{Posting: a.posting, Empty: a.empty, Version: "v"}, a.err
}

func split(account, amount string) document.Split {
	return document.Split{Account: account, Amount: money(amount)}
}

// posting is an invoice of 70.00 with a refund, an order and a tax, and a debit
// memo.
func posting() document.Posting {
	return document.Posting{Invoices: []document.APInvoice{
		{Number: "A", Vendor: "E1", Currency: "USD", Amount: money("77.00"), Taxes: []document.InvoiceTax{{Code: "VAT", Rate: "STD", Amount: money("4.00")}}, Lines: []document.Line{
			{Amount: money("120.00"), Splits: []document.Split{split("6410", "100.00"), split("6411", "20.00")}},
			{Amount: money("-50.00"), Splits: []document.Split{split("6410", "-50.00")}},
			{Amount: money("3.00"), Order: &document.OrderLine{Order: 7, Line: 2}},
		}},
		{Number: "B", Vendor: "V1", Currency: "USD", DebitMemo: true, Amount: money("-14.00"), Lines: []document.Line{{Amount: money("-14.00"), Splits: []document.Split{split("6410", "-14.00")}}}},
	}}
}

func TestAPostingBalancesAsDebitAndCredit(t *testing.T) {
	r, err := rehearsal.Try(t.Context(), answers{posting: posting()}, document.Document{})
	require.NoError(t, err)
	require.Equal(t, rehearsal.Posts, r.Outcome)
	require.Equal(t, "v", r.Version)
	var rows []string
	for _, x := range r.Book.Rows {
		rows = append(rows, x.Invoice+" "+x.Account+x.Vendor+" "+x.Debit.StringFixed(2)+" "+x.Credit.StringFixed(2))
	}
	require.Equal(t, []string{
		"A 6410 100.00 0.00", "A 6411 20.00 0.00", "A 6410 0.00 50.00", "A purchase order 7, line 2 3.00 0.00", "A tax VAT STD 4.00 0.00", "A E1 0.00 77.00",
		"B 6410 0.00 14.00", "B V1 14.00 0.00",
	}, rows)
	require.Equal(t, "141.00", r.Book.Debit.StringFixed(2))
	require.Equal(t, "141.00", r.Book.Credit.StringFixed(2))
}

func TestAPostingThatDoesNotBalanceIsAnError(t *testing.T) {
	p := posting()
	p.Invoices[0].Amount = money("76.99")
	_, err := rehearsal.Try(t.Context(), answers{posting: p}, document.Document{})
	require.ErrorContains(t, err, "does not balance: debit 141, credit 140.99")
}

func TestADocumentThatParksIsNoError(t *testing.T) {
	r, err := rehearsal.Try(t.Context(), answers{err: mapping.Issues{{Code: "x", Owner: connector.Finance}}}, document.Document{})
	require.NoError(t, err)
	require.Equal(t, rehearsal.Parks, r.Outcome)
	require.Nil(t, r.Book)
	r, err = rehearsal.Try(t.Context(), answers{empty: true}, document.Document{})
	require.NoError(t, err)
	require.Equal(t, rehearsal.Nothing, r.Outcome)
	_, err = rehearsal.Try(t.Context(), answers{err: errors.New("down")}, document.Document{})
	require.EqualError(t, err, "down")
}

func TestSumsHoldPayablesApartAndLast(t *testing.T) {
	r, err := rehearsal.Try(t.Context(), answers{posting: posting()}, document.Document{})
	require.NoError(t, err)
	var got []string
	for _, s := range rehearsal.Sums([]rehearsal.Result{r, r}) {
		got = append(got, s.Account+" "+s.Debit.StringFixed(2)+" "+s.Credit.StringFixed(2))
	}
	require.Equal(t, []string{"6410 200.00 128.00", "6411 40.00 0.00", "purchase order 7, line 2 6.00 0.00", "tax VAT STD 8.00 0.00", "payables 28.00 154.00"}, got)
}

func TestAFileHoldsDocumentsInSeveralForms(t *testing.T) {
	const one = `{"kind":"report","number":"A"}`
	for name, c := range map[string]struct {
		text string
		want []string
		err  string
	}{
		"one":             {one, []string{"A"}, ""},
		"an array":        {"[" + one + "," + one + "]", []string{"A", "A"}, ""},
		"one by line":     {one + "\n" + one + "\n", []string{"A", "A"}, ""},
		"what is printed": {`{"rules":"m","results":[{"document":` + one + `,"outcome":"posts"}]}`, []string{"A"}, ""},
		"nothing":         {"", nil, "there is no document in it"},
		"an unknown key":  {`{"kind":"report","nubmer":"A"}`, nil, `unknown field "nubmer"`},
		"no kind":         {`{"number":"A"}`, nil, "a document has no kind"},
		"no JSON":         {"report", nil, "invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "docs.json")
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			var got []string
			var failed error
			for doc, err := range rehearsal.File(path) {
				if err != nil {
					failed = err
					break
				}
				got = append(got, doc.Number)
			}
			require.Equal(t, c.want, got)
			if c.err != "" {
				require.ErrorContains(t, failed, c.err)
				require.ErrorContains(t, failed, "docs.json")
			} else {
				require.NoError(t, failed)
			}
		})
	}
}

func TestWhatItsSourceDidNotReadWholeIsUnread(t *testing.T) {
	snap := func(phase connector.Phase, kind document.Kind, approved document.Date, entries ...document.Entry) connector.Snapshot[document.Document] {
		return connector.Snapshot[document.Document]{Phase: phase, Content: document.Document{Kind: kind, Approved: approved, Entries: entries}}
	}
	shared := document.Entry{ID: "1", Allocations: []document.Allocation{{}}}
	for name, c := range map[string]struct {
		snap connector.Snapshot[document.Document]
		want bool
	}{
		"a report that is submitted":                        {snap(connector.NotYet, document.Report, ""), true},
		"a report that was sent back":                       {snap(connector.Withdrawn, document.Report, "2026-10-30"), true},
		"a payment request that is not approved":            {snap(connector.NotYet, document.Invoice, "", shared), true},
		"a payment request without allocations":             {snap(connector.NotYet, document.Invoice, "2026-10-30", document.Entry{ID: "1"}), true},
		"a report that is approved":                         {snap(connector.Ready, document.Report, "2026-10-30", document.Entry{ID: "1"}), false},
		"a report from before going live":                   {snap(connector.NotYet, document.Report, "2026-10-30", document.Entry{ID: "1"}), false},
		"a payment request from before going live":          {snap(connector.NotYet, document.Invoice, "2026-10-30", shared), false},
		"an approved report without lines parks for itself": {snap(connector.Ready, document.Report, "2026-10-30"), false},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, rehearsal.Unread(c.snap)) })
	}
}

package sample_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// office is Brightwater's Concur with its mapping, and an ERP that has what the
// reports here need.
type office struct {
	company *sample.Company
	source  *concursync.ReportSource
	mapper  *rules.Mapper
}

func open(t *testing.T) *office {
	t.Helper()
	server := concurtest.New(nil)
	t.Cleanup(server.Close)
	o := &office{company: sample.Concur(server)}
	app := concur.App{ClientID: server.App().ClientID, ClientSecret: concur.Secret(server.App().ClientSecret)}
	tokens, err := concur.NewTokenSource(app, concur.NewMemoryTokenStore(), &concur.TokenOptions{HTTP: server.Client()})
	require.NoError(t, err)
	_, err = tokens.Connect(t.Context(), o.company.ID, concur.Secret(o.company.RequestToken()))
	require.NoError(t, err)
	o.source = concursync.Reports(concur.NewClient(tokens, nil), nil)
	set, err := rules.Load("mapping.yaml", sample.Mapping)
	require.NoError(t, err)
	var vendors []document.Vendor
	for _, id := range []string{"E1042", "E1074", "V0090"} {
		vendors = append(vendors, document.Vendor{ID: id})
	}
	var accounts []document.Account
	for _, code := range []string{"6410|200|00", "6410|310|00", "6420|200|00", "6420|310|00", "1490|000|00"} {
		accounts = append(accounts, document.Account{Code: code})
	}
	tables, err := document.NewTables(sample.EpicorCompany, vendors, accounts, nil)
	require.NoError(t, err)
	o.mapper = rules.New(set, rules.StaticTables(tables))
	return o
}

// mapped reads a report as the engine does, and maps it.
func (o *office) mapped(t *testing.T, number string, change func(*concurtest.Report)) (document.Document, mapping.Result[document.Posting], error) {
	t.Helper()
	for _, r := range o.company.Company.Reports() {
		if r.Number != number {
			continue
		}
		if change != nil {
			o.company.EditReport(r.ID, change)
		}
		o.company.Approve(r.ID)
		s, err := o.source.Fetch(t.Context(), connector.Ref{Kind: "report", ID: r.ID, Hint: o.company.UserIDs[r.Owner]})
		require.NoError(t, err)
		require.Equal(t, connector.Ready, s.Phase)
		result, err := o.mapper.Map(t.Context(), s.Content)
		return s.Content, result, err
	}
	require.Fail(t, "no such report", number)
	return document.Document{}, mapping.Result[document.Posting]{}, nil
}

// withPrivate is a report with 85.00 private on the company's card.
const withPrivate = "T6V0KS"

func TestACardIsPaidInFullAndTheEmployeeOwesHisPrivatePart(t *testing.T) {
	t.Parallel()
	_, result, err := open(t).mapped(t, withPrivate, nil)
	require.NoError(t, err)
	got := map[string]string{}
	for _, inv := range result.Posting.Invoices {
		got[inv.Vendor] = inv.Amount.StringFixed(2)
	}
	require.Equal(t, map[string]string{"V0090": "349.50", "E1074": "-47.20"}, got)
}

func TestAReportWithAnAdvanceIsNotPaidInFull(t *testing.T) {
	t.Parallel()
	_, _, err := open(t).mapped(t, sample.Itemised, func(r *concurtest.Report) { r.Advance = concurtest.Amount("300") })
	var issues mapping.Issues
	require.ErrorAs(t, err, &issues)
	require.Equal(t, rules.CashAdvance, issues[0].Code)
}

// Where version 3 says nothing, the amounts due do.
func TestAnAdvanceThatOnlyTheAmountsShowParksTheReport(t *testing.T) {
	t.Parallel()
	o := open(t)
	doc, _, err := o.mapped(t, sample.Itemised, func(r *concurtest.Report) { r.Advance = concurtest.Amount("300") })
	require.Error(t, err)
	doc.Settlement.Advance = false
	_, err = o.mapper.Map(t.Context(), doc)
	var issues mapping.Issues
	require.ErrorAs(t, err, &issues)
	require.Equal(t, rules.SettlementMismatch, issues[0].Code)
}

func TestWhatExpensePayPaysIsNotPaidAgain(t *testing.T) {
	t.Parallel()
	_, _, err := open(t).mapped(t, sample.Itemised, func(r *concurtest.Report) { r.ExpensePay = true })
	var issues mapping.Issues
	require.ErrorAs(t, err, &issues)
	require.Equal(t, rules.ExpensePay, issues[0].Code)
}

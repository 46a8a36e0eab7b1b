package concursync_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Each test here is a rule of docs/reference/accounting-rules.md.

// read fetches a document that is given as the service has it.
func (o *office) read(t *testing.T, kind, id, content string) document.Document {
	t.Helper()
	o.company.AddFinancialDocument(concurtest.FinancialDocument{Kind: kind, BusinessID: id, Document: json.RawMessage(content)})
	ref := connector.Ref{Kind: map[string]string{"expense": "report"}[kind], ID: id}
	if ref.Kind == "" {
		ref.Kind = kind
	}
	snap, err := concursync.Financial(o.client, nil).Fetch(t.Context(), ref)
	require.NoError(t, err)
	return snap.Content
}

func TestR02DebitAndCreditDecideTheSign(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	for i, c := range []struct{ printed, side, want string }{{"-50", "CR", "-50"}, {"14", "CR", "-14"}, {"-349", "CR", "-349"}, {"-7", "DR", "7"}} {
		id := fmt.Sprintf("CA%d", i)
		d := o.read(t, "cashadvance", id, fmt.Sprintf(`{"cashAdvanceData": {"cashAdvanceId": %q, "employeeCurrencyAlphaCode": "USD"},
			"journalData": [{"amount": %s, "accountCode": "CADV", "debitOrCredit": %q, "payer": "COMP", "payee": "EMPL"}]}`, id, c.printed, c.side))
		require.Equal(t, c.want, d.Total.String(), "%s %s", c.printed, c.side)
	}
}

func TestR04ATotalThatIsAbsentIsLegal(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	d := o.read(t, "expense", "R30", `{"report": {"reportId": "R30", "employeeCurrencyAlphaCode": "USD", "reportUserDefinedDate": "2016-03-24T07:00:00.000Z"}, "expenseEntry": [
		{"entryApprovedAmount": 10, "allocation": [{"journal": [{"journalPayer": "COMP", "journalPayee": "COPD", "amountGross": 10}]}]},
		{"entryApprovedAmount": 20, "allocation": [{"journal": [{"journalPayer": "COMP", "journalPayee": "COPD", "amountGross": 20}]}]}]}`)
	require.Equal(t, "30", d.Total.String())
	require.NoError(t, d.Check())
	require.Equal(t, "R30", d.Number, "and so is a number")
}

func TestR54CalendarDatesNeverShift(t *testing.T) {
	t.Parallel()
	west, err := time.LoadLocation("America/Los_Angeles")
	require.NoError(t, err)
	o := integrated(t)
	o.company.AddFinancialDocument(concurtest.FinancialDocument{Kind: "expense", BusinessID: "R54", Document: json.RawMessage(
		`{"report": {"reportId": "R54", "reportUserDefinedDate": "2018-02-17T00:00:00.000Z", "reportPaymentProcessingDate": "2018-03-01T02:00:00.000Z"},
		"expenseEntry": [{"entryDate": "2018-02-17T00:00:00.000Z"}]}`)})
	snap, err := concursync.Financial(o.client, &concursync.FinancialOptions{Location: west}).Fetch(t.Context(), connector.Ref{Kind: "report", ID: "R54"})
	require.NoError(t, err)
	require.Equal(t, document.Date("2018-02-17"), snap.Content.Date)
	require.Equal(t, document.Date("2018-02-17"), snap.Content.Entries[0].Date)
	require.Equal(t, document.Date("2018-02-28"), snap.Content.Approved, "an instant is the day that it was there")
	require.Equal(t, "2018-02", snap.Period)
}

func TestR55InvoiceDatesAreProvenByTheTerms(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	for i, c := range []struct{ invoice, due, days, wantDate, wantDue string }{
		{"08/08/2018", "09/07/2018", "30", "2018-08-08", "2018-09-07"}, // 7 September, not 9 July
		{"2018-08-08", "2018-09-07", "30", "2018-08-08", "2018-09-07"},
		{"05/03/2018", "04/04/2018", "30", "2018-03-05", "2018-04-04"}, // only DD/MM is 30 days
		{"05/03/2018", "06/02/2018", "", "2018-05-03", "2018-06-02"},   // no proof: as the sample has it
	} {
		id := fmt.Sprintf("P%d", i)
		d := o.read(t, "invoice", id, fmt.Sprintf(`{"requestHeader": {"requestId": %q, "invoiceDate": %q, "paymentDueDate": %q, "netPaymentTermDays": %q}}`, id, c.invoice, c.due, c.days))
		require.Equal(t, document.Date(c.wantDate), d.Date, "%+v", c)
		require.Equal(t, document.Date(c.wantDue), d.Due, "%+v", c)
	}
}

func TestR56CodesAreTrimmedAndNullIsNothing(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	d := o.read(t, "invoice", "P56", `{"lineItem": [{"allocation": [{"allocationCustom1Code": "", "allocationCustom2Code": null, "allocationCustom3Code": " 200 ", "journal": {"amountNet": 5}}], "expenseTypeCode": "2000   "}],
		"requestHeader": {"requestTotal": 5, "requestId": " P56 ", "ledgerCode": null}}`)
	require.Equal(t, "2000", d.Entries[0].Type.Code)
	require.Equal(t, map[string]document.Value{"custom3": {Code: "200"}}, d.Entries[0].Allocations[0].Custom)
	require.Empty(t, d.Ledger)
	require.Equal(t, "P56", d.ID)
}

func TestR57TheTimeOfAnEventIsRead(t *testing.T) {
	t.Parallel()
	var e concur.Event
	require.NoError(t, json.Unmarshal([]byte(`{"eventType": "expense.readyForIntegration", "timeStamp": "2023-09-26T21:17:44.570+0000"}`), &e))
	require.True(t, time.Date(2023, 9, 26, 21, 17, 44, 570_000_000, time.UTC).Equal(e.TimeStamp.Time()))
}

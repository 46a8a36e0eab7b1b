package concur_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
)

// paid is a whole payment of a report.
func paid(t *testing.T, ref string) concur.Clearing {
	t.Helper()
	return concur.Clearing{
		Date: concur.ClearingDate(time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)), Amount: number(t, "12.50"), Currency: "USD",
		Reference: concur.ClearingReference{PaymentRef: ref},
	}
}

func notSentBy(t *testing.T, mock *httpmock.MockTransport, err error) {
	t.Helper()
	require.ErrorIs(t, err, concur.ErrInvalid)
	require.ErrorContains(t, err, "nothing was sent")
	require.Zero(t, mock.GetTotalCallCount())
}

func TestAPaymentConfirmationWithoutAPaymentIsRefusedAndNotForgotten(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	rows, err := c.Financial.ConfirmPayments(t.Context(), concur.FinancialExpense, []concur.PaymentConfirmation{
		{DocID: "a", Status: concur.CompletelyPaid, Clearing: []concur.Clearing{paid(t, "x")}}, {DocID: "b", Status: concur.PaymentObsolete},
	}, "")
	require.Empty(t, rows)
	notSentBy(t, mock, err)
}

func TestAPaymentWithoutDateAmountCurrencyOrReferenceIsRefused(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*concur.Clearing){
		"date":      func(c *concur.Clearing) { c.Date = concur.ClearingDate{} },
		"amount":    func(c *concur.Clearing) { c.Amount = concur.Decimal{} },
		"currency":  func(c *concur.Clearing) { c.Currency = "" },
		"reference": func(c *concur.Clearing) { c.Reference.PaymentRef = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, mock := wired(t)
			p := paid(t, "x")
			spoil(&p)
			_, err := c.Financial.ConfirmPayments(t.Context(), concur.FinancialExpense, []concur.PaymentConfirmation{{DocID: "a", Clearing: []concur.Clearing{p}}}, "")
			notSentBy(t, mock, err)
		})
	}
}

func TestARateThatIsNotCompleteIsRefused(t *testing.T) {
	t.Parallel()
	whole := concur.ExchangeRateInput{From: "USD", To: "EUR", StartDate: concur.Date{Year: 2026, Month: time.October, Day: 1}, Rate: number(t, "0.92")}
	for name, spoil := range map[string]func(*concur.ExchangeRateInput){
		"from":   func(r *concur.ExchangeRateInput) { r.From = "" },
		"to":     func(r *concur.ExchangeRateInput) { r.To = "" },
		"day":    func(r *concur.ExchangeRateInput) { r.StartDate = concur.Date{} },
		"absent": func(r *concur.ExchangeRateInput) { r.Rate = concur.Decimal{} },
		"zero":   func(r *concur.ExchangeRateInput) { r.Rate = number(t, "0") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, mock := wired(t)
			bad := whole
			spoil(&bad)
			_, err := c.ExchangeRates.Create(t.Context(), []concur.ExchangeRateInput{whole, bad})
			notSentBy(t, mock, err)
		})
	}
}

func TestAnApproversStepIsNotSentWithoutTheGuardThatWasAskedFor(t *testing.T) {
	t.Parallel()
	at := concur.Place{User: ownerID, Context: concur.Manager, ReportID: reportID}
	for _, step := range []concur.WorkflowStep{
		{Comment: "x", ExpectedStepInstance: "i"}, {Comment: "x", ExpectedStepCode: "c"}, {Comment: "x", ExpectedStepSequence: 2},
	} {
		c, mock := wired(t)
		notSentBy(t, mock, c.Workflow.Approve(t.Context(), at, step))
		notSentBy(t, mock, c.Workflow.SendBack(t.Context(), at, step))
	}
}

func TestAnUpdateOfAnInvoiceWithoutASupplierDoesNotNameOne(t *testing.T) {
	t.Parallel()
	require.JSONEq(t, `{"NotesToVendor":"x"}`, encoded(t, concur.PaymentRequestInput{NotesToVendor: "x"}))
}

func TestWhetherAUserIsActiveIsSentWhereItWasSaid(t *testing.T) {
	t.Parallel()
	require.NotContains(t, encoded(t, concur.UserInput{UserName: "a"}), "active")
	require.Contains(t, encoded(t, concur.UserInput{UserName: "a", Active: new(false)}), `"active":false`)
}

// acknowledged answers an acknowledgement of the document x with rows.
func acknowledged(t *testing.T, rows string) concur.FinancialResult {
	t.Helper()
	c, mock := wired(t)
	answer(mock, http.MethodPost, us2+"/financialintegration/fi/v4/companies/transactiontypes/expense/transactions/acknowledgements", 200, rows)
	got, err := c.Financial.Acknowledge(t.Context(), concur.FinancialExpense, []string{"x"}, "")
	require.NoError(t, err, "the work was done: the answer is read")
	require.Len(t, got, 1)
	return got[0]
}

func TestAFinancialRowWithoutACodeIsNoSuccess(t *testing.T) {
	t.Parallel()
	for _, row := range []string{
		`{"docId":"x","errorMessage":"boom"}`, `{"docId":"x","code":null}`, `{"docId":"x","code":""}`, `{"docId":"x","code":"none"}`,
		`{"docId":"x","code":0.5}`, `{"docId":"x","code":{}}`, `{"docId":"x","acknowledgeResult":"FAILURE"}`,
	} {
		r := acknowledged(t, "["+row+"]")
		var e *concur.FinancialError
		require.ErrorAs(t, r.Err(), &e, row)
		require.Equal(t, concur.FinancialUnclear, e.Class(), row)
		require.Contains(t, e.Error(), "no code", row)
	}
}

func TestAFinancialRowWithoutACodeIsASuccessWhereItSaysSo(t *testing.T) {
	t.Parallel()
	require.NoError(t, acknowledged(t, `[{"docId":"x","acknowledgeResult":"SUCCESS"}]`).Err())
}

func TestAFinancialCodeMayComeAsAText(t *testing.T) {
	t.Parallel()
	require.NoError(t, acknowledged(t, `[{"docId":"x","code":"0"}]`).Err())
	r := acknowledged(t, `[{"docId":"x","code":"101"}]`)
	require.Equal(t, concur.FinancialAcknowledgedBefore, r.Code)
	require.ErrorIs(t, r.Err(), concur.ErrConflict)
}

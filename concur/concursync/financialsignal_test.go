package concursync_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
)

// listener keeps what was sent.
type listener struct {
	base  http.RoundTripper
	paths []string
	sent  []string
}

func (l *listener) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		l.paths, l.sent = append(l.paths, r.URL.Path), append(l.sent, string(b))
		r.Body = io.NopCloser(strings.NewReader(string(b)))
	}
	return l.base.RoundTrip(r)
}

// to returns the bodies that were sent to paths with an ending.
func (l *listener) to(ending string) []string {
	var out []string
	for i, p := range l.paths {
		if strings.HasSuffix(p, ending) {
			out = append(out, l.sent[i])
		}
	}
	return out
}

// through returns another client of the office's company.
func (o *office) through(t *testing.T, rt http.RoundTripper) *concur.Client {
	t.Helper()
	app := o.App()
	tokens, err := concur.NewTokenSource(concur.App{ClientID: app.ClientID, ClientSecret: concur.Secret(app.ClientSecret)},
		concursync.TokenStore(memstore.New(), "acme", nil), &concur.TokenOptions{HTTP: &http.Client{Transport: rt}})
	require.NoError(t, err)
	_, err = tokens.Connect(t.Context(), o.company.ID, concur.Secret(o.company.RequestToken()))
	require.NoError(t, err)
	return concur.NewClient(tokens, nil)
}

func TestWhatWasTakenLeavesTheQueue(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	r := o.approved(lunch("10.00"))
	s := concursync.Financial(o.client, &concursync.FinancialOptions{SystemID: "epicor"})
	taken := o.signal(t, connector.Taken, r)
	require.NoError(t, s.Acknowledge(t.Context(), taken))
	require.Equal(t, concurtest.FinancialAcknowledged, o.state(t, r.ID).Status)
	require.Equal(t, "epicor", o.state(t, r.ID).SystemID)
	require.NoError(t, s.Acknowledge(t.Context(), taken), "R36: a repeat is no fault")
}

func TestPostedIsConfirmedWithWhatWasMade(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	r := o.approved(lunch("10.00"))
	s := concursync.Financial(o.client, nil)
	posted := o.signal(t, connector.Posted, r)
	posted.Receipt = made("CX-A1B2C3-1-C", "CX-A1B2C3-1-E")
	require.NoError(t, s.Acknowledge(t.Context(), posted), "it is acknowledged first, where it was not")
	require.NoError(t, s.Acknowledge(t.Context(), posted), "R36: a repeat is no fault")
	d := o.state(t, r.ID)
	require.Equal(t, concurtest.FinancialPosted, d.Status)
	require.Equal(t, []concurtest.PostedDocument{
		{Company: "EPIC06", Number: "CX-A1B2C3-1-C", FiscalYear: "2026", Date: "2026-10-30"},
		{Company: "EPIC06", Number: "CX-A1B2C3-1-E", FiscalYear: "2026", Date: "2026-10-30"},
	}, d.Posted)

	failed := o.signal(t, connector.Failed, r)
	require.ErrorIs(t, s.Acknowledge(t.Context(), failed), connector.ErrRejected, "the opposite of what Concur was told needs a person")
}

func TestNothingToPostIsConfirmedToo(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	r := o.approved(lunch("10.00"))
	s := concursync.Financial(o.client, nil)
	require.NoError(t, s.Acknowledge(t.Context(), o.signal(t, connector.Posted, r)))
	d := o.state(t, r.ID)
	require.Equal(t, concurtest.FinancialPosted, d.Status)
	require.Equal(t, "NONE", d.Posted[0].Number)
	require.Contains(t, d.Messages[0], "every amount is zero")
}

func TestFailedSaysWhyAndAtWhichLine(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	heard := &listener{base: o.Client().Transport}
	r := o.approved(lunch("10.00"), lunch("20.00"))
	s := concursync.Financial(o.through(t, heard), nil)
	require.NoError(t, s.Acknowledge(t.Context(), o.signal(t, connector.Taken, r)))
	failed := o.signal(t, connector.Failed, r)
	failed.Issues = []connector.Issue{
		{Code: "cost_centre_unknown", Field: "expense 2, cost centre", Value: "4711", Message: "the cost centre stands in no line", Remedy: "Add a line."},
		{Code: "vendor_missing", Field: "employee", Value: "Ada Adams", Personal: true, Message: "there is no vendor"},
		{Code: "long", Message: strings.Repeat("ä", 3000)},
	}
	require.NoError(t, s.Acknowledge(t.Context(), failed))
	require.NoError(t, s.Acknowledge(t.Context(), failed), "R36: a repeat is no fault")
	d := o.state(t, r.ID)
	require.Equal(t, concurtest.FinancialFailed, d.Status)
	require.Equal(t, "expense 2, cost centre: the cost centre stands in no line (4711)", d.Messages[0])
	require.Equal(t, "employee: there is no vendor", d.Messages[1], "no personal data")
	require.Equal(t, 1300, utf8.RuneCountInString(d.Messages[2]))

	lines := heard.to("/postingconfirmations")
	require.NotEmpty(t, lines)
	snap, err := s.Fetch(t.Context(), reportRef(r))
	require.NoError(t, err)
	require.Contains(t, lines[0], `"concurTransactionLineItemId":"`+snap.Content.Entries[1].ID+`"`)
	require.Contains(t, lines[0], "Add a line.")
	require.NotContains(t, lines[0], "Ada")
}

func TestARecallIsHeardInEveryPhase(t *testing.T) {
	t.Parallel()
	for _, kind := range []connector.SignalKind{connector.Taken, connector.Posted, connector.Failed} {
		o := integrated(t)
		r := o.approved(lunch("10.00"))
		s := concursync.Financial(o.client, nil)
		sig := o.signal(t, kind, r)
		sig.Receipt = made("1")
		if kind != connector.Taken {
			require.NoError(t, s.Acknowledge(t.Context(), o.signal(t, connector.Taken, r)))
		}
		o.company.RecallDocument(r.ID)
		require.ErrorIs(t, s.Acknowledge(t.Context(), sig), connector.ErrWithdrawn, kind)
		snap, err := s.Fetch(t.Context(), reportRef(r))
		require.NoError(t, err)
		require.Equal(t, connector.Withdrawn, snap.Phase)
	}
}

// outcome is what a code has to become.
type outcome string

const (
	done      outcome = "done"
	rejected  outcome = "rejected"
	withdrawn outcome = "withdrawn"
	transient outcome = "transient"
)

func outcomeOf(err error) outcome {
	switch {
	case err == nil:
		return done
	case errors.Is(err, connector.ErrRejected):
		return rejected
	case errors.Is(err, connector.ErrWithdrawn):
		return withdrawn
	default:
		return transient
	}
}

func TestEveryServiceCodeHasItsOutcome(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind connector.SignalKind
		code int
		want outcome
	}{
		{connector.Taken, 99, rejected},
		{connector.Taken, 101, done},
		{connector.Taken, 102, withdrawn},
		{connector.Taken, 103, transient},
		{connector.Taken, 104, rejected},
		{connector.Taken, 105, rejected},
		{connector.Taken, 199, transient},
		{connector.Taken, 777, transient},
		{connector.Posted, 99, rejected},
		{connector.Posted, 111, done},
		{connector.Posted, 112, withdrawn},
		{connector.Posted, 113, transient},
		{connector.Posted, 114, transient},
		{connector.Posted, 115, rejected},
		{connector.Posted, 116, rejected},
		{connector.Posted, 198, rejected},
		{connector.Posted, 199, transient},
		{connector.Posted, 777, transient},
		{connector.Failed, 111, done},
		{connector.Failed, 112, withdrawn},
		{connector.Failed, 198, rejected},
		{connector.Failed, 199, transient},
		{connector.Paid, 213, done},
		{connector.Paid, 298, rejected},
		{connector.Paid, 116, rejected},
		{connector.Paid, 199, transient},
	} {
		o := integrated(t)
		r := o.approved(lunch("10.00"))
		s := concursync.Financial(o.client, nil)
		sig := o.signal(t, c.kind, r)
		sig.Receipt = made("1")
		if c.kind != connector.Taken {
			require.NoError(t, s.Acknowledge(t.Context(), o.signal(t, connector.Taken, r)))
		}
		if c.kind == connector.Paid {
			sig.Payment = &connector.Payment{ID: "9/1/1", Kind: "complete", Amount: connector.Total{Company: "EPIC06", Currency: "USD", Amount: decimal.New(10, 0)}, Date: time.Now()}
		}
		o.RefuseFinancial(1, c.code)
		err := s.Acknowledge(t.Context(), sig)
		require.Equal(t, c.want, outcomeOf(err), "%s, code %d: %v", c.kind, c.code, err)
	}
}

func TestR37AnIdThatIsNotKnownIsLookedUp(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	r := o.approved(lunch("10.00"))
	s := concursync.Financial(o.client, nil)
	sig := o.signal(t, connector.Posted, r)
	sig.Receipt, sig.Handle = made("1"), r.ID // the business id, which some evidence says is taken
	require.NoError(t, s.Acknowledge(t.Context(), sig))
	require.Equal(t, concurtest.FinancialPosted, o.state(t, r.ID).Status)

	other := o.approved(lunch("20.00"))
	sig = o.signal(t, connector.Posted, other)
	sig.Receipt, sig.Handle, sig.Revision = made("1"), "unknown", 7
	require.ErrorIs(t, s.Acknowledge(t.Context(), sig), connector.ErrRejected, "another revision is not confirmed in its place")
	require.Equal(t, concurtest.FinancialReady, o.state(t, other.ID).Status)
}

func TestADocumentThatAnotherSystemTookIsNotPosted(t *testing.T) {
	t.Parallel()
	s := concursync.Financial(nil, &concursync.FinancialOptions{SystemID: "epicor"})
	require.True(t, concursync.TakenByOthers(s, "This document was previously acknowledged by SystemId: legacy."))
	for _, message := range []string{
		"This document was previously acknowledged by SystemId: epicor.", "This document was previously acknowledged by SystemId: null.", "previously acknowledged", "",
	} {
		require.False(t, concursync.TakenByOthers(s, message), message)
	}
}

func payment(id, kind, amount string) *connector.Payment {
	return &connector.Payment{
		ID: id, Kind: kind, Date: time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC),
		Amount: connector.Total{Company: "EPIC06", Currency: "USD", Amount: decimal.RequireFromString(amount)},
	}
}

func TestR47PaymentsOfAReportAreConfirmedEachOnce(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	heard := &listener{base: o.Client().Transport}
	r := o.approved(lunch("21.00"))
	s := concursync.Financial(o.through(t, heard), nil)
	posted := o.signal(t, connector.Posted, r)
	posted.Receipt = made("CX-A1B2C3-1-E")
	require.NoError(t, s.Acknowledge(t.Context(), posted))
	pay := func(p *connector.Payment) {
		t.Helper()
		sig := o.signal(t, connector.Paid, r)
		sig.Receipt, sig.Payment = posted.Receipt, p
		require.NoError(t, s.Acknowledge(t.Context(), sig))
	}
	pay(payment("100/1/CX-A1B2C3-1-E", "partial", "10.00"))
	require.Equal(t, concurtest.FinancialPosted, o.state(t, r.ID).Status)
	pay(payment("100/1/CX-A1B2C3-1-E", "partial", "10.00")) // 298 NOOP
	pay(payment("101/1/CX-A1B2C3-1-E", "complete", "11.00"))
	require.Equal(t, concurtest.FinancialPaid, o.state(t, r.ID).Status)
	pay(payment("101/1/CX-A1B2C3-1-E", "complete", "11.00"))
	require.Equal(t, []string{"100/1/CX-A1B2C3-1-E", "101/1/CX-A1B2C3-1-E"}, o.state(t, r.ID).Payments)

	sent := heard.to("/paymentconfirmations")[0]
	for _, part := range []string{`"processingStatusCode":"PP"`, `"clearingDate":"2026-11-05T00:00:00.000Z"`, `"clearingAmount":10`, `"receiverType":"EMPLOYEE"`, `"financialDocumentId":"CX-A1B2C3-1-E"`, `"fiscalYear":"2026"`} {
		require.Contains(t, sent, part)
	}
}

func TestR47AVoidedPaymentIsReversed(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	r := o.approved(lunch("21.00"))
	s := concursync.Financial(o.client, nil)
	posted := o.signal(t, connector.Posted, r)
	posted.Receipt = made("1")
	require.NoError(t, s.Acknowledge(t.Context(), posted))
	sig := o.signal(t, connector.Paid, r)
	sig.Payment = payment("100/1/1/void", "returned", "11.00")
	require.NoError(t, s.Acknowledge(t.Context(), sig))
	require.Equal(t, concurtest.FinancialReversed, o.state(t, r.ID).Status)
	sig.Payment = payment("100/1/2", "borrowed", "11.00")
	require.ErrorIs(t, s.Acknowledge(t.Context(), sig), connector.ErrRejected)
}

func TestR47AnInvoiceIsPaidWhenAllOfItIs(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	p := o.company.AddApprovedPaymentRequest(concurtest.PaymentRequest{
		InvoiceNumber: "INV-1", Vendor: concurtest.Vendor{Code: "V1", Name: "Delta"}, Lines: []concurtest.Line{{ExpenseType: "2000", Amount: concurtest.Amount("50.00")}},
	})
	s := concursync.Financial(o.client, nil)
	d := o.state(t, p.ID)
	sig := connector.Signal{Kind: connector.Paid, Ref: connector.Ref{Kind: "invoice", ID: p.ID}, Revision: 1, Handle: d.ID, Payment: payment("1", "complete", "50.00")}
	require.Equal(t, transient, outcomeOf(s.Acknowledge(t.Context(), sig)), "not before its posting was confirmed")

	posted := sig
	posted.Kind, posted.Receipt = connector.Posted, made("INV-1")
	require.NoError(t, s.Acknowledge(t.Context(), posted))
	status := func() string {
		r, ok := o.company.PaymentRequest(p.ID)
		require.True(t, ok)
		return r.PaymentStatus
	}
	extracted := status()
	sig.Payment = payment("1", "partial", "20.00")
	require.NoError(t, s.Acknowledge(t.Context(), sig))
	require.Equal(t, extracted, status(), "a part payment is not told")
	sig.Payment = payment("2", "complete", "30.00")
	require.NoError(t, s.Acknowledge(t.Context(), sig))
	require.NotEqual(t, extracted, status())
	require.NoError(t, s.Acknowledge(t.Context(), sig), "R36: a repeat is no fault")
	sig.Payment = payment("2/void", "returned", "30.00")
	require.NoError(t, s.Acknowledge(t.Context(), sig))
	require.Equal(t, extracted, status())
}

func TestNothingTakesPaymentsOfCashAdvances(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	s := concursync.Financial(o.client, nil)
	before := len(o.Calls())
	require.NoError(t, s.Acknowledge(t.Context(), connector.Signal{Kind: connector.Paid, Ref: connector.Ref{Kind: "cashadvance", ID: "C"}, Payment: payment("1", "complete", "5")}))
	require.Len(t, o.Calls(), before)
	require.ErrorIs(t, s.Acknowledge(t.Context(), connector.Signal{Kind: connector.Paid, Ref: connector.Ref{Kind: "report", ID: "C"}}), connector.ErrRejected)
	require.ErrorIs(t, s.Acknowledge(t.Context(), connector.Signal{Kind: "greeted", Ref: connector.Ref{Kind: "report", ID: "C"}}), connector.ErrRejected)
	require.ErrorIs(t, s.Acknowledge(t.Context(), connector.Signal{Kind: connector.Taken, Ref: connector.Ref{Kind: "memo", ID: "C"}}), connector.ErrRejected)
}

func TestALostAnswerIsLookedUp(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	r := o.approved(lunch("10.00"))
	s := concursync.Financial(o.client, nil)
	posted := o.signal(t, connector.Posted, r)
	posted.Receipt = made("1")
	require.NoError(t, s.Acknowledge(t.Context(), posted))
	// 114: in no known state. The state says that it was confirmed.
	o.RefuseFinancial(1, int(concur.FinancialUnknownState))
	require.NoError(t, s.Acknowledge(t.Context(), posted))
	o.company.SetDocument(r.ID, "HALF_BAKED")
	require.ErrorIs(t, s.Acknowledge(t.Context(), posted), connector.ErrRejected)
}

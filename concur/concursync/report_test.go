package concursync_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

func TestApprovedReportIsReadyWithAllThatAPostingNeeds(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	r := o.company.AddApprovedReport(concurtest.Report{
		Owner: login, Name: "March", Custom: concurtest.Custom{"custom1": concurtest.Text("plain")},
		Expenses: []concurtest.Expense{{
			Type: "TAXI", PaymentType: "CBCP", Date: "2026-10-03", Purpose: "to the customer", Vendor: "Yellow", City: "Boston",
			Amount: concurtest.Amount("100"), Currency: "EUR", Rate: concurtest.Amount("1.1"),
			Custom: concurtest.Custom{"custom5": o.centres.Value("200")},
		}},
	})
	s := o.fetch(t, r, nil)
	require.Equal(t, connector.Ready, s.Phase)
	require.Equal(t, o.owner.ID, s.Person)
	require.Equal(t, int64(r.Version), s.Revision)
	require.Equal(t, r.ProcessingDate.UTC().Format("2006-01"), s.Period)
	require.Equal(t, "110", s.Totals[0].Amount.String())
	d := s.Content
	require.NoError(t, d.Check())
	require.Equal(t, r.Number, d.Number)
	require.Equal(t, document.Person{ID: o.owner.ID, EmployeeID: "E100", Login: login, Name: d.Owner.Name}, d.Owner)
	require.Equal(t, document.Value{Code: "plain"}, d.Custom["custom1"])
	require.Equal(t, r.ProcessingDate.UTC().Format(time.DateOnly), string(d.Approved))
	e := d.Entries[0]
	require.Equal(t, []string{"TAXI", "CBCP", "2026-10-03", "to the customer", "Yellow", "110"},
		[]string{e.Type.Code, e.Payment.Code, string(e.Date), e.Description, e.Merchant, e.Amount.String()})
	require.Equal(t, document.Value{Code: "200", Text: "Service"}, e.Custom["custom5"])
	require.Equal(t, []string{"100", "EUR"}, []string{e.Spent.Amount.String(), e.Spent.Currency})
}

func TestItemizationsStandInPlaceOfTheirParent(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	r := o.approved(
		concurtest.Expense{Type: "HOTEL", Itemizations: []concurtest.Expense{
			{Type: "LODGE", Amount: concurtest.Amount("250")}, {Type: "MEALS", Amount: concurtest.Amount("50")}, {Type: "PARKG", Amount: concurtest.Amount("25")},
		}},
		lunch("12.50"),
	)
	d := o.fetch(t, r, nil).Content
	require.NoError(t, d.Check())
	var types []string
	for _, e := range d.Entries {
		types = append(types, e.Type.Code)
	}
	require.Equal(t, []string{"LODGE", "MEALS", "PARKG", "LUNCH"}, types)
	require.NotEmpty(t, d.Entries[0].Parent)
}

func TestOrderOfExpensesIsKeptHoweverManyCallsAreUnderWay(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	var es []concurtest.Expense
	for i := range 25 {
		es = append(es, concurtest.Expense{Type: "LUNCH", Purpose: strings.Repeat("x", i+1), Amount: concurtest.Amount("1")})
	}
	d := o.fetch(t, o.approved(es...), &concursync.ReportsOptions{Concurrency: 8}).Content
	for i, e := range d.Entries {
		require.Len(t, e.Description, i+1)
	}
}

func TestRejectedExpensesAreLeftOut(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	rejected := lunch("99")
	rejected.Rejected = true
	d := o.fetch(t, o.approved(lunch("12.50"), rejected), nil).Content
	require.Len(t, d.Entries, 1)
	require.Equal(t, "12.5", d.Entries[0].Amount.String())
}

func TestPersonalExpensesAreMarked(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	personal := concurtest.Expense{Type: "MOVIE", PaymentType: "CBCP", Personal: true, Amount: concurtest.Amount("20")}
	d := o.fetch(t, o.approved(lunch("12.50"), personal), nil).Content
	require.NoError(t, d.Check())
	require.True(t, d.Entries[1].Personal)
}

func TestAPersonalExpenseBearsWhatWasEnteredSinceNothingOfItIsApproved(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	personal := concurtest.Expense{Type: "MOVIE", PaymentType: "CBCP", Personal: true, Amount: concurtest.Amount("20")}
	d := o.fetch(t, o.approved(lunch("12.50"), personal), nil).Content
	require.NoError(t, d.Check())
	require.Equal(t, "20", d.Entries[1].Amount.String())
	require.Equal(t, "12.5", d.Total.String())
}

func TestAllocationsBearTheirCodesAndAddUp(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	r := o.approved(concurtest.Expense{
		Type: "LUNCH", Amount: concurtest.Amount("100"),
		Allocations: []concurtest.Allocation{
			{Percentage: concurtest.Amount("33.33"), AccountCode: "6410", Custom: concurtest.Custom{"custom5": o.centres.Value("200-7")}},
			{Percentage: concurtest.Amount("66.67")},
		},
	})
	d := o.fetch(t, r, nil).Content
	require.NoError(t, d.Check())
	as := d.Entries[0].Allocations
	require.Equal(t, []string{"6410", "7", "33.33"}, []string{as[0].Account, as[0].Custom["custom5"].Code, as[0].Amount.String()})
	require.Empty(t, as[1].Account, "Pending Client is no account")
}

func TestLongCodesHoldTheAncestors(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	e := lunch("12.50")
	e.Custom = concurtest.Custom{"custom5": o.centres.Value("200-7")}
	d := o.fetch(t, o.approved(e), &concursync.ReportsOptions{LongCodes: true}).Content
	require.Equal(t, "200-7", d.Entries[0].Custom["custom5"].Code)
}

func TestListItemIsLookedUpOnceForAllItsUses(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	e := lunch("12.50")
	e.Custom = concurtest.Custom{"custom5": o.centres.Value("200")}
	r := o.approved(e)
	s := concursync.Reports(o.client, &concursync.ReportsOptions{Concurrency: 1})
	for range 3 {
		_, err := s.Fetch(t.Context(), o.ref(r))
		require.NoError(t, err)
	}
	require.Len(t, o.CallsTo("/list/v4/items/"), 1)
}

func TestTextThatLooksLikeAListItemStaysText(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	e := lunch("12.50")
	e.Custom = concurtest.Custom{"custom9": concurtest.Text("0123456789ABCDEF0123456789ABCDEF")}
	d := o.fetch(t, o.approved(e), nil).Content
	require.Equal(t, "0123456789ABCDEF0123456789ABCDEF", d.Entries[0].Custom["custom9"].Code)
}

func TestGateOpensOnThePaymentStatusAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		approval, payment string
		phase             connector.Phase
	}{
		"draft":              {concurtest.NotSubmitted, concurtest.NotPaid, connector.NotYet},
		"submitted":          {concurtest.Submitted, concurtest.NotPaid, connector.NotYet},
		"approved, not paid": {concurtest.Approved, concurtest.NotPaid, connector.NotYet},
		"on hold":            {concurtest.Approved, concurtest.OnHold, connector.NotYet},
		"processing payment": {concurtest.Approved, concurtest.ProcessingPayment, connector.Ready},
		"payment confirmed":  {concurtest.Approved, concurtest.PaymentConfirmed, connector.Ready},
		"paid":               {concurtest.Approved, concurtest.Paid, connector.Ready},
		"sent back":          {concurtest.SentBack, concurtest.NotPaid, connector.Withdrawn},
		"customer's own":     {"A_XYZ", "P_XYZ", connector.NotYet},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := open(t, nil)
			r := o.approved(lunch("12.50"))
			o.company.SetStatus(r.ID, concurtest.Status{Approval: c.approval, Payment: c.payment})
			require.Equal(t, c.phase, o.fetch(t, r, nil).Phase)
		})
	}
}

func TestReportThatIsNotReadyCostsOneCall(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	r := o.company.AddReport(concurtest.Report{Owner: login, Expenses: []concurtest.Expense{lunch("12.50")}})
	o.ResetCalls()
	o.fetch(t, r, nil)
	require.Len(t, o.Calls(), 1)
}

func TestPaymentIsNoNewRevision(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	r := o.approved(lunch("12.50"))
	before := o.fetch(t, r, nil)
	o.company.Pay(r.ID)
	require.Equal(t, before.Revision, o.fetch(t, r, nil).Revision)
}

func TestPeriodFollowsTheConfiguredZone(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC)
	o := open(t, &concurtest.Options{Now: func() time.Time { return at }})
	r := o.approved(lunch("12.50"))
	boston := time.FixedZone("EDT", -4*3600)
	require.Equal(t, "2026-11", o.fetch(t, r, nil).Period)
	s := o.fetch(t, r, &concursync.ReportsOptions{Location: boston})
	require.Equal(t, []string{"2026-10", "2026-10-31"}, []string{s.Period, string(s.Content.Approved)})
}

func TestReportThatChangesWhileItIsReadIsReadAgainLater(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	r := o.approved(lunch("12.50"))
	changed := false
	o.Inject(concurtest.Fault{Path: "/expenses", Match: func(*http.Request) bool {
		if !changed {
			changed = true
			o.company.EditReport(r.ID, func(r *concurtest.Report) { r.Name = "April" })
		}
		return false
	}})
	_, err := concursync.Reports(o.client, nil).Fetch(t.Context(), o.ref(r))
	require.ErrorContains(t, err, "changed while it was read")
	require.NotErrorIs(t, err, connector.ErrNotFound)
}

func TestReportThatIsGoneIsNotFound(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	_, err := concursync.Reports(o.client, nil).Fetch(t.Context(), connector.Ref{Kind: "report", ID: "764428DD6A664AF0BFCB", Hint: o.owner.ID})
	require.ErrorIs(t, err, connector.ErrNotFound)
	require.ErrorIs(t, err, concur.ErrNotFound)
}

func TestExpenseThatIsGoneIsNoMissingReport(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	r := o.approved(lunch("12.50"))
	o.Inject(concurtest.Fault{Path: "/allocations", Status: 404, Times: -1})
	_, err := concursync.Reports(o.client, nil).Fetch(t.Context(), o.ref(r))
	require.Error(t, err)
	require.NotErrorIs(t, err, connector.ErrNotFound)
}

func TestOwnerIsFoundWithoutAHint(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	r := o.approved(lunch("12.50"))
	s, err := concursync.Reports(o.client, nil).Fetch(t.Context(), connector.Ref{Kind: "report", ID: r.ID})
	require.NoError(t, err)
	require.Equal(t, o.owner.ID, s.Ref.Hint)
}

func TestReportWhoseOwnerNobodyKnowsParks(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	r := o.approved(lunch("12.50"))
	for _, id := range []string{"764428DD6A664AF0BFCB", r.ID} {
		_, err := concursync.Reports(o.client, nil).Fetch(t.Context(), connector.Ref{Kind: "report", ID: id})
		require.Equal(t, concursync.ReportOwnerUnknown, rejectedWith(t, err).Code)
		require.NotErrorIs(t, err, connector.ErrNotFound, "that nobody names the owner does not say that the report is gone")
		o.Inject(concurtest.Fault{Path: "/.search", Status: 200, Body: `{"Resources":[]}`, Times: -1})
	}
}

func TestOnlyAMissingHeaderIsAMissingReport(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/profile/identity/v4.1/Users/", "/api/v3.0/expense/reports/", "/api/v3.0/expense/entries", "/expenses", "/allocations", "/list/v4/items"} {
		o := open(t, nil)
		e := lunch("12.50")
		e.Custom = concurtest.Custom{"custom5": o.centres.Value("200")}
		r := o.approved(e)
		o.Inject(concurtest.Fault{Match: within(path), Status: 404, Times: -1})
		_, err := concursync.Reports(o.client, nil).Fetch(t.Context(), o.ref(r))
		require.NotErrorIs(t, err, connector.ErrNotFound, path)
	}
}

func TestRefusedConnectionNeedsMending(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"unauthorized": 401, "forbidden": 403} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := open(t, nil)
			r := o.approved(lunch("12.50"))
			o.Inject(concurtest.Fault{Path: "/reports/" + r.ID, Status: status, Times: -1})
			_, err := concursync.Reports(o.client, nil).Fetch(t.Context(), o.ref(r))
			require.ErrorIs(t, err, connector.ErrConnection)
		})
	}
}

func TestRevokedTokenNeedsMending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := open(t, nil)
		r := o.approved(lunch("12.50"))
		o.company.Revoke()
		time.Sleep(2 * time.Hour) //nolint:forbidigo // virtual time
		_, err := concursync.Reports(o.client, nil).Fetch(t.Context(), o.ref(r))
		require.ErrorIs(t, err, connector.ErrConnection)
	})
}

func TestRateLimitKeepsItsWait(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	r := o.approved(lunch("12.50"))
	o.Inject(concurtest.Fault{Path: "/reports/" + r.ID, Status: 429, Header: http.Header{"Retry-After": {"90"}}})
	_, err := concursync.Reports(o.client, nil).Fetch(t.Context(), o.ref(r))
	var wait interface{ RetryAfter() time.Duration }
	require.ErrorAs(t, err, &wait)
	require.Equal(t, 90*time.Second, wait.RetryAfter())
	require.NotErrorIs(t, err, connector.ErrConnection)
}

func TestSweepFindsEveryReportWithItsOwner(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	for range 7 {
		o.approved(lunch("12.50"))
	}
	found, _ := sweep(t.Context(), t, concursync.Reports(o.client, fromLongAgo(&concursync.ReportsOptions{PageSize: 3})), "")
	require.Len(t, found, 7)
	for _, c := range found {
		require.Equal(t, connector.Ref{Kind: "report", ID: c.Ref.ID, Hint: o.owner.ID}, c.Ref)
		require.Less(t, len(c.Version), 40, "it stands in the row")
	}
}

func TestSweepNeverPutsALoginIntoARow(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	o.approved(lunch("12.50"))
	found, next := sweep(t.Context(), t, concursync.Reports(o.client, fromLongAgo(nil)), "")
	for _, c := range found {
		require.NotContains(t, c.Ref.Hint+c.Version, "@")
	}
	require.NotContains(t, string(next), "@")
}

func TestNextSweepSeesTheSameVersionsUntilSomethingChanges(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	r := o.company.AddReport(concurtest.Report{Owner: login, Expenses: []concurtest.Expense{lunch("12.50")}})
	s := concursync.Reports(o.client, fromLongAgo(nil))
	first, next := sweep(t.Context(), t, s, "")
	again, next := sweep(t.Context(), t, s, next)
	require.Equal(t, first, again)
	o.company.Submit(r.ID)
	o.company.Approve(r.ID)
	changed, _ := sweep(t.Context(), t, s, next)
	require.NotEqual(t, first[r.ID].Version, changed[r.ID].Version)
}

func TestSweepLeavesBehindWhatDidNotChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := open(t, nil)
		old := o.approved(lunch("12.50"))
		time.Sleep(24 * time.Hour) //nolint:forbidigo // virtual time
		recent := o.approved(lunch("13.50"))
		s := concursync.Reports(o.client, fromLongAgo(nil))
		_, next := sweep(t.Context(), t, s, "")
		found, _ := sweep(t.Context(), t, s, next)
		require.Contains(t, found, recent.ID)
		require.NotContains(t, found, old.ID)
	})
}

func TestOwnClockThatIsAheadLosesNoChange(t *testing.T) {
	t.Parallel()
	behind := time.Now().Add(-3 * time.Hour)
	o := open(t, &concurtest.Options{Now: func() time.Time { return behind }, AccessTokenLifetime: 24 * time.Hour})
	o.approved(lunch("12.50"))
	s := concursync.Reports(o.client, fromLongAgo(nil))
	_, next := sweep(t.Context(), t, s, "")
	later := o.approved(lunch("13.50"))
	found, _ := sweep(t.Context(), t, s, next)
	require.Contains(t, found, later.ID)
}

func TestSweepGoesOnInAnotherProcess(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	for range 5 {
		o.approved(lunch("12.50"))
	}
	opts := &concursync.ReportsOptions{PageSize: 2}
	p, err := concursync.Reports(o.client, fromLongAgo(opts)).Changes(t.Context(), "")
	require.NoError(t, err)
	rest, _ := sweep(t.Context(), t, concursync.Reports(o.client, fromLongAgo(opts)), p.Next)
	require.Len(t, rest, 3)
}

func TestSweepBeginsAnewWhenItsPageIsRefused(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	for range 5 {
		o.approved(lunch("12.50"))
	}
	s := concursync.Reports(o.client, fromLongAgo(&concursync.ReportsOptions{PageSize: 2}))
	p, err := s.Changes(t.Context(), "")
	require.NoError(t, err)
	o.Inject(concurtest.Fault{Path: "/api/v3.0/expense/reports", Status: 400, Body: `{"Message":"offset is invalid"}`})
	found, _ := sweep(t.Context(), t, s, p.Next)
	require.Len(t, found, 5)
}

func TestSweepWhosePagesAreAlwaysRefusedSaysSo(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	for range 5 {
		o.approved(lunch("12.50"))
	}
	s := concursync.Reports(o.client, fromLongAgo(&concursync.ReportsOptions{PageSize: 2}))
	o.Inject(concurtest.Fault{Path: "/api/v3.0/expense/reports", Status: 400, Times: -1, Match: func(r *http.Request) bool { return r.URL.Query().Get("offset") != "" }})
	var after connector.Cursor
	var err error
	for range 20 {
		var p connector.Page[document.Document]
		if p, err = s.Changes(t.Context(), after); err != nil {
			break
		}
		after = p.Next
	}
	require.ErrorIs(t, err, concur.ErrInvalid)
}

func TestOwnerWhoLeftDoesNotStopTheSweep(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	r := o.approved(lunch("12.50"))
	o.Inject(concurtest.Fault{Path: "/.search", Status: 200, Body: `{"Resources":[]}`})
	found, _ := sweep(t.Context(), t, concursync.Reports(o.client, fromLongAgo(nil)), "")
	require.Empty(t, found[r.ID].Ref.Hint)
}

func TestForeignCursorIsRefused(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	for _, c := range []connector.Cursor{"17", "v=2", "v=1&since=yesterday", "%zz"} {
		_, err := concursync.Reports(o.client, fromLongAgo(nil)).Changes(t.Context(), c)
		require.Error(t, err, c)
	}
}

func TestHostThatIsNotAllowedNeedsMending(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	r := o.approved(lunch("12.50"))
	o.company.ExpireTokens()
	o.Inject(concurtest.Fault{Path: "/oauth2/v0/token", Status: 200, Body: `{"access_token":"a","refresh_token":"r","expires_in":3600,"geolocation":"https://evil.example"}`})
	_, err := concursync.Reports(o.client, nil).Fetch(t.Context(), o.ref(r))
	require.ErrorIs(t, err, connector.ErrConnection)
}

func TestTokenCallThatIsMalformedNeedsMending(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	r := o.approved(lunch("12.50"))
	o.company.ExpireTokens()
	o.RefuseTokens(1, 135)
	_, err := concursync.Reports(o.client, nil).Fetch(t.Context(), o.ref(r))
	require.ErrorIs(t, err, connector.ErrConnection)
}

func TestCompanyUnderMaintenanceIsWaitedFor(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	r := o.approved(lunch("12.50"))
	o.company.ExpireTokens()
	o.RefuseTokens(1, 134)
	_, err := concursync.Reports(o.client, nil).Fetch(t.Context(), o.ref(r))
	require.Error(t, err)
	require.NotErrorIs(t, err, connector.ErrConnection)
}

func TestAReportApprovedBeforeGoingLiveIsNeverReadyEvenWhenItIsPaidLater(t *testing.T) {
	t.Parallel()
	o := open(t, nil)
	today := time.Now() // before the approval: it may be midnight
	r := o.approved(lunch("12.50"))
	o.company.Pay(r.ID)
	tomorrow := time.Now().Add(36 * time.Hour)
	s := o.fetch(t, r, &concursync.ReportsOptions{From: tomorrow})
	require.Equal(t, connector.NotYet, s.Phase)
	require.Contains(t, s.Why, "before this flow went live")
	s = o.fetch(t, r, &concursync.ReportsOptions{From: today})
	require.Equal(t, connector.Ready, s.Phase, "approved on the day of going live is ours")
}

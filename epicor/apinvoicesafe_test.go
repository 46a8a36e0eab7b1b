package epicor_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

// hook sees every request before the server does.
type hook struct {
	base http.RoundTripper
	f    func(*http.Request)
}

func (h hook) RoundTrip(r *http.Request) (*http.Response, error) {
	h.f(r)
	return h.base.RoundTrip(r)
}

// hooked is a fake and a client of it with a hook.
func hooked(t testing.TB, change func(*epicortest.Options), opts *epicor.Options, f func(*epicortest.Server, *http.Request)) (*epicortest.Server, *epicor.Client) {
	t.Helper()
	o := options()
	if change != nil {
		change(o)
	}
	srv := epicortest.New(o)
	seed(srv)
	if opts == nil {
		opts = &epicor.Options{}
	}
	opts.HTTP = &http.Client{Transport: hook{srv.Transport(), func(r *http.Request) { f(srv, r) }}}
	return srv, client(t, srv, opts)
}

// single is an invoice of one line with one split.
func single(t testing.TB) epicor.APInvoiceInput {
	t.Helper()
	in := meal(t)
	in.Lines = in.Lines[:1]
	in.Lines[0].Splits = []epicor.APInvoiceSplitInput{{Account: "6410|200|00", Amount: dec("120.10")}}
	return in
}

// unknown is a client whose credential names no user.
func unknown(t testing.TB, srv *epicortest.Server) *epicor.Client {
	t.Helper()
	tokens, err := epicor.TokenResource(srv.TokenURL(), epicortest.DefaultUser, epicortest.DefaultPassword, &epicor.TokenResourceOptions{HTTP: srv.Client(), AllowHTTP: true})
	require.NoError(t, err)
	tok, err := tokens.Token(t.Context(), "")
	require.NoError(t, err)
	c, err := epicor.NewClient(srv.Root(company), epicor.Bearer(epicortest.DefaultAPIKey, epicor.StaticToken(string(tok.Value))),
		&epicor.Options{AllowHTTP: true, HTTP: srv.Client()})
	require.NoError(t, err)
	return c
}

func TestWhereTheUserIsNotKnownNoGroupIsEnteredThatIsThereAlready(t *testing.T) {
	for _, g := range []epicortest.Group{
		{ID: "CX261030U", CreatedBy: "anna", LockedBy: "anna"}, {ID: "CX261030U", CreatedBy: "anna"}, {ID: "CX261030U", CreatedBy: epicortest.DefaultUser},
	} {
		srv := epicortest.New(options())
		seed(srv)
		srv.AddGroups(company, g)
		_, err := unknown(t, srv).APInvoices.Create(t.Context(), meal(t))
		require.ErrorIs(t, err, epicor.ErrGroupForeign)
		require.Zero(t, asked(srv, "/LockAPGroup"))
		require.Empty(t, srv.Invoices(company))
	}
}

func TestTheUserIsLearnedFromAGroupThatWasMade(t *testing.T) {
	srv := epicortest.New(options())
	seed(srv)
	c := unknown(t, srv)
	for _, n := range []string{"N1", "N2"} {
		in := meal(t)
		in.Number, in.Key = n, "K"+n
		_, err := c.APInvoices.Create(t.Context(), in)
		require.NoError(t, err)
	}
	srv.LockGroup(company, "CX261030U", "anna")
	in := meal(t)
	in.Number = "N3"
	_, err := c.APInvoices.Create(t.Context(), in)
	require.ErrorIs(t, err, epicor.ErrConflict)
	require.Len(t, srv.Invoices(company), 2)
	require.Equal(t, "anna", srv.Locks(company)["CX261030U"])
}

func TestAGroupThatAPersonLocksInTheLastMomentIsNotEntered(t *testing.T) {
	for _, refuses := range []bool{false, true} {
		srv, c := hooked(t, func(o *epicortest.Options) { o.LockRefuses = refuses }, nil, func(srv *epicortest.Server, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/LockAPGroup") {
				srv.LockGroup(company, "CX261030U", "anna")
			}
		})
		srv.AddGroups(company, epicortest.Group{ID: "CX261030U", CreatedBy: epicortest.DefaultUser})
		_, err := c.APInvoices.Create(t.Context(), meal(t))
		require.ErrorIs(t, err, epicor.ErrConflict)
		require.Zero(t, asked(srv, "/GetNewAPInvHedInvoice"))
		require.Equal(t, "anna", srv.Locks(company)["CX261030U"], "hers stays")
	}
}

func TestAnAnswerThatDoesNotSayWhoHoldsTheLockIsNotBelieved(t *testing.T) {
	srv := epicortest.New(options())
	seed(srv)
	srv.AddGroups(company, epicortest.Group{ID: "CX261030U", CreatedBy: epicortest.DefaultUser})
	// Taken, they say, and nothing happened.
	srv.Inject(epicortest.Fault{Path: "/LockAPGroup", Status: http.StatusOK, Body: `{"parameters":{"ds":{"APInvGrp":[{"GroupID":"CX261030U","ActiveUserID":""}]}}}`})
	_, err := client(t, srv, nil).APInvoices.Create(t.Context(), meal(t))
	require.ErrorIs(t, err, epicor.ErrConflict)
	require.Zero(t, asked(srv, "/GetNewAPInvHedInvoice"))
}

func TestALockTakenByALostTryIsGivenBackWhateverTheNextIsAnswered(t *testing.T) {
	for name, f := range map[string]epicortest.Fault{
		"429": {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3600"}}},
		"400": vendors(http.StatusBadRequest, "Ice.Common.BusinessObjectException", "Something is wrong."),
		"403": vendors(http.StatusForbidden, "System.UnauthorizedAccessException", "Not in the key's scope."),
	} {
		srv, c := pair(t, nil)
		srv.Inject(epicortest.Fault{Path: "/LockAPGroup", Drop: true, When: epicortest.After})
		f.Path = "/LockAPGroup"
		srv.Inject(f)
		_, err := c.APInvoices.Create(t.Context(), meal(t))
		require.Error(t, err, name)
		require.Empty(t, srv.Locks(company), name)
	}
}

func TestALockWhoseAnswerIsLostForGoodIsGivenBack(t *testing.T) {
	srv, c := pair(t, &epicor.Options{Tries: 1})
	srv.Inject(epicortest.Fault{Path: "/LockAPGroup", Drop: true, When: epicortest.After})
	_, err := c.APInvoices.Create(t.Context(), meal(t))
	require.Error(t, err)
	require.Empty(t, srv.Locks(company))
}

func TestTheGroupIsGivenFreeAfterTheCallerWentAway(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv, c := hooked(t, nil, nil, func(_ *epicortest.Server, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/GetNewAPInvDtlMiscellaneous") {
			cancel()
		}
	})
	_, err := c.APInvoices.Create(ctx, meal(t))
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, srv.Locks(company))
}

func TestAnErrorSaysThatTheGroupStayedLocked(t *testing.T) {
	srv, c := pair(t, &epicor.Options{Tries: 1})
	srv.Inject(epicortest.Fault{Path: "/UpdateMaster", Skip: 1, Drop: true})
	srv.Inject(epicortest.Fault{Path: "/UnlockAPGroup", Times: -1, Status: http.StatusServiceUnavailable})
	_, err := c.APInvoices.Create(t.Context(), meal(t))
	var ie *epicor.APInvoiceError
	require.ErrorAs(t, err, &ie)
	require.Equal(t, "line 1", ie.Step)
	require.ErrorContains(t, err, "CX261030U could not be given free")

	srv, c, inv := posted(t, nil)
	srv.Inject(epicortest.Fault{Path: "/CreateCancellationInvoice", Drop: true})
	srv.Inject(epicortest.Fault{Path: "/UnlockAPGroup", Times: -1, Status: http.StatusServiceUnavailable})
	_, err = c.APInvoices.Cancel(t.Context(), inv.VendorNum, inv.Number, cancellation(t))
	require.ErrorContains(t, err, "could not be given free")

	srv, c = pair(t, &epicor.Options{Tries: 1})
	in := meal(t)
	made, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	srv.Inject(epicortest.Fault{Path: "/DeleteByID", Status: http.StatusServiceUnavailable})
	srv.Inject(epicortest.Fault{Path: "/UnlockAPGroup", Times: -1, Status: http.StatusServiceUnavailable})
	require.ErrorContains(t, c.APInvoices.Delete(t.Context(), made.VendorNum, in.Number, in.Key), "could not be given free")
}

func TestAPanicInATransportLeavesNoLock(t *testing.T) {
	srv, c := hooked(t, nil, nil, func(_ *epicortest.Server, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/GetNewAPInvDtlMiscellaneous") {
			panic("somebody's transport")
		}
	})
	require.Panics(t, func() { _, _ = c.APInvoices.Create(t.Context(), meal(t)) })
	require.Empty(t, srv.Locks(company))
}

func TestAQuestionIsNoCommitWhateverElseTheAnswerSays(t *testing.T) {
	srv, c := pair(t, nil)
	srv.Prompt(epicortest.Prompt{Table: "APInvHed", RequiresUserInput: true, Asks: true, Message: "Are you sure?"})
	_, err := c.APInvoices.Create(t.Context(), meal(t))
	require.ErrorIs(t, err, epicor.ErrQuestion)
	var ie *epicor.APInvoiceError
	require.ErrorAs(t, err, &ie)
	require.NotEqual(t, epicor.NotCommitted, ie.Outcome, "it is there all the same")
	require.Len(t, srv.Invoices(company), 1)
}

func TestACancellationThatIsThereAlreadyIsFoundThoughItsSourceDoesNotSaySo(t *testing.T) {
	srv, c, inv := posted(t, nil)
	first, err := c.APInvoices.Cancel(t.Context(), inv.VendorNum, inv.Number, cancellation(t))
	require.NoError(t, err)
	srv.EditInvoice(company, "E1042", inv.Number, map[string]any{"RefCancelledby": ""}) // set when it is posted, perhaps
	again, err := c.APInvoices.Cancel(t.Context(), inv.VendorNum, inv.Number, cancellation(t))
	require.NoError(t, err)
	require.Equal(t, first.ID(), again.ID())
	require.Len(t, srv.Invoices(company), 2)
}

func TestACancellationOfAnotherInvoiceIsNotTakenForThisOne(t *testing.T) {
	srv, c, inv := posted(t, nil)
	_, err := c.APInvoices.Cancel(t.Context(), inv.VendorNum, inv.Number, cancellation(t))
	require.NoError(t, err)
	srv.EditInvoice(company, "E1042", cancellation(t).Number, map[string]any{"InvoiceRef": "another"})
	_, err = c.APInvoices.Cancel(t.Context(), inv.VendorNum, inv.Number, cancellation(t))
	require.ErrorIs(t, err, epicor.ErrDiffers)
	srv.EditInvoice(company, "E1042", inv.Number, map[string]any{"RefCancelledby": ""})
	_, err = c.APInvoices.Cancel(t.Context(), inv.VendorNum, inv.Number, cancellation(t))
	var ie *epicor.APInvoiceError
	require.ErrorAs(t, err, &ie)
	require.Equal(t, epicor.NotCommitted, ie.Outcome)
}

func TestAWholeTablesetGoesBackWithEveryChange(t *testing.T) {
	// options() let the fake refuse a tableset that lacks rows.
	srv, c := pair(t, nil)
	_, err := c.APInvoices.Create(t.Context(), mealWithImage(t))
	require.NoError(t, err)
	whole(t, srv, mealWithImage(t))
	srv, c = pair(t, &epicor.Options{Invoices: epicor.InvoiceOptions{LinesAtOnce: 1}})
	_, err = c.APInvoices.Create(t.Context(), meal(t))
	require.ErrorContains(t, err, "is missing", "the fake does check")
	require.Len(t, srv.Invoices(company), 1)
}

func TestAnAnswerAboutAnotherInvoiceIsNotTaken(t *testing.T) {
	srv := epicortest.New(options())
	seed(srv)
	in := meal(t)
	inv, err := client(t, srv, nil).APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	for _, x := range []tampering{
		{from: `"InvoiceNum":"CX-A1B2C3-1-E"`, into: `"InvoiceNum":"CX-A1B2C3-1-F"`}, {from: `"VendorNum":42`, into: `"VendorNum":43`},
	} {
		x.base, x.method = srv.Transport(), "GetByID"
		c := client(t, srv, &epicor.Options{HTTP: &http.Client{Transport: x}})
		_, err = c.APInvoices.Get(t.Context(), inv.VendorNum, inv.Number)
		require.ErrorContains(t, err, "asked was")
		require.NotErrorIs(t, err, epicor.ErrNotFound)
	}
}

func TestFindTakesNoInvoiceWithAnotherKeyFromAServerThatIgnoresTheCondition(t *testing.T) {
	srv := epicortest.New(options())
	seed(srv)
	in := meal(t)
	for i, key := range []string{in.Key, "another"} {
		in.Key, in.Number = key, "N"+string(rune('0'+i))
		_, err := client(t, srv, nil).APInvoices.Create(t.Context(), in)
		require.NoError(t, err)
	}
	c := client(t, srv, &epicor.Options{HTTP: &http.Client{Transport: hook{srv.Transport(), func(r *http.Request) {
		if q := r.URL.Query(); strings.HasSuffix(r.URL.Path, "/APInvoices") {
			q.Del("$filter")
			r.URL.RawQuery = q.Encode()
		}
	}}}})
	found, err := c.APInvoices.Find(t.Context(), "another")
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, "another", found[0].Key)
}

func TestTwoHeadersInOneAnswerAreNotNone(t *testing.T) {
	srv := epicortest.New(options())
	seed(srv)
	inv, err := client(t, srv, nil).APInvoices.Create(t.Context(), meal(t))
	require.NoError(t, err)
	x := tampering{base: srv.Transport(), method: "GetByID", from: `"APInvHed":[`, into: `"APInvHed":[{"InvoiceNum":"X"},`}
	c := client(t, srv, &epicor.Options{HTTP: &http.Client{Transport: x}})
	_, err = c.APInvoices.Get(t.Context(), inv.VendorNum, inv.Number)
	require.Error(t, err)
	require.NotErrorIs(t, err, epicor.ErrNotFound)
	require.Error(t, c.APInvoices.Delete(t.Context(), inv.VendorNum, inv.Number, inv.Key), "and not deleted either")
}

func TestTheOutcomeOfAnUnlockIsOnlyToldNotConfused(t *testing.T) {
	srv, c := pair(t, &epicor.Options{Tries: 1})
	in := meal(t)
	in.Lines[0].Splits[0].Account = "none"
	srv.Inject(epicortest.Fault{Path: "/UnlockAPGroup", Times: -1, Status: http.StatusServiceUnavailable})
	_, err := c.APInvoices.Create(t.Context(), in)
	var e *epicor.Error
	require.True(t, errors.As(err, &e) && e.Refused(), "the class is that of what failed first")
}

// rival lets another process of the same user complete the invoice in the moment
// in which the first one calls a method for the first time.
func rival(t *testing.T, method string, in epicor.APInvoiceInput) (*epicortest.Server, error) {
	t.Helper()
	var other *epicor.Client
	done := false
	srv, c := hooked(t, nil, nil, func(_ *epicortest.Server, r *http.Request) {
		if !done && strings.HasSuffix(r.URL.Path, method) {
			done = true
			_, err := other.APInvoices.Resume(context.WithoutCancel(r.Context()), in)
			require.NoError(t, err)
		}
	})
	ordered(srv)
	other = client(t, srv, nil)
	_, err := c.APInvoices.Create(t.Context(), in)
	require.True(t, done)
	return srv, err
}

func TestWhatSomebodyElseAddedMeanwhileIsNotAddedAgain(t *testing.T) {
	goods := goods(t)
	goods.Lines, goods.Taxes, goods.Attachments = goods.Lines[:1], nil, nil
	image := single(t)
	image.Attachments = mealWithImage(t).Attachments
	for name, x := range map[string]struct {
		method string
		in     epicor.APInvoiceInput
	}{
		"a line":              {"/GetNewAPInvDtlMiscellaneous", meal(t)},
		"a split":             {"/GetNewAPInvExp", meal(t)},
		"a file":              {"/GetNewAPInvHedAttch", image},
		"a line of a receipt": {"/SelectUninvoicedRcptLines", goods},
	} {
		srv, err := rival(t, x.method, x.in)
		require.ErrorIs(t, err, epicor.ErrConflict, name)
		require.ErrorContains(t, err, "somebody else added", name)
		got := srv.Invoices(company)
		require.Len(t, got, 1, name)
		require.Len(t, got[0].Lines, len(x.in.Lines), name)
		require.Len(t, got[0].Attachments, len(x.in.Attachments), name)
		require.Empty(t, srv.Locks(company), name)
	}
}

func TestCurrenciesWithOneFirstLetterHaveGroupsOfTheirOwnWhereTheStrategyIsWhole(t *testing.T) {
	srv, c := pair(t, &epicor.Options{Invoices: epicor.InvoiceOptions{Strategy: epicor.GroupByDayAndWholeCurrency}})
	srv.AddCurrencies(company, epicortest.Currency{Code: "UYU"})
	in := meal(t)
	usd, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	in.Number, in.Key, in.Currency = "N2", "K2", "UYU"
	uyu, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	require.NotEqual(t, usd.Group, uyu.Group)
	require.LessOrEqual(t, len(uyu.Group), 9)
}

func TestAGroupIsGivenFreeAfterARefusalThatPasses(t *testing.T) {
	for name, fault := range map[string]epicortest.Fault{
		"401":  {Status: http.StatusUnauthorized},
		"403":  {Status: http.StatusForbidden},
		"409":  {Status: http.StatusConflict},
		"410":  {Status: http.StatusGone},
		"HTML": {Status: http.StatusOK, Body: "<html>maintenance</html>"},
	} {
		t.Run(name, func(t *testing.T) {
			srv, c := pair(t, &epicor.Options{Tries: 1})
			fault.Path = "/UnlockAPGroup"
			srv.Inject(fault)
			_, err := c.APInvoices.Create(t.Context(), single(t))
			require.NoError(t, err)
			require.Empty(t, srv.Locks(company))
		})
	}
}

package epicorsync_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

func TestDeliverMakesTheSetThatFindThenCallsSame(t *testing.T) {
	srv, s := setup(t)
	d := report()
	require.Equal(t, connector.Absent, find(t, s, d).Presence)
	r, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	require.True(t, r.Final)
	require.Len(t, r.Made, 3)
	require.Equal(t, connector.Made{
		ID: "EPIC06/7/CX-A1B2C3-1-C", Number: "CX-A1B2C3-1-C", Company: company, Party: "CARDCO",
		Batch: "CX261030U", Date: "2026-10-30",
		Totals: []connector.Total{{Company: company, Currency: "USD", Amount: r.Made[0].Totals[0].Amount}},
	}, r.Made[0])
	require.Equal(t, "284", r.Made[0].Totals[0].Amount.String())
	require.Equal(t, "-14", r.Made[2].Totals[0].Amount.String())

	f := find(t, s, d)
	require.Equal(t, connector.Same, f.Presence, f.Why)
	require.Len(t, f.Receipt.Made, 3)
	for _, inv := range srv.Invoices(company) {
		require.Equal(t, d.Key(), inv.ExternalID)
		require.True(t, inv.Balanced())
	}
	require.Empty(t, srv.Locks(company))
}

func TestFiftyDeliveriesOfOneKeyMakeOneSet(t *testing.T) {
	srv, s := setup(t)
	for range 50 {
		_, err := s.Deliver(t.Context(), report())
		require.NoError(t, err)
	}
	require.Len(t, srv.Invoices(company), 3)
}

func TestDeliverCompletesASetThatBrokeOff(t *testing.T) {
	srv, s := setup(t)
	d := report()
	// The 5th commit is the second header.
	srv.Inject(epicortest.Fault{Path: "/UpdateMaster", Skip: 6, Drop: true, When: epicortest.After})
	_, err := s.Deliver(t.Context(), d)
	require.Error(t, err)
	require.NotErrorIs(t, err, connector.ErrRejected)
	f := find(t, s, d)
	require.Equal(t, connector.Partial, f.Presence)
	require.NotEmpty(t, f.Why)
	_, err = s.Deliver(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, connector.Same, find(t, s, d).Presence)
	require.Len(t, srv.Invoices(company), 3)
}

func TestFindCallsAnInvoiceWithoutOurKeyDifferent(t *testing.T) {
	_, s := setup(t)
	clerk := one("E1042", "CX-A1B2C3-1-E", "6410|200|00", "35.00")
	_, err := s.Deliver(t.Context(), clerk)
	require.NoError(t, err)
	f := find(t, s, report())
	require.Equal(t, connector.Different, f.Presence)
	require.Contains(t, f.Why, "CX-A1B2C3-1-E of vendor E1042")
	require.Empty(t, f.Receipt.Made)
}

func TestFindCallsAChangedInvoiceDifferent(t *testing.T) {
	for name, columns := range map[string]map[string]any{
		"the check total": {"DocInvoiceVendorAmt": dec("36.00")},
		"the currency":    {"CurrencyCode": "EUR"},
		"the apply date":  {"ApplyDate": epicortest.Date{Year: 2026, Month: 11, Day: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			srv, s := setup(t)
			_, err := s.Deliver(t.Context(), report())
			require.NoError(t, err)
			srv.EditInvoice(company, "E1042", "CX-A1B2C3-1-E", columns)
			f := find(t, s, report())
			require.Equal(t, connector.Different, f.Presence)
			_, err = s.Deliver(t.Context(), report())
			require.Error(t, err)
			require.NotErrorIs(t, err, connector.ErrRejected)
			require.Len(t, srv.Invoices(company), 3)
		})
	}
}

func TestAKeyThatSomebodyTookOffIsNotOursAnyMore(t *testing.T) {
	srv, s := setup(t)
	d := one("E1042", "N1", "6410|200|00", "35.00")
	_, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	srv.EditInvoice(company, "E1042", "N1", map[string]any{"ExternalID": ""})
	require.Equal(t, connector.Different, find(t, s, d).Presence)
	_, err = s.Reverse(t.Context(), d)
	require.NoError(t, err)
	require.Len(t, srv.Invoices(company), 1)
}

func TestReverseDeletesWhatBearsTheKeyAndNothingElse(t *testing.T) {
	srv, s := setup(t)
	other := one("E1042", "N1", "6410|200|00", "35.00")
	_, err := s.Deliver(t.Context(), other)
	require.NoError(t, err)
	_, err = s.Deliver(t.Context(), report())
	require.NoError(t, err)
	for range 2 {
		r, err := s.Reverse(t.Context(), report())
		require.NoError(t, err)
		require.True(t, r.Final)
		require.Len(t, srv.Invoices(company), 1)
	}
	require.Equal(t, connector.Absent, find(t, s, report()).Presence)
	require.Equal(t, connector.Same, find(t, s, other).Presence)
	require.Empty(t, srv.Locks(company))
}

func TestReverseTouchesNothingOnceOneOfTheSetIsPosted(t *testing.T) {
	srv, s := setup(t)
	_, err := s.Deliver(t.Context(), report())
	require.NoError(t, err)
	require.Nil(t, srv.Post(company, "CX261030U"))
	_, err = s.Reverse(t.Context(), report())
	var r *connector.Rejection
	require.ErrorAs(t, err, &r)
	require.Len(t, r.Issues, 3)
	require.Equal(t, "posted_needs_cancellation", r.Issues[0].Code)
	require.Len(t, srv.Invoices(company), 3)
}

func TestReverseTakesACancelledInvoiceForReversed(t *testing.T) {
	srv, s := setup(t)
	d := one("E1042", "N1", "6410|200|00", "35.00")
	_, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	require.Nil(t, srv.Post(company, "CX261030U"))
	srv.EditInvoice(company, "E1042", "N1", map[string]any{"RefCancelledby": "N1-C"})
	require.Equal(t, connector.Different, find(t, s, d).Presence)
	_, err = s.Reverse(t.Context(), d)
	require.NoError(t, err)
}

func TestTheSecondGenerationOfAMadeUpNumberBearsItsGeneration(t *testing.T) {
	srv, s := setup(t)
	d := one("E1042", "N1", "6410|200|00", "35.00")
	d.Generation = 2
	_, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	_, ok := srv.Invoice(company, "E1042", "N1-2")
	require.True(t, ok)

	own := one("CARDCO", "INV 7", "6410|200|00", "35.00")
	own.Generation, own.Posting.Invoices[0].MadeUp = 3, false
	_, err = s.Deliver(t.Context(), own)
	require.NoError(t, err)
	_, ok = srv.Invoice(company, "CARDCO", "INV 7")
	require.True(t, ok)
}

func TestANumberIsNeverCut(t *testing.T) {
	srv, s := setup(t)
	d := one("E1042", "N234567890123456789012345678901234567890123456789", "6410|200|00", "35.00")
	require.Len(t, d.Posting.Invoices[0].Number, 49)
	_, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	d.Generation = 2
	is := rejected(t, func() error { _, err := s.Deliver(t.Context(), d); return err }())
	require.Equal(t, "number_too_long", is.Code)
	require.Len(t, srv.Invoices(company), 1)
}

func TestATakenNumberIsRejectedInEitherFormOfTheRefusal(t *testing.T) {
	for _, form := range []epicortest.Duplicate{epicortest.DuplicateConflict, epicortest.DuplicateBusiness} {
		srv := server(&epicortest.Options{Duplicate: form})
		s := epicorsync.Invoices(client(t, srv, epicor.Options{Tries: 1}), nil)
		clerk := one("CARDCO", "INV 7", "6410|200|00", "35.00")
		_, err := s.Deliver(t.Context(), clerk)
		require.NoError(t, err)
		d := clerk
		d.Ref.ID = "another"
		_, err = s.Deliver(t.Context(), d)
		require.Equal(t, "invoice_number_taken", rejected(t, err).Code)
		require.Len(t, srv.Invoices(company), 1)
	}
}

// lister answers the first lists of invoices as if nothing stood there.
type lister struct {
	base http.RoundTripper
	left int
}

func (l *lister) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodGet && l.left > 0 && req.URL.Query().Get("$filter") != "" {
		l.left--
		q := req.URL.Query()
		q.Set("$filter", "InvoiceNum eq 'no such number'")
		req = req.Clone(req.Context())
		req.URL.RawQuery = q.Encode()
	}
	return l.base.RoundTrip(req)
}

func TestADuplicateRefusalIsOursWhenItBearsOurKey(t *testing.T) {
	for _, form := range []epicortest.Duplicate{epicortest.DuplicateConflict, epicortest.DuplicateBusiness} {
		srv := server(&epicortest.Options{Duplicate: form})
		s := epicorsync.Invoices(client(t, srv, epicor.Options{Tries: 1}), nil)
		d := one("E1042", "N1", "6410|200|00", "35.00")
		_, err := s.Deliver(t.Context(), d)
		require.NoError(t, err)

		// Another process made it since: the look before sees nothing, the write is refused.
		cred := epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword)
		blind, err := epicor.NewClient(srv.Root(company), cred, &epicor.Options{
			AllowHTTP: true, HTTP: &http.Client{Transport: &lister{srv.Transport(), 2}},
		})
		require.NoError(t, err)
		r, err := epicorsync.Invoices(blind, nil).Deliver(t.Context(), d)
		require.NoError(t, err)
		require.Len(t, r.Made, 1)
		require.Len(t, srv.Invoices(company), 1)
	}
}

func TestPostedIsFinalOnlyWhenTheFlowPromisesIt(t *testing.T) {
	srv := server(nil)
	c := client(t, srv, epicor.Options{})
	s := epicorsync.Invoices(c, &epicorsync.InvoicesOptions{Final: epicorsync.Posted})
	r, err := s.Deliver(t.Context(), report())
	require.NoError(t, err)
	require.False(t, r.Final)
	require.False(t, find(t, s, report()).Receipt.Final)
	require.Nil(t, srv.Post(company, "CX261030U"))
	f := find(t, s, report())
	require.Equal(t, connector.Same, f.Presence)
	require.True(t, f.Receipt.Final)
}

func TestStandingTiesOutByCurrencyFromWhatEpicorHolds(t *testing.T) {
	srv, s := setup(t)
	srv.AddCurrencies(company, epicortest.Currency{Code: "EUR", Rate: dec("1.1")})
	srv.AddVendors(company, epicortest.Vendor{Num: 70, ID: "EURO", Currency: "EUR"})
	_, err := s.Deliver(t.Context(), report())
	require.NoError(t, err)
	euro := one("EURO", "R-1", "6410|200|00", "10.10")
	euro.Posting.Invoices[0].Currency = "EUR"
	_, err = s.Deliver(t.Context(), euro)
	require.NoError(t, err)
	late := one("E1042", "LATE", "6410|200|00", "1.00")
	late.Posting.Invoices[0].ApplyDate = "2026-11-01"
	_, err = s.Deliver(t.Context(), late)
	require.NoError(t, err)
	clerk := one("E1042", "CLERK", "6410|200|00", "99.00")
	_, err = s.Deliver(t.Context(), clerk)
	require.NoError(t, err)
	srv.EditInvoice(company, "E1042", "CLERK", map[string]any{"ExternalID": "entered by hand"})

	got, err := s.Standing(t.Context(), "2026-10-01", "2026-10-31")
	require.NoError(t, err)
	require.Len(t, got, 4)
	sums := map[string]decimal.Decimal{}
	for _, total := range epicorsync.Totals(got) {
		sums[total.Currency] = total.Amount
	}
	require.Len(t, sums, 2)
	require.Equal(t, "305", sums["USD"].String())
	require.Equal(t, "10.1", sums["EUR"].String())
}

func TestAForeignCompanyIsRejectedBeforeAnythingIsSent(t *testing.T) {
	srv, s := setup(t)
	d := report()
	d.Posting.Company = "EPIC07"
	_, err := s.Deliver(t.Context(), d)
	require.Equal(t, "company_foreign", rejected(t, err).Code)
	require.Empty(t, srv.Calls())
}

func TestAPostingThatDoesNotAddUpIsRejectedBeforeAnythingIsSent(t *testing.T) {
	srv, s := setup(t)
	d := report()
	d.Posting.Invoices[0].Amount = dec("284.01")
	_, err := s.Deliver(t.Context(), d)
	require.Equal(t, string(document.PostingMismatch), rejected(t, err).Code)
	require.Empty(t, srv.Calls())
}

func TestRefusalsNameWhatToMendAndReverseLeavesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		d     delivery
		code  string
		value string
		needs string
		field string
	}{
		"an inactive vendor":                        {d: one("OLD", "N1", "6410|200|00", "5.00"), code: "vendor_inactive", value: "OLD", needs: "vendor/OLD", field: "invoice 1"},
		"a missing vendor":                          {d: one("NOBODY", "N1", "6410|200|00", "5.00"), code: "vendor_missing", value: "NOBODY", needs: "vendor/NOBODY", field: "invoice 1"},
		"an inactive account":                       {d: one("E1042", "N1", "6999|200|00", "5.00"), code: "account_inactive", value: "6999|200|00", needs: "glaccount/6999|200|00", field: "invoice 1, line 1, split 1"},
		"an account closed on the apply date (R62)": {d: one("E1042", "N1", "6500|200|00", "5.00"), code: "account_inactive", value: "6500|200|00", needs: "glaccount/6500|200|00", field: "invoice 1, line 1, split 1"},
		"a missing account":                         {d: one("E1042", "N1", "6411|200|00", "5.00"), code: "account_unknown", value: "6411|200|00", needs: "glaccount/6411|200|00", field: "invoice 1, line 1, split 1"},
		"no payment terms":                          {d: one("NOTERMS", "N1", "6410|200|00", "5.00"), code: "terms_missing", value: "NOTERMS", field: "invoice 1"},
	} {
		t.Run(name, func(t *testing.T) {
			srv, s := setup(t)
			_, err := s.Deliver(t.Context(), c.d)
			is := rejected(t, err)
			require.Equal(t, c.code, is.Code)
			require.Equal(t, c.value, is.Value)
			require.Equal(t, c.needs, is.Needs)
			require.Equal(t, c.field, is.Field)
			_, err = s.Reverse(t.Context(), c.d)
			require.NoError(t, err)
			require.Empty(t, srv.Invoices(company))
			require.Empty(t, srv.Locks(company))
		})
	}
}

func TestAClosedPeriodIsRejected(t *testing.T) {
	srv, s := setup(t)
	srv.ClosePeriod(company, 2026, 10)
	_, err := s.Deliver(t.Context(), report())
	is := rejected(t, err)
	require.Equal(t, "period_closed", is.Code)
	require.Equal(t, "2026-10-30", is.Value)
	require.Empty(t, srv.Invoices(company))
}

func TestAllOrNothingAfterOneOfTheSetIsRefused(t *testing.T) {
	srv, s := setup(t)
	d := report()
	d.Posting.Invoices[2].Lines[0].Splits[0].Account = "6999|200|00"
	_, err := s.Deliver(t.Context(), d)
	is := rejected(t, err)
	require.Equal(t, "account_inactive", is.Code)
	require.Equal(t, "invoice 3, line 1, split 1", is.Field)
	require.Len(t, srv.Invoices(company), 3)
	_, err = s.Reverse(t.Context(), d)
	require.NoError(t, err)
	require.Empty(t, srv.Invoices(company))
}

func TestAQuestionInAnAnswerOf200IsARejection(t *testing.T) {
	for _, table := range []string{"APInvHed", "APInvDtl"} {
		for _, p := range []epicortest.Prompt{
			{Table: table, RequiresUserInput: true, Message: "Really?"},
			{Table: table, NotRun: true, Message: "Really?"},
		} {
			srv, s := setup(t)
			srv.Prompt(p)
			_, err := s.Deliver(t.Context(), report())
			is := rejected(t, err)
			require.Equal(t, "epicor_question", is.Code)
			require.Contains(t, is.Message, "Really?")
			_, err = s.Reverse(t.Context(), report())
			require.NoError(t, err)
			require.Empty(t, srv.Invoices(company))
		}
	}
}

func TestAWarningBesideACommitIsANote(t *testing.T) {
	srv, s := setup(t)
	srv.Prompt(epicortest.Prompt{Message: "The supplier is on hold."})
	r, err := s.Deliver(t.Context(), one("HELD", "N1", "6410|200|00", "5.00"))
	require.NoError(t, err)
	require.Contains(t, r.Notes, "N1: The supplier is on hold.")
	require.Contains(t, r.Notes, "N1: Supplier HELD is on payment hold.")
}

func TestAGroupThatAClerkWorksInIsWaitedFor(t *testing.T) {
	srv, s := setup(t)
	srv.AddGroups(company, epicortest.Group{ID: "CX261030U", CreatedBy: epicortest.DefaultUser, LockedBy: "clerk"})
	_, err := s.Deliver(t.Context(), report())
	require.Error(t, err)
	require.NotErrorIs(t, err, connector.ErrRejected)
	require.NotErrorIs(t, err, connector.ErrConnection)
	require.Equal(t, map[string]string{"CX261030U": "clerk"}, srv.Locks(company))
	srv.LockGroup(company, "CX261030U", "")
	_, err = s.Deliver(t.Context(), report())
	require.NoError(t, err)
}

func TestAGroupThatAKilledProcessLeftLockedIsGivenFreeWhenTheSetIsFound(t *testing.T) {
	srv, s := setup(t)
	_, err := s.Deliver(t.Context(), report())
	require.NoError(t, err)
	srv.LockGroup(company, "CX261030U", epicortest.DefaultUser)
	require.Equal(t, connector.Same, find(t, s, report()).Presence)
	require.Empty(t, srv.Locks(company))
}

func TestALockOfAClerkIsLeftAloneWhenTheSetIsFound(t *testing.T) {
	srv, s := setup(t)
	_, err := s.Deliver(t.Context(), report())
	require.NoError(t, err)
	srv.LockGroup(company, "CX261030U", "clerk")
	require.Equal(t, connector.Same, find(t, s, report()).Presence)
	require.Equal(t, map[string]string{"CX261030U": "clerk"}, srv.Locks(company))
}

func TestAGroupThatSomebodyElseMadeIsNeverEntered(t *testing.T) {
	srv, s := setup(t)
	srv.AddGroups(company, epicortest.Group{ID: "CX261030U", CreatedBy: "clerk"})
	_, err := s.Deliver(t.Context(), report())
	require.Equal(t, "group_foreign", rejected(t, err).Code)
	require.Empty(t, srv.Invoices(company))
	require.Empty(t, srv.Locks(company))
}

func TestCredentialFaultsPauseTheConnection(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*epicortest.Server)
		says  string
	}{
		"a revoked key": {func(s *epicortest.Server) { s.RemoveKey(epicortest.DefaultAPIKey) }, "API key"},
		"a new password": {func(s *epicortest.Server) {
			s.AddUsers(epicortest.User{Name: epicortest.DefaultUser, Password: "another"})
		}, "password"},
		"a scope without the method": {func(s *epicortest.Server) {
			s.AddKeys(epicortest.APIKey{Key: epicortest.DefaultAPIKey, Scope: []epicortest.Right{{Service: "Erp.BO.VendorSvc"}}})
		}, "Erp.BO.APInvoiceSvc/APInvoices"},
		"a missing right": {func(s *epicortest.Server) {
			s.AddUsers(epicortest.User{
				Name: epicortest.DefaultUser, Password: epicortest.DefaultPassword,
				Denied: []epicortest.Right{{Service: "Erp.BO.APInvoiceSvc", Method: "UpdateMaster"}},
			})
		}, "Erp.BO.APInvoiceSvc/UpdateMaster"},
	} {
		t.Run(name, func(t *testing.T) {
			srv, s := setup(t)
			c.spoil(srv)
			_, err := s.Deliver(t.Context(), report())
			require.ErrorIs(t, err, connector.ErrConnection)
			require.NotErrorIs(t, err, connector.ErrRejected)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), epicortest.DefaultAPIKey)
			require.NotContains(t, err.Error(), epicortest.DefaultPassword)
			require.Empty(t, srv.Invoices(company))
		})
	}
}

func TestFindSaysThatItCouldNotLook(t *testing.T) {
	srv, s := setup(t)
	srv.Inject(epicortest.Fault{Drop: true, Times: -1})
	_, err := s.Find(t.Context(), report())
	require.Error(t, err)
	_, err = s.Reverse(t.Context(), report())
	require.Error(t, err)
	require.NotErrorIs(t, err, connector.ErrRejected)
}

func TestACallerThatGoesAwayLeavesNoLock(t *testing.T) {
	srv, s := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	srv.Inject(epicortest.Fault{Path: "/UpdateMaster", Skip: 1, Match: func(*http.Request) bool { cancel(); return true }})
	_, err := s.Deliver(ctx, report())
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, srv.Locks(company))
	_, err = s.Deliver(t.Context(), report())
	require.NoError(t, err)
	require.Equal(t, connector.Same, find(t, s, report()).Presence)
}

func TestADuplicateOfTheSameContentWithoutOurKeyIsNotOurs(t *testing.T) {
	srv, s := setup(t)
	d := one("E1042", "N1", "6410|200|00", "35.00")
	_, err := s.Deliver(t.Context(), d)
	require.NoError(t, err)
	cred := epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword)
	blind, err := epicor.NewClient(srv.Root(company), cred, &epicor.Options{
		AllowHTTP: true, HTTP: &http.Client{Transport: &lister{srv.Transport(), 2}},
	})
	require.NoError(t, err)
	d.Ref.ID = "another document"
	_, err = epicorsync.Invoices(blind, nil).Deliver(t.Context(), d)
	require.Equal(t, "invoice_number_taken", rejected(t, err).Code)
}

func TestATokenThatRunsOutDuringAWriteIsNoFaultOfTheConnection(t *testing.T) {
	srv := server(nil)
	tokens, err := epicor.TokenResource(srv.TokenURL(), epicortest.DefaultUser, epicortest.DefaultPassword,
		&epicor.TokenResourceOptions{AllowHTTP: true, HTTP: srv.Client()})
	require.NoError(t, err)
	c, err := epicor.NewClient(srv.Root(company), epicor.Bearer(epicortest.DefaultAPIKey, tokens),
		&epicor.Options{AllowHTTP: true, HTTP: srv.Client(), Tries: 1})
	require.NoError(t, err)
	s := epicorsync.Invoices(c, nil)
	srv.Inject(epicortest.Fault{Path: "/UpdateMaster", Skip: 2, Match: func(*http.Request) bool { srv.ExpireTokens(); return true }})
	_, err = s.Deliver(t.Context(), report())
	srv.ClearFaults()
	require.ErrorIs(t, err, epicor.ErrUnauthorized)
	require.NotErrorIs(t, err, connector.ErrConnection)
	require.NotErrorIs(t, err, connector.ErrRejected)
	_, err = s.Deliver(t.Context(), report())
	require.NoError(t, err)
	require.Equal(t, connector.Same, find(t, s, report()).Presence)
}

func TestWhatEpicorAddsByItselfIsTakenBackAndNamed(t *testing.T) {
	srv := server(nil)
	cred := epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword)
	c, err := epicor.NewClient(srv.Root(company), cred, &epicor.Options{
		AllowHTTP: true, HTTP: &http.Client{Transport: taxing{srv.Transport()}},
	})
	require.NoError(t, err)
	s := epicorsync.Invoices(c, nil)
	_, err = s.Deliver(t.Context(), report())
	is := rejected(t, err)
	require.Equal(t, "invoice_differs", is.Code)
	require.Contains(t, is.Message, "7.77 of tax")
	_, err = s.Reverse(t.Context(), report())
	require.NoError(t, err)
	require.Empty(t, srv.Invoices(company))
}

// taxing is an Epicor that puts tax on every invoice.
type taxing struct{ base http.RoundTripper }

func (x taxing) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := x.base.RoundTrip(req)
	if err != nil || req.Method != http.MethodGet {
		return res, err
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(strings.NewReader(strings.ReplaceAll(string(b), `"DocTaxAmt":0`, `"DocTaxAmt":7.77`)))
	return res, nil
}

// forgetful takes the key off whatever is saved, as a customisation might.
type forgetful struct {
	http.RoundTripper
	key string
}

func (f forgetful) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && strings.HasSuffix(r.URL.Path, "/UpdateMaster") {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		b = bytes.ReplaceAll(b, []byte(f.key), nil)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	}
	return f.RoundTripper.RoundTrip(r)
}

func TestAnEpicorThatTakesTheKeyOffIsNeverSentASecondInvoice(t *testing.T) {
	srv := server(nil)
	d := report()
	cred := epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword)
	c, err := epicor.NewClient(srv.Root(company), cred, &epicor.Options{
		AllowHTTP: true, Tries: 1, HTTP: &http.Client{Transport: forgetful{srv.Transport(), d.Key()}},
	})
	require.NoError(t, err)
	s := epicorsync.Invoices(c, nil)
	_, err = s.Deliver(t.Context(), d)
	require.ErrorIs(t, err, epicor.ErrKeyLost)
	require.NotErrorIs(t, err, connector.ErrRejected, "a refusal would be taken back by the key, which finds nothing, and be sent again under another number")
	f := find(t, s, d)
	require.Equal(t, connector.Different, f.Presence)
	require.Contains(t, f.Why, "without the key")
	require.Len(t, srv.Invoices(company), 1)
	require.Empty(t, srv.Invoices(company)[0].Lines, "nothing is added to what cannot be found again")
}

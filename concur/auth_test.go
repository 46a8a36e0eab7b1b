package concur_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// office is a fake, a company with one owner, and a client that is connected.
type office struct {
	*concurtest.Server
	company *concurtest.Company
	owner   concurtest.User
	store   *concur.MemoryTokenStore
	tokens  *concur.TokenSource
	client  *concur.Client
}

func (o *office) app() concur.App {
	a := o.App()
	return concur.App{ClientID: a.ClientID, ClientSecret: concur.Secret(a.ClientSecret)}
}

// source is a process of its own over the office's store.
func (o *office) source(t *testing.T, store concur.TokenStore) *concur.TokenSource {
	t.Helper()
	var allow []string
	for _, dc := range o.DataCenters() {
		allow = append(allow, dc.URL)
	}
	s, err := concur.NewTokenSource(o.app(), store, &concur.TokenOptions{HTTP: o.Client(), AllowHosts: allow, BootstrapURL: o.URL})
	require.NoError(t, err)
	return s
}

func open(t *testing.T, s *concurtest.Server) *office {
	t.Helper()
	o := &office{Server: s, store: concur.NewMemoryTokenStore()}
	o.company = s.AddCompany("Acme", nil)
	o.owner = o.company.AddUser(concurtest.User{Login: "ada@acme.example", FirstName: "Ada", LastName: "Adams", EmployeeNumber: "E100"})
	o.tokens = o.source(t, o.store)
	o.client = concur.NewClient(o.tokens, nil)
	_, err := o.tokens.Connect(t.Context(), o.company.ID, concur.Secret(o.company.RequestToken()))
	require.NoError(t, err)
	return o
}

// listening is an office on loopback: real sockets.
func listening(t *testing.T, opts *concurtest.Options) *office {
	t.Helper()
	return open(t, concurtest.NewServer(t, opts))
}

// inProcess is an office without sockets, also for synctest bubbles.
func inProcess(t *testing.T, opts *concurtest.Options) *office {
	t.Helper()
	s := concurtest.New(opts)
	t.Cleanup(s.Close)
	return open(t, s)
}

func (o *office) report(amount string) concurtest.Report {
	return o.company.AddApprovedReport(concurtest.Report{
		Owner: "ada@acme.example", Name: "March",
		Expenses: []concurtest.Expense{{Type: "LUNCH", Amount: concurtest.Amount(amount)}},
	})
}

func TestConnectBootstrapsAtTheLandingZoneAndReadsAtTheGeolocation(t *testing.T) {
	t.Parallel()
	o := listening(t, nil)
	r := o.report("12.50")
	got, err := o.client.Reports.Get(t.Context(), o.owner.ID, r.ID)
	require.NoError(t, err)
	require.Equal(t, "12.50", got.ApprovedAmount.Value.Value().StringFixed(2))
	calls := o.Calls()
	require.Equal(t, strings.TrimPrefix(o.URL, "http://"), calls[0].Host)
	require.Equal(t, strings.TrimPrefix(o.company.BaseURL(), "http://"), calls[1].Host)
}

func TestTokenCallSendsFormWithoutCharset(t *testing.T) {
	t.Parallel()
	o := inProcess(t, nil)
	call := o.CallsTo("/oauth2/v0/token")[0]
	require.Equal(t, "application/x-www-form-urlencoded", call.Header.Get("Content-Type"))
	form, err := url.ParseQuery(string(call.Request))
	require.NoError(t, err)
	require.Equal(t, []string{"password", "authtoken", o.company.ID}, []string{form.Get("grant_type"), form.Get("credtype"), form.Get("username")})
	require.Empty(t, call.Query)
}

func TestTwoHundredGoroutinesMeetingAnExpiredTokenMakeOneTokenCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := inProcess(t, nil)
		r := o.report("12.50")
		time.Sleep(2 * time.Hour) //nolint:forbidigo // virtual time
		o.ResetCalls()
		var wg sync.WaitGroup
		errs := make([]error, 200)
		for i := range errs {
			wg.Go(func() { _, errs[i] = o.client.Reports.Get(t.Context(), o.owner.ID, r.ID) })
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		require.Len(t, o.CallsTo("/oauth2/v0/token"), 1)
	})
}

func TestTwoHundredGoroutinesRefusedTogetherMakeOneTokenCall(t *testing.T) {
	t.Parallel()
	o := listening(t, nil)
	r := o.report("12.50")
	o.company.ExpireTokens()
	o.ResetCalls()
	var wg sync.WaitGroup
	errs := make([]error, 200)
	for i := range errs {
		wg.Go(func() { _, errs[i] = o.client.Reports.Get(t.Context(), o.owner.ID, r.ID) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, o.CallsTo("/oauth2/v0/token"), 1)
}

func TestRefreshFollowsACompanyThatMovedToAnotherDataCentre(t *testing.T) {
	t.Parallel()
	o := listening(t, nil)
	r := o.report("12.50")
	o.company.Move("eu2")
	_, err := o.client.Reports.Get(t.Context(), o.owner.ID, r.ID)
	require.NoError(t, err)
	stored, _, err := o.store.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, o.company.BaseURL(), stored.Geolocation)
}

func TestRotatedRefreshTokenIsStoredBeforeTheNewAccessTokenIsUsed(t *testing.T) {
	t.Parallel()
	o := inProcess(t, nil)
	r := o.report("12.50")
	watch := &watchedStore{TokenStore: o.store, onSave: func(concur.Token) {
		require.Empty(t, o.CallsTo("/expensereports/"), "used before it was saved")
	}}
	client := concur.NewClient(o.source(t, watch), nil)
	o.company.ExpireTokens()
	before, _, err := o.store.Load(t.Context())
	require.NoError(t, err)
	_, err = client.Tokens().Refresh(t.Context())
	require.NoError(t, err)
	_, err = client.Reports.Get(t.Context(), o.owner.ID, r.ID)
	require.NoError(t, err)
	after, _, err := o.store.Load(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, string(before.RefreshToken), string(after.RefreshToken))
}

// watchedStore reports saves of new tokens and can fail them, or those of claims.
type watchedStore struct {
	concur.TokenStore
	onSave    func(concur.Token)
	fail      func() error
	failClaim error
}

func (s *watchedStore) Save(ctx context.Context, t concur.Token, rev string) (string, error) {
	if !t.Claimed.IsZero() {
		if s.failClaim != nil {
			return "", s.failClaim
		}
		return s.TokenStore.Save(ctx, t, rev)
	}
	if s.onSave != nil {
		s.onSave(t)
	}
	if s.fail != nil {
		if err := s.fail(); err != nil {
			return "", err
		}
	}
	return s.TokenStore.Save(ctx, t, rev)
}

func TestProcessThatEndsBetweenSaveAndUseLeavesAUsableToken(t *testing.T) {
	t.Parallel()
	o := inProcess(t, nil)
	r := o.report("12.50")
	_, err := o.tokens.Refresh(t.Context()) // and here the process ends
	require.NoError(t, err)
	next := concur.NewClient(o.source(t, o.store), nil)
	_, err = next.Reports.Get(t.Context(), o.owner.ID, r.ID)
	require.NoError(t, err)
}

func TestTokenWhoseSaveFailedIsSavedNextInsteadOfSpendingTheOldOne(t *testing.T) {
	t.Parallel()
	o := inProcess(t, nil)
	r := o.report("12.50")
	broken := errors.New("disk full")
	store := &watchedStore{TokenStore: o.store, fail: func() error { return broken }}
	tokens := o.source(t, store)
	client := concur.NewClient(tokens, nil)
	o.company.ExpireTokens() // what is stored buys nothing more but a refresh
	_, err := tokens.Refresh(t.Context())
	require.ErrorIs(t, err, broken)
	store.fail = nil
	o.ResetCalls()
	_, err = client.Reports.Get(t.Context(), o.owner.ID, r.ID)
	require.NoError(t, err)
	require.Empty(t, o.CallsTo("/oauth2/v0/token"), "the rotated token was spent already")
}

func TestRefreshTokenThatCouldNotBeClaimedIsNotSpent(t *testing.T) {
	t.Parallel()
	o := inProcess(t, nil)
	store := &watchedStore{TokenStore: o.store, failClaim: errors.New("disk full")}
	o.ResetCalls()
	_, err := o.source(t, store).Refresh(t.Context())
	require.ErrorContains(t, err, "claim token: disk full")
	require.Empty(t, o.spentTokens(t))
}

func TestTokenThatCouldNotBeSavedIsNotUsed(t *testing.T) {
	t.Parallel()
	o := inProcess(t, nil)
	r := o.report("12.50")
	store := &watchedStore{TokenStore: o.store, fail: func() error { return errors.New("disk full") }}
	client := concur.NewClient(o.source(t, store), nil)
	o.company.ExpireTokens()
	o.ResetCalls()
	_, err := client.Reports.Get(t.Context(), o.owner.ID, r.ID)
	require.ErrorContains(t, err, "save token: disk full")
	require.Len(t, o.CallsTo("/expensereports/"), 1, "only the call that was refused")
}

func TestTwoProcessesSharingAStoreBothGoOn(t *testing.T) {
	t.Parallel()
	o := inProcess(t, nil)
	r := o.report("12.50")
	clients := []*concur.Client{o.client, concur.NewClient(o.source(t, o.store), nil), concur.NewClient(o.source(t, o.store), nil)}
	for range 3 {
		o.company.ExpireTokens()
		var wg sync.WaitGroup
		errs := make([]error, len(clients))
		for i, c := range clients {
			wg.Go(func() { _, errs[i] = c.Reports.Get(t.Context(), o.owner.ID, r.ID) })
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
	}
}

func TestConflictOnSaveTakesTheTokenOfTheOtherProcess(t *testing.T) {
	t.Parallel()
	o := inProcess(t, &concurtest.Options{KeepRefreshToken: true})
	other := o.source(t, o.store)
	var once sync.Once
	store := &watchedStore{TokenStore: o.store, onSave: func(concur.Token) {
		once.Do(func() {
			// The claim ran out before we came back.
			claimed, rev, err := o.store.Load(context.Background())
			require.NoError(t, err)
			claimed.Claimed = time.Time{}
			_, err = o.store.Save(context.Background(), claimed, rev)
			require.NoError(t, err)
			_, err = other.Refresh(context.Background())
			require.NoError(t, err)
		})
	}}
	mine, err := o.source(t, store).Refresh(t.Context())
	require.NoError(t, err)
	theirs, err := other.Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, string(theirs.AccessToken), string(mine.AccessToken))
}

func TestConflictByTheTokenThatWasJustSpentKeepsTheNewOne(t *testing.T) {
	t.Parallel()
	o := inProcess(t, nil)
	var once sync.Once
	store := &watchedStore{TokenStore: o.store, onSave: func(concur.Token) {
		once.Do(func() {
			// Somebody seals what is stored with another key: the same token, another revision.
			same, rev, err := o.store.Load(context.Background())
			require.NoError(t, err)
			_, err = o.store.Save(context.Background(), same, rev)
			require.NoError(t, err)
		})
	}}
	mine, err := o.source(t, store).Refresh(t.Context())
	require.NoError(t, err)
	kept, _, err := o.store.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, string(mine.RefreshToken), string(kept.RefreshToken))
	_, err = o.source(t, o.store).Refresh(t.Context())
	require.NoError(t, err)
}

// lateStore lets something happen after the first load.
type lateStore struct {
	concur.TokenStore
	once sync.Once
	then func()
}

func (s *lateStore) Load(ctx context.Context) (concur.Token, string, error) {
	t, rev, err := s.TokenStore.Load(ctx)
	s.once.Do(s.then)
	return t, rev, err
}

func TestRefreshTokenThatAnotherProcessSpentFirstIsReplacedByTheirs(t *testing.T) {
	t.Parallel()
	o := inProcess(t, nil) // spends a refresh token once: the second gets code 108
	o.company.ExpireTokens()
	other := o.source(t, o.store)
	store := &lateStore{TokenStore: o.store, then: func() {
		_, err := other.Refresh(context.Background())
		require.NoError(t, err)
	}}
	stale, _, err := o.store.Load(t.Context())
	require.NoError(t, err)
	mine := o.source(t, &expired{store, stale})
	got, err := mine.Token(t.Context())
	require.NoError(t, err)
	theirs, err := other.Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, string(theirs.AccessToken), string(got.AccessToken))
}

// expired shows one token as if its time were up.
type expired struct {
	concur.TokenStore
	token concur.Token
}

func (s *expired) Load(ctx context.Context) (concur.Token, string, error) {
	t, rev, err := s.TokenStore.Load(ctx)
	if t.AccessToken == s.token.AccessToken {
		t.Expiry = time.Time{}
	}
	return t, rev, err
}

func TestCallerThatGivesUpDoesNotEndTheRefreshOfTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := inProcess(t, nil)
		time.Sleep(2 * time.Hour) //nolint:forbidigo // virtual time
		o.Inject(concurtest.Fault{Path: "/oauth2/v0/token", Delay: 10 * time.Second})
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		var gaveUp, patient error
		wg.Go(func() { _, gaveUp = o.tokens.Token(impatient) })
		synctest.Wait()
		wg.Go(func() { _, patient = o.tokens.Token(t.Context()) })
		wg.Wait()
		require.ErrorIs(t, gaveUp, context.DeadlineExceeded)
		require.NoError(t, patient)
	})
}

func TestRevokedConnectionSaysReconnect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := inProcess(t, nil)
		o.company.Revoke()
		time.Sleep(2 * time.Hour) //nolint:forbidigo // virtual time
		_, err := o.client.Users.Get(t.Context(), o.owner.ID)
		var refused *concur.TokenError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, concur.TokenCode(108), refused.Code)
		require.Equal(t, concur.TokenReconnect, refused.Class())
		require.ErrorIs(t, err, concur.ErrUnauthorized)
	})
}

func TestCallWithoutAStoredTokenSaysConnect(t *testing.T) {
	t.Parallel()
	o := inProcess(t, nil)
	_, err := o.source(t, concur.NewMemoryTokenStore()).Token(t.Context())
	require.ErrorIs(t, err, concur.ErrNoToken)
}

// spentTokens returns how often each refresh token was presented.
func (o *office) spentTokens(t *testing.T) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, c := range o.CallsTo("/oauth2/v0/token") {
		form, err := url.ParseQuery(string(c.Request))
		require.NoError(t, err)
		if form.Get("grant_type") == "refresh_token" {
			n[form.Get("refresh_token")]++
		}
	}
	return n
}

func TestProcessesSharingAStoreNeverSpendOneRefreshTokenTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := inProcess(t, nil)
		// A slow token endpoint, so that all meet the expired token while one exchanges it.
		o.Inject(concurtest.Fault{Path: "/oauth2/v0/token", Delay: time.Second, Times: -1})
		var processes []*concur.TokenSource
		for range 5 {
			processes = append(processes, o.source(t, o.store))
		}
		for range 4 {
			time.Sleep(2 * time.Hour) //nolint:forbidigo // virtual time inside the bubble
			var wg sync.WaitGroup
			for _, p := range processes {
				for range 10 {
					wg.Go(func() {
						_, err := p.Token(t.Context())
						assert.NoError(t, err)
					})
				}
			}
			wg.Wait()
		}
		spent := o.spentTokens(t)
		require.Len(t, spent, 4, "one exchange each time")
		for _, n := range spent {
			require.Equal(t, 1, n)
		}
	})
}

func TestClaimOfAProcessThatDiedRunsOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := inProcess(t, nil)
		time.Sleep(2 * time.Hour) //nolint:forbidigo // virtual time inside the bubble
		left, rev, err := o.store.Load(t.Context())
		require.NoError(t, err)
		left.Claimed = time.Now().Add(90 * time.Second)
		_, err = o.store.Save(t.Context(), left, rev)
		require.NoError(t, err)
		next := o.source(t, o.store)
		_, err = next.Token(t.Context())
		var waits interface{ RetryAfter() time.Duration }
		require.ErrorAs(t, err, &waits)
		require.Positive(t, waits.RetryAfter())
		require.LessOrEqual(t, waits.RetryAfter(), 2*time.Second, "an exchange takes a moment")
		time.Sleep(90 * time.Second) //nolint:forbidigo // virtual time inside the bubble
		_, err = next.Token(t.Context())
		require.NoError(t, err)
	})
}

func TestSecretsAreOpenedForEachTokenCallAndNotBefore(t *testing.T) {
	t.Parallel()
	o := inProcess(t, nil)
	opened := 0
	var failing error
	allow := []string{}
	for _, dc := range o.DataCenters() {
		allow = append(allow, dc.URL)
	}
	s, err := concur.NewTokenSource(concur.App{ClientID: o.app().ClientID}, o.store, &concur.TokenOptions{
		HTTP: o.Client(), AllowHosts: allow, BootstrapURL: o.URL,
		Secrets: func(context.Context) ([]concur.Secret, error) {
			opened++
			return []concur.Secret{"stale", o.app().ClientSecret}, failing
		},
	})
	require.NoError(t, err)
	require.Zero(t, opened)
	for n := 1; n <= 2; n++ {
		_, err = s.Refresh(t.Context())
		require.NoError(t, err)
		require.Equal(t, n, opened)
	}
	failing = errors.New("the vault is shut")
	o.ResetCalls()
	_, err = s.Refresh(t.Context())
	require.ErrorContains(t, err, "the vault is shut")
	require.Empty(t, o.CallsTo("/oauth2/"))
}

package concur_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
)

// endpoint answers the token endpoint by a function and everything else with a
// status by the access token.
type endpoint struct {
	token  func(form url.Values, n int) (status int, body string)
	status func(accessToken string) int
	wait   time.Duration // of a token call, which its context may end

	mu    sync.Mutex
	forms []url.Values
	calls []string // access tokens
	begun []time.Time
	ended []time.Time
}

func (v *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	respond := func(status int, body string) *http.Response {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
	}
	if !strings.HasPrefix(r.URL.Path, "/oauth2/") {
		access := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		v.mu.Lock()
		v.calls = append(v.calls, access)
		v.mu.Unlock()
		return respond(v.status(access), `{}`), nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	v.forms, v.begun = append(v.forms, form), append(v.begun, time.Now())
	n := len(v.forms)
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		v.ended = append(v.ended, time.Now())
		v.mu.Unlock()
	}()
	if v.wait > 0 {
		timer := time.NewTimer(v.wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if v.token != nil {
		return respond(v.token(form, n)), nil
	}
	return respond(200, granted(n)), nil
}

func granted(n int) string {
	return fmt.Sprintf(`{"access_token":"a%d","refresh_token":"r%d","expires_in":3600,"geolocation":%q}`, n, n, us2)
}

func (v *endpoint) asked() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.forms)
}

// process is a source over a store, with the vendor behind it.
func (v *endpoint) process(t *testing.T, store concur.TokenStore) *concur.TokenSource {
	t.Helper()
	s, err := concur.NewTokenSource(concur.App{ClientID: "id", ClientSecret: "hush", OtherSecret: "next"}, store, &concur.TokenOptions{HTTP: &http.Client{Transport: v}})
	require.NoError(t, err)
	return s
}

func kept(t *testing.T, token concur.Token) *concur.MemoryTokenStore {
	t.Helper()
	store := concur.NewMemoryTokenStore()
	token.Geolocation = us2
	_, err := store.Save(t.Context(), token, "")
	require.NoError(t, err)
	return store
}

// ran is a token whose access token has ended.
func ran() concur.Token {
	return concur.Token{AccessToken: "a0", RefreshToken: "r0", Expiry: time.Now().Add(-time.Hour), RefreshExpiry: time.Now().Add(time.Hour), Scopes: []string{"FISVC"}}
}

// living is a token that was issued so long ago.
func living(age time.Duration) concur.Token {
	return concur.Token{AccessToken: "a0", RefreshToken: "r0", Issued: time.Now().Add(-age), Expiry: time.Now().Add(time.Hour)}
}

func TestATokenCallEndsBeforeItsClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &endpoint{wait: 15 * time.Minute}
		store := kept(t, ran())
		began := time.Now()
		_, err := v.process(t, store).Token(t.Context())
		require.Error(t, err)
		require.NotEmpty(t, v.ended)
		for _, end := range v.ended {
			require.LessOrEqual(t, end.Sub(began), 80*time.Second, "the claim holds for 90 s")
		}
	})
}

// tardyStore takes its time to answer that a claim was saved.
type tardyStore struct {
	concur.TokenStore
	wait time.Duration
}

func (s *tardyStore) Save(ctx context.Context, t concur.Token, rev string) (string, error) {
	next, err := s.TokenStore.Save(ctx, t, rev)
	if !t.Claimed.IsZero() {
		timer := time.NewTimer(s.wait)
		defer timer.Stop()
		<-timer.C
	}
	return next, err
}

func TestAClaimThatTookLongToSaveLeavesItsTokenCallLessTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &endpoint{wait: 15 * time.Minute}
		store := kept(t, ran())
		began := time.Now()
		_, err := v.process(t, &tardyStore{store, 60 * time.Second}).Token(t.Context())
		require.Error(t, err)
		require.NotEmpty(t, v.ended)
		require.LessOrEqual(t, v.ended[len(v.ended)-1].Sub(began), 80*time.Second)
	})
}

func TestAClaimThatIsNearlyOverIsNotUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &endpoint{}
		_, err := v.process(t, &tardyStore{kept(t, ran()), 85 * time.Second}).Token(t.Context())
		var again interface{ Retryable() bool }
		require.ErrorAs(t, err, &again)
		require.True(t, again.Retryable())
		require.Zero(t, v.asked())
	})
}

func TestAProcessWhoseTokenCallFailedGoesOnUnderItsOwnClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, fails := range map[string]func() (int, string){
			"gateway": func() (int, string) { return 502, `<html>bad gateway</html>` },
			"server":  func() (int, string) { return 500, `{"error":"server_error"}` },
			"page":    func() (int, string) { return 403, `<html>no</html>` },
		} {
			down := true
			v := &endpoint{token: func(_ url.Values, n int) (int, string) {
				if down {
					return fails()
				}
				return 200, granted(n)
			}}
			store := kept(t, ran())
			mine, other := v.process(t, store), v.process(t, store)
			_, err := mine.Token(t.Context())
			require.Error(t, err, name)
			// Whether it was exchanged is not known: others wait, the one that knows goes on.
			asked := v.asked()
			_, err = other.Token(t.Context())
			require.ErrorContains(t, err, "another process", name)
			require.Equal(t, asked, v.asked(), name)
			down = false
			_, err = mine.Token(t.Context())
			require.NoError(t, err, name)
		}
	})
}

func TestARefusalThatIsCertainLetsTheOthersTry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := true
		v := &endpoint{token: func(_ url.Values, n int) (int, string) {
			if down {
				return 400, `{"code":59,"error":"unauthorized_client"}`
			}
			return 200, granted(n)
		}}
		store := kept(t, ran())
		_, err := v.process(t, store).Token(t.Context())
		require.ErrorIs(t, err, concur.ErrUnauthorized)
		down = false
		_, err = v.process(t, store).Token(t.Context())
		require.NoError(t, err)
	})
}

func TestNobodyIsAskedToReconnectWhileAnotherProcessMayHoldTheToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &endpoint{token: func(form url.Values, n int) (int, string) {
			if n > 1 && form.Get("refresh_token") == "r0" {
				return 400, `{"code":108,"error":"invalid_grant"}`
			}
			return 200, granted(n)
		}}
		store := kept(t, ran())
		broken := errors.New("disk full")
		failing := &watchedStore{TokenStore: store, fail: func() error { return broken }}
		holder, other := v.process(t, failing), v.process(t, store)
		_, err := holder.Token(t.Context())
		require.ErrorIs(t, err, broken)
		time.Sleep(91 * time.Second) //nolint:forbidigo // virtual time inside the bubble
		for range 3 {
			_, err = other.Token(t.Context())
			var again interface{ Retryable() bool }
			require.ErrorAs(t, err, &again)
			require.True(t, again.Retryable())
			require.NotErrorIs(t, err, concur.ErrUnauthorized)
		}
		require.Equal(t, 2, v.asked())
		failing.fail = nil
		_, err = holder.Token(t.Context())
		require.NoError(t, err)
		got, err := other.Token(t.Context())
		require.NoError(t, err)
		require.Equal(t, concur.Secret("a1"), got.AccessToken)
	})
}

func TestAPersonIsAskedWhereTheOtherProcessNeverComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &endpoint{token: func(url.Values, int) (int, string) { return 400, `{"code":108,"error":"invalid_grant"}` }}
		left := ran()
		left.Claimed = time.Now().Add(-time.Second)
		s := v.process(t, kept(t, left))
		_, err := s.Token(t.Context())
		require.NotErrorIs(t, err, concur.ErrUnauthorized)
		time.Sleep(11 * time.Minute) //nolint:forbidigo // virtual time inside the bubble
		_, err = s.Token(t.Context())
		require.ErrorIs(t, err, concur.ErrUnauthorized)
	})
}

func TestADeadRefreshTokenIsNotSentAgainWithEachCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &endpoint{token: func(form url.Values, n int) (int, string) {
			if form.Get("grant_type") == "refresh_token" {
				return 400, `{"code":108,"error":"invalid_grant"}`
			}
			return 200, granted(n)
		}}
		store := kept(t, ran())
		s := v.process(t, store)
		for range 5 {
			_, err := s.Token(t.Context())
			require.ErrorIs(t, err, concur.ErrUnauthorized)
		}
		require.Equal(t, 1, v.asked())
		// A new connection, made by another process, counts at once.
		_, err := v.process(t, store).Connect(t.Context(), "company", "request")
		require.NoError(t, err)
		_, err = s.Token(t.Context())
		require.NoError(t, err)
	})
}

func TestAnExpiredAccessTokenCostsOneExchange(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*concur.TokenSource) error{
		"Refresh": func(s *concur.TokenSource) error { _, err := s.Refresh(context.Background()); return err },
		"KeepAlive": func(s *concur.TokenSource) error {
			did, err := s.KeepAlive(context.Background(), 30*24*time.Hour)
			if !did {
				return errors.New("not refreshed")
			}
			return err
		},
	} {
		v := &endpoint{}
		require.NoError(t, do(v.process(t, kept(t, ran()))), name)
		require.Equal(t, 1, v.asked(), name)
	}
}

func TestWhatTheAnswerLeavesOutStaysAsItWas(t *testing.T) {
	t.Parallel()
	v := &endpoint{token: func(url.Values, int) (int, string) { return 200, `{"access_token":"a1","expires_in":3600}` }}
	before := ran()
	store := kept(t, before)
	_, err := v.process(t, store).Token(t.Context())
	require.NoError(t, err)
	got, _, err := store.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, concur.Secret("r0"), got.RefreshToken)
	require.Equal(t, before.RefreshExpiry, got.RefreshExpiry)
	require.Equal(t, []string{"FISVC"}, got.Scopes)
	require.Equal(t, us2, got.Geolocation)
}

func TestTheOtherSecretIsTriedForEachCodeThatRefusesOne(t *testing.T) {
	t.Parallel()
	for _, code := range []int{64, 115} {
		v := &endpoint{token: func(form url.Values, n int) (int, string) {
			if form.Get("client_secret") == "hush" {
				return 400, fmt.Sprintf(`{"code":%d,"error":"invalid_client"}`, code)
			}
			return 200, granted(n)
		}}
		_, err := v.process(t, kept(t, ran())).Token(t.Context())
		require.NoError(t, err, code)
		require.Equal(t, []string{"hush", "next"}, []string{v.forms[0].Get("client_secret"), v.forms[1].Get("client_secret")})
	}
}

func TestARefusedReadOfAYoungTokenCostsNoRotation(t *testing.T) {
	t.Parallel()
	v := &endpoint{status: func(string) int { return http.StatusForbidden }}
	c := concur.NewClient(v.process(t, kept(t, living(time.Second))), nil)
	for range 10 {
		_, err := c.Users.Get(t.Context(), ownerID)
		require.ErrorIs(t, err, concur.ErrForbidden)
	}
	require.Zero(t, v.asked())
}

func TestARefusedReadOfAnOldTokenCostsOneRotation(t *testing.T) {
	t.Parallel()
	v := &endpoint{status: func(string) int { return http.StatusForbidden }}
	c := concur.NewClient(v.process(t, kept(t, living(5*time.Minute))), nil)
	for range 10 {
		_, err := c.Users.Get(t.Context(), ownerID)
		require.ErrorIs(t, err, concur.ErrForbidden)
	}
	require.Equal(t, 1, v.asked())
}

func TestAWriteThatIsRefusedIsNotRepeatedAndTheNextCallHasANewToken(t *testing.T) {
	t.Parallel()
	v := &endpoint{status: func(access string) int {
		if access == "a0" {
			return http.StatusUnauthorized
		}
		return http.StatusNoContent
	}}
	c := concur.NewClient(v.process(t, kept(t, living(5*time.Minute))), nil)
	require.ErrorIs(t, c.Reports.Delete(t.Context(), reportID), concur.ErrUnauthorized)
	require.Equal(t, []string{"a0"}, v.calls)
	require.NoError(t, c.Reports.Delete(t.Context(), reportID))
	require.NoError(t, c.Reports.Delete(t.Context(), reportID))
	require.Equal(t, []string{"a0", "a1", "a1"}, v.calls)
	require.Equal(t, 1, v.asked())
}

func TestATokenOfConnectThatCouldNotBeSavedIsSavedByTheNextCall(t *testing.T) {
	t.Parallel()
	v := &endpoint{}
	store := concur.NewMemoryTokenStore()
	broken := errors.New("disk full")
	failing := &watchedStore{TokenStore: store, fail: func() error { return broken }}
	s := v.process(t, failing)
	lost, err := s.Connect(t.Context(), "company", "request")
	require.ErrorIs(t, err, broken)
	require.Equal(t, concur.Secret("a1"), lost.AccessToken)
	failing.fail = nil
	got, err := s.Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, concur.Secret("a1"), got.AccessToken)
	saved, _, err := store.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, concur.Secret("r1"), saved.RefreshToken)
}

func TestARedirectWithoutTheStateThatWasSentIsRefused(t *testing.T) {
	t.Parallel()
	stolen := url.Values{"code": {"stolen"}}
	_, err := concur.ParseAuthorization(stolen, "random", nil)
	require.ErrorContains(t, err, "state")
	_, err = concur.ParseAuthorization(stolen, "", nil)
	require.ErrorContains(t, err, "state")
	lenient := &concur.AuthorizationOptions{WithoutState: true}
	_, err = concur.ParseAuthorization(stolen, "random", lenient)
	require.NoError(t, err)
	_, err = concur.ParseAuthorization(url.Values{"code": {"stolen"}, "state": {"another"}}, "random", lenient)
	require.ErrorContains(t, err, "state")
}

package concur

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// writing is a client at a server, and the answers of the server by path.
func writing(t *testing.T, life time.Duration, resource http.HandlerFunc) (c *Client, bearers func() []string) {
	t.Helper()
	var mu sync.Mutex
	var seen []string
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	mux.HandleFunc("/oauth2/v0/token", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"access_token":"fresh","refresh_token":"r2","expires_in":3600,"geolocation":"` + srv.URL + `"}`))
	})
	mux.HandleFunc("/write", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r.Header.Get("Authorization"))
		mu.Unlock()
		resource(w, r)
	})
	mux.HandleFunc("/warm", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) })
	store := NewMemoryTokenStore()
	_, err := store.Save(t.Context(), Token{AccessToken: "first", RefreshToken: "r1", Geolocation: srv.URL, Expiry: time.Now().Add(life)}, "")
	require.NoError(t, err)
	tokens, err := NewTokenSource(App{ClientID: "id", ClientSecret: "hush"}, store, &TokenOptions{AllowHosts: []string{srv.URL}, BootstrapURL: srv.URL})
	require.NoError(t, err)
	c = NewClient(tokens, nil)
	require.NoError(t, c.do(t.Context(), request{operation: "Warm", path: "/warm", safe: true}, nil)) // a connection that is reused
	return c, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), seen...)
	}
}

func write(method string) request {
	return request{operation: "Write", method: method, path: "/write", body: map[string]int{"a": 1}}
}

func TestWriteThatIsRefusedIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403, 429, 500, 503} {
		c, seen := writing(t, time.Hour, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		require.Error(t, c.do(t.Context(), write(http.MethodPost), nil))
		require.Len(t, seen(), 1, status)
	}
}

func TestWriteWhoseAnswerIsLostOnAWarmConnectionIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		c, seen := writing(t, time.Hour, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		require.Error(t, c.do(t.Context(), write(method), nil), method)
		require.Len(t, seen(), 1, method)
	}
}

func TestWriteWithATokenThatIsAboutToEndRefreshesFirst(t *testing.T) {
	t.Parallel()
	c, seen := writing(t, 30*time.Second, func(http.ResponseWriter, *http.Request) {})
	require.NoError(t, c.do(t.Context(), write(http.MethodPost), nil))
	require.Equal(t, []string{"Bearer fresh"}, seen())
}

func TestWriteIsSentWithItsLength(t *testing.T) {
	t.Parallel()
	var length int64
	c, _ := writing(t, time.Hour, func(_ http.ResponseWriter, r *http.Request) { length = r.ContentLength })
	require.NoError(t, c.do(t.Context(), write(http.MethodPost), nil))
	require.Equal(t, int64(7), length)
}

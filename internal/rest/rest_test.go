package rest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/internal/rest"
)

// server answers with what the n-th call shall see, and counts.
func server(t *testing.T, answer func(n int64, w http.ResponseWriter, r *http.Request)) (*url.URL, *atomic.Int64) {
	t.Helper()
	var calls atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		answer(calls.Add(1), w, r)
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL + "/x?login=ada")
	require.NoError(t, err)
	return u, &calls
}

func request(t *testing.T, method string, u *url.URL, body []byte) *http.Request {
	t.Helper()
	r, err := rest.NewRequest(t.Context(), method, u, "application/json", body)
	require.NoError(t, err)
	return r
}

func client() *rest.Client {
	return rest.New(rest.Options{MinWait: time.Millisecond, MaxWait: 5 * time.Millisecond})
}

func half(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "100")
	_, _ = w.Write([]byte("half"))
	if f, ok := w.(http.Flusher); ok {
		f.Flush() // the beginning arrives, the rest never does
	}
	panic(http.ErrAbortHandler)
}

func TestSafeRepeatsAnAnswerThatBrokeOff(t *testing.T) {
	u, calls := server(t, func(n int64, w http.ResponseWriter, _ *http.Request) {
		if n == 1 {
			half(w)
		}
		_, _ = w.Write([]byte("whole"))
	})
	res, err := client().Safe(request(t, http.MethodGet, u, nil))
	require.NoError(t, err)
	require.Equal(t, "whole", string(res.Body))
	require.EqualValues(t, 2, calls.Load())
}

func TestSafeGivesUpOnAnswersThatKeepBreakingOff(t *testing.T) {
	u, calls := server(t, func(_ int64, w http.ResponseWriter, _ *http.Request) { half(w) })
	_, err := client().Safe(request(t, http.MethodGet, u, nil))
	require.ErrorContains(t, err, "broke off")
	require.EqualValues(t, rest.DefaultTries, calls.Load())
}

func TestOnceNeverRepeatsOnAWarmConnection(t *testing.T) {
	u, calls := server(t, func(n int64, w http.ResponseWriter, _ *http.Request) {
		if n == 2 {
			panic(http.ErrAbortHandler) // the answer is lost after the work was done
		}
		_, _ = w.Write([]byte("{}"))
	})
	c := client()
	warm := request(t, http.MethodPost, u, []byte("{}"))
	_, err := c.Once(warm)
	require.NoError(t, err)
	r := request(t, http.MethodPost, u, []byte("{}"))
	r.Header.Set("Idempotency-Key", "k") // makes net/http repeat by itself
	_, err = c.Once(r)
	require.Error(t, err)
	require.EqualValues(t, 2, calls.Load())
}

func TestOnceDoesNotFollowARedirect(t *testing.T) {
	u, calls := server(t, func(_ int64, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	res, err := client().Once(request(t, http.MethodPost, u, []byte("{}")))
	require.NoError(t, err)
	require.Equal(t, http.StatusTemporaryRedirect, res.Status)
	require.EqualValues(t, 1, calls.Load())
}

func TestSafeReturnsALongRetryAfterInsteadOfWaiting(t *testing.T) {
	u, calls := server(t, func(_ int64, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	res, err := client().Safe(request(t, http.MethodGet, u, nil))
	require.NoError(t, err)
	require.Equal(t, http.StatusTooManyRequests, res.Status)
	require.EqualValues(t, 1, calls.Load())
}

func TestSafeRepeatsAfterAServerError(t *testing.T) {
	u, calls := server(t, func(n int64, w http.ResponseWriter, _ *http.Request) {
		if n < 3 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	res, err := client().Safe(request(t, http.MethodGet, u, nil))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.Status)
	require.EqualValues(t, 3, calls.Load())
}

func TestAnErrorHoldsNoQuery(t *testing.T) {
	u, _ := server(t, func(_ int64, w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) })
	_, err := client().Once(request(t, http.MethodPost, u, []byte("{}")))
	require.NotContains(t, err.Error(), "ada")
}

func TestAnAnswerLargerThanTheBoundIsAnError(t *testing.T) {
	u, calls := server(t, func(_ int64, w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2000)) })
	_, err := rest.New(rest.Options{MaxBody: 1000}).Safe(request(t, http.MethodGet, u, nil))
	require.ErrorContains(t, err, "more than 1000 bytes")
	require.EqualValues(t, 1, calls.Load())
}

func TestACallWhoseContextEndedIsNotRetryable(t *testing.T) {
	u, _ := server(t, func(int64, http.ResponseWriter, *http.Request) {})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := rest.NewRequest(ctx, http.MethodPost, u, "", nil)
	require.NoError(t, err)
	_, err = client().Once(r)
	var e *rest.Error
	require.ErrorAs(t, err, &e)
	require.False(t, e.Retryable())
}

package concur_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
)

type anybody struct{}

func (anybody) VerifyEvent(*http.Request, []byte) error { return nil }

// taken delivers a body and returns what was answered and which event was given on.
func taken(t *testing.T, body string, companies ...string) (int, *concur.Event) {
	t.Helper()
	var got *concur.Event
	h := concur.NewEventHandler(func(_ context.Context, e concur.Event) error { got = &e; return nil }, &concur.EventOptions{Companies: companies, Verifier: anybody{}})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
	return w.Code, got
}

func TestAnEventThatNamesNoCompanyIsTakenWhereCompaniesAreChosen(t *testing.T) {
	t.Parallel()
	status, e := taken(t, `{"id":"1","eventType":"provisionCompleted","topic":"public.concur.user.provisioning","facts":{"provisionId":"p","success":true}}`, "x")
	require.Equal(t, 200, status)
	require.NotNil(t, e)
	status, e = taken(t, `{"id":"1","eventType":"statusChanged","topic":"public.concur.expense.report","facts":{"companyId":"y"}}`, "x")
	require.Equal(t, 200, status)
	require.Nil(t, e, "another company's")
}

func TestAnEventWhoseTopicIsANumberIsNotLost(t *testing.T) {
	t.Parallel()
	status, e := taken(t, `{"id":7,"eventType":9,"topic":5,"facts":{"a":1.50}}`)
	require.Equal(t, 200, status)
	require.Equal(t, "5", e.Topic)
	require.Equal(t, concur.EventType("9"), e.EventType)
	require.JSONEq(t, `{"id":7,"eventType":"9","topic":"5","facts":{"a":1.50}}`, encoded(t, e))
}

package concur_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// signingKey is made once: making one takes longer than all tests of a delivery.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func sign(t *testing.T, algorithm concur.SignatureAlgorithm, body []byte) string {
	t.Helper()
	digest := sha256.Sum256(body)
	var s []byte
	var err error
	if algorithm == concur.SignaturePKCS1v15 {
		s, err = rsa.SignPKCS1v15(rand.Reader, signingKey(), crypto.SHA256, digest[:])
	} else {
		s, err = rsa.SignPSS(rand.Reader, signingKey(), crypto.SHA256, digest[:], nil)
	}
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(s)
}

func verifier(t *testing.T) *concur.SignatureVerifier {
	t.Helper()
	v, err := concur.NewSignatureVerifier("", &signingKey().PublicKey)
	require.NoError(t, err)
	return v
}

// hook is a receiver with what it took and what it observed.
type hook struct {
	handler http.Handler
	mu      sync.Mutex
	taken   []concur.Event
	results []concur.EventResult
}

func newHook(opts concur.EventOptions, fn func(context.Context, concur.Event) error) *hook {
	h := &hook{}
	opts.Observe = func(r concur.EventResult) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.results = append(h.results, r)
	}
	h.handler = concur.NewEventHandler(func(ctx context.Context, e concur.Event) error {
		if fn != nil {
			if err := fn(ctx, e); err != nil {
				return err
			}
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.taken = append(h.taken, e)
		return nil
	}, &opts)
	return h
}

func (h *hook) post(t *testing.T, body, signature string) int {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/events", strings.NewReader(body))
	if signature != "" {
		r.Header.Set(concur.SignatureHeader, signature)
	}
	r.Header.Set("Concur-Correlationid", "corr-9")
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w.Code
}

const statusChanged = `{"id":"e1","correlationId":"c1","route":"stable","eventType":"statusChanged","topic":"public.concur.expense.report",
	"timeStamp":"2026-10-30T10:00:00.000+0000","facts":{"companyId":"12FC85EE-6f43-4d85-ba0d-94e844849dc1","reportId":"CB899F7D9F73420A8D8B",
	"userId":"45afdc31-0593-4e95-ba75-b094e9326b6d","actingUserId":null,"currentPaymentStatus":"P_PROC",
	"href":"https://us.api.concursolutions.com/expensereports/v4/users/f2d07d5f-7a6f-44fa-98c7-c4b405bd6ca3/context/TRAVELER/reports/CB899F7D9F73420A8D8B"}}`

func TestSignedEventIsTaken(t *testing.T) {
	t.Parallel()
	h := newHook(concur.EventOptions{Verifier: verifier(t)}, func(ctx context.Context, _ concur.Event) error {
		require.Equal(t, "corr-9", concur.Correlation(ctx))
		return nil
	})
	require.Equal(t, 200, h.post(t, statusChanged, sign(t, "", []byte(statusChanged))))
	require.Len(t, h.taken, 1)
	require.Equal(t, concur.StatusChanged, h.taken[0].EventType)
}

func TestDeliveriesAreAnsweredByTheContract(t *testing.T) {
	t.Parallel()
	other := `{"eventType":"statusChanged","topic":"public.concur.request","facts":{"companyId":"12fc85ee-6f43-4d85-ba0d-94e844849dc1"}}`
	foreign := `{"eventType":"statusChanged","topic":"public.concur.expense.report","facts":{"companyId":"somebody else"}}`
	for name, c := range map[string]struct {
		body     string
		unsigned bool
		fails    bool
		panics   bool
		status   int
		outcome  concur.EventOutcome
	}{
		"unsigned":        {body: statusChanged, unsigned: true, status: 401, outcome: concur.EventUnverified},
		"not JSON":        {body: `hello`, status: 400, outcome: concur.EventMalformed},
		"an array":        {body: `[]`, status: 400, outcome: concur.EventMalformed},
		"no event type":   {body: `{"topic":"x"}`, status: 400, outcome: concur.EventMalformed},
		"empty":           {body: ``, status: 400, outcome: concur.EventMalformed},
		"too large":       {body: `"` + strings.Repeat("x", concur.DefaultEventBody) + `"`, status: 413, outcome: concur.EventTooLarge},
		"foreign company": {body: foreign, status: 200, outcome: concur.EventIgnored},
		"foreign topic":   {body: other, status: 200, outcome: concur.EventIgnored},
		"our own doubt":   {body: statusChanged, fails: true, status: 503, outcome: concur.EventFailed},
		"our own panic":   {body: statusChanged, panics: true, status: 503, outcome: concur.EventFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHook(concur.EventOptions{
				Verifier: verifier(t), Companies: []string{"12fc85ee-6f43-4d85-ba0d-94e844849dc1"}, Topics: []string{"concur.expense.report"},
			}, func(context.Context, concur.Event) error {
				if c.panics {
					panic("no")
				}
				if c.fails {
					return errors.New("store is full")
				}
				return nil
			})
			signature := ""
			if !c.unsigned {
				signature = sign(t, "", []byte(c.body))
			}
			require.Equal(t, c.status, h.post(t, c.body, signature))
			require.Equal(t, []concur.EventOutcome{c.outcome}, []concur.EventOutcome{h.results[0].Outcome})
			require.Empty(t, h.taken)
		})
	}
}

func TestReadingAWebhookIsRefused(t *testing.T) {
	t.Parallel()
	h := newHook(concur.EventOptions{Verifier: verifier(t)}, nil)
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/events", nil))
	require.Equal(t, 405, w.Code)
	require.Equal(t, http.MethodPost, w.Header().Get("Allow"))
}

func TestHandlerWithoutAVerifierRefusesEverything(t *testing.T) {
	t.Parallel()
	h := newHook(concur.EventOptions{}, nil)
	require.Equal(t, 401, h.post(t, statusChanged, sign(t, "", []byte(statusChanged))))
	require.Empty(t, h.taken)
}

func TestSignatureOfOtherBytesIsRefused(t *testing.T) {
	t.Parallel()
	h := newHook(concur.EventOptions{Verifier: verifier(t)}, nil)
	require.Equal(t, 401, h.post(t, statusChanged+" ", sign(t, "", []byte(statusChanged))))
}

func TestVerifierTakesAnyOfItsKeys(t *testing.T) {
	t.Parallel()
	old, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	v, err := concur.NewSignatureVerifier(concur.SignaturePSS, &old.PublicKey, &signingKey().PublicKey)
	require.NoError(t, err)
	h := newHook(concur.EventOptions{Verifier: v}, nil)
	require.Equal(t, 200, h.post(t, statusChanged, sign(t, "", []byte(statusChanged))))
}

func TestAlgorithmIsTheOneThatWasSet(t *testing.T) {
	t.Parallel()
	v, err := concur.NewSignatureVerifier(concur.SignaturePKCS1v15, &signingKey().PublicKey)
	require.NoError(t, err)
	h := newHook(concur.EventOptions{Verifier: v}, nil)
	require.Equal(t, 200, h.post(t, statusChanged, sign(t, concur.SignaturePKCS1v15, []byte(statusChanged))))
	require.Equal(t, 401, h.post(t, statusChanged, sign(t, concur.SignaturePSS, []byte(statusChanged))))
}

func TestVerifierWantsKeysItCanTrust(t *testing.T) {
	t.Parallel()
	_, err := concur.NewSignatureVerifier("")
	require.ErrorContains(t, err, "at least one")
	_, err = concur.NewSignatureVerifier("HMAC", &signingKey().PublicKey)
	require.ErrorContains(t, err, "HMAC")
}

func TestKeysAreReadFromPEM(t *testing.T) {
	t.Parallel()
	der, err := x509.MarshalPKIXPublicKey(&signingKey().PublicKey)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&signingKey().PublicKey)})...)
	keys, err := concur.ParseSignatureKeys(text)
	require.NoError(t, err)
	require.Len(t, keys, 2)
	require.True(t, signingKey().Equal(signingKey()) && keys[1].Equal(&signingKey().PublicKey))
}

func TestOwnerOfAReportIsInTheLinkNotInTheUser(t *testing.T) {
	t.Parallel()
	e, err := concur.ParseEvent([]byte(statusChanged))
	require.NoError(t, err)
	f, err := e.Report()
	require.NoError(t, err)
	require.Equal(t, "f2d07d5f-7a6f-44fa-98c7-c4b405bd6ca3", f.Owner())
}

func TestTimeStampOfAnEventIsReadWithoutAColonInItsZone(t *testing.T) {
	t.Parallel()
	e, err := concur.ParseEvent([]byte(statusChanged))
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 10, 30, 10, 0, 0, 0, time.UTC), e.TimeStamp.Time())
}

func TestFactsOfAnotherTopicAreRefused(t *testing.T) {
	t.Parallel()
	e, err := concur.ParseEvent([]byte(statusChanged))
	require.NoError(t, err)
	_, err = e.Financial()
	require.ErrorContains(t, err, "financialintegration")
}

func TestEventsOfTheFakeArriveAndAreRepeatedWhileWeDoubt(t *testing.T) {
	t.Parallel()
	o := listening(t, &concurtest.Options{ManualDelivery: true})
	v, err := concur.NewSignatureVerifier("", o.SigningKey())
	require.NoError(t, err)
	var mu sync.Mutex
	doubt := true
	h := newHook(concur.EventOptions{Verifier: v, Companies: []string{o.company.ID}}, func(context.Context, concur.Event) error {
		mu.Lock()
		defer mu.Unlock()
		if doubt {
			doubt = false
			return errors.New("store is busy")
		}
		return nil
	})
	srv := httptest.NewServer(h.handler)
	t.Cleanup(srv.Close)
	o.Subscribe(concurtest.TopicReports, srv.URL, nil)
	r := o.company.AddReport(concurtest.Report{Owner: "ada@acme.example", Expenses: []concurtest.Expense{{Type: "LUNCH", Amount: concurtest.Amount("12.50")}}})
	remaining, err := o.Flush(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, remaining)
	remaining, err = o.Flush(t.Context())
	require.NoError(t, err)
	require.Zero(t, remaining)
	f, err := h.taken[0].Report()
	require.NoError(t, err)
	require.Equal(t, []string{r.ID, o.owner.ID}, []string{f.ReportID, f.Owner()})
}

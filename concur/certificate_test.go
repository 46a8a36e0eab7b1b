package concur_test

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// delivered lets the fake deliver one event over TLS to a handler and returns what
// it was answered, 0 for nothing.
func delivered(t *testing.T, opts concurtest.Options, server func(*tls.Config, *concurtest.Server), v concur.EventVerifier) int {
	t.Helper()
	opts.ManualDelivery, opts.Key = true, signingKey() // making a key takes longer than the rest
	handler := concur.NewEventHandler(func(context.Context, concur.Event) error { return nil }, &concur.EventOptions{Verifier: v})
	hook := httptest.NewUnstartedServer(handler)
	// The fake has to know the hook's authority, the hook the fake's.
	hook.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	opts.EndpointRoots = x509.NewCertPool()
	s := concurtest.New(&opts)
	t.Cleanup(s.Close)
	server(hook.TLS, s)
	hook.StartTLS()
	t.Cleanup(hook.Close)
	opts.EndpointRoots.AddCert(hook.Certificate())
	co := s.AddCompany("Acme", nil)
	co.AddUser(concurtest.User{Login: "ada@acme.example"})
	s.Subscribe(concurtest.TopicReports, hook.URL, nil)
	co.AddReport(concurtest.Report{Owner: "ada@acme.example", Expenses: []concurtest.Expense{{Type: "LUNCH", Amount: concurtest.Amount("1")}}})
	_, err := s.Flush(t.Context())
	require.NoError(t, err)
	require.Len(t, s.Deliveries(), 1)
	return s.Deliveries()[0].Status
}

func verified(c *tls.Config, s *concurtest.Server) {
	c.ClientAuth, c.ClientCAs = tls.VerifyClientCertIfGiven, s.ClientAuthority()
}

func TestTheClientCertificateIsCheckedByDefault(t *testing.T) {
	t.Parallel()
	require.Equal(t, 200, delivered(t, concurtest.Options{}, verified, nil))
}

func TestADeliveryWithoutACertificateIsRefusedByDefault(t *testing.T) {
	t.Parallel()
	require.Equal(t, 401, delivered(t, concurtest.Options{NoClientCertificate: true}, verified, nil))
}

func TestACertificateOfAnotherNameIsRefused(t *testing.T) {
	t.Parallel()
	require.Equal(t, 401, delivered(t, concurtest.Options{ClientName: "webhook.api.concursolutions.com.evil.example"}, verified, nil))
}

func TestACertificateThatNobodyVerifiedIsRefused(t *testing.T) {
	t.Parallel()
	require.Equal(t, 401, delivered(t, concurtest.Options{}, func(c *tls.Config, _ *concurtest.Server) { c.ClientAuth = tls.RequestClientCert }, nil))
}

func TestARootThatIsGivenIsCheckedByTheVerifierItself(t *testing.T) {
	t.Parallel()
	for _, ours := range []bool{true, false} {
		roots := x509.NewCertPool()
		v := concur.NewCertificateVerifier(&concur.CertificateOptions{Roots: roots})
		status := delivered(t, concurtest.Options{}, func(c *tls.Config, s *concurtest.Server) {
			c.ClientAuth = tls.RequestClientCert
			if ours {
				chain := s.ClientCertificate().Certificate
				ca, err := x509.ParseCertificate(chain[1])
				require.NoError(t, err)
				roots.AddCert(ca)
			}
		}, v)
		require.Equal(t, map[bool]int{true: 200, false: 401}[ours], status)
	}
}

func TestAForwardedSubjectCountsFromATrustedProxyOnly(t *testing.T) {
	t.Parallel()
	v := concur.NewCertificateVerifier(&concur.CertificateOptions{Forwarded: &concur.ForwardedSubject{
		Header: "X-Client-Subject", Verified: "X-Client-Verify", VerifiedValue: "SUCCESS", Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}})
	const good = `CN=webhook.api.concursolutions.com,O=SAP SE,L=Walldorf,ST=Baden-W\C3\BCrttemberg,C=DE`
	for name, c := range map[string]struct {
		from, verify string
		subject      []string
		taken        bool
	}{
		"trusted":            {"10.1.2.3:5", "SUCCESS", []string{good}, true},
		"mapped address":     {"[::ffff:10.1.2.3]:5", "SUCCESS", []string{good}, true},
		"other order":        {"10.1.2.3:5", "SUCCESS", []string{`C=DE, O=SAP SE, CN=webhook.api.concursolutions.com`}, true},
		"other proxy":        {"192.168.1.1:5", "SUCCESS", []string{good}, false},
		"no address":         {"", "SUCCESS", []string{good}, false},
		"not verified":       {"10.1.2.3:5", "NONE", []string{good}, false},
		"two subjects":       {"10.1.2.3:5", "SUCCESS", []string{good, good}, false},
		"none":               {"10.1.2.3:5", "SUCCESS", nil, false},
		"another name":       {"10.1.2.3:5", "SUCCESS", []string{`CN=evil.example,O=SAP SE`}, false},
		"name inside a text": {"10.1.2.3:5", "SUCCESS", []string{`O=a\,CN=webhook.api.concursolutions.com,CN=evil.example`}, false},
		"two names":          {"10.1.2.3:5", "SUCCESS", []string{`CN=evil.example,CN=webhook.api.concursolutions.com`}, false},
		"two values":         {"10.1.2.3:5", "SUCCESS", []string{`CN=webhook.api.concursolutions.com+CN=evil.example`}, false},
		"slashes":            {"10.1.2.3:5", "SUCCESS", []string{`/C=DE/CN=webhook.api.concursolutions.com`}, false},
		"quoted":             {"10.1.2.3:5", "SUCCESS", []string{`O="x,CN=webhook.api.concursolutions.com"`}, false},
		"longer name":        {"10.1.2.3:5", "SUCCESS", []string{`CN=webhook.api.concursolutions.com.evil.example`}, false},
		"broken escape":      {"10.1.2.3:5", "SUCCESS", []string{`CN=webhook.api.concursolutions.com\`}, false},
		"two verdicts":       {"10.1.2.3:5", "SUCCESS|NONE", []string{good}, false},
		"the same twice":     {"10.1.2.3:5", "SUCCESS|SUCCESS", []string{good}, false},
		"another alphabet":   {"10.1.2.3:5", "SUCCESS", []string{"CN=webhoo\u212a.api.concursolutions.com"}, false}, // the Kelvin sign
		"letter case":        {"10.1.2.3:5", "SUCCESS", []string{`CN=Webhook.API.concursolutions.com`}, true},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = c.from
		r.Header["X-Client-Verify"] = strings.Split(c.verify, "|")
		r.Header["X-Client-Subject"] = c.subject
		err := v.VerifyEvent(r, nil)
		require.Equal(t, c.taken, err == nil, "%s: %v", name, err)
	}
}

type always struct{ err error }

func (a always) VerifyEvent(*http.Request, []byte) error { return a.err }

func TestAllOfTakesWhatAllTake(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	require.NoError(t, concur.AllOf(always{}, always{}).VerifyEvent(r, nil))
	require.ErrorIs(t, concur.AllOf(always{}, always{http.ErrNoCookie}).VerifyEvent(r, nil), http.ErrNoCookie)
	require.Error(t, concur.AllOf().VerifyEvent(r, nil))
}

func TestAnEventThatIsTooOldIsAnsweredAndNotGivenOn(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	for stamp, outcome := range map[string]concur.EventOutcome{
		"2026-11-03T11:59:00.000Z": concur.EventTaken, "2026-10-30T11:00:00.000+0000": concur.EventStale, "yesterday": concur.EventTaken, "": concur.EventTaken,
		"2026-11-03T13:00:00.000Z": concur.EventTaken,
	} {
		h := newHook(concur.EventOptions{Verifier: always{}, MaxAge: 96 * time.Hour, Now: func() time.Time { return now }}, nil)
		require.Equal(t, http.StatusOK, h.post(t, `{"eventType":"x","timeStamp":"`+stamp+`"}`, ""))
		require.Equal(t, outcome, h.results[0].Outcome, stamp)
		require.Len(t, h.taken, map[bool]int{true: 1, false: 0}[outcome == concur.EventTaken])
	}
}

func TestFactsOfEachTopicAreTyped(t *testing.T) {
	t.Parallel()
	event := func(topic, facts string) concur.Event {
		e, err := concur.ParseEvent([]byte(`{"eventType":"x","topic":"` + topic + `","facts":` + facts + `,"extra":[1.50]}`))
		require.NoError(t, err)
		b, err := e.MarshalJSON()
		require.NoError(t, err)
		require.Contains(t, string(b), `"extra":[1.50]`)
		return e
	}
	a, err := event(concur.TopicAccountingIntegration, `{"companyId":"c","data":"{\"accountingObjects\":[\"LIST\"]}"}`).Accounting()
	require.NoError(t, err)
	objects, err := a.ResetObjects()
	require.NoError(t, err)
	require.Equal(t, []string{"LIST"}, objects)
	a, err = event("concur.spend.accountingintegration", `{"data":{"requestId":"r","status":"ERROR"}}`).Accounting()
	require.NoError(t, err)
	id, status, err := a.Status()
	require.NoError(t, err)
	require.Equal(t, []string{"r", "ERROR"}, []string{id, status})
	p, err := event("public.concur.profile.identity", `{"userId":"u","attributes":["active"]}`).Profile()
	require.NoError(t, err)
	require.Equal(t, []string{"active"}, p.Attributes)
	_, err = event(concur.TopicTravelProfile, `{"loginId":"l"}`).Profile()
	require.NoError(t, err)
	v, err := event(concur.TopicProvisioning, `{"success":true}`).Provision()
	require.NoError(t, err)
	require.True(t, bool(v.Success))
	x, err := event(concur.TopicTaxCompliance, `{"complianceCountryCode":"MX","isComplianceDocRequired":"false"}`).TaxCompliance()
	require.NoError(t, err)
	require.Equal(t, "MX", x.CountryCode)
	q, err := event(concur.TopicRequest, `{"requestId":"CN4T","isClosed":"true"}`).Request()
	require.NoError(t, err)
	require.True(t, bool(q.IsClosed))
	for _, topic := range []string{concur.TopicItinerary, concur.TopicTravelBooking, concur.TopicTravelSearch} {
		f, err := event(topic, `{"userId":"u","trip":{"id":"t"}}`).Travel()
		require.NoError(t, err)
		require.Equal(t, "t", f.Trip.ID)
	}
	_, err = event(concur.TopicItinerary, `{}`).Profile()
	require.ErrorContains(t, err, "want "+concur.TopicIdentity)
}

func TestKeysOfSignaturesRotateWhileTheProgramRuns(t *testing.T) {
	t.Parallel()
	var keys []*rsa.PublicKey
	v, err := concur.NewRotatingVerifier(concur.SignaturePSS, func() ([]*rsa.PublicKey, error) { return keys, nil })
	require.NoError(t, err)
	h := newHook(concur.EventOptions{Verifier: v}, nil)
	const body = `{"eventType":"x"}`
	signature := sign(t, concur.SignaturePSS, []byte(body))
	require.Equal(t, http.StatusUnauthorized, h.post(t, body, signature))
	keys = []*rsa.PublicKey{&signingKey().PublicKey}
	require.Equal(t, http.StatusOK, h.post(t, body, signature))
	keys = nil
	require.Equal(t, http.StatusUnauthorized, h.post(t, body, signature))
}

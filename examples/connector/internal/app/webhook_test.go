package app

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
)

// fromProxy posts an event as a proxy does that names the subject of a certificate.
func fromProxy(a *App, company, subject string) int {
	body := `{"id":"1","topic":"public.concur.expense.report","eventType":"statusChanged","facts":{"companyId":"` + company + `"}}`
	r := httptest.NewRequest(http.MethodPost, EventPath, strings.NewReader(body))
	r.RemoteAddr = "10.0.0.5:4711"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Client-Subject", subject)
	rec := httptest.NewRecorder()
	a.Handler().ServeHTTP(rec, r)
	return rec.Code
}

func byCertificate(w *world) Config {
	cfg := w.config()
	cfg.EventCertificate = &concur.CertificateOptions{Forwarded: &concur.ForwardedSubject{
		Header: "X-Client-Subject", Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.5/32")},
	}}
	return cfg
}

func TestAnEventWithConcursCertificateIsTaken(t *testing.T) {
	w := newWorld(t)
	cfg := byCertificate(w)
	cfg.EventKeys = nil
	a := w.start(cfg, w.store, w.log)
	require.Equal(t, http.StatusOK, fromProxy(a, w.company.ID, "CN=webhook.api.concursolutions.com,O=SAP SE"))
	require.Equal(t, http.StatusUnauthorized, fromProxy(a, w.company.ID, "CN=webhook.example.com,O=SAP SE"))
}

func TestWhereBothAreAskedForACertificateAloneIsNotEnough(t *testing.T) {
	w := newWorld(t)
	a := w.start(byCertificate(w), w.store, w.log)
	require.Equal(t, http.StatusUnauthorized, fromProxy(a, w.company.ID, "CN=webhook.api.concursolutions.com,O=SAP SE"))
}

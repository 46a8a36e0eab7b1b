package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Part is the state of one part of the connector.
type Part struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	What string `json:"what,omitempty"`
	Mend bool   `json:"mend,omitempty"` // a person must act
}

// Readiness is what readiness says. Ready: events can be taken, since ledger and
// audit log can be written. Whole: everything else works as well.
type Readiness struct {
	Ready bool   `json:"ready"`
	Whole bool   `json:"whole"`
	Parts []Part `json:"parts"`
}

// readyWithin bounds how long the parts are asked.
const readyWithin = 5 * time.Second

// soon is how long before its end a refresh token is worth a word.
const soon = 30 * 24 * time.Hour

// Ready looks at the parts. A vendor that does not answer leaves the connector
// ready: what comes in is kept until it does.
func Ready(ctx context.Context, a *app.App) Readiness {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	r := Readiness{Ready: true, Whole: true}
	add := func(p Part, needed bool) {
		r.Parts = append(r.Parts, p)
		r.Whole = r.Whole && p.OK
		r.Ready = r.Ready && (p.OK || !needed)
	}
	ledger, log := Part{Name: "ledger", OK: true}, Part{Name: "audit log", OK: true}
	for _, tenant := range a.Tenants() {
		if _, err := a.Store.List(ctx, storage.Query{Tenant: tenant, Limit: 1}); err != nil && ledger.OK {
			ledger.OK, ledger.What = false, err.Error()
		}
		if _, err := a.Trail.Last(ctx, tenant); err != nil && !errors.Is(err, audit.ErrNotFound) && log.OK {
			log.OK, log.What = false, err.Error()
		}
	}
	add(ledger, true)
	add(log, true)
	for _, tenant := range a.Tenants() {
		add(token(ctx, a, tenant), false)
	}
	for _, s := range a.Engine.Shut() {
		name := s.Tenant + " " + s.Target
		if s.Flow != "" {
			name = s.Tenant + " " + s.Flow
		}
		add(Part{Name: name, What: s.Why, Mend: s.Mend}, false)
	}
	return r
}

// token says how long a tenant's connection to Concur lives, and whether Concur
// takes its token.
func token(ctx context.Context, a *app.App, tenant string) Part {
	p := Part{Name: tenant + " token"}
	t, err := a.Token(ctx, tenant)
	left, refused := time.Until(t.RefreshExpiry), a.Refused(ctx, tenant)
	switch {
	case errors.Is(err, concur.ErrNoToken):
		p.What, p.Mend = "not connected to Concur: ml-connector connect", true
	case err != nil:
		p.What, p.Mend = err.Error(), true
	case refused != nil:
		p.What, p.Mend = refused.Error(), true
		if refused.Class() == concur.TokenReconnect {
			p.What += "; connect again: ml-connector connect"
		}
	case t.RefreshExpiry.IsZero():
		p.OK = true
	case left <= 0:
		p.What, p.Mend = "the refresh token has ended: ml-connector connect with a new company request token", true
	default:
		p.OK = true
		if left < soon {
			p.What = "the refresh token ends on " + t.RefreshExpiry.UTC().Format(time.DateOnly)
		}
	}
	return p
}

// Healthz answers 200 as long as the process answers at all.
func Healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n")) // the caller has gone: nobody is left to tell
}

// Readyz answers 200 when events can be taken, else 503, with what Ready says as
// JSON.
func Readyz(a *app.App) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ready := Ready(r.Context(), a)
		w.Header().Set("Content-Type", "application/json")
		if !ready.Ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		_ = e.Encode(ready) // as above
	}
}

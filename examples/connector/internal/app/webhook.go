package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/sync/document"
)

// ActionEvent is the action of the audit's record of an event that was taken.
const ActionEvent = "event"

// EventDetail is what the audit keeps of an event.
type EventDetail struct {
	ID          string `json:"id"`
	Topic       string `json:"topic"`
	Type        string `json:"type"`
	Correlation string `json:"correlation,omitempty"`
	Micros      int64  `json:"us"` // from its arrival until it was durable
}

// listen makes the handler of Concur's events: one address for all tenants,
// since a subscription belongs to the app and not to a company.
func (a *App) listen(cfg Config) error {
	takers := map[string]func(context.Context, concur.Event) error{}
	companies := make([]string, 0, len(a.order))
	for _, t := range a.order {
		company := strings.ToLower(t.cfg.Concur.Company)
		if takers[company] != nil {
			return fmt.Errorf("tenant %q: its Concur company belongs to another tenant already", t.cfg.Name)
		}
		takers[company] = a.taker(t)
		companies = append(companies, t.cfg.Concur.Company)
	}
	opts := &concur.EventOptions{Companies: companies, Observe: func(r concur.EventResult) {
		a.mu.Lock()
		a.events[r.Outcome]++
		a.mu.Unlock()
	}}
	var checks every
	if cfg.EventCertificate != nil {
		checks = append(checks, concur.NewCertificateVerifier(cfg.EventCertificate))
	}
	if len(cfg.EventKeys) > 0 {
		v, err := concur.NewSignatureVerifier(cfg.EventAlgorithm, cfg.EventKeys...)
		if err != nil {
			return err
		}
		checks = append(checks, v)
	}
	if len(checks) > 0 {
		opts.Verifier = checks
	}
	mux := http.NewServeMux()
	mux.Handle(EventPath, concur.NewEventHandler(func(ctx context.Context, e concur.Event) error {
		take := takers[strings.ToLower(e.Company())]
		if take == nil {
			return nil // an event that names no company: the sweep finds what changed
		}
		return take(ctx, e)
	}, opts))
	a.handler = mux
	return nil
}

// every is several verifiers that all have to agree; never empty.
type every []concur.EventVerifier

// VerifyEvent implements concur.EventVerifier.
func (vs every) VerifyEvent(r *http.Request, body []byte) error {
	for _, v := range vs {
		if err := v.VerifyEvent(r, body); err != nil {
			return err
		}
	}
	return nil
}

// taker makes an event's notice durable and records its arrival. Without the
// record the event is answered 503 and comes again, which does no harm.
func (a *App) taker(t *tenant) func(context.Context, concur.Event) error {
	notify := concursync.Notify(a.Engine, t.cfg.Name, t.cfg.Concur.InvoiceTopics...)
	if t.fis != nil {
		others, financial := notify, concursync.NotifyFinancial(a.Engine, t.cfg.Name, FinancialFlow)
		notify = func(ctx context.Context, e concur.Event) error {
			return errors.Join(others(ctx, e), financial(ctx, e))
		}
	}
	return func(ctx context.Context, e concur.Event) error {
		began := time.Now()
		if err := notify(ctx, e); err != nil {
			return err
		}
		detail := EventDetail{
			ID: string(e.ID), Topic: e.Topic, Type: string(e.EventType),
			Correlation: concur.Correlation(ctx), Micros: time.Since(began).Microseconds(),
		}
		b, err := json.Marshal(detail)
		if err != nil {
			return err
		}
		r := audit.Record{
			Tenant: t.cfg.Name, ID: "event/" + detail.ID, Actor: "concur",
			Action: ActionEvent, Subject: "event/" + detail.Topic, Outcome: "durable", Detail: b,
		}
		if f, err := e.Report(); err == nil && f.ReportID != "" && len(f.ReportID) <= 100 {
			r.Subject = string(document.Report) + "/" + f.ReportID
		}
		return a.Trail.Append(ctx, r)
	}
}

// Events returns how many deliveries of events had which outcome.
func (a *App) Events() map[concur.EventOutcome]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.events)
}

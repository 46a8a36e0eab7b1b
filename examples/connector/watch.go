package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/ml-connector/ml-connector/sync/engine"
)

// parkedWarner returns a change's listener that warns of each document that
// begins to wait for a person: by its id in Concur and the code, without
// anything personal.
func parkedWarner(log *slog.Logger, next func(engine.Change)) func(engine.Change) {
	return func(c engine.Change) {
		next(c)
		if c.To == engine.Parked && c.From != engine.Parked {
			log.Warn("a document waits for a person; transfers show says who and what to do",
				"tenant", c.ID.Tenant, "document", c.ID.Document, "cause", c.Cause)
		}
	}
}

// mirrorsEvery is how often the reports of mirrors are looked at.
const mirrorsEvery = 15 * time.Second

// mirrorWatch warns of each run of a mirror that did not bring everything over.
type mirrorWatch struct {
	tenants []string
	reports mirrorReports
	log     *slog.Logger
	seen    map[[2]string]time.Time // tenant and mirror: when the last run that is known ended
}

// mirrorReports is what an engine says of its mirrors.
type mirrorReports interface {
	Mirrors(tenant string) []string
	LastMirror(ctx context.Context, tenant, name string) (engine.MirrorReport, error)
}

func newMirrorWatch(tenants []string, reports mirrorReports, log *slog.Logger) *mirrorWatch {
	return &mirrorWatch{tenants: tenants, reports: reports, log: log, seen: map[[2]string]time.Time{}}
}

// run looks until ctx ends. What ended before is not told again.
func (w *mirrorWatch) run(ctx context.Context) {
	w.look(ctx, false)
	t := time.NewTicker(mirrorsEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			w.look(ctx, true)
		}
	}
}

func (w *mirrorWatch) look(ctx context.Context, tell bool) {
	for _, tenant := range w.tenants {
		for _, name := range w.reports.Mirrors(tenant) {
			r, err := w.reports.LastMirror(ctx, tenant, name)
			key := [2]string{tenant, name}
			if err != nil || r.Ended.IsZero() || !r.Ended.After(w.seen[key]) {
				continue // none yet, or one that runs; a ledger that fails is told of elsewhere
			}
			w.seen[key] = r.Ended
			if tell && len(r.Failed)+len(r.Held) > 0 {
				// What was refused may be the name of a person: only numbers are logged.
				w.log.WarnContext(ctx, "a mirror did not bring everything over; sync status says what and why",
					"tenant", tenant, "mirror", name, "refused", len(r.Failed), "held", len(r.Held), "sent", r.Sent)
			}
		}
	}
}

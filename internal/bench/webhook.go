package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/memlog"
	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage/sqlitestore"
)

// webhookCmd is P1: a signed event, POSTed by several clients, until it is
// durable and answered 200. Nothing is worked on meanwhile, on either side.
type webhookCmd struct {
	Events  int `default:"5000" help:"Events of one run."`
	Clients int `default:"8" help:"Clients that send at a time."`
	Runs    int `default:"5" help:"Runs of each contender."`
}

// Run implements the command.
func (c *webhookCmd) Run(ctx context.Context, out io.Writer) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	server := concurtest.New(&concurtest.Options{Key: key})
	defer server.Close()
	verifier, err := concur.NewSignatureVerifier(concur.SignaturePSS, server.SigningKey())
	if err != nil {
		return err
	}
	events := make([]event, c.Events)
	for i := range events {
		if events[i].body, err = reportEvent(i); err != nil {
			return err
		}
		events[i].header = http.Header{concur.SignatureHeader: {server.Sign(events[i].body)}, "Content-Type": {"application/json"}}
	}
	fmt.Fprintf(out, "P1   %d signed events of %d bytes, %d clients, median of %d runs\n", c.Events, len(events[0].body), c.Clients, c.Runs)
	run := func(open func(ctx context.Context, dir string) (http.Handler, func() error, error)) func(context.Context) (sample, error) {
		return func(ctx context.Context) (s sample, err error) {
			dir, err := os.MkdirTemp("", "bench")
			if err != nil {
				return s, err
			}
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
			handler, shut, err := open(ctx, dir)
			if err != nil {
				return s, err
			}
			url, stop, err := served(ctx, handler)
			if err != nil {
				return s, errors.Join(err, shut())
			}
			began := time.Now()
			waits, err := post(ctx, caller(c.Clients), url, c.Clients, events)
			took := time.Since(began)
			if err := errors.Join(err, stop(), shut()); err != nil {
				return s, err
			}
			return sample{per: took / time.Duration(len(events)), p50: percentile(waits, 50), p99: percentile(waits, 99)}, nil
		}
	}
	medians, err := compare(
		ctx, out, c.Runs,
		contender{"bare handler, grouped commits", run(func(ctx context.Context, dir string) (http.Handler, func() error, error) {
			b, err := openBare(ctx, dir)
			return bareWebhook(b, verifier), b.close, err
		})},
		contender{"webhook and engine on sqlitestore", run(func(ctx context.Context, dir string) (http.Handler, func() error, error) {
			store, err := sqlitestore.Open(ctx, filepath.Join(dir, "ledger.db"), nil)
			if err != nil {
				return nil, nil, err
			}
			e, err := engine.New(store, audit.NewTrail(memlog.New(), nil), nil)
			if err == nil {
				err = engine.Add(e, engine.Flow[paper, paper]{
					Tenant: tenant, Name: "papers", Target: "sink", Source: trivial{}, Mapper: trivial{}, Sink: instant{},
				})
			}
			return concur.NewEventHandler(concursync.Notify(e, tenant), &concur.EventOptions{Verifier: verifier}), store.Close, err
		})},
	)
	if err != nil {
		return err
	}
	ok := verdict(out, "P1", "rate against the bare handler's", int64(medians[0].per), int64(medians[1].per), 80, true)
	ok = verdict(out, "P1", "p99 against the bare handler's", int64(medians[1].p99), int64(medians[0].p99), 200, false) && ok
	return missed(ok)
}

const tenant = "acme"

// reportEvent is an event of a report of its own, as Concur sends it, with fields
// that nobody knows up to 1.5 KB.
func reportEvent(i int) ([]byte, error) {
	id := fmt.Sprintf("%020X", i)
	return json.Marshal(map[string]any{
		"id": fmt.Sprint("event-", i), "correlationId": fmt.Sprint("correlation-", i), "eventType": "statusChanged",
		"topic": concur.TopicExpenseReport, "subtopic": "", "timeStamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"facts": map[string]any{
			"companyId": "2f7d1c5e-8c33-4b13-9d5b-0a0f2a5c7f11", "reportId": id, "userId": "f0e1d2c3-0000-4000-8000-000000000001",
			"href": "https://us.api.concursolutions.com/expensereports/v4/users/f0e1d2c3-0000-4000-8000-000000000001/context/TRAVELER/reports/" + id,
		},
		"data": strings.Repeat("x", 900),
	})
}

func bareWebhook(b *bare, verifier concur.EventVerifier) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, concur.DefaultEventBody))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if verifier != nil {
			if err := verifier.VerifyEvent(r, body); err != nil {
				http.Error(w, err.Error(), http.StatusUnauthorized)
				return
			}
		}
		if err := b.insert(body); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/sqlitelog"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage/sqlitestore"
)

// connectorCmd is the process that deliveryCmd measures and kills.
type connectorCmd struct {
	Kind    string `enum:"bare,engine,audited" required:"" help:"What works in it."`
	Dir     string `required:"" help:"Where it remembers."`
	Sink    string `required:"" help:"Where it takes papers to."`
	Workers int    `required:"" help:"Deliveries at a time."`
	Profile string `help:"File of a processor profile."`
}

// Run implements the command.
func (c *connectorCmd) Run(ctx context.Context, out io.Writer) (err error) {
	if c.Profile != "" {
		end, err := profiled(c.Profile)
		if err != nil {
			return err
		}
		defer end()
	}
	sink := remote{url: c.Sink, http: caller(c.Workers)}
	if c.Kind == "bare" {
		return c.bare(ctx, out, sink)
	}
	return c.engine(ctx, out, sink)
}

// serve answers at a handler until ctx ends, while work runs.
func serve(ctx context.Context, out io.Writer, h http.Handler, work func(ctx context.Context) error) error {
	url, stop, err := served(ctx, h)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, url)
	err = work(ctx)
	return errors.Join(err, stop())
}

func (c *connectorCmd) engine(ctx context.Context, out io.Writer, sink remote) (err error) {
	store, err := sqlitestore.Open(ctx, filepath.Join(c.Dir, "ledger.db"), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	var log audit.Log = nowhere{}
	if c.Kind == "audited" {
		l, err := sqlitelog.Open(ctx, filepath.Join(c.Dir, "audit.db"), nil)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, l.Close()) }()
		log = l
	}
	e, err := engine.New(store, audit.NewTrail(log, nil), &engine.Options{Workers: c.Workers})
	if err != nil {
		return err
	}
	err = engine.Add(e, engine.Flow[paper, paper]{
		Tenant: tenant, Name: "papers", Target: "sink", Source: trivial{}, Mapper: trivial{}, Sink: sink,
		// What a process that was killed holds shall come back soon.
		Policy: &engine.Policy{Sweep: -1, Lease: 5 * time.Second},
	})
	if err != nil {
		return err
	}
	return serve(ctx, out, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var p paper
		if err == nil {
			err = json.Unmarshal(body, &p)
		}
		if err == nil {
			err = e.Notify(r.Context(), connector.Notice{Tenant: tenant, Ref: connector.Ref{Kind: "paper", ID: p.ID}})
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}), e.Run)
}

// bare is the handler and loop of somebody who wants nothing but speed: rows are
// read in batches, delivered, and removed.
func (c *connectorCmd) bare(ctx context.Context, out io.Writer, sink remote) error {
	b, err := openBare(context.WithoutCancel(ctx), c.Dir)
	if err != nil {
		return err
	}
	return errors.Join(serve(ctx, out, bareWebhook(b, nil), func(ctx context.Context) error {
		rows := make(chan bareRow)
		group, busy := errgroup.WithContext(ctx)
		for range c.Workers {
			group.Go(func() error {
				for r := range rows {
					if err := deliverBare(busy, b, sink, r); err != nil {
						return err
					}
				}
				return nil
			})
		}
		group.Go(func() error {
			defer close(rows)
			return readBare(busy, b, rows)
		})
		if err := group.Wait(); ctx.Err() == nil {
			return err
		}
		return nil
	}), b.close())
}

func readBare(ctx context.Context, b *bare, rows chan<- bareRow) error {
	last := int64(0)
	for {
		found, err := b.after(ctx, last, 256)
		if err != nil {
			return err
		}
		for _, r := range found {
			last = r.id
			select {
			case rows <- r:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if len(found) > 0 {
			continue
		}
		select {
		case <-b.added:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func deliverBare(ctx context.Context, b *bare, sink remote, r bareRow) error {
	var p paper
	if err := json.Unmarshal(r.body, &p); err != nil {
		return err
	}
	if _, err := sink.call(ctx, http.MethodPost, p.ID, r.body); err != nil {
		return err
	}
	return b.remove(r.id)
}

// nowhere is an audit log that keeps nothing.
type nowhere struct{}

// Append implements audit.Log.
func (nowhere) Append(context.Context, []audit.Record) error { return nil }

// Last implements audit.Log.
func (nowhere) Last(context.Context, string) (audit.Record, error) {
	return audit.Record{}, audit.ErrNotFound
}

// Read implements audit.Log.
func (nowhere) Read(context.Context, audit.Query) ([]audit.Record, int64, error) { return nil, 0, nil }

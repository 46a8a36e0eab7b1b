package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// scaleCmd is P4: taking in, finding due work and completing, in a ledger and an
// audit log of years, against ones of a hundredth of that.
type scaleCmd struct {
	Transfers int `default:"10000" help:"Transfers in the large ledger; the long run has 1000000."`
	Records   int `default:"100000" help:"Audit records beside them; the long run has 10000000."`
	Contents  int `default:"2" help:"Contents of each transfer."`
	Documents int `default:"300" help:"Documents of one run."`
	Runs      int `default:"7" help:"Runs on each."`
}

// Run implements the command.
func (c *scaleCmd) Run(ctx context.Context, out io.Writer) (err error) {
	fmt.Fprintf(out, "P4   %d documents, beside %d transfers and %d audit records and beside a hundredth of that, median of %d runs\n",
		c.Documents, c.Transfers, c.Records, c.Runs)
	large, err := c.open(ctx, out, c.Transfers, c.Records)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, large.remove()) }()
	small, err := c.open(ctx, out, max(1, c.Transfers/100), max(1, c.Records/100))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, small.remove()) }()
	ok := true
	for _, part := range []struct {
		name string
		of   func(archive *archive) func(context.Context) (sample, error)
	}{
		{"taking in", func(a *archive) func(context.Context) (sample, error) {
			return func(ctx context.Context) (sample, error) { return a.takeIn(ctx, c.Documents) }
		}},
		{"finding due work", func(a *archive) func(context.Context) (sample, error) {
			return func(ctx context.Context) (sample, error) { return a.find(ctx, c.Documents) }
		}},
		{"completing", func(a *archive) func(context.Context) (sample, error) {
			return func(ctx context.Context) (sample, error) {
				if _, err := a.takeIn(ctx, c.Documents); err != nil {
					return sample{}, err
				}
				return a.complete(ctx)
			}
		}},
	} {
		medians, err := compare(ctx, out, c.Runs, contender{part.name + ", small", part.of(small)}, contender{part.name + ", large", part.of(large)})
		if err != nil {
			return err
		}
		ok = verdict(out, "P4", part.name+", time against that in the small one", int64(medians[1].per), int64(medians[0].per), 120, false) && ok
	}
	return missed(ok)
}

// archive is a memory with the past of some years in it.
type archive struct {
	memory
	dir  string
	e    *engine.Engine
	next int // document
	open int // documents that were taken in and not completed
	done chan struct{}
}

func (a *archive) remove() error { return errors.Join(a.close(), os.RemoveAll(a.dir)) }

func (c *scaleCmd) open(ctx context.Context, out io.Writer, transfers, records int) (a *archive, err error) {
	began := time.Now()
	a = &archive{done: make(chan struct{}, 1<<20)}
	if a.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return nil, err
	}
	if a.memory, err = onDisk(ctx, a.dir); err != nil {
		return nil, err
	}
	err = callers(ctx, 256, transfers, func(ctx context.Context, n int) error {
		name := strconv.Itoa(n)
		_, err := a.store.Create(ctx, storage.Transfer{
			ID:   storage.ID{Tenant: tenant, Target: "sink", Document: "paper/old-" + name},
			Flow: "papers", Queue: "old", State: string(engine.Confirmed), Period: fmt.Sprintf("20%02d-%02d", 10+n%10, 1+n%12),
			Hint: `{"hint":"f0e1d2c3-0000-4000-8000-000000000001"}`, Format: 1, Wakes: 2, Data: []byte(fill[:1000]),
		})
		for i := range c.Contents {
			// Names of contents are hashes: they lie anywhere.
			if err == nil {
				err = a.store.Put(ctx, tenant, strconv.FormatInt(int64(uint64(n)*0x9e3779b97f4a7c15>>1), 36)+"/"+strconv.Itoa(i), []byte(fill[:300]))
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = callers(ctx, 256, records, func(ctx context.Context, n int) error {
		return a.trail.Append(ctx, audit.Record{
			Tenant: tenant, ID: "deliver/" + strconv.Itoa(n), Actor: "engine", Action: "deliver", Subject: "paper/old-" + strconv.Itoa(n/10),
			Outcome: "made", Detail: []byte(`{"method":"POST","path":"/api/v2/odata/EPIC06/Erp.BO.APInvoiceSvc/UpdateMaster","size":12345}`),
		})
	})
	if err != nil {
		return nil, err
	}
	a.e, err = engine.New(a.store, a.trail, &engine.Options{Observer: engine.Observer{Changed: func(ch engine.Change) {
		if ch.To == engine.Confirmed {
			a.done <- struct{}{}
		}
	}}})
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "     filled with %d transfers and %d records in %s\n", transfers, records, time.Since(began).Round(time.Second))
	return a, engine.Add(a.e, engine.Flow[paper, paper]{
		Tenant: tenant, Name: "papers", Target: "sink", Source: trivial{}, Mapper: trivial{}, Sink: instant{}, Policy: &engine.Policy{Sweep: -1},
	})
}

func (a *archive) takeIn(ctx context.Context, n int) (sample, error) {
	began := time.Now()
	for range n {
		a.next++
		if err := a.e.Notify(ctx, connector.Notice{Tenant: tenant, Ref: connector.Ref{Kind: "paper", ID: "new-" + strconv.Itoa(a.next)}}); err != nil {
			return sample{}, err
		}
	}
	a.open += n
	return sample{per: time.Since(began) / time.Duration(n)}, nil
}

// find asks for the queues with work and for the first rows of each, as a runner
// does.
func (a *archive) find(ctx context.Context, n int) (sample, error) {
	queuer, ok := a.store.(storage.Queuer)
	if !ok {
		return sample{}, errors.New("the store is no Queuer")
	}
	began := time.Now()
	for range n {
		queues, err := queuer.Queues(ctx, time.Now())
		if err != nil {
			return sample{}, err
		}
		for _, q := range queues {
			if _, err := a.store.Due(ctx, q, time.Now(), 12); err != nil {
				return sample{}, err
			}
		}
	}
	return sample{per: time.Since(began) / time.Duration(n)}, nil
}

// complete runs an engine until everything that was taken in is confirmed.
func (a *archive) complete(ctx context.Context) (sample, error) {
	// An engine runs once, so each run has one of its own.
	e, err := engine.New(a.store, a.trail, &engine.Options{Observer: engine.Observer{Changed: func(ch engine.Change) {
		if ch.To == engine.Confirmed {
			a.done <- struct{}{}
		}
	}}})
	if err != nil {
		return sample{}, err
	}
	err = engine.Add(e, engine.Flow[paper, paper]{
		Tenant: tenant, Name: "papers", Target: "sink", Source: trivial{}, Mapper: trivial{}, Sink: instant{}, Policy: &engine.Policy{Sweep: -1},
	})
	if err != nil {
		return sample{}, err
	}
	work, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- e.Run(work) }()
	for range a.open {
		select {
		case <-a.done:
		case <-ctx.Done():
			return sample{}, ctx.Err()
		}
	}
	s := sample{per: time.Since(began) / time.Duration(a.open)}
	a.open = 0
	stop()
	return s, <-ended
}

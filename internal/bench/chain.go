package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/sqlitelog"
)

// chainCmd is P8: the audit trail with its chain of hashes against the same rows
// in the same log without one.
type chainCmd struct {
	Records int `default:"5000" help:"Records of one run."`
	Callers int `default:"32" help:"Callers at a time."`
	Runs    int `default:"5" help:"Runs of each contender."`
}

// Run implements the command.
func (c *chainCmd) Run(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "P8   %d audit records, %d callers, median of %d runs\n", c.Records, c.Callers, c.Runs)
	run := func(open func(l *sqlitelog.Log) func(context.Context, audit.Record) error) func(context.Context) (sample, error) {
		return func(ctx context.Context) (s sample, err error) {
			dir, err := os.MkdirTemp("", "bench")
			if err != nil {
				return s, err
			}
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
			l, err := sqlitelog.Open(ctx, filepath.Join(dir, "audit.db"), nil)
			if err != nil {
				return s, err
			}
			add := open(l)
			began := time.Now()
			err = callers(ctx, c.Callers, c.Records, func(ctx context.Context, n int) error {
				return add(ctx, audit.Record{
					Tenant: tenant, ID: "deliver/" + strconv.Itoa(n), Actor: "engine", Action: "deliver", Subject: "report/A1B2C3", Outcome: "made",
					Detail: []byte(`{"method":"POST","path":"/api/v2/odata/EPIC06/Erp.BO.APInvoiceSvc/UpdateMaster","size":12345}`),
				})
			})
			s.per = time.Since(began) / time.Duration(c.Records)
			return s, errors.Join(err, l.Close())
		}
	}
	medians, err := compare(
		ctx, out, c.Runs,
		contender{"the log alone, grouped by hand", run(unchained)},
		contender{"the trail with its chain", run(func(l *sqlitelog.Log) func(context.Context, audit.Record) error {
			return audit.NewTrail(l, nil).Append
		})},
	)
	if err != nil {
		return err
	}
	return missed(verdict(out, "P8", "rate against that without a chain", int64(medians[0].per), int64(medians[1].per), 80, true))
}

// unchained numbers records and writes together those that arrive together, as
// the trail does, but computes no hash.
func unchained(l *sqlitelog.Log) func(context.Context, audit.Record) error {
	type entry struct {
		r    audit.Record
		done chan error
	}
	var mu sync.Mutex
	var waiting []entry
	var writing bool
	seq := int64(0)
	write := func(ctx context.Context) {
		for {
			runtime.Gosched() // as the trail does
			mu.Lock()
			batch := waiting[:min(len(waiting), 256)]
			waiting = waiting[len(batch):]
			if len(batch) == 0 {
				writing = false
				mu.Unlock()
				return
			}
			mu.Unlock()
			rs := make([]audit.Record, len(batch))
			for i, e := range batch {
				seq++
				rs[i] = e.r
				rs[i].Seq, rs[i].Time = seq, time.Now()
			}
			err := l.Append(ctx, rs)
			for _, e := range batch {
				e.done <- err
			}
		}
	}
	return func(ctx context.Context, r audit.Record) error {
		e := entry{r, make(chan error, 1)}
		mu.Lock()
		waiting = append(waiting, e)
		start := !writing
		writing = true
		mu.Unlock()
		if start {
			go write(context.WithoutCancel(ctx))
		}
		return <-e.done
	}
}

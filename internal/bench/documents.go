package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// documentsCmd is P2: expense reports from the event to confirmed, with both
// clients against both fakes in the process, on SQLite, with every call audited.
type documentsCmd struct {
	Reports int `default:"300" help:"Reports of one run."`
	Workers int `default:"8" help:"Reports at a time, on both sides."`
	Runs    int `default:"5" help:"Runs of each contender."`
}

// Run implements the command.
func (c *documentsCmd) Run(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "P2   %d reports of 3 expenses, two AP invoices each, %d at a time, median of %d runs\n", c.Reports, c.Workers, c.Runs)
	var calls [2]atomic.Int64
	medians, err := compare(
		ctx, out, c.Runs,
		contender{"a loop that makes the vendor calls", func(ctx context.Context) (sample, error) {
			return c.run(&calls[0], func(t *town) (time.Duration, error) { return t.byHand(ctx, c.Workers) })
		}},
		contender{"clients, rules, engine, audit", func(ctx context.Context) (sample, error) {
			return c.run(&calls[1], func(t *town) (took time.Duration, err error) {
				err = withDisk(ctx, func(m memory) error {
					took, err = t.byEngine(ctx, m, c.Workers, nil)
					return err
				})
				return took, err
			})
		}},
	)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "     vendor calls of a run: %d by hand, %d by the engine\n", calls[0].Load(), calls[1].Load())
	return missed(verdict(out, "P2", "rate against the loop's", int64(medians[0].per), int64(medians[1].per), 70, true))
}

func (c *documentsCmd) run(calls *atomic.Int64, work func(*town) (time.Duration, error)) (s sample, err error) {
	t, err := newTown(nil)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	for range c.Reports {
		t.approve(3, 0)
	}
	took, err := work(t)
	calls.Store(t.calls.Load())
	return sample{per: took / time.Duration(c.Reports)}, errors.Join(err, t.check(2))
}

// withDisk runs do with two SQLite files that are removed afterwards.
func withDisk(ctx context.Context, do func(memory) error) (err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m, err := onDisk(ctx, dir)
	if err != nil {
		return err
	}
	return errors.Join(do(m), m.close())
}

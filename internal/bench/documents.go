package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
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
	defer t.close()
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

// reportCmd is P7: one large report against a small one.
type reportCmd struct {
	Small       int `default:"5" help:"Expenses of the small report."`
	Large       int `default:"500" help:"Expenses of the large report."`
	Allocations int `default:"10" help:"Allocations of each expense."`
	LinesAtOnce int `default:"20" help:"Lines of an AP invoice that are saved with one call; 0 sends whole invoices."`
	Runs        int `default:"5" help:"Runs of each size."`
	Profile     bool `help:"Write the processor profile of the last large report to bench.prof."`
}

// Run implements the command.
func (c *reportCmd) Run(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "P7   one report, %d and %d expenses of %d allocations, %d lines at once, median of %d runs\n", c.Small, c.Large, c.Allocations, c.LinesAtOnce, c.Runs)
	var most int64
	traffic := map[int]string{}
	of := func(expenses int) func(context.Context) (sample, error) {
		return func(ctx context.Context) (s sample, err error) {
			t, err := newTown(nil)
			if err != nil {
				return s, err
			}
			defer t.close()
			t.linesAtOnce = c.LinesAtOnce
			t.approve(expenses, c.Allocations)
			err = withDisk(ctx, func(m memory) error {
				if c.Profile && expenses == c.Large {
					end, err := profiled("bench.prof")
					if err != nil {
						return err
					}
					defer end()
				}
				peak := watchHeap()
				s.per, err = t.byEngine(ctx, m, 8, nil)
				most = max(most, peak())
				traffic[expenses] = fmt.Sprintf("%d calls, %d KiB sent", t.calls.Load(), t.sent.Load()>>10)
				return err
			})
			return s, errors.Join(err, t.check(2))
		}
	}
	medians, err := compare(
		ctx, out, c.Runs,
		contender{fmt.Sprint(c.Small, " expenses"), of(c.Small)},
		contender{fmt.Sprint(c.Large, " expenses"), of(c.Large)},
	)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "     %s for %d expenses, %s for %d\n", traffic[c.Small], c.Small, traffic[c.Large], c.Large)
	ok := verdict(out, "P7", "time of the large one in times of the small one", int64(medians[1].per), int64(medians[0].per), 11000, false)
	ok = verdict(out, "P7", "most memory on the heap, fakes included, in MiB", most, 1<<20, 6400, false) && ok
	return missed(ok)
}

// profiled writes the processor profile to a file until the function that it
// returns is called.
func profiled(name string) (end func(), err error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close() // a profile that was not written is seen at once
	}, nil
}

// watchHeap samples the live heap until the function that it returns is called,
// which tells by how much it grew at most.
func watchHeap() (stop func() int64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, done, peak := int64(m.HeapAlloc), make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		most := int64(0)
		for {
			runtime.ReadMemStats(&m)
			most = max(most, int64(m.HeapAlloc)-before)
			select {
			case <-tick.C:
			case <-done:
				peak <- most
				return
			}
		}
	}()
	return func() int64 {
		close(done)
		return <-peak
	}
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"time"
)

// reportCmd is P7: one large report against a small one.
type reportCmd struct {
	Small       int  `default:"5" help:"Expenses of the small report."`
	Large       int  `default:"500" help:"Expenses of the large report."`
	Allocations int  `default:"10" help:"Allocations of each expense."`
	LinesAtOnce int  `default:"50" help:"Lines of an AP invoice that are saved with one call; 0 sends whole invoices."`
	Runs        int  `default:"5" help:"Runs of each size."`
	Together    bool `help:"Keep the simulators in the measured process, which counts their memory too."`
	Profile     bool `help:"Write the processor profile of the last large report to bench.prof."`
}

// Run implements the command.
func (c *reportCmd) Run(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "P7   one report, %d and %d expenses of %d allocations, %d lines at once, median of %d runs\n", c.Small, c.Large, c.Allocations, c.LinesAtOnce, c.Runs)
	var most int64
	traffic := map[int]string{}
	of := func(expenses int) func(context.Context) (sample, error) {
		return func(ctx context.Context) (s sample, err error) {
			t, err := c.town(ctx, expenses)
			if err != nil {
				return s, err
			}
			defer func() { err = errors.Join(err, t.close()) }()
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
	if c.Together {
		fmt.Fprintln(out, "     the memory of the simulators counts")
	}
	fmt.Fprintf(out, "     %s for %d expenses, %s for %d\n", traffic[c.Small], c.Small, traffic[c.Large], c.Large)
	ok := verdict(out, "P7", "time of the large one in times of the small one", int64(medians[1].per), int64(medians[0].per), 11000, false)
	ok = verdict(out, "P7", "most memory on the heap, in MiB", most, 1<<20, 6400, false) && ok
	return missed(ok)
}

// town is the place that a report of so many expenses is in.
func (c *reportCmd) town(ctx context.Context, expenses int) (*town, error) {
	if !c.Together {
		return townApart(ctx, expenses, c.Allocations, c.LinesAtOnce)
	}
	t, err := newTown(nil)
	if err != nil {
		return nil, err
	}
	t.linesAtOnce = c.LinesAtOnce
	t.approve(expenses, c.Allocations)
	return t, nil
}

// townCmd is a process with both vendors and one report.
type townCmd struct {
	Expenses    int `required:"" help:"Expenses of the report."`
	Allocations int `required:"" help:"Allocations of each."`
}

// Run implements the command: it writes one line with where the town is, and
// another with how many AP invoices stand there once its input was closed.
func (c *townCmd) Run(_ context.Context, out io.Writer) error {
	t, err := newTown(nil)
	if err != nil {
		return err
	}
	defer t.concur.Close()
	if err := errors.Join(t.concur.Start(), t.epicor.Listen("127.0.0.1:0")); err != nil {
		return err
	}
	defer t.epicor.Close()
	t.approve(c.Expenses, c.Allocations)
	if err := json.NewEncoder(out).Encode(t.address()); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, len(t.epicor.Invoices(company)))
	return err
}

// townApart starts a town in a process of its own.
func townApart(ctx context.Context, expenses, allocations, linesAtOnce int) (*town, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "town", "--expenses", fmt.Sprint(expenses), "--allocations", fmt.Sprint(allocations))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	said := json.NewDecoder(out)
	t := &town{base: &http.Transport{}, linesAtOnce: linesAtOnce}
	t.end = func() (n int, err error) {
		if err := in.Close(); err != nil {
			return 0, err
		}
		if err := said.Decode(&n); err != nil {
			return 0, errors.Join(err, cmd.Wait())
		}
		return n, cmd.Wait()
	}
	if err := said.Decode(&t.at); err != nil {
		_, eerr := t.end()
		return nil, errors.Join(fmt.Errorf("the town did not start: %w", err), eerr)
	}
	t.refs = t.at.Refs
	return t, t.rules()
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

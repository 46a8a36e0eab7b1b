package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ml-connector/ml-connector/sync/storage"
)

// yearCmd is P11: a year of documents in virtual time, in memory, on one
// processor. Each month has its own vendors, as their retention would have it,
// and one ledger serves all of them, from which a month is removed when the
// next one is over.
type yearCmd struct {
	Documents int `default:"6000" help:"Documents of the year; the long run has 1000000."`
}

// Run implements the command.
func (c *yearCmd) Run(ctx context.Context, out io.Writer) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const months = 12
	each := max(1, c.Documents/months)
	fmt.Fprintf(out, "P11  a year of %d reports of 3 expenses on one processor, median of its %d months\n", each*months, months)
	var month atomic.Int64
	clock := func() time.Time {
		return time.Date(2026, time.Month(month.Load()), 15, 12, 0, 0, 0, time.UTC)
	}
	ledger := inMemory()
	var heaps []int64
	run := func(work func(ctx context.Context, t *town) (time.Duration, error)) func(context.Context) (sample, error) {
		return func(ctx context.Context) (s sample, err error) {
			t, err := newTown(clock)
			if err != nil {
				return s, err
			}
			defer func() { err = errors.Join(err, t.close()) }()
			for range each {
				t.approve(3, 0)
			}
			took, err := work(ctx, t)
			return sample{per: took / time.Duration(each)}, errors.Join(err, t.check(2))
		}
	}
	round := 0
	turn := func(do func(context.Context) (sample, error)) func(context.Context) (sample, error) {
		return func(ctx context.Context) (sample, error) {
			month.Store(int64(round/2) + 1) // both contenders have the same month
			round++
			return do(ctx)
		}
	}
	medians, err := compare(
		ctx, out, months,
		contender{"the same calls without the engine", turn(run(func(ctx context.Context, t *town) (time.Duration, error) { return t.byHand(ctx, 1) }))},
		contender{"clients, rules, engine, audit", turn(run(func(ctx context.Context, t *town) (time.Duration, error) {
			took, err := t.byEngine(ctx, ledger, 8, nil)
			if err == nil {
				err = forget(ctx, ledger.store)
			}
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			heaps = append(heaps, int64(m.HeapAlloc))
			return took, err
		}))},
	)
	if err != nil {
		return err
	}
	ok := verdict(out, "P11", "rate against the calls alone", int64(medians[0].per), int64(medians[1].per), 50, true)
	// The first month fills caches.
	growth := slices.Max(heaps[1:]) - heaps[0]
	ok = verdict(out, "P11", "growth of the heap from the first month to the fullest, in MiB", max(0, growth), 1<<20, 1600, false) && ok
	return missed(ok)
}

// forget removes a tenant's rows, values and contents, as their retention ends.
func forget(ctx context.Context, s storage.Store) error {
	for t, err := range storage.All(ctx, s, storage.Query{Tenant: tenant}) {
		if err == nil {
			err = s.Purge(ctx, t.ID, t.Rev)
		}
		if err != nil {
			return err
		}
	}
	for after := ""; ; {
		values, next, err := s.Scan(ctx, tenant, "", after, 0)
		if err != nil {
			return err
		}
		for _, v := range values {
			if err := s.Delete(ctx, tenant, v.Name, v.Rev); err != nil {
				return err
			}
		}
		if next == "" {
			break
		}
		after = next
	}
	for c := range 128 { // every name begins with one of them
		if err := s.Drop(ctx, tenant, string(rune(c))); err != nil {
			return err
		}
	}
	return nil
}

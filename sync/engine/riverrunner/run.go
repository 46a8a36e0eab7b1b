package riverrunner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"github.com/ml-connector/ml-connector/sync/engine"
)

// perLook is how many rows of one queue a look makes jobs of.
const perLook = 64

// lookAgain is how long no second look makes a job of the same row. It bounds what
// many processes that look at a backlog can add to it.
const lookAgain = 10 * time.Second

// Run implements engine.Runner.
func (r *Runner) Run(ctx context.Context, w engine.Worker) error {
	workers := river.NewWorkers()
	worker := &worker{w: w}
	if err := river.AddWorkerSafely(workers, worker); err != nil {
		return fmt.Errorf("riverrunner: %w", err)
	}
	client, err := river.NewClient(r.driver, &river.Config{
		Schema: r.opts.Schema, Logger: r.opts.Logger, Workers: workers,
		Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: r.opts.Workers}},
		FetchCooldown: fetchCooldown, FetchPollInterval: fetchPoll,
		// The engine's leases bound the work, and a row is found without its job.
		JobTimeout: -1, RescueStuckJobsAfter: keep,
		CompletedJobRetentionPeriod: keep, CancelledJobRetentionPeriod: keep, DiscardedJobRetentionPeriod: keep,
	})
	if err != nil {
		return fmt.Errorf("riverrunner: %w", err)
	}
	// Running work outlives ctx by the drain time, then is cut off.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("riverrunner: start: %w", err)
	}
	r.looks(ctx, w)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.opts.Drain)
	defer cancel()
	err = client.Stop(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		err = client.StopAndCancel(context.WithoutCancel(ctx))
	}
	if err != nil {
		return fmt.Errorf("riverrunner: stop: %w", err)
	}
	return nil
}

// looks looks for due rows until ctx ends.
func (r *Runner) looks(ctx context.Context, w engine.Worker) {
	for {
		wait := r.opts.Poll
		if err := r.look(ctx, w); err != nil && ctx.Err() == nil {
			r.opts.Logger.ErrorContext(ctx, "no work is looked for at present: the store or the job engine failed", "error", err)
		}
		if next := w.Next(); !next.IsZero() {
			// What this process knows to be due sooner.
			wait = max(wait/20, min(wait, time.Until(next)))
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// look makes jobs of rows that are due. Rows that have one already get a second
// one now and then, which finds nothing to do.
func (r *Runner) look(ctx context.Context, w engine.Worker) error {
	queues, err := w.Queues(ctx)
	if err != nil {
		return err
	}
	for _, q := range queues {
		ids, err := w.Due(ctx, q, perLook)
		if err != nil {
			return err
		}
		jobs := make([]river.InsertManyParams, len(ids))
		for i, id := range ids {
			opts := once()
			opts.UniqueOpts = river.UniqueOpts{ByArgs: true, ByPeriod: lookAgain}
			jobs[i] = river.InsertManyParams{Args: job{Tenant: id.Tenant, Target: id.Target, Document: id.Document, Queue: q}, InsertOpts: opts}
		}
		if len(jobs) == 0 {
			continue
		}
		if _, err := r.insert.InsertMany(ctx, jobs); err != nil {
			return err
		}
	}
	return nil
}

// worker works on one job.
type worker struct {
	river.WorkerDefaults[job]
	w engine.Worker

	mu     sync.Mutex
	open   []string // queues that had work and could be asked a moment ago
	looked time.Time
}

// fresh is how long it is not asked again which queues may be worked on.
const fresh = 100 * time.Millisecond

// Work implements river.Worker. Its error is a failure of our own: the row stays
// due and a later look finds it.
func (w *worker) Work(ctx context.Context, j *river.Job[job]) error {
	may, err := w.may(ctx, j.Args.Queue)
	if err != nil || !may {
		return err
	}
	return w.w.Work(ctx, j.Args.id())
}

// may reports whether a queue may be worked on: its system is not shut and
// nobody paused it. Working on its row all the same would only put it back, due
// now, and so again and again.
func (w *worker) may(ctx context.Context, queue string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.looked) < fresh && slices.Contains(w.open, queue) {
		return true, nil
	}
	open, err := w.w.Queues(ctx)
	if err != nil {
		return false, err
	}
	w.open, w.looked = open, time.Now()
	return slices.Contains(open, queue), nil
}

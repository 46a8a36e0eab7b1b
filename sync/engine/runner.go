package engine

import (
	"container/heap"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/sync/storage"
)

// Runner decides when and on which machine work is done. The default one works
// in the process over the ledger; another may hand the work to a job system.
type Runner interface {
	// Run works until ctx ends, lets running work finish, and returns nil after
	// an orderly stop.
	Run(ctx context.Context, w Worker) error
}

// Worker is what the engine gives a Runner. It is safe for concurrent use.
type Worker interface {
	// Queues returns the queues that may be worked on now, beginning with another
	// one at each call, so that no queue is always first.
	Queues(ctx context.Context) ([]string, error)
	// Due returns transfers of a queue that want to be worked on now.
	Due(ctx context.Context, queue string, limit int) ([]storage.ID, error)
	// Work works on one transfer until it needs nothing, must wait, or another
	// worker holds it. An error is a failure of the store, the audit trail or the
	// program, never of the document: the runner should stop a while. A transfer
	// whose tenant has reached its Limits is left as it is and stays due.
	Work(ctx context.Context, id storage.ID) error
	// Wake receives when there is new work in this process.
	Wake() <-chan struct{}
	// Next returns when the next work known to this process is due; zero: none.
	Next() time.Time
}

type worker struct{ e *Engine }

func (w worker) Wake() <-chan struct{} { return w.e.wake }

func (w worker) Next() time.Time {
	w.e.nextMu.Lock()
	defer w.e.nextMu.Unlock()
	return w.e.next.first()
}

func (w worker) Work(ctx context.Context, id storage.ID) error { return w.e.work(ctx, id, nil, nil) }

func (w worker) Queues(ctx context.Context) ([]string, error) {
	e := w.e
	now := e.clock()
	e.nextMu.Lock()
	e.next.pass(now)
	e.nextMu.Unlock()
	var due map[string]bool
	if q, ok := e.store.(storage.Queuer); ok {
		names, err := q.Queues(ctx, now)
		if err != nil {
			return nil, ours("read queues", err)
		}
		due = make(map[string]bool, len(names))
		for _, n := range names {
			due[n] = true
		}
	}
	var out []string
	for _, f := range e.all() {
		if open, at := e.quotas.open(f.tenant); !open {
			e.plan(at)
			continue
		}
		for _, s := range []struct{ queue, system string }{
			{f.sourceQueue(), f.sourceSystem()}, {f.targetQueue(), f.targetSystem()},
		} {
			if due != nil && !due[s.queue] {
				continue
			}
			if open, at := e.gates.open(s.system); !open {
				e.plan(at)
				continue
			}
			paused, err := e.pauses.paused(ctx, f)
			if err != nil {
				return nil, err
			}
			if !paused {
				out = append(out, s.queue)
			}
		}
	}
	if len(out) > 1 {
		e.nextMu.Lock()
		e.turn++
		turn := e.turn % len(out)
		e.nextMu.Unlock()
		out = slices.Concat(out[turn:], out[:turn])
	}
	return out, nil
}

func (w worker) Due(ctx context.Context, queue string, limit int) ([]storage.ID, error) {
	now := w.e.clock()
	// Rows that were found to need nothing here must not stand in front of the others.
	limit += w.e.idle.count(now)
	ts, err := w.e.store.Due(ctx, queue, now, limit)
	if err != nil {
		return nil, ours("read due transfers", err)
	}
	ids := make([]storage.ID, 0, len(ts))
	for _, t := range ts {
		// A store may show too much.
		if !t.Due.IsZero() && !t.Due.After(now) && !w.e.idle.has(t.ID, now) {
			ids = append(ids, t.ID)
		}
	}
	return ids, nil
}

// idle remembers rows that showed as due and needed nothing of this process: a
// store's index that lags, a newer version's row, another process's. For a while
// they are not looked at, so that they neither keep a runner spinning nor the
// rows behind them waiting. What wakes such a row in this process drops it.
type idle struct {
	mu    sync.Mutex
	until map[storage.ID]time.Time
}

const (
	idleWait = time.Second
	maxIdle  = 10_000
)

func (i *idle) add(id storage.ID, now time.Time, d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.until == nil || len(i.until) >= maxIdle {
		i.until = map[storage.ID]time.Time{}
	}
	i.until[id] = now.Add(d)
}

func (i *idle) drop(id storage.ID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.until, id)
}

func (i *idle) has(id storage.ID, now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	until, ok := i.until[id]
	return ok && now.Before(until)
}

// count forgets what is over and returns how many rows are left.
func (i *idle) count(now time.Time) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	for id, until := range i.until {
		if !now.Before(until) || until.Sub(now) > rereadUnreadable {
			delete(i.until, id)
		}
	}
	return len(i.until)
}

// dues holds times, the earliest first. It is bounded: what does not fit is found
// by the next poll.
type dues struct {
	times timeHeap
	known map[time.Time]bool
}

const maxDues = 4096

func (d *dues) add(t time.Time) {
	if len(d.times) >= maxDues || d.known[t] {
		return
	}
	if d.known == nil {
		d.known = map[time.Time]bool{}
	}
	d.known[t] = true
	heap.Push(&d.times, t)
}

func (d *dues) first() time.Time {
	if len(d.times) == 0 {
		return time.Time{}
	}
	return d.times[0]
}

// pass forgets what is not after now.
func (d *dues) pass(now time.Time) {
	for len(d.times) > 0 && !d.times[0].After(now) {
		delete(d.known, d.times[0])
		heap.Pop(&d.times)
	}
}

type timeHeap []time.Time

func (h timeHeap) Len() int           { return len(h) }
func (h timeHeap) Less(i, j int) bool { return h[i].Before(h[j]) }
func (h timeHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

func (h *timeHeap) Push(x any) {
	if t, ok := x.(time.Time); ok {
		*h = append(*h, t)
	}
}

func (h *timeHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// localRunner works in this process.
type localRunner struct {
	workers int
	poll    time.Duration
	drain   time.Duration
	now     func() time.Time
	log     *slog.Logger
}

// Waits after failures of our own.
const (
	minOwnWait = 500 * time.Millisecond
	maxOwnWait = 30 * time.Second
)

// Run implements Runner.
func (r *localRunner) Run(ctx context.Context, w Worker) error {
	// Running work outlives ctx by the drain time, then is cut off.
	busy, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	p := &pool{
		w: w, ctx: busy, slots: make(chan struct{}, r.workers), freed: make(chan struct{}, 1),
		running: map[storage.ID]bool{},
	}
	ownWait := minOwnWait
	for ctx.Err() == nil {
		found, err := p.round(ctx)
		if err == nil {
			err = p.takeError()
		}
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			r.log.ErrorContext(ctx, "work stops for a while: the store or the audit trail failed", "wait", ownWait, "error", err)
			sleep(ctx, ownWait)
			ownWait = min(2*ownWait, maxOwnWait)
			continue
		}
		if p.takeDone() {
			ownWait = minOwnWait
		}
		if !found {
			r.rest(ctx, w, p)
		}
	}
	p.finish(r.drain, cut)
	return nil
}

// rest waits for a wake-up, the next known due time, a worker that became free
// with something left to do, or the next poll.
func (r *localRunner) rest(ctx context.Context, w Worker, p *pool) {
	wait := r.poll
	if next := w.Next(); !next.IsZero() {
		wait = max(0, min(wait, next.Sub(r.now())))
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-w.Wake():
	case <-p.freed:
	case <-t.C:
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// pool is a bounded number of workers.
type pool struct {
	w     Worker
	ctx   context.Context //nolint:containedctx // outlives the runner's by the drain time
	slots chan struct{}
	freed chan struct{}
	wg    sync.WaitGroup

	mu      sync.Mutex
	running map[storage.ID]bool
	err     error
	done    bool // some work ended without an error of our own
	behind  bool // a row was passed over because it was being worked on
}

// perQueue is how many rows of one queue are taken in a round at least; a queue
// with many does not keep the others waiting.
const perQueue = 4

// round goes once over the queues. found says that something was started.
func (p *pool) round(ctx context.Context) (found bool, err error) {
	queues, err := p.w.Queues(ctx)
	if err != nil {
		return false, err
	}
	// One queue alone may take every worker, several share them.
	share := max(perQueue, cap(p.slots)/max(1, len(queues)))
	for _, q := range queues {
		// Rows being worked on may still show as due.
		ids, err := p.w.Due(ctx, q, share+cap(p.slots))
		if err != nil {
			return found, err
		}
		started := 0
		for _, id := range ids {
			if started == share {
				break
			}
			if !p.start(ctx, id) {
				continue
			}
			started++
			found = true
		}
	}
	return found, nil
}

func (p *pool) start(ctx context.Context, id storage.ID) bool {
	p.mu.Lock()
	if p.running[id] {
		p.behind = true
		p.mu.Unlock()
		return false
	}
	p.mu.Unlock()
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	p.mu.Lock()
	p.running[id] = true
	p.mu.Unlock()
	p.wg.Go(func() {
		err := p.w.Work(p.ctx, id)
		p.mu.Lock()
		delete(p.running, id)
		if err != nil && !errors.Is(err, context.Canceled) {
			p.err = err
		}
		p.done = p.done || err == nil
		behind := p.behind
		p.behind = false
		p.mu.Unlock()
		<-p.slots
		if behind || err != nil {
			select {
			case p.freed <- struct{}{}:
			default:
			}
		}
	})
	return true
}

func (p *pool) takeError() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.err
	p.err = nil
	return err
}

// takeDone reports whether some work ended well since it was last asked.
func (p *pool) takeDone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	done := p.done
	p.done = false
	return done
}

func (p *pool) finish(drain time.Duration, cut func()) {
	done := make(chan struct{})
	go func() {
		p.wg.Wait()
		close(done)
	}()
	t := time.NewTimer(drain)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
		cut()
		<-done
	}
}

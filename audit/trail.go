package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	defaultActor   = "connector"
	defaultTimeout = 30 * time.Second
	maxBatch       = 256 // records in one Append to the log
)

// TrailOptions change how a Trail behaves. The zero value is good.
type TrailOptions struct {
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
	// Actor is written where a record names none. Empty: "connector".
	Actor string
	// Timeout bounds one write to the log, which goes on when the caller's
	// context ends because other callers' records may be in it. 0: 30 seconds.
	Timeout time.Duration
	// Sealer, if set, makes Transport keep the content of each call, sealed.
	// Nil: sizes and hashes alone are kept.
	Sealer Sealer
}

// Trail writes records to a Log and owns their order, time and chain of
// hashes. Several Trails, also in several processes, may write to one log: the
// log's ErrConflict tells the loser to read again and go on behind the winner.
// It is safe for concurrent use.
type Trail struct {
	log     Log
	now     func() time.Time
	actor   string
	timeout time.Duration
	sealer  Sealer

	mu    sync.Mutex
	lines map[string]*line // by tenant
}

// line is the queue of records of one tenant.
type line struct {
	mu      sync.Mutex
	waiting []*entry
	writing bool // somebody writes and will come back for waiting

	head  Record // only the writer reads and sets these two
	known bool
}

type entry struct {
	record Record
	done   chan error // holds one, so the writer never waits for a caller that left
}

// NewTrail returns a Trail in front of a log.
func NewTrail(l Log, opts *TrailOptions) *Trail {
	if opts == nil {
		opts = &TrailOptions{}
	}
	t := &Trail{log: l, now: opts.Now, actor: opts.Actor, timeout: opts.Timeout, sealer: opts.Sealer, lines: map[string]*line{}}
	if t.now == nil {
		t.now = time.Now
	}
	if t.actor == "" {
		t.actor = defaultActor
	}
	if t.timeout <= 0 {
		t.timeout = defaultTimeout
	}
	return t
}

// Append writes one record and returns when it is durable. Tenant and Action
// are required and Detail, if any, must be JSON; Seq, Time, Prev and Hash are
// set here and whatever they hold is ignored. Time never runs backwards within
// a tenant: if the clock did, the last record's time is used again.
//
// Records of one tenant that arrive together are written together. Append does
// not look for repeats: a happening that is recorded again after a crash bears
// the same ID and stands in the log twice.
//
// Every error wraps ErrUnavailable and means that what was to be recorded must
// not be done. The record may nevertheless have been written.
func (t *Trail) Append(ctx context.Context, r Record) error {
	if err := t.complete(&r); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return unavailable(r.Tenant, err)
	}
	e := &entry{record: r, done: make(chan error, 1)}
	l := t.line(r.Tenant)
	l.mu.Lock()
	l.waiting = append(l.waiting, e)
	start := !l.writing
	l.writing = true
	l.mu.Unlock()
	if start {
		// Not in the caller's goroutine: his context may end while the records of
		// others are on their way.
		go t.write(context.WithoutCancel(ctx), l)
	}
	select {
	case err := <-e.done:
		if err != nil {
			return unavailable(r.Tenant, err)
		}
		return nil
	case <-ctx.Done():
		return unavailable(r.Tenant, ctx.Err())
	}
}

// Read returns records as the log does.
func (t *Trail) Read(ctx context.Context, q Query) (rs []Record, next int64, err error) {
	return t.log.Read(ctx, q)
}

// Last returns the tenant's newest record as the log does; none: ErrNotFound.
func (t *Trail) Last(ctx context.Context, tenant string) (Record, error) {
	return t.log.Last(ctx, tenant)
}

func unavailable(tenant string, err error) error {
	if errors.Is(err, ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w for tenant %q: %w", ErrUnavailable, tenant, err)
}

// complete checks a caller's record and fills what does not depend on its place
// in the chain.
func (t *Trail) complete(r *Record) error {
	switch {
	case r.Tenant == "":
		return fmt.Errorf("%w: the record names no tenant", ErrUnavailable)
	case r.Action == "":
		return fmt.Errorf("%w for tenant %q: the record names no action", ErrUnavailable, r.Tenant)
	case len(r.Detail) > 0 && !json.Valid(r.Detail):
		return fmt.Errorf("%w for tenant %q: the detail of action %q is not JSON", ErrUnavailable, r.Tenant, r.Action)
	}
	if r.Actor == "" {
		r.Actor = t.actor
	}
	// Some databases refuse broken UTF-8 and others mend it, which would change
	// what the hash covers.
	for _, s := range []*string{&r.ID, &r.Actor, &r.Action, &r.Subject, &r.Outcome, &r.Reason} {
		*s = strings.ToValidUTF8(*s, "\uFFFD")
	}
	// The caller may go on using his slices while the record waits.
	r.Detail = append(json.RawMessage(nil), r.Detail...)
	r.Sealed = append([]byte(nil), r.Sealed...)
	return nil
}

func (t *Trail) line(tenant string) *line {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lines[tenant]
	if l == nil {
		l = &line{}
		t.lines[tenant] = l
	}
	return l
}

// write takes what waits, batch by batch, until nothing does.
func (t *Trail) write(ctx context.Context, l *line) {
	for {
		// Whoever waited for the last batch runs first, so that what he records next
		// is part of this one.
		runtime.Gosched()
		l.mu.Lock()
		n := min(len(l.waiting), maxBatch)
		if n == 0 {
			l.waiting, l.writing = nil, false
			l.mu.Unlock()
			return
		}
		batch := l.waiting[:n:n]
		l.waiting = l.waiting[n:]
		l.mu.Unlock()
		err := t.append(ctx, l, batch)
		for _, e := range batch {
			e.done <- err
		}
	}
}

// append writes one batch behind the tenant's newest record.
func (t *Trail) append(ctx context.Context, l *line, batch []*entry) error {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	tenant := batch[0].record.Tenant
	for {
		if !l.known {
			head, err := t.head(ctx, tenant)
			if err != nil {
				return err
			}
			l.head, l.known = head, true
		}
		rs := t.chained(l.head, batch)
		err := t.log.Append(ctx, rs)
		if err == nil {
			l.head = rs[len(rs)-1]
			return nil
		}
		// After any error the log may hold more than is known here: a prefix of
		// these records, or those of another process.
		taken := l.head.Seq
		l.known = false
		if !errors.Is(err, ErrConflict) {
			return err
		}
		head, err := t.head(ctx, tenant)
		if err != nil {
			return err
		}
		if head.Seq <= taken {
			return fmt.Errorf("the log refused number %d as taken but its last is %d", taken+1, head.Seq)
		}
		l.head, l.known = head, true
	}
}

// head returns the tenant's newest record, or the zero Record if there is none.
func (t *Trail) head(ctx context.Context, tenant string) (Record, error) {
	r, err := t.log.Last(ctx, tenant)
	if errors.Is(err, ErrNotFound) {
		return Record{}, nil
	}
	return r, err
}

// chained gives the records of a batch their numbers, times and hashes.
func (t *Trail) chained(head Record, batch []*entry) []Record {
	now := t.now().UTC().Truncate(time.Microsecond)
	if now.Before(head.Time) {
		now = head.Time.UTC()
	}
	rs := make([]Record, len(batch))
	for i, e := range batch {
		r := e.record
		r.Seq, r.Time, r.Prev = head.Seq+1, now, head.Hash
		r.Hash = ChainHash(r)
		rs[i], head = r, r
	}
	return rs
}

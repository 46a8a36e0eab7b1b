// Package memlog is an audit.Log in memory, for tests, simulations and first
// steps. It forgets everything when the process ends.
//
//	trail := audit.NewTrail(memlog.New(), nil)
//
// It fails only when the context has ended, when records are not consecutive
// records of one tenant, and with the errors of package audit. It is safe for
// concurrent use.
package memlog

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/ml-connector/ml-connector/audit"
)

const defaultLimit = 100

// Log keeps records in memory.
type Log struct {
	mu      sync.Mutex
	records map[string][]audit.Record // by tenant; record n stands at n-1
}

var _ audit.Log = (*Log)(nil)

// New returns an empty log.
func New() *Log {
	return &Log{records: map[string][]audit.Record{}}
}

// Append implements audit.Log: all records or none.
func (l *Log) Append(ctx context.Context, rs []audit.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(rs) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	tenant, first := rs[0].Tenant, rs[0].Seq
	last := int64(len(l.records[tenant]))
	switch {
	case first >= 1 && first <= last:
		return fmt.Errorf("memlog: append record %d of tenant %q: %w", first, tenant, audit.ErrConflict)
	case first != last+1:
		return fmt.Errorf("memlog: append record %d of tenant %q: the next one is %d", first, tenant, last+1)
	}
	for i, r := range rs {
		if r.Tenant != tenant || r.Seq != first+int64(i) {
			return fmt.Errorf("memlog: append to tenant %q: record %d is %d of tenant %q, not the successor of the one before", tenant, i, r.Seq, r.Tenant)
		}
	}
	for _, r := range rs {
		l.records[tenant] = append(l.records[tenant], detached(r))
	}
	return nil
}

// Last implements audit.Log.
func (l *Log) Last(ctx context.Context, tenant string) (audit.Record, error) {
	if err := ctx.Err(); err != nil {
		return audit.Record{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	rs := l.records[tenant]
	if len(rs) == 0 {
		return audit.Record{}, fmt.Errorf("memlog: last of tenant %q: %w", tenant, audit.ErrNotFound)
	}
	return detached(rs[len(rs)-1]), nil
}

// Read implements audit.Log.
func (l *Log) Read(ctx context.Context, q audit.Query) (rs []audit.Record, next int64, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.records[q.Tenant]
	start := min(max(q.After, 0), int64(len(all)))
	for _, r := range all[start:] {
		if q.Subject != "" && q.Subject != r.Subject {
			continue
		}
		if len(rs) == q.Limit {
			return rs, rs[len(rs)-1].Seq, nil
		}
		rs = append(rs, detached(r))
	}
	return rs, 0, nil
}

func detached(r audit.Record) audit.Record {
	r.Detail = bytes.Clone(r.Detail)
	r.Sealed = bytes.Clone(r.Sealed)
	return r
}

package audittest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/memlog"
)

// recorder stands in for *testing.T and remembers whether a rule failed.
type recorder struct {
	faults []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}
func (r *recorder) FailNow()    { runtime.Goexit() }
func (r *recorder) Skip(...any) { runtime.Goexit() }

// faults runs rules (all of them, or those named) against a log and returns the
// texts of those that failed, by name. Each rule has a clock of its own, which
// moves on only when everybody waits: how fast the machine is decides nothing,
// and only a log that is stuck runs out of time.
func faults(t *testing.T, open func() audit.Log, only ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, r := range rules() {
		if len(only) > 0 && !slices.Contains(only, r.name) {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			rec := &recorder{}
			done := make(chan struct{})
			go func() {
				defer close(done)
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				r.run(ctx, &check{t: rec, rule: r, log: open()})
			}()
			select {
			case <-done:
				if len(rec.faults) > 0 {
					found[r.name] = strings.Join(rec.faults, "\n")
				}
			case <-time.After(2 * patience):
				t.Fatalf("the rule %q is stuck", r.name)
			}
			others() // callers that a rule did not wait for come to their end
		})
	}
	return found
}

// others lets all other callers come as far as they can.
func others() { <-time.After(time.Millisecond) }

// broken is a log with one fault in it. A nil hook means: as it should be.
type broken struct {
	audit.Log
	append func(ctx context.Context, l audit.Log, rs []audit.Record) error
	last   func(ctx context.Context, l audit.Log, tenant string) (audit.Record, error)
	read   func(ctx context.Context, l audit.Log, q audit.Query) ([]audit.Record, int64, error)
}

func (b broken) Append(ctx context.Context, rs []audit.Record) error {
	if b.append != nil {
		return b.append(ctx, b.Log, rs)
	}
	return b.Log.Append(ctx, rs)
}

func (b broken) Last(ctx context.Context, tenant string) (audit.Record, error) {
	if b.last != nil {
		return b.last(ctx, b.Log, tenant)
	}
	return b.Log.Last(ctx, tenant)
}

func (b broken) Read(ctx context.Context, q audit.Query) ([]audit.Record, int64, error) {
	if b.read != nil {
		return b.read(ctx, b.Log, q)
	}
	return b.Log.Read(ctx, q)
}

// changing returns a log that changes each record on its way in.
func changing(change func(r *audit.Record)) func() audit.Log {
	return func() audit.Log {
		return broken{Log: memlog.New(), append: func(ctx context.Context, l audit.Log, rs []audit.Record) error {
			changed := make([]audit.Record, len(rs))
			for i, r := range rs {
				change(&r)
				changed[i] = r
			}
			return l.Append(ctx, changed)
		}}
	}
}

// loose is a log without any check: a list by tenant.
type loose struct {
	*memlog.Log
	mu sync.Mutex
	rs map[string][]audit.Record
}

func TestSuitePassesAGoodLog(t *testing.T) {
	require.Empty(t, faults(t, func() audit.Log { return memlog.New() }))
}

func TestSuiteCatchesBrokenLogs(t *testing.T) {
	for _, tc := range []struct {
		name string
		rule string // one that must fail; others may
		open func() audit.Log
	}{
		{"drops the last record of a batch", "append writes all", func() audit.Log {
			return broken{Log: memlog.New(), append: func(ctx context.Context, l audit.Log, rs []audit.Record) error {
				if len(rs) > 1 {
					rs = rs[:len(rs)-1]
				}
				return l.Append(ctx, rs)
			}}
		}},
		{"says ok and writes nothing", "records come back as they were", func() audit.Log {
			return broken{Log: memlog.New(), append: func(context.Context, audit.Log, []audit.Record) error { return nil }}
		}},
		{"reads newest first", "read is in order", func() audit.Log {
			return broken{Log: memlog.New(), read: func(ctx context.Context, l audit.Log, q audit.Query) ([]audit.Record, int64, error) {
				rs, next, err := l.Read(ctx, q)
				for i := range len(rs) / 2 {
					rs[i], rs[len(rs)-1-i] = rs[len(rs)-1-i], rs[i]
				}
				return rs, next, err
			}}
		}},
		{"swallows a number that is taken", "a number is taken once", func() audit.Log {
			return broken{Log: memlog.New(), append: func(ctx context.Context, l audit.Log, rs []audit.Record) error {
				_ = l.Append(ctx, rs)
				return nil
			}}
		}},
		{"writes the rest of a batch whose beginning is taken", "a number is taken once", func() audit.Log {
			return broken{Log: memlog.New(), append: func(ctx context.Context, l audit.Log, rs []audit.Record) error {
				err := l.Append(ctx, rs)
				for len(rs) > 0 && err != nil {
					rs = rs[1:]
					_ = l.Append(ctx, rs)
				}
				return err
			}}
		}},
		{"does not name the conflict", "a number is taken once", func() audit.Log {
			return broken{Log: memlog.New(), append: func(ctx context.Context, l audit.Log, rs []audit.Record) error {
				if err := l.Append(ctx, rs); err != nil {
					return errors.New("duplicate key: " + err.Error()) // says it in words only
				}
				return nil
			}}
		}},
		{"checks, then writes", "of many appends one wins", func() audit.Log {
			return &racy{loose{Log: memlog.New(), rs: map[string][]audit.Record{}}}
		}},
		{"leaves a gap when its context ends", "a failed append leaves no gap", func() audit.Log {
			return &gappy{Log: memlog.New()}
		}},
		{"encodes the detail again", "records come back as they were", changing(func(r *audit.Record) {
			var v any
			if json.Unmarshal(r.Detail, &v) == nil {
				r.Detail, _ = json.Marshal(v)
			}
		})},
		{"compacts the detail", "records come back as they were", changing(func(r *audit.Record) {
			var b bytes.Buffer
			if json.Compact(&b, r.Detail) == nil {
				r.Detail = b.Bytes()
			}
		})},
		{"forgets what is sealed", "records come back as they were", changing(func(r *audit.Record) { r.Sealed = nil })},
		{"forgets the previous hash", "records come back as they were", changing(func(r *audit.Record) { r.Prev = "" })},
		{"keeps whole seconds", "records come back as they were", changing(func(r *audit.Record) { r.Time = r.Time.Truncate(time.Second) })},
		{"returns local time", "records come back as they were", changing(func(r *audit.Record) { r.Time = r.Time.In(time.FixedZone("+01", 3600)) })},
		{"cuts long texts", "records come back as they were", changing(func(r *audit.Record) { r.Subject = r.Subject[:min(len(r.Subject), 255)] })},
		{"folds the case of tenants", "tenants are apart", func() audit.Log {
			return broken{
				Log: memlog.New(),
				append: func(ctx context.Context, l audit.Log, rs []audit.Record) error {
					folded := append([]audit.Record(nil), rs...)
					for i := range folded {
						folded[i].Tenant = strings.ToLower(folded[i].Tenant)
					}
					return l.Append(ctx, folded)
				},
				last: func(ctx context.Context, l audit.Log, tenant string) (audit.Record, error) {
					r, err := l.Last(ctx, strings.ToLower(tenant))
					r.Tenant = tenant
					return r, err
				},
			}
		}},
		{"numbers across tenants", "tenants are apart", func() audit.Log {
			one := "one"
			return broken{
				Log: memlog.New(),
				append: func(ctx context.Context, l audit.Log, rs []audit.Record) error {
					merged := append([]audit.Record(nil), rs...)
					for i := range merged {
						merged[i].Tenant = one
					}
					return l.Append(ctx, merged)
				},
				last: func(ctx context.Context, l audit.Log, _ string) (audit.Record, error) { return l.Last(ctx, one) },
			}
		}},
		{"last lags one behind", "append writes all", func() audit.Log {
			return broken{Log: memlog.New(), last: func(ctx context.Context, l audit.Log, tenant string) (audit.Record, error) {
				r, err := l.Last(ctx, tenant)
				if err != nil || r.Seq == 1 {
					return r, err
				}
				rs, _, err := l.Read(ctx, audit.Query{Tenant: tenant, After: r.Seq - 2, Limit: 1})
				return rs[0], err
			}}
		}},
		{"last of nothing is a zero record", "a tenant without records", func() audit.Log {
			return broken{Log: memlog.New(), last: func(ctx context.Context, l audit.Log, tenant string) (audit.Record, error) {
				r, err := l.Last(ctx, tenant)
				if err != nil && ctx.Err() == nil {
					return audit.Record{}, nil
				}
				return r, err
			}}
		}},
		{"skips a record between pages", "read is in order", func() audit.Log {
			return broken{Log: memlog.New(), read: func(ctx context.Context, l audit.Log, q audit.Query) ([]audit.Record, int64, error) {
				rs, next, err := l.Read(ctx, q)
				if next > 0 {
					next++
				}
				return rs, next, err
			}}
		}},
		{"shows a record on two pages", "read is in order", func() audit.Log {
			return broken{Log: memlog.New(), read: func(ctx context.Context, l audit.Log, q audit.Query) ([]audit.Record, int64, error) {
				if q.After > 1 {
					q.After--
				}
				return l.Read(ctx, q)
			}}
		}},
		{"ends after the first page", "read is in order", func() audit.Log {
			return broken{Log: memlog.New(), read: func(ctx context.Context, l audit.Log, q audit.Query) ([]audit.Record, int64, error) {
				rs, _, err := l.Read(ctx, q)
				return rs, 0, err
			}}
		}},
		{"ignores the limit", "read is in order", func() audit.Log {
			return broken{Log: memlog.New(), read: func(ctx context.Context, l audit.Log, q audit.Query) ([]audit.Record, int64, error) {
				q.Limit = 1 << 20
				return l.Read(ctx, q)
			}}
		}},
		{"ignores the subject", "read of one subject", func() audit.Log {
			return broken{Log: memlog.New(), read: func(ctx context.Context, l audit.Log, q audit.Query) ([]audit.Record, int64, error) {
				q.Subject = ""
				return l.Read(ctx, q)
			}}
		}},
		{"filters the subject after cutting the page", "read of one subject", func() audit.Log {
			return broken{Log: memlog.New(), read: func(ctx context.Context, l audit.Log, q audit.Query) ([]audit.Record, int64, error) {
				subject := q.Subject
				q.Subject = ""
				rs, _, err := l.Read(ctx, q)
				var kept []audit.Record
				for _, r := range rs {
					if subject == "" || r.Subject == subject {
						kept = append(kept, r)
					}
				}
				return kept, 0, err
			}}
		}},
		{"takes a subject for a pattern", "read of one subject", func() audit.Log {
			return broken{Log: memlog.New(), read: func(ctx context.Context, l audit.Log, q audit.Query) ([]audit.Record, int64, error) {
				if q.Subject == "" {
					return l.Read(ctx, q)
				}
				rs, _, err := l.Read(ctx, audit.Query{Tenant: q.Tenant, After: q.After, Limit: 1 << 20})
				var kept []audit.Record
				for _, r := range rs {
					if strings.HasPrefix(r.Subject, q.Subject) {
						kept = append(kept, r)
					}
				}
				return kept, 0, err
			}}
		}},
		{"shares its slices", "records are not shared", func() audit.Log {
			return &sharing{loose{Log: memlog.New(), rs: map[string][]audit.Record{}}}
		}},
		{"shows records before they are whole", "read while records come in", func() audit.Log {
			return broken{Log: memlog.New(), read: func(ctx context.Context, l audit.Log, q audit.Query) ([]audit.Record, int64, error) {
				rs, next, err := l.Read(ctx, q)
				if len(rs) > 2 && rs[len(rs)-1].Seq < 190 && rs[0].Tenant == "acme" {
					rs = append(rs[:1], rs[2:]...)
				}
				return rs, next, err
			}}
		}},
		{"does not look at the context", "a context that has ended", func() audit.Log {
			return broken{Log: memlog.New(), read: func(ctx context.Context, l audit.Log, q audit.Query) ([]audit.Record, int64, error) {
				return l.Read(context.WithoutCancel(ctx), q)
			}}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			found := faults(t, tc.open, tc.rule)
			require.Contains(t, found, tc.rule)
			require.Contains(t, found[tc.rule], "the rule: ")
		})
	}
}

// racy looks whether the number is free, lets others run, and writes.
type racy struct{ loose }

func (l *racy) Append(_ context.Context, rs []audit.Record) error {
	l.mu.Lock()
	n := int64(len(l.rs[rs[0].Tenant]))
	l.mu.Unlock()
	if rs[0].Seq <= n {
		return audit.ErrConflict
	}
	others()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rs[rs[0].Tenant] = append(l.rs[rs[0].Tenant], rs...)
	return nil
}

func (l *racy) Read(_ context.Context, q audit.Query) ([]audit.Record, int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.rs[q.Tenant][q.After:]), 0, nil
}

// gappy writes every second record of a batch whose context ends.
type gappy struct {
	*memlog.Log
	mu sync.Mutex
	rs []audit.Record
}

func (l *gappy) Append(ctx context.Context, rs []audit.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() != nil {
		for i := 0; i < len(rs); i += 2 {
			l.rs = append(l.rs, rs[i])
		}
		return ctx.Err()
	}
	l.rs = append(l.rs, rs...)
	return nil
}

func (l *gappy) Last(context.Context, string) (audit.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rs) == 0 {
		return audit.Record{}, audit.ErrNotFound
	}
	return l.rs[len(l.rs)-1], nil
}

func (l *gappy) Read(context.Context, audit.Query) ([]audit.Record, int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.rs), 0, nil
}

// sharing keeps and returns the caller's own slices.
type sharing struct{ loose }

func (l *sharing) Append(_ context.Context, rs []audit.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rs[rs[0].Tenant] = append(l.rs[rs[0].Tenant], rs...)
	return nil
}

func (l *sharing) Last(_ context.Context, tenant string) (audit.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rs := l.rs[tenant]
	if len(rs) == 0 {
		return audit.Record{}, audit.ErrNotFound
	}
	return rs[len(rs)-1], nil
}

func (l *sharing) Read(_ context.Context, q audit.Query) ([]audit.Record, int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.rs[q.Tenant]), 0, nil
}

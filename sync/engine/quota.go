package engine

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound what the transfers of one tenant take of this process, so that no
// tenant starves another. The zero value of each field means the default written
// beside it. What a system asks for (RetryAfter) and its circuit hold besides.
type Limits struct {
	// Concurrency is how many of the tenant's transfers are worked on at once.
	// Default: no limit for the only tenant, and with the default Runner three
	// quarters of Options.Workers as soon as there are flows of two tenants.
	Concurrency int
	// Interval is the mean time between the beginnings of two passes over
	// transfers of the tenant. A pass asks each system a few times. Default: no
	// limit.
	Interval time.Duration
	// Burst is how many passes may begin at once after a quiet time: 1.
	Burst int
}

// quotas keep tenants within their limits and know what is being worked on.
type quotas struct {
	limits func(tenant string) Limits
	shared func() int // Concurrency where none is set; 0: no limit
	now    func() time.Time

	mu      sync.Mutex
	tenants map[string]*quota
	flows   map[*flow]int // passes under way
}

type quota struct {
	limits  Limits
	rate    *rate.Limiter // nil: no limit
	running int
	refused bool // somebody was sent away since the last pass ended
}

// of returns a tenant's quota. The caller holds q.mu.
func (q *quotas) of(tenant string) *quota {
	x := q.tenants[tenant]
	if x == nil {
		x = &quota{}
		if q.limits != nil {
			x.limits = q.limits(tenant)
		}
		if x.limits.Interval > 0 {
			x.rate = rate.NewLimiter(rate.Every(x.limits.Interval), max(1, x.limits.Burst))
		}
		if q.tenants == nil {
			q.tenants = map[string]*quota{}
		}
		q.tenants[tenant] = x
	}
	return x
}

func (q *quotas) full(x *quota) bool {
	most := x.limits.Concurrency
	if most <= 0 {
		most = q.shared()
	}
	return most > 0 && x.running >= most
}

// open reports whether a pass over a transfer of the tenant may begin now, and
// if a rate forbids it, when.
func (q *quotas) open(tenant string) (bool, time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	x := q.of(tenant)
	if q.full(x) {
		x.refused = true
		return false, time.Time{}
	}
	if x.rate == nil {
		return true, time.Time{}
	}
	now := q.now()
	r := x.rate.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	r.CancelAt(now)
	return wait <= 0, now.Add(wait)
}

// enter begins a pass; a sweep's is intake and always may. The caller that was
// let in calls leave.
func (q *quotas) enter(f *flow, sweep bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	x := q.of(f.tenant)
	if !sweep && (q.full(x) || (x.rate != nil && !x.rate.AllowN(q.now(), 1))) {
		x.refused = true
		return false
	}
	x.running++
	if q.flows == nil {
		q.flows = map[*flow]int{}
	}
	q.flows[f]++
	return true
}

// leave ends a pass. It reports whether somebody was sent away meanwhile.
func (q *quotas) leave(f *flow) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	x := q.of(f.tenant)
	x.running--
	if q.flows[f]--; q.flows[f] == 0 {
		delete(q.flows, f)
	}
	refused := x.refused
	x.refused = false
	return refused
}

// busy reports whether a pass over a transfer of the flow is under way here.
func (q *quotas) busy(f *flow) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.flows[f] > 0
}

// share is the default concurrency of a tenant beside others.
func (e *Engine) share() int {
	if e.foreign {
		return 0
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if len(e.flows) < 2 {
		return 0
	}
	return max(1, e.opts.Workers*3/4)
}

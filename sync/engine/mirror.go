package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Mirror keeps a copy of a reference set up to date: it reads the whole set,
// compares it by hash with what was sent before, and sends only the difference,
// retirements last and capped. It depends on no change stamp.
type Mirror[T any] struct {
	Tenant   string
	Name     string // unique within the tenant: "gl-accounts"
	Original connector.Original[T]
	// Copy may be nil: then the set is only watched, for documents that wait for
	// something in it.
	Copy   connector.Copy[T]
	Policy *MirrorPolicy // nil: defaults
	// Appeared, if set, is told the Needs of objects that are new or active
	// again, before transfers that wait for them are woken: refresh there what the
	// mapping looks things up in. An error ends the run; the next one tells again.
	Appeared func(ctx context.Context, needs []string) error
}

// MirrorPolicy says how a mirror behaves. The zero value of each field means
// the default written beside it.
type MirrorPolicy struct {
	Every time.Duration // between runs: 1 h; negative: only when asked
	Lease time.Duration // how long a run holds others off without a sign of life: 5 min
	// More retirements in one run than MaxRetire (50), or than MaxRetirePercent
	// (2) of the objects known, are held until a person approves. One is always
	// allowed.
	MaxRetire        int
	MaxRetirePercent int
}

func (p *MirrorPolicy) withDefaults() MirrorPolicy {
	var q MirrorPolicy
	if p != nil {
		q = *p
	}
	if q.Every == 0 {
		q.Every = time.Hour
	}
	if q.Lease == 0 {
		q.Lease = 5 * time.Minute
	}
	if q.MaxRetire == 0 {
		q.MaxRetire = 50
	}
	if q.MaxRetirePercent == 0 {
		q.MaxRetirePercent = 2
	}
	return q
}

// cap returns how many of known objects may be retired without being asked.
func (p MirrorPolicy) cap(known int) int {
	return min(p.MaxRetire, max(1, known*p.MaxRetirePercent/100))
}

// MirrorReport says what one run of a mirror did.
type MirrorReport struct {
	Name      string       `json:"name"`
	Started   time.Time    `json:"started"`
	Ended     time.Time    `json:"ended"`
	Read      int          `json:"read"`      // active objects in the original
	Unchanged int          `json:"unchanged"` // of these
	Sent      int          `json:"sent"`      // new or changed, taken by the copy
	Retired   int          `json:"retired"`
	Held      []string     `json:"held,omitempty"`   // keys whose retirement waits for a person
	Failed    []MirrorFail `json:"failed,omitempty"` // refused by the copy; tried again at each run
	Woken     int          `json:"woken"`            // transfers that waited for something that came
	Error     string       `json:"error,omitempty"`  // why the run ended early
}

// MirrorFail is one object that the copy refused.
type MirrorFail struct {
	Key   string `json:"key"`
	Error string `json:"error"`
}

// maxFails bounds what a report keeps.
const maxFails = 100

func mirrorPrefix(name string) string { return "mirror/" + digest(name) + "/" }

// mirror is a Mirror whose type has been erased.
type mirror interface {
	names() (tenant, name string)
	policy() MirrorPolicy
	run(ctx context.Context, e *Engine, approve bool) (MirrorReport, error)
}

type typedMirror[T any] struct {
	m Mirror[T]
	p MirrorPolicy
}

func (m *typedMirror[T]) names() (tenant, name string) { return m.m.Tenant, m.m.Name }

func (m *typedMirror[T]) policy() MirrorPolicy { return m.p }

// AddMirror registers a mirror; it may be called while the engine runs.
func AddMirror[T any](e *Engine, m Mirror[T]) error {
	if m.Tenant == "" || m.Name == "" || m.Original == nil {
		return fmt.Errorf("engine: mirror %q needs a Tenant, a Name and an Original", m.Name)
	}
	e.mirrors.mu.Lock()
	defer e.mirrors.mu.Unlock()
	for _, have := range e.mirrors.all {
		if t, n := have.names(); t == m.Tenant && n == m.Name {
			return fmt.Errorf("engine: tenant %q has a mirror %q already", m.Tenant, m.Name)
		}
	}
	e.mirrors.all = append(e.mirrors.all, &typedMirror[T]{m: m, p: m.Policy.withDefaults()})
	select {
	case e.mirrors.added <- struct{}{}:
	default:
	}
	return nil
}

// mirrors are those of one engine.
type mirrors struct {
	mu    sync.Mutex
	all   []mirror
	added chan struct{}
}

func (ms *mirrors) list() []mirror {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	return slices.Clone(ms.all)
}

// Mirrors returns the names of a tenant's mirrors in the order in which they
// were added.
func (e *Engine) Mirrors(tenant string) []string {
	var out []string
	for _, m := range e.mirrors.list() {
		if t, n := m.names(); t == tenant {
			out = append(out, n)
		}
	}
	return out
}

// ErrMirrorBusy says that another process runs the mirror at the moment.
var ErrMirrorBusy = errors.New("engine: another process runs this mirror")

// RunMirror runs a mirror now. With approve, retirements beyond the cap are
// carried out as well; by says who approves. The report is returned also with
// an error, and kept for LastMirror.
func (e *Engine) RunMirror(ctx context.Context, tenant, name string, approve bool, by Act) (MirrorReport, error) {
	for _, m := range e.mirrors.list() {
		if t, n := m.names(); t == tenant && n == name {
			if approve {
				if err := e.acted(ctx, tenant, "mirror/"+name, "approve retirements", by); err != nil {
					return MirrorReport{}, err
				}
			}
			return m.run(ctx, e, approve)
		}
	}
	return MirrorReport{}, fmt.Errorf("engine: tenant %q has no mirror %q", tenant, name)
}

// LastMirror returns the report of a mirror's last run; storage.ErrNotFound
// when it never ran.
func (e *Engine) LastMirror(ctx context.Context, tenant, name string) (MirrorReport, error) {
	v, err := e.store.Load(ctx, tenant, mirrorPrefix(name)+"run")
	if err != nil {
		return MirrorReport{}, err
	}
	var c mirrorClaim
	if err := json.Unmarshal(v.Data, &c); err != nil {
		return MirrorReport{}, fmt.Errorf("engine: mirror %q: %w", name, err)
	}
	if c.Report.Started.IsZero() {
		return MirrorReport{}, storage.ErrNotFound
	}
	return c.Report, nil
}

func (e *Engine) mirrorAll(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	started := map[mirror]bool{}
	for {
		for _, m := range e.mirrors.list() {
			if !started[m] && m.policy().Every > 0 {
				started[m] = true
				wg.Go(func() { e.mirrorLoop(ctx, m) })
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-e.mirrors.added:
		}
	}
}

func (e *Engine) mirrorLoop(ctx context.Context, m mirror) {
	tenant, name := m.names()
	failures := 0
	for ctx.Err() == nil {
		wait := m.policy().Every
		if _, err := m.run(ctx, e, false); err != nil && !errors.Is(err, ErrMirrorBusy) {
			if ctx.Err() != nil {
				return
			}
			failures++
			wait = min(wait, time.Minute*time.Duration(min(failures, 30)))
			e.log.WarnContext(ctx, "mirror failed, will be tried again", "tenant", tenant, "mirror", name, "error", err)
		} else {
			failures = 0
		}
		sleep(ctx, wait)
	}
}

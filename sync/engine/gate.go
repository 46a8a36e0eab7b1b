package engine

import (
	"sync"
	"time"
)

// gates say which systems may be asked. A system (one tenant's source or
// target) is shut for a while after several transient failures in a row, after
// a connection fault, and for as long as it asked to be left alone. After that
// one caller at a time may try, until one succeeds.
type gates struct {
	now func() time.Time
	mu  sync.Mutex
	all map[string]*gate
}

type gate struct {
	until    time.Time
	failures int
	opens    int    // shut so often in a row, for growing waits
	why      string // for a person
	mend     bool   // a connection fault: a person must act
	trying   bool   // somebody tries a system that was shut
	since    time.Time
	seen     time.Time // the clock when it was last looked at
}

// look returns a system's gate, nil when nothing is held against it. A clock that
// was set back does not keep a system shut for longer. The caller holds g.mu.
func (g *gates) look(system string) *gate {
	x := g.all[system]
	if x == nil {
		return nil
	}
	now := g.now()
	if back := x.seen.Sub(now); back > 0 {
		x.until = x.until.Add(-back)
	}
	x.seen = now
	return x
}

const maxShut = 15 * time.Minute

func newGates(now func() time.Time) *gates { return &gates{now: now, all: map[string]*gate{}} }

// open reports whether the system may be asked now, and if not, when.
func (g *gates) open(system string) (bool, time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	x := g.look(system)
	if x == nil {
		return true, time.Time{}
	}
	if g.now().Before(x.until) {
		return false, x.until
	}
	return !x.trying, time.Time{}
}

// enter asks to use the system; the caller then calls exactly one of pass,
// fail or leave.
func (g *gates) enter(system string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	x := g.look(system)
	if x == nil {
		return true
	}
	if g.now().Before(x.until) || x.trying {
		return false
	}
	x.trying = x.opens > 0
	return true
}

// pass says that the system answered. It reports whether something was held
// against it until now, so that others may have been kept waiting.
func (g *gates) pass(system string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, held := g.all[system]
	delete(g.all, system)
	return held
}

// leave says that the call told nothing about the system.
func (g *gates) leave(system string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if x := g.all[system]; x != nil {
		x.trying = false
	}
}

// fail says that the system did not answer as it should. probe reports that it
// was shut before and this caller had been let in to try it, so that the failure
// tells of the system and not of what the caller wanted.
func (g *gates) fail(system, why string, mend bool, after time.Duration, p Policy) (until time.Time, probe bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	x := g.look(system)
	if x == nil {
		x = &gate{since: g.now(), seen: g.now()}
		g.all[system] = x
	}
	was := x.opens > 0
	if was && !x.trying && g.now().Before(x.until) {
		// It was under way when the system was shut: no news, unless a pause is asked for.
		if until := g.now().Add(after); until.After(x.until) {
			x.until = until
		}
		return x.until, true
	}
	x.failures++
	x.why, x.mend = why, mend
	x.trying = false
	shut := after
	if mend || was || x.failures >= p.CircuitFailures {
		wait := p.CircuitOpen
		for i := 0; i < x.opens && wait < maxShut; i++ {
			wait *= 2
		}
		x.opens++
		x.failures = 0
		shut = max(shut, min(wait, maxShut))
	}
	if shut > 0 {
		if until := g.now().Add(shut); until.After(x.until) {
			x.until = until
		}
	}
	return x.until, was
}

// Shut is a system that is not being asked.
type Shut struct {
	Tenant string
	Flow   string // of a source
	Target string // of a target
	Why    string
	Mend   bool // a credential, scope or licence: a person must act
	Since  time.Time
	Until  time.Time
}

// Shut returns the systems that are not being asked at present, for a health
// page.
func (e *Engine) Shut() []Shut {
	var out []Shut
	seen := map[string]bool{}
	for _, f := range e.all() {
		for _, s := range []struct{ system, flow, target string }{
			{f.sourceSystem(), f.name, ""}, {f.targetSystem(), "", f.target},
		} {
			if seen[s.system] {
				continue
			}
			seen[s.system] = true
			e.gates.mu.Lock()
			if x := e.gates.look(s.system); x != nil && (x.opens > 0 || e.clock().Before(x.until)) {
				out = append(out, Shut{
					Tenant: f.tenant, Flow: s.flow, Target: s.target,
					Why: x.why, Mend: x.mend, Since: x.since, Until: x.until,
				})
			}
			e.gates.mu.Unlock()
		}
	}
	return out
}

package connectortest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// recorder stands in for *testing.T and remembers whether a rule failed.
type recorder struct{ faults, skips []string }

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}
func (r *recorder) FailNow() { runtime.Goexit() }
func (r *recorder) Skip(args ...any) {
	r.skips = append(r.skips, fmt.Sprint(args...))
	runtime.Goexit()
}

// recorded runs one rule and returns its recorder.
func recorded(run func(t reporter)) *recorder {
	rec := &recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(rec)
	}()
	<-done
	return rec
}

// set is the toys' posting: amounts by number.
type set map[string]int64

// ledger is the toys' target.
type ledger struct {
	mu    sync.Mutex
	made  map[string]entry // by number
	left  int              // changing calls until the target fails; 0: never
	calls int
	lose  bool
}

type entry struct {
	key    string
	amount int64
}

var errFault = errors.New("target does not answer")

// change is one call that changes something.
func (l *ledger) change(ctx context.Context, f func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left > 0 {
		if l.calls++; l.calls >= l.left {
			return errFault
		}
	}
	f()
	if l.lose {
		l.lose = false
		return errFault
	}
	return nil
}

func (l *ledger) get(number string) (entry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.made[number]
	return e, ok
}

// sink is a sink that keeps the contract, unless one of its faults is set.
type sink struct {
	l      *ledger
	lock   *sync.Mutex // of the target: one set at a time
	faults map[string]bool
	mine   map[string]connector.Receipt
}

func number(d connector.Delivery[set], base string) string {
	if d.Generation > 1 {
		return fmt.Sprintf("%s-%d", base, d.Generation)
	}
	return base
}

func numbers(d connector.Delivery[set]) []string {
	var ns []string
	for n := range d.Posting {
		ns = append(ns, n)
	}
	slices.Sort(ns)
	return ns
}

func (s *sink) key(d connector.Delivery[set]) string {
	if s.faults["key without a generation"] {
		d.Generation = 1
	}
	return d.Key()
}

func (s *sink) receipt(d connector.Delivery[set]) connector.Receipt {
	r := connector.Receipt{Final: true}
	for _, n := range numbers(d) {
		amount := d.Posting[n]
		if s.faults["rounded totals"] {
			amount += 5
		}
		r.Made = append(r.Made, connector.Made{ID: number(d, n), Number: number(d, n), Totals: []connector.Total{
			{Company: "C", Currency: "USD", Amount: decimal.New(amount, -2)},
		}})
	}
	return r
}

func (s *sink) Find(ctx context.Context, d connector.Delivery[set]) (connector.Finding, error) {
	if err := ctx.Err(); err != nil && !s.faults["deaf to its context"] {
		return connector.Finding{}, err
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.faults["finds in memory"] {
		if r, ok := s.mine[d.Key()]; ok {
			return connector.Finding{Presence: connector.Same, Receipt: r}, nil
		}
		return connector.Finding{Presence: connector.Absent}, nil
	}
	whole := 0
	for _, n := range numbers(d) {
		e, ok := s.l.get(number(d, n))
		switch {
		case !ok:
		case e.key != s.key(d) && s.faults["takes a clerk's for ours"]:
			whole++
		case e.key != s.key(d):
			return connector.Finding{Presence: connector.Different, Why: n + " is not ours"}, nil
		case e.amount != d.Posting[n] && !s.faults["blind to changes"]:
			return connector.Finding{Presence: connector.Different, Why: n + " was changed"}, nil
		default:
			whole++
		}
	}
	switch whole {
	case 0:
		return connector.Finding{Presence: connector.Absent}, nil
	case len(d.Posting):
		return connector.Finding{Presence: connector.Same, Receipt: s.receipt(d)}, nil
	}
	if s.faults["a part is different"] {
		return connector.Finding{Presence: connector.Different, Why: "not whole"}, nil
	}
	if s.faults["a part is same"] {
		return connector.Finding{Presence: connector.Same, Receipt: s.receipt(d)}, nil
	}
	return connector.Finding{Presence: connector.Partial}, nil
}

func (s *sink) Deliver(ctx context.Context, d connector.Delivery[set]) (connector.Receipt, error) {
	if s.faults["deaf to its context"] {
		ctx = context.WithoutCancel(ctx)
	}
	if !s.faults["no order between processes"] {
		s.lock.Lock()
		defer s.lock.Unlock()
	}
	for i, n := range numbers(d) {
		at := number(d, n)
		e, ok := s.l.get(at)
		switch {
		case ok && e.key != s.key(d) && s.faults["takes a clerk's for ours"]:
			continue
		case ok && e.key == s.key(d) && e.amount == d.Posting[n] && !s.faults["posts twice"]:
			continue
		case ok && s.faults["takes back in Deliver"]:
			_ = s.l.change(ctx, func() { delete(s.l.made, at) })
			return connector.Receipt{}, &connector.Rejection{Err: errors.New("in the way")}
		case ok && !s.faults["posts twice"]:
			return connector.Receipt{}, &connector.Rejection{Err: errors.New(at + " is taken")}
		}
		key := s.key(d)
		if i > 0 && s.faults["key on the first only"] {
			key = ""
		}
		if s.faults["no order between processes"] {
			<-time.After(2 * time.Millisecond) // between looking and making
		}
		err := s.l.change(ctx, func() {
			if _, there := s.l.made[at]; there {
				at = fmt.Sprintf("%s copy %d", at, len(s.l.made))
			}
			s.l.made[at] = entry{key, d.Posting[n]}
		})
		if err != nil && s.faults["claims refusals"] {
			return connector.Receipt{}, &connector.Rejection{Err: err}
		}
		if err != nil && s.faults["swallows errors"] {
			continue
		}
		if err != nil {
			return connector.Receipt{}, err
		}
	}
	r := s.receipt(d)
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	s.mine[d.Key()] = r
	return r, nil
}

func (s *sink) Reverse(ctx context.Context, d connector.Delivery[set]) (connector.Receipt, error) {
	if err := ctx.Err(); err != nil && !s.faults["deaf to its context"] {
		return connector.Receipt{}, err
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	delete(s.mine, d.Key())
	found := 0
	for _, n := range numbers(d) {
		at := number(d, n)
		e, ok := s.l.get(at)
		if !ok || (e.key != s.key(d) && !s.faults["reverses what bears no key"]) {
			continue
		}
		found++
		if s.faults["reverses the first only"] && found > 1 {
			continue
		}
		if err := s.l.change(ctx, func() { delete(s.l.made, at) }); err != nil {
			return connector.Receipt{}, err
		}
	}
	if found == 0 && s.faults["reverses once"] {
		return connector.Receipt{}, connector.ErrNotFound
	}
	return connector.Receipt{}, nil
}

type place struct {
	l    *ledger
	lock *sync.Mutex
}

func harness(faults ...string) SinkHarness[set] {
	make1 := func(p place) connector.Sink[set] {
		s := &sink{l: p.l, lock: p.lock, faults: map[string]bool{}, mine: map[string]connector.Receipt{}}
		for _, f := range faults {
			s.faults[f] = true
		}
		return s
	}
	at := func(target any) place { p, _ := target.(place); return p }
	return SinkHarness[set]{
		Open: func(*testing.T) (connector.Sink[set], any) {
			p := place{&ledger{made: map[string]entry{}}, &sync.Mutex{}}
			return make1(p), p
		},
		Posting: func(n int) set {
			return set{fmt.Sprint("A", n): int64(n), fmt.Sprint("B", n): int64(10 * n), fmt.Sprint("C", n): -3}
		},
		Totals: func(p set) []connector.Total {
			var ts []connector.Total
			for _, a := range p {
				ts = append(ts, connector.Total{Company: "C", Currency: "USD", Amount: decimal.New(a, -2)})
			}
			return ts
		},
		Change: func(p set) set {
			out := set{}
			for n, a := range p {
				out[n] = a + 1
			}
			return out
		},
		Again: func(_ *testing.T, target any) connector.Sink[set] { return make1(at(target)) },
		Keys: func(_ *testing.T, target any) []string {
			l := at(target).l
			l.mu.Lock()
			defer l.mu.Unlock()
			var ks []string
			for _, e := range l.made {
				ks = append(ks, e.key)
			}
			return ks
		},
		Foreign: func(_ *testing.T, target any, p set) {
			for n, a := range p {
				at(target).l.made[n] = entry{"", a}
			}
		},
		Break: func(_ *testing.T, target any, n int) bool {
			l := at(target).l
			l.mu.Lock()
			defer l.mu.Unlock()
			reached := l.left > 0 && l.calls >= l.left
			l.left, l.calls = n, 0
			return reached
		},
		Lose: func(_ *testing.T, target any) { at(target).l.lose = true },
	}
}

// paper is one document of the toy source.
type paper struct {
	version, revision int64
	phase             connector.Phase
	amount            int64
}

// desk is the toys' system.
type desk struct {
	mu     sync.Mutex
	clock  int64
	papers map[string]*paper
}

// source is a source that keeps the contract, unless one of its faults is set.
type source struct {
	d       *desk
	faults  map[string]bool
	mu      sync.Mutex
	fetched int64
}

func (s *source) Kinds() []string { return []string{"paper"} }

func (s *source) Fetch(ctx context.Context, ref connector.Ref) (connector.Snapshot[int64], error) {
	var out connector.Snapshot[int64]
	if err := ctx.Err(); err != nil && !s.faults["deaf to its context"] {
		return out, err
	}
	s.mu.Lock()
	s.fetched++
	n := s.fetched
	s.mu.Unlock()
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	p := s.d.papers[ref.ID]
	if p == nil {
		if s.faults["unknown is withdrawn"] {
			return out, connector.ErrWithdrawn
		}
		return out, fmt.Errorf("paper %s: %w", ref.ID, connector.ErrNotFound)
	}
	out = connector.Snapshot[int64]{
		Ref: ref, Revision: p.revision, Phase: p.phase, Why: "phase " + string(p.phase), Period: "2026-10", Content: p.amount,
		Totals: []connector.Total{{Company: "C", Currency: "USD", Amount: decimal.New(p.amount, -2)}},
	}
	switch {
	case s.faults["counts revisions itself"]:
		out.Revision = n
	case s.faults["never a new revision"]:
		out.Revision = 1
	case s.faults["no period"]:
		out.Period = ""
	case s.faults["no totals"]:
		out.Totals = nil
	case s.faults["wrong totals"]:
		out.Totals[0].Amount = decimal.New(1, 0)
	case s.faults["everything is ready"]:
		out.Phase = connector.Ready
	case s.faults["content of the day"]:
		out.Content += n
		out.Totals[0].Amount = decimal.New(out.Content, -2)
	}
	return out, nil
}

func (s *source) Changes(ctx context.Context, after connector.Cursor) (connector.Page[int64], error) {
	var page connector.Page[int64]
	if err := ctx.Err(); err != nil && !s.faults["deaf to its context"] {
		return page, err
	}
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	from := int64(0)
	if after != "" {
		if _, err := fmt.Sscan(string(after), &from); err != nil {
			return page, err
		}
	}
	var ids []string
	for id := range s.d.papers {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return int(s.d.papers[a].version - s.d.papers[b].version) })
	page.Next = after
	for _, id := range ids {
		p := s.d.papers[id]
		if p.version <= from {
			continue
		}
		if len(page.Changes) == 2 {
			page.More = true
			break
		}
		page.Next = connector.Cursor(fmt.Sprint(p.version))
		version := fmt.Sprint(p.version)
		switch {
		case s.faults["version of the day"]:
			s.mu.Lock()
			s.fetched++
			version = fmt.Sprint(s.fetched)
			s.mu.Unlock()
		case s.faults["version that never changes"]:
			version = "1"
		}
		page.Changes = append(page.Changes, connector.Change[int64]{Ref: connector.Ref{Kind: "paper", ID: id}, Version: version})
	}
	switch {
	case s.faults["always more"]:
		page.More = true
	case s.faults["one page only"]:
		page.More = false
	case s.faults["ends behind what is to come"] && !page.More:
		page.Next = connector.Cursor(fmt.Sprint(s.d.clock + 1000))
	case s.faults["another kind"]:
		for i := range page.Changes {
			page.Changes[i].Ref.Kind = "other"
		}
	}
	return page, nil
}

func desks(faults ...string) SourceHarness[int64] {
	make1 := func(d *desk) connector.Source[int64] {
		s := &source{d: d, faults: map[string]bool{}}
		for _, f := range faults {
			s.faults[f] = true
		}
		return s
	}
	at := func(system any) *desk { d, _ := system.(*desk); return d }
	return SourceHarness[int64]{
		Open: func(*testing.T) (connector.Source[int64], any) {
			d := &desk{papers: map[string]*paper{}}
			for _, id := range strings.Split("P1 P2 P3 P4 P5", " ") {
				d.clock++
				d.papers[id] = &paper{version: d.clock, revision: d.clock, phase: connector.Ready, amount: 100 * d.clock}
			}
			d.papers["P2"].phase = connector.NotYet
			return make1(d), d
		},
		Ready: connector.Ref{Kind: "paper", ID: "P5"}, NotYet: connector.Ref{Kind: "paper", ID: "P2"},
		Again: func(_ *testing.T, system any) connector.Source[int64] { return make1(at(system)) },
		Change: func(_ *testing.T, system any, ref connector.Ref) {
			d := at(system)
			d.clock++
			p := d.papers[ref.ID]
			p.version, p.revision, p.amount = d.clock, d.clock, p.amount+1
		},
		Recall: func(_ *testing.T, system any, ref connector.Ref) {
			d := at(system)
			d.clock++
			d.papers[ref.ID].version, d.papers[ref.ID].phase = d.clock, connector.Withdrawn
		},
		Totals: func(amount int64) []connector.Total {
			return []connector.Total{{Company: "C", Currency: "USD", Amount: decimal.New(amount, -2)}}
		},
	}
}

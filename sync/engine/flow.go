package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Flow joins a source to a sink for one tenant.
type Flow[S, D any] struct {
	Tenant string // 1 to 200 bytes
	Name   string // unique within the tenant
	Target string // flows of one target share its ledger: a document is delivered there once
	Source connector.Source[S]
	Mapper mapping.Mapper[S, D]
	Sink   connector.Sink[D]
	Policy *Policy // nil: defaults
}

// Policy says how a flow behaves over time. The zero value of each field means
// the default written beside it.
type Policy struct {
	MinWait, MaxWait time.Duration // between tries, doubling, with jitter: 2 s and 15 min
	MaxTries         int           // failures in a row before a document is parked: 12
	MaxFailing       time.Duration // how long a document may be what a system that is down is tried with, before it is parked: 24 h
	Lease            time.Duration // how long a claim holds without being extended: 2 min
	Sweep            time.Duration // between sweeps of the source: 10 min; negative: never
	Poll             time.Duration // between looks at a receipt that is not final: 1 min
	// Payments is the time between looks for payments at a Sink that is a
	// connector.Payer, where a source of its target wants to be told: 15 min;
	// negative: never.
	Payments time.Duration
	// AttachTries is how often something that belongs to a posting and is missing,
	// such as an image of a receipt, is tried to be added after the posting is final,
	// where the Sink is a connector.Attacher: 12, which takes about a day; negative:
	// never.
	AttachTries int
	// CircuitFailures transient failures in a row of one system stop asking it
	// for CircuitOpen: 5 and 30 s. A connection fault does so at once.
	CircuitFailures int
	CircuitOpen     time.Duration
	// KeepContents is how long the documents and postings of a transfer are kept
	// after it came to its end and nothing happened to it any more, and KeepRows how
	// long the transfer itself, with its history, is; see Engine.Purge. 0: for ever.
	// Without contents a later revision is compared with what was posted by hash
	// alone, and a recall is for a person. Payments are told as long as there is a row.
	KeepContents, KeepRows time.Duration
	// Return says of which causes the source is told by itself that a document
	// failed, and after how long it has been parked with it (0: at once); AnyCause
	// stands for all that are not named. It then comes as a new revision, and the
	// failed one is never posted. Nil: never, a person decides with Replay or
	// Return. It has no meaning for a Source that is no Acknowledger.
	Return map[string]time.Duration
}

func (p *Policy) withDefaults() Policy {
	var q Policy
	if p != nil {
		q = *p
	}
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&q.MinWait, 2*time.Second)
	set(&q.MaxWait, 15*time.Minute)
	set(&q.Lease, 2*time.Minute)
	set(&q.Sweep, 10*time.Minute)
	set(&q.Poll, time.Minute)
	set(&q.Payments, 15*time.Minute)
	set(&q.CircuitOpen, 30*time.Second)
	set(&q.MaxFailing, 24*time.Hour)
	if q.MaxTries == 0 {
		q.MaxTries = 12
	}
	if q.AttachTries == 0 {
		q.AttachTries = 12
	}
	if q.CircuitFailures == 0 {
		q.CircuitFailures = 5
	}
	return q
}

// wait returns how long to wait after so many failures in a row.
func (p Policy) wait(tries int) time.Duration { return backoff(p.MinWait, p.MaxWait, tries) }

// backoff returns how long to wait after so many failures in a row, between two
// bounds.
func backoff(least, most time.Duration, tries int) time.Duration {
	d := least
	for i := 1; i < tries && d < most; i++ {
		d *= 2
	}
	d = min(d, most)
	// Half of the wait is drawn, so that what failed together does not come back together.
	return d/2 + time.Duration(rand.Int64N(int64(d/2)+1)) //nolint:gosec // nobody gains by guessing a wait
}

// snapshot, page and delivery are their namesakes of package connector with the
// content as bytes.
type (
	snapshot = connector.Snapshot[[]byte]
	delivery = connector.Delivery[[]byte]
)

type change struct {
	ref      connector.Ref
	version  string
	snapshot *snapshot
}

type page struct {
	changes []change
	next    connector.Cursor
	more    bool
	hold    bool
}

type mapped struct {
	posting []byte
	empty   bool
	version string
	reasons []mapping.Reason
}

// link is a flow whose types have been erased.
type link interface {
	changes(ctx context.Context, after connector.Cursor) (page, error)
	fetch(ctx context.Context, ref connector.Ref) (snapshot, error)
	mapContent(ctx context.Context, content []byte) (mapped, error)
	diff(prior, next []byte) (delta []byte, changed bool, err error) // delta nil: the mapper makes none
	find(ctx context.Context, d delivery) (connector.Finding, error)
	deliver(ctx context.Context, d delivery) (connector.Receipt, error)
	reverse(ctx context.Context, d delivery) (connector.Receipt, error)
	acknowledger() connector.Acknowledger // nil when the source does not want to be told
	attach(ctx context.Context, d delivery) (connector.Attached, error)
	attaches() bool         // whether the sink is a connector.Attacher
	payer() connector.Payer // nil when the sink tells of no payments
	takes(kind string) bool
}

// flow is a link with its names and policy.
type flow struct {
	link
	tenant, name, target string
	policy               Policy
}

// sourceQueue and targetQueue say whose turn a row is; each part is escaped by
// its length, so that no two flows share a queue.
func (f *flow) sourceQueue() string { return queueOf(f.tenant, f.name, "source") }
func (f *flow) targetQueue() string { return queueOf(f.tenant, f.name, "target") }

func queueOf(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "%d:%s/", len(p), p)
	}
	return b.String()
}

// Systems of a flow, for circuits: flows of one target share the target's.
func (f *flow) sourceSystem() string { return queueOf(f.tenant, "source", f.name) }
func (f *flow) targetSystem() string { return queueOf(f.tenant, "target", f.target) }

// Add registers a flow; it may be called while the engine runs. A second flow
// of the same tenant and name, a missing part or a name out of bounds is an
// error.
func Add[S, D any](e *Engine, f Flow[S, D]) error {
	for what, name := range map[string]string{"tenant": f.Tenant, "name": f.Name, "target": f.Target} {
		if name == "" || len(name) > storage.MaxIDPart {
			return fmt.Errorf("engine: flow %q: its %s must have 1 to %d bytes", f.Name, what, storage.MaxIDPart)
		}
	}
	if f.Source == nil || f.Mapper == nil || f.Sink == nil {
		return fmt.Errorf("engine: flow %q needs a Source, a Mapper and a Sink", f.Name)
	}
	p := f.Policy.withDefaults()
	if p.MinWait < 0 || p.MaxWait < 0 || p.MaxFailing < 0 || p.Lease < time.Millisecond || p.Poll < 0 || p.CircuitOpen < 0 || p.KeepContents < 0 || p.KeepRows < 0 || p.MaxTries < 0 || p.CircuitFailures < 0 {
		return fmt.Errorf("engine: flow %q: its policy has a negative time or count, or a lease under a millisecond", f.Name)
	}
	return e.add(&flow{link: &typed[S, D]{f: f}, tenant: f.Tenant, name: f.Name, target: f.Target, policy: p})
}

// typed erases the types of a flow: contents and postings pass through JSON,
// also within one pass, so that a recovery works on just what the first pass
// worked on.
type typed[S, D any] struct{ f Flow[S, D] }

func (l *typed[S, D]) changes(ctx context.Context, after connector.Cursor) (page, error) {
	p, err := l.f.Source.Changes(ctx, after)
	if err != nil {
		return page{}, err
	}
	out := page{next: p.Next, more: p.More, hold: p.Hold, changes: make([]change, len(p.Changes))}
	for i, c := range p.Changes {
		out.changes[i] = change{ref: c.Ref, version: c.Version}
		if c.Snapshot != nil {
			s, err := erase(*c.Snapshot)
			if err != nil {
				return page{}, err
			}
			out.changes[i].snapshot = &s
		}
	}
	return out, nil
}

func erase[S any](s connector.Snapshot[S]) (snapshot, error) {
	b, err := json.Marshal(s.Content)
	if err != nil {
		return snapshot{}, fmt.Errorf("engine: encode content of %s: %w", documentOf(s.Ref), err)
	}
	return snapshot{
		Ref: s.Ref, Revision: s.Revision, Handle: s.Handle, Phase: s.Phase,
		Why: s.Why, Period: s.Period, Person: s.Person, Totals: s.Totals, Content: b,
	}, nil
}

func (l *typed[S, D]) fetch(ctx context.Context, ref connector.Ref) (snapshot, error) {
	s, err := l.f.Source.Fetch(ctx, ref)
	if err != nil {
		return snapshot{}, err
	}
	return erase(s)
}

func (l *typed[S, D]) mapContent(ctx context.Context, content []byte) (mapped, error) {
	var in S
	if err := json.Unmarshal(content, &in); err != nil {
		return mapped{}, fmt.Errorf("engine: decode stored content: %w", err)
	}
	res, err := l.f.Mapper.Map(ctx, in)
	if err != nil {
		return mapped{}, err
	}
	b, err := json.Marshal(res.Posting)
	if err != nil {
		return mapped{}, fmt.Errorf("engine: encode posting: %w", err)
	}
	return mapped{posting: b, empty: res.Empty, version: res.Version, reasons: res.Reasons}, nil
}

// diff compares two whole postings. A delta that is the whole again is none: it
// would post beside prior what prior has posted already.
func (l *typed[S, D]) diff(prior, next []byte) (delta []byte, changed bool, err error) {
	differ, ok := l.f.Mapper.(mapping.Differ[D])
	if !ok {
		return nil, string(prior) != string(next), nil
	}
	var a, b D
	if err := errors.Join(json.Unmarshal(prior, &a), json.Unmarshal(next, &b)); err != nil {
		return nil, false, fmt.Errorf("engine: decode postings: %w", err)
	}
	d, changed, err := differ.Diff(a, b)
	if err != nil || !changed {
		return nil, changed, err
	}
	whole, err := json.Marshal(b)
	if err != nil {
		return nil, false, fmt.Errorf("engine: encode posting: %w", err)
	}
	delta, err = json.Marshal(d)
	if err != nil {
		return nil, false, fmt.Errorf("engine: encode delta: %w", err)
	}
	if string(delta) == string(whole) {
		delta = nil
	}
	return delta, true, nil
}

func (l *typed[S, D]) restore(d delivery) (connector.Delivery[D], error) {
	out := connector.Delivery[D]{
		Tenant: d.Tenant, Target: d.Target, Ref: d.Ref, Revision: d.Revision, Generation: d.Generation,
	}
	if err := json.Unmarshal(d.Posting, &out.Posting); err != nil {
		return out, fmt.Errorf("engine: decode stored posting: %w", err)
	}
	return out, nil
}

func (l *typed[S, D]) find(ctx context.Context, d delivery) (connector.Finding, error) {
	t, err := l.restore(d)
	if err != nil {
		return connector.Finding{}, err
	}
	return l.f.Sink.Find(ctx, t)
}

func (l *typed[S, D]) deliver(ctx context.Context, d delivery) (connector.Receipt, error) {
	t, err := l.restore(d)
	if err != nil {
		return connector.Receipt{}, err
	}
	return l.f.Sink.Deliver(ctx, t)
}

func (l *typed[S, D]) reverse(ctx context.Context, d delivery) (connector.Receipt, error) {
	t, err := l.restore(d)
	if err != nil {
		return connector.Receipt{}, err
	}
	return l.f.Sink.Reverse(ctx, t)
}

func (l *typed[S, D]) attaches() bool {
	_, ok := l.f.Sink.(connector.Attacher[D])
	return ok
}

func (l *typed[S, D]) attach(ctx context.Context, d delivery) (connector.Attached, error) {
	a, ok := l.f.Sink.(connector.Attacher[D])
	if !ok {
		return connector.Attached{}, fmt.Errorf("engine: the sink of flow %q is no connector.Attacher", l.f.Name)
	}
	t, err := l.restore(d)
	if err != nil {
		return connector.Attached{}, err
	}
	return a.Attach(ctx, t)
}

func (l *typed[S, D]) acknowledger() connector.Acknowledger {
	a, _ := l.f.Source.(connector.Acknowledger)
	return a
}

func (l *typed[S, D]) payer() connector.Payer {
	p, _ := l.f.Sink.(connector.Payer)
	return p
}

func (l *typed[S, D]) takes(kind string) bool {
	k, ok := l.f.Source.(connector.Kinder)
	if !ok {
		return true
	}
	for _, have := range k.Kinds() {
		if have == kind {
			return true
		}
	}
	return false
}

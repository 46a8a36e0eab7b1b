package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// chaos is many documents, two processes that are killed and started again, and
// ends that fail in every way they may. Beside it stands a model that knows no
// engine: what the source ever approved, and so what may stand in the target.
type chaos struct {
	*bench
	rng        *rand.Rand
	mu         sync.Mutex
	calm       bool
	refuse     bool
	approved   map[string][]map[string]int64 // every content the source ever called ready
	last       map[string]connector.Phase
	revision   map[string]int64
	violations []string
	procs      [2]*process
	shift      time.Duration
	kills      int
	faults     int
	payments   int
}

// trippedTill is a sink whose caller may be killed, and that tells of payments.
type trippedTill struct {
	trippedSink
	paying
}

func (s trippedTill) Find(ctx context.Context, d connector.Delivery[bills]) (connector.Finding, error) {
	return s.trippedSink.Find(ctx, d)
}

func (s trippedTill) Deliver(ctx context.Context, d connector.Delivery[bills]) (connector.Receipt, error) {
	return s.trippedSink.Deliver(ctx, d)
}

func (s trippedTill) Reverse(ctx context.Context, d connector.Delivery[bills]) (connector.Receipt, error) {
	return s.trippedSink.Reverse(ctx, d)
}

type process struct {
	stop func()
	skew time.Duration // of its clock, well within a lease: what leases ask of clocks
}

func (c *chaos) draw(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rng.IntN(n)
}

// fault is an error with a chance of one in n while it is not calm.
func (c *chaos) fault(n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calm || c.rng.IntN(n) > 0 {
		return nil
	}
	c.faults++
	switch c.rng.IntN(6) {
	case 0:
		return slower{time.Duration(c.rng.IntN(60)) * time.Second}
	case 1:
		return fmt.Errorf("scope: %w", connector.ErrConnection)
	default:
		return errors.New("connection reset")
	}
}

func (c *chaos) wrong(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.violations = append(c.violations, fmt.Sprintf(format, args...))
}

// parties are the amounts of a posting without the mapping's prefix.
func parties(bs []bill) map[string]int64 {
	out := map[string]int64{}
	for _, b := range bs {
		out[b.Party[2:]] += b.Amount
	}
	return out
}

func (c *chaos) wasApproved(doc string, have map[string]int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.approved[doc], func(a map[string]int64) bool { return maps.Equal(a, have) })
}

// watched checks each delivery before it takes effect.
func (c *chaos) watched(d connector.Delivery[bills]) {
	if c.differ {
		return // a delta is no whole; what stands is judged at the end
	}
	if !c.wasApproved(d.Ref.ID, parties(d.Posting.Bills)) {
		c.wrong("%s: delivered %v, which was never approved", d.Ref.ID, d.Posting.Bills)
	}
	for _, s := range c.erp.docs {
		if s.Doc == d.Ref.ID && s.Key != d.Key() {
			c.wrong("%s: delivered beside %s/%s", d.Ref.ID, s.Party, s.Number)
		}
	}
	for _, b := range d.Posting.Bills {
		if b.Party[:2] != d.Posting.Bills[0].Party[:2] {
			c.wrong("%s: two mappings in one set", d.Ref.ID)
		}
	}
}

func (c *chaos) start(i int) {
	p := &process{}
	p.skew = time.Duration(c.draw(20)-10) * time.Second
	w := newTripwire(0)
	if c.draw(3) > 0 {
		w.at = 1 + c.draw(400)
	}
	opts := c.opts
	opts.Workers = 3
	opts.Now = func() time.Time {
		c.mu.Lock()
		defer c.mu.Unlock()
		return time.Now().Add(c.shift + p.skew)
	}
	log := &refusing{Log: trippedLog{c.log, w}}
	log.set(func([]audit.Record) bool { return c.fault(60) != nil })
	e, err := engine.New(trippedStore{c.store, w}, audit.NewTrail(log, &audit.TrailOptions{Now: opts.Now}), &opts)
	require.NoError(c.t, err)
	f := engine.Flow[claim, bills]{
		Tenant: tenant, Name: "claims", Target: "erp", Source: telling{trippedSource{c.source, w}},
		Mapper: toyMapper{prefix: string(rune('a'+c.draw(3))) + "-"}, Sink: trippedSink{c.erp, w}, Policy: &c.policy,
	}
	if c.differ {
		f.Mapper, f.Sink = deltaMapper{c.mapper}, trippedTill{trippedSink{c.erp, w}, paying{c.erp, c.payer, w}}
	}
	require.NoError(c.t, engine.Add(e, f))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	go func() {
		select {
		case <-w.dead:
			cancel() // what a killed process tried afterwards failed, like this
		case <-ctx.Done():
		}
	}()
	p.stop = func() {
		if c.draw(2) == 0 && w.at == 0 {
			w.kill()
			c.kills++
		}
		cancel()
		require.NoError(c.t, <-done)
	}
	c.procs[i] = p
}

// turn is one step of the schedule.
func (c *chaos) turn() {
	doc := fmt.Sprint("R", c.draw(10))
	knock := true
	switch c.draw(12) {
	case 0, 1, 2: // a new or changed document
		c.change(doc, connector.Ready, true)
	case 3: // the next revision says the same
		if c.last[doc] == connector.Ready {
			c.change(doc, connector.Ready, false)
		}
	case 4:
		c.change(doc, connector.NotYet, false)
	case 5:
		c.change(doc, connector.Withdrawn, false)
	case 6: // the same revision again, after a recall
		if c.last[doc] == connector.Withdrawn && len(c.approved[doc]) > 0 {
			c.revision[doc]--
			c.change(doc, connector.Ready, false)
		}
	case 7:
		i := c.draw(2)
		c.procs[i].stop()
		c.start(i)
		knock = false
	case 8:
		c.mu.Lock()
		c.shift -= time.Duration(c.rng.IntN(10)) * time.Minute // the clock is set back
		c.mu.Unlock()
	case 9:
		c.mu.Lock()
		c.refuse = !c.refuse
		c.mu.Unlock()
	case 10:
		c.replayAll()
	case 11: // only time passes, and somebody pays
		if docs := c.erp.all(); c.differ && len(docs) > 0 {
			c.payments++
			c.payer.set(fmt.Sprint("P", c.payments), docs[c.draw(len(docs))].Key)
		}
	}
	if knock && c.draw(4) > 0 { // some events never come
		e, err := engine.New(c.store, c.bench.trail(), nil)
		require.NoError(c.t, err)
		require.NoError(c.t, engine.Add(e, engine.Flow[claim, bills]{
			Tenant: tenant, Name: "claims", Target: "erp", Source: c.source, Mapper: c.mapper, Sink: c.erp,
		}))
		for range 1 + c.draw(3) {
			require.NoError(c.t, e.Notify(c.t.Context(), notice(doc)))
		}
	}
	pass(time.Duration(c.draw(90)) * time.Second)
}

func (c *chaos) change(doc string, phase connector.Phase, fresh bool) {
	amounts := map[string]int64{}
	if len(c.approved[doc]) > 0 {
		amounts = c.approved[doc][len(c.approved[doc])-1]
	}
	if fresh || len(amounts) == 0 {
		amounts = map[string]int64{}
		for _, p := range []string{"emp", "card", "cash", "z"}[:1+c.draw(4)] {
			amounts[p] = int64(1 + c.draw(100_000))
		}
	}
	c.mu.Lock()
	c.revision[doc]++
	c.last[doc] = phase
	if phase == connector.Ready {
		c.approved[doc] = append(c.approved[doc], amounts)
	}
	revision := c.revision[doc]
	c.mu.Unlock()
	c.source.put(doc, revision, phase, amounts)
}

func (c *chaos) replayAll() {
	e, err := engine.New(c.store, c.bench.trail(), nil)
	require.NoError(c.t, err)
	c.replay(e, storage.Query{})
}

// settle ends all faults and lets everything come to rest.
func (c *chaos) settle() {
	c.mu.Lock()
	c.calm, c.refuse = true, false
	c.mu.Unlock()
	for i := range c.procs {
		c.procs[i].stop()
	}
	c.opts.Now, c.opts.Poll = nil, 30*time.Second
	e := c.bench.engine()
	stop := c.bench.start(e)
	for range 3 {
		pass(time.Hour)
		c.replayAll()
	}
	for doc := range c.last {
		c.notify(e, doc)
	}
	pass(2 * time.Hour)
	c.replayAll()
	pass(2 * time.Hour)
	stop()
}

// judge compares what stands with what must.
func (c *chaos) judge() {
	byDoc := map[string][]standing{}
	for _, s := range c.erp.all() {
		byDoc[s.Doc] = append(byDoc[s.Doc], s)
	}
	for doc, phase := range c.last {
		have := byDoc[doc]
		var bs []bill
		for _, s := range have {
			bs = append(bs, s.bill)
			if !c.differ && (s.Key != have[0].Key || s.Party[:2] != have[0].Party[:2]) {
				c.wrong("%s: two sets stand: %v", doc, have)
			}
		}
		s := c.status(doc)
		sum := parties(bs)
		maps.DeleteFunc(sum, func(_ string, amount int64) bool { return amount == 0 })
		if len(have) > 0 && !c.wasApproved(doc, sum) {
			c.wrong("%s: %v stands, which is no whole approved set", doc, sum)
		}
		latest := map[string]int64{}
		if n := len(c.approved[doc]); n > 0 {
			latest = c.approved[doc][n-1]
		}
		switch phase {
		case connector.Withdrawn:
			if len(have) > 0 {
				c.wrong("%s: recalled, and %v stands (%s)", doc, sum, s.State)
			}
		case connector.NotYet:
			if len(have) > 0 && s.Effect != engine.Effective {
				c.wrong("%s: %v stands and the row says %s %s", doc, sum, s.State, s.Effect)
			}
		case connector.Ready:
			switch {
			case s.State == engine.Confirmed && maps.Equal(sum, latest):
			case s.State == engine.Parked && s.Cause == engine.CodeSecondRevision && len(have) > 0 && !maps.Equal(sum, latest) && (!c.differ || len(s.Beside) == 5):
			case s.State == engine.Parked && s.Cause == engine.CodeSecondRevision && len(have) > 0 && c.remapped(doc):
			default:
				c.wrong("%s: approved %v, stands %v, row %s %s %s %v", doc, latest, sum, s.State, s.Cause, s.Why, s.History)
			}
		}
		if !s.Due.IsZero() && s.State != engine.Delivered {
			c.wrong("%s: at rest and due: %s", doc, s.State)
		}
	}
}

// judgePaid compares what the source was told of payments with what was paid.
func (c *chaos) judgePaid() {
	told, ids := c.source.payments()
	slices.Sort(told)
	slices.Sort(ids)
	if n, m := len(slices.Compact(told)), len(slices.Compact(ids)); n != c.payments || m != n {
		c.wrong("%d payments, %d told under %d ids", c.payments, n, m)
	}
}

// remapped: the last life's mapping is another one than that of what stands, so
// that an unchanged document has a changed posting.
func (c *chaos) remapped(doc string) bool {
	return slices.ContainsFunc(c.erp.all(), func(s standing) bool { return s.Doc == doc && !strings.HasPrefix(s.Party, c.mapper.prefix) })
}

func run(t *testing.T, seed uint64, turns int, differ bool) (faults, kills, sends int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &chaos{
			bench: newBench(t), rng: rand.New(rand.NewPCG(seed, 7)),
			approved: map[string][]map[string]int64{}, last: map[string]connector.Phase{}, revision: map[string]int64{},
		}
		c.tell = true
		c.mapper.prefix = "a-"
		if c.differ = differ; differ {
			c.payer = &till{}
		}
		c.opts.Poll = 2 * time.Second
		c.policy = engine.Policy{Sweep: 7 * time.Minute, MaxTries: 5, CircuitFailures: 8, MinWait: time.Second, MaxWait: time.Minute}
		c.source.listed = true
		c.source.between = func(context.Context) error { return c.fault(10) }
		c.source.ackErr = func(connector.Signal) error { return c.fault(10) }
		c.erp.slow = time.Second
		c.erp.watch = c.watched
		c.erp.midway = func() error { return c.fault(12) }
		c.erp.fail = func(op string) error {
			if op == "deliver" {
				c.mu.Lock()
				refused := c.refuse && c.rng.IntN(2) == 0
				c.mu.Unlock()
				if refused {
					return &connector.Rejection{Issues: []connector.Issue{{Code: "period_closed"}}}
				}
			}
			return c.fault(12)
		}
		for i := range c.procs {
			c.start(i)
		}
		for range turns {
			c.turn()
		}
		c.settle()
		c.judge()
		if differ {
			c.judgePaid()
		}
		require.Empty(t, c.violations, "seed %d", seed)
		require.Equal(t, 1, c.erp.most, "seed %d: one call at once for one document", seed)
		c.verifyAudit()
		faults, kills = c.faults, c.kills
		_, sends, _ = c.erp.counts()
	})
	return faults, kills, sends
}

// Every second schedule has a mapper that makes deltas, and payments.
// ENGINE_SEEDS says how many schedules are run; ENGINE_SEED runs a single one.
func TestRandomSchedulesLoseDoubleAndFalsifyNothing(t *testing.T) {
	seeds := 8
	if n, err := strconv.Atoi(os.Getenv("ENGINE_SEEDS")); err == nil {
		seeds = n
	}
	first := uint64(1)
	if n, err := strconv.ParseUint(os.Getenv("ENGINE_SEED"), 10, 64); err == nil {
		first, seeds = n, 1
	}
	faults, kills, sends := 0, 0, 0
	for seed := first; seed < first+uint64(seeds); seed++ {
		f, k, s := run(t, seed, 120, seed%2 == 0)
		faults, kills, sends = faults+f, kills+k, sends+s
	}
	t.Logf("%d schedules, %d deliveries, %d faults, %d kills: 0 violations", seeds, sends, faults, kills)
}

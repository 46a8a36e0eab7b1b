package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// deed is one step of a history. Its meaning depends on Kind alone, so that a
// history that fails can be shortened step by step.
type deed struct {
	Kind string
	Doc  int
	N    int
}

// deeds are what may happen. Those that stand here more often happen more often.
var deeds = []string{
	"approve", "approve", "approve", "approve again", "unapprove", "recall", "reinstate",
	"knock", "knock thrice", "wait", "wait", "wait long",
	"source fails", "look-up fails", "delivery fails", "delivery half done", "answer lost", "refused", "reversal fails", "signal fails",
	"credential fails", "slow down", "audit fails", "store fails",
	"half done and unapproved", "kill", "kill soon", "restart", "pause", "resume", "replay", "replay one", "rules change",
}

func histories() *rapid.Generator[[]deed] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) deed {
		return deed{rapid.SampledFrom(deeds).Draw(t, "kind"), rapid.IntRange(0, 2).Draw(t, "doc"), rapid.IntRange(0, 40).Draw(t, "n")}
	}), 12, 60)
}

// ledgerModel is a document in plain words: what the source says of it, and
// everything it ever approved.
type ledgerModel struct {
	phase    connector.Phase
	revision int64
	approved []map[string]int64
}

// play is a history while it runs.
type play struct {
	*bench
	docs   [3]ledgerModel
	engine *engine.Engine
	stop   func()

	mu    sync.Mutex
	next  map[string][]error // failures to come, by place
	moves map[engine.State][]engine.State
	wrong []string

	paused                   bool
	sendsBefore, backsBefore int // before the pause
}

func (p *play) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = append(p.wrong, fmt.Sprintf(format, args...))
}

func (p *play) fail(place string, err error, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range times {
		p.next[place] = append(p.next[place], err)
	}
}

func (p *play) take(place string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if q := p.next[place]; len(q) > 0 {
		p.next[place] = q[1:]
		return q[0]
	}
	return nil
}

// failingStore fails as the play says.
type failingStore struct {
	storage.Store
	p *play
}

func (s failingStore) Update(ctx context.Context, t storage.Transfer) (storage.Transfer, error) {
	if err := s.p.take("store"); err != nil {
		return storage.Transfer{}, err
	}
	out, err := s.Store.Update(ctx, t)
	if lost := s.p.take("store after"); lost != nil {
		return storage.Transfer{}, lost
	}
	return out, err
}

// begin starts a process.
func (p *play) begin() {
	p.wire = newTripwire(0)
	log := &refusing{Log: trippedLog{p.log, p.wire}}
	log.set(func([]audit.Record) bool { return p.take("audit") != nil })
	opts := p.opts
	opts.Observer = engine.Observer{Changed: p.moved}
	e, err := engine.New(failingStore{trippedStore{p.store, p.wire}, p}, audit.NewTrail(log, nil), &opts)
	require.NoError(p.t, err)
	flow := engine.Flow[claim, bills]{
		Tenant: tenant, Name: "claims", Target: "erp", Source: telling{trippedSource{p.source, p.wire}}, Mapper: p.mapper, Sink: trippedSink{p.erp, p.wire}, Policy: &p.policy,
	}
	if p.differ {
		flow.Mapper = deltaMapper{p.mapper}
	}
	require.NoError(p.t, engine.Add(e, flow))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	w := p.wire
	go func() {
		select {
		case <-w.dead:
			cancel()
		case <-ctx.Done():
		}
	}()
	p.engine = e
	p.stop = func() {
		cancel()
		require.NoError(p.t, <-ended)
	}
}

// moved checks each change of a state against the table in docs/architecture.md.
func (p *play) moved(c engine.Change) {
	if c.From == "" || c.From == c.To || slices.Contains(p.moves[c.From], c.To) {
		return
	}
	p.say("%s went from %s to %s, which the table of states does not know", c.ID.Document, c.From, c.To)
}

// table reads which state may become which.
func table(t *testing.T) map[engine.State][]engine.State {
	text, err := os.ReadFile("../../docs/architecture.md")
	require.NoError(t, err)
	moves := map[engine.State][]engine.State{}
	word := regexp.MustCompile("`([a-z]+)`")
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 6 || !strings.HasPrefix(line, "| `") {
			continue
		}
		from := word.FindStringSubmatch(cells[1])
		if from == nil {
			continue
		}
		for _, to := range word.FindAllStringSubmatch(cells[4], -1) {
			moves[engine.State(from[1])] = append(moves[engine.State(from[1])], engine.State(to[1]))
		}
	}
	require.Len(t, moves, 11)
	return moves
}

func (p *play) put(doc int, phase connector.Phase, amounts map[string]int64) {
	m := &p.docs[doc]
	m.phase = phase
	if phase == connector.Ready {
		p.mu.Lock()
		m.approved = append(m.approved, amounts)
		p.mu.Unlock()
	}
	p.source.put(fmt.Sprint("R", doc), m.revision, phase, amounts)
}

func (p *play) latest(doc int) map[string]int64 {
	if n := len(p.docs[doc].approved); n > 0 {
		return p.docs[doc].approved[n-1]
	}
	return map[string]int64{"emp": 100}
}

func amountsOf(n int) map[string]int64 {
	out := map[string]int64{}
	for i, party := range []string{"emp", "card", "cash"}[:1+n%3] {
		out[party] = int64(1000*(i+1) + n)
	}
	return out
}

func (p *play) do(d deed) {
	m := &p.docs[d.Doc]
	times := 1 + d.N%4
	switch d.Kind {
	case "approve":
		m.revision++
		p.put(d.Doc, connector.Ready, amountsOf(d.N))
	case "approve again":
		if m.phase == connector.Ready {
			m.revision++
			p.put(d.Doc, connector.Ready, p.latest(d.Doc))
		}
	case "unapprove":
		m.revision++
		p.put(d.Doc, connector.NotYet, p.latest(d.Doc))
	case "half done and unapproved":
		m.revision++
		p.put(d.Doc, connector.Ready, amountsOf(2+3*d.N))
		p.fail("midway", errors.New("connection reset"), 1)
		p.fail("find", errors.New("connection reset"), 4)
		p.knock(d.Doc, 1)
		pass(time.Duration(d.N) * 10 * time.Second)
		m.revision++
		p.put(d.Doc, connector.NotYet, p.latest(d.Doc))
		p.knock(d.Doc, d.N%2)
	case "recall":
		if m.phase != "" {
			m.revision++
			p.put(d.Doc, connector.Withdrawn, p.latest(d.Doc))
		}
	case "reinstate":
		if m.phase == connector.Withdrawn && len(m.approved) > 0 {
			p.put(d.Doc, connector.Ready, p.latest(d.Doc))
		}
	case "knock":
		p.knock(d.Doc, 1)
	case "knock thrice":
		p.knock(d.Doc, 3)
	case "wait":
		pass(time.Duration(d.N) * time.Second)
	case "wait long":
		pass(time.Duration(d.N) * time.Minute)
	case "source fails":
		p.fail("fetch", errors.New("connection reset"), times)
	case "look-up fails":
		p.fail("find", errors.New("connection reset"), times)
	case "delivery fails":
		p.fail("deliver", errors.New("connection reset"), times)
	case "delivery half done":
		p.fail("midway", errors.New("connection reset"), times)
	case "answer lost":
		p.erp.set(func() { p.erp.lose += times })
	case "refused":
		p.fail("deliver", &connector.Rejection{Issues: []connector.Issue{{Code: "period_closed"}}}, 1)
	case "reversal fails":
		p.fail("reverse", errors.New("connection reset"), times)
	case "signal fails":
		p.fail("acknowledge", errors.New("connection reset"), times)
	case "credential fails":
		p.fail([]string{"fetch", "deliver", "find"}[d.N%3], fmt.Errorf("scope: %w", connector.ErrConnection), 1)
	case "slow down":
		p.fail([]string{"fetch", "deliver", "find"}[d.N%3], slower{time.Duration(d.N) * time.Second}, 1)
	case "audit fails":
		p.fail("audit", errors.New("disk full"), times)
	case "store fails":
		p.fail([]string{"store", "store after"}[d.N%2], errors.New("disk full"), times)
	case "kill":
		p.doom(1)
		p.again()
	case "kill soon":
		p.doom(1 + d.N)
	case "restart":
		p.again()
	case "pause":
		if p.engine.Pause(context.Background(), tenant, "claims", engine.Act{Actor: "ann"}) == nil {
			pass(5 * time.Minute) // what was under way ends
			p.paused = true
			_, p.sendsBefore, p.backsBefore = p.erp.counts()
		}
	case "resume":
		p.resume()
	case "replay":
		p.wake(storage.Query{Tenant: tenant})
	case "replay one":
		p.wake(storage.Query{Tenant: tenant, Cause: engine.CodeExhausted})
	case "rules change":
		p.mapper.prefix = string(rune('a'+d.N%3)) + "-"
		p.again()
	}
	p.still()
}

// still checks that nothing was sent while the flow is paused.
func (p *play) still() {
	if !p.paused {
		return
	}
	if _, sends, backs := p.erp.counts(); sends != p.sendsBefore || backs != p.backsBefore {
		p.say("sent %d and took back %d while the flow was paused", sends-p.sendsBefore, backs-p.backsBefore)
	}
}

func (p *play) resume() {
	if p.engine.Resume(context.Background(), tenant, "claims", engine.Act{Actor: "ann"}) == nil {
		p.paused = false
	}
}

// doom kills the process at the nth point from now, unless it is dead.
func (p *play) doom(n int) {
	p.wire.mu.Lock()
	defer p.wire.mu.Unlock()
	if p.wire.at == 0 {
		p.wire.at = p.wire.count + n
	}
}

func (p *play) again() {
	p.stop()
	p.begin()
}

func (p *play) knock(doc, times int) {
	for range times {
		_ = p.engine.Notify(context.Background(), notice(fmt.Sprint("R", doc))) // an event may be lost
	}
}

func (p *play) wake(q storage.Query) {
	plan, err := p.engine.Plan(context.Background(), q)
	if err != nil {
		return
	}
	_, _ = p.engine.Replay(context.Background(), plan, engine.Act{Actor: "ann", Reason: "mended"}) // a dead process does nothing
}

// rest ends every fault and lets everything come to rest.
func (p *play) rest() {
	p.mu.Lock()
	clear(p.next)
	p.mu.Unlock()
	p.erp.set(func() { p.erp.lose = 0 })
	p.opts.Poll = 5 * time.Minute
	p.policy.Sweep = time.Hour
	p.again()
	p.paused = false
	require.NoError(p.t, p.engine.Resume(context.Background(), tenant, "claims", engine.Act{Actor: "ann"}))
	for range 3 {
		for doc := range p.docs {
			require.NoError(p.t, p.engine.Notify(context.Background(), notice(fmt.Sprint("R", doc))))
		}
		pass(2 * time.Hour)
		p.wake(storage.Query{Tenant: tenant})
		pass(2 * time.Hour)
	}
	p.stop()
}

// judge compares what stands with what the model says.
func (p *play) judge() {
	for n := range p.docs {
		m, doc := &p.docs[n], fmt.Sprint("R", n)
		owed, sets := map[string]int64{}, map[string]bool{}
		for _, s := range p.erp.all() {
			if s.Doc != doc {
				continue
			}
			sets[s.Key] = true
			party := s.Party[2:]
			if owed[party] += s.Amount; owed[party] == 0 {
				delete(owed, party)
			}
		}
		if m.phase == "" {
			if len(sets) > 0 {
				p.say("%s was never there and stands", doc)
			}
			continue
		}
		st := p.status(doc)
		once := slices.ContainsFunc(m.approved, func(a map[string]int64) bool { return maps.Equal(a, owed) })
		if len(sets) > 0 && !once {
			p.say("%s: %v stands, which was never approved: %v", doc, owed, m.approved)
		}
		if len(sets) > 1 && !p.differ {
			p.say("%s: %d sets stand", doc, len(sets))
		}
		if !st.Due.IsZero() {
			p.say("%s: at rest and due: %s", doc, st.State)
		}
		switch m.phase {
		case connector.Withdrawn:
			if len(sets) > 0 {
				p.say("%s: recalled, and %v stands; the row says %s %s", doc, owed, st.State, st.Cause)
			}
		case connector.Ready:
			second := st.State == engine.Parked && st.Cause == engine.CodeSecondRevision && len(sets) > 0
			if right := st.State == engine.Confirmed && maps.Equal(owed, p.latest(n)); !right && !second {
				p.say("%s: approved %v, %v stands; the row says %s %s %s; %v", doc, p.latest(n), owed, st.State, st.Cause, st.Why, st.History)
			}
		case connector.NotYet:
			if stands := len(sets) > 0; stands != (st.Effect == engine.Effective) || st.State == engine.Parked && st.Cause != engine.CodeSecondRevision {
				p.say("%s: not approved, %v stands and the row says %s %s %s", doc, owed, st.State, st.Effect, st.Cause)
			}
		}
	}
}

// watch checks each delivery before it has effect.
func (p *play) watch(d connector.Delivery[bills]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.differ {
		return // a delta is judged with what it stands beside
	}
	have := parties(d.Posting.Bills)
	for n := range p.docs {
		if fmt.Sprint("R", n) != d.Ref.ID {
			continue
		}
		if !slices.ContainsFunc(p.docs[n].approved, func(a map[string]int64) bool { return maps.Equal(a, have) }) {
			p.wrong = append(p.wrong, fmt.Sprintf("%s: delivered %v, which was never approved", d.Ref.ID, have))
		}
	}
	for _, s := range p.erp.docs {
		if s.Doc == d.Ref.ID && s.Key != d.Key() {
			p.wrong = append(p.wrong, fmt.Sprintf("%s: delivered beside %s", d.Ref.ID, s.Number))
		}
	}
}

// run plays a history in a bubble and returns what was wrong.
func (p *play) run(history []deed) []string {
	p.tell = true
	p.mapper.prefix = "a-"
	p.opts.Poll = 20 * time.Second
	p.policy = engine.Policy{Sweep: 11 * time.Minute, MaxTries: 4, CircuitFailures: 6, MinWait: time.Second, MaxWait: 30 * time.Second}
	p.source.listed = true
	p.source.between = func(context.Context) error { return p.take("fetch") }
	p.source.ackErr = func(connector.Signal) error { return p.take("acknowledge") }
	p.erp.slow = time.Second
	p.erp.watch = p.watch
	p.erp.midway = func() error { return p.take("midway") }
	p.erp.fail = func(op string) error { return p.take(op) }
	p.begin()
	for _, d := range history {
		p.do(d)
	}
	p.rest()
	p.judge()
	if p.erp.most > 1 {
		p.say("%d calls at once for one document", p.erp.most)
	}
	p.verifyAudit()
	return p.wrong
}

// Random histories of events, faults, replays, recalls, revisions, pauses and
// kills, against a plain model. -rapid.checks says how many, -rapid.seed which;
// one that fails is shortened to the steps that matter.
func TestWhateverHappensInWhateverOrderTheModelIsRight(t *testing.T) {
	moves := table(t)
	steps, plays := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		history := histories().Draw(rt, "history")
		differ := rapid.Bool().Draw(rt, "differ")
		var wrong []string
		synctest.Test(t, func(t *testing.T) {
			p := &play{bench: newBench(t), next: map[string][]error{}, moves: moves}
			p.differ = differ
			wrong = p.run(history)
		})
		steps, plays = steps+len(history), plays+1
		if len(wrong) > 0 {
			rt.Fatalf("%s", strings.Join(wrong, "\n"))
		}
	})
	t.Logf("%d histories of %d steps: 0 violations", plays, steps)
}

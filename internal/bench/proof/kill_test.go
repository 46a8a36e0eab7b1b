package proof

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/internal/pg/pgtest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// approvedAs puts the paper into Concur and approves it, an invoice with a number.
func (t *town) approvedAs(p paper, number string) (ref connector.Ref, shown string) {
	if p.supplier != "" {
		r := t.company.AddApprovedPaymentRequest(t.request(p, number))
		return connector.Ref{Kind: "invoice", ID: r.ID}, number
	}
	r := t.company.AddApprovedReport(concurtest.Report{Owner: p.owner.login, Name: "Trip", Expenses: t.expenses(p)})
	return connector.Ref{Kind: "report", ID: r.ID, Hint: t.users[r.Owner]}, r.Number
}

// burden approves documents and remembers them.
type burden struct {
	town *town
	rng  *rand.Rand
	docs []*doc
}

func (b *burden) add(n int) {
	for range n {
		p := draw(b.rng)
		if b.rng.IntN(4) == 0 {
			p = drawInvoice(b.rng)
		}
		if len(p.must(0)) == 0 {
			continue
		}
		ref, number := b.town.approvedAs(p, fmt.Sprintf("INV%06d", len(b.docs)))
		b.docs = append(b.docs, &doc{ref: ref, number: number, now: p})
	}
}

// count says how many documents stand rightly in the ERP, and what is wrong there.
func (b *burden) count() (right int, wrong []string) {
	by := (&year{town: b.town}).index()
	for _, d := range b.docs {
		have, bad := stands(by[d.number], 1)
		for _, w := range bad {
			wrong = append(wrong, fmt.Sprintf("%s %s: %s", d.ref.Kind, d.number, w))
		}
		if have.equal(d.now.must(0)) {
			right++
		} else if len(by[d.number]) >= len(d.now.must(0)) {
			wrong = append(wrong, fmt.Sprintf("%s %s: %s stands, not %s", d.ref.Kind, d.number, have, d.now.must(0)))
		}
		delete(by, d.number)
	}
	for number := range by {
		wrong = append(wrong, number+" stands and belongs to nothing")
	}
	return right, wrong
}

// more approves documents while the connector keeps up: a queue that only grows
// would prove nothing about its end.
func (b *burden) more(n int) {
	if right, _ := b.count(); len(b.docs)-right < 15 {
		b.add(n)
	}
}

// posted waits until every document stands in the ERP, as long as there are more
// of them from time to time.
func (b *burden) posted(t *testing.T) {
	t.Helper()
	most := -1
	for began := time.Now(); time.Since(began) < patience; pass(250 * time.Millisecond) {
		right, _ := b.count()
		if right == len(b.docs) {
			return
		}
		if right > most {
			most, began = right, time.Now()
		}
	}
	by := (&year{town: b.town}).index()
	for _, d := range b.docs {
		if have, _ := stands(by[d.number], 1); !have.equal(d.now.must(0)) {
			t.Errorf("lost, doubled or wrong: %s %s: %s stands, not %s", d.ref.Kind, d.number, have, d.now.must(0))
		}
	}
	t.FailNow()
}

// settled compares the rows and the trail with the ERP once the connector is gone.
func (b *burden) settled(t *testing.T, e errand) {
	t.Helper()
	ctx := context.Background()
	store, log, done, err := e.stores(ctx)
	require.NoError(t, err)
	trail := audit.NewTrail(log, nil)
	n, err := trail.Verify(ctx, connectorID)
	require.NoError(t, err)
	eng, err := engine.New(store, trail, nil)
	require.NoError(t, err)
	states, doubted := map[engine.State]int{}, 0
	for _, d := range b.docs {
		st, err := eng.Get(ctx, storage.ID{Tenant: connectorID, Target: targetID, Document: d.ref.Kind + "/" + d.ref.ID})
		require.NoError(t, err, d.number)
		states[st.State]++
		if slices.ContainsFunc(st.History, func(m engine.Moment) bool { return m.What == "looked" || m.What == "found" }) {
			doubted++
		}
		if st.State != engine.Confirmed {
			t.Errorf("%s %s: the row says %s %s %s", d.ref.Kind, d.number, st.State, st.Cause, st.Why)
		}
	}
	require.NoError(t, done())
	t.Logf("%v, %d of them looked up in the ERP after a doubt; %d audit records in one chain", states, doubted, n)
}

// A real connector under load is killed at random moments, again and again, while
// both vendors live on. ML_CONNECTOR_KILLS says how often.
func TestAConnectorThatIsKilledUnderLoadLosesAndDoublesNothing(t *testing.T) {
	for _, name := range []string{"sqlite", "postgresql"} {
		t.Run(name, func(t *testing.T) {
			dir, dsn := t.TempDir(), ""
			if name == "postgresql" {
				dir, dsn = "", pgtest.Database(t)
			}
			kills := number(t, "ML_CONNECTOR_KILLS", 5)
			seed := number(t, "ML_CONNECTOR_KILL_SEED", 1)
			tn := newTown(&concurtest.Options{DeliveryBackoff: 50 * time.Millisecond})
			p := newParent(t, tn, dir, dsn)
			tn.concur.Subscribe(concur.TopicExpenseReport, "http://"+p.tell.Listen+"/concur/events", &concurtest.SubscribeOptions{Filter: "^statusChanged$"})
			load := &burden{town: tn, rng: rand.New(rand.NewPCG(uint64(seed), 9))}
			began := time.Now()
			for range kills {
				p.begin()
				load.more(3)
				p.up()
				load.more(3)
				pass(20*time.Millisecond + time.Duration(load.rng.Int64N(int64(700*time.Millisecond))))
				p.kill()
				tn.epicor.ResetCalls()
				tn.concur.ResetCalls()
			}
			p.begin()
			load.posted(t)
			pass(2500 * time.Millisecond) // longer than a lease: whatever wants to be sent twice has been
			p.kill()
			// Once more, so that what was under way at this kill is written down, too.
			p.begin()
			p.up() // two that open the files at once would wait for each other
			require.Eventually(t, func() bool { return p.idle(load) }, patience, 500*time.Millisecond, "rows do not come to rest")
			p.kill()
			right, wrong := load.count()
			require.Empty(t, wrong)
			require.Equal(t, len(load.docs), right)
			require.Empty(t, tn.locks())
			load.settled(t, p.tell)
			t.Logf("%s: %d kills in %s, %d documents: %d lost, 0 doubled, 0 wrong", name, kills, time.Since(began).Round(time.Second), len(load.docs), len(load.docs)-right)
		})
	}
}

// idle says whether every row is confirmed, seen from beside the connector.
func (p *parent) idle(b *burden) bool {
	ctx := context.Background()
	store, _, done, err := p.tell.stores(ctx)
	if err != nil {
		return false
	}
	defer func() { _ = done() }()
	for _, d := range b.docs {
		t, err := store.Get(ctx, storage.ID{Tenant: connectorID, Target: targetID, Document: d.ref.Kind + "/" + d.ref.ID})
		if errors.Is(err, storage.ErrNotFound) || err != nil || t.State != string(engine.Confirmed) {
			return false
		}
	}
	return true
}

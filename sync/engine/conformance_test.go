package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/connector/connectortest"
)

// The engine's tests mean little unless the toys keep the contract that real ends
// keep.

func TestToySinkKeepsTheContract(t *testing.T) {
	erp := func(target any) *toyERP { e, _ := target.(*toyERP); return e }
	calls := map[*toyERP]*int{}
	connectortest.RunSink(t, connectortest.SinkHarness[bills]{
		Open: func(*testing.T) (connector.Sink[bills], any) { e := newToyERP(); return e, e },
		Posting: func(n int) bills {
			return bills{Bills: []bill{{"a", fmt.Sprint("N", n), 100}, {"b", fmt.Sprint("N", n), int64(n)}, {"c", fmt.Sprint("N", n), -5}}}
		},
		Change: func(p bills) bills {
			out := bills{Bills: append([]bill(nil), p.Bills...)}
			out.Bills[1].Amount++
			return out
		},
		Again: func(_ *testing.T, target any) connector.Sink[bills] { return trippedSink{erp(target), nil} },
		Keys: func(_ *testing.T, target any) []string {
			var ks []string
			for _, s := range erp(target).all() {
				ks = append(ks, s.Key)
			}
			return ks
		},
		Foreign: func(_ *testing.T, target any, p bills) {
			for _, b := range p.Bills {
				erp(target).docs[b.Party+"/"+b.Number] = standing{bill: b}
			}
		},
		Break: func(_ *testing.T, target any, n int) bool {
			e := erp(target)
			e.mu.Lock()
			defer e.mu.Unlock()
			reached := calls[e] != nil && *calls[e] < 0
			left := n
			calls[e] = &left
			e.step = nil
			if n > 0 {
				e.step = func() error {
					if left == 1 || left < 0 {
						left = -1
						return errDown
					}
					left--
					return nil
				}
			}
			return reached
		},
		Lose: func(_ *testing.T, target any) { erp(target).lose = 1 },
	})
}

func TestToySourceKeepsTheContract(t *testing.T) {
	src := func(system any) *toySource { s, _ := system.(*toySource); return s }
	connectortest.RunSource(t, connectortest.SourceHarness[claim]{
		Open: func(*testing.T) (connector.Source[claim], any) {
			s := newToySource()
			s.listed = true
			for i := range 4 {
				s.put(fmt.Sprint("R", i), 1, connector.Ready, ten)
			}
			s.put("W", 1, connector.NotYet, ten)
			return s, s
		},
		Ready:  connector.Ref{Kind: "claim", ID: "R1"},
		NotYet: connector.Ref{Kind: "claim", ID: "W"},
		Again:  func(_ *testing.T, system any) connector.Source[claim] { return trippedSource{src(system), nil} },
		Change: func(_ *testing.T, system any, ref connector.Ref) {
			src(system).put(ref.ID, src(system).docs[ref.ID].Revision+1, connector.Ready, map[string]int64{"emp": 77})
		},
		Recall: func(_ *testing.T, system any, ref connector.Ref) {
			src(system).put(ref.ID, 1, connector.Withdrawn, nil)
		},
	})
}

func TestToySourceThatIsToldKeepsTheContract(t *testing.T) {
	src := func(system any) *toySource { s, _ := system.(*toySource); return s }
	broken := func(system any, err error) {
		src(system).set(func() { src(system).ackErr = func(connector.Signal) error { return err } })
	}
	connectortest.RunAcknowledger(t, connectortest.AcknowledgerHarness{
		Open: func(*testing.T) (connector.Acknowledger, any) {
			s := newToySource()
			return telling{trippedSource{s, nil}}, s
		},
		Signal: func(_ *testing.T, _ any, kind connector.SignalKind, n int) connector.Signal {
			return connector.Signal{ID: fmt.Sprint(kind, n), Kind: kind, Ref: connector.Ref{Kind: "claim", ID: "R1"}, Revision: 1}
		},
		// It keeps every call, for the tests to count them; what it knows is by ID.
		Told: func(_ *testing.T, system any) []string {
			ids := map[string]bool{}
			src(system).set(func() {
				for _, s := range src(system).acks {
					ids[s.ID] = true
				}
			})
			return slices.Collect(maps.Keys(ids))
		},
		Payments: 2,
		Again: func(_ *testing.T, system any) connector.Acknowledger {
			return telling{trippedSource{src(system), nil}}
		},
		Recall: func(_ *testing.T, system any) { broken(system, connector.ErrWithdrawn) },
		Break: func(_ *testing.T, system any, on bool) {
			if broken(system, nil); on {
				broken(system, errDown)
			}
		},
	})
}

func TestToySinkThatTellsOfPaymentsKeepsTheContract(t *testing.T) {
	at := func(target any) *till { p, _ := target.(*till); return p }
	pay := func(p *till, doc, kind string, cents int64) string {
		p.pay(fmt.Sprint("P", len(p.paid)), doc, kind, cents)
		return keyOf(doc, 1, 1)
	}
	connectortest.RunPayer(t, connectortest.PayerHarness{
		Open: func(*testing.T) (connector.Payer, any) {
			p := &till{}
			for _, doc := range []string{"R1", "R2", "R1"} {
				pay(p, doc, "partial", 100)
			}
			return paying{newToyERP(), p, nil}, p
		},
		Paid: func(_ *testing.T, target any) (keys []string) {
			for _, p := range at(target).paid {
				keys = append(keys, p.Key)
			}
			return keys
		},
		Pay:      func(_ *testing.T, target any) string { return pay(at(target), "R3", "partial", 100) },
		TakeBack: func(_ *testing.T, target any) string { return pay(at(target), "R2", "returned", 100) },
		Again:    func(_ *testing.T, target any) connector.Payer { return paying{newToyERP(), at(target), nil} },
		Break: func(_ *testing.T, target any, broken bool) {
			if at(target).err = nil; broken {
				at(target).err = errDown
			}
		},
	})
}

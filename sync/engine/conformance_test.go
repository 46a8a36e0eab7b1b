package engine_test

import (
	"fmt"
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

package connectortest

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// chart is the toy original's system: it gives one row for each call.
type chart struct {
	mu    sync.Mutex
	rows  []account
	calls int // since Break
	total int
	left  int // calls until the system fails; 0: never
}

type account struct {
	code, name string
	closed     bool
}

// row is one call.
func (s *chart) row(i int) (account, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	s.total++
	if s.left > 0 && s.calls >= s.left {
		return account{}, false, errFault
	}
	if i >= len(s.rows) {
		return account{}, false, nil
	}
	return s.rows[i], true, nil
}

// original is an original that keeps the contract, unless its fault is set.
type original struct {
	s     *chart
	fault string

	mu   sync.Mutex
	day  int // readings so far
	kept []connector.Object[string]
	at   int           // the position that all readings share
	held chan struct{} // full while a reading holds the lock
}

func (o *original) object(a account, day int) connector.Object[string] {
	obj := connector.Object[string]{Key: a.code, Needs: []string{"account/" + a.code}, Active: !a.closed, Content: a.name}
	switch o.fault {
	case "an empty key":
		obj.Key = strings.TrimPrefix(a.code, "6410")
	case "a long key":
		obj.Key += strings.Repeat("0", maxKey)
	case "an empty need":
		obj.Needs = append(obj.Needs, "")
	case "a key of the day":
		obj.Key = fmt.Sprint(a.code, " ", day)
	case "a key of the content":
		obj.Key = a.code + " " + a.name
	case "content of the day":
		obj.Content = fmt.Sprint(a.name, " ", day)
	case "needs of the day":
		obj.Needs = []string{fmt.Sprint(day)}
	case "closed is active":
		obj.Active = true
	}
	return obj
}

func (o *original) Objects(ctx context.Context) iter.Seq2[connector.Object[string], error] {
	if o.fault == "reads early" {
		_, _, _ = o.s.row(0)
	}
	return func(yield func(connector.Object[string], error) bool) {
		if o.fault == "a lock" {
			select {
			case o.held <- struct{}{}:
				defer func() { <-o.held }()
			case <-ctx.Done():
				yield(connector.Object[string]{}, ctx.Err())
				return
			}
		}
		o.mu.Lock()
		o.day++
		day, start := o.day, 0
		if o.fault == "the next reading goes on where one left" {
			start = o.at
		}
		if o.fault == "one position for all" {
			o.at = 0
		}
		kept := o.kept
		o.mu.Unlock()
		if o.fault == "a memory" && kept != nil && ctx.Err() == nil {
			for _, obj := range kept {
				if !yield(obj, nil) {
					return
				}
			}
			return
		}
		var all []connector.Object[string]
		for i := start; ; i++ {
			if err := ctx.Err(); err != nil && o.fault != "deaf to its context" {
				if o.fault == "a context that ends is the end" && i > 0 {
					return
				}
				yield(connector.Object[string]{}, err)
				return
			}
			if o.fault == "one position for all" {
				o.mu.Lock()
				i = o.at
				o.at++
				o.mu.Unlock()
				<-time.After(time.Millisecond) // for the others to come in between
			}
			a, ok, err := o.s.row(i)
			if err != nil && o.fault == "a failure is the end" {
				return
			}
			if err != nil {
				more := yield(connector.Object[string]{}, err)
				if o.fault == "goes on after a failure" && more && i < 3 {
					continue
				}
				return
			}
			if !ok {
				break
			}
			obj := o.object(a, day)
			all = append(all, obj)
			if o.fault == "the last one is left out" && i == 3 {
				break
			}
			o.mu.Lock()
			if o.fault == "the next reading goes on where one left" {
				o.at = i + 1
			}
			o.mu.Unlock()
			if !yield(obj, nil) && o.fault != "deaf to its reader" {
				return
			}
			if o.fault == "one twice" && i == 1 && !yield(obj, nil) {
				return
			}
		}
		o.mu.Lock()
		o.kept, o.at = all, 0
		o.mu.Unlock()
	}
}

func charts(fault string) OriginalHarness[string] {
	at := func(system any) *chart { s, _ := system.(*chart); return s }
	return OriginalHarness[string]{
		Open: func(*testing.T) (connector.Original[string], any) {
			s := &chart{rows: []account{{code: "6410", name: "Meals"}, {code: "6420", name: "Travel"}, {code: "6999", name: "Closed", closed: true}, {code: "6430", name: "Taxi"}}}
			return &original{s: s, fault: fault, held: make(chan struct{}, 1)}, s
		},
		Active:   []string{"6430", "6410", "6420"},
		Inactive: []string{"6999"},
		Change: func(_ *testing.T, system any) {
			s := at(system)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.rows[1].name = "Trains"
		},
		Break: func(_ *testing.T, system any, n int) bool {
			s := at(system)
			s.mu.Lock()
			defer s.mu.Unlock()
			reached := s.left > 0 && s.calls >= s.left
			s.left, s.calls = n, 0
			return reached
		},
		Calls: func(_ *testing.T, system any) int {
			s := at(system)
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.total
		},
	}
}

// originalFaults runs every rule against an original and returns the names and
// texts of those that failed.
func originalFaults(t *testing.T, h OriginalHarness[string]) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, r := range originalRules[string]() {
		fault := faultOf(t, func(ctx context.Context, t *testing.T, rep reporter) {
			o, system := h.Open(t)
			r.run(ctx, &originalCheck[string]{check: check{t: rep, text: r.text}, h: h, tt: t, original: o, system: system})
		})
		if fault != "" {
			found[r.name] = fault
		}
	}
	return found
}

func brokenOriginals() map[string]string {
	return map[string]string{
		"one twice":                               "each object once",
		"the last one is left out":                "each object once",
		"an empty key":                            "a key is 1 to 200 bytes",
		"a long key":                              "a key is 1 to 200 bytes",
		"an empty need":                           "a key is 1 to 200 bytes",
		"a key of the day":                        "two readings are the same",
		"content of the day":                      "two readings are the same",
		"needs of the day":                        "two readings are the same",
		"a key of the content":                    "a change keeps the key and is seen",
		"a memory":                                "a change keeps the key and is seen",
		"a failure is the end":                    "a failure is an error and the last pair",
		"goes on after a failure":                 "a failure is an error and the last pair",
		"deaf to its reader":                      "a reading may be abandoned",
		"the next reading goes on where one left": "a reading may be abandoned",
		"a lock":                                  "no lock is held while the body runs",
		"one position for all":                    "readings may run at once",
		"closed is active":                        "what may not be used is not active",
		"deaf to its context":                     "a context that ended is an error",
		"a context that ends is the end":          "a context that ended is an error",
		"reads early":                             "nothing is read before the range starts",
	}
}

func TestOriginalThatKeepsTheContractPasses(t *testing.T) { RunOriginal(t, charts("")) }

func TestHarnessOfOneFunctionIsEnoughForAnOriginal(t *testing.T) {
	RunOriginal(t, OriginalHarness[string]{Open: charts("").Open})
}

func TestBrokenOriginalsAreCaught(t *testing.T) {
	for fault, rule := range brokenOriginals() {
		t.Run(fault, func(t *testing.T) {
			found := originalFaults(t, charts(fault))
			require.Contains(t, found, rule)
			require.Contains(t, found[rule], "the rule: ")
			require.Contains(t, found[rule], "the end: ")
		})
	}
}

func TestEveryRuleOfAnOriginalIsBrokenByOneOfTheExamples(t *testing.T) {
	caught := map[string]bool{}
	for _, rule := range brokenOriginals() {
		caught[rule] = true
	}
	for _, r := range originalRules[string]() {
		require.True(t, caught[r.name], "no broken original is caught by %q", r.name)
		require.True(t, strings.HasSuffix(r.text, "."), r.name)
	}
}

var _ connector.Original[string] = (*original)(nil)

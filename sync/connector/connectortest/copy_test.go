package connectortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// menu is the toy copy's system: what its users can choose.
type menu struct {
	mu    sync.Mutex
	items []item
	calls int // since Break
	left  int // calls until the system fails; 0: never
	lose  bool
}

type item struct{ key, name string }

var errRefused = errors.New("the system refuses the name")

// call is one call, which finds an item and changes the items.
func (m *menu) call(ctx context.Context, f func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls++; m.left > 0 && m.calls >= m.left {
		return errFault
	}
	f()
	if m.lose {
		m.lose = false
		return errFault
	}
	return nil
}

func (m *menu) find(key string) int {
	return slices.IndexFunc(m.items, func(i item) bool { return i.key == key })
}

// toyLimit is how many edits the toy copy takes at once.
const toyLimit = 7

// mirrored is a copy that keeps the contract, unless its fault is set.
type mirrored struct {
	m     *menu
	fault string

	mu     sync.Mutex
	sent   map[string]string // what this process remembers
	limits int
}

func (c *mirrored) Limit() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limits++
	switch c.fault {
	case "Limit of nothing":
		return 0
	case "another Limit each time":
		return toyLimit + c.limits%2
	}
	return toyLimit
}

func (c *mirrored) Apply(ctx context.Context, edits []connector.Edit[string]) ([]error, error) {
	if c.fault == "deaf to its context" {
		ctx = context.WithoutCancel(ctx)
	}
	results := make([]error, len(edits))
	order := make([]int, len(edits))
	for i := range edits {
		order[i] = i
	}
	switch {
	case c.fault == "retirements first":
		slices.SortStableFunc(order, func(a, b int) int {
			return strings.Compare(fmt.Sprint(edits[b].Retire), fmt.Sprint(edits[a].Retire))
		})
	case c.fault == "a full batch is cut" && len(edits) == toyLimit:
		order = order[:toyLimit-1]
	}
	if c.fault == "writes over what others did" {
		return results, c.over(ctx, edits)
	}
	for _, i := range order {
		refusal, err := c.edit(ctx, edits[i])
		switch {
		case err != nil && c.fault == "a failure is a refusal":
			results[i] = err
		case err != nil && c.fault == "a failure is nothing":
		case err != nil && c.fault == "a failure claims a refusal":
			return nil, &connector.Rejection{Err: err}
		case err != nil:
			return nil, err
		case refusal != nil && c.fault == "a refusal is nothing":
		case refusal != nil && c.fault == "a refusal is in the wrong place":
			results[(i+1)%len(edits)] = refusal
		case refusal != nil && c.fault == "a refusal stops the others":
			results[i] = refusal
			return results, nil
		case refusal != nil && c.fault == "a refusal ends the call":
			return nil, refusal
		default:
			results[i] = refusal
		}
	}
	switch c.fault {
	case "only errors":
		results = slices.DeleteFunc(results, func(err error) bool { return err == nil })
	case "a result too many":
		results = append(results, nil)
	}
	return results, nil
}

// over sends all the items that it knows of, without those that came since.
func (c *mirrored) over(ctx context.Context, edits []connector.Edit[string]) error {
	var items []item
	if err := c.m.call(ctx, func() { items = slices.Clone(c.m.items) }); err != nil {
		return err
	}
	<-time.After(5 * time.Millisecond) // for the others to come in between
	for _, e := range edits {
		items = slices.DeleteFunc(items, func(i item) bool { return i.key == e.Key })
		if !e.Retire {
			items = append(items, item{e.Key, e.Content})
		}
	}
	return c.m.call(ctx, func() { c.m.items = items })
}

// edit does one edit in one call.
func (c *mirrored) edit(ctx context.Context, e connector.Edit[string]) (refusal, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, ours := c.sent[e.Key]
	if c.fault == "trusts its memory" && ours && !e.Retire && before == e.Content {
		return nil, ctx.Err()
	}
	err = c.m.call(ctx, func() { refusal = c.change(e, c.m.find(e.Key)) })
	if err == nil && refusal == nil {
		c.sent[e.Key] = e.Content
	}
	return refusal, err
}

func (c *mirrored) change(e connector.Edit[string], at int) error {
	there := at >= 0
	_, ours := c.sent[e.Key]
	switch {
	case e.Retire && !there:
		if c.fault == "refuses to retire what is gone" {
			return fmt.Errorf("no item %s", e.Key)
		}
	case e.Retire:
		switch c.fault {
		case "retires nothing", "retires what is known only":
			if c.fault == "retires nothing" || !e.Known {
				return nil
			}
		case "retires everything":
			c.m.items = nil
			return nil
		}
		c.m.items = slices.Delete(c.m.items, at, at+1)
	case e.Content == "":
		return errRefused
	case !there && c.fault == "new is not offered" && !e.Known,
		!there && c.fault == "trusts that it is known" && e.Known,
		!there && c.fault == "never brings back" && ours && !e.Known,
		!there && c.fault == "never brings back what is known" && ours && e.Known,
		there && c.fault == "trusts that it is new" && !e.Known,
		there && c.fault == "keeps what it has":
		return nil
	case !there && c.fault == "refuses a change of what is gone" && e.Known:
		return fmt.Errorf("no item %s", e.Key)
	case there && c.fault == "refuses what is there" && !e.Known:
		return fmt.Errorf("there is an item %s", e.Key)
	case !there, there && c.fault == "doubles what is new" && !e.Known:
		c.m.items = append(c.m.items, item{e.Key, e.Content})
	case c.fault == "changes everything":
		for i := range c.m.items {
			c.m.items[i].name = e.Content
		}
	default:
		c.m.items[at].name = e.Content
	}
	return nil
}

func menus(fault string) CopyHarness[string] {
	at := func(system any) *menu { m, _ := system.(*menu); return m }
	make1 := func(m *menu) connector.Copy[string] {
		return &mirrored{m: m, fault: fault, sent: map[string]string{}}
	}
	return CopyHarness[string]{
		Open: func(*testing.T) (connector.Copy[string], any) {
			m := &menu{}
			return make1(m), m
		},
		Object: func(n, version int) (key, content, text string) {
			key, content = fmt.Sprint("K", n), fmt.Sprint("Name ", n, " version ", version)
			return key, content, key + " " + content
		},
		Offered: func(_ *testing.T, system any) []string {
			m := at(system)
			m.mu.Lock()
			defer m.mu.Unlock()
			var out []string
			for _, i := range m.items {
				out = append(out, i.key+" "+i.name)
			}
			return out
		},
		Refused: func() (key, content string) { return "REFUSED", "" },
		Again:   func(_ *testing.T, system any) connector.Copy[string] { return make1(at(system)) },
		Break: func(_ *testing.T, system any, n int) bool {
			m := at(system)
			m.mu.Lock()
			defer m.mu.Unlock()
			reached := m.left > 0 && m.calls >= m.left
			m.left, m.calls = n, 0
			return reached
		},
		Lose: func(_ *testing.T, system any) {
			m := at(system)
			m.mu.Lock()
			defer m.mu.Unlock()
			m.lose = true
		},
	}
}

// copyFaults runs every rule against a copy and returns the names and texts of
// those that failed.
func copyFaults(t *testing.T, h CopyHarness[string]) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, r := range copyRules[string]() {
		fault := faultOf(t, func(ctx context.Context, t *testing.T, rep reporter) {
			c, system := h.Open(t)
			r.run(ctx, &copyCheck[string]{check: check{t: rep, text: r.text}, h: h, tt: t, copied: c, system: system})
		})
		if fault != "" {
			found[r.name] = fault
		}
	}
	return found
}

func brokenCopies() map[string]string {
	return map[string]string{
		"Limit of nothing":                 "Limit is at least 1",
		"another Limit each time":          "Limit is at least 1",
		"only errors":                      "one result for each edit",
		"a result too many":                "one result for each edit",
		"new is not offered":               "a new object is offered",
		"keeps what it has":                "a change has effect",
		"changes everything":               "a change has effect",
		"retires nothing":                  "what is retired is not offered",
		"retires everything":               "what is retired is not offered",
		"retirements first":                "edits have effect in their order",
		"never brings back":                "what comes back is offered",
		"never brings back what is known":  "what comes back may be sent as known",
		"a full batch is cut":              "a full batch",
		"writes over what others did":      "Apply may be called at once",
		"doubles what is new":              "an edit may come again",
		"refuses what is there":            "an edit may come again",
		"trusts that it is new":            "what is there may be sent as new",
		"trusts that it is known":          "what is new may be sent as known",
		"refuses a change of what is gone": "what is new may be sent as known",
		"refuses to retire what is gone":   "retiring what is gone is no error",
		"retires what is known only":       "retiring what is gone is no error",
		"trusts its memory":                "another process sees the same",
		"a refusal is nothing":             "a refused edit stops no other",
		"a refusal is in the wrong place":  "a refused edit stops no other",
		"a refusal stops the others":       "a refused edit stops no other",
		"a refusal ends the call":          "a refused edit stops no other",
		"a failure is a refusal":           "a failing call is the second error",
		"a failure is nothing":             "a failing call is the second error",
		"a failure claims a refusal":       "a failing call is the second error",
		"deaf to its context":              "a context that ended is an error",
	}
}

func TestCopyThatKeepsTheContractPasses(t *testing.T) { RunCopy(t, menus("")) }

func TestHarnessOfThreeFunctionsIsEnoughForACopy(t *testing.T) {
	h := menus("")
	RunCopy(t, CopyHarness[string]{Open: h.Open, Object: h.Object, Offered: h.Offered})
}

func TestBrokenCopiesAreCaught(t *testing.T) {
	for fault, rule := range brokenCopies() {
		t.Run(fault, func(t *testing.T) {
			found := copyFaults(t, menus(fault))
			require.Contains(t, found, rule)
			require.Contains(t, found[rule], "the rule: ")
			require.Contains(t, found[rule], "the end: ")
		})
	}
}

func TestACopyThatDoublesIsCaughtAfterALostAnswer(t *testing.T) {
	require.Contains(t, copyFaults(t, menus("doubles what is new")), "a lost answer doubles nothing")
}

func TestEveryRuleOfACopyIsBrokenByOneOfTheExamples(t *testing.T) {
	caught := map[string]bool{"a lost answer doubles nothing": true} // the test above
	for _, rule := range brokenCopies() {
		caught[rule] = true
	}
	for _, r := range copyRules[string]() {
		require.True(t, caught[r.name], "no broken copy is caught by %q", r.name)
		require.True(t, strings.HasSuffix(r.text, "."), r.name)
	}
}

var _ connector.Copy[string] = (*mirrored)(nil)

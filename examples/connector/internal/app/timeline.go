package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/audit"
)

// Step is one line of a document's life: what the ledger and the audit trail
// know, with the calls to the vendors that led to it.
type Step struct {
	Time  time.Time `json:"time"`
	What  string    `json:"what"`
	Text  string    `json:"text,omitempty"`
	Actor string    `json:"actor,omitempty"`
	Calls []Call    `json:"calls,omitempty"`
}

// Call is one call to a vendor, by its two records in the audit trail.
type Call struct {
	Time        time.Time `json:"time"`
	Method      string    `json:"method"`
	Host        string    `json:"host"`
	Path        string    `json:"path"`
	Status      int       `json:"status,omitempty"` // 0: no answer came, or none yet
	Failure     string    `json:"failure,omitempty"`
	Millis      int64     `json:"ms"`
	Correlation string    `json:"correlation,omitempty"`
}

// Bad reports whether the call was refused or got no answer.
func (c *Call) Bad() bool { return c.Status == 0 || c.Status >= 400 }

// ToEpicor reports whether the call went to Epicor, whose REST interface is the
// only one of both that speaks OData.
func (c *Call) ToEpicor() bool { return strings.Contains(c.Path, "/odata/") }

// Ended is when the answer came.
func (c *Call) Ended() time.Time { return c.Time.Add(time.Duration(c.Millis) * time.Millisecond) }

// Timeline returns a transfer's whole life, oldest first.
func (d *Data) Timeline(ctx context.Context, t *Transfer) ([]Step, error) {
	var steps []Step
	for _, m := range t.History {
		steps = append(steps, Step{Time: m.Time, What: m.What, Text: m.Text, Actor: m.Actor})
	}
	calls := map[string]*Call{}
	var order []*Call
	q := audit.Query{Tenant: t.ID.Tenant, Subject: t.ID.Document, Limit: 500}
	for {
		rs, next, err := d.Trail.Read(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("read the audit trail: %w", err)
		}
		for _, r := range rs {
			switch r.Action {
			case audit.ActionCall:
				c := &Call{Time: r.Time, Failure: "no answer recorded"}
				_ = json.Unmarshal(r.Detail, c) // what cannot be read stays empty; the record itself is shown by audit
				calls[r.ID] = c
				order = append(order, c)
			case audit.ActionAnswer:
				if c := calls[r.ID]; c != nil {
					c.answer(r)
				}
			default:
				steps = append(steps, recorded(r)...)
			}
		}
		if next == 0 {
			break
		}
		q.After = next
	}
	slices.SortStableFunc(steps, func(a, b Step) int { return a.Time.Compare(b.Time) })
	return attach(steps, order), nil
}

func (c *Call) answer(r audit.Record) {
	var a struct {
		Status      int    `json:"status"`
		Correlation string `json:"correlation"`
		Millis      int64  `json:"ms"`
	}
	_ = json.Unmarshal(r.Detail, &a) // as above
	c.Status, c.Millis, c.Failure = a.Status, a.Millis, ""
	if a.Correlation != "" {
		c.Correlation = a.Correlation
	}
	if r.Outcome == audit.OutcomeFailed {
		c.Failure = r.Reason
	}
}

// recorded turns a record that is no call into steps. What the ledger's history
// tells as well is left to it.
func recorded(r audit.Record) []Step {
	switch r.Action + " " + r.Outcome {
	case ActionEvent + " durable":
		var e EventDetail
		_ = json.Unmarshal(r.Detail, &e) // as above
		text := e.Topic + " " + e.Type + ", id " + e.ID
		if e.Correlation != "" {
			text += ", correlation " + e.Correlation
		}
		came := r.Time.Add(-time.Duration(e.Micros) * time.Microsecond)
		return []Step{
			{Time: came, What: "event", Text: text},
			{Time: r.Time, What: "stored", Text: fmt.Sprintf("durable after %d.%d ms; only then Concur is answered 200", e.Micros/1000, e.Micros%1000/100)},
		}
	case "deliver attempt":
		var a struct {
			Attempt    int    `json:"attempt"`
			Generation int    `json:"generation"`
			Key        string `json:"key"`
		}
		_ = json.Unmarshal(r.Detail, &a) // as above
		return []Step{{Time: r.Time, What: "sending", Text: fmt.Sprintf("attempt %d, key %s", a.Attempt, a.Key)}}
	case "deliver unknown":
		return []Step{{Time: r.Time, What: "unknown", Text: "no certain answer: the target is asked before anything else is done"}}
	case "reverse attempt":
		return []Step{{Time: r.Time, What: "reversing", Text: "takes back what bears the key"}}
	}
	return nil
}

// attach gives each step the calls that were made before it and after the step
// before. Calls after the last step become one of their own.
func attach(steps []Step, calls []*Call) []Step {
	i := 0
	for at := range steps {
		for i < len(calls) && !calls[i].Time.After(steps[at].Time) {
			steps[at].Calls = append(steps[at].Calls, *calls[i])
			i++
		}
	}
	if i < len(calls) {
		last := Step{Time: calls[i].Time, What: "calls"}
		for ; i < len(calls); i++ {
			last.Calls = append(last.Calls, *calls[i])
		}
		steps = append(steps, last)
	}
	return steps
}

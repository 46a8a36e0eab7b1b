package app

import (
	"time"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
)

// Return is that a document was given back to Concur.
type Return struct {
	At  time.Time `json:"at"`
	By  string    `json:"by,omitempty"` // empty: the policy
	Why string    `json:"why,omitempty"`
	// Told: Concur has been told that it failed.
	Told bool `json:"told"`
}

// StandsBeside are the AP invoices of earlier revisions that stand beside what was
// made of the current one, the newest revision first.
func (t *Transfer) StandsBeside() []connector.Made {
	var out []connector.Made
	for _, r := range t.Beside {
		out = append(out, r.Made...)
	}
	return out
}

// GivenBack says who gave a returned document back, and why; nil: it is not
// returned.
func (t *Transfer) GivenBack() *Return {
	if t.State != engine.Returned {
		return nil
	}
	r := &Return{At: t.Since, Told: t.Due.IsZero()}
	for i := len(t.History) - 1; i >= 0; i-- {
		if m := t.History[i]; m.What == "returned" {
			r.At, r.By, r.Why = m.Time, m.Actor, m.Text
			break
		}
	}
	return r
}

// made is everything that the ledger says stands in Epicor for a transfer.
func made(s engine.Status) []connector.Made {
	var out []connector.Made
	if s.Receipt != nil {
		out = append(out, s.Receipt.Made...)
	}
	for _, r := range s.Beside {
		out = append(out, r.Made...)
	}
	return out
}

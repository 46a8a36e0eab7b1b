package concursync_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/connector/connectortest"
)

// counter is an office behind a line that can fail, with one approved report.
type counter struct {
	*office
	report concurtest.Report
	mu     sync.Mutex
	broken bool
	lose   bool
}

func (x *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	x.mu.Lock()
	broken := x.broken && within("/financialintegration/")(r)
	lose := x.lose && r.Method != http.MethodGet && within("/financialintegration/")(r)
	if lose {
		x.lose = false
	}
	x.mu.Unlock()
	if broken {
		return nil, http.ErrServerClosed
	}
	res, err := x.office.Client().Transport.RoundTrip(r)
	if lose && err == nil {
		_ = res.Body.Close()
		return nil, http.ErrServerClosed
	}
	return res, err
}

func TestFinancialSourceIsToldAsTheContractSays(t *testing.T) {
	t.Parallel()
	as := func(v any) *counter {
		x, _ := v.(*counter)
		return x
	}
	source := func(t *testing.T, x *counter) connector.Acknowledger {
		t.Helper()
		return concursync.Financial(x.through(t, x), &concursync.FinancialOptions{SystemID: "epicor"})
	}
	connectortest.RunAcknowledger(t, connectortest.AcknowledgerHarness{
		Open: func(t *testing.T) (connector.Acknowledger, any) {
			x := &counter{office: integrated(t)}
			x.report = x.approved(lunch("10.00"))
			return source(t, x), x
		},
		Signal: func(t *testing.T, v any, kind connector.SignalKind, _ int) connector.Signal {
			sig := as(v).signal(t, kind, as(v).report)
			switch kind {
			case connector.Posted:
				sig.Receipt = made("CX-1")
			case connector.Failed:
				sig.Issues = []connector.Issue{{Code: "cost_centre_unknown", Message: "the cost centre stands in no line"}}
			case connector.Taken, connector.Paid:
			}
			return sig
		},
		Told: func(t *testing.T, v any) (out []string) {
			d := as(v).state(t, as(v).report.ID)
			out = append(out, d.Status)
			for _, p := range d.Posted {
				out = append(out, fmt.Sprint("posted ", p.Number))
			}
			return append(out, d.Messages...)
		},
		Again:  func(t *testing.T, v any) connector.Acknowledger { return source(t, as(v)) },
		Recall: func(_ *testing.T, v any) { as(v).company.RecallDocument(as(v).report.ID) },
		Break: func(_ *testing.T, v any, broken bool) {
			as(v).mu.Lock()
			defer as(v).mu.Unlock()
			as(v).broken = broken
		},
		Lose: func(_ *testing.T, v any) {
			as(v).mu.Lock()
			defer as(v).mu.Unlock()
			as(v).lose = true
		},
	})
}

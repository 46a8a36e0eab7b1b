package engine_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
)

func TestObserverIsToldOfEachStep(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		var mu sync.Mutex
		var names []string
		b.tell, b.erp.lose = true, 1
		b.opts.Observer.Stepped = func(s engine.Step) {
			mu.Lock()
			defer mu.Unlock()
			if s.Err != nil {
				s.Name += "!"
			}
			names = append(names, s.Name)
		}
		b.posted(ten)
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, []string{"fetch", "signal", "map", "deliver!", "find", "signal"}, names)
	})
}

func TestObserverIsToldOfEachRunOfAMirror(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		var reports []string
		b.opts.Observer.Mirrored = func(tenant string, r engine.MirrorReport) {
			reports = append(reports, fmt.Sprint(tenant, " ", r.Name, " ", r.Read, " ", r.Error))
		}
		e := b.engine()
		s := newToySet(1)
		require.NoError(t, engine.AddMirror(e, engine.Mirror[string]{Tenant: tenant, Name: "accounts", Original: s}))
		_, err := e.RunMirror(t.Context(), tenant, "accounts", false, engine.Act{})
		require.NoError(t, err)
		require.Equal(t, []string{"acme accounts 1 "}, reports)
	})
}

// planted stands where a person's data or a secret would.
const planted = "Ana Ruiz planted"

func TestMetricsAndSpansTellWhatHappenedAndHoldNoPersonalData(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		spans := tracetest.NewInMemoryExporter()
		reader := sdkmetric.NewManualReader()
		b.opts.TracerProvider = sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
		b.opts.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
		b.tell = true
		b.source.person = planted
		b.mapper.issues = func(c claim) mapping.Issues {
			if _, bad := c.Amounts["bad"]; bad {
				return mapping.Issues{{Code: "party_unknown", Field: planted, Value: planted, Personal: true, Message: planted}}
			}
			return nil
		}
		lost := 0
		b.erp.fail = func(op string) error {
			if lost++; lost == 1 {
				return fmt.Errorf("busy: %s", planted)
			}
			return nil
		}
		e := b.posted(ten)
		b.source.put("R2", 1, connector.Ready, map[string]int64{"bad": 1234})
		n := notice("R2")
		n.Ref.Hint = planted
		require.NoError(t, e.Notify(t.Context(), n))
		pass(time.Minute)

		var got metricdata.ResourceMetrics
		require.NoError(t, reader.Collect(t.Context(), &got))
		text := fmt.Sprintf("%+v", got)
		var names []string
		for _, m := range got.ScopeMetrics[0].Metrics {
			names = append(names, m.Name)
			switch d := m.Data.(type) {
			case metricdata.Gauge[float64]: //nolint:forbidigo // as the library has it
				require.Len(t, d.DataPoints, 1)
				require.InDelta(t, 12.34, d.DataPoints[0].Value, 0.001)
				for _, want := range []string{"acme", "USD", "parked", "C"} {
					require.Contains(t, fmt.Sprint(d.DataPoints[0].Attributes), want)
				}
			default:
				text += fmt.Sprintf("%+v", d)
			}
		}
		slices.Sort(names)
		require.Equal(t, []string{
			"mlconnector.changes", "mlconnector.lag", "mlconnector.oldest", "mlconnector.step.duration",
			"mlconnector.steps", "mlconnector.transfers", "mlconnector.value",
		}, names)
		require.Contains(t, text, "party_unknown")
		require.NotContains(t, text, planted)
		require.NotContains(t, text, "R1", "no document names a label")

		all := spans.GetSpans()
		require.NotEmpty(t, all)
		seen := map[string]bool{}
		for _, s := range all {
			seen[s.Name] = true
			require.NotContains(t, fmt.Sprintf("%+v", s), planted)
			if s.Name == "deliver" {
				require.True(t, s.Parent.IsValid(), "a step belongs to its pass")
			}
		}
		for _, want := range []string{"transfer", "fetch", "map", "deliver", "find", "signal"} {
			require.True(t, seen[want], want)
		}
		require.Contains(t, fmt.Sprint(all), "claim/R1", "a span names its document")
	})
}

func TestFiguresSumWhatIsNotAtRestByCompanyCurrencyAndState(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.mapper.issues = unmapped
		began := time.Now()
		e := b.posted(ten) // at rest
		for doc, cents := range map[string]int64{"R2": 1000, "R3": 250} {
			b.source.put(doc, 1, connector.Ready, map[string]int64{"bad": cents})
			b.notify(e, doc)
		}
		b.source.put("R4", 1, connector.NotYet, map[string]int64{"emp": 7})
		b.notify(e, "R4")
		pass(time.Minute)
		f, err := e.Figures(t.Context(), tenant)
		require.NoError(t, err)
		require.Equal(t, 2, f.States[engine.Parked])
		require.Equal(t, 1, f.States[engine.Waiting])
		require.Zero(t, f.States[engine.Confirmed])
		require.Len(t, f.Money, 2)
		parked, waiting := f.Money[0], f.Money[1]
		require.Equal(t, []any{"C", "USD", engine.Parked, 2}, []any{parked.Company, parked.Currency, parked.State, parked.Count})
		require.True(t, decimal.New(1250, -2).Equal(parked.Amount), parked.Amount.String())
		require.True(t, parked.Oldest.After(began))
		require.Equal(t, engine.Waiting, waiting.State)
		require.True(t, f.Late.IsZero())

		require.NoError(t, e.Pause(t.Context(), tenant, "claims", engine.Act{Actor: "ann"}))
		b.notify(e, "R5")
		at := time.Now()
		pass(time.Hour)
		f, err = e.Figures(t.Context(), tenant)
		require.NoError(t, err)
		require.WithinDuration(t, at, f.Late, time.Second, "what is due and not worked on shows as lag")
	})
}

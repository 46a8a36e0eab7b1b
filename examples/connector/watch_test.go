package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

type lastReport struct{ engine.MirrorReport }

func (r *lastReport) Mirrors(string) []string { return []string{"vendors"} }

func (r *lastReport) LastMirror(context.Context, string, string) (engine.MirrorReport, error) {
	return r.MirrorReport, nil
}

func TestEachRunOfAMirrorWithRefusalsIsWarnedOfOnceAndNamesNobody(t *testing.T) {
	var out bytes.Buffer
	last := &lastReport{}
	w := newMirrorWatch([]string{"acme"}, last, slog.New(slog.NewTextHandler(&out, nil)))
	warnings := func() int { return strings.Count(out.String(), "level=WARN") }
	ended := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	refused := []engine.MirrorFail{{Key: "E1042", Error: "Ana Ruiz is refused"}}

	last.MirrorReport = engine.MirrorReport{Ended: ended, Failed: refused}
	w.look(t.Context(), false)
	require.Zero(t, warnings(), "it ended before")
	last.Ended = ended.Add(time.Hour)
	w.look(t.Context(), true)
	w.look(t.Context(), true)
	require.Equal(t, 1, warnings())
	require.Contains(t, out.String(), "refused=1")
	require.NotContains(t, out.String(), "Ruiz")
	last.MirrorReport = engine.MirrorReport{Ended: ended.Add(2 * time.Hour)}
	w.look(t.Context(), true)
	require.Equal(t, 1, warnings(), "nothing was refused")
}

func TestADocumentThatBeginsToWaitForAPersonIsWarnedOfOnce(t *testing.T) {
	var out bytes.Buffer
	passed := 0
	warn := parkedWarner(slog.New(slog.NewTextHandler(&out, nil)), func(engine.Change) { passed++ })
	id := storage.ID{Tenant: "acme", Document: "report/1"}
	warn(engine.Change{ID: id, From: engine.Pending, To: engine.Parked, Cause: "vendor_missing"})
	warn(engine.Change{ID: id, From: engine.Parked, To: engine.Parked, Cause: "vendor_missing"})
	warn(engine.Change{ID: id, From: engine.Parked, To: engine.Pending})
	require.Equal(t, 3, passed)
	require.Equal(t, 1, strings.Count(out.String(), "level=WARN"))
	require.Contains(t, out.String(), "document=report/1 cause=vendor_missing")
}

package app

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/memlog"
	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
)

const tenantName = "brightwater"

// signingKey is made once: it takes long, and one serves all tests.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// world is both systems and a connector's memory, all in the process.
type world struct {
	t       *testing.T
	concur  *concurtest.Server
	company *sample.Company
	epicor  *epicortest.Server
	store   *memstore.Store
	log     *memlog.Log
	mapping string // path
	policy  engine.Policy
	reports concursync.ReportsOptions
	poll    time.Duration
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, concur: concurtest.New(&concurtest.Options{Key: signingKey()}), epicor: epicortest.New(nil),
		store: memstore.New(), log: memlog.New(), mapping: filepath.Join(t.TempDir(), MappingFile),
		policy: engine.Policy{Sweep: 10 * time.Minute}, poll: 10 * time.Second,
	}
	t.Cleanup(w.concur.Close)
	sample.Epicor(w.epicor)
	w.company = sample.Concur(w.concur)
	w.write(string(sample.Mapping))
	return w
}

// write replaces mapping.yaml.
func (w *world) write(mapping string) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(w.mapping, []byte(mapping), 0o600))
}

// edit replaces a text in mapping.yaml.
func (w *world) edit(from, to string) {
	w.t.Helper()
	b, err := os.ReadFile(w.mapping)
	require.NoError(w.t, err)
	require.Contains(w.t, string(b), from)
	w.write(strings.Replace(string(b), from, to, 1))
}

// RoundTrip implements http.RoundTripper: it leads to the one system or the other.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/odata/") {
		return w.epicor.Transport().RoundTrip(r)
	}
	return w.concur.Transport().RoundTrip(r)
}

func (w *world) config() Config {
	if w.reports.From.IsZero() {
		w.reports.From = time.Now().AddDate(0, -3, 0)
	}
	return Config{
		Transport: w, EventKeys: []*rsa.PublicKey{w.concur.SigningKey()},
		Tenants: []Tenant{{
			Name: tenantName, Mapping: w.mapping, Policy: w.policy,
			Concur: Concur{
				App:     concur.App{ClientID: w.concur.App().ClientID, ClientSecret: concur.Secret(w.concur.App().ClientSecret)},
				Company: w.company.ID, BootstrapURL: w.concur.URL, Reports: w.reports,
				Invoices: &concursync.PaymentRequestsOptions{From: w.reports.From, ReadyApproval: []string{concurtest.Approved}},
			},
			Epicor: Epicor{
				URL:        w.epicor.Root(sample.EpicorCompany),
				AllowHTTP:  true,
				Credential: epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword),
			},
		}},
	}
}

// start wires a connector as a process does that starts; store and log may be
// such that break.
func (w *world) start(cfg Config, store storage.Store, log audit.Log) *App {
	w.t.Helper()
	trail := audit.NewTrail(log, nil)
	e, err := engine.New(store, trail, &engine.Options{Poll: w.poll})
	require.NoError(w.t, err)
	d := &Data{
		Marker: Marker{Tenants: []string{tenantName}, Targets: []string{DefaultTarget}},
		Store:  store, Trail: trail, Engine: e, Labels: newLabels(store, discard()),
	}
	a, err := assemble(d, cfg)
	require.NoError(w.t, err)
	return a
}

// connector is a connector that was connected and does not break.
func (w *world) connector() *App {
	w.t.Helper()
	a := w.start(w.config(), w.store, w.log)
	require.NoError(w.t, a.Connect(w.t.Context(), tenantName, concur.Secret(w.company.RequestToken())))
	return a
}

// run runs a connector for some time; call it inside a bubble.
func (w *world) run(a *App, d time.Duration) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), d)
	defer cancel()
	require.NoError(w.t, a.Run(ctx))
}

// report returns the submitted report with a number.
func (w *world) report(number string) concurtest.Report {
	w.t.Helper()
	for _, r := range w.company.Reports {
		if r.Number == number {
			return r
		}
	}
	w.t.Fatalf("there is no report %s", number)
	return concurtest.Report{}
}

// status is what the ledger knows about a report, read by nobody in particular.
func (w *world) status(number string) engine.Status {
	w.t.Helper()
	e, err := engine.New(w.store, audit.NewTrail(w.log, nil), nil)
	require.NoError(w.t, err)
	s, err := e.Get(context.WithoutCancel(w.t.Context()), storage.ID{
		Tenant: tenantName, Target: DefaultTarget, Document: "report/" + w.report(number).ID,
	})
	require.NoError(w.t, err)
	return s
}

// ours are the AP invoices in Epicor whose number holds a text.
func (w *world) ours(part string) []epicortest.Invoice {
	var out []epicortest.Invoice
	for _, inv := range w.epicor.Invoices(sample.EpicorCompany) {
		if strings.Contains(inv.Number, part) {
			out = append(out, inv)
		}
	}
	return out
}

// locks are the entry groups that somebody works in.
func (w *world) locks() map[string]string {
	out := map[string]string{}
	for group, user := range w.epicor.Locks(sample.EpicorCompany) {
		if user != "" {
			out[group] = user
		}
	}
	return out
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

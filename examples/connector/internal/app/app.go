// Package app wires the parts of the connector: stores, clients, ends, engine
// and webhook. Every command that does work uses it, with a Config that comes
// from a file or points at the simulators.
package app

import (
	"cmp"
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/vault"
)

// Names of a tenant's flows and of the target that they share.
const (
	ReportFlow    = "reports-to-ap"
	InvoiceFlow   = "invoices-to-ap"
	FinancialFlow = "financial-to-ap"
	DefaultTarget = "epicor-ap"
)

// EventPath is where Concur's events are taken.
const EventPath = "/concur/events"

// Config says what the connector joins and how it behaves. Secrets stand in
// types that print as redacted.
type Config struct {
	Data string // directory of the ledger and the audit log
	Kind Kind   // empty: Live
	// Look leaves the marker of a directory that is there as it is, for programs
	// that only look.
	Look    bool
	Tenants []Tenant

	// EventKeys verify the signature of Concur's events, EventCertificate the client
	// certificate that they come with; where both are given an event needs both,
	// where none is every event is refused. EventAlgorithm: empty is concur.SignaturePSS.
	EventKeys        []*rsa.PublicKey
	EventAlgorithm   concur.SignatureAlgorithm
	EventCertificate *concur.CertificateOptions

	// Key seals tokens, secrets and documents at rest. Nil: they are stored as they
	// are, which is for demonstrations.
	Key *vault.Key

	Workers  int           // 0: the engine's default
	Drain    time.Duration // 0: the engine's default
	Logger   *slog.Logger  // nil: nothing is logged
	OnChange func(engine.Change)
	// Transport carries the calls to both vendors; nil: one of its own.
	Transport http.RoundTripper
	// Watch sees every call and its answer, around what carries them; nil: nobody.
	Watch func(http.RoundTripper) http.RoundTripper

	around ends // set by tests
}

// limits are what the configuration says about a tenant.
func (c *Config) limits(tenant string) engine.Limits {
	for i := range c.Tenants {
		if c.Tenants[i].Name == tenant {
			return c.Tenants[i].Limits
		}
	}
	return engine.Limits{}
}

// ends may put something around the ends of a flow.
type ends struct {
	source func(kindSource) kindSource
	sink   func(connector.Sink[document.Posting]) connector.Sink[document.Posting]
}

// Tenant is one customer: a Concur company whose documents go to an Epicor
// company.
type Tenant struct {
	Name    string
	Mapping string // path of the rules; empty: no document is moved, for programs that only look or connect
	Target  string // empty: DefaultTarget
	Concur  Concur
	Epicor  Epicor
	Policy  engine.Policy
	Limits  engine.Limits
	Mirrors Mirrors
	// Unseal fills in what is kept in the vault. Nil: nothing is.
	Unseal func(ctx context.Context, v *vault.Vault, t *Tenant) error
}

// Concur is a tenant's side in SAP Concur.
type Concur struct {
	App concur.App
	// Secrets opens the app's secrets at each call of the token endpoint. Nil: App has them.
	Secrets      func(ctx context.Context) ([]concur.Secret, error)
	Company      string   // UUID
	BootstrapURL string   // empty: SAP Concur's own
	AllowHosts   []string // beside SAP Concur's own
	// InvoiceTopics are topics of events of supplier invoices; the vendor
	// documents none, so that without one they come with the sweep.
	InvoiceTopics []string
	Reports       concursync.ReportsOptions
	Invoices      *concursync.PaymentRequestsOptions // nil: no supplier invoices
	// Financial is the Financial Integration Service; nil: the company does not use
	// it. The flow of reports then leaves what is under it alone.
	Financial *concursync.FinancialOptions
	Timeout   time.Duration // of one call; 0: one minute
}

// Epicor is a tenant's side in Epicor Kinetic.
type Epicor struct {
	URL        string // https://host/instance/api/v2/odata/COMPANY
	Credential epicor.Credential
	AllowHTTP  bool           // the simulators speak plain HTTP on loopback
	RootCAs    *x509.CertPool // nil: the system's authorities
	Entry      epicor.InvoiceOptions
	Invoices   epicorsync.InvoicesOptions
	// Attachments adds images of receipts and invoices to AP invoices.
	Attachments bool
	Tables      epicorsync.TablesOptions
	Timeout     time.Duration // of one call; 0: one minute
}

const defaultTimeout = time.Minute

// App is the connector, ready to run. Make one with Open and end it with Close.
type App struct {
	*Data
	around  ends
	tenants map[string]*tenant
	order   []*tenant
	handler http.Handler
	base    http.RoundTripper // carries the calls of tenants without authorities of their own

	mu     sync.Mutex
	events map[concur.EventOutcome]int
}

// tenant is what is wired for one Tenant.
type tenant struct {
	cfg      Tenant
	concur   *concur.Client
	epicor   *epicor.Client
	tokens   *concur.TokenSource
	store    concur.TokenStore
	refusal  refusal      // of the token
	http     *http.Client // carries the calls to Concur
	sink     *epicorsync.InvoiceSink
	tables   *tables
	mapper   *Mapper
	reports  *concursync.ReportSource
	fis      *concursync.FinancialSource
	invoices *concursync.PaymentRequestSource
}

// Open opens the data directory and wires everything. Nothing is called yet. A
// fault in the rules of a tenant comes as rules.Errors.
func Open(ctx context.Context, cfg Config) (*App, error) {
	if cfg.Kind == "" {
		cfg.Kind = Live
	}
	m := Marker{Kind: cfg.Kind, Sealed: cfg.Key != nil}
	for _, t := range cfg.Tenants {
		m.Tenants = append(m.Tenants, t.Name)
		if target := cmp.Or(t.Target, DefaultTarget); !slices.Contains(m.Targets, target) {
			m.Targets = append(m.Targets, target)
		}
	}
	if !cfg.Look {
		if err := Mark(cfg.Data, m); err != nil {
			return nil, err
		}
	}
	d, err := openData(ctx, cfg.Data, m, cfg.Key, &engine.Options{
		Logger: cfg.Logger, Workers: cfg.Workers, Drain: cfg.Drain, Observer: engine.Observer{Changed: cfg.OnChange},
		Limits: cfg.limits,
	})
	if err != nil {
		return nil, err
	}
	cfg.Tenants = slices.Clone(cfg.Tenants)
	for i := range cfg.Tenants {
		t := &cfg.Tenants[i]
		if t.Unseal == nil {
			continue
		}
		if err := t.Unseal(ctx, d.Vault, t); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	a, err := assemble(d, cfg)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return a, nil
}

// assemble wires everything over an open data directory.
func assemble(d *Data, cfg Config) (*App, error) {
	a := &App{Data: d, around: cfg.around, tenants: map[string]*tenant{}, events: map[concur.EventOutcome]int{}}
	return a, a.wire(cfg)
}

func (a *App) wire(cfg Config) error {
	for _, t := range cfg.Tenants {
		if a.tenants[t.Name] != nil {
			return fmt.Errorf("tenant %q stands there twice", t.Name)
		}
		base, err := a.carrier(cfg, t.Epicor.RootCAs)
		if err != nil {
			return err
		}
		w, err := a.tenant(t, audit.Transport(base, a.Trail))
		if err != nil {
			return fmt.Errorf("tenant %q: %w", t.Name, err)
		}
		a.tenants[t.Name] = w
		a.order = append(a.order, w)
	}
	return a.listen(cfg)
}

// carrier is what carries a tenant's calls to both vendors.
func (a *App) carrier(cfg Config, authorities *x509.CertPool) (http.RoundTripper, error) {
	watch := cfg.Watch
	if watch == nil {
		watch = func(base http.RoundTripper) http.RoundTripper { return base }
	}
	switch {
	case cfg.Transport != nil:
		return watch(cfg.Transport), nil
	case a.base != nil && authorities == nil:
		return a.base, nil
	}
	own, err := Carrier(authorities)
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, func() error { own.CloseIdleConnections(); return nil })
	watched := watch(own)
	if authorities == nil {
		a.base = watched
	}
	return watched, nil
}

// Carrier returns a transport that trusts the given authorities beside its
// system's; nil: the system's alone.
func Carrier(authorities *x509.CertPool) (*http.Transport, error) {
	own, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the default HTTP transport was replaced")
	}
	own = own.Clone()
	own.MaxIdleConnsPerHost = 32
	if authorities != nil {
		own.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorities}
	}
	return own, nil
}

// tenant wires one tenant: clients, ends and flows.
func (a *App) tenant(t Tenant, recorded http.RoundTripper) (*tenant, error) {
	t.Target = cmp.Or(t.Target, DefaultTarget)
	w := &tenant{cfg: t}
	var err error
	w.store = a.tokenStore(t.Name)
	w.http = &http.Client{Transport: recorded, Timeout: cmp.Or(t.Concur.Timeout, defaultTimeout)}
	w.tokens, err = concur.NewTokenSource(t.Concur.App, w.store, &concur.TokenOptions{
		Secrets: t.Concur.Secrets,
		HTTP:    w.http, AllowHosts: t.Concur.AllowHosts, BootstrapURL: t.Concur.BootstrapURL,
	})
	if err != nil {
		return nil, err
	}
	w.concur = concur.NewClient(w.tokens, nil)
	target, err := epicor.NewClient(t.Epicor.URL, t.Epicor.Credential, &epicor.Options{
		HTTP:      &http.Client{Transport: recorded, Timeout: cmp.Or(t.Epicor.Timeout, defaultTimeout)},
		AllowHTTP: t.Epicor.AllowHTTP, Invoices: t.Epicor.Entry,
	})
	if err != nil {
		return nil, err
	}
	w.epicor = target
	if t.Epicor.Attachments {
		t.Epicor.Invoices.Attachments = concursync.Attachments(w.concur)
	}
	w.sink = epicorsync.Invoices(target, &t.Epicor.Invoices)
	w.tables = &tables{reader: epicorsync.Tables(target, &t.Epicor.Tables), rows: newRows(a.Store, t.Name), values: a.Store, tenant: t.Name, log: a.Labels.log, opened: a.opened(t.Name)}
	if t.Mapping == "" {
		return w, nil
	}
	if w.mapper, err = newMapper(t.Mapping, w.tables, a.Labels.log); err != nil {
		return nil, err
	}
	if err := a.mirror(w); err != nil {
		return nil, err
	}
	reports := t.Concur.Reports
	reports.LeaveFinancial = reports.LeaveFinancial || t.Concur.Financial != nil
	w.reports = concursync.Reports(w.concur, &reports)
	if err := a.flow(w, ReportFlow, w.reports); err != nil {
		return nil, err
	}
	if t.Concur.Financial != nil {
		w.fis = concursync.Financial(w.concur, t.Concur.Financial)
		if err := a.flow(w, FinancialFlow, w.fis); err != nil {
			return nil, err
		}
	}
	if t.Concur.Invoices != nil {
		w.invoices = concursync.PaymentRequests(w.concur, t.Concur.Invoices)
		return w, a.flow(w, InvoiceFlow, w.invoices)
	}
	return w, nil
}

func (a *App) flow(w *tenant, name string, source kindSource) error {
	var sink connector.Sink[document.Posting] = w.sink
	if a.around.source != nil {
		source = a.around.source(source)
	}
	if a.around.sink != nil {
		sink = a.around.sink(sink)
	}
	return engine.Add(a.Engine, engine.Flow[document.Document, document.Posting]{
		Tenant: w.cfg.Name, Name: name, Target: w.cfg.Target,
		Source: told(labelled{noted{source, w}, w.cfg.Name, a.Labels}, source), Mapper: w.mapper, Sink: sink,
		Policy: &w.cfg.Policy,
	})
}

// Run works until ctx ends and lets running work finish.
func (a *App) Run(ctx context.Context) error { return a.Engine.Run(ctx) }

// Handler is the connector's side of the web: Concur's events at EventPath.
func (a *App) Handler() http.Handler { return a.handler }

// Flows returns the names of a tenant's flows.
func (a *App) Flows(name string) []string {
	t := a.tenants[name]
	if t == nil {
		return nil
	}
	flows := []string{ReportFlow}
	if t.invoices != nil {
		flows = append(flows, InvoiceFlow)
	}
	if t.fis != nil {
		flows = append(flows, FinancialFlow)
	}
	return flows
}

// Connect exchanges the company request token for a tenant's first token, once.
// A refusal is a *concur.TokenError with its remedy.
func (a *App) Connect(ctx context.Context, name string, requestToken concur.Secret) error {
	t, err := a.find(name)
	if err != nil {
		return err
	}
	_, err = t.tokens.Connect(a.scope(ctx, name, "connect"), t.cfg.Concur.Company, requestToken)
	return err
}

// Mapper returns a tenant's rules.
func (a *App) Mapper(name string) (*Mapper, error) {
	t, err := a.find(name)
	if err != nil {
		return nil, err
	}
	return t.mapper, nil
}

func (a *App) find(name string) (*tenant, error) {
	if t := a.tenants[name]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("there is no tenant %q; the tenants are: %s", name, strings.Join(a.Tenants(), ", "))
}

// scope says on whose behalf this program itself calls a vendor.
func (a *App) scope(ctx context.Context, tenant, subject string) context.Context {
	return audit.NewContext(ctx, audit.Scope{Tenant: tenant, Subject: subject, Actor: "ml-connector"})
}

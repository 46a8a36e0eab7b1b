package proof

import (
	"context"
	"crypto/rsa"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// plant says how a connector is wired. What a process finds when it starts again
// stands in store and log; everything else is its own.
type plant struct {
	tenant  string
	store   storage.Store
	log     audit.Log
	carrier http.RoundTripper // to both vendors
	places  places
	book    *rulebook
	policy  engine.Policy
	options engine.Options
	timeout time.Duration // of one call; 0: a minute
	from    time.Time     // going live
	overlap time.Duration // of sweeps
	final   epicorsync.Final
	mirrors *engine.MirrorPolicy // nil: none
	queue   bool                 // documents come from the Financial Integration Service
	matched func(*document.Document)
}

// places is where the vendors are and what opens them.
type places struct {
	App       concur.App
	Bootstrap string
	Hosts     []string
	Company   string
	Epicor    string
	Ledger    string // list of the GL accounts
	Keys      *rsa.PublicKey
}

func (t *town) places() places {
	app := t.concur.App()
	p := places{
		App:       concur.App{ClientID: app.ClientID, ClientSecret: concur.Secret(app.ClientSecret)},
		Bootstrap: t.concur.URL, Company: t.company.ID, Epicor: t.epicor.Root(book), Ledger: t.ledger.ID(), Keys: t.concur.SigningKey(),
	}
	for _, c := range t.concur.DataCenters() {
		p.Hosts = append(p.Hosts, c.URL)
	}
	return p
}

// machine is a connector that is wired.
type machine struct {
	plant
	engine *engine.Engine
	trail  *audit.Trail
	tokens *concur.TokenSource
	events http.Handler
}

// rulebook is mapping.yaml, as an editor of finance sees it.
type rulebook struct {
	revisions string // park or delta
	mu        sync.Mutex
	last      edition
	set       *rules.Set
}

func newRulebook(revisions string) *rulebook {
	b := &rulebook{revisions: revisions}
	b.publish(0)
	return b
}

func (b *rulebook) publish(e edition) {
	s, err := rules.Load("mapping.yaml", []byte(e.text(b.revisions)))
	if err != nil {
		panic(err) // a mistake in this file
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last, b.set = e, s
}

func (b *rulebook) current() *rules.Set {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.set
}

// mapper maps by the edition that is current and reads the tables anew before a
// document is parked for something that they lack.
type mapper struct {
	rules   *rulebook
	tables  *epicorsync.TableReader
	matched func(*document.Document) // nil: what Concur says is whole
}

func (m mapper) Map(ctx context.Context, in document.Document) (mapping.Result[document.Posting], error) {
	if m.matched != nil {
		m.matched(&in)
	}
	by := rules.New(m.rules.current(), m.tables)
	out, err := by.Map(ctx, in)
	var issues mapping.Issues
	if !errors.As(err, &issues) || !slices.ContainsFunc(issues, func(i connector.Issue) bool { return i.Needs != "" || strings.HasPrefix(i.Code, "period") }) {
		return out, err
	}
	if _, err := m.tables.Refresh(ctx); err != nil {
		return out, err
	}
	return by.Map(ctx, in)
}

func (m mapper) Diff(prior, next document.Posting) (document.Posting, bool, error) {
	return rules.New(m.rules.current(), m.tables).Diff(prior, next)
}

// wire wires a connector as a process does that starts.
func (p plant) wire() (*machine, error) {
	m := &machine{plant: p}
	if m.timeout == 0 {
		m.timeout = time.Minute
	}
	now := p.options.Now
	if now == nil {
		now = time.Now
	}
	m.trail = audit.NewTrail(p.log, &audit.TrailOptions{Now: now})
	var err error
	if m.engine, err = engine.New(p.store, m.trail, &p.options); err != nil {
		return nil, err
	}
	calls := &http.Client{Transport: audit.Transport(p.carrier, m.trail), Timeout: m.timeout}
	m.tokens, err = concur.NewTokenSource(p.places.App, concursync.TokenStore(p.store, p.tenant, nil), &concur.TokenOptions{
		HTTP: calls, BootstrapURL: p.places.Bootstrap, AllowHosts: p.places.Hosts,
	})
	if err != nil {
		return nil, err
	}
	source := concur.NewClient(m.tokens, nil)
	target, err := epicor.NewClient(p.places.Epicor, epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword), &epicor.Options{
		HTTP: calls, AllowHTTP: true, Now: now,
	})
	if err != nil {
		return nil, err
	}
	sink := epicorsync.Invoices(target, &epicorsync.InvoicesOptions{Final: p.final, Reversal: epicorsync.Cancel, Now: now})
	by := mapper{p.book, epicorsync.Tables(target, &epicorsync.TablesOptions{ClosedColumn: "FAClosedPeriod", Now: now}), p.matched}
	reports := concursync.Reports(source, &concursync.ReportsOptions{From: p.from, Concurrency: 1, Overlap: p.overlap})
	invoices := concursync.PaymentRequests(source, &concursync.PaymentRequestsOptions{
		From: p.from, ReadyApproval: []string{concurtest.Approved}, WithdrawnApproval: []string{concurtest.SentBack},
	})
	sources := map[string]connector.Source[document.Document]{reportFlow: reports, invoiceFlow: invoices}
	if p.queue {
		sources = map[string]connector.Source[document.Document]{queueFlow: concursync.Financial(source, &concursync.FinancialOptions{From: p.from})}
	}
	for name, s := range sources {
		err = engine.Add(m.engine, engine.Flow[document.Document, document.Posting]{
			Tenant: p.tenant, Name: name, Target: targetID, Source: s, Mapper: by, Sink: sink, Policy: &p.policy,
		})
		if err != nil {
			return nil, err
		}
	}
	if p.mirrors != nil {
		fresh := func(ctx context.Context, _ []string) error {
			_, err := by.tables.Refresh(ctx)
			return err
		}
		err = errors.Join(engine.AddMirror(m.engine, engine.Mirror[document.ListItem]{
			Tenant: p.tenant, Name: "gl-accounts", Policy: p.mirrors, Appeared: fresh,
			Original: epicorsync.AccountsOriginal(target, &epicorsync.AccountsOptions{Now: now}), Copy: concursync.ListCopy(source, p.places.Ledger, nil),
		}), engine.AddMirror(m.engine, engine.Mirror[document.Vendor]{
			Tenant: p.tenant, Name: "vendors", Policy: p.mirrors, Appeared: fresh, Original: epicorsync.VendorsOriginal(target, nil),
		}))
		if err != nil {
			return nil, err
		}
	}
	v, err := concur.NewSignatureVerifier("", p.places.Keys)
	if err != nil {
		return nil, err
	}
	m.events = concur.NewEventHandler(concursync.Notify(m.engine, p.tenant), &concur.EventOptions{Verifier: v})
	return m, nil
}

// connect exchanges a request token of the company, as an administrator does.
func (m *machine) connect(ctx context.Context, requestToken string) error {
	ctx = audit.NewContext(ctx, audit.Scope{Tenant: m.tenant, Subject: "connect", Actor: "admin"})
	_, err := m.tokens.Connect(ctx, m.places.Company, concur.Secret(requestToken))
	return err
}

// replay wakes everything that is parked, as somebody of finance does who mended it.
func (m *machine) replay(ctx context.Context) (int, error) {
	plan, err := m.engine.Plan(ctx, storage.Query{Tenant: m.tenant})
	if err != nil {
		return 0, err
	}
	return m.engine.Replay(ctx, plan, engine.Act{Actor: "finance", Reason: "mended"})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
)

// town is both vendors in the process, without a network and without latency,
// with approved reports in the one and an empty ledger in the other.
type town struct {
	concur  *concurtest.Server
	epicor  *epicortest.Server
	company *concurtest.Company
	owner   concurtest.User
	mapper  *rules.Mapper
	refs    []connector.Ref
	calls   atomic.Int64
	sent    atomic.Int64 // bytes of the requests' bodies

	linesAtOnce int

	// Of a town in a process of its own: where it is, and how it ends, which tells
	// how many AP invoices stand there.
	base http.RoundTripper
	at   *address
	end  func() (invoices int, err error)
}

// address is what a client needs to know of a town.
type address struct {
	Concur, Epicor   string
	ClientID, Secret string
	Company, Token   string
	Centers          []string // Concur's data centres where they are no vendor's addresses
	Refs             []connector.Ref
}

// address is that of a town in this process; it mints a token for one connection.
func (t *town) address() *address {
	app := t.concur.App()
	at := &address{
		Concur: t.concur.URL, Epicor: t.epicor.Root(company), ClientID: app.ClientID, Secret: app.ClientSecret,
		Company: t.company.ID, Token: t.company.RequestToken(), Refs: t.refs,
	}
	for _, c := range t.concur.DataCenters() {
		at.Centers = append(at.Centers, c.URL)
	}
	return at
}

// remembered is how many bytes are sent before the fakes shall forget them.
const remembered = 2 << 20

const (
	login     = "ada@acme.example"
	company   = epicortest.DefaultCompany
	townRules = `version: 1
company:
  ledgers: {DEFAULT: EPIC06}
numbers:
  prefix: CX-
netting: net
counterparties:
  CASH: employee
  CBCP: {vendor: CARDCO, code: C, personal: employee_owes}
employees:
  match: [pattern]
  pattern: "E{employee_id}"
cost_centres:
  field: {report: custom5}
  values: {"200": "200"}
accounts:
  template: "{natural}|{cost_centre}|00"
  rules:
    - name: all
      natural: "6410"
apply_date:
  from: approved
personal:
  account: "6410|200|00"
`
)

func newTown(now func() time.Time) (*town, error) {
	t := &town{
		concur: concurtest.New(&concurtest.Options{Now: now, ManualDelivery: true}), epicor: epicortest.New(&epicortest.Options{Now: now}),
	}
	if err := t.rules(); err != nil {
		return nil, err
	}
	t.company = t.concur.AddCompany("Acme", nil)
	t.owner = t.company.AddUser(concurtest.User{Login: login, FirstName: "Ada", LastName: "Adams", EmployeeNumber: "1042"})
	t.company.AddList("Cost centres", concurtest.Item{Code: "200", Name: "Service"})
	t.epicor.AddVendors(company, epicortest.Vendor{ID: "E1042", Name: "Ada Adams"}, epicortest.Vendor{ID: "CARDCO", Name: "Cards"})
	t.epicor.AddAccounts(company, epicortest.GLAccount{Account: "6410|200|00", Desc: "Travel"})
	return t, nil
}

// rules makes the mapper, which knows the vendors and accounts of the town.
func (t *town) rules() error {
	set, err := rules.Load("bench.yaml", []byte(townRules))
	if err != nil {
		return err
	}
	tables, err := document.NewTables(
		company, []document.Vendor{{ID: "E1042", EmployeeID: "1042", Name: "Ada Adams"}, {ID: "CARDCO", Name: "Cards"}},
		[]document.Account{{Code: "6410|200|00"}}, nil,
	)
	if err != nil {
		return err
	}
	t.mapper = rules.New(set, rules.StaticTables(tables))
	return nil
}

func (t *town) close() error {
	if t.end != nil {
		n, err := t.end()
		return errors.Join(err, t.counted(n, 2))
	}
	t.concur.Close()
	return nil
}

// approve adds a report of so many expenses with so many allocations each, half
// of them paid by the company's card.
func (t *town) approve(expenses, allocations int) {
	centre := concurtest.Custom{"custom5": t.company.ListNamed("Cost centres").Value("200")}
	r := concurtest.Report{Owner: login, Name: "Trip"}
	for i := range expenses {
		e := concurtest.Expense{Type: "HOTEL", PaymentType: []string{"CASH", "CBCP"}[i%2], Amount: concurtest.Amount("120.00"), Custom: centre}
		for range allocations {
			e.Allocations = append(e.Allocations, concurtest.Allocation{Percentage: concurtest.Amount(strconv.Itoa(100 / allocations)), Custom: centre})
		}
		r.Expenses = append(r.Expenses, e)
	}
	r = t.company.AddApprovedReport(r)
	t.refs = append(t.refs, connector.Ref{Kind: string(document.Report), ID: r.ID, Hint: t.owner.ID})
}

// RoundTrip implements http.RoundTripper: it leads to the one vendor or the other.
func (t *town) RoundTrip(r *http.Request) (*http.Response, error) {
	size := max(0, r.ContentLength)
	t.calls.Add(1)
	if t.base != nil {
		t.sent.Add(size)
		return t.base.RoundTrip(r)
	}
	if sent := t.sent.Add(size); (sent-size)/remembered != sent/remembered {
		// The fakes remember every call with its body.
		t.concur.ResetCalls()
		t.epicor.ResetCalls()
	}
	if r.URL.Host == t.epicorHost() {
		return t.epicor.Transport().RoundTrip(r)
	}
	return t.concur.Transport().RoundTrip(r)
}

func (t *town) epicorHost() string {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, t.epicor.Root(company), nil)
	if err != nil {
		return ""
	}
	return req.URL.Host
}

// ends connects both ends over a transport that leads to the town.
func (t *town) ends(ctx context.Context, over http.RoundTripper) (*concursync.ReportSource, *epicorsync.InvoiceSink, error) {
	client := &http.Client{Transport: over}
	at := t.at
	if at == nil {
		at = t.address()
	}
	app := concur.App{ClientID: at.ClientID, ClientSecret: concur.Secret(at.Secret)}
	tokens, err := concur.NewTokenSource(app, concur.NewMemoryTokenStore(), &concur.TokenOptions{HTTP: client, BootstrapURL: at.Concur, AllowHosts: at.Centers})
	if err != nil {
		return nil, nil, err
	}
	if _, err := tokens.Connect(ctx, at.Company, concur.Secret(at.Token)); err != nil {
		return nil, nil, err
	}
	cred := epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword)
	target, err := epicor.NewClient(at.Epicor, cred, &epicor.Options{
		HTTP: client, AllowHTTP: true, Invoices: epicor.InvoiceOptions{LinesAtOnce: t.linesAtOnce},
	})
	if err != nil {
		return nil, nil, err
	}
	source := concursync.Reports(concur.NewClient(tokens, nil), &concursync.ReportsOptions{From: time.Unix(0, 0)})
	return source, epicorsync.Invoices(target, nil), nil
}

// byHand makes the vendor calls of every report and nothing else, several at a
// time. What each is mapped to was found out before.
func (t *town) byHand(ctx context.Context, atOnce int) (took time.Duration, err error) {
	source, sink, err := t.ends(ctx, t)
	if err != nil {
		return 0, err
	}
	deliveries := make([]connector.Delivery[document.Posting], len(t.refs))
	for i, ref := range t.refs {
		snap, err := source.Fetch(ctx, ref)
		if err != nil {
			return 0, err
		}
		mapped, err := t.mapper.Map(ctx, snap.Content)
		if err != nil {
			return 0, err
		}
		deliveries[i] = connector.Delivery[document.Posting]{
			Tenant: tenant, Target: "epicor-ap", Ref: ref, Revision: snap.Revision, Generation: 1, Posting: mapped.Posting,
		}
	}
	t.calls.Store(0)
	began := time.Now()
	err = callers(ctx, atOnce, len(deliveries), func(ctx context.Context, i int) error {
		if _, err := source.Fetch(ctx, deliveries[i].Ref); err != nil {
			return err
		}
		_, err := sink.Deliver(ctx, deliveries[i])
		return err
	})
	return time.Since(began), err
}

// byEngine has an engine do all of it, from the event to confirmed.
func (t *town) byEngine(ctx context.Context, memory memory, workers int, now func() time.Time) (took time.Duration, err error) {
	asUs := audit.NewContext(ctx, audit.Scope{Tenant: tenant, Subject: "connect", Actor: "bench"})
	source, sink, err := t.ends(asUs, memory.over(t))
	if err != nil {
		return 0, err
	}
	settled := make(chan engine.Change, len(t.refs))
	e, err := engine.New(memory.store, memory.trail, &engine.Options{Workers: workers, Now: now, Observer: engine.Observer{
		Changed: func(c engine.Change) {
			if c.To == engine.Confirmed || c.To == engine.Parked {
				settled <- c
			}
		},
	}})
	if err != nil {
		return 0, err
	}
	err = engine.Add(e, engine.Flow[document.Document, document.Posting]{
		Tenant: tenant, Name: "reports-to-ap", Target: "epicor-ap", Source: source, Mapper: t.mapper, Sink: sink, Policy: &engine.Policy{Sweep: -1},
	})
	if err != nil {
		return 0, err
	}
	t.calls.Store(0)
	work, stop := context.WithCancel(ctx)
	defer stop()
	group, work := errgroup.WithContext(work)
	began := time.Now()
	group.Go(func() error { return e.Run(work) })
	group.Go(func() error {
		for _, ref := range t.refs {
			if err := e.Notify(work, connector.Notice{Tenant: tenant, Ref: ref}); err != nil {
				return err
			}
		}
		return nil
	})
	group.Go(func() error {
		for range t.refs {
			select {
			case c := <-settled:
				if c.To != engine.Confirmed {
					return fmt.Errorf("document %s is %s: %s", c.ID.Document, c.To, c.Cause)
				}
			case <-work.Done():
				return work.Err()
			}
		}
		took = time.Since(began)
		stop()
		return nil
	})
	return took, group.Wait()
}

// check counts what stands in the ERP: two invoices for each report.
func (t *town) check(each int) error {
	if t.end != nil {
		return nil // counted when it ends
	}
	return t.counted(len(t.epicor.Invoices(company)), each)
}

func (t *town) counted(n, each int) error {
	if n != each*len(t.refs) {
		return fmt.Errorf("%d reports became %d AP invoices, not %d", len(t.refs), n, each*len(t.refs))
	}
	return nil
}

package main

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

const (
	demoTenant = "brightwater"
	// demoLimit ends a demonstration that hangs.
	demoLimit = 10 * time.Minute
	// settleWithin is longer than a lease, so that a document that is being worked
	// on counts as unsettled.
	settleWithin = time.Hour
)

type demoCommand struct {
	Data string `default:"./ml-connector-demo" placeholder:"DIR" help:"Directory for the ledger, the audit log and mapping.yaml. One that an earlier demo made is replaced, any other is refused. Default: ${default}"`
	JSON bool   `name:"json" help:"Print JSON for programs."`
}

// demoHooks let tests change the world where a user cannot.
type demoHooks struct {
	// beforeTieOut runs when all documents are settled.
	beforeTieOut func(*epicortest.Server)
}

// demo is one run of the demonstration.
type demo struct {
	dir    string
	began  time.Time
	screen *screen.Screen
	silent bool
	hooks  demoHooks

	concur   *concurtest.Server
	company  *sample.Company
	events   string // address of the webhook
	epicor   *epicortest.Server
	app      *app.App
	progress *screen.Progress
	steps    chan engine.Change

	mu    sync.Mutex
	first time.Duration // from the start to the first posted invoice
}

// Run runs the demonstration. It is an error when it does not tie out.
func (c *demoCommand) Run(ctx context.Context, p *program) error {
	ctx, cancel := context.WithTimeout(ctx, demoLimit)
	defer cancel()
	d := &demo{dir: c.Data, began: time.Now(), screen: p.screen, silent: c.JSON, hooks: p.hooks, steps: make(chan engine.Change, 4096)}
	report, err := d.run(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := p.print(report); err != nil {
			return err
		}
	}
	if !report.TieOut.ties() {
		return errors.New("the demonstration does not tie out: what Concur approved is not what stands in Epicor; see the differences")
	}
	return nil
}

func (d *demo) say(format string, args ...any) {
	if !d.silent {
		d.screen.Printf(format, args...)
	}
}

// run plays the whole story.
func (d *demo) run(ctx context.Context) (r *report, err error) {
	if err := app.Renew(d.dir, app.Demo); err != nil {
		return nil, err
	}
	d.concur, d.epicor = concurtest.New(nil), epicortest.New(nil)
	defer d.concur.Close()
	defer d.epicor.Close()
	stop, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := d.app.Connect(ctx, demoTenant, concur.Secret(d.company.RequestToken())); err != nil {
		return nil, fmt.Errorf("connect to Concur: %w", err)
	}
	d.say("Concur   simulated, %d data centres   %s\n", len(d.concur.DataCenters())-1, d.company.BaseURL())
	d.say("Epicor   simulated, company %s   %s\n", sample.EpicorCompany, d.epicor.URL)
	d.say("Data     %s (SQLite, kept after the run)\n", d.dir)
	d.say("Events   %s\n\n", d.events)

	working, halt := d.start(ctx)
	defer func() { err = errors.Join(err, halt()) }()
	stopShow := d.show(ctx)
	err = d.travel(working)
	stopShow()
	if err != nil {
		return nil, err
	}
	r = &report{Data: d.dir, Seconds: seconds(time.Since(d.began)), FirstPosted: seconds(d.firstPosted())}
	if err := d.look(ctx, r); err != nil {
		return nil, err
	}
	if !d.silent {
		r.showTravel(d.screen)
	}
	if err := d.mend(working, r); err != nil {
		return nil, err
	}
	if d.hooks.beforeTieOut != nil {
		d.hooks.beforeTieOut(d.epicor)
	}
	if r.TieOut, err = d.reconcile(ctx); err != nil {
		return nil, err
	}
	if !d.silent {
		r.showTieOut(d.screen)
	}
	return r, nil
}

// open starts the simulators and the connector.
func (d *demo) open(ctx context.Context) (stop func() error, err error) {
	key := make(chan struct{})
	go func() {
		d.concur.SigningKey() // making one takes a while: meanwhile the rest starts
		close(key)
	}()
	if err := d.concur.Start(); err != nil {
		return nil, fmt.Errorf("start the simulated Concur: %w", err)
	}
	if err := d.epicor.Listen("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start the simulated Epicor: %w", err)
	}
	sample.Epicor(d.epicor)
	d.company = sample.Concur(d.concur)
	mapping := filepath.Join(d.dir, app.MappingFile)
	if err := os.WriteFile(mapping, sample.Mapping, 0o600); err != nil {
		return nil, err
	}
	<-key
	if d.app, err = app.Open(ctx, d.config(mapping)); err != nil {
		return nil, err
	}
	serve, err := d.listen(ctx)
	if err != nil {
		return nil, errors.Join(err, d.app.Close())
	}
	return func() error { return errors.Join(serve(), d.app.Close()) }, nil
}

// config points the connector at the simulators. What differs from a customer's
// configuration is the addresses and that nobody wants to wait.
func (d *demo) config(mapping string) app.Config {
	hosts := make([]string, 0, 3)
	for _, c := range d.concur.DataCenters() {
		hosts = append(hosts, c.URL)
	}
	return app.Config{
		Data: d.dir, Kind: app.Demo, EventKeys: []*rsa.PublicKey{d.concur.SigningKey()}, OnChange: d.changed,
		Tenants: []app.Tenant{{
			Name: demoTenant, Mapping: mapping,
			Concur: app.Concur{
				App:     concur.App{ClientID: d.concur.App().ClientID, ClientSecret: concur.Secret(d.concur.App().ClientSecret)},
				Company: d.company.ID, BootstrapURL: d.concur.URL, AllowHosts: hosts,
				// What the company approved before the demonstration is part of it.
				Reports:  concursync.ReportsOptions{From: time.Now().AddDate(0, -3, 0)},
				Invoices: &concursync.PaymentRequestsOptions{From: time.Now().AddDate(0, -3, 0), ReadyApproval: []string{concurtest.Approved}},
			},
			Epicor: app.Epicor{
				URL:        d.epicor.Root(sample.EpicorCompany),
				Credential: epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword),
				AllowHTTP:  true,
			},
			Policy: engine.Policy{MinWait: 50 * time.Millisecond, MaxWait: time.Second, Sweep: 400 * time.Millisecond},
		}},
	}
}

// listen serves the connector's webhook on loopback.
func (d *demo) listen(ctx context.Context) (stop func() error, err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: d.app.Handler(), ReadHeaderTimeout: 5 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	d.events = "http://" + l.Addr().String() + app.EventPath
	return func() error {
		err := shut(context.WithoutCancel(ctx), server, shutWithin)
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}, nil
}

// changed hears of every change of a transfer's state.
func (d *demo) changed(c engine.Change) {
	if c.To == engine.Delivered || c.To == engine.Confirmed {
		d.mu.Lock()
		if d.first == 0 {
			d.first = time.Since(d.began)
		}
		d.mu.Unlock()
	}
	select {
	case d.steps <- c:
	default: // the display is behind; the result does not come from it
	}
}

func (d *demo) firstPosted() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.first
}

// reconcile ties out the months in which the demonstration has run so far.
func (d *demo) reconcile(ctx context.Context) (monthsRun, error) {
	var ms monthsRun
	y, m, _ := d.began.UTC().Date()
	for at := time.Date(y, m, 1, 0, 0, 0, 0, time.UTC); at.Before(time.Now()); at = at.AddDate(0, 1, 0) {
		month, err := d.app.Reconcile(ctx, demoTenant, at.Year(), at.Month())
		if err != nil {
			return nil, err
		}
		ms = append(ms, month)
	}
	return ms, nil
}

// start runs the connector until stop. The context it returns ends with it.
func (d *demo) start(ctx context.Context) (working context.Context, stop func() error) {
	working, fail := context.WithCancelCause(ctx)
	running, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		err := d.app.Run(running)
		if err == nil {
			err = errors.New("the engine stopped")
		}
		fail(err)
		done <- err
	}()
	return working, func() error {
		cancel()
		if err := <-done; running.Err() == nil {
			return err
		}
		return nil
	}
}

// show draws the documents' steps until stop.
func (d *demo) show(ctx context.Context) (stop func()) {
	d.progress = screen.NewProgress(d.screen, d.began, d.silent)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case c := <-d.steps:
				d.progress.Step(c.ID.Document, d.app.Labels.Of(ctx, c.ID).String(), stepText(c), settled(c.To))
				continue
			case <-quit:
			}
			break
		}
		d.progress.Done()
	}()
	return func() { close(quit); <-done }
}

// stepText words a change for the display.
func stepText(c engine.Change) string {
	switch c.To {
	case engine.Parked:
		return "needs a person: " + c.Cause
	case engine.Confirmed:
		if c.Cause != "" {
			return c.Cause
		}
		return "posted"
	case engine.Delivered:
		return "saved"
	case engine.Received, engine.Waiting, engine.Pending, engine.Delivering, engine.Returned, engine.Reversing, engine.Reversed, engine.Void:
		return string(c.To)
	}
	return string(c.To)
}

// settled reports whether nothing more happens in a state by itself.
func settled(s engine.State) bool {
	switch s {
	case engine.Waiting, engine.Confirmed, engine.Parked, engine.Reversed, engine.Void, engine.Returned:
		return true
	case engine.Received, engine.Pending, engine.Delivering, engine.Delivered, engine.Reversing:
		return false
	}
	return false
}

// travel connects, lets people approve, and waits until nothing moves any more.
func (d *demo) travel(ctx context.Context) error {
	d.concur.Subscribe(concur.TopicExpenseReport, d.events, &concurtest.SubscribeOptions{Filter: "^" + string(concur.StatusChanged) + "$"})
	// The first sweep sees what was there before: submitted reports wait, approved
	// invoices, which nobody announces, are posted.
	if err := d.swept(ctx, 1); err != nil {
		return err
	}
	if err := d.approve(ctx); err != nil {
		return err
	}
	if err := d.delivered(ctx); err != nil {
		return err
	}
	// The first sweep to end from now on may have begun before the last approval.
	if err := d.swept(ctx, 2); err != nil {
		return err
	}
	return d.app.Engine.Settle(ctx, demoTenant, settleWithin)
}

// every looks again and again until a condition holds.
func every(ctx context.Context, holds func() (bool, error)) error {
	t := time.NewTicker(5 * time.Millisecond)
	defer t.Stop()
	for {
		ok, err := holds()
		if err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-t.C:
		}
	}
}

// swept waits until so many sweeps of each flow have ended from now on.
func (d *demo) swept(ctx context.Context, times int) error {
	for _, flow := range d.app.Flows(demoTenant) {
		before, err := d.app.Engine.Progress(ctx, demoTenant, flow)
		if err != nil {
			return err
		}
		last := before.LastSweep
		if !last.IsZero() && times == 1 {
			continue
		}
		seen := 0
		err = every(ctx, func() (bool, error) {
			now, err := d.app.Engine.Progress(ctx, demoTenant, flow)
			if err == nil && now.LastSweep.After(last) {
				last = now.LastSweep
				seen++
			}
			return seen >= times, err
		})
		if err != nil {
			return fmt.Errorf("wait for the sweep of %s: %w", flow, err)
		}
	}
	return nil
}

// approve lets people approve one report after the other, and lets happen what
// happens on networks.
func (d *demo) approve(ctx context.Context) error {
	for _, r := range d.company.Reports {
		switch r.Number {
		case sample.Announced:
			d.concur.DuplicateNext(1)
		case sample.Unannounced:
			d.concur.LoseNext(1)
		case sample.Stumbling:
			d.company.Stumble(d.concur, r.ID)
		case sample.LostAnswer:
			sample.LoseAnswer(d.epicor, "CX-"+r.Number)
		}
		d.company.Approve(r.ID)
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// pause lets a moment pass, as between two clicks of an approver.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// delivered waits until every event was answered or given up.
func (d *demo) delivered(ctx context.Context) error {
	return every(ctx, func() (bool, error) { return d.concur.Pending() == 0, nil })
}

// mend does what finance is asked to do: it adds the missing cost centre to
// mapping.yaml, has the file read again, and replays what waited for it.
func (d *demo) mend(ctx context.Context, r *report) error {
	m, err := d.app.Mapper(demoTenant)
	if err != nil {
		return err
	}
	line, err := sample.AddCostCentre(m.Path(), sample.UnknownCentre, sample.RightCentre)
	if err != nil {
		return err
	}
	if err := m.Reload(); err != nil {
		return err
	}
	plan, err := d.app.Engine.Plan(ctx, storage.Query{Tenant: demoTenant, Cause: rules.CostCentreUnknown})
	if err != nil {
		return err
	}
	woken, err := d.app.Engine.Replay(ctx, plan, engine.Act{Actor: "demo", Reason: "cost centre " + sample.UnknownCentre + " added to the mapping"})
	if err != nil {
		return err
	}
	if err := d.app.Engine.Settle(ctx, demoTenant, settleWithin); err != nil {
		return err
	}
	r.Mended = &mended{File: m.Path(), Line: line, Code: sample.UnknownCentre, Segment: sample.RightCentre, Replayed: woken}
	for _, item := range plan.Items {
		s, err := d.app.Engine.Get(ctx, item.ID)
		if err != nil {
			return err
		}
		if s.Word == engine.WordPosted {
			r.Mended.Posted++
		}
	}
	open, err := d.app.Transfers(ctx, storage.Query{Tenant: demoTenant, State: string(engine.Parked)})
	if err != nil {
		return err
	}
	r.Mended.Open = len(open)
	return nil
}

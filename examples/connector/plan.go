package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"golang.org/x/term"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/catalogue"
	"github.com/ml-connector/ml-connector/examples/connector/internal/config"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// planView is what programs see of a replay, or of giving back.
type planView struct {
	Items   []planItem   `json:"items"`
	Sums    []planSum    `json:"sums"`
	Woken   int          `json:"woken"`
	Results []planResult `json:"results,omitempty"`
}

type planItem struct {
	Document app.Label           `json:"document"`
	ID       string              `json:"id"`
	Tenant   string              `json:"tenant"`
	Cause    string              `json:"cause"`
	Action   engine.ReplayAction `json:"action"`
	Totals   []connector.Total   `json:"totals"`
	// What a replay would come to, as both systems stand; empty: they were not asked.
	Outlook engine.Outlook    `json:"outlook,omitempty"`
	Why     string            `json:"why,omitempty"`
	Issues  []connector.Issue `json:"issues,omitempty"`
	// Returnable: it can be given back to Concur. Known where a configuration was given.
	Returnable bool `json:"returnable,omitempty"`
}

type planSum struct {
	Currency  string          `json:"currency"`
	Documents int             `json:"documents"`
	Amount    decimal.Decimal `json:"amount"`
}

type planResult struct {
	Document app.Label    `json:"document"`
	ID       string       `json:"id"`
	Tenant   string       `json:"tenant"`
	Word     engine.Word  `json:"word"`
	State    engine.State `json:"state"`
	Cause    string       `json:"cause,omitempty"`
	Message  string       `json:"message,omitempty"`
	Made     []string     `json:"made,omitempty"`
	Touched  bool         `json:"touched"` // somebody worked on it since
}

// planOf plans for each tenant: for the documents named, or for all that wait with
// a cause, or for all.
func planOf(ctx context.Context, d *app.Data, tenants, documents []string, cause string) (map[string]engine.Plan, error) {
	out := map[string]engine.Plan{}
	wanted := map[storage.ID]bool{}
	for _, text := range documents {
		id, err := onlyOne(ctx, d, tenants, text)
		if err != nil {
			return nil, err
		}
		wanted[id] = true
	}
	for _, tenant := range tenants {
		plan, err := d.Engine.Plan(ctx, storage.Query{Tenant: tenant, Cause: cause})
		if err != nil {
			return nil, err
		}
		if len(wanted) > 0 {
			plan.Items = slices.DeleteFunc(plan.Items, func(i engine.PlanItem) bool { return !wanted[i.ID] })
		}
		out[tenant] = plan
	}
	return out, nil
}

// onlyOne finds the document that a person means, which must wait for a person.
func onlyOne(ctx context.Context, d *app.Data, tenants []string, text string) (storage.ID, error) {
	var found []*app.Transfer
	for _, tenant := range tenants {
		ts, err := d.Find(ctx, tenant, text)
		if err != nil {
			return storage.ID{}, err
		}
		found = append(found, ts...)
	}
	switch {
	case len(found) == 0:
		return storage.ID{}, &mendError{fmt.Errorf("no document %q; ml-connector transfers list shows what is there", text)}
	case len(found) > 1:
		var ids []string
		for _, t := range found {
			ids = append(ids, t.ID.Document+" of "+t.ID.Tenant)
		}
		return storage.ID{}, &mendError{fmt.Errorf("%q may be any of %s; name one by its id, with --tenant", text, strings.Join(ids, ", "))}
	case found[0].GivenBack() != nil:
		on := found[0].GivenBack().At.UTC().Format(time.DateOnly)
		return storage.ID{}, &mendError{fmt.Errorf("%s does not wait for a person, it was returned to Concur on %s: mended there, it comes as a new revision", found[0].Label, on)}
	case found[0].State != engine.Parked:
		return storage.ID{}, &mendError{fmt.Errorf("%s does not wait for a person, it is %s: only what waits for one is replayed or given back", found[0].Label, found[0].Word)}
	}
	return found[0].ID, nil
}

func viewPlan(ctx context.Context, d *app.Data, plans map[string]engine.Plan) planView {
	v := planView{Items: []planItem{}, Sums: []planSum{}}
	sums := map[string]*planSum{}
	for tenant, plan := range plans {
		for _, i := range plan.Items {
			v.Items = append(v.Items, planItem{
				Document: d.Labels.Of(ctx, i.ID), ID: i.ID.Document, Tenant: tenant, Cause: i.Cause, Action: i.Action, Totals: i.Totals,
				Outlook: i.Outlook, Why: i.Why, Issues: i.Issues, Returnable: i.Returnable,
			})
			for _, total := range i.Totals {
				if sums[total.Currency] == nil {
					sums[total.Currency] = &planSum{Currency: total.Currency}
				}
				sums[total.Currency].Documents++
				sums[total.Currency].Amount = sums[total.Currency].Amount.Add(total.Amount)
			}
		}
	}
	for _, s := range sums {
		v.Sums = append(v.Sums, *s)
	}
	slices.SortFunc(v.Sums, func(a, b planSum) int { return cmp.Compare(a.Currency, b.Currency) })
	slices.SortFunc(v.Items, func(a, b planItem) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Cause, b.Cause), cmp.Compare(a.Document.Number, b.Document.Number), cmp.Compare(a.ID, b.ID))
	})
	return v
}

// foresee asks both systems what the plans would come to.
func foresee(ctx context.Context, d *app.Data, plans map[string]engine.Plan) (map[string]engine.Plan, error) {
	out := map[string]engine.Plan{}
	for tenant, plan := range plans {
		var err error
		if out[tenant], err = d.Engine.Preview(ctx, plan); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// outlooks are what a replay comes to in a person's words, in the order in which
// they are counted.
var outlooks = []struct {
	engine.Outlook
	words string
}{
	{engine.WouldCreate, "would be posted"},
	{engine.WouldExist, "in Epicor already or nothing to post: nothing would be sent"},
	{engine.WouldChange, "differs from what stands in Epicor"},
	{engine.WouldRecall, "recalled in Concur: not posted, or taken back"},
	{engine.WouldWait, "not finally approved in Concur: would wait"},
	{engine.WouldPark, "would wait for a person again"},
	{engine.CannotTell, "cannot be foreseen"},
}

// comesTo is the outlook of a document where both systems were asked, else what a
// replay does first.
func (i planItem) comesTo() string {
	if i.Outlook == "" {
		return string(i.Action)
	}
	text := string(i.Outlook) // one that this version does not know
	for _, o := range outlooks {
		if o.Outlook == i.Outlook {
			text = o.words
		}
	}
	switch {
	case len(i.Issues) > 0:
		return text + ": " + i.Issues[0].Code + "  " + i.Issues[0].Message
	case i.Why != "":
		return text + ": " + i.Why
	}
	return text
}

// showSums says how many there are, how much it is, and what it comes to.
func (v *planView) showSums(s *screen.Screen) {
	sums := []string{s.Paint(screen.Bold, count(len(v.Items), "document", ""))}
	for _, sum := range v.Sums {
		sums = append(sums, screen.Money(sum.Amount, sum.Currency))
	}
	s.Printf("%s\n", strings.Join(sums, ", "))
	var parts []string
	for _, o := range outlooks {
		n := 0
		for _, i := range v.Items {
			if i.Outlook == o.Outlook {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o.words))
		}
	}
	if len(parts) > 0 {
		s.Printf("As both systems stand now: %s. Nothing was changed by asking.\n", strings.Join(parts, "; "))
	}
}

// connected opens the connector by its configuration, without a mark on its
// directory, and returns the tenants that are asked for.
func (f *dataFlags) connected(ctx context.Context, p *program) (*app.App, []string, error) {
	flags := configFlags{Config: f.Config}
	a, file, err := flags.open(ctx, p, false, func(cfg *app.Config) { cfg.Look = true })
	if err != nil {
		return nil, nil, err
	}
	f.Data = file.Data
	tenants, err := chosen(file, f.Tenant)
	if err != nil {
		return nil, nil, errors.Join(err, a.Close())
	}
	return a, tenants, nil
}

// agreed asks a person, where there is one.
func agreed(p *program, verb string, n int, yes, json bool) error {
	if yes {
		return nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) || json {
		return &mendError{fmt.Errorf("say --yes to %s %s, or --plan to look only: there is no terminal to ask on", verb, count(n, "document", ""))}
	}
	_, _ = fmt.Fprintf(p.stderr, "%s %s? [y/N] ", strings.ToUpper(verb[:1])+verb[1:], count(n, "document", ""))
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return &mendError{errors.New("nothing was done")}
}

// workOff does what serve would do until nothing moves any more.
func workOff(ctx context.Context, p *program, path string, tenants []string) error {
	flags := configFlags{Config: path}
	a, _, err := flags.open(ctx, p, false, func(cfg *app.Config) {
		for i := range cfg.Tenants {
			cfg.Tenants[i].Policy.Sweep = -1
			cfg.Tenants[i].Mirrors.Policy.Every = -1
		}
	})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.Run(running) }()
	for _, tenant := range tenants {
		if err == nil {
			err = a.Engine.Settle(ctx, tenant, time.Second)
		}
	}
	stop()
	return errors.Join(err, <-done, a.Close())
}

// knownCause reports a code that nothing waits for and that no page knows: most
// likely it is mistyped. A customer's own end may have codes of its own.
func knownCause(cause string, waiting int) error {
	if cause == "" || waiting > 0 || catalogue.Known(cause) {
		return nil
	}
	var codes []string
	for _, e := range catalogue.Entries() {
		codes = append(codes, e.Code.Code)
	}
	text := "docs/errors lists the codes"
	if near := config.Nearest(cause, codes); near != "" {
		text = fmt.Sprintf("did you mean %q?", near)
	}
	return &mendError{fmt.Errorf("--cause %s: there is no such code, and nothing waits for it; %s", cause, text)}
}

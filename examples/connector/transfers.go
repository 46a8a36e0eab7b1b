package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

type transfersCommand struct {
	List transfersListCommand `cmd:"" help:"List documents with their state."`
	Show transfersShowCommand `cmd:"" help:"Show one document's whole life."`
}

// dataFlags are the flags of commands that read a data directory.
type dataFlags struct {
	Config string `short:"c" placeholder:"FILE" help:"Configuration of the connector: its data directory, and the key that opens what is sealed there."`
	Data   string `default:"./ml-connector-demo" placeholder:"DIR" help:"Data directory, where no configuration is given. Default: ${default}"`
	Tenant string `placeholder:"NAME" help:"Only this tenant. Default: all that the directory has."`
	JSON   bool   `name:"json" help:"Print JSON for programs."`
}

// open opens the directory and returns the tenants that are asked for.
func (f *dataFlags) open(ctx context.Context) (*app.Data, []string, error) {
	d, err := f.data(ctx)
	if err != nil {
		return nil, nil, err
	}
	tenants := d.Tenants()
	if f.Tenant == "" {
		return d, tenants, nil
	}
	if !slices.Contains(tenants, f.Tenant) {
		err := fmt.Errorf("%s has no tenant %q; it has: %s", f.Data, f.Tenant, strings.Join(tenants, ", "))
		return nil, nil, errors.Join(&mendError{err}, d.Close())
	}
	return d, []string{f.Tenant}, nil
}

type transfersListCommand struct {
	dataFlags
	State string `placeholder:"STATE" help:"Only this state, or this word of the tie-out: posted, saved, open, waiting, recalled, skipped."`
	Cause string `placeholder:"CODE" help:"Only documents that wait for a person with this code, such as cost_centre_unknown."`
	Limit int    `default:"500" help:"At most so many. Default: ${default}"`
}

// transferView is a transfer as programs see it.
type transferView struct {
	Document app.Label         `json:"document"`
	ID       string            `json:"id"`
	Tenant   string            `json:"tenant"`
	Target   string            `json:"target"`
	Flow     string            `json:"flow"`
	Owner    string            `json:"owner,omitempty"`
	Name     string            `json:"name,omitempty"`
	State    engine.State      `json:"state"`
	Word     engine.Word       `json:"word"`
	Cause    string            `json:"cause,omitempty"`
	Why      string            `json:"why,omitempty"`
	Period   string            `json:"period,omitempty"`
	Approved string            `json:"approved,omitempty"`
	Revision int64             `json:"revision"`
	Attempts int               `json:"attempts"`
	Totals   []connector.Total `json:"totals,omitempty"`
	Made     []connector.Made  `json:"made,omitempty"`
	// Beside stands in Epicor as well, of earlier revisions: Made is then the
	// difference to it.
	Beside      []connector.Made    `json:"beside,omitempty"`
	Payments    []connector.Payment `json:"payments,omitempty"`
	Returned    *app.Return         `json:"returned,omitempty"`
	Issues      []connector.Issue   `json:"issues,omitempty"`
	Mapping     string              `json:"mapping,omitempty"`
	Correlation string              `json:"correlation,omitempty"`
	Since       time.Time           `json:"since"`
	Due         *time.Time          `json:"due,omitempty"`
	Held        *time.Time          `json:"held_until,omitempty"` // by whoever works on it

	again string
}

func viewOf(t *app.Transfer) transferView {
	v := transferView{
		Document: t.Label, ID: t.ID.Document, Tenant: t.ID.Tenant, Target: t.ID.Target, Flow: t.Flow, Owner: t.Owner(),
		State: t.State, Word: t.Word, Cause: t.Cause, Why: t.Why, Period: t.Period, Revision: t.Revision, Attempts: t.Attempts,
		Totals: t.Totals, Issues: t.Issues, Mapping: t.Mapping, Correlation: t.Correlation, Since: t.Since,
	}
	v.again = t.Again()
	if t.Document != nil {
		v.Name, v.Approved = t.Document.Name, string(t.Document.Approved)
	}
	if t.Receipt != nil {
		v.Made = t.Receipt.Made
	}
	if !t.Due.IsZero() {
		v.Due = &t.Due
	}
	if t.Held.After(time.Now()) {
		v.Held = &t.Held
	}
	v.Beside, v.Payments, v.Returned = t.StandsBeside(), t.Payments, t.GivenBack()
	return v
}

// states are the states of a transfer, and the words of the tie-out that are none.
var states = []string{
	string(engine.Received), string(engine.Waiting), string(engine.Pending), string(engine.Delivering), string(engine.Delivered), string(engine.Confirmed),
	string(engine.Parked), string(engine.Returned), string(engine.Reversing), string(engine.Reversed), string(engine.Void),
	string(engine.WordPosted), string(engine.WordSaved), string(engine.WordOpen), string(engine.WordRecalled), string(engine.WordSkipped),
}

// Validate is called by the parser of the command line.
func (c *transfersListCommand) Validate() error {
	if c.State != "" && !slices.Contains(states, c.State) {
		return fmt.Errorf("--state %s: there is no such state; the states are: %s", c.State, strings.Join(states, ", "))
	}
	if c.Limit < 1 {
		return fmt.Errorf("--limit %d: say how many, at least 1", c.Limit)
	}
	return nil
}

// Run lists transfers.
func (c *transfersListCommand) Run(ctx context.Context, p *program) (err error) {
	d, tenants, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	views := []transferView{}
	more := false
	for _, tenant := range tenants {
		q := storage.Query{Tenant: tenant, Cause: c.Cause}
		for s, err := range d.Engine.List(ctx, q) {
			if err != nil {
				return err
			}
			if c.State != "" && string(s.State) != c.State && string(s.Word) != c.State {
				continue
			}
			if more = len(views) == c.Limit; more {
				break
			}
			t, err := d.Whole(ctx, s)
			if err != nil {
				return err
			}
			views = append(views, viewOf(t))
		}
	}
	slices.SortStableFunc(views, func(a, b transferView) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), -cmp.Compare(a.Document.Kind, b.Document.Kind), cmp.Compare(a.Document.Number, b.Document.Number))
	})
	if c.JSON {
		return p.print(views)
	}
	list(p.screen, views, len(tenants) > 1)
	if more {
		p.screen.Printf("There are more; narrow the list with --state or --cause, or raise --limit.\n")
	}
	return nil
}

// list writes transfers as a table.
func list(s *screen.Screen, views []transferView, withTenant bool) {
	if len(views) == 0 {
		s.Printf("No such documents.\n")
		return
	}
	t := screen.Table{Columns: []screen.Column{
		{Title: "document"}, {Title: "owner", Gives: true}, {Title: "amount", Right: true}, {Title: "state"}, {Title: "AP invoices, or what is wrong", Gives: true}, {Title: "since (UTC)"},
	}}
	if withTenant {
		t.Columns = append(t.Columns, screen.Column{Title: "tenant"})
	}
	for _, v := range views {
		var last string
		switch {
		case v.Cause != "":
			last = v.Cause
		case v.again != "":
			last = v.again
		case len(v.Made) > 0:
			numbers := make([]string, 0, len(v.Made))
			for _, m := range v.Made {
				numbers = append(numbers, m.Number)
			}
			last = strings.Join(numbers, ", ")
		default:
			last = v.Why
		}
		state := string(v.Word)
		if v.Returned != nil {
			state, last = "returned", returnedSaid(v.Returned)
		}
		t.Add(v.Document.String(), v.Owner, money(v.Totals), state, last, v.Since.UTC().Format("2006-01-02 15:04:05"), v.Tenant)
	}
	t.Write(s)
}

// returnedSaid says in a line that a document was given back.
func returnedSaid(r *app.Return) string {
	text := "returned to Concur on " + r.At.UTC().Format(time.DateOnly)
	if !r.Told {
		text += ", which has not been told yet"
	}
	if r.Why != "" {
		text += ": " + r.Why
	}
	return text
}

type transfersShowCommand struct {
	Document string `arg:"" help:"Its number (A1B2C3), its id in Concur, or the number of an AP invoice that was made of it."`
	dataFlags
	Calls bool `help:"Show every call to both systems, not only those that went wrong."`
}

// Run shows one transfer.
func (c *transfersShowCommand) Run(ctx context.Context, p *program) (err error) {
	d, tenants, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	var found []*app.Transfer
	for _, tenant := range tenants {
		ts, err := d.Find(ctx, tenant, c.Document)
		if err != nil {
			return err
		}
		found = append(found, ts...)
	}
	switch len(found) {
	case 0:
		return &mendError{fmt.Errorf("no document %q in %s; ml-connector transfers list shows what is there", c.Document, c.Data)}
	case 1:
		return c.show(ctx, p, d, found[0])
	}
	var views []transferView
	for _, t := range found {
		views = append(views, viewOf(t))
	}
	if c.JSON {
		if err := p.print(views); err != nil {
			return err
		}
	} else {
		list(p.screen, views, len(tenants) > 1)
		for _, v := range views {
			p.screen.Printf("  ml-connector transfers show %s --data %s --tenant %s\n", v.ID, c.Data, v.Tenant)
		}
	}
	return &mendError{fmt.Errorf("%q may be any of %d documents; name one by its id", c.Document, len(found))}
}

func (c *transfersShowCommand) show(ctx context.Context, p *program, d *app.Data, t *app.Transfer) error {
	steps, err := d.Timeline(ctx, t)
	if err != nil {
		return err
	}
	reasons, err := d.Engine.Reasons(ctx, t.Status)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	if c.JSON {
		return p.print(struct {
			transferView
			Reasons  any        `json:"reasons,omitempty"`
			Timeline []app.Step `json:"timeline"`
		}{viewOf(t), reasons, steps})
	}
	(&life{screen: p.screen, transfer: t, steps: steps, reasons: reasons, calls: c.Calls}).show()
	return nil
}

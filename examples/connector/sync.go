package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

type syncCommand struct {
	Run    syncRunCommand    `cmd:"" help:"Bring reference data of Epicor to Concur now, and wake documents that waited for it."`
	Status syncStatusCommand `cmd:"" help:"Show what the last run of each mirror did."`
}

// syncFlags are the flags of both.
type syncFlags struct {
	configFlags
	Tenant string `placeholder:"NAME" help:"Only this tenant. Default: all."`
	JSON   bool   `name:"json" help:"Print JSON for programs."`
}

type syncRunCommand struct {
	Name string `arg:"" optional:"" help:"Only this mirror: gl-accounts, cost-centres or vendors."`
	syncFlags
	Approve bool   `help:"Carry out retirements that are held because they are many."`
	Reason  string `placeholder:"TEXT" help:"Why they are approved, for the audit trail."`
}

// Help is the text below the help of sync run.
func (c *syncRunCommand) Help() string {
	return `A running serve does this on a schedule (mirrors.every). Only differences are sent. More retirements at once than the
configuration allows are held until somebody approves them with --approve. Exit code 2 when something was refused or
is held.`
}

// mirrorView is one mirror as programs see it.
type mirrorView struct {
	Tenant string `json:"tenant"`
	Mirror string `json:"mirror"`
	Ran    bool   `json:"ran"`
	*engine.MirrorReport
}

// unmirrored says that not all went over.
type unmirrored struct {
	held, failed, errors int
	unconnected          bool // to Concur
}

// Is makes it what command lines say how to mend.
func (u *unmirrored) Is(target error) bool { return u.unconnected && target == concur.ErrNoToken }

func (u *unmirrored) Error() string {
	var parts []string
	if u.errors > 0 {
		parts = append(parts, count(u.errors, "mirror", "ended early"))
	}
	if u.failed > 0 {
		parts = append(parts, count(u.failed, "object", "refused"))
	}
	if u.held > 0 {
		parts = append(parts, count(u.held, "retirement", "held"))
	}
	if u.unconnected {
		parts = append(parts, concur.ErrNoToken.Error())
	}
	return strings.Join(parts, ", ")
}

// Run runs mirrors one after the other.
func (c *syncRunCommand) Run(ctx context.Context, p *program) (err error) {
	a, tenants, err := c.openFor(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	by := engine.Act{Actor: actor(p), Reason: c.Reason}
	views := []mirrorView{}
	var rest unmirrored
	for _, tenant := range tenants {
		names := a.Engine.Mirrors(tenant)
		if c.Name != "" {
			if !slices.Contains(names, c.Name) {
				return &mendError{fmt.Errorf("tenant %q has no mirror %q; it has: %s", tenant, c.Name, strings.Join(names, ", "))}
			}
			names = []string{c.Name}
		}
		for _, name := range names {
			report, err := a.Engine.RunMirror(ctx, tenant, name, c.Approve, by)
			if errors.Is(err, engine.ErrMirrorBusy) {
				report.Error = "another process runs it at the moment: look again with sync status"
			} else if err != nil && report.Error == "" {
				report.Error = err.Error()
			}
			if ctx.Err() != nil {
				return err
			}
			rest.unconnected = rest.unconnected || errors.Is(err, concur.ErrNoToken)
			if report.Error != "" {
				rest.errors++
			}
			rest.failed += len(report.Failed)
			rest.held += len(report.Held)
			views = append(views, mirrorView{tenant, name, true, &report})
		}
	}
	if err := c.print(p, views, len(tenants) > 1); err != nil {
		return err
	}
	switch {
	case rest.errors > 0:
		return &rest
	case rest.failed+rest.held > 0:
		return &mendError{&rest}
	}
	return nil
}

// openFor opens the connector and returns the tenants that are asked for.
func (f *syncFlags) openFor(ctx context.Context, p *program) (*app.App, []string, error) {
	a, file, err := f.open(ctx, p, false, func(cfg *app.Config) { cfg.Look = true })
	if err != nil {
		return nil, nil, err
	}
	tenants, err := chosen(file, f.Tenant)
	if err != nil {
		return nil, nil, errors.Join(err, a.Close())
	}
	return a, tenants, nil
}

type syncStatusCommand struct {
	syncFlags
}

// Run shows the last runs.
func (c *syncStatusCommand) Run(ctx context.Context, p *program) (err error) {
	a, tenants, err := c.openFor(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	views := []mirrorView{}
	for _, tenant := range tenants {
		for _, name := range a.Engine.Mirrors(tenant) {
			report, err := a.Engine.LastMirror(ctx, tenant, name)
			switch {
			case errors.Is(err, storage.ErrNotFound):
				views = append(views, mirrorView{tenant, name, false, &engine.MirrorReport{Name: name}})
			case err != nil:
				return err
			default:
				views = append(views, mirrorView{tenant, name, true, &report})
			}
		}
	}
	return c.print(p, views, len(tenants) > 1)
}

// shownKeys bounds what a screen shows of many.
const shownKeys = 20

func (f *syncFlags) print(p *program, views []mirrorView, withTenant bool) error {
	if f.JSON {
		return p.print(views)
	}
	s := p.screen
	t := screen.Table{Columns: []screen.Column{
		{Title: "mirror"},
		{Title: "ended (UTC)"},
		{Title: "read", Right: true},
		{Title: "sent", Right: true},
		{Title: "unchanged", Right: true},
		{Title: "retired", Right: true},
		{Title: "held", Right: true},
		{Title: "refused", Right: true},
		{Title: "documents woken", Right: true},
	}}
	if withTenant {
		t.Columns = append(t.Columns, screen.Column{Title: "tenant"})
	}
	for _, v := range views {
		when := "never ran"
		if v.Ran {
			when = v.Ended.UTC().Format(time.DateTime)
			if v.Ended.IsZero() {
				when = "runs now"
			}
		}
		n := func(i int) string { return fmt.Sprint(i) }
		t.Add(v.Mirror, when, n(v.Read), n(v.Sent), n(v.Unchanged), n(v.Retired), n(len(v.Held)), n(len(v.Failed)), n(v.Woken), v.Tenant)
	}
	t.Write(s)
	for _, v := range views {
		if v.Error != "" {
			s.Printf("%s  %s\n", s.Paint(screen.Bad, v.Mirror+" ended early:"), v.Error)
		}
		for i, fail := range v.Failed {
			if i == shownKeys {
				s.Printf("  and %d more: --json has all\n", len(v.Failed)-i)
				break
			}
			s.Printf("%s  %s: %s\n", s.Paint(screen.Alert, v.Mirror+" refused"), fail.Key, fail.Error)
		}
		if len(v.Held) > 0 {
			keys := v.Held[:min(len(v.Held), shownKeys)]
			more := ""
			if len(keys) < len(v.Held) {
				more = fmt.Sprintf(" and %d more", len(v.Held)-len(keys))
			}
			s.Printf("%s  %s%s would be retired in Concur, more than is done without asking.\n      Look whether Epicor lost them by mistake; if not: %s sync run %s --approve --reason '…' -c %s\n",
				s.Paint(screen.Alert, v.Mirror+" held"), strings.Join(keys, ", "), more, p.self(), v.Mirror, f.Config)
		}
	}
	return nil
}

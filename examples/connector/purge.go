package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
)

type purgeCommand struct {
	configFlags
	Tenant string `placeholder:"NAME" help:"Only this tenant. Default: all."`
	Plan   bool   `help:"Only show what would be dropped."`
	Yes    bool   `short:"y" help:"Do it without asking."`
	JSON   bool   `name:"json" help:"Print JSON for programs."`
}

// Help is the text below the help of purge.
func (c *purgeCommand) Help() string {
	return `Drops the documents and postings of transfers at their end that are older than policy.keep_contents, and removes transfers
older than policy.keep_rows, as serve does by itself once a day. What is open, waits or failed is never touched. Each is in
the audit trail before, and a short note stays of what was removed, by which a late event for it does not post it again.`
}

// purgeView is what programs see of a purge.
type purgeView struct {
	Plans    []app.PurgePlan `json:"plans"`
	Contents int             `json:"dropped_contents"`
	Rows     int             `json:"removed_rows"`
	Later    int             `json:"later"` // rows that the first purge only announced
}

// Run plans, asks and purges.
func (c *purgeCommand) Run(ctx context.Context, p *program) (err error) {
	a, file, err := c.open(ctx, p, false, func(cfg *app.Config) { cfg.Look = true })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	tenants, err := chosen(file, c.Tenant)
	if err != nil {
		return err
	}
	view := purgeView{Plans: []app.PurgePlan{}}
	contents, rows := 0, 0
	for _, tenant := range tenants {
		plans, err := a.PurgePlan(ctx, tenant)
		if err != nil {
			return err
		}
		for _, plan := range plans {
			contents, rows = contents+plan.Contents, rows+plan.Rows
		}
		view.Plans = append(view.Plans, plans...)
	}
	if !c.JSON {
		c.show(p, view)
	}
	if c.Plan || contents+rows == 0 {
		if c.JSON {
			return p.print(view)
		}
		if contents+rows == 0 {
			p.screen.Printf("Nothing is old enough to be dropped.\n")
		}
		return nil
	}
	if err := agreed(p, "purge", contents+rows, c.Yes, c.JSON); err != nil {
		return err
	}
	for _, plan := range view.Plans {
		done, err := a.Engine.Purge(ctx, plan.Tenant, plan.Flow)
		view.Contents, view.Rows = view.Contents+done.Contents, view.Rows+done.Rows
		if err != nil {
			return err
		}
	}
	view.Later = max(0, rows-view.Rows)
	if c.JSON {
		return p.print(view)
	}
	p.screen.Printf("\nDocuments and postings of %s dropped, %s removed\n", count(view.Contents, "transfer", ""), count(view.Rows, "transfer", ""))
	if view.Later > 0 {
		p.screen.Printf("%s left: the first purge only announces that transfers are removed, and begins five minutes after; something may also have happened to them.\n", count(view.Later, "transfer", ""))
	}
	return nil
}

func (c *purgeCommand) show(p *program, v purgeView) {
	t := screen.Table{Columns: []screen.Column{
		{Title: "tenant"},
		{Title: "flow"},
		{Title: "contents kept"},
		{Title: "dropped", Right: true},
		{Title: "transfers kept"},
		{Title: "removed", Right: true},
		{Title: "untouched", Right: true},
	}}
	for _, plan := range v.Plans {
		t.Add(plan.Tenant, plan.Flow, keptFor(plan.KeepContents), strconv.Itoa(plan.Contents), keptFor(plan.KeepRows), strconv.Itoa(plan.Rows), strconv.Itoa(plan.Kept))
	}
	t.Write(p.screen)
}

// keptFor says how long something is kept.
func keptFor(d time.Duration) string {
	switch {
	case d <= 0:
		return "for ever"
	case d < 24*time.Hour:
		return d.String()
	}
	return count(int(d/(24*time.Hour)), "day", "")
}

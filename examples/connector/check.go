package main

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ml-connector/ml-connector/examples/connector/internal/check"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
)

type checkCommand struct {
	configFlags
	Tenant string `placeholder:"NAME" help:"Only this tenant. Default: all."`
	Write  bool   `help:"Also create and delete a test group in Epicor, which shows whether writing is allowed and today's period is open."`
	JSON   bool   `name:"json" help:"Print JSON for programs."`
}

// Help is the text below the help of check.
func (c *checkCommand) Help() string {
	return `Says what works and how to mend the rest: configuration, data, keys, both systems, rules. Exit code 2 when something is
to be mended. It changes nothing without --write; Concur's refresh token is used, which extends its life.`
}

// unmended says how many things are to be mended. What they are was said.
type unmended int

func (n unmended) Error() string {
	if n == 1 {
		return "1 thing to mend"
	}
	return fmt.Sprintf("%d things to mend", int(n))
}

// checkView is what programs see.
type checkView struct {
	Mend    int            `json:"to_mend"`
	Results []check.Result `json:"results"`
}

// Run looks at everything.
func (c *checkCommand) Run(ctx context.Context, p *program) error {
	// A configuration that cannot be read is what the check itself is to say.
	if file, err := c.load(); err == nil {
		if _, err := chosen(file, c.Tenant); err != nil {
			return err
		}
	}
	show := &checkScreen{s: p.screen}
	opts := check.Options{Path: c.Config, Tenant: c.Tenant, Getenv: p.getenv, Write: c.Write}
	if !c.JSON {
		opts.Each = show.result
	}
	view := checkView{Results: check.Run(ctx, opts)}
	for _, r := range view.Results {
		if r.Mend() {
			view.Mend++
		}
	}
	if c.JSON {
		if err := p.print(view); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if view.Mend > 0 {
		return &mendError{unmended(view.Mend)}
	}
	if !c.JSON {
		p.screen.Printf("\nNothing to mend.\n")
	}
	return nil
}

// checkScreen writes results as they come, one table's shape for all.
type checkScreen struct {
	s            *screen.Screen
	area, tenant string
}

// Widths of the columns before the text.
const (
	areaWidth  = 9
	nameWidth  = 22
	stateWidth = 10
)

func (c *checkScreen) result(r check.Result) {
	area := ""
	if r.Area != c.area || r.Tenant != c.tenant {
		if r.Tenant != c.tenant {
			c.s.Printf("%s\n", c.s.Paint(screen.Bold, r.Tenant))
		}
		area = r.Area
		c.area, c.tenant = r.Area, r.Tenant
	}
	style := map[check.State]screen.Style{
		check.OK: screen.Good, check.Missing: screen.Bad, check.Wrong: screen.Bad, check.Warning: screen.Alert, check.Untried: screen.Faint,
	}[r.State]
	indent := areaWidth + nameWidth + stateWidth
	lines := c.wrap(r.What, indent)
	c.s.Printf("%s%s%s%s\n", pad(area, areaWidth), pad(r.Name, nameWidth), c.s.Paint(style, pad(string(r.State), stateWidth)), lines[0])
	for _, line := range lines[1:] {
		c.s.Printf("%s%s\n", strings.Repeat(" ", indent), line)
	}
	if r.Remedy == "" {
		return
	}
	for _, line := range c.wrap("→ "+r.Owner+": "+r.Remedy, indent) {
		c.s.Printf("%s%s\n", strings.Repeat(" ", indent), line)
	}
}

// wrap breaks a text where a terminal ends; without one a line stays whole, so
// that it can be searched for.
func (c *checkScreen) wrap(text string, indent int) []string {
	if c.s.Width < indent+30 {
		return []string{text}
	}
	return screen.Wrap(text, c.s.Width-indent)
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(1, width-utf8.RuneCountInString(text)))
}

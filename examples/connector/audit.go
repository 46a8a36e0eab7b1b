package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
)

type auditCommand struct {
	Show   auditShowCommand   `cmd:"" help:"Show the audit trail of one document, or all of it."`
	Verify auditVerifyCommand `cmd:"" help:"Walk the chain of hashes and find the first record that was changed, removed or moved."`
}

type auditShowCommand struct {
	Document string `arg:"" optional:"" help:"Its number, its id in Concur, the number of an AP invoice, or a subject such as mirror/vendors. Default: everything."`
	dataFlags
	Bodies bool  `help:"Also open what both vendors were asked and answered. Secrets are not among it; persons' names may be."`
	After  int64 `placeholder:"SEQ" help:"Only records behind this number."`
	Limit  int   `default:"1000" help:"At most so many. Default: ${default}"`
}

// Validate is called by the parser of the command line.
func (c *auditShowCommand) Validate() error {
	if c.Limit < 1 {
		return fmt.Errorf("--limit %d: say how many, at least 1", c.Limit)
	}
	return nil
}

// recordView is a record as programs see it.
type recordView struct {
	audit.Record
	Query  string `json:"query,omitempty"` // opened
	Body   string `json:"body,omitempty"`
	Left   string `json:"left,omitempty"` // why the body is not whole
	Closed string `json:"closed,omitempty"`
}

// Run shows records in order.
func (c *auditShowCommand) Run(ctx context.Context, p *program) (err error) {
	d, tenants, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if c.Bodies && d.Vault == nil {
		return &mendError{errors.New("--bodies needs the configuration that says where the vault's key is: -c FILE; without a vault no bodies are kept")}
	}
	views := []recordView{}
	more := false
	for _, tenant := range tenants {
		subject, err := c.subject(ctx, d, tenant, len(tenants) > 1)
		if err != nil {
			return err
		}
		if c.Document != "" && subject == "" {
			continue
		}
		q := audit.Query{Tenant: tenant, Subject: subject, After: c.After, Limit: 500}
		for !more {
			rs, next, err := d.Trail.Read(ctx, q)
			if err != nil {
				return err
			}
			for _, r := range rs {
				if more = len(views) == c.Limit; more {
					break
				}
				views = append(views, c.viewOf(ctx, d, r))
			}
			if next == 0 {
				break
			}
			q.After = next
		}
	}
	if c.Document != "" && len(views) == 0 {
		return &mendError{fmt.Errorf("no records of %q in %s", c.Document, c.Data)}
	}
	if c.JSON {
		e := json.NewEncoder(p.stdout)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(views) // exactly what is recorded
	}
	for i := range views {
		views[i].show(p.screen, len(tenants) > 1)
	}
	if more {
		p.screen.Printf("There are more: --after %d, or raise --limit.\n", views[len(views)-1].Seq)
	}
	return nil
}

// subject finds what a person means; "" with a document that this tenant has not.
func (c *auditShowCommand) subject(ctx context.Context, d *app.Data, tenant string, several bool) (string, error) {
	if c.Document == "" {
		return "", nil
	}
	ts, err := d.Find(ctx, tenant, c.Document)
	if err != nil {
		return "", err
	}
	switch len(ts) {
	case 1:
		return ts[0].ID.Document, nil
	case 0:
		if several {
			rs, _, err := d.Trail.Read(ctx, audit.Query{Tenant: tenant, Subject: c.Document, Limit: 1})
			if err != nil || len(rs) == 0 {
				return "", err
			}
		}
		return c.Document, nil
	}
	var ids []string
	for _, t := range ts {
		ids = append(ids, t.ID.Document)
	}
	return "", &mendError{fmt.Errorf("%q may be any of %s; name one by its id", c.Document, strings.Join(ids, ", "))}
}

func (c *auditShowCommand) viewOf(ctx context.Context, d *app.Data, r audit.Record) recordView {
	v := recordView{Record: r}
	if !c.Bodies || len(r.Sealed) == 0 {
		return v
	}
	x, err := d.Trail.Exchange(ctx, r)
	if err != nil {
		v.Closed = err.Error() // the record is shown all the same: a person may have been forgotten
		return v
	}
	v.Query, v.Body, v.Left = x.Query, x.Body, x.Left
	return v
}

func (v *recordView) show(s *screen.Screen, withTenant bool) {
	head := fmt.Sprintf("%6d  %s  %-12s", v.Seq, v.Time.UTC().Format("2006-01-02 15:04:05.000000"), v.Action)
	style := screen.Plain
	switch v.Outcome {
	case "made", "found", "done", "durable":
		style = screen.Good
	case "failed", "unknown", "refused", "differs", "drift":
		style = screen.Bad
	}
	s.Printf("%s  %s", s.Paint(screen.Bold, head), s.Paint(style, fmt.Sprintf("%-9s", v.Outcome)))
	text := []string{}
	if v.Actor != "" {
		text = append(text, "by "+v.Actor)
	}
	if withTenant {
		text = append(text, "tenant "+v.Tenant)
	}
	if v.Reason != "" {
		text = append(text, v.Reason)
	}
	s.Printf("  %s  %s\n", v.Subject, s.Paint(screen.Faint, strings.Join(text, ", ")))
	if len(v.Detail) > 0 {
		s.Printf("        %s\n", v.Detail)
	}
	if v.Query != "" {
		s.Printf("        query  %s\n", v.Query)
	}
	switch {
	case v.Closed != "":
		s.Printf("        sealed, and cannot be opened: %s\n", v.Closed)
	case v.Left != "":
		s.Printf("        body   not kept: %s\n", v.Left)
	case v.Body != "":
		s.Printf("        body   %s\n", indented(v.Body))
	}
}

// indented writes JSON on several lines, below where it begins.
func indented(body string) string {
	var b strings.Builder
	var v any
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return body
	}
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("               ", "  ")
	if e.Encode(v) != nil {
		return body
	}
	return strings.TrimRight(b.String(), "\n")
}

type auditVerifyCommand struct {
	dataFlags
	AtLeast int64  `placeholder:"SEQ" help:"The number of the newest record that was noted outside: fewer records are a fault, too. A chain alone does not show that its end was cut off."`
	Hash    string `placeholder:"HASH" help:"The hash that was noted with --at-least: another one there is a fault, too. A chain alone does not show that all of it was made anew."`
}

// Validate is called by the parser of the command line.
func (c *auditVerifyCommand) Validate() error {
	if c.Hash != "" && c.AtLeast < 1 {
		return errors.New("--hash is that of one record: say which with --at-least")
	}
	return nil
}

// noted compares a tenant's chain with what was noted outside; empty: it agrees.
func (c *auditVerifyCommand) noted(ctx context.Context, t *audit.Trail, tenant string, last int64) (fault string, err error) {
	if last < c.AtLeast {
		return fmt.Sprintf("the chain ends at record %d, and record %d was there: its end was cut off", last, c.AtLeast), nil
	}
	if c.Hash == "" {
		return "", nil
	}
	rs, _, err := t.Read(ctx, audit.Query{Tenant: tenant, After: c.AtLeast - 1, Limit: 1})
	if err != nil {
		return "", err
	}
	if len(rs) == 0 || rs[0].Seq != c.AtLeast || !strings.EqualFold(rs[0].Hash, c.Hash) {
		return fmt.Sprintf("record %d has not the hash that was noted: the chain was made anew", c.AtLeast), nil
	}
	return "", nil
}

// verdict is what is found out about one tenant's chain.
type verdict struct {
	Tenant string `json:"tenant"`
	Last   int64  `json:"last"` // the number of the last record that is right
	Hash   string `json:"hash,omitempty"`
	Whole  bool   `json:"whole"`
	Fault  string `json:"fault,omitempty"`
}

// Run verifies every tenant's chain.
func (c *auditVerifyCommand) Run(ctx context.Context, p *program) (err error) {
	d, tenants, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if c.Hash != "" && len(tenants) > 1 {
		return &mendError{fmt.Errorf("--hash is that of one tenant's record: say whose with --tenant: %s", strings.Join(tenants, ", "))}
	}
	var verdicts []verdict
	broken := 0
	for _, tenant := range tenants {
		last, err := d.Trail.Verify(ctx, tenant)
		v := verdict{Tenant: tenant, Last: last, Whole: err == nil}
		switch {
		case errors.Is(err, audit.ErrBroken):
			v.Fault = err.Error()
		case err != nil:
			return err
		default:
			if v.Fault, err = c.noted(ctx, d.Trail, tenant, last); err != nil {
				return err
			}
			v.Whole = v.Fault == ""
		}
		if newest, err := d.Trail.Last(ctx, tenant); err == nil && v.Whole {
			v.Hash = newest.Hash
		}
		if !v.Whole {
			broken++
		}
		verdicts = append(verdicts, v)
	}
	if c.JSON {
		if err := p.print(verdicts); err != nil {
			return err
		}
	} else {
		for _, v := range verdicts {
			if !v.Whole {
				p.screen.Printf("%s  tenant %s: %s\n", p.screen.Paint(screen.Bad, "BROKEN"), v.Tenant, v.Fault)
				continue
			}
			p.screen.Printf("%s  tenant %s: %s, the newest has the hash %s\n", p.screen.Paint(screen.Good, "whole "), v.Tenant, count(int(v.Last), "record", ""), v.Hash)
		}
		if broken == 0 {
			p.screen.Printf("Note number and hash of the newest record outside this machine: with --at-least and --hash a later run also finds an end that was cut off, or a chain that was made anew.\n")
		}
	}
	if broken > 0 {
		return &mendError{errors.New("the audit trail was tampered with, or its file is damaged; keep the file as it is, and restore a backup beside it to compare")}
	}
	return nil
}

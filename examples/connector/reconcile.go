package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/catalogue"
	"github.com/ml-connector/ml-connector/examples/connector/internal/page"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
)

type reconcileCommand struct {
	configFlags
	Tenant string `placeholder:"NAME" help:"Only this tenant. Default: all."`
	Month  string `placeholder:"YYYY-MM" help:"Which month. Default: the present one."`
	Text   bool   `xor:"form" help:"Write for a screen (the default)."`
	JSON   bool   `name:"json" xor:"form" help:"Print JSON for programs."`
	HTML   string `name:"html" placeholder:"FILE" help:"Also write one page for a browser or a printer; - is standard output."`
}

// Help is the text below the help of reconcile.
func (c *reconcileCommand) Help() string {
	return `Reads from both systems what was finally approved in the month and what stands in Epicor for it: approved = posted +
saved + open + recalled + skipped, by currency, and each document by itself. It changes nothing. Exit code 2 when a
difference is not zero.`
}

// untied says that a month does not tie out.
type untied struct{ months []string }

func (u *untied) Error() string { return "it does not tie out: " + strings.Join(u.months, ", ") }

// Run ties a month out.
func (c *reconcileCommand) Run(ctx context.Context, p *program) (err error) {
	year, month, _ := time.Now().Date()
	if c.Month != "" {
		at, err := time.Parse("2006-01", c.Month)
		if err != nil {
			return &mendError{fmt.Errorf("--month %s: write YYYY-MM, such as 2026-11", c.Month)}
		}
		if at.After(time.Now().Add(14 * time.Hour)) { // a month begins first where clocks are ahead of UTC
			return &mendError{fmt.Errorf("--month %s has not begun yet", c.Month)}
		}
		year, month, _ = at.Date()
	}
	a, file, err := c.open(ctx, p, false, func(cfg *app.Config) { cfg.Look = true })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	tenants, err := chosen(file, c.Tenant)
	if err != nil {
		return err
	}
	var months []*app.Month
	var bad untied
	for _, tenant := range tenants {
		m, err := a.Reconcile(ctx, tenant, year, month)
		if err != nil {
			return fmt.Errorf("tenant %q: %w", tenant, err)
		}
		months = append(months, m)
		if !m.Ties() {
			bad.months = append(bad.months, m.Month+" of "+tenant)
		}
	}
	if err := c.write(p, months); err != nil {
		return err
	}
	if len(bad.months) > 0 {
		return &mendError{&bad}
	}
	return nil
}

func (c *reconcileCommand) write(p *program, months []*app.Month) error {
	if c.HTML == "-" {
		return page.Write(p.stdout, months)
	}
	if c.HTML != "" {
		if err := writeFile(c.HTML, func(w io.Writer) error { return page.Write(w, months) }); err != nil {
			return err
		}
	}
	if c.JSON {
		return p.print(months)
	}
	for i, m := range months {
		if i > 0 {
			p.screen.Printf("\n")
		}
		(&monthScreen{p.screen, m}).show()
	}
	if c.HTML != "" {
		p.screen.Printf("\nWritten to %s\n", c.HTML)
	}
	return nil
}

// writeFile writes a file that its owner alone may read: names of persons stand
// in it.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return &mendError{err}
	}
	return errors.Join(write(f), f.Close())
}

// monthScreen shows a month.
type monthScreen struct {
	*screen.Screen
	m *app.Month
}

func (s *monthScreen) show() {
	m := s.m
	s.Printf("%s  tenant %s, Epicor company %s, approvals from %s to %s (%s), read %s\n\n", s.Paint(screen.Bold, "Tie-out "+m.Month), m.Tenant, m.Company,
		m.First, m.Last, m.TimeZone, m.Read.UTC().Format("2006-01-02 15:04 MST"))
	if len(m.Currencies) == 0 {
		s.Printf("Nothing was finally approved in this month.\n")
	} else {
		s.sums()
	}
	if len(m.Currencies) > 0 {
		s.Printf("%s\n", s.Paint(screen.Faint, m.Meaning()))
	}
	if m.Ties() {
		if len(m.Documents) > 0 {
			s.Printf("%s %s approved in Concur.\n", s.Paint(screen.Good, "Every cent is accounted for."), count(len(m.Documents), "document", ""))
		}
	} else {
		s.Printf("%s\n", s.Paint(screen.Bad, "It does not tie out."))
		s.amiss()
	}
	s.open()
	s.accruals()
	for _, id := range m.Undated {
		s.Printf("Concur says of no day when %s was finally approved, so it belongs to no month.\n", id)
	}
}

func (s *monthScreen) sums() {
	t := screen.Table{Columns: []screen.Column{{Title: ""}}}
	for _, title := range []string{"Concur approved", "posted", "saved", "open", "recalled", "skipped", "difference"} {
		t.Columns = append(t.Columns, screen.Column{Title: title, Right: true})
	}
	for _, c := range s.m.Currencies {
		row := []string{c.Currency}
		for _, a := range []decimal.Decimal{c.Approved, c.Posted, c.Saved, c.Open, c.Recalled, c.Skipped, c.Difference} {
			row = append(row, screen.Amount(a, c.Currency))
		}
		t.Add(row...)
	}
	t.Write(s.Screen)
}

// amiss names each difference: what Concur says, what Epicor says, and why.
func (s *monthScreen) amiss() {
	for _, d := range s.m.Documents {
		if d.Why == "" && d.Difference.IsZero() {
			continue
		}
		inEpicor := "nothing"
		if len(d.Invoices) > 0 {
			var parts []string
			for _, inv := range d.Invoices {
				parts = append(parts, screen.Money(inv.Amount, inv.Currency)+" as "+inv.Number)
			}
			inEpicor = strings.Join(parts, ", ")
		}
		owner := ""
		if d.Owner != "" { // a name that cannot be opened, or was never told
			owner = "  " + d.Owner
		}
		s.Printf("  %s%s: Concur approved %s on %s; Epicor has %s; difference %s\n      %s\n", s.Paint(screen.Bold, d.Label.String()), owner,
			screen.Money(d.InConcur, d.Currency), d.Approved, inEpicor, s.Paint(screen.Bad, screen.Money(d.Difference, d.Currency)), d.Why)
	}
	for _, st := range s.m.Strangers {
		s.Printf("  %s  of %s, %s, apply date %s: %s\n", s.Paint(screen.Bold, "AP invoice "+st.Number), st.Vendor, screen.Money(st.Amount, st.Currency), st.Applied, st.Why)
	}
}

func (s *monthScreen) open() {
	t := screen.Table{Indent: 2, Columns: []screen.Column{
		{Title: "document"}, {Title: "owner", Gives: true}, {Title: "amount", Right: true}, {Title: "approved"}, {Title: "waits for"}, {Title: "who"}, {Title: "how", Gives: true},
	}}
	n := 0
	row := func(label app.Label, owner, amount, approved, cause string, who connector.Owner) {
		n++
		if cause == "" {
			cause = "on its way"
		}
		t.Add(label.String(), owner, amount, approved, cause, string(who), catalogue.Link(cause))
	}
	for _, d := range s.m.Documents {
		if d.Word == engine.WordOpen {
			row(d.Label, d.Owner, screen.Money(d.InConcur, d.Currency), string(d.Approved), d.Cause, d.Who)
		}
	}
	for _, d := range s.m.Earlier {
		row(d.Label, d.Owner, money(d.Totals), d.Period, d.Cause, d.Who)
	}
	if n > 0 {
		s.Heading("Open, and why")
		t.Write(s.Screen)
	}
}

func (s *monthScreen) accruals() {
	if len(s.m.Accruals) == 0 {
		return
	}
	s.Heading(fmt.Sprintf("To accrue on %s, and to reverse the day after", s.m.Last))
	for _, a := range s.m.Accruals {
		text := fmt.Sprintf("  %s  %s", screen.Money(a.Amount, a.Currency), count(a.Documents, "document", "approved and not in effect in Epicor by then"))
		if !a.Earlier.IsZero() {
			text += fmt.Sprintf("; %s of it from earlier months", screen.Amount(a.Earlier, a.Currency))
		}
		if !a.Saved.IsZero() {
			text += fmt.Sprintf("; %s of it in entry groups that are not posted", screen.Amount(a.Saved, a.Currency))
		}
		s.Printf("%s\n", text)
	}
	if s.m.Running {
		s.Printf("  The month has not ended yet: this is how it stands now.\n")
	}
}

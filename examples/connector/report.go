package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// report is what a demonstration found out. Everything in it was measured or
// read back.
type report struct {
	Data        string `json:"data"`
	Seconds     string `json:"seconds"`              // until nothing moved any more
	FirstPosted string `json:"first_posted_seconds"` // from the start to the first posted invoice
	Counts      counts `json:"counts"`

	Posted  []postedDocument  `json:"posted"`
	Person  []openDocument    `json:"needs_a_person"`
	Waiting []waitingDocument `json:"waiting"`
	Network network           `json:"network"`
	Mended  *mended           `json:"mended"`
	TieOut  monthsRun         `json:"tie_out"`
}

// monthsRun are the months in which a demonstration ran: one, or two when one
// ended meanwhile.
type monthsRun []*app.Month

// ties reports whether all of them tie out.
func (ms monthsRun) ties() bool {
	return !slices.ContainsFunc(ms, func(m *app.Month) bool { return !m.Ties() })
}

// counts are how many there are of what.
type counts struct {
	Events    int `json:"events"` // that reached the webhook
	Documents int `json:"documents"`
	Posted    int `json:"posted"`
	Person    int `json:"needs_a_person"`
	Waiting   int `json:"waiting"`
	Other     int `json:"other"`
}

type postedDocument struct {
	Label    app.Label       `json:"document"`
	Owner    string          `json:"owner"`
	Currency string          `json:"currency"`
	Approved decimal.Decimal `json:"approved"` // in Concur
	Bookings []app.Booking   `json:"bookings"` // in Epicor
}

type openDocument struct {
	Label  app.Label         `json:"document"`
	Totals []connector.Total `json:"totals"`
	Cause  string            `json:"cause"`
	Issues []connector.Issue `json:"issues"`
}

type waitingDocument struct {
	Label  app.Label         `json:"document"`
	Totals []connector.Total `json:"totals"`
	Why    string            `json:"why"`
}

// network is what happened between the systems, by the simulators' logs of calls
// and the ledger.
type network struct {
	ConcurCalls int `json:"concur_calls"`
	EpicorCalls int `json:"epicor_calls"`
	// Twice are the documents whose event came more than once.
	Twice []app.Label `json:"events_twice"`
	// Never are the documents whose event never came and that are known all the same.
	Never []app.Label `json:"events_never"`
	// Refused are readings of one document that were answered with a fault.
	Refused   []refusals `json:"refused"`
	Refreshes int        `json:"token_refreshes"`
	// LostAnswers are commits in Epicor whose answer never came.
	LostAnswers int         `json:"lost_answers"`
	Found       []app.Label `json:"found_after_lost_answer"`
	Completed   []app.Label `json:"completed_after_lost_answer"`
}

type refusals struct {
	Label    app.Label `json:"document"`
	Statuses []int     `json:"statuses"`
	Word     string    `json:"now"`
}

type mended struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Code     string `json:"cost_centre"`
	Segment  string `json:"segment"`
	Replayed int    `json:"replayed"`
	Posted   int    `json:"posted"`
	Open     int    `json:"open"`
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }

// look reads out of both systems and the ledger what became of the documents.
func (d *demo) look(ctx context.Context, r *report) error {
	months, err := d.reconcile(ctx)
	if err != nil {
		return err
	}
	approved := map[string]app.MonthDocument{}
	for _, m := range months {
		for _, doc := range m.Documents {
			approved[doc.ID] = doc
		}
	}
	transfers, err := d.app.Transfers(ctx, storage.Query{Tenant: demoTenant})
	if err != nil {
		return err
	}
	r.Counts.Documents = len(transfers)
	for _, t := range transfers {
		switch {
		case t.Word == engine.WordPosted:
			p, err := d.posted(ctx, t, approved[t.ID.Document])
			if err != nil {
				return err
			}
			r.Posted = append(r.Posted, p)
		case t.State == engine.Parked:
			r.Person = append(r.Person, openDocument{t.Label, t.Totals, t.Cause, t.Issues})
		case t.Word == engine.WordWaiting:
			r.Waiting = append(r.Waiting, waitingDocument{t.Label, t.Totals, t.Why})
		default:
			r.Counts.Other++
		}
	}
	byNumber := func(a, b app.Label) int { return cmp.Or(-cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Number, b.Number)) }
	slices.SortFunc(r.Posted, func(a, b postedDocument) int { return byNumber(a.Label, b.Label) })
	slices.SortFunc(r.Person, func(a, b openDocument) int { return byNumber(a.Label, b.Label) })
	slices.SortFunc(r.Waiting, func(a, b waitingDocument) int { return byNumber(a.Label, b.Label) })
	r.Counts.Posted, r.Counts.Person, r.Counts.Waiting = len(r.Posted), len(r.Person), len(r.Waiting)
	d.listenBack(r, transfers)
	return nil
}

// posted reads the bookings of one document back out of Epicor.
func (d *demo) posted(ctx context.Context, t *app.Transfer, tied app.MonthDocument) (postedDocument, error) {
	p := postedDocument{Label: t.Label, Owner: t.Owner(), Currency: tied.Currency, Approved: tied.InConcur}
	keys := map[string]bool{}
	for _, s := range tied.Invoices {
		if keys[s.Key] {
			continue
		}
		keys[s.Key] = true
		bookings, err := d.app.Bookings(ctx, demoTenant, s.Key)
		if err != nil {
			return p, err
		}
		p.Bookings = append(p.Bookings, bookings...)
	}
	return p, nil
}

// listenBack counts what the network did.
func (d *demo) listenBack(r *report, transfers []*app.Transfer) {
	n := &r.Network
	byID := map[string]*app.Transfer{}
	for _, t := range transfers {
		_, id, _ := strings.Cut(t.ID.Document, "/")
		byID[id] = t
	}
	label := func(id string) app.Label {
		if t := byID[id]; t != nil {
			return t.Label
		}
		return app.Label{Kind: string(document.Report), Number: id}
	}
	came := map[string]int{}
	for _, v := range d.concur.Deliveries() {
		switch v.Outcome {
		case concurtest.Lost:
			if byID[v.Document] != nil {
				n.Never = append(n.Never, label(v.Document))
			}
		case concurtest.Delivered:
			r.Counts.Events++
			if came[v.EventID]++; came[v.EventID] == 2 {
				n.Twice = append(n.Twice, label(v.Document))
			}
		case concurtest.Retrying, concurtest.Dropped, concurtest.Expired:
			r.Counts.Events++
		}
	}
	calls := d.concur.Calls()
	n.ConcurCalls = len(calls)
	for _, c := range calls {
		if strings.HasSuffix(c.Path, "/token") && bytes.Contains(c.Request, []byte("grant_type=refresh_token")) && c.Status == http.StatusOK {
			n.Refreshes++
		}
		if !c.Faulted {
			continue
		}
		for id, t := range byID {
			if strings.Contains(c.Path, id) {
				n.refused(t, c.Status)
			}
		}
	}
	calls = d.epicor.Calls()
	n.EpicorCalls = len(calls)
	for _, c := range calls {
		if c.Faulted && c.Committed && c.Status == 0 {
			n.LostAnswers++
		}
	}
	for _, t := range transfers {
		for _, m := range t.History {
			switch {
			case m.What == "found":
				n.Found = append(n.Found, t.Label)
			case m.What == "looked" && strings.HasPrefix(m.Text, string(connector.Partial)):
				n.Completed = append(n.Completed, t.Label)
			}
		}
	}
}

func (n *network) refused(t *app.Transfer, status int) {
	for i := range n.Refused {
		if n.Refused[i].Label == t.Label {
			n.Refused[i].Statuses = append(n.Refused[i].Statuses, status)
			return
		}
	}
	n.Refused = append(n.Refused, refusals{Label: t.Label, Statuses: []int{status}, Word: string(t.Word)})
}

// showTravel shows what became of the documents.
func (r *report) showTravel(s *screen.Screen) {
	c := r.Counts
	s.Printf("\n  %s ─ %s ─ %s ─ %s ─ %s          %s s, first invoice after %s s\n",
		count(c.Events, "event", "in"), count(c.Documents, "document", ""), s.Paint(screen.Good, fmt.Sprintf("%d posted", c.Posted)),
		s.Paint(screen.Alert, fmt.Sprintf("%d %s a person", c.Person, plural(c.Person, "needs", "need"))), fmt.Sprintf("%d waiting", c.Waiting), r.Seconds, r.FirstPosted)
	s.Heading("Posted")
	t := screen.Table{Indent: 2, Columns: []screen.Column{
		{Title: "document"},
		{Title: "owner", Gives: true},
		{Title: "in Concur", Right: true},
		{Title: "AP invoice"},
		{Title: "vendor", Gives: true},
		{Title: "booked to", Gives: true},
		{Title: "amount", Right: true},
	}}
	for _, p := range r.Posted {
		first := []string{p.Label.String(), p.Owner, screen.Money(p.Approved, p.Currency)}
		for _, b := range p.Bookings {
			head := append(first, b.Number, b.Vendor)
			for _, a := range b.Accounts {
				t.Add(append(slices.Clone(head), strings.TrimSpace(a.Account+" "+a.Name), screen.Amount(a.Amount, b.Currency))...)
				head = []string{"", "", "", "", ""}
			}
			first = []string{"", "", ""}
		}
	}
	t.Write(s)
	s.Printf("Posted means: entered in Epicor with every line and split, read back to the cent, in an entry group that finance posts.\n")
	r.Network.show(s)
	s.Heading("Needs a person")
	for _, p := range r.Person {
		for i, issue := range p.Issues {
			what := ""
			if i == 0 {
				what = p.Label.String() + "  " + money(p.Totals)
			}
			s.Printf("  %s   %s   %s\n", s.Paint(screen.Alert, fmt.Sprintf("%-20s", issue.Code)), what, issue.Message)
			s.Printf("      who: %s      do: %s\n", issue.Owner, issue.Remedy)
		}
	}
	s.Heading("Waiting")
	for _, w := range r.Waiting {
		s.Printf("  %s  %s   not finally approved yet (%s); it will come when it is\n", w.Label, money(w.Totals), w.Why)
	}
}

func money(totals []connector.Total) string {
	var out []string
	for _, t := range totals {
		out = append(out, screen.Money(t.Amount, t.Currency))
	}
	return strings.Join(out, ", ")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func count(n int, what, after string) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", n, plural(n, what, what+"s"), after))
}

func labels(ls []app.Label) string {
	var out []string
	for _, l := range ls {
		out = append(out, l.String())
	}
	return strings.Join(out, ", ")
}

func (n *network) show(s *screen.Screen) {
	var parts []string
	if k := len(n.Twice); k > 0 {
		parts = append(parts, fmt.Sprintf("%s twice → one document each (%s)", count(k, "event", "came"), labels(n.Twice)))
	}
	if k := len(n.Never); k > 0 {
		parts = append(parts, fmt.Sprintf("%s never came → the sweep found the document (%s)", count(k, "event", ""), labels(n.Never)))
	}
	for _, f := range n.Refused {
		var statuses []string
		for _, status := range f.Statuses {
			statuses = append(statuses, fmt.Sprint(status))
		}
		parts = append(parts, fmt.Sprintf("%s was answered %s → %s at attempt %d", f.Label, strings.Join(statuses, ", then "), f.Word, len(f.Statuses)+1))
	}
	if n.Refreshes > 0 {
		parts = append(parts, fmt.Sprintf("the token was refreshed %s", times(n.Refreshes)))
	}
	if n.LostAnswers > 0 {
		text := count(n.LostAnswers, "answer", "lost after the commit")
		if len(n.Found) > 0 {
			text += fmt.Sprintf(" → found in Epicor, not posted again (%s)", labels(n.Found))
		}
		if len(n.Completed) > 0 {
			text += fmt.Sprintf(" → found in Epicor and completed, nothing entered twice (%s)", labels(n.Completed))
		}
		parts = append(parts, text)
	}
	s.Heading("What the network did")
	for _, p := range parts {
		s.Printf("  %s\n", p)
	}
	s.Printf("  %d calls to Concur, %d to Epicor\n", n.ConcurCalls, n.EpicorCalls)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// showTieOut shows the mending and the sums.
func (r *report) showTieOut(s *screen.Screen) {
	if m := r.Mended; m != nil {
		s.Printf("\nMended %s, line %d (%s → %s), read it again and replayed %s: %d posted, %d still open\n",
			m.File, m.Line, m.Code, m.Segment, count(m.Replayed, "document", ""), m.Posted, m.Open)
	}
	for _, m := range r.TieOut {
		s.Printf("\n")
		t := screen.Table{Columns: []screen.Column{{Title: m.Month + " to date"}}}
		for _, title := range []string{"Concur approved", "posted", "open", "recalled", "skipped", "difference"} {
			t.Columns = append(t.Columns, screen.Column{Title: title, Right: true})
		}
		for _, c := range m.Currencies {
			row := []string{"  " + c.Currency}
			for _, a := range []decimal.Decimal{c.Approved, c.Posted, c.Open, c.Recalled, c.Skipped, c.Difference} {
				row = append(row, screen.Amount(a, c.Currency))
			}
			t.Add(row...)
		}
		t.Write(s)
	}
	if r.TieOut.ties() {
		s.Printf("%s %s\n", s.Paint(screen.Good, "Every cent is accounted for."), r.TieOut.standing())
	} else {
		s.Printf("%s\n", s.Paint(screen.Bad, "It does not tie out:"))
		for _, m := range r.TieOut {
			(&monthScreen{s, m}).amiss()
		}
	}
	s.Printf("\nNext: go run ./examples/connector transfers show %s --data %s\n", sample.Itemised, r.Data)
}

// standing says how many invoices stand in Epicor, and for how many of the
// approved documents.
func (ms monthsRun) standing() string {
	invoices, documents, open := 0, 0, 0
	for _, m := range ms {
		for _, d := range m.Documents {
			invoices += len(d.Invoices)
			if len(d.Invoices) > 0 {
				documents++
			}
			if d.Word == engine.WordOpen {
				open++
			}
		}
	}
	text := fmt.Sprintf("%d AP invoices and debit memos stand in Epicor for %s", invoices, count(documents, "approved document", ""))
	if open > 0 {
		text += fmt.Sprintf("; %s %s open", count(open, "approved document", ""), plural(open, "is", "are"))
	}
	return text + "."
}

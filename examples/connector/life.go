package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/catalogue"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/engine"
)

// life shows one document's whole life.
type life struct {
	screen   *screen.Screen
	transfer *app.Transfer
	steps    []app.Step
	reasons  []mapping.Reason
	calls    bool // show every call
}

// margin is where the texts of a timeline begin.
const margin = 25

func (l *life) show() {
	t, s := l.transfer, l.screen
	head := []string{s.Paint(screen.Bold, t.Label.String())}
	if t.Document != nil && t.Document.Name != "" {
		head = append(head, fmt.Sprintf("%q", t.Document.Name))
	}
	head = append(head, t.Owner(), money(t.Totals))
	if t.Document != nil && t.Document.Approved != "" {
		head = append(head, "approved "+string(t.Document.Approved))
	}
	head = append(head, "state: "+s.Paint(styleOf(t), stateText(t)))
	s.Printf("%s\n", strings.Join(nonEmpty(head), "   "))
	s.Printf("%s\n", s.Paint(screen.Faint, strings.Join(nonEmpty([]string{
		t.ID.Document, "tenant " + t.ID.Tenant, "flow " + t.Flow, fmt.Sprintf("revision %d", t.Revision), "times in UTC",
	}), "   ")))
	mapped := -1
	for i := range l.steps {
		if l.steps[i].What == "mapped" {
			mapped = i
		}
	}
	day := ""
	for i := range l.steps {
		if d := l.steps[i].Time.UTC().Format(time.DateOnly); d != day {
			day = d
			s.Printf("%s\n", day)
		}
		l.step(&l.steps[i])
		if i == mapped {
			l.because()
		}
	}
	l.outcome()
}

func nonEmpty(texts []string) []string {
	var out []string
	for _, t := range texts {
		if t != "" {
			out = append(out, t)
		}
	}
	return out
}

func stateText(t *app.Transfer) string {
	if again := t.Again(); again != "" {
		return string(t.Word) + " (" + again + ")"
	}
	if t.State == engine.Returned {
		return string(t.Word) + " (" + string(t.State) + ")"
	}
	if t.Cause == "" {
		return string(t.Word)
	}
	return string(t.Word) + " (" + t.Cause + ")"
}

func styleOf(t *app.Transfer) screen.Style {
	switch {
	case len(t.Issues) > 0:
		return screen.Alert
	case t.Receipt != nil:
		return screen.Good
	default:
		return screen.Plain
	}
}

// words says what happened in a person's words, where the ledger's are short.
var words = map[string]string{"made": "posted", "looked": "looked", "sending": "sent"}

// step shows one step: calls that went wrong first, then what came of them.
func (l *life) step(st *app.Step) {
	for i := range st.Calls {
		if c := &st.Calls[i]; l.calls || c.Bad() {
			l.line(c.Time, "call", callText(c), screen.Plain)
		}
	}
	what := st.What
	if w := words[what]; w != "" {
		what = w
	}
	text := st.Text
	switch st.What {
	case "made", "found":
		text = l.madeText(st)
	case "mapped":
		text = l.mappedText(st)
	case "fetched":
		text = l.fetchedText(st)
	}
	if st.Actor != "" {
		text = strings.TrimSpace(text + ", by " + st.Actor)
	}
	l.line(st.Time, what, strings.TrimSpace(text+callsText(st.Calls)), styleOfStep(st.What))
}

func styleOfStep(what string) screen.Style {
	switch what {
	case "made", "found", "confirmed":
		return screen.Good
	case "failed", "unknown", "refused":
		return screen.Bad
	case "parked":
		return screen.Alert
	default:
		return screen.Plain
	}
}

// line writes one line of the timeline, wrapped where the screen ends.
func (l *life) line(at time.Time, what, text string, style screen.Style) {
	width := 0
	if l.screen.Width > margin+30 {
		width = l.screen.Width - margin
	}
	for i, part := range screen.Wrap(text, width) {
		if i == 0 {
			l.screen.Printf("%s  %s %s\n", at.UTC().Format("15:04:05.000"), l.screen.Paint(style, fmt.Sprintf("%-10s", what)), part)
			continue
		}
		l.screen.Printf("%s%s\n", strings.Repeat(" ", margin), part)
	}
}

func callText(c *app.Call) string {
	path := c.Path
	if c.ToEpicor() {
		_, path, _ = strings.Cut(path, "/odata/")
	}
	text := fmt.Sprintf("%s %s ", c.Method, path)
	switch {
	case c.Status != 0 && c.Failure == "":
		text += fmt.Sprintf("answered %d", c.Status)
	case c.Failure != "":
		text += "no answer: " + c.Failure
	default:
		text += "no answer"
	}
	return fmt.Sprintf("%s after %d ms", text, c.Millis)
}

// callsText sums up the calls that led to a step.
func callsText(calls []app.Call) string {
	if len(calls) == 0 {
		return ""
	}
	concur, epicor := 0, 0
	for i := range calls {
		if calls[i].ToEpicor() {
			epicor++
		} else {
			concur++
		}
	}
	var to []string
	if concur > 0 {
		to = append(to, fmt.Sprintf("%s to Concur", count(concur, "call", "")))
	}
	if epicor > 0 {
		to = append(to, fmt.Sprintf("%s to Epicor", count(epicor, "call", "")))
	}
	last := calls[0].Ended()
	for i := range calls {
		if e := calls[i].Ended(); e.After(last) {
			last = e
		}
	}
	return fmt.Sprintf("   (%s, %d ms)", strings.Join(to, ", "), last.Sub(calls[0].Time).Milliseconds())
}

func (l *life) fetchedText(st *app.Step) string {
	d := l.transfer.Document
	if d == nil {
		return st.Text
	}
	parents, shares := map[string]bool{}, 0
	for _, e := range d.Entries {
		if e.Parent != "" {
			parents[e.Parent] = true
		}
		shares += len(e.Allocations)
	}
	text := st.Text + "; " + count(len(d.Entries), d.Kind.EntryWord(), "")
	if len(parents) > 0 {
		text += fmt.Sprintf(", %d itemised", len(parents))
	}
	if shares > 0 {
		text += ", " + count(shares, "allocation", "")
	}
	return text
}

func (l *life) mappedText(st *app.Step) string {
	p := l.transfer.Posting
	if p == nil {
		return st.Text
	}
	lines, splits := 0, 0
	for _, inv := range p.Invoices {
		lines += len(inv.Lines)
		for _, line := range inv.Lines {
			splits += len(line.Splits)
		}
	}
	return fmt.Sprintf("%s (the rules with Epicor's tables): %s, %s, %s", st.Text, count(len(p.Invoices), "AP invoice", ""), count(lines, "line", ""), count(splits, "GL split", ""))
}

func (l *life) madeText(st *app.Step) string {
	r := l.transfer.Receipt
	if r == nil {
		return st.Text
	}
	var parts []string
	for _, m := range r.Made {
		parts = append(parts, fmt.Sprintf("AP invoice %s, vendor %s, %s, group %s", m.Number, m.Party, money(m.Totals), m.Batch))
	}
	text := strings.Join(parts, "; ")
	if st.What == "found" {
		text = "in Epicor, same key and content → ours, not sent again: " + text
	}
	return text
}

// because shows why each value of the posting is what it is.
func (l *life) because() {
	pad := strings.Repeat(" ", margin)
	for _, r := range l.reasons {
		text := fmt.Sprintf("%s  %s  because %s", r.Field, r.Value, r.Rule)
		if r.Input != "" {
			text += ": " + r.Input
		}
		if r.Row != "" {
			text += " [" + r.Row + "]"
		}
		width := 0
		if l.screen.Width > margin+30 {
			width = l.screen.Width - margin - 2
		}
		for i, part := range screen.Wrap(text, width) {
			if i > 0 {
				part = "  " + part
			}
			l.screen.Printf("%s%s\n", pad, l.screen.Paint(screen.Faint, part))
		}
	}
}

// outcome says what a person must do, or what the document waits for.
func (l *life) outcome() {
	t, s := l.transfer, l.screen
	for _, i := range t.Issues {
		issue(s, i)
	}
	if len(t.Issues) == 0 && t.Receipt == nil && t.Why != "" {
		s.Printf("Waiting: %s\n", t.Why)
	}
	if r := t.GivenBack(); r != nil {
		l.givenBack(r)
	}
	for _, m := range t.StandsBeside() {
		s.Printf("Beside it stands: AP invoice %s, vendor %s, %s, of an earlier revision\n", m.Number, m.Party, money(m.Totals))
	}
	for _, p := range t.Payments {
		kind := ""
		if p.Kind != "" {
			kind = ", " + p.Kind
		}
		s.Printf("Paid: %s on %s%s\n", money([]connector.Total{p.Amount}), p.Date.UTC().Format(time.DateOnly), kind)
	}
	if t.Held.After(time.Now()) {
		s.Printf("Somebody works on it now, and holds it until %s unless it is done before\n", t.Held.UTC().Format(time.TimeOnly))
	}
}

// givenBack says who gave the document back, and what Concur knows of it.
func (l *life) givenBack(r *app.Return) {
	text := r.Why
	if r.By != "" {
		text += ", by " + r.By
	}
	told := "Concur was told that it failed; a new revision comes once it was mended there, and this one is never posted"
	if !r.Told {
		told = "Concur has not been told yet; this revision is never posted"
	}
	l.screen.Printf("Given back to Concur: %s, %s UTC. %s.\n", text, r.At.UTC().Format("2006-01-02 15:04:05"), told)
}

// issue shows one fault: what, where, who and what to do.
func issue(s *screen.Screen, i connector.Issue) {
	where := ""
	if i.Field != "" {
		where = "at " + i.Field + ": "
	}
	s.Printf("%s  %s%s\n", s.Paint(screen.Alert, i.Code), where, i.Message)
	s.Printf("    who: %s   do: %s\n", i.Owner, i.Remedy)
	if link := catalogue.Link(i.Code); link != "" {
		s.Printf("    more: %s\n", link)
	}
}

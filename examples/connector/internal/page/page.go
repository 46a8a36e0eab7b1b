// Package page writes a month's tie-out as one HTML page that needs nothing
// beside itself: no script, no font, no image from elsewhere. What stands in it
// comes from people's documents, so all of it is escaped.
package page

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/catalogue"
	"github.com/ml-connector/ml-connector/examples/connector/internal/screen"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
)

//go:embed month.html
var source string

// Write writes months, each of one tenant, as one page.
func Write(w io.Writer, months []*app.Month) error {
	t, err := template.New("month").Funcs(template.FuncMap{
		"amount": screen.Amount,
		"money":  screen.Money,
		"page":   catalogue.Link,
		"count":  count,
	}).Parse(source)
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	v := pageView{}
	for _, m := range months {
		v.Months = append(v.Months, viewOf(m))
	}
	if len(months) > 0 {
		v.Title = monthName(months[0])
	}
	return t.Execute(w, v)
}

type pageView struct {
	Title  string
	Months []monthView
}

type monthView struct {
	*app.Month
	Name     string
	ReadAt   string
	Verdict  []string // what is not accounted for; empty: it ties
	Lines    []lineView
	Amiss    []app.MonthDocument
	Open     []app.MonthDocument
	Causes   []chartView
	Ages     []chartView
	Days     []daysView
	Accruals []app.Accrual
}

func monthName(m *app.Month) string {
	t, err := time.Parse(time.DateOnly, string(m.First))
	if err != nil {
		return m.Month
	}
	return t.Format("January 2006")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// lineView is one currency with its bar.
type lineView struct {
	app.CurrencyLine
	Tied     bool
	Segments []segment
}

// segment is a part of a bar, in units of the drawing.
type segment struct {
	Class, Label string
	Amount       decimal.Decimal
	X, Width     int64
	Percent      string
}

// barWidth is how wide a bar is drawn.
const barWidth = 1000

func viewOf(m *app.Month) monthView {
	v := monthView{Month: m, Name: monthName(m), ReadAt: m.Read.UTC().Format("2 January 2006, 15:04 MST"), Accruals: m.Accruals}
	for _, c := range m.Currencies {
		v.Lines = append(v.Lines, lineView{CurrencyLine: c, Tied: c.Difference.IsZero(), Segments: segments(c)})
		if !c.Difference.IsZero() {
			v.Verdict = append(v.Verdict, screen.Money(c.Difference, c.Currency)+" is not accounted for")
		}
	}
	for _, d := range m.Documents {
		if d.Why != "" || !d.Difference.IsZero() {
			v.Amiss = append(v.Amiss, d)
		}
		if d.Word == engine.WordOpen {
			v.Open = append(v.Open, d)
		}
	}
	if n := len(v.Amiss); n > 0 && len(v.Verdict) == 0 {
		v.Verdict = append(v.Verdict, "the sums are right, and "+count(n, "document")+" by itself is not")
	}
	if n := len(m.Strangers); n > 0 {
		v.Verdict = append(v.Verdict, count(n, "AP invoice")+" in Epicor that nothing in Concur explains")
	}
	slices.SortStableFunc(v.Open, func(a, b app.MonthDocument) int {
		return cmp.Or(cmp.Compare(b.Days, a.Days), b.InConcur.Cmp(a.InConcur))
	})
	v.Causes = charts(v.Open, func(d app.MonthDocument) (string, string) {
		if d.Cause == "" {
			return "on its way", "the connector"
		}
		return d.Cause, string(cmp.Or(d.Who, connector.IT))
	}, nil)
	v.Ages = charts(v.Open, func(d app.MonthDocument) (string, string) { return age(d.Days), "" }, ages)
	v.Days = days(m)
	return v
}

func segments(c app.CurrencyLine) []segment {
	parts := []segment{
		{Class: "posted", Label: "posted", Amount: c.Posted},
		{Class: "saved", Label: "saved", Amount: c.Saved},
		{Class: "open", Label: "open", Amount: c.Open},
		{Class: "recalled", Label: "recalled", Amount: c.Recalled},
		{Class: "skipped", Label: "skipped", Amount: c.Skipped},
		{Class: "amiss", Label: "not accounted for", Amount: c.Difference},
	}
	sum := decimal.Zero
	for _, p := range parts {
		sum = sum.Add(p.Amount.Abs())
	}
	if sum.IsZero() {
		return nil
	}
	var out []segment
	x := int64(0)
	for _, p := range parts {
		if p.Amount.IsZero() {
			continue
		}
		p.X = x
		p.Width = max(3, p.Amount.Abs().Mul(decimal.NewFromInt(barWidth)).Div(sum).IntPart())
		p.Percent = p.Amount.Abs().Mul(decimal.NewFromInt(100)).Div(sum).StringFixed(1) + " %"
		x += p.Width
		out = append(out, p)
	}
	// Rounding and what is too thin to see are taken from, or given to, the widest.
	widest := 0
	for i := range out {
		if out[i].Width > out[widest].Width {
			widest = i
		}
	}
	out[widest].Width += barWidth - x
	for i := 1; i < len(out); i++ {
		out[i].X = out[i-1].X + out[i-1].Width
	}
	return out
}

// chartView is a chart of bars of one currency.
type chartView struct {
	Currency string
	Bars     []barView
	Height   int
}

type barView struct {
	Label, Note string
	Documents   int
	Amount      decimal.Decimal
	Y           int
	Width       int64
}

const (
	barStep = 44
	barRoom = 340
)

// ages are the labels of an ageing, the youngest first.
var ages = []string{"up to 1 day", "2 to 7 days", "8 to 30 days", "more than 30 days"}

func age(days int) string {
	switch {
	case days <= 1:
		return ages[0]
	case days <= 7:
		return ages[1]
	case days <= 30:
		return ages[2]
	default:
		return ages[3]
	}
}

// charts adds documents up by what by says of them. With order its labels all
// stand there, in that order; else the greatest goes first.
func charts(docs []app.MonthDocument, by func(app.MonthDocument) (label, note string), order []string) []chartView {
	type key struct{ currency, label string }
	bars := map[key]*barView{}
	currencies := []string{}
	for _, d := range docs {
		if !slices.Contains(currencies, d.Currency) {
			currencies = append(currencies, d.Currency)
		}
		label, note := by(d)
		k := key{d.Currency, label}
		if bars[k] == nil {
			bars[k] = &barView{Label: label, Note: note}
		}
		bars[k].Documents++
		bars[k].Amount = bars[k].Amount.Add(d.InConcur)
	}
	slices.Sort(currencies)
	var out []chartView
	for _, currency := range currencies {
		c := chartView{Currency: currency}
		for _, label := range order {
			if bars[key{currency, label}] == nil {
				bars[key{currency, label}] = &barView{Label: label}
			}
		}
		most := decimal.Zero
		for k, b := range bars {
			if k.currency == currency {
				c.Bars = append(c.Bars, *b)
				most = decimal.Max(most, b.Amount.Abs())
			}
		}
		slices.SortFunc(c.Bars, func(a, b barView) int {
			if order != nil {
				return slices.Index(order, a.Label) - slices.Index(order, b.Label)
			}
			return cmp.Or(b.Amount.Abs().Cmp(a.Amount.Abs()), cmp.Compare(a.Label, b.Label))
		})
		for i := range c.Bars {
			c.Bars[i].Y = i * barStep
			if most.IsPositive() && !c.Bars[i].Amount.IsZero() {
				c.Bars[i].Width = max(3, c.Bars[i].Amount.Abs().Mul(decimal.NewFromInt(barRoom)).Div(most).IntPart())
			}
		}
		c.Height = len(c.Bars) * barStep
		out = append(out, c)
	}
	return out
}

// daysView is a chart of columns of one currency: what took effect on which day.
type daysView struct {
	Currency string
	Most     decimal.Decimal
	Columns  []columnView
	Later    decimal.Decimal // took effect after the month
	Before   decimal.Decimal
}

type columnView struct {
	Day       int
	Date      string
	Weekend   bool
	Documents int
	Amount    decimal.Decimal
	X         int
	Y, Height int64
	Labelled  bool
}

const (
	columnStep = 32
	columnRoom = 100
)

func days(m *app.Month) []daysView {
	first, err := time.Parse(time.DateOnly, string(m.First))
	if err != nil {
		return nil
	}
	var currencies []string
	for _, c := range m.Currencies {
		currencies = append(currencies, c.Currency)
	}
	var out []daysView
	for _, currency := range currencies {
		v := daysView{Currency: currency}
		for d := first; d.Month() == first.Month(); d = d.AddDate(0, 0, 1) {
			v.Columns = append(v.Columns, columnView{
				Day: d.Day(), Date: d.Format("Monday, 2 January"), Weekend: d.Weekday() == time.Saturday || d.Weekday() == time.Sunday,
				X: (d.Day() - 1) * columnStep, Labelled: d.Day() == 1 || d.Day()%5 == 0,
			})
		}
		some := false
		for _, doc := range m.Documents {
			for _, inv := range doc.Invoices {
				if inv.Currency == currency {
					some = true
					v.add(m, inv)
				}
			}
		}
		if !some {
			continue
		}
		for _, c := range v.Columns {
			v.Most = decimal.Max(v.Most, c.Amount.Abs())
		}
		for i := range v.Columns {
			c := &v.Columns[i]
			if v.Most.IsPositive() && !c.Amount.IsZero() {
				c.Height = max(2, c.Amount.Abs().Mul(decimal.NewFromInt(columnRoom)).Div(v.Most).IntPart())
			}
			c.Y = columnRoom - c.Height
		}
		out = append(out, v)
	}
	return out
}

func (v *daysView) add(m *app.Month, inv app.Invoice) {
	switch {
	case m.Last.Before(inv.Applied):
		v.Later = v.Later.Add(inv.Amount)
	case inv.Applied.Before(m.First):
		v.Before = v.Before.Add(inv.Amount)
	default:
		day := dayOf(inv.Applied)
		if day < 1 || day > len(v.Columns) {
			return
		}
		v.Columns[day-1].Documents++
		v.Columns[day-1].Amount = v.Columns[day-1].Amount.Add(inv.Amount)
	}
}

func dayOf(d document.Date) int {
	t, err := time.Parse(time.DateOnly, strings.TrimSpace(string(d)))
	if err != nil {
		return 0
	}
	return t.Day()
}

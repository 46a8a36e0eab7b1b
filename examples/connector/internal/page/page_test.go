package page

import (
	"bytes"
	"encoding/xml"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
)

var keep = flag.String("page", "", "write the page of the test to this file, to be looked at")

func d(text string) decimal.Decimal { return decimal.RequireFromString(text) }

const hostile = `<script>alert(1)</script>"><img src=x onerror=alert(2)>' {{.}} javascript:alert(3)`

// busy is a month in which everything happens.
func busy() *app.Month {
	doc := func(day document.Date, number, owner, currency, amount string, word engine.Word) app.MonthDocument {
		return app.MonthDocument{
			ID: "report/" + number, Label: app.Label{Kind: "report", Number: number}, Owner: owner, Approved: day, Currency: currency,
			InConcur: d(amount), Word: word, Ledger: word, Invoices: []app.Invoice{},
		}
	}
	posted := func(day document.Date, number, owner, currency, amount string) app.MonthDocument {
		x := doc(day, number, owner, currency, amount, engine.WordPosted)
		x.InEpicor = x.InConcur
		x.Invoices = []app.Invoice{{Number: "CX-" + number + "-1-E", Vendor: "E1042 " + owner, Applied: day, Currency: currency, Amount: x.InConcur, Posted: true}}
		return x
	}
	open := func(x app.MonthDocument, cause string, who connector.Owner, days int) app.MonthDocument {
		x.Cause, x.Who, x.Days, x.Issue, x.Remedy = cause, who, days, "cost centre \"4711\" stands in no line", "Map it, then replay."
		return x
	}
	gone := doc("2026-11-12", "GONE01", "Tom Becker", "USD", "450.00", "")
	gone.Ledger, gone.Difference, gone.Why = engine.WordPosted, d("450"), "the ledger says that it was posted as CX-GONE01-1-E, and Epicor does not have it"
	evil := open(doc("2026-11-03", hostile, hostile, "USD", "77.00", engine.WordOpen), "vendor_missing", hostile, 27)
	evil.Issue, evil.Remedy = hostile, hostile
	m := &app.Month{
		Tenant: "brightwater", Month: "2026-11", First: "2026-11-01", Last: "2026-11-30", TimeZone: "Europe/Berlin", Company: "EPIC06", Read: time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC),
		Currencies: []app.CurrencyLine{
			{Currency: "EUR", Approved: d("2949.40"), Posted: d("2949.40")},
			{Currency: "JPY", Approved: d("12000"), Posted: d("11000"), Skipped: d("1000")},
			{Currency: "USD", Approved: d("14847.56"), Posted: d("11333.46"), Saved: d("800"), Open: d("1514.10"), Recalled: d("750"), Difference: d("450")},
		},
		Accruals: []app.Accrual{{Currency: "USD", Documents: 3, Amount: d("1591.10"), Earlier: d("77")}},
		Documents: []app.MonthDocument{
			posted("2026-11-02", "A1B2C3", "Ana Ruiz", "USD", "3412.40"), posted("2026-11-05", "B1B2C3", "Ana Ruiz", "USD", "412.40"), posted("2026-11-09", "9F22K1", "Jo Lindqvist", "EUR", "2284.00"),
			posted("2026-11-10", "C1B2C3", "Mei Tanaka", "USD", "1022.80"), posted("2026-11-17", "D1B2C3", "Mei Tanaka", "USD", "5022.80"), posted("2026-11-24", "E1B2C3", "Lena Vogt", "EUR", "665.40"),
			open(doc("2026-11-20", "7K2P0Q", "Priya Nair", "USD", "1204.10", engine.WordOpen), "cost_centre_unknown", connector.Finance, 11),
			open(doc("2026-11-29", "88-1201", "Nordwind", "USD", "310.00", engine.WordOpen), "vendor_missing", connector.Purchasing, 2), gone, evil,
		},
		Strangers: []app.Stranger{{Invoice: app.Invoice{Key: "K", Number: hostile, Vendor: hostile, Applied: "2026-11-12", Currency: "USD", Amount: d("12.00")}, Why: hostile}},
		Earlier:   []app.EarlierDocument{{ID: "report/X", Label: app.Label{Kind: "report", Number: "OCT001"}, Owner: hostile, Period: "2026-10", Totals: []connector.Total{{Currency: "USD", Amount: d("77")}}, Cause: "retries_exhausted", Who: connector.IT, Issue: "12 tries failed"}},
	}
	return m
}

func written(t *testing.T, months ...*app.Month) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, Write(&b, months))
	if *keep != "" {
		require.NoError(t, os.WriteFile(*keep, b.Bytes(), 0o600))
	}
	return b.String()
}

func TestWhatPeopleWroteStandsOnThePageAsTextAlone(t *testing.T) {
	page := written(t, busy())
	require.Contains(t, page, "&lt;script&gt;alert(1)&lt;/script&gt;", "the text itself is there")
	require.NotContains(t, page, "<script")
	require.NotContains(t, page, "<img")
	require.Regexp(t, `^[^<]*<!DOCTYPE html>`, page)
	// Whatever a browser would take for an attribute stands in tags of the template.
	for _, tag := range regexp.MustCompile(`<[a-zA-Z][^>]*>`).FindAllString(page, -1) {
		require.NotContains(t, tag, "alert(")
		require.NotRegexp(t, `\son[a-z]+\s*=`, tag)
	}
}

func TestThePageNeedsNothingFromElsewhere(t *testing.T) {
	page := written(t, busy())
	for _, tag := range regexp.MustCompile(`<[a-zA-Z][^>]*>`).FindAllString(page, -1) {
		require.NotRegexp(t, `(?i)\s(src|href|xlink:href|action|data|srcset)\s*=|<link|<iframe|<object|<form`, tag)
	}
	style := page[strings.Index(page, "<style>"):strings.Index(page, "</style>")]
	require.NotRegexp(t, `@import|url\(`, style)
	require.Contains(t, page, `default-src 'none'`)
	require.Less(t, len(page), 100_000)
}

func TestThePageNamesEachDifferenceAndEverySum(t *testing.T) {
	page := written(t, busy())
	for _, text := range []string{
		"It does not tie out: USD 450.00 is not accounted for", "GONE01", "Epicor does not have it", "1,514.10", "12,000", "OCT001", "1,591.10", "docs/errors/cost_centre_unknown.md",
	} {
		require.Contains(t, page, text)
	}
	quiet := &app.Month{Tenant: "a", Month: "2026-02", First: "2026-02-01", Last: "2026-02-28", Read: time.Now()}
	require.Contains(t, written(t, quiet), "Nothing was finally approved in this month.")
}

func TestTheSegmentsOfABarFillItWhateverTheirSizes(t *testing.T) {
	for _, c := range []app.CurrencyLine{
		{Posted: d("999999.99"), Open: d("0.01")},
		{Posted: d("1"), Saved: d("1"), Open: d("1")},
		{Posted: d("-326.85"), Open: d("22.15"), Difference: d("0.01")},
	} {
		total, x := int64(0), int64(0)
		for _, s := range segments(c) {
			require.Equal(t, x, s.X)
			require.GreaterOrEqual(t, s.Width, int64(3), "also the smallest is seen")
			total += s.Width
			x += s.Width
		}
		require.Equal(t, int64(barWidth), total)
	}
	require.Empty(t, segments(app.CurrencyLine{}))
}

func TestTheDrawingsAreWellFormed(t *testing.T) {
	page := written(t, busy())
	drawings := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1)
	require.Greater(t, len(drawings), 5)
	for _, drawing := range drawings {
		dec := xml.NewDecoder(strings.NewReader(drawing))
		for {
			_, err := dec.Token()
			if err != nil {
				require.EqualError(t, err, "EOF", drawing)
				break
			}
		}
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
)

// result is what a command left behind.
type result struct {
	code           int
	stdout, stderr string
}

// perform runs a command line in the process.
func perform(t *testing.T, hooks demoHooks, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := &program{stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "" }, hooks: hooks}
	code := p.run(t.Context(), args)
	return result{code, stdout.String(), stderr.String()}
}

// decode reads the JSON that a command printed.
func decode[T any](t *testing.T, r result) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &v), r.stdout)
	return v
}

func TestDemoTiesOutAndItsDataCanBeLookedAtAfterwards(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	r := perform(t, demoHooks{}, "demo", "--data", dir)
	require.Zero(t, r.code, r.stdout+r.stderr)
	require.Empty(t, r.stderr)
	require.NotContains(t, r.stdout, "\x1b", "no colour and no drawing over where nobody looks on")
	for _, currency := range []string{"EUR", "USD"} {
		require.Regexp(t, `(?m)^  `+currency+` +[\d,]+\.\d\d +[\d,]+\.\d\d .* 0\.00$`, r.stdout)
	}
	require.Contains(t, r.stdout, "difference")
	require.Contains(t, r.stdout, "Every cent is accounted for. 22 AP invoices and debit memos stand in Epicor for 16 approved documents; 1 approved document is open.")
	require.Contains(t, r.stdout, "transfers show A1B2C3 --data "+dir)

	t.Run("list", func(t *testing.T) {
		r := perform(t, demoHooks{}, "transfers", "list", "--data", dir)
		require.Zero(t, r.code, r.stderr)
		require.Equal(t, 20, strings.Count(r.stdout, "\n"), r.stdout)
		require.Regexp(t, `(?m)^invoice 88-1201 .* USD 310\.00 +open +vendor_missing`, r.stdout)
		open := decode[[]transferView](t, perform(t, demoHooks{}, "transfers", "list", "--data", dir, "--state", "open", "--json"))
		require.Len(t, open, 1)
		require.Equal(t, sample.NoVendor, open[0].Document.Number)
	})
	t.Run("show", func(t *testing.T) {
		r := perform(t, demoHooks{}, "transfers", "show", "a1b2c3", "--data", dir)
		require.Zero(t, r.code, r.stderr)
		line := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{3}  (\w+)`)
		var whats []string
		for _, m := range line.FindAllStringSubmatch(r.stdout, -1) {
			whats = append(whats, m[1])
		}
		require.Subset(t, whats, []string{"event", "stored", "fetched", "mapped", "sent", "posted"})
		require.Regexp(t, `GL account 6420\|200\|00 because meals-domestic \(mapping\.yaml:\d+\): expense type MEALS, country US`, r.stdout)
		require.Contains(t, r.stdout, "1 itemised")
		require.Contains(t, r.stdout, "state: posted")
	})
	t.Run("show what went wrong on the way", func(t *testing.T) {
		r := perform(t, demoHooks{}, "transfers", "show", sample.Stumbling, "--data", dir)
		for _, status := range []string{"429", "401", "500"} {
			require.Regexp(t, `call +GET /expensereports/v4/.* answered `+status, r.stdout)
		}
		r = perform(t, demoHooks{}, "transfers", "show", sample.LostAnswer, "--data", dir)
		require.Regexp(t, `call +POST .*/UpdateMaster no answer`, r.stdout)
		require.Regexp(t, `found +in Epicor, same key and content`, r.stdout)
	})
	t.Run("show for programs", func(t *testing.T) {
		v := decode[struct {
			State    string
			Reasons  []struct{ Rule string }
			Timeline []app.Step
		}](t, perform(t, demoHooks{}, "transfers", "show", sample.UnknownCode, "--data", dir, "--json"))
		require.Equal(t, "confirmed", v.State)
		require.NotEmpty(t, v.Reasons)
		whats := map[string]int{}
		for _, s := range v.Timeline {
			whats[s.What]++
		}
		require.Positive(t, whats["parked"])
		require.Equal(t, 1, whats["replay"])
		require.Equal(t, 1, whats["made"])
	})
	t.Run("nobody", func(t *testing.T) {
		r := perform(t, demoHooks{}, "transfers", "show", "NOBODY", "--data", dir)
		require.Equal(t, exitMend, r.code)
		require.Contains(t, r.stderr, "transfers list")
		require.Equal(t, exitMend, perform(t, demoHooks{}, "replay", "NOBODY", "--data", dir).code)
	})
	t.Run("again, for programs", func(t *testing.T) {
		r := perform(t, demoHooks{}, "demo", "--json", "--data", dir)
		require.Zero(t, r.code, r.stdout+r.stderr)
		list := decode[[]transferView](t, perform(t, demoHooks{}, "transfers", "list", "--data", dir, "--json"))
		require.Len(t, list, 19, "the directory is replaced, not added to")
		checkWhatWasMadeToHappen(t, decode[report](t, r))
	})
}

// checkWhatWasMadeToHappen checks that a demonstration measured what its sample
// and its faults bring about, and that all bookings add up.
func checkWhatWasMadeToHappen(t *testing.T, d report) {
	t.Helper()
	require.Equal(t, 13, d.Counts.Events, "13 approvals: one event comes twice, one never")
	require.Equal(t, counts{Events: 13, Documents: 19, Posted: 15, Person: 2, Waiting: 2}, d.Counts)
	require.Equal(t, []app.Label{{Kind: "report", Number: sample.Announced}}, d.Network.Twice)
	require.Equal(t, []app.Label{{Kind: "report", Number: sample.Unannounced}}, d.Network.Never)
	require.Len(t, d.Network.Refused, 1)
	require.Equal(t, sample.Stumbling, d.Network.Refused[0].Label.Number)
	require.Equal(t, []int{http.StatusTooManyRequests, http.StatusUnauthorized, http.StatusInternalServerError}, d.Network.Refused[0].Statuses)
	require.GreaterOrEqual(t, d.Network.Refreshes, 1)
	require.Equal(t, 1, d.Network.LostAnswers)
	require.Equal(t, []app.Label{{Kind: "report", Number: sample.LostAnswer}}, d.Network.Found)

	causes := map[string]string{}
	for _, p := range d.Person {
		causes[p.Label.Number] = p.Cause
	}
	require.Equal(t, map[string]string{sample.UnknownCode: "cost_centre_unknown", sample.NoVendor: "vendor_missing"}, causes)
	require.Equal(t, 1, d.Mended.Posted)
	require.Equal(t, 1, d.Mended.Open)
	mapping, err := os.ReadFile(d.Mended.File)
	require.NoError(t, err)
	require.Contains(t, strings.Split(string(mapping), "\n")[d.Mended.Line-1], `"4711": "200"`, "the file was really mended, and at that line")

	memos := 0
	for _, p := range d.Posted {
		sum := decimal.Zero
		for _, b := range p.Bookings {
			split := decimal.Zero
			for _, a := range b.Accounts {
				split = split.Add(a.Amount)
			}
			require.True(t, split.Equal(b.Amount), "%s: the accounts add up to the invoice", b.Number)
			sum = sum.Add(b.Amount)
			if b.DebitMemo {
				memos++
			}
		}
		require.True(t, sum.Equal(p.Approved), "%s: what is booked is what was approved", p.Label)
	}
	require.Positive(t, memos, "a refund becomes a debit memo")
}

func TestDemoFailsWhenItDoesNotTie(t *testing.T) {
	hooks := demoHooks{beforeTieOut: func(s *epicortest.Server) { remove(t, s, "CX-"+sample.LostAnswer) }}
	r := perform(t, hooks, "demo", "--data", filepath.Join(t.TempDir(), "demo"))
	require.Equal(t, exitFail, r.code, r.stdout)
	require.Contains(t, r.stdout, "It does not tie out")
	require.Regexp(t, `(?m)^  USD .* 450\.00$`, r.stdout)
	require.NotContains(t, r.stdout, "Every cent")
	require.Contains(t, r.stderr, "does not tie out")
}

// remove removes an invoice from Epicor as a clerk does at the screen.
func remove(t *testing.T, s *epicortest.Server, number string) {
	t.Helper()
	c, err := epicor.NewClient(s.Root(sample.EpicorCompany), epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword),
		&epicor.Options{AllowHTTP: true, HTTP: s.Client()})
	require.NoError(t, err)
	for _, inv := range s.Invoices(sample.EpicorCompany) {
		if strings.HasPrefix(inv.Number, number) {
			require.NoError(t, c.APInvoices.Delete(t.Context(), inv.VendorNum, inv.Number, inv.ExternalID))
			return
		}
	}
	t.Fatalf("there is no invoice %s", number)
}

func TestDemoRefusesADirectoryThatIsNotItsOwn(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "thesis.txt")
	require.NoError(t, os.WriteFile(file, []byte("draft"), 0o600))
	r := perform(t, demoHooks{}, "demo", "--data", dir)
	require.Equal(t, exitMend, r.code)
	require.Contains(t, r.stderr, dir)
	require.Contains(t, r.stderr, "--data")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.FileExists(t, file)
}

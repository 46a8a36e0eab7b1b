package app

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
)

func TestRenewTakesADirectoryThatIsNotThereOrEmpty(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	require.NoError(t, Renew(dir, Demo))
	require.DirExists(t, dir)
	require.NoError(t, Renew(dir, Demo))
}

func TestRenewRefusesADirectoryThatIsNotItsOwnAndTouchesNothing(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"somebody else's":       {"thesis.txt": "draft", LedgerFile: "not ours"},
		"the live ledger":       {MarkerFile: `{"kind":"live"}`, LedgerFile: "what was posted"},
		"with a damaged marker": {MarkerFile: `{"kind":`, LedgerFile: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for f, text := range files {
				require.NoError(t, os.WriteFile(filepath.Join(dir, f), []byte(text), 0o600))
			}
			var foreign *ForeignError
			require.ErrorAs(t, Renew(dir, Demo), &foreign)
			for f, text := range files {
				b, err := os.ReadFile(filepath.Join(dir, f))
				require.NoError(t, err)
				require.Equal(t, text, string(b))
			}
		})
	}
}

func TestRenewEmptiesItsOwnDirectoryOfItsOwnFilesOnly(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{MarkerFile, LedgerFile, LedgerFile + "-wal", AuditFile, MappingFile, "notes.txt"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, f), []byte(`{"kind":"demo"}`), 0o600))
	}
	require.NoError(t, Renew(dir, Demo))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Equal(t, "notes.txt", left[0].Name())
}

func TestAMarkerIsReplacedAsAWholeAndItsListsAreLists(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Mark(dir, Marker{Kind: Live, Sealed: true}))
	before, err := os.Open(filepath.Join(dir, MarkerFile))
	require.NoError(t, err)
	t.Cleanup(func() { _ = before.Close() })
	require.NoError(t, Mark(dir, Marker{Kind: Live, Tenants: []string{"acme"}, Targets: []string{DefaultTarget}}))
	// Who opened the old one still reads the old one.
	old, err := io.ReadAll(before)
	require.NoError(t, err)
	require.JSONEq(t, `{"kind":"live","tenants":[],"targets":[],"sealed":true}`, string(old))
	m, err := ReadMarker(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"acme"}, m.Tenants)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing is left beside it")
}

func TestADirectoryWithoutMarkerIsNoDataDirectory(t *testing.T) {
	_, err := OpenData(t.Context(), t.TempDir())
	require.ErrorContains(t, err, MarkerFile)
}

func TestTransfersAreFoundByNumberByIDAndByAPInvoiceInAnyCase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.report(threeParties)
		w.company.Approve(r.ID)
		a := w.connector()
		w.run(a, time.Minute)
		for _, text := range []string{"K7M4QX", "k7m4qx", r.ID, "report/" + r.ID, "cx-k7m4qx-2-e"} {
			found, err := a.Find(t.Context(), tenantName, text)
			require.NoError(t, err)
			require.Len(t, found, 1, text)
			require.Equal(t, "report "+threeParties, found[0].Label.String())
			require.Equal(t, "Mei Tanaka", found[0].Owner())
		}
		// A report that waits is found by its number too, although nothing of it is stored.
		found, err := a.Find(t.Context(), tenantName, sample.NotApproved)
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Nil(t, found[0].Document)
		found, err = a.Find(t.Context(), tenantName, "nobody")
		require.NoError(t, err)
		require.Empty(t, found)
	})
}

func TestANumberOfTwoSuppliersFindsBothInvoices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, code := range []string{"V0211", "V0340"} {
			w.company.AddApprovedPaymentRequest(concurtest.PaymentRequest{
				InvoiceNumber: "2026/7", Vendor: concurtest.Vendor{Code: code, Name: code}, Policy: "AP",
				Lines: []concurtest.Line{{ExpenseType: "CLOUD", Amount: concurtest.Amount("10.00"), Custom: map[string]string{"Custom2": "420"}}},
			})
		}
		a := w.connector()
		w.run(a, time.Minute)
		found, err := a.Find(t.Context(), tenantName, "2026/7")
		require.NoError(t, err)
		require.Len(t, found, 2)
		require.Len(t, w.ours("2026/7"), 2)
	})
}

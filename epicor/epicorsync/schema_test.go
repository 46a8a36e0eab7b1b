package epicorsync_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
)

// Every column that a query of this package names is one of the vendor's.
func TestEveryColumnOfEveryQueryExists(t *testing.T) {
	dir := os.Getenv("EPICOR_SCHEMA")
	if dir == "" {
		if os.Getenv("ML_CONNECTOR_NO_SKIP") == "1" {
			t.Fatal("EPICOR_SCHEMA is not set, and ML_CONNECTOR_NO_SKIP=1 wants every test to run")
		}
		t.Skip("SKIPPED: set EPICOR_SCHEMA to a folder with the vendor's tables/*.json to check every name against them")
	}
	srv := server(nil)
	c := client(t, srv, epicor.Options{})
	s := epicorsync.Invoices(c, nil)
	_, err := s.Deliver(t.Context(), report())
	require.NoError(t, err)
	_, err = s.Standing(t.Context(), "2026-10-01", "2026-10-31")
	require.NoError(t, err)
	_, err = epicorsync.Tables(c, &epicorsync.TablesOptions{COACode: "MAIN", EmployeeColumn: "ExternalId"}).Snapshot(t.Context())
	require.NoError(t, err)

	tables := map[string]string{"Vendors": "Vendor", "GLAccounts": "GLAccount", "APInvoices": "APInvHed"}
	literal, name := regexp.MustCompile(`'(?:[^']|'')*'|[0-9]{4}-[0-9T:.Z-]+`), regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)
	words := map[string]bool{"eq": true, "ne": true, "ge": true, "le": true, "and": true, "or": true, "asc": true, "desc": true}
	n := 0
	for _, call := range srv.Calls() {
		table, ok := tables[call.Path[strings.LastIndexByte(call.Path, '/')+1:]]
		if !ok {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, "tables", table+".json"))
		require.NoError(t, err)
		var schema struct {
			Columns []struct{ Name string }
		}
		require.NoError(t, json.Unmarshal(b, &schema))
		known := map[string]bool{}
		for _, c := range schema.Columns {
			known[c.Name] = true
		}
		q, err := url.ParseQuery(call.Query)
		require.NoError(t, err)
		for _, option := range []string{"$select", "$filter", "$orderby"} {
			for _, word := range name.FindAllString(literal.ReplaceAllString(q.Get(option), ""), -1) {
				if words[word] {
					continue
				}
				n++
				require.True(t, known[word], "%s: table %s has no column %s", option, table, word)
			}
		}
	}
	require.Greater(t, n, 30)
	t.Logf("%d uses of columns checked", n)
}

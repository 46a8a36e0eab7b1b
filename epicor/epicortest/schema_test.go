package epicortest

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// published is a service's method schema.
type published struct {
	Service string
	Methods []publishedMethod
}

type publishedMethod struct {
	Verb, Name    string
	Input, Output []struct{ Name string }
}

// schemaFolder names the folder of the vendor's schemas: tables/*.json and methods/*.json.
func schemaFolder(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("EPICOR_SCHEMA")
	if dir == "" {
		if os.Getenv("ML_CONNECTOR_NO_SKIP") == "1" {
			require.Fail(t, "EPICOR_SCHEMA does not name the folder of the vendor's schemas")
		}
		t.Skip("EPICOR_SCHEMA does not name the folder of the vendor's schemas: names are not checked")
	}
	return dir
}

func readSchema(t *testing.T, v any, elem ...string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elem...))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, v))
}

func service(t *testing.T, dir, name string) published {
	t.Helper()
	var p published
	readSchema(t, &p, dir, "methods", name+".json")
	return p
}

func (p published) find(verb, name string) (publishedMethod, bool) {
	i := slices.IndexFunc(p.Methods, func(m publishedMethod) bool { return m.Name == name && (verb == "" || m.Verb == verb) })
	if i < 0 {
		return publishedMethod{}, false
	}
	return p.Methods[i], true
}

func TestEveryColumnStandsInTheVendorsSchema(t *testing.T) {
	dir := schemaFolder(t)
	var checked []string
	for _, tab := range newSchema() {
		var p struct {
			Service string
			Columns []struct{ Name, Type string }
		}
		readSchema(t, &p, dir, "tables", tab.name+".json")
		require.Equal(t, p.Service, tab.service, tab.name)
		types := map[string]string{}
		for _, c := range p.Columns {
			types[c.Name] = c.Type
		}
		for _, c := range tab.columns {
			require.Contains(t, types, c.name, tab.name)
			// The export writes amounts as int, dates and GUIDs as str.
			want := map[kind]string{text: "str", date: "str", guid: "str", integer: "int", number: "int", boolean: "bool"}[c.kind]
			require.Equal(t, want, types[c.name], "%s.%s", tab.name, c.name)
			checked = append(checked, tab.name+"."+c.name)
		}
		for _, k := range tab.key {
			require.Contains(t, types, k, tab.name)
		}
	}
	require.NotEmpty(t, checked)
	slices.Sort(checked)
	t.Logf("%d columns checked: %s", len(checked), strings.Join(checked, ", "))
}

func TestEveryEntitySetAndItsKeyStandInTheVendorsSchema(t *testing.T) {
	dir := schemaFolder(t)
	sch := newSchema()
	var checked []string
	for _, tab := range sch {
		if tab.set == "" {
			continue
		}
		checked = append(checked, tab.service+"/"+tab.set+"("+strings.Join(tab.key, ", ")+")")
		p := service(t, dir, tab.service)
		_, ok := p.find(http.MethodGet, tab.set)
		require.True(t, ok, tab.set)
		byKey := tab.set + "_" + strings.Join(tab.key, "_")
		_, ok = p.find(http.MethodGet, byKey)
		require.True(t, ok, byKey)
		for set := range sch.children(tab) {
			_, ok = p.find(http.MethodGet, byKey+"_"+set)
			require.True(t, ok, byKey+"_"+set)
		}
	}
	slices.Sort(checked)
	t.Logf("%d entity sets checked with their keys: %s", len(checked), strings.Join(checked, ", "))
}

func TestEveryTableOfTheInvoiceTablesetStandsInTheVendorsSchema(t *testing.T) {
	m, ok := service(t, schemaFolder(t), svcInvoice).find(http.MethodGet, "GetRows")
	require.True(t, ok)
	var tables []string
	for _, in := range m.Input {
		if n, ok := strings.CutPrefix(in.Name, "whereClause"); ok {
			tables = append(tables, n)
		}
	}
	require.ElementsMatch(t, tables, invoiceTables())
	t.Logf("%d tables checked: %s", len(tables), strings.Join(tables, ", "))
}

func TestEveryMethodAndParameterStandsInTheVendorsSchema(t *testing.T) {
	dir := schemaFolder(t)
	var checked []string
	for _, m := range newMethods() {
		verb := http.MethodPost
		if m.read {
			verb = http.MethodGet
		}
		p, ok := service(t, dir, m.service).find(verb, m.name)
		require.True(t, ok, "%s %s/%s", verb, m.service, m.name)
		var in, out []string
		for _, x := range p.Input {
			in = append(in, x.Name)
		}
		for _, x := range p.Output {
			out = append(out, x.Name)
		}
		require.ElementsMatch(t, in, m.in, m.name)
		require.ElementsMatch(t, out, m.out, m.name)
		checked = append(checked, m.service+"/"+m.name+"("+strings.Join(in, ", ")+") → "+strings.Join(out, ", "))
	}
	slices.Sort(checked)
	t.Logf("%d methods checked with their parameters:\n%s", len(checked), strings.Join(checked, "\n"))
}

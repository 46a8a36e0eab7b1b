package epicor_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
)

// schema is what the vendor publishes about its services.
type schema struct {
	columns map[string]map[string]bool     // table to columns
	inputs  map[string]map[string][]string // service to method to inputs
	sets    map[string]map[string]bool     // service to entity sets
	outputs map[string]bool                // names of outputs, of all methods
	given   map[string]map[string][]string // service to method to outputs
}

// loadSchema reads the folder that EPICOR_SCHEMA names: tables/*.json and
// methods/*.json.
func loadSchema(t *testing.T) schema {
	t.Helper()
	dir := os.Getenv("EPICOR_SCHEMA")
	if dir == "" {
		if os.Getenv("ML_CONNECTOR_NO_SKIP") == "1" {
			t.Fatal("EPICOR_SCHEMA is not set, and ML_CONNECTOR_NO_SKIP=1 wants every test to run")
		}
		t.Skip("SKIPPED: set EPICOR_SCHEMA to a folder with the vendor's tables/*.json and methods/*.json to check every name against them")
	}
	s := schema{
		columns: map[string]map[string]bool{}, inputs: map[string]map[string][]string{},
		sets: map[string]map[string]bool{}, outputs: map[string]bool{}, given: map[string]map[string][]string{},
	}
	read := func(pattern string, use func([]byte) error) {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, f := range files {
			b, err := os.ReadFile(f)
			require.NoError(t, err)
			require.NoError(t, use(b), f)
		}
	}
	type named struct {
		Name string `json:"name"`
	}
	type table struct {
		Table   string  `json:"table"`
		Columns []named `json:"columns"`
	}
	read("tables/*.json", func(b []byte) error {
		var x table
		err := json.Unmarshal(b, &x)
		s.columns[x.Table] = map[string]bool{}
		for _, c := range x.Columns {
			s.columns[x.Table][c.Name] = true
		}
		return err
	})
	type service struct {
		Service string `json:"service"`
		Methods []struct {
			Verb   string   `json:"verb"`
			Name   string   `json:"name"`
			Input  []named  `json:"input"`
			Output []named  `json:"output"`
			Params []string `json:"params"`
		} `json:"methods"`
	}
	read("methods/*.json", func(b []byte) error {
		var x service
		err := json.Unmarshal(b, &x)
		s.inputs[x.Service], s.sets[x.Service], s.given[x.Service] = map[string][]string{}, map[string]bool{}, map[string][]string{}
		for _, m := range x.Methods {
			if m.Verb == "GET" && slices.Contains(m.Params, "select") {
				s.sets[x.Service][m.Name] = true
			}
			var in []string
			for _, p := range m.Input {
				in = append(in, p.Name)
			}
			slices.Sort(in)
			if len(in) > 0 || s.inputs[x.Service][m.Name] == nil {
				s.inputs[x.Service][m.Name] = in
			}
			for _, o := range m.Output {
				s.outputs[o.Name] = true
				s.given[x.Service][m.Name] = append(s.given[x.Service][m.Name], o.Name)
			}
		}
		return err
	})
	return s
}

// source is the package's own code, with its string constants.
func source(t *testing.T) (files map[string]*ast.File, consts map[string]string) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	files, consts = map[string]*ast.File{}, map[string]string{}
	for _, n := range names {
		if strings.HasSuffix(n, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), n, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files[n] = f
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Names) == len(v.Values) {
				for i, name := range v.Names {
					if s, ok := literal(v.Values[i], nil); ok {
						consts[name.Name] = s
					}
				}
			}
			return true
		})
	}
	return files, consts
}

func literal(e ast.Expr, consts map[string]string) (string, bool) {
	switch x := e.(type) {
	case *ast.BasicLit:
		if x.Kind != token.STRING {
			return "", false
		}
		s, err := strconv.Unquote(x.Value)
		return s, err == nil
	case *ast.Ident:
		s, ok := consts[x.Name]
		return s, ok
	}
	return "", false
}

// calls visits every call in the package with the name of what is called.
func calls(files map[string]*ast.File, visit func(name string, args []ast.Expr)) {
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			fn := c.Fun
			if ix, ok := fn.(*ast.IndexExpr); ok {
				fn = ix.X
			}
			switch x := fn.(type) {
			case *ast.SelectorExpr:
				visit(x.Sel.Name, c.Args)
			case *ast.Ident:
				visit(x.Name, c.Args)
			}
			return true
		})
	}
}

// methodOf is the method that a call in the package's code names, with the
// expression of its inputs; "" when it is none.
func methodOf(name string, args []ast.Expr, consts map[string]string) (service, method string, in ast.Expr) {
	switch {
	case name == "compute" && len(args) == 3:
		method, _ = literal(args[1], consts)
		return "Erp.BO.APInvoiceSvc", method, args[2]
	case (name == "Call" || name == "Compute" || name == "Read" || name == "computed") && len(args) == 4:
		service, _ = literal(args[1], consts)
		method, _ = literal(args[2], consts)
		return service, method, args[3]
	}
	return "", "", nil
}

func TestEveryMethodIsCalledWithExactlyItsDocumentedInputs(t *testing.T) {
	s := loadSchema(t)
	files, consts := source(t)
	seen := map[string]bool{}
	calls(files, func(name string, args []ast.Expr) {
		service, method, in := methodOf(name, args, consts)
		lit, ok := in.(*ast.CompositeLit)
		if method == "" || !ok {
			return
		}
		var given []string
		for _, e := range lit.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				k, _ := literal(kv.Key, consts)
				given = append(given, k)
			}
		}
		slices.Sort(given)
		want, there := s.inputs[service][method]
		require.True(t, there, "%s has no method %s", service, method)
		require.Equal(t, want, given, "%s/%s", service, method)
		seen[service+"/"+method+"("+strings.Join(given, ", ")+")"] = true
	})
	require.Greater(t, len(seen), 50, "the test finds the calls no longer: %v", seen)
	t.Logf("%d methods checked with their inputs:\n%s", len(seen), strings.Join(slices.Sorted(maps.Keys(seen)), "\n"))
}

func TestEveryAnswerIsReadByNamesThatItsMethodGives(t *testing.T) {
	s := loadSchema(t)
	files, consts := source(t)
	var seen []string
	for _, f := range files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			var given, read []string
			one := map[string]*ast.File{"": {Decls: []ast.Decl{fn}, Name: ast.NewIdent("x")}}
			calls(one, func(name string, args []ast.Expr) {
				if service, method, _ := methodOf(name, args, consts); method != "" {
					given = append(given, s.given[service][method]...)
				}
				if (name == "Text" || name == "Bool" || name == "Tableset") && len(args) == 1 {
					if n, ok := literal(args[0], consts); ok {
						read = append(read, n)
					}
				}
			})
			if len(given) == 0 {
				continue
			}
			for _, n := range read {
				if s.columns["APInvGrp"][n] {
					continue // of a row, not of the answer
				}
				require.Contains(t, given, n, fn.Name.Name)
				seen = append(seen, fn.Name.Name+" "+n)
			}
		}
	}
	require.Greater(t, len(seen), 8)
	slices.Sort(seen)
	t.Logf("%d names of outputs checked: %s", len(seen), strings.Join(seen, ", "))
}

func TestEveryColumnThatVerifyAsksForExists(t *testing.T) {
	s := loadSchema(t)
	files, consts := source(t)
	var seen []string
	ast.Inspect(files["metadata.go"], func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok || len(lit.Elts) != 4 {
			return true
		}
		service, _ := literal(lit.Elts[0], consts)
		set, _ := literal(lit.Elts[1], consts)
		table, _ := literal(lit.Elts[2], consts)
		columns, ok := lit.Elts[3].(*ast.CompositeLit)
		if !ok {
			return true
		}
		require.True(t, s.sets[service][set], "%s has no set %s", service, set)
		for _, e := range columns.Elts {
			if c, ok := literal(e, consts); ok {
				require.True(t, s.columns[table][c], "table %s has no column %s", table, c)
				seen = append(seen, table+"."+c)
			}
		}
		return true
	})
	require.Greater(t, len(seen), 40)
	t.Logf("%d columns checked: %s", len(seen), strings.Join(seen, ", "))
}

func TestEveryColumnThatTheCodeNamesExists(t *testing.T) {
	s := loadSchema(t)
	files, consts := source(t)
	// Elsewhere the same method names set headers and forms of HTTP.
	maps.DeleteFunc(files, func(name string, _ *ast.File) bool { return !strings.HasPrefix(name, "apinvoice") })
	known := map[string]bool{}
	for _, table := range []string{"APInvHed", "APInvDtl", "APInvExp", "APInvExpTGLC", "APInvGrp", "APInvTax", "APInvHedAttch", "APInvoicePostParam", "Vendor"} {
		require.NotEmpty(t, s.columns[table], table)
		for c := range s.columns[table] {
			known[c] = true
		}
	}
	used := map[string]bool{}
	calls(files, func(name string, args []ast.Expr) {
		at := -1
		switch name {
		case "Text", "Int", "Bool", "Decimal", "Date", "Set", "Has", "drop":
			at = 0
		case "settle":
			at = 1
		}
		if at < 0 || len(args) <= at {
			return
		}
		column, ok := literal(args[at], consts)
		if !ok || column == "SelectLine" {
			return // SelectLine is of a tableset that no published schema has; integrations in the field name it
		}
		used[column] = true
		require.True(t, known[column] || s.outputs[column], "no table and no answer has %q", column)
	})
	require.Greater(t, len(used), 25)
	require.True(t, s.columns["APInvHed"]["ExternalID"])
	for i := 1; i <= 20; i++ {
		require.True(t, s.columns["APInvExpTGLC"]["SegValue"+strconv.Itoa(i)])
		require.True(t, s.columns["GLAccount"]["SegValue"+strconv.Itoa(i)])
	}
	t.Logf("%d names of columns and outputs checked: %s", len(used), strings.Join(slices.Sorted(maps.Keys(used)), ", "))
}

func TestEveryFieldOfARowIsAColumn(t *testing.T) {
	s := loadSchema(t)
	var names []string
	for table, row := range map[string]any{
		"APInvGrp": epicor.APInvoiceGroup{},
		"Vendor":   epicor.Vendor{}, "GLAccount": epicor.GLAccount{}, "COASegValues": epicor.SegmentValue{}, "COASegment": epicor.Segment{}, "APInvHed": epicor.APInvoice{},
		"COA": epicor.Chart{}, "Currency": epicor.Currency{}, "CurrExRate": epicor.ExchangeRate{}, "FiscalCal": epicor.FiscalCalendar{},
		"FiscalYr": epicor.FiscalYear{}, "FiscalPer": epicor.FiscalPeriod{}, "POHeader": epicor.PurchaseOrder{}, "PODetail": epicor.PurchaseOrderLine{},
		"PORel": epicor.PurchaseOrderRelease{}, "CheckHed": epicor.Payment{}, "APTran": epicor.PaymentLine{},
	} {
		rt := reflect.TypeOf(row)
		for i := range rt.NumField() {
			name, _, _ := strings.Cut(rt.Field(i).Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			names = append(names, table+"."+name)
			require.True(t, s.columns[table][name], "table %s has no column %s", table, name)
		}
	}
	slices.Sort(names)
	t.Logf("%d fields checked: %s", len(names), strings.Join(names, ", "))
}

func TestEveryEntitySetExistsWithItsKey(t *testing.T) {
	s := loadSchema(t)
	files, consts := source(t)
	tables := map[string]string{
		"GLAccounts": "GLAccount", "COASegValues": "COASegValues", "COASegments": "COASegment", "Vendors": "Vendor", "APInvoices": "APInvHed",
		"COAs": "COA", "Currencies": "Currency", "CurrExRates": "CurrExRate", "FiscalCals": "FiscalCal", "FiscalYrs": "FiscalYr", "FiscalPers": "FiscalPer",
		"APInvGrps": "APInvGrp", "POes": "POHeader", "PODetails": "PODetail", "PORels": "PORel", "PaymentEntries": "CheckHed", "APTrans": "APTran",
	}
	var seen []string
	calls(files, func(name string, args []ast.Expr) {
		if name != "NewEntities" || len(args) < 4 {
			return
		}
		service, _ := literal(args[1], consts)
		set, named := literal(args[2], consts)
		if !named {
			return // a query, whose id is the caller's
		}
		require.True(t, s.sets[service][set], "%s has no set %s", service, set)
		var key []string
		for _, a := range args[3:] {
			k, ok := literal(a, consts)
			require.True(t, ok)
			require.True(t, s.columns[tables[set]][k], "%s has no column %s", set, k)
			key = append(key, k)
		}
		// The address of one row names its key.
		require.True(t, s.sets[service][set+"_"+strings.Join(key, "_")], "%s has another key than %v", set, key)
		seen = append(seen, service+"/"+set+"("+strings.Join(key, ", ")+")")
	})
	require.Len(t, seen, len(tables))
	slices.Sort(seen)
	t.Logf("%d entity sets checked with their keys: %s", len(seen), strings.Join(seen, ", "))
}

package rules_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

// tabled is a rule file whose account is built with the table area.
func tabled(area string) string {
	return `version: 1
company: {default: EPIC06}
counterparties: {CASH: employee}
employees: {pattern: "E{employee_id}"}
cost_centres: {field: custom5, unlisted: as_is}
accounts:
  rules:
    - {name: all, account: "6410|{area}|00"}
tables:
  area:
` + area
}

func withFiles(t testing.TB, text string, files map[string]string) (*rules.Set, error) {
	t.Helper()
	fsys := fstest.MapFS{"conf/mapping.yaml": {Data: []byte(text)}}
	for name, data := range files {
		fsys["conf/"+name] = &fstest.MapFile{Data: []byte(data)}
	}
	return rules.LoadFS(fsys, "conf/mapping.yaml")
}

// booked is the account and the reason of the table's value.
func booked(t testing.TB, set *rules.Set, has rules.Tables, doc document.Document) (account string, why mapping.Reason) {
	t.Helper()
	result, err := rules.New(set, has).Map(t.Context(), doc)
	require.NoError(t, err)
	for _, r := range result.Reasons {
		if strings.HasSuffix(r.Field, ", area") {
			why = r
		}
	}
	return result.Posting.Invoices[0].Lines[0].Splits[0].Account, why
}

func TestATableGivesASegmentByItsRow(t *testing.T) {
	doc := report("10.00", entry("1", "TAXI", "CASH", "10.00"))
	doc.Entries[0].Custom["custom7"] = code(" P1 ")
	for name, c := range map[string]struct {
		area  string
		files map[string]string
		row   string
		rule  string
	}{
		"rows in the file":           {"    key: country\n    rows: {US: 200, DE: 310}\n", nil, "US", "tables.area (mapping.yaml:12)"},
		"a key of several parts":     {"    key: [policy, custom7]\n    rows: {TRAVEL/P1: 200}\n", nil, "TRAVEL/P1", "tables.area (mapping.yaml:12)"},
		"a cost centre as key":       {"    key: cost_centre\n    rows: {200: 200}\n", nil, "200", "tables.area (mapping.yaml:12)"},
		"a CSV file":                 {"    key: country\n    file: area.csv\n", map[string]string{"area.csv": "country,area\nDE,310\nUS,200\n"}, "US", "tables.area (area.csv:3)"},
		"a CSV file of a folder":     {"    key: country\n    file: lists/area.csv\n", map[string]string{"lists/area.csv": "country,area\nUS,200\n"}, "US", "tables.area (lists/area.csv:2)"},
		"a CSV file with a mark":     {"    key: country\n    file: area.csv\n    columns: {key: country, value: area}\n", map[string]string{"area.csv": "\ufeffcountry,area\r\nUS , 200\r\n"}, "US", "tables.area (area.csv:2)"},
		"a CSV file of semicolons":   {"    key: country\n    file: area.csv\n    separator: semicolon\n", map[string]string{"area.csv": "country;area\nUS;200\n"}, "US", "tables.area (area.csv:2)"},
		"columns by their headings":  {"    key: [policy, custom7]\n    file: area.csv\n    columns: {key: [pol, project], value: seg}\n", map[string]string{"area.csv": "seg,project,note,pol\n200,P1,x,TRAVEL\n"}, "TRAVEL/P1", "tables.area (area.csv:2)"},
		"otherwise, without a row":   {"    key: country\n    rows: {DE: 310}\n    otherwise: 200\n", nil, "", "tables.area.otherwise (mapping.yaml:13)"},
		"a row before the otherwise": {"    key: country\n    rows: {US: 200}\n    otherwise: 310\n", nil, "US", "tables.area (mapping.yaml:12)"},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := withFiles(t, tabled(c.area), c.files)
			require.NoError(t, err)
			account, why := booked(t, set, tables(t, ""), doc)
			require.Equal(t, "6410|200|00", account)
			require.Equal(t, "200", why.Value)
			require.Equal(t, c.row, why.Row)
			require.Equal(t, c.rule, why.Rule)
		})
	}
}

func TestATableMayGiveTheWholeAccount(t *testing.T) {
	text := strings.Replace(tabled("    key: expense_type\n    rows: {TAXI: '6410|200|00'}\n"), `"6410|{area}|00"`, `"{area}"`, 1)
	set, err := rules.Load("m.yaml", []byte(text))
	require.NoError(t, err)
	account, _ := booked(t, set, tables(t, ""), report("10.00", entry("1", "TAXI", "CASH", "10.00")))
	require.Equal(t, "6410|200|00", account)
}

func TestPartsOfAKeyAreNeverTakenForOneAnother(t *testing.T) {
	// Policy A/B with project C is not policy A with project B/C.
	set, err := rules.Load("m.yaml", []byte(tabled("    key: [policy, custom7]\n    rows: {A~1B/C: 200, A/B~1C: 310}\n")))
	require.NoError(t, err)
	doc := report("10.00", entry("1", "TAXI", "CASH", "10.00"))
	doc.Policy, doc.Entries[0].Custom["custom7"] = code("A/B"), code("C")
	account, _ := booked(t, set, tables(t, ""), doc)
	require.Equal(t, "6410|200|00", account)
	require.Equal(t, "A~1B/C", rules.TableKey("A/B", "C"))
	require.Equal(t, "A/B", rules.TableKey("A/B"), "one part is as it is")
}

func TestACodeWithoutARowParks(t *testing.T) {
	set, err := withFiles(t, tabled("    key: country\n    file: area.csv\n"), map[string]string{"area.csv": "country,area\nDE,310\n"})
	require.NoError(t, err)
	one := issue(t, issues(t, rules.New(set, tables(t, "")), report("10.00", entry("1", "TAXI", "CASH", "10.00"))), rules.TableRowMissing)
	require.Equal(t, "expense 1, area", one.Field)
	require.Equal(t, "US", one.Value)
	require.Equal(t, "table area has no row for country US", one.Message)
	require.Equal(t, `Add a row "US" to area.csv, then replay.`, one.Remedy)
}

func TestFaultsOfTablesBearPlaceAndRemedy(t *testing.T) {
	for name, c := range map[string]struct {
		area  string
		files map[string]string
		want  string
	}{
		"no rows":              {"    key: country\n", nil, "mapping.yaml:10:3: tables.area: say where the rows are, once"},
		"rows twice":           {"    key: country\n    rows: {US: 1}\n    store: areas\n", nil, "say where the rows are, once"},
		"no key":               {"    rows: {US: 1}\n", nil, `key "key" is missing under tables.area`},
		"an unknown key":       {"    key: contry\n    rows: {US: 1}\n", nil, `mapping.yaml:11:10: tables.area.key: rows cannot be found by "contry"; did you mean "country"?`},
		"a name that is taken": {"    key: country\n    rows: {US: 200}\n  policy: {key: country, rows: {US: 1}}\n", nil, "tables.policy: {policy} is a value of the document already"},
		"a name with a blank":  {"    key: country\n    rows: {US: 200}\n  'my area': {key: country, rows: {US: 1}}\n", nil, "tables.my area: a table's name is written in accounts as {name}"},
		"no such file":         {"    key: country\n    file: aera.csv\n", nil, "mapping.yaml:12:11: tables.area.file: open aera.csv: file does not exist"},
		"a file elsewhere":     {"    key: country\n    file: ../area.csv\n", nil, "tables.area.file: the file must stand beside this one"},
		"an absolute file":     {"    key: country\n    file: /etc/passwd\n", nil, "tables.area.file: the file must stand beside this one"},
		"an empty file":        {"    key: country\n    file: area.csv\n", map[string]string{"area.csv": ""}, "conf/area.csv:1:1: the file is empty"},
		"the wrong separator":  {"    key: country\n    file: area.csv\n", map[string]string{"area.csv": "country;area\nUS;200\n"}, "area.csv has 1 columns; with 1 for the key it needs one more"},
		"no such column":       {"    key: country\n    file: area.csv\n    columns: {key: land, value: seg}\n", map[string]string{"area.csv": "country,segm\nUS,200\n"}, `tables.area.columns.value: area.csv has no column "seg"; did you mean "segm"?`},
		"a column too few":     {"    key: [policy, country]\n    file: area.csv\n    columns: {key: country, value: seg}\n", map[string]string{"area.csv": "country,seg\n"}, "1 columns for a key of 2 parts"},
		"columns without file": {"    key: country\n    rows: {US: 1}\n    columns: {key: a, value: b}\n", nil, "tables.area.columns: only a table with file has columns"},
		"a code twice":         {"    key: country\n    file: area.csv\n", map[string]string{"area.csv": "country,area\nUS,200\nDE,310\nUS,310\n"}, `conf/area.csv:4:1: "US" stands already at line 2`},
		"a row without value":  {"    key: country\n    file: area.csv\n", map[string]string{"area.csv": "country,area\nUS,\n"}, `conf/area.csv:2:1: "US" has no value`},
		"a row without key":    {"    key: country\n    file: area.csv\n", map[string]string{"area.csv": "country,area\n,1\n"}, "conf/area.csv:2:1: the key is empty"},
		"a short row":          {"    key: country\n    file: area.csv\n", map[string]string{"area.csv": "country,area\nUS\n"}, "conf/area.csv:2:1: this is not readable as CSV: wrong number of fields"},
		"a quote":              {"    key: country\n    file: area.csv\n", map[string]string{"area.csv": "country,area\nUS,\"2\nDE,1\n"}, "this is not readable as CSV"},
		"a store's bad name":   {"    key: country\n    store: My/Table\n", nil, `tables.area.store: "My/Table" must be`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := withFiles(t, tabled(c.area), c.files)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestRulesWithoutAFolderReadNoFile(t *testing.T) {
	_, err := rules.Load("m.yaml", []byte(tabled("    key: country\n    file: area.csv\n")))
	require.ErrorContains(t, err, "no file can be read beside these rules")
}

func TestFilesNamesWhatTheRulesRead(t *testing.T) {
	set, err := withFiles(t, tabled("    key: country\n    file: area.csv\n"), map[string]string{"area.csv": "c,a\nUS,200\n"})
	require.NoError(t, err)
	require.Equal(t, []string{"area.csv"}, set.Files())
	require.Empty(t, load(t).Files())
}

func TestTheVersionHoldsTheRowsOfAFileAndNotTheirOrder(t *testing.T) {
	version := func(csv string) string {
		set, err := withFiles(t, tabled("    key: country\n    file: area.csv\n"), map[string]string{"area.csv": csv})
		require.NoError(t, err)
		return set.Version()
	}
	one := version("c,a\nUS,200\nDE,310\n")
	require.Equal(t, one, version("country,area\nDE,310\nUS,200\n"))
	require.NotEqual(t, one, version("c,a\nUS,200\nDE,311\n"))
}

// shelf is Tables whose rows are kept outside the rule file.
type shelf struct {
	rules.Tables
	rows    map[string]string
	version string
	err     error
}

func (s shelf) Rows(_ context.Context, table string) (map[string]string, string, error) {
	if table != "areas" {
		return nil, "", nil
	}
	return s.rows, s.version, s.err
}

func TestRowsMayBeKeptOutside(t *testing.T) {
	set, err := rules.Load("m.yaml", []byte(tabled("    key: country\n    store: areas\n")))
	require.NoError(t, err)
	doc := report("10.00", entry("1", "TAXI", "CASH", "10.00"))

	has := shelf{Tables: tables(t, ""), rows: map[string]string{"US": "200"}, version: "1"}
	account, why := booked(t, set, has, doc)
	require.Equal(t, "6410|200|00", account)
	require.Equal(t, "tables.area (kept as areas)", why.Rule)

	one, err := rules.New(set, has).Map(t.Context(), doc)
	require.NoError(t, err)
	has.version = "2"
	two, err := rules.New(set, has).Map(t.Context(), doc)
	require.NoError(t, err)
	require.NotEqual(t, one.Version, two.Version, "other rows are another version")

	has.rows = nil
	require.Contains(t, issue(t, issues(t, rules.New(set, has), doc), rules.TableRowMissing).Remedy, "that the connector keeps as areas")
}

func TestRowsThatCannotBeReadAreTransient(t *testing.T) {
	set, err := rules.Load("m.yaml", []byte(tabled("    key: country\n    store: areas\n")))
	require.NoError(t, err)
	doc := report("10.00", entry("1", "TAXI", "CASH", "10.00"))
	var found mapping.Issues
	down := errors.New("connection refused")
	_, err = rules.New(set, shelf{Tables: tables(t, ""), err: down}).Map(t.Context(), doc)
	require.ErrorIs(t, err, down)
	require.NotErrorAs(t, err, &found)
	_, err = rules.New(set, tables(t, "")).Map(t.Context(), doc)
	require.ErrorContains(t, err, "nothing here has them")
	require.NotErrorAs(t, err, &found)
}

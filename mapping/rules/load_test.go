package rules_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping/rules"
)

const sample = "testdata/mapping.yaml"

func load(t testing.TB) *rules.Set {
	t.Helper()
	set, err := rules.LoadFile(sample)
	require.NoError(t, err)
	return set
}

func read(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(sample)
	require.NoError(t, err)
	return string(data)
}

func TestSampleFileLoads(t *testing.T) {
	set := load(t)
	require.Equal(t, "mapping.yaml", set.Name())
	require.Equal(t, 6, set.Rules())
}

func TestMissingFileIsNamed(t *testing.T) {
	_, err := rules.LoadFile("testdata/none.yaml")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "none.yaml")
}

// small is the least that a file needs.
const small = `version: 1
company: {default: C}
accounts:
  rules:
    - {name: all, account: "1"}
`

func TestLeastFileLoads(t *testing.T) {
	_, err := rules.Load("m.yaml", []byte(small))
	require.NoError(t, err)
}

// fileFaults are files with one fault each, and what is said of it.
var fileFaults = map[string]struct{ text, want string }{
	"unknown key": {
		"version: 1\ncompany: {default: C}\nacounts:\n  rules: []\n" + small[len("version: 1\ncompany: {default: C}\n"):],
		`m.yaml:3:1: unknown key "acounts" at the top of the file; did you mean "accounts"?`,
	},
	"unknown key far from all":  {small + "zzzzzzzz: 1\n", `m.yaml:6:1: unknown key "zzzzzzzz" at the top of the file; known are version, company`},
	"unknown key of a rule":     {small + "    - {name: b, naturl: \"1\"}\n", `m.yaml:6:17: unknown key "naturl" under accounts.rules[2]; did you mean "natural"?`},
	"missing key":               {"version: 1\ncompany: {default: C}\n", `m.yaml:1:1: key "accounts" is missing at the top of the file`},
	"version":                   {strings.Replace(small, "1", "2", 1), `m.yaml:1:10: version "2" is not known; this program reads version 1`},
	"empty file":                {"# nothing\n", "m.yaml:1:1: the file is empty"},
	"too deep":                  {small + "a: " + strings.Repeat("[", 200), "m.yaml:6:104: a line longer than 10000 bytes, or more than 100 brackets open"},
	"too long":                  {small + "# " + strings.Repeat("x", 10_000), "m.yaml:6:10001: a line longer"},
	"too large":                 {strings.Repeat("#\n", 3<<20), "m.yaml: the file has 6291456 bytes; at most 4194304 are read"},
	"not YAML":                  {"version: 1\ncompany: {default\n", "m.yaml:2:11: this is not readable as YAML: "},
	"two documents":             {small + "---\nversion: 1\n", "m.yaml:7:1: a second YAML document starts here"},
	"an anchor":                 {strings.Replace(small, "default: C", "default: &a C", 1), "m.yaml:2:20: company.default: want one value, found an anchor or alias"},
	"a tag":                     {strings.Replace(small, "default: C", "default: !!str C", 1), "m.yaml:2:20: company.default: want one value, found a YAML tag"},
	"a list for a value":        {strings.Replace(small, "default: C", "default: [C]", 1), "m.yaml:2:20: company.default: want one value, found a list"},
	"an empty value":            {strings.Replace(small, "default: C", "default:", 1), "company.default: the value is missing"},
	"an object for a list":      {"version: 1\ncompany: {default: C}\naccounts: {rules: {}}\n", "m.yaml:3:19: accounts.rules: want a list of rules"},
	"no company":                {strings.Replace(small, "{default: C}", "{test: T}", 1), "m.yaml:2:10: company names none; give default, ledgers, or field with codes"},
	"a field without codes":     {strings.Replace(small, "default: C", "field: orgUnit1", 1), "company.field needs company.codes"},
	"codes without a field":     {strings.Replace(small, "default: C", "default: C, codes: {1: C}", 1), "company.field does not say which"},
	"no such custom field":      {small + "cost_centres: {field: costcenter}\n", `m.yaml:6:23: cost_centres.field: "costcenter" is no custom field`},
	"the same code twice":       {small + "suppliers:\n  vendors:\n    A: V1\n    'A ': V2\n", `m.yaml:9:5: suppliers.vendors: "A" stands already at line 8`},
	"a word that is none":       {small + "netting: bysign\n", `m.yaml:6:10: netting: "bysign" is none of net, by_sign; did you mean "by_sign"?`},
	"number that is none":       {small + "numbers: {max_length: 12}\n", `m.yaml:6:23: numbers.max_length: "12" is no whole number from 30 to 200`},
	"a prefix with blanks":      {small + "numbers: {prefix: 'C X'}\n", `numbers.prefix: "C X" must be`},
	"a counterparty of nobody":  {small + "counterparties:\n  CASH: {code: E}\n", "m.yaml:7:3: counterparties.CASH: say who is owed"},
	"a card without a code":     {small + "counterparties:\n  CBCP: {vendor: V}\n", `m.yaml:7:3: counterparties.CBCP.code: "" must be 1 to 6`},
	"a mistyped employee":       {small + "counterparties:\n  CASH: employe\n", `counterparties.CASH: "employe" is none of employee; did you mean "employee"?`},
	"one code for two":          {small + "counterparties:\n  A: {vendor: V1, code: C}\n  B: {vendor: V2, code: C}\n", `m.yaml:8:25: counterparties.B.code: "C" stands already for V1`},
	"the employee's code":       {small + "counterparties:\n  A: {vendor: V1, code: E}\n", `counterparties.A.code: "E" stands already for the employee`},
	"the code of a debit memo":  {small + "counterparties:\n  A: {vendor: V1, code: ED}\n", `"ED" is also the debit memo of "E"`},
	"no code for Expense Pay":   {small + "expense_pay: {vendor: V}\n", `key "code" is missing under expense_pay`},
	"a bad code":                {small + "expense_pay: {vendor: V, code: x}\n", `m.yaml:6:32: expense_pay.code: "x" must be 1 to 6`},
	"a code of Expense Pay":     {small + "expense_pay: {vendor: V, code: E}\n", `expense_pay.code: "E" stands already for the employee`},
	"a debit memo of it":        {small + "counterparties:\n  A: {vendor: V1, code: X}\nexpense_pay: {vendor: V2, code: XD}\n", `expense_pay.code: "XD" is also the debit memo of "X"`},
	"a settlement that is none": {small + "settlement: off\n", `settlement: "off" is none of check, ignore`},
	"employees without vendor":  {small + "counterparties: {CASH: employee}\n", "employees are owed, but nothing says which vendor one is"},
	"one vendor for everyone":   {small + "employees: {pattern: E1}\n", `employees.pattern: "E1" names the same vendor for every employee`},
	"a match without pattern":   {small + "employees: {match: pattern}\n", "employees.pattern is missing"},
	"owes without clearing":     {small + "counterparties:\n  C: {vendor: V, code: C, personal: employee_owes}\nemployees: {pattern: \"E{employee_id}\"}\n", "m.yaml:7:37: counterparties.C.personal: employee_owes needs personal.account"},
	"unknown variable":          {strings.Replace(small, `"1"`, `"{natual}"`, 1), `unknown variable {natual}; did you mean "natural"?`},
	"a lonely brace":            {strings.Replace(small, `"1"`, `"{natural"`, 1), "has no partner"},
	"natural not given":         {strings.Replace(small, `"1"`, `"{natural}|1"`, 1), "give the rule natural:"},
	"natural not used":          {strings.Replace(small, `"1"`, `"1", natural: "2"`, 1), "does not use {natural}"},
	"no account at all":         {strings.Replace(small, `, account: "1"`, "", 1), "has no account, and accounts.template is missing"},
	"cost centre without map":   {strings.Replace(small, `"1"`, `"1|{cost_centre}"`, 1), "the section cost_centres is missing"},
	"a separator in a segment":  {small + "cost_centres: {field: custom1, values: {A: '1|2'}}\n", "must not hold |"},
	"a rule name twice":         {small + "    - {name: all, account: \"2\"}\n", `m.yaml:6:14: the rule name "all" stands already at line 5`},
	"some ranks":                {small + "    - {name: b, rank: 1, account: \"2\"}\n", "1 of 2 rules have a rank"},
	"one rank twice":            {strings.Replace(small, "name: all", "name: all, rank: 1", 1) + "    - {name: b, rank: 1, account: \"2\"}\n", "m.yaml:6:23: rank 1 stands already at line 5"},
	"a kind that is none":       {strings.Replace(small, "name: all", "name: all, when: {kind: reports}", 1), `"reports" is none of report, invoice, cashadvance; did you mean "report"?`},
	"an empty list":             {strings.Replace(small, "name: all", "name: all, when: {country: []}", 1), "accounts.rules[1].when.country: the list is empty"},
}

func TestFaultsOfAFileBearPlaceAndRemedy(t *testing.T) {
	for name, c := range fileFaults {
		t.Run(name, func(t *testing.T) {
			_, err := rules.Load("m.yaml", []byte(c.text))
			require.ErrorContains(t, err, c.want)
			var faults rules.Errors
			require.ErrorAs(t, err, &faults)
			for _, f := range faults {
				require.NotContains(t, f.Error(), "\n")
			}
		})
	}
}

func TestAllFaultsOfAFileComeAtOnceByLine(t *testing.T) {
	text := strings.Replace(small, "version: 1", "version: 3", 1) + "nettin: net\npay_hold: perhaps\ncounterparties: {CASH: nobody}\n"
	_, err := rules.Load("conf/m.yaml", []byte(text))
	require.EqualError(t, err, strings.Join([]string{
		`conf/m.yaml:1:10: version "3" is not known; this program reads version 1`,
		`conf/m.yaml:6:1: unknown key "nettin" at the top of the file; did you mean "netting"?`,
		`conf/m.yaml:7:11: pay_hold: "perhaps" is none of allow, refuse`,
		`conf/m.yaml:8:24: counterparties.CASH: "nobody" is none of employee`,
	}, "\n"))
	var one *rules.Error
	require.ErrorAs(t, err, &one)
	require.Equal(t, 1, one.Line)
}

func TestVersionIgnoresLayoutAndOrderOfTables(t *testing.T) {
	one := load(t)
	two := changed(t,
		"# How approved spend", "\n\n# Something else; how approved spend",
		"  CASH: employee\n  \"1000\": employee\n", "  1000: {to: employee}\n  CASH: 'employee'\n",
		"[AIRFR, HOTEL, TAXI, TRAIN, CARMI]", "[CARMI, AIRFR, HOTEL, TAXI, TRAIN]",
		"netting: net                 # default; by_sign makes a debit memo of the negative lines\n", "",
	)
	require.Equal(t, one.Version(), two.Version())
	require.NotEqual(t, one.Version(), changed(t, `"310": "310"`, `"310": "311"`).Version())
}

func TestVersionIgnoresTheFiguresOfRanks(t *testing.T) {
	by := func(a, b string) string {
		text := strings.Replace(small, "name: all", "name: all, rank: "+a, 1) + "    - {name: b, rank: " + b + ", account: \"2\"}\n"
		set, err := rules.Load("m.yaml", []byte(text))
		require.NoError(t, err)
		return set.Version()
	}
	require.Equal(t, by("1", "2"), by("10", "20"))
	require.NotEqual(t, by("1", "2"), by("2", "1"), "another order is another meaning")
}

func FuzzLoadNamesThePlaceAndNeverPanics(f *testing.F) {
	f.Add([]byte(read(f)))
	f.Add([]byte(small))
	f.Add([]byte("a: &a [*a]\n<<: *a"))
	f.Add([]byte("? {a: b}\n: - c"))
	f.Add([]byte("version: !!int 1\n\tx"))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := rules.Load("m.yaml", data)
		if err == nil {
			require.NotEmpty(t, set.Version())
			return
		}
		var faults rules.Errors
		require.ErrorAs(t, err, &faults)
		for _, one := range faults {
			require.True(t, strings.HasPrefix(one.Error(), "m.yaml:"), one.Error())
			require.NotContains(t, one.Error(), "\n")
		}
	})
}

package rules_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping/rules"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(rules.Schema()))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("mapping.json", doc))
	s, err := c.Compile("mapping.json")
	require.NoError(t, err)
	return s
}

// judged reads YAML as an editor does and holds it against the schema.
func judged(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return err
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	require.NoError(t, err)
	return s.Validate(v)
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// inTheRepository yields every rule file, and every one that a document shows
// whole.
func inTheRepository(t *testing.T) map[string]string {
	t.Helper()
	out := make(map[string]string)
	root := "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.Base(path)
		isRules := strings.HasPrefix(name, "mapping") && strings.HasSuffix(name, ".yaml")
		switch {
		case d.IsDir() && name != ".." && strings.HasPrefix(name, "."):
			return fs.SkipDir
		case d.IsDir() || !isRules && !strings.HasSuffix(name, ".md"):
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if isRules {
			out[path] = string(b)
			return nil
		}
		for _, block := range yamlBlock.FindAllSubmatch(b, -1) {
			if text := string(block[1]); strings.Contains(text, "version: 1") && strings.Contains(text, "accounts:") {
				out[path+": "+strings.SplitN(text, "\n", 2)[0]] = text
			}
		}
		return nil
	})
	require.NoError(t, err)
	return out
}

func TestTheSchemaAcceptsEveryMappingInTheRepository(t *testing.T) {
	s := compiled(t)
	files := inTheRepository(t)
	require.GreaterOrEqual(t, len(files), 2)
	for path, text := range files {
		require.NoError(t, judged(t, s, text), path)
	}
	require.NoError(t, judged(t, s, small))
}

// beyondTheSchema are faults that no schema can tell: they are of two sections,
// of the file's letters, or of what stands in a template.
var beyondTheSchema = []string{
	"too deep", "too long", "too large", "two documents", "an anchor", "a tag", "the same code twice",
	"one code for two", "the employee's code", "the code of a debit memo", "a code of Expense Pay", "a debit memo of it",
	"employees without vendor", "a match without pattern", "owes without clearing", "unknown variable", "a lonely brace",
	"natural not given", "natural not used", "no account at all", "cost centre without map", "a rule name twice", "some ranks", "one rank twice",
}

func TestTheSchemaRefusesWhatTheLoaderRefuses(t *testing.T) {
	s := compiled(t)
	for name, c := range fileFaults {
		if slices.Contains(beyondTheSchema, name) {
			continue
		}
		require.Error(t, judged(t, s, c.text), name)
	}
	for _, name := range beyondTheSchema {
		require.Contains(t, fileFaults, name)
	}
	for _, text := range []string{
		"numbers: {report: '{prefix}{number}-{code}'}\n", "entry_groups: {report: 'R'}\n", "employees: {match: tax-id}\n",
		"counterparties: {CASH: {to: employee, terms: N1}}\n", "apply_date: {closed_period: wait}\n",
		"tables: {site: {key: country}}\n", "tables: {site: {key: country, rows: {US: 1}, file: a.csv}}\n", "tables: {site: {key: contry, rows: {US: 1}}}\n",
		"tables: {policy: {key: country, rows: {US: 1}}}\n", "tables: {Site: {key: country, rows: {US: 1}}}\n", "tables: {site: {key: country, file: /etc/passwd}}\n",
		"tables: {site: {key: country, rows: {US: 1}, columns: {key: a, value: b}}}\n", "taxes: {reclaim: {VA: {rate: x}}}\n",
	} {
		_, err := rules.Load("m.yaml", []byte(small+text))
		require.Error(t, err, "the loader takes %s", text)
		require.Error(t, judged(t, s, small+text), text)
	}
}

var knownAre = regexp.MustCompile(`unknown key "zzzzzzzzzzzz" .*; known are (.*)`)

// TestTheSchemaHasTheKeysOfTheLoader asks the loader at each place for the keys
// that it knows, by one that it does not.
func TestTheSchemaHasTheKeysOfTheLoader(t *testing.T) {
	var root map[string]any
	require.NoError(t, json.Unmarshal(rules.Schema(), &root))
	places := 0
	var walk func(at string, node map[string]any, around func(any) any)
	walk = func(at string, node map[string]any, around func(any) any) {
		inside := func(name string, list bool) func(any) any {
			return func(v any) any {
				if list {
					return around([]any{v})
				}
				return around(map[string]any{name: v})
			}
		}
		if props, ok := node["properties"].(map[string]any); ok && node["additionalProperties"] == false {
			places++
			text, err := yaml.Marshal(around(map[string]any{"zzzzzzzzzzzz": "1"}))
			require.NoError(t, err)
			_, err = rules.Load("m.yaml", text)
			require.Error(t, err)
			found := knownAre.FindStringSubmatch(err.Error())
			require.NotNil(t, found, "at %q the loader knows no keys: %v", at, err)
			require.ElementsMatch(t, slices.Collect(maps.Keys(props)), strings.Split(found[1], ", "), "keys at %q", at)
			for name, p := range props {
				if child, ok := p.(map[string]any); ok {
					walk(at+"."+name, child, inside(name, false))
				}
			}
		}
		if child, ok := node["additionalProperties"].(map[string]any); ok {
			walk(at+".X", child, inside("XYZ", false))
		}
		if child, ok := node["items"].(map[string]any); ok {
			walk(at+"[]", child, inside("", true))
		}
		if ways, ok := node["oneOf"].([]any); ok {
			for _, way := range ways {
				if child, ok := way.(map[string]any); ok {
					walk(at, child, around)
				}
			}
		}
	}
	walk("", root, func(v any) any { return v })
	require.Greater(t, places, 25)
}

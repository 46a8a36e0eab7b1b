package arch_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rule is one rule of depguard as .golangci.yml writes it, in the mode "lax": an import is allowed unless an entry of
// deny fits and no longer entry of allow does.
type rule struct {
	name  string
	Mode  string   `yaml:"list-mode"`
	Files []string `yaml:"files"`
	Allow []string `yaml:"allow"`
	Deny  []struct {
		Package string `yaml:"pkg"`
		Why     string `yaml:"desc"`
	} `yaml:"deny"`
}

// rules reads the depguard rules of .golangci.yml.
func rules(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]rule `yaml:"rules"`
				} `yaml:"depguard"`
			} `yaml:"settings"`
		} `yaml:"linters"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, ".golangci.yml")), &file))
	var found []rule
	for name, r := range file.Linters.Settings.Depguard.Rules {
		require.Equal(t, "lax", r.Mode, "rule %s", name)
		require.NotEmpty(t, r.Files, "rule %s", name)
		r.name = name
		found = append(found, r)
	}
	require.NotEmpty(t, found, ".golangci.yml holds no depguard rules")
	return found
}

// covers says whether the rule is about the file, a slash path from the root.
func (r rule) covers(file string) bool {
	covered := false
	for _, pattern := range r.Files {
		pattern, negated := strings.CutPrefix(pattern, "!")
		if !glob(pattern).MatchString(file) {
			continue
		}
		if negated {
			return false
		}
		covered = true
	}
	return covered
}

// glob turns a file pattern of depguard into an expression: "*" stays within a folder, "**" does not, "{a,b}" is a choice.
func glob(pattern string) *regexp.Regexp {
	switch pattern {
	case "$all":
		pattern = "**.go"
	case "$test":
		pattern = "**_test.go"
	}
	text := regexp.QuoteMeta(strings.TrimPrefix(pattern, "${base-path}/"))
	for _, pair := range [][2]string{{`\*\*`, `.*`}, {`\*`, `[^/]*`}, {`\{`, `(`}, {`\}`, `)`}, {`,`, `|`}} {
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	return regexp.MustCompile("^" + text + "$")
}

// refuses returns why the rule refuses the import, or "".
func (r rule) refuses(imported string) string {
	allowed := longest(imported, r.Allow)
	for _, entry := range r.Deny {
		if denied := longest(imported, []string{entry.Package}); denied > 0 && denied >= allowed {
			return fmt.Sprintf("%s (rule %s)", entry.Why, r.name)
		}
	}
	return ""
}

// longest returns the length of the longest entry that fits the import: one that ends in "$" is a whole name, any other a beginning.
func longest(imported string, entries []string) int {
	length := 0
	for _, entry := range entries {
		whole, exact := strings.CutSuffix(entry, "$")
		if imported == whole || (!exact && strings.HasPrefix(imported, entry)) {
			length = max(length, len(entry))
		}
	}
	return length
}

func refusal(all []rule, file, imported string) string {
	for _, r := range all {
		if r.covers(file) {
			if why := r.refuses(imported); why != "" {
				return why
			}
		}
	}
	return ""
}

func TestEveryImportKeepsToItsLayer(t *testing.T) {
	all := rules(t)
	for _, goFiles := range packages(t) {
		for _, file := range goFiles {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, read(t, file), parser.ImportsOnly)
			require.NoError(t, err)
			for _, spec := range parsed.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				require.NoError(t, err)
				if why := refusal(all, file, imported); why != "" {
					assert.Fail(t, "an import against the layers", "%s imports %s: %s", file, imported, why)
				}
			}
		}
	}
}

// A package that no rule covers may import everything, and nothing would tell.
func TestEveryPackageHasALayer(t *testing.T) {
	layers := slices.DeleteFunc(rules(t), func(r rule) bool { return !strings.HasPrefix(r.name, "layer-") })
	free := regexp.MustCompile(`^internal/(arch|bench)(/|$)`)
	for folder := range packages(t) {
		if free.MatchString(folder) {
			continue
		}
		for _, name := range []string{"x.go", "x_test.go"} {
			file := path.Join(folder, name)
			covered := slices.ContainsFunc(layers, func(r rule) bool { return r.covers(file) })
			assert.True(t, covered, "%s: no layer rule of .golangci.yml covers it; add one, and cases to internal/arch/testdata/layers.txt", file)
		}
	}
}

// The same cases are planted for the linter itself by .ci/prove-lint.
func TestTheLayerRulesDecideEachCaseAsTheTableSays(t *testing.T) {
	all := rules(t)
	cases := 0
	for line := range strings.Lines(read(t, "internal/arch/testdata/layers.txt")) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		fields := strings.Fields(line)
		require.Len(t, fields, 3, "%q", line)
		file, imported, verdict := fields[0], fields[1], fields[2]
		if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") && imported != "database/sql" {
			imported = module + "/" + imported
		}
		why := refusal(all, file, imported)
		switch verdict {
		case "allowed":
			assert.Empty(t, why, "%s imports %s", file, imported)
		case "denied":
			assert.NotEmpty(t, why, "%s imports %s", file, imported)
		default:
			assert.Fail(t, "no verdict", "%q", line)
		}
		cases++
	}
	require.Greater(t, cases, 100)
}

// depguard looks only at the entry that stands nearest before an import in sorted order: a whole name below a prefix
// of the same list would hide the prefix.
func TestNoExactEntryHidesAPrefix(t *testing.T) {
	for _, r := range rules(t) {
		for _, prefix := range r.Allow {
			if strings.HasSuffix(prefix, "$") {
				continue
			}
			for _, entry := range r.Allow {
				assert.False(t, entry != prefix && strings.HasPrefix(entry, prefix), "rule %s: %s stands below %s", r.name, entry, prefix)
			}
		}
	}
}

package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The table of states in the architecture is what people and reviewers go by.
func TestTheStateTableNamesTheEnginesStates(t *testing.T) {
	var declared []string
	for _, file := range packages(t)["sync/engine"] {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, read(t, file), parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			kind, named := spec.Type.(*ast.Ident)
			value, literal := spec.Values[0].(*ast.BasicLit)
			if named && literal && kind.Name == "State" {
				name, err := strconv.Unquote(value.Value)
				require.NoError(t, err)
				declared = append(declared, name)
			}
			return true
		})
	}

	_, section, found := strings.Cut(read(t, "docs/architecture.md"), "\n## States\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	var documented []string
	word := regexp.MustCompile("`([a-z]+)`")
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 6 || !word.MatchString(cells[1]) {
			continue
		}
		documented = append(documented, word.FindStringSubmatch(cells[1])[1])
		for _, next := range word.FindAllStringSubmatch(cells[4], -1) {
			assert.Contains(t, declared, next[1], "%s may become a state that the engine does not have", cells[1])
		}
	}
	assert.ElementsMatch(t, declared, documented, "docs/architecture.md#states and the engine's State differ")
}

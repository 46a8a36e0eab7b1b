package epicorsync_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor/epicorsync"
)

func TestEveryCodeStandsInTheCatalogueOnceWithOwnerMeaningAndRemedy(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	constants := 0
	ast.Inspect(f, func(n ast.Node) bool {
		if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.CONST && d.Lparen.IsValid() {
			constants += len(d.Specs)
		}
		return true
	})
	codes := epicorsync.Codes()
	require.Len(t, codes, constants)
	seen := map[string]bool{}
	for _, c := range codes {
		require.Regexp(t, `^[a-z]+(_[a-z]+)*$`, c.Code)
		require.False(t, seen[c.Code], c.Code)
		seen[c.Code] = true
		require.NotEmpty(t, c.Owner, c.Code)
		require.True(t, strings.HasSuffix(c.Meaning, ".") && strings.HasSuffix(c.Remedy, "."), c.Code)
	}
}

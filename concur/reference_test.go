package concur_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// operations are the methods that make a call: all of the services, and those of
// token sources that the reference names.
func operations(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var ops []string
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || !fn.Name.IsExported() {
				continue
			}
			star, ok := fn.Recv.List[0].Type.(*ast.StarExpr)
			if !ok {
				continue
			}
			if id, ok := star.X.(*ast.Ident); ok && strings.HasSuffix(id.Name, "Service") {
				ops = append(ops, strings.TrimSuffix(id.Name, "Service")+"."+fn.Name.Name)
			}
		}
	}
	slices.Sort(ops)
	return ops
}

func TestTheReferenceNamesEveryOperationAndNoOther(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "docs", "reference", "concur.md"))
	require.NoError(t, err)
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Za-z0-9]+\\.[A-Za-z]+)` \\| .+ \\| (covered|covered, no file|assumed) \\| \\[[^\\]]+\\]\\(https://developer\\.concur\\.com/[^)]+\\) \\| (.*) \\|$").FindAllStringSubmatch(string(b), -1) {
		if m[2] == "assumed" {
			require.NotEmpty(t, strings.TrimSpace(m[3]), "%s: what is assumed?", m[1])
		}
		if !strings.Contains(m[1], "TokenSource.") {
			listed = append(listed, m[1])
		}
	}
	slices.Sort(listed)
	require.Equal(t, operations(t), listed)
}

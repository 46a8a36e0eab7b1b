package catalogue

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	root  = "../../../.."
	pages = root + "/docs/errors"
)

// TestThePagesAreThoseOfTheCatalogue writes them anew with UPDATE set in the
// environment.
func TestThePagesAreThoseOfTheCatalogue(t *testing.T) {
	want, err := Pages()
	require.NoError(t, err)
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.MkdirAll(pages, 0o755))
		for name, text := range want {
			require.NoError(t, os.WriteFile(filepath.Join(pages, name), []byte(text), 0o644))
		}
	}
	entries, err := os.ReadDir(pages)
	require.NoError(t, err)
	for _, e := range entries {
		require.Contains(t, want, e.Name(), "docs/errors/%s belongs to no code: remove it", e.Name())
	}
	for name, text := range want {
		have, err := os.ReadFile(filepath.Join(pages, name))
		require.NoError(t, err, "UPDATE=1 go test ./examples/connector/internal/catalogue writes it")
		require.Equal(t, text, string(have), "docs/errors/%s is stale: UPDATE=1 go test ./examples/connector/internal/catalogue writes it anew", name)
	}
}

func TestEachCodeHasAMeaningAnOwnerARemedyAndStepsOrNoPageIsMade(t *testing.T) {
	for _, e := range Entries() {
		c := e.Code
		require.Regexp(t, `^[a-z][a-z_]*[a-z]$`, c.Code)
		require.Regexp(t, `\.$`, c.Meaning, c.Code)
		require.Regexp(t, `\.$`, c.Remedy, c.Code)
		require.NotEmpty(t, c.Owner, c.Code)
		require.NotEmpty(t, Steps(c.Code), c.Code)
	}
	for code := range details {
		require.True(t, Known(code), "%s is no code any more", code)
	}
}

func TestEachCodeThatCanBeMadeToHappenWasSeen(t *testing.T) {
	seen, err := Seen()
	require.NoError(t, err)
	for _, e := range Entries() {
		_, there := seen[e.Code.Code]
		require.Equal(t, details[e.Code.Code].unseen == "", there, "%s: UPDATE=1 go test -run TestEveryRemedyWasTried ./examples/connector/internal/app keeps what is seen", e.Code.Code)
	}
}

// producers are the packages that give codes to documents.
var producers = []string{"concur/concursync", "epicor/epicorsync", "mapping/rules", "sync/document", "sync/engine"}

// TestNoSourceGivesACodeThatTheCatalogueLacks reads the sources: every value of a
// field Code of an issue, every constant that is a code, and every argument of the
// functions that make issues by a code.
func TestNoSourceGivesACodeThatTheCatalogueLacks(t *testing.T) {
	found := map[string][]string{}
	for _, folder := range producers {
		for code, at := range codesOf(t, folder) {
			found[code] = append(found[code], at...)
		}
	}
	require.Greater(t, len(found), 40, "the scan finds codes")
	for code, at := range found {
		require.True(t, Known(code), "%s gives the code %q, which no Codes() has", strings.Join(at, ", "), code)
	}
	for _, e := range Entries() {
		require.NotEmpty(t, found[e.Code.Code], "no source gives %s", e.Code.Code)
	}
}

// codesOf finds the codes in a folder's sources. Constants of a package count
// where they are used for a Code or declared as one.
func codesOf(t *testing.T, folder string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	require.NoError(t, err)
	set := token.NewFileSet()
	constants := map[string]string{}
	var parsed []*ast.File
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, path, nil, 0)
		require.NoError(t, err)
		parsed = append(parsed, f)
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, s := range g.Specs {
				v, ok := s.(*ast.ValueSpec)
				require.True(t, ok)
				for i, name := range v.Names {
					if i < len(v.Values) {
						if text, ok := literal(v.Values[i]); ok {
							constants[name.Name] = text
						}
					}
				}
			}
		}
	}
	out := map[string][]string{}
	note := func(e ast.Expr) {
		text, ok := literal(e)
		if id, is := e.(*ast.Ident); is {
			text, ok = constants[id.Name], constants[id.Name] != ""
		}
		if ok {
			p := set.Position(e.Pos())
			out[text] = append(out[text], folder+"/"+filepath.Base(p.Filename)+":"+strconv.Itoa(p.Line))
		}
	}
	makers := map[string][]string{"epicor/epicorsync": {"found", "is"}, "sync/document": {"add"}}[folder] // they take a code first
	for _, f := range parsed {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
					note(n.Value)
				}
			case *ast.AssignStmt:
				for i, l := range n.Lhs {
					if s, ok := l.(*ast.SelectorExpr); ok && (s.Sel.Name == "Code" || s.Sel.Name == "Cause") && i < len(n.Rhs) {
						note(n.Rhs[i])
					}
				}
			case *ast.CallExpr:
				name := ""
				switch f := n.Fun.(type) {
				case *ast.Ident:
					name = f.Name
				case *ast.SelectorExpr:
					name = f.Sel.Name
				}
				if len(n.Args) > 1 && slices.Contains(makers, name) {
					if id, ok := n.Args[0].(*ast.Ident); ok && constants[id.Name] != "" {
						note(id)
					}
				}
			}
			return true
		})
	}
	delete(out, "") // cleared
	return out
}

// literal reads a string, also one inside a conversion.
func literal(e ast.Expr) (string, bool) {
	if c, ok := e.(*ast.CallExpr); ok && len(c.Args) == 1 {
		return literal(c.Args[0])
	}
	b, ok := e.(*ast.BasicLit)
	if !ok || b.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(b.Value)
	return text, err == nil
}

package arch_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/ml-connector/ml-connector"

// root is the repository's folder, seen from this package's.
var root = filepath.Join("..", "..")

// files returns the repository's files whose names end in one of the suffixes (all without suffix), as slash paths
// from the root. What a run or an editor leaves behind is not the repository's.
func files(t *testing.T, suffixes ...string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if skipped(rel, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if len(suffixes) == 0 || slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(rel, s) }) {
			found = append(found, rel)
		}
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, found, "no file found: is the package still two folders below the root?")
	return found
}

// skipped says which folders are not the repository's: hidden ones but the checks' own, and the demo's data.
func skipped(rel, name string) bool {
	switch {
	case rel == "." || name == ".ci" || name == ".github":
		return false
	case strings.HasPrefix(name, "."):
		return true
	default:
		return strings.HasPrefix(name, "ml-connector-demo") || name == "dist" || name == "bin"
	}
}

// packages maps each folder that holds Go files to those files, of the published module only.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	for _, file := range files(t, ".go") {
		if strings.Contains(file, "/testdata/") {
			continue
		}
		found[path.Dir(file)] = append(found[path.Dir(file)], file)
	}
	return found
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
	require.NoError(t, err)
	return string(data)
}

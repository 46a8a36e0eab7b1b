package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// around is what the README's program stands in: what it names without making it.
const around = `package main

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

func program(ctx context.Context, store storage.Store, trail *audit.Trail, ruleSet *rules.Set, tables rules.Tables,
	concurClient *concur.Client, epicorClient *epicor.Client, verifier concur.EventVerifier) error {
PROGRAM
	return err
}

func main() {}
`

func TestTheProgramInTheREADMECompiles(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(readme), "```go\n")
	require.True(t, found, "the README shows a program")
	text, _, found := strings.Cut(rest, "```")
	require.True(t, found)
	file := filepath.Join(t.TempDir(), "readme.go")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(around, "PROGRAM", text, 1)), 0o600))
	out, err := exec.CommandContext(t.Context(), "go", "vet", file).CombinedOutput()
	require.NoError(t, err, string(out))
}

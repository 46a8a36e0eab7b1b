package rules_test

import (
	"os"
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

func TestSampleFileLoads(t *testing.T) {
	set := load(t)
	require.Equal(t, "mapping.yaml", set.Name())
	require.Equal(t, 6, set.Rules())
	_, err := os.Stat(sample)
	require.NoError(t, err)
}

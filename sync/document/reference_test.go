package document_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ml-connector/ml-connector/sync/document"
)

func TestKeyOfAFirstLevelItemIsItsCode(t *testing.T) {
	t.Parallel()
	require.Equal(t, "6410|200|00", document.ListItem{Code: "6410|200|00", Name: "Travel"}.Key())
}

func TestListPathTakesEveryKeyApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.StringOfN(rapid.RuneFrom([]rune("ab~/01- ü")), 1, 8, -1)
		path := rapid.SliceOfN(code, 1, 4).Draw(t, "path")
		item := document.ListItem{Code: path[len(path)-1], Parents: path[:len(path)-1]}
		got, err := document.ListPath(item.Key())
		require.NoError(t, err)
		require.Equal(t, path, got)
	})
}

func TestListPathRefusesWhatIsNoKey(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "/", "a/", "/a", "a~", "a~2", "~"} {
		_, err := document.ListPath(key)
		require.Error(t, err, "%q", key)
	}
}

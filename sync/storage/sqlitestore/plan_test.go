package sqlitestore

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/storage"
)

// plan returns how SQLite would run a query.
func plan(t *testing.T, s *Store, query string, args ...any) string {
	t.Helper()
	rows, err := s.file.Reader().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	require.NoError(t, err)
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &step))
		steps = append(steps, step)
	}
	require.NoError(t, rows.Err())
	return strings.Join(steps, "\n")
}

// What a page costs must not grow with the ledger: rows come out of an index in
// the order asked for, and nothing is sorted or read from end to end.
func TestQueriesReadAnIndexInOrder(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	for mask := range 32 {
		q := storage.Query{Tenant: "acme", Limit: 10}
		target, document := "", ""
		if mask&1 != 0 {
			q.Target = "t"
		}
		if mask&2 != 0 {
			q.State = "s"
		}
		if mask&4 != 0 {
			q.Cause = "c"
		}
		if mask&8 != 0 {
			q.Period = "p"
		}
		if mask&16 != 0 {
			q.After, target, document = "1:td", "t", "d"
		}
		query, args := listQuery(q, target, document)
		got := plan(t, s, query, args...)
		require.Contains(t, got, "SEARCH transfers USING INDEX", query)
		require.NotContains(t, got, "SCAN", query)
		require.NotContains(t, got, "TEMP B-TREE", query)
		if q.Target != "" {
			require.Contains(t, got, "target=?", query)
		}
	}
	for query, args := range map[string][]any{
		sqlGet:  {"acme", "t", "d"},
		sqlDue:  {"q", 1, 10},
		sqlLoad: {"acme", "n"},
		sqlScan: {"acme", "p", false, "", 10},
		sqlDrop: {"acme", "p", "q", 10},
	} {
		got := plan(t, s, query, args...)
		require.Contains(t, got, "SEARCH", query)
		require.NotContains(t, got, "SCAN", query)
		require.NotContains(t, got, "TEMP B-TREE FOR ORDER", query)
	}
	require.NotContains(t, plan(t, s, sqlQueues, 1), "SCAN transfers")
}

func TestPrefixEnd(t *testing.T) {
	for prefix, want := range map[string]string{"a": "b", "a/": "a0", "a\xff": "b", "é": "\xc3\xaa"} {
		got, ok := prefixEnd(prefix)
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	for _, prefix := range []string{"", "\xff", "\xff\xff"} {
		_, ok := prefixEnd(prefix)
		require.False(t, ok)
	}
}

func TestARevIsTakenOnlyAsItWasGivenOut(t *testing.T) {
	require.EqualValues(t, 12, parseRev("12"))
	for _, rev := range []string{"", "012", "+12", " 12", "12 ", "1_2", "x", "99999999999999999999"} {
		require.EqualValues(t, -1, parseRev(rev), rev)
	}
}

func TestACursorIsTakenOnlyAsItWasGivenOut(t *testing.T) {
	target, document, err := decodeCursor(encodeCursor("a:b", "c/d"))
	require.NoError(t, err)
	require.Equal(t, "a:b", target)
	require.Equal(t, "c/d", document)
	for _, cursor := range []string{"x", "5:abc", "-1:abc", ":abc", "abc"} {
		_, _, err := decodeCursor(cursor)
		require.ErrorContains(t, err, "is not the Next of an earlier page", cursor)
	}
}

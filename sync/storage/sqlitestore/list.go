package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/sync/storage"
)

// List implements storage.Ledger. Whatever the query filters by, an index gives
// its rows in ID order, so that a page costs the same in a large ledger as in a
// small one.
func (s *Store) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	if q.Tenant == "" {
		return storage.Page{}, errors.New("sqlitestore: list: the query names no tenant")
	}
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	target, document, err := decodeCursor(q.After)
	if err != nil {
		return storage.Page{}, err
	}
	query, args := listQuery(q, target, document)
	ts, err := s.transfers(ctx, query, args...)
	if err != nil {
		return storage.Page{}, fmt.Errorf("sqlitestore: list tenant %q: %w", q.Tenant, err)
	}
	page := storage.Page{Transfers: ts}
	if len(ts) > q.Limit {
		page.Transfers = ts[:q.Limit]
		last := page.Transfers[q.Limit-1]
		page.Next = encodeCursor(last.Target, last.Document)
	}
	return page, nil
}

// listQuery asks for one row more than a page has, which tells whether there is
// another page.
func listQuery(q storage.Query, target, document string) (string, []any) {
	terms := []string{"tenant = ?"}
	args := []any{q.Tenant}
	filter := func(term, value string) {
		if value != "" {
			terms, args = append(terms, term), append(args, value)
		}
	}
	filter("target = ?", q.Target)
	filter("state = ?", q.State)
	// A partial index is used only where its condition is written out.
	filter("cause = ? AND cause <> ''", q.Cause)
	filter("period = ? AND period <> ''", q.Period)
	switch {
	case q.After == "":
	case q.Target == "":
		terms, args = append(terms, "(target, document) > (?, ?)"), append(args, target, document)
	case q.Target == target:
		terms, args = append(terms, "document > ?"), append(args, document)
	case q.Target < target:
		terms = append(terms, "0") // the cursor stands behind this target
	}
	index := "transfers_id"
	switch {
	case q.Cause != "" && q.State != "":
		index = "transfers_cause"
	case q.Cause != "":
		index = "transfers_only_cause"
	case q.State != "":
		index = "transfers_state"
	case q.Period != "":
		index = "transfers_period"
	}
	query := strings.Join([]string{
		"SELECT", columns, "FROM transfers INDEXED BY", index,
		"WHERE", strings.Join(terms, " AND "),
		"ORDER BY target, document LIMIT ?",
	}, " ")
	return query, append(args, q.Limit+1)
}

// A cursor is the place of the last row of a page. The length in front keeps
// "a/b"+"c" and "a"+"b/c" apart.
func encodeCursor(target, document string) string {
	return strconv.Itoa(len(target)) + ":" + target + document
}

func decodeCursor(cursor string) (target, document string, err error) {
	if cursor == "" {
		return "", "", nil
	}
	length, rest, ok := strings.Cut(cursor, ":")
	n, err := strconv.Atoi(length)
	if !ok || err != nil || n < 0 || n > len(rest) {
		return "", "", fmt.Errorf("sqlitestore: list: %q is not the Next of an earlier page", cursor)
	}
	return rest[:n], rest[n:], nil
}

package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/sync/storage"
)

// List implements storage.Ledger; it does not lag.
func (s *Store) List(ctx context.Context, q storage.Query) (storage.Page, error) {
	if q.Tenant == "" {
		return storage.Page{}, errors.New("pgstore: list: the query names no tenant")
	}
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	target, document, err := decodeCursor(q.After)
	if err != nil {
		return storage.Page{}, err
	}
	query, args := listQuery(q, target, document)
	ts, err := s.transfers(ctx, s.db.SQL(query), args...)
	if err != nil {
		return storage.Page{}, fmt.Errorf("pgstore: list tenant %q: %w", q.Tenant, err)
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
	var terms []string
	var args []any
	term := func(text string, values ...string) {
		for _, value := range values {
			args = append(args, []byte(value))
			text = strings.Replace(text, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		terms = append(terms, text)
	}
	term("tenant = ?", q.Tenant)
	if q.Target != "" {
		term("target = ?", q.Target)
	}
	if q.State != "" {
		term("state = ?", q.State)
	}
	// A partial index is used only where its condition is written out.
	if q.Cause != "" {
		term("cause = ? AND cause <> ''", q.Cause)
	}
	if q.Period != "" {
		term("period = ? AND period <> ''", q.Period)
	}
	switch {
	case q.After == "":
	case q.Target == "":
		term("(target, document) > (?, ?)", target, document)
	case q.Target == target:
		term("document > ?", document)
	case q.Target < target:
		term("false") // the cursor stands behind this target
	}
	query := "SELECT " + columns + " FROM {schema}.transfers WHERE " + strings.Join(terms, " AND ") +
		" ORDER BY target, document LIMIT " + strconv.Itoa(q.Limit+1)
	return query, args
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
		return "", "", fmt.Errorf("pgstore: list: %q is not the Next of an earlier page", cursor)
	}
	return rest[:n], rest[n:], nil
}

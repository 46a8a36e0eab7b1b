package epicor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/epicor/odata"
)

// RowVersion is the column that every table has: a number that grows with each
// change of a row. Whether a tenant takes conditions on it is to be checked there.
const RowVersion = "SysRevID"

// ChangePage is one page of changes. Next is where the reading goes on: at once
// when More is true, else later. It is plain text that may be kept.
type ChangePage[T any] struct {
	Items []*T
	Next  string
	More  bool
}

// changeCursor is the text of ChangePage.Next: behind a row, or from a stamp on.
type changeCursor struct {
	Column string            `json:"c"`
	Stamp  json.RawMessage   `json:"s"`
	Key    []json.RawMessage `json:"k,omitempty"`
}

// Changes returns one page of the rows that changed, oldest first: those whose
// stamp is behind the cursor; the empty cursor is the beginning of time. column is
// the stamp: RowVersion, or a day or a time such as UpdatedOn, CreatedOn,
// ChangeDate or a column of the customer's own (…_c). Which tables have which is
// in the vendor's schema: Vendor, GLAccount and COASegValues have none but
// RowVersion, APInvHed and POHeader have ChangeDate, a day. Where there is none
// that a tenant can ask for, see [Entities.Scan].
//
// Rows come at least once: those of the last day or moment come again, since more
// may have been changed in it. A row without a stamp never comes, a deleted one
// neither. Row versions are given when a change begins and seen when it is
// committed, so a long transaction can be overtaken: whoever lives on changes
// alone also scans now and then.
func (e *Entities[T]) Changes(ctx context.Context, column string, q odata.Query, cursor string) (*ChangePage[T], error) {
	var at changeCursor
	if cursor != "" {
		if err := json.Unmarshal([]byte(cursor), &at); err != nil || at.Column != column {
			return nil, &Error{Operation: e.op(), err: fmt.Errorf("%.60q is no cursor of changes by %.60s", cursor, column)}
		}
	}
	columns := append([]string{column}, e.key[1:]...)
	size := q.Top
	if size == 0 {
		size = e.c.pageSize
	}
	if len(q.Select) > 0 {
		q.Select = withColumns(q.Select, column)
	}
	q.Top, q.OrderBy = size, nil
	for _, c := range columns {
		q.OrderBy = append(q.OrderBy, odata.Asc(c))
	}
	if cursor != "" {
		f, err := at.filter(columns)
		if err != nil {
			return nil, &Error{Operation: e.op(), err: err}
		}
		q.Filter = odata.And(q.Filter, f)
	} else {
		q.Filter = odata.And(q.Filter, odata.Not(odata.IsNull(column)))
	}
	q.Select = e.withKey(q.Select)
	raw := e.raw()
	p, err := raw.sized(ctx, q, "", size)
	if err != nil {
		return nil, err
	}
	out := &ChangePage[T]{Next: cursor, More: p.Next != ""}
	var last map[string]json.RawMessage
	for _, r := range p.Items {
		item, err := e.row(*r)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, item)
		if err := json.Unmarshal(*r, &last); err != nil {
			return nil, &Error{Operation: e.op(), Message: "a row is not readable", err: err}
		}
	}
	next := at // the page was empty: the end
	if last != nil {
		next = changeCursor{Column: column, Stamp: last[column]}
		for _, k := range e.key[1:] {
			next.Key = append(next.Key, last[k])
		}
	}
	if next.Column == "" {
		return out, nil
	}
	if !out.More && column != RowVersion {
		next.Key = nil // from that day or moment on, again
	}
	b, err := encodeJSON(next)
	if err != nil {
		return nil, &Error{Operation: e.op(), err: err}
	}
	out.Next = string(b)
	return out, nil
}

// filter is the condition on the rows that are still to be read.
func (c changeCursor) filter(columns []string) (odata.Filter, error) {
	stamp, err := stampOf(c.Stamp)
	if err != nil {
		return odata.Filter{}, err
	}
	if c.Key == nil {
		switch s := stamp.(type) {
		case time.Time:
			return odata.Ge(columns[0], s), nil
		case int64:
			return odata.Ge(columns[0], s), nil
		}
	}
	values := []any{stamp}
	for _, k := range c.Key {
		v, ok := decodeKey(k)
		if !ok {
			return odata.Filter{}, fmt.Errorf("the key of the last change cannot be compared with")
		}
		values = append(values, v)
	}
	return odata.After(columns, values), nil
}

// stampOf reads a number, a day or a time; a time without a zone is UTC.
func stampOf(raw json.RawMessage) (any, error) {
	var n int64
	if json.Unmarshal(raw, &n) == nil && string(raw) != "null" {
		return n, nil
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateOnly} {
			if t, err := time.Parse(layout, s); err == nil {
				return t.UTC(), nil
			}
		}
	}
	return nil, fmt.Errorf("%.40q is no stamp of a change", raw)
}

// raw reads the same rows undecoded.
func (e *Entities[T]) raw() *Entities[json.RawMessage] {
	r := NewEntities[json.RawMessage](e.c, e.service, e.set, e.key...)
	r.params = e.params
	return r
}

// Hashes are the rows of a set at one moment: key to hash. They may be kept as JSON.
type Hashes map[string]string

// ScanResult is what differs between two scans.
type ScanResult[T any] struct {
	Changed []*T     // new rows, and rows of which a column changed
	Gone    []string // keys that are not there any more, sorted
	Hashes  Hashes   // of this scan, for the next
}

// Scan reads a whole set and compares a hash of each row with those of an earlier
// scan: for tables without a stamp. What q selects is what is compared; the row
// version is no part of it, since it also moves when nothing that was selected
// does. Nothing is returned of a scan that failed half-way, so that no row is
// taken for gone.
func (e *Entities[T]) Scan(ctx context.Context, q odata.Query, before Hashes) (*ScanResult[T], error) {
	out := &ScanResult[T]{Hashes: Hashes{}}
	q.Select = e.withKey(q.Select)
	for r, err := range e.raw().List(ctx, q) {
		if err != nil {
			return nil, err
		}
		var columns map[string]json.RawMessage
		if err := json.Unmarshal(*r, &columns); err != nil {
			return nil, &Error{Operation: e.op(), Message: "a row is not readable", err: err}
		}
		var key []string
		for _, k := range e.key[1:] {
			key = append(key, string(columns[k]))
		}
		id, hash := strings.Join(key, ","), hashOf(columns)
		if _, twice := out.Hashes[id]; twice {
			return nil, &Error{Operation: e.op(), err: fmt.Errorf("two rows have the key %.60s", id)}
		}
		out.Hashes[id] = hash
		if before[id] == hash {
			continue
		}
		item, err := e.row(*r)
		if err != nil {
			return nil, err
		}
		out.Changed = append(out.Changed, item)
	}
	for id := range before {
		if _, ok := out.Hashes[id]; !ok {
			out.Gone = append(out.Gone, id)
		}
	}
	slices.Sort(out.Gone)
	return out, nil
}

func hashOf(columns map[string]json.RawMessage) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		if name == RowVersion || name == "UD_"+RowVersion || strings.HasPrefix(name, "@odata.") {
			continue
		}
		fmt.Fprintf(h, "%d:%s%d:%s", len(name), name, len(columns[name]), columns[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

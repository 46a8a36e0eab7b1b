package epicor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// RowMod says what a method shall do with a row of a tableset.
type RowMod string

// The values of RowMod. A changed row has the old one beside it, unmarked.
const (
	Unchanged RowMod = ""
	Added     RowMod = "A"
	Changed   RowMod = "U"
	Deleted   RowMod = "D"
)

const rowModColumn = "RowMod"

// Tableset is what most methods take and give back as "ds": tables of rows. It
// keeps everything that came, in the order in which it came: tables and columns
// that this package does not know, user-defined ones, amounts to the digit. What
// goes back is what came, apart from what was changed: a column that is left
// out is stored empty by Kinetic, so nothing may be lost on the way.
//
// A Tableset is not safe for concurrent use.
type Tableset struct {
	order  []string
	tables map[string][]*Row
	raw    map[string]json.RawMessage // members that are no list of rows
}

// Row is one record of a table.
type Row struct {
	order []string
	cols  map[string]json.RawMessage
}

// NewTableset returns an empty tableset, {} on the wire, which starts a GetNew.
func NewTableset() *Tableset { return &Tableset{} }

func decodeTableset(raw []byte) (*Tableset, error) {
	t := &Tableset{}
	if err := t.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	return t, nil
}

// UnmarshalJSON reads a tableset; a column or table that stands there twice is
// an error, since only one of the two could go back.
func (t *Tableset) UnmarshalJSON(b []byte) error {
	if !json.Valid(b) {
		return errors.New("tableset: no JSON")
	}
	// The rows keep parts of the text as they are, so it must be nobody else's.
	b = bytes.TrimSpace(bytes.Clone(b))
	if b[0] != '{' {
		return errors.New("tableset: no object")
	}
	order, members, err := decodeObject(b)
	if err != nil {
		return fmt.Errorf("tableset: %w", err)
	}
	out := Tableset{order: order, tables: map[string][]*Row{}, raw: map[string]json.RawMessage{}}
	for _, name := range order {
		rows, isTable, err := decodeRows(members[name])
		switch {
		case err != nil:
			return fmt.Errorf("tableset: table %.60s: %w", name, err)
		case isTable:
			out.tables[name] = rows
		default:
			out.raw[name] = members[name]
		}
	}
	*t = out
	return nil
}

// decodeRows reads a list of objects; anything else is no table. raw is valid JSON.
func decodeRows(raw json.RawMessage) (rows []*Row, isTable bool, err error) {
	if len(raw) == 0 || raw[0] != '[' {
		return nil, false, nil
	}
	elems := elements(raw)
	for _, e := range elems {
		if e[0] != '{' {
			return nil, false, nil
		}
	}
	rows = make([]*Row, 0, len(elems))
	for _, e := range elems {
		order, cols, err := decodeObject(e)
		if err != nil {
			return nil, false, err
		}
		rows = append(rows, &Row{order: order, cols: cols})
	}
	return rows, true, nil
}

// MarshalJSON writes the tableset as it came, with its changes.
func (t *Tableset) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range t.order {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writeName(&b, name); err != nil {
			return nil, err
		}
		if raw, ok := t.raw[name]; ok {
			b.Write(raw)
			continue
		}
		b.WriteByte('[')
		for j, r := range t.tables[name] {
			if j > 0 {
				b.WriteByte(',')
			}
			if err := r.write(&b); err != nil {
				return nil, err
			}
		}
		b.WriteByte(']')
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func writeName(b *bytes.Buffer, name string) error {
	s, err := encodeJSON(name)
	if err != nil {
		return err
	}
	b.Write(s)
	b.WriteByte(':')
	return nil
}

func (r *Row) write(b *bytes.Buffer) error {
	b.WriteByte('{')
	for i, name := range r.order {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writeName(b, name); err != nil {
			return err
		}
		b.Write(r.cols[name])
	}
	b.WriteByte('}')
	return nil
}

// Tables returns the names of the tables, in the order in which they came.
func (t *Tableset) Tables() []string {
	var names []string
	for _, n := range t.order {
		if _, ok := t.tables[n]; ok {
			names = append(names, n)
		}
	}
	return names
}

// Rows returns the rows of a table, those that are about to be changed or
// deleted and their old selves among them; see [Row.Mod].
func (t *Tableset) Rows(table string) []*Row { return slices.Clone(t.tables[table]) }

// Current returns the rows of a table as they will be: of a changed row the new
// one, no deleted ones.
func (t *Tableset) Current(table string) []*Row {
	rows := t.tables[table]
	var replaced map[string]bool // old selves, by their SysRowID
	for _, r := range rows {
		if m := r.Mod(); m == Changed || m == Deleted {
			if replaced == nil {
				replaced = map[string]bool{}
			}
			replaced[r.Text("SysRowID")] = true
		}
	}
	delete(replaced, "")
	out := make([]*Row, 0, len(rows))
	for _, r := range rows {
		switch r.Mod() {
		case Deleted:
			continue
		case Unchanged:
			if replaced != nil && replaced[r.Text("SysRowID")] {
				continue
			}
		case Added, Changed:
		default:
		}
		out = append(out, r)
	}
	return out
}

// Change marks a row of a table as changed and leaves a copy of it, as it was,
// unmarked before it. A row that is marked already stays as it is.
func (t *Tableset) Change(table string, r *Row) error { return t.mark(table, r, Changed, true) }

// Delete marks a row of a table for deletion.
func (t *Tableset) Delete(table string, r *Row) error { return t.mark(table, r, Deleted, false) }

func (t *Tableset) mark(table string, r *Row, mod RowMod, keepOld bool) error {
	rows := t.tables[table]
	at := slices.Index(rows, r)
	if at < 0 {
		return fmt.Errorf("the row does not stand in table %.60s", table)
	}
	if r.Mod() != Unchanged {
		return nil
	}
	if keepOld {
		t.tables[table] = slices.Insert(slices.Clone(rows), at, r.clone())
	}
	return r.Set(rowModColumn, string(mod))
}

// keep drops the rows of a table that ok does not want. The table itself stays.
func (t *Tableset) keep(table string, ok func(*Row) bool) {
	if rows, there := t.tables[table]; there {
		t.tables[table] = slices.DeleteFunc(slices.Clone(rows), func(r *Row) bool { return !ok(r) })
	}
}

// clone returns a tableset with the same rows, of which those of some tables can
// be left out without the first one losing them.
func (t *Tableset) clone(tables ...string) *Tableset {
	out := &Tableset{order: t.order, tables: maps.Clone(t.tables), raw: t.raw}
	for _, name := range tables {
		out.tables[name] = slices.Clone(t.tables[name])
	}
	return out
}

// part is a tableset without the rows of lines, expenses and accounts, except
// those of the tables that are named.
func (t *Tableset) part(with ...string) *Tableset {
	out := t.clone(with...)
	for _, name := range []string{tableLine, tableExpense, tableAccount} {
		if _, there := out.tables[name]; there && !slices.Contains(with, name) {
			out.tables[name] = nil
		}
	}
	return out
}

// put appends rows to a table.
func (t *Tableset) put(table string, rows ...*Row) {
	if _, there := t.tables[table]; !there {
		t.order = append(slices.Clip(t.order), table)
	}
	t.tables[table] = append(t.tables[table], rows...)
}

// take appends all rows that a table has in another tableset.
func (t *Tableset) take(table string, from *Tableset) { t.put(table, from.tables[table]...) }

func (r *Row) clone() *Row {
	c := &Row{order: slices.Clone(r.order), cols: make(map[string]json.RawMessage, len(r.cols))}
	for k, v := range r.cols {
		c.cols[k] = v
	}
	return c
}

// Columns returns the names of the columns, in the order in which they came.
func (r *Row) Columns() []string { return slices.Clone(r.order) }

// Has reports whether the row has a column.
func (r *Row) Has(column string) bool { _, ok := r.cols[column]; return ok }

// Raw returns the JSON of a column as it came, nil when there is none.
func (r *Row) Raw(column string) json.RawMessage { return slices.Clone(r.cols[column]) }

// Mod returns the row's RowMod.
func (r *Row) Mod() RowMod {
	if string(r.cols[rowModColumn]) == `""` {
		return Unchanged // most of them, without decoding it
	}
	return RowMod(r.Text(rowModColumn))
}

// Text returns a column's text, "" when it is absent, null or something else.
func (r *Row) Text(column string) string { return read[string](r, column) }

// Int returns a column's whole number, 0 when it is absent or something else.
func (r *Row) Int(column string) int64 {
	d := r.Decimal(column).Value()
	if !d.IsInteger() {
		return 0
	}
	return d.IntPart()
}

// Bool returns a column's truth, false when it is absent or something else.
func (r *Row) Bool(column string) bool { return read[bool](r, column) }

// Decimal returns a column's number with its digits, absent when there is none.
func (r *Row) Decimal(column string) Decimal { return read[Decimal](r, column) }

// Date returns a column's date, the zero Date when there is none.
func (r *Row) Date(column string) Date { return read[Date](r, column) }

func read[T any](r *Row, column string) T {
	var v, zero T
	raw, ok := r.cols[column]
	if !ok || json.Unmarshal(raw, &v) != nil {
		return zero
	}
	return v
}

// Set gives a column a value: text, a number, a Decimal, a Date (written with a
// midnight clock and no zone, as Kinetic writes it) or nil. A column that the
// row does not have is added at its end.
func (r *Row) Set(column string, v any) error {
	switch x := v.(type) {
	case Date:
		if v = nil; !x.IsZero() {
			v = x.String() + "T00:00:00"
		}
	case decimal.Decimal:
		v = wire.DecimalOf(x)
	}
	raw, err := encodeJSON(v)
	if err != nil {
		return fmt.Errorf("column %s: %w", column, err)
	}
	if r.cols == nil {
		r.cols = map[string]json.RawMessage{}
	}
	if _, ok := r.cols[column]; !ok {
		r.order = append(r.order, column)
	}
	r.cols[column] = raw
	return nil
}

// drop takes a column out of the row.
func (r *Row) drop(column string) {
	delete(r.cols, column)
	r.order = slices.DeleteFunc(r.order, func(c string) bool { return c == column })
}

package epicortest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// RowMod values.
const (
	unchanged = ""
	added     = "A"
	updated   = "U"
	deleted   = "D"
)

// tableset is a "ds": tables by name, each a list of rows. Tables that the fake
// keeps nothing in travel as raw.
type tableset struct {
	order []string
	rows  map[string][]row
	raw   map[string]json.RawMessage
}

func newTableset(order []string) *tableset {
	return &tableset{order: order, rows: map[string][]row{}, raw: map[string]json.RawMessage{}}
}

// MarshalJSON writes every table, empty ones too.
func (t *tableset) MarshalJSON() ([]byte, error) {
	m := make(map[string]any, len(t.order)+1)
	for _, n := range t.order {
		switch rows := t.rows[n]; {
		case len(rows) > 0:
			m[n] = rows
		case len(t.raw[n]) > 0:
			m[n] = t.raw[n]
		default:
			m[n] = []row{}
		}
	}
	if _, ok := m["ExtensionTables"]; !ok {
		m["ExtensionTables"] = []row{}
	}
	return encode(m)
}

// tableset reads the parameter "ds". An empty one, which starts a GetNew, is
// taken as it is; any other must be whole: every table that a response
// brings, in every row every column.
func (c *call) tableset(order []string) (*tableset, *fault) {
	var in map[string]json.RawMessage
	if err := json.Unmarshal(c.in["ds"], &in); err != nil {
		return nil, badArgument("Parameter ds is not a tableset: %v", err)
	}
	out := newTableset(order)
	if len(in) == 0 {
		return out, nil
	}
	for _, name := range order {
		if _, ok := in[name]; !ok && !c.s.opts.LoseMissing {
			return nil, business(name, "", "Table %s is missing: a tableset must come back with every table it was given with.", name)
		}
	}
	for name, b := range in {
		if name == "ExtensionTables" {
			continue
		}
		if !slices.Contains(order, name) {
			return nil, badArgument("Parameter ds: unknown table %.80s", name)
		}
		def, ok := c.co.schema[name]
		if !ok {
			out.raw[name] = b
			continue
		}
		rows, f := c.rows(def, b)
		if f != nil {
			return nil, f
		}
		out.rows[name] = rows
	}
	return out, nil
}

func (c *call) rows(t *table, b json.RawMessage) ([]row, *fault) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var in []map[string]any
	if err := d.Decode(&in); err != nil {
		return nil, badArgument("Parameter ds: table %s is not a list of rows: %v", t.name, err)
	}
	out := make([]row, 0, len(in))
	for i, m := range in {
		r, f := c.readRow(t, m, i)
		if f != nil {
			return nil, f
		}
		out = append(out, r)
	}
	return out, nil
}

func (c *call) readRow(t *table, m map[string]any, i int) (row, *fault) {
	for name := range m {
		if _, ok := t.column(name); !ok {
			return nil, badArgument("Parameter ds: table %s has no column %.80s", t.name, name)
		}
	}
	mod, _ := m["RowMod"].(string)
	if !slices.Contains([]string{unchanged, added, updated, deleted}, mod) {
		return nil, badArgument("Parameter ds: RowMod %.20q in table %s is none of A, U, D", mod, t.name)
	}
	r := t.blank()
	var missing []string
	for _, col := range t.columns {
		v, ok := m[col.name]
		if !ok {
			// The vendor gives both to a new row, whatever came.
			if mod == added && (col.name == "SysRevID" || col.name == "SysRowID") {
				continue
			}
			missing = append(missing, col.name)
			r[col.name] = col.kind.zero()
			continue
		}
		x, err := col.kind.read(v)
		if err != nil {
			return nil, badArgument("Parameter ds: column %s.%s: %v", t.name, col.name, err)
		}
		r[col.name] = x
	}
	if len(missing) > 0 && !c.s.opts.LoseMissing {
		return nil, business(t.name, missing[0],
			"Row %d of table %s lacks %d columns that it was given with: %s.", i+1, t.name, len(missing), strings.Join(missing, ", "))
	}
	if id := r.str("Company"); id != "" && id != c.co.seed.ID {
		return nil, foreign(t.name, id)
	}
	r["Company"] = c.co.seed.ID
	return r, c.lengths(t, r)
}

func (c *call) lengths(t *table, r row) *fault {
	for _, col := range t.columns {
		if col.kind != text {
			continue
		}
		limit, ok := c.s.opts.MaxLength[t.name+"."+col.name]
		if ok && len([]rune(r.str(col.name))) > limit {
			return business(t.name, col.name, "The value of %s is longer than the %d characters that the column holds.", col.name, limit)
		}
	}
	return nil
}

// current returns the row that a Change method works on: the first that is added or updated.
func (t *tableset) current(name string) (row, *fault) {
	for _, r := range t.rows[name] {
		if m := r.str("RowMod"); m == added || m == updated {
			return r, nil
		}
	}
	return nil, business(name, "RowMod", "Table %s has no row with RowMod A or U to change.", name)
}

// add appends a row that a GetNew method makes.
func (t *tableset) add(name string, r row) {
	r["RowMod"] = added
	t.rows[name] = append(t.rows[name], r)
}

// changes lists the rows of a table with a RowMod.
func (t *tableset) changes(name string) []row {
	var out []row
	for _, r := range t.rows[name] {
		if r.str("RowMod") != unchanged {
			out = append(out, r)
		}
	}
	return out
}

// stored compares a changed row with what stands in the database: the old row
// must lie beside it and its version must be the current one.
func (c *call) stored(ts *tableset, t *table, r, old row) *fault {
	if r.str("RowMod") == updated && !c.s.opts.LoneUpdates {
		beside := slices.ContainsFunc(ts.rows[t.name], func(x row) bool {
			return x.str("RowMod") == unchanged && x.same(r, t.key)
		})
		if !beside {
			return business(t.name, "RowMod", "The old row must lie unmarked beside a row of %s with RowMod U.", t.name)
		}
	}
	if r.int("SysRevID") != old.int("SysRevID") {
		return business(t.name, "SysRevID", "Row has been modified by another user and couldn't be updated.")
	}
	return nil
}

// duplicate refuses a key that exists, in the form that the options ask for.
func (s *Server) duplicate(table, format string, args ...any) *fault {
	msg := fmt.Sprintf(format, args...)
	if s.opts.Duplicate == DuplicateBusiness {
		return business(table, "", "Duplicate entry found. %s", msg)
	}
	f := business(table, "", "%s", msg)
	f.status, f.kind = 409, typeDuplicate
	return f
}

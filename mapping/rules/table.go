package rules

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
)

// table turns codes of a document into a part of an account, or the whole of it.
type table struct {
	At        pos    `json:"-"`
	Key       []text // what a row is found by, in this order
	Rows      map[string]text
	File      string `json:"-"` // that the rows come from; empty: the rule file
	Store     text   // name of rows that are kept outside; empty: they stand in Rows
	Otherwise text   // the value where there is no row; empty: the document parks
}

// RowStore is optional on Tables: it has the rows of tables whose rows are kept
// outside the rule file (store: in it), so that another program may keep them up
// to date. It is safe for concurrent use.
type RowStore interface {
	// Rows returns the rows of a table by their keys, as TableKey makes them, and a
	// version that other rows do not have. Nobody changes the map. No
	// such table: no rows. An error is transient.
	Rows(ctx context.Context, table string) (rows map[string]string, version string, err error)
}

// outside reads the rows that are kept outside, each table once for a document,
// and names their versions.
func (m *Mapper) outside(ctx context.Context) (rows map[string]map[string]string, version string, err error) {
	for _, name := range m.set.stores {
		if rows == nil {
			rows = make(map[string]map[string]string, len(m.set.stores))
		}
		store, has := m.tables.(RowStore)
		if !has {
			return nil, "", fmt.Errorf("rules: the rows of table %s are kept outside %s, and nothing here has them", name, m.set.name)
		}
		got, v, err := store.Rows(ctx, name)
		if err != nil {
			return nil, "", fmt.Errorf("rules: reading the rows of table %s: %w", name, err)
		}
		rows[name] = got
		version += "\n" + name + " " + v
	}
	return rows, version, nil
}

// storesOf are the names of rows that are kept outside, sorted, each once.
func storesOf(c *content) []string {
	names := make(map[string]bool)
	for _, t := range c.Tables {
		if t.Store.value != "" {
			names[t.Store.value] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// lookup finds the row of a table for a share, and gives its value.
func (r *run) lookup(name string, s subject, at, field string, d *draft) (value string, ok bool) {
	t := r.rules.Tables[name]
	parts, facts := make([]string, len(t.Key)), make([]string, len(t.Key))
	for i, k := range t.Key {
		if k.value == "cost_centre" {
			if parts[i], ok = r.costCentre(s, at, field, d); !ok {
				return "", false
			}
		} else {
			parts[i] = s.word(k.value)
		}
		facts[i] = strings.TrimSpace(spoken(k.value) + " " + parts[i])
	}
	key := TableKey(parts...)
	why := mapping.Reason{Field: field + ", " + spoken(name), Input: strings.Join(facts, ", "), Row: key}
	inside, listed := t.Rows[key]
	kept, there := r.rows[t.Store.value][key]
	switch {
	case listed && t.File == "":
		why.Value, why.Rule = inside.value, "tables."+name+" ("+r.set.at(inside.at)+")"
	case listed:
		why.Value, why.Rule = inside.value, fmt.Sprintf("tables.%s (%s:%d)", name, t.File, inside.at.line)
	case there && t.Store.value != "":
		why.Value, why.Rule = kept, "tables."+name+" (kept as "+t.Store.value+")"
	case t.Otherwise.value != "":
		why.Value, why.Rule, why.Row = t.Otherwise.value, "tables."+name+".otherwise ("+r.set.at(t.Otherwise.at)+")", ""
	default:
		r.issue(connector.Issue{
			Code: TableRowMissing, Field: at + ", " + spoken(name), Value: key,
			Message: fmt.Sprintf("table %s has no row for %s", name, clip(why.Input)),
			Remedy:  fmt.Sprintf("Add a row %q %s, then replay.", clip(key), r.whereRowsAre(t)),
		})
		return "", false
	}
	d.reasons = append(d.reasons, why)
	return why.Value, true
}

// whereRowsAre tells a person where a row of a table is added.
func (r *run) whereRowsAre(t table) string {
	switch {
	case t.Store.value != "":
		return "to the rows that the connector keeps as " + t.Store.value
	case t.File != "":
		return "to " + t.File
	default:
		return "under its rows (" + r.set.at(t.At) + ")"
	}
}

package rules

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// maxTable is the size of a table's file above which it is not read.
const maxTable = 32 << 20

// tableName is what a table may be called: it stands in templates.
var tableName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// keyWords are what a row may be found by, beside custom fields.
var keyWords = []string{"cost_centre", "expense_type", "policy", "country", "payment_type", "ledger", "account", "kind"}

// namesOf returns the keys of a section, so that another one may name them
// wherever in the file it stands.
func namesOf(root ast.Node, section string) []string {
	var names []string
	for _, v := range values(root) {
		if key, _ := scalar(v.Key); key != section {
			continue
		}
		for _, t := range values(v.Value) {
			if name, ok := scalar(t.Key); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

func values(n ast.Node) []*ast.MappingValueNode {
	if m, ok := n.(*ast.MappingNode); ok {
		return m.Values
	}
	return nil
}

func (r *reader) tables(n ast.Node, path string) map[string]table {
	out := make(map[string]table)
	for _, p := range r.pairs(n, path) {
		name, at := p.key.value, path+"."+clip(p.key.value)
		switch {
		case !tableName.MatchString(name):
			r.fail(p.key.at, "%s: a table's name is written in accounts as {name}: up to 40 small letters, digits and _, a letter first", at)
		case slices.Contains(accountWords, name) || slices.Contains(keyWords, name) || customField.MatchString(name):
			r.fail(p.key.at, "%s: {%s} is a value of the document already; give the table another name", at, name)
		}
		out[name] = r.oneTable(p.value, at, p.key.at)
	}
	return out
}

func (r *reader) oneTable(n ast.Node, path string, at pos) table {
	t := table{At: at}
	columns := columns{separator: ','}
	var rows ast.Node
	r.object(n, path,
		key{"key", true, func(n ast.Node, p string) {
			t.Key = r.list(n, p)
			for _, k := range t.Key {
				if k.value != "" && !slices.Contains(keyWords, k.value) && !customField.MatchString(k.value) {
					r.fail(k.at, "%s: rows cannot be found by %q%s", p, clip(k.value), orKnown(k.value, keyWords, " and custom fields such as custom5 or orgUnit1"))
				}
			}
		}},
		key{"rows", false, func(n ast.Node, _ string) { rows = n }},
		key{"file", false, func(n ast.Node, p string) { columns.file = r.text(n, p) }},
		key{"columns", false, func(n ast.Node, p string) {
			columns.at = place(n)
			r.object(n, p,
				key{"key", true, func(n ast.Node, p string) { columns.key = r.list(n, p) }},
				key{"value", true, func(n ast.Node, p string) { columns.value = r.text(n, p) }},
			)
		}},
		key{"separator", false, func(n ast.Node, p string) {
			columns.separator = map[string]rune{"comma": ',', "semicolon": ';', "tab": '\t'}[r.word(n, p, "comma", "semicolon", "tab").value]
		}},
		key{"store", false, func(n ast.Node, p string) {
			t.Store = r.text(n, p)
			if t.Store.value != "" && !tableName.MatchString(t.Store.value) {
				r.fail(t.Store.at, "%s: %q must be up to 40 small letters, digits and _, a letter first", p, clip(t.Store.value))
			}
		}},
		key{"otherwise", false, func(n ast.Node, p string) { t.Otherwise = r.text(n, p) }},
	)
	given := 0
	for _, is := range []bool{rows != nil, columns.file.value != "", t.Store.value != ""} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		r.fail(at, "%s: say where the rows are, once: rows: in this file, file: a CSV file beside it, or store: kept by the connector", path)
	case rows != nil:
		t.Rows = r.table(rows, path+".rows")
	case columns.file.value != "":
		r.csv(&t, columns, path)
	}
	if columns.file.value == "" && columns.at.line != 0 {
		r.fail(columns.at, "%s.columns: only a table with file has columns", path)
	}
	return t
}

// orKnown is a hint at the word that was meant, or the list of all.
func orKnown(word string, known []string, more string) string {
	if hint := nearest(word, known); hint != "" {
		return hint
	}
	return "; known are " + strings.Join(known, ", ") + more
}

// columns say where a CSV file has keys and values.
type columns struct {
	at        pos
	file      text
	key       []text // headings; none: the first columns
	value     text   // heading; empty: the column behind the key's
	separator rune
}

// csv reads the rows of a table from a file beside the rules. Its first line has
// the headings.
func (r *reader) csv(t *table, c columns, path string) {
	data, err := r.beside(c.file.value)
	if err != nil {
		r.fail(c.file.at, "%s.file: %s", path, err)
		return
	}
	t.File = c.file.value
	fail := func(line int, format string, args ...any) {
		one := &reader{file: r.side(c.file.value)}
		one.fail(pos{line, 1}, format, args...)
		r.errs = append(r.errs, one.errs...)
	}
	// Spreadsheets put a mark before UTF-8.
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	in.Comma, in.TrimLeadingSpace, in.ReuseRecord = c.separator, true, true
	head, err := in.Read()
	if errors.Is(err, io.EOF) {
		fail(1, "the file is empty; its first line has the headings")
		return
	}
	if err != nil {
		fail(1, "this is not readable as CSV: %s", oneLine(err.Error()))
		return
	}
	key, value, ok := r.columnsOf(head, t, c, path)
	if !ok {
		return
	}
	t.Rows = make(map[string]text)
	words := make([]string, len(key))
	const most = 20 // of one file that are told
	for faults := 0; faults < most; {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		line, _ := in.FieldPos(0)
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			fail(wrong.Line, "this is not readable as CSV: %s", oneLine(wrong.Err.Error()))
			return
		}
		for i, at := range key {
			words[i] = strings.TrimSpace(row[at])
		}
		k, v := TableKey(words...), strings.TrimSpace(row[value])
		switch first, twice := t.Rows[k]; {
		case slices.Contains(words, ""):
			fail(line, "the key is empty; fill it in or remove the line")
			faults++
		case v == "":
			fail(line, "%q has no value; fill it in or remove the line", clip(k))
			faults++
		case twice:
			fail(line, "%q stands already at line %d; remove one of them", clip(k), first.at.line)
			faults++
		default:
			t.Rows[k] = text{v, pos{line, 1}}
		}
	}
}

// columnsOf finds the columns of keys and values by their headings.
func (r *reader) columnsOf(head []string, t *table, c columns, path string) (key []int, value int, ok bool) {
	for i := range head {
		head[i] = strings.TrimSpace(head[i])
	}
	at := func(heading text, what string) int {
		i := slices.Index(head, heading.value)
		if i < 0 && heading.value != "" {
			r.fail(heading.at, "%s.columns.%s: %s has no column %q%s", path, what, c.file.value, clip(heading.value), orKnown(heading.value, slices.Clone(head), ""))
		}
		return i
	}
	if c.at.line == 0 {
		for i := range t.Key {
			key = append(key, i)
		}
		if value = len(t.Key); value >= len(head) {
			r.fail(c.file.at, "%s.file: %s has %d columns; with %d for the key it needs one more for the value (is separator: right?)", path, c.file.value, len(head), len(t.Key))
			return nil, 0, false
		}
		return key, value, true
	}
	if len(c.key) != len(t.Key) {
		r.fail(c.at, "%s.columns.key: %d columns for a key of %d parts", path, len(c.key), len(t.Key))
		return nil, 0, false
	}
	ok = true
	for _, h := range c.key {
		i := at(h, "key")
		key, ok = append(key, i), ok && i >= 0
	}
	value = at(c.value, "value")
	return key, value, ok && value >= 0
}

// TableKey makes the key of a table's row of its parts, as it is written under
// rows: one part as it is; of several a "/" stands between two, and what is "/"
// or "~" in one of them is written "~1" or "~0", so that no two keys are one.
func TableKey(parts ...string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(p, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// beside reads a file that the rules name.
func (r *reader) beside(name string) ([]byte, error) {
	switch {
	case r.files == nil:
		return nil, errors.New("no file can be read beside these rules; write the rows under rows")
	case !fs.ValidPath(name):
		return nil, errors.New("the file must stand beside this one or in a folder there; write its name alone, such as cost-centres.csv")
	}
	f, err := r.files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxTable+1))
	if err == nil && len(data) > maxTable {
		err = errors.New("the file is larger than 32 MiB, which is not read")
	}
	return data, err
}

// side names a file beside the rules as the rules themselves are named.
func (r *reader) side(name string) string {
	if i := strings.LastIndexAny(r.file, `/\`); i >= 0 {
		return r.file[:i+1] + name
	}
	return name
}

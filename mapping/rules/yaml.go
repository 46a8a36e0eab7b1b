package rules

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile is the size of a rule file above which it is not read: far above any
// chart of accounts, far below what could exhaust the machine.
const maxFile = 4 << 20

// maxLine and maxDepth keep the parser, which descends into every bracket and
// dash, from running out of its stack.
const (
	maxLine  = 10_000
	maxDepth = 100
)

// pos is a place in a rule file.
type pos struct{ line, column int }

// text is a value of a rule file with its place. Codes are text however they
// are written: 0021 stays "0021" and NO stays "NO".
type text struct {
	value string
	at    pos
}

// MarshalJSON leaves the place out: moving a line changes no rule.
func (t text) MarshalJSON() ([]byte, error) { return json.Marshal(t.value) }

// reader walks a parsed file and collects what is wrong with it.
type reader struct {
	file  string
	files fs.FS // what stands beside it; nil: nothing can be read there
	errs  Errors

	tableNames []string // which accounts may use
}

func (r *reader) fail(at pos, format string, args ...any) {
	r.errs = append(r.errs, &Error{File: r.file, Line: at.line, Column: at.column, Message: fmt.Sprintf(format, args...)})
}

// parse returns the one document of a file, or nil after noting what is wrong.
func (r *reader) parse(data []byte) (root ast.Node) {
	if len(data) > maxFile {
		r.fail(pos{}, "the file has %d bytes; at most %d are read", len(data), maxFile)
		return nil
	}
	if !r.shallow(data) {
		return nil
	}
	// The parser is foreign code that reads foreign input: whatever it trips
	// over is a fault of the file, not the end of the program.
	defer func() {
		if recover() != nil {
			root = nil
			r.fail(pos{}, "this is not readable as YAML")
		}
	}()
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		var fault yaml.Error
		if !errors.As(err, &fault) {
			r.fail(pos{}, "this is not readable as YAML: %s", oneLine(err.Error()))
			return nil
		}
		at := pos{}
		if t := fault.GetToken(); t != nil && t.Position != nil {
			at = pos{t.Position.Line, t.Position.Column}
		}
		r.fail(at, "this is not readable as YAML: %s", oneLine(fault.GetMessage()))
		return nil
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			r.fail(place(doc.Body), "a second YAML document starts here; keep one per file")
			return nil
		}
		root = doc.Body
	}
	if root == nil {
		r.fail(pos{1, 1}, "the file is empty; it needs at least version, company and accounts")
	}
	return root
}

// shallow reports whether lines and nesting are as short as a person writes
// them, and notes where they are not. Brackets in quotes count too: nobody has
// a hundred of them open.
func (r *reader) shallow(data []byte) bool {
	at, depth := pos{1, 0}, 0
	for _, c := range data {
		at.column++
		switch c {
		case '\n':
			at = pos{at.line + 1, 0}
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(depth-1, 0)
		}
		if at.column > maxLine || depth > maxDepth {
			r.fail(at, "a line longer than %d bytes, or more than %d brackets open; break it up", maxLine, maxDepth)
			return false
		}
	}
	return true
}

func oneLine(s string) string {
	return clip(strings.Join(strings.Fields(s), " "))
}

// clip keeps a foreign value in an error short.
func clip(s string) string {
	const most = 80
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}

func place(n ast.Node) pos {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	if n == nil {
		return pos{}
	}
	t := n.GetToken()
	if t == nil || t.Position == nil {
		return pos{}
	}
	return pos{t.Position.Line, t.Position.Column}
}

// scalar returns the text of a plain value; ok is false for anything else.
func scalar(n ast.Node) (value string, ok bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		value = v.Value
	case *ast.LiteralNode:
		value = v.Value.Value
	case *ast.NullNode:
		return "", true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		value = n.GetToken().Value
	default:
		return "", false
	}
	return strings.TrimSpace(value), true
}

// text reads a single value; empty is a fault.
func (r *reader) text(n ast.Node, path string) text {
	v, ok := scalar(n)
	t := text{v, place(n)}
	switch {
	case !ok:
		r.fail(t.at, "%s: want one value, found %s", path, what(n))
	case v == "":
		r.fail(t.at, "%s: the value is missing; give one or remove the key", path)
	}
	return t
}

// word reads a value that is one of a few.
func (r *reader) word(n ast.Node, path string, words ...string) text {
	t := r.text(n, path)
	if t.value != "" && !slices.Contains(words, t.value) {
		r.fail(t.at, "%s: %q is none of %s%s", path, clip(t.value), strings.Join(words, ", "), nearest(t.value, words))
	}
	return t
}

// list reads one value or a sequence of them.
func (r *reader) list(n ast.Node, path string) []text {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		return []text{r.text(n, path)}
	}
	if len(seq.Values) == 0 {
		r.fail(place(n), "%s: the list is empty; give a value or remove the key", path)
	}
	out := make([]text, 0, len(seq.Values))
	for i, v := range seq.Values {
		out = append(out, r.text(v, fmt.Sprintf("%s[%d]", path, i+1)))
	}
	return out
}

// pair is one key of a mapping with its value.
type pair struct {
	key   text
	value ast.Node
}

// pairs reads a mapping whose keys are the reader's to choose. Keys are
// trimmed, so " CASH" beside "CASH" is the same key twice.
func (r *reader) pairs(n ast.Node, path string) []pair {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		r.fail(place(n), "%s: want keys with values, found %s", path, what(n))
		return nil
	}
	out := make([]pair, 0, len(m.Values))
	seen := make(map[string]pos, len(m.Values))
	for _, v := range m.Values {
		key, ok := scalar(v.Key)
		t := text{key, place(v.Key)}
		first, twice := seen[key]
		switch {
		case !ok:
			r.fail(t.at, "%s: the key is %s; want plain text", path, what(v.Key))
			continue
		case key == "":
			r.fail(t.at, "%s: a key is empty", path)
			continue
		case twice:
			r.fail(t.at, "%s: %q stands already at line %d; remove one of them", path, clip(key), first.line)
			continue
		}
		seen[key] = t.at
		out = append(out, pair{t, v.Value})
	}
	return out
}

// table reads a mapping of codes to codes.
func (r *reader) table(n ast.Node, path string) map[string]text {
	pairs := r.pairs(n, path)
	out := make(map[string]text, len(pairs))
	for _, p := range pairs {
		out[p.key.value] = r.text(p.value, path+"."+clip(p.key.value))
	}
	return out
}

// key is a key that an object may have.
type key struct {
	name     string
	required bool
	read     func(n ast.Node, path string)
}

// object reads a mapping whose keys are known. Unknown keys are faults: a
// mistyped one would otherwise be a rule that silently does nothing.
func (r *reader) object(n ast.Node, path string, keys ...key) {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	in := "at the top of the file"
	if path != "" {
		in = "under " + path
	}
	if _, ok := n.(*ast.MappingNode); !ok {
		r.fail(place(n), "want keys %s (%s), found %s", in, strings.Join(names, ", "), what(n))
		return
	}
	found := make(map[string]bool, len(keys))
	for _, p := range r.pairs(n, cmp.Or(path, "the file")) {
		i := slices.Index(names, p.key.value)
		if i < 0 {
			hint := nearest(p.key.value, names)
			if hint == "" {
				hint = "; known are " + strings.Join(names, ", ")
			}
			r.fail(p.key.at, "unknown key %q %s%s", clip(p.key.value), in, hint)
			continue
		}
		found[p.key.value] = true
		keys[i].read(p.value, strings.TrimPrefix(path+"."+p.key.value, "."))
	}
	for _, k := range keys {
		if k.required && !found[k.name] {
			r.fail(place(n), "key %q is missing %s", k.name, in)
		}
	}
}

// what names the kind of a node to a person.
func what(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode:
		return "keys with values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "an anchor or alias, which rule files do not use: write the value out"
	case *ast.TagNode:
		return "a YAML tag, which rule files do not use: write the value alone"
	case *ast.NullNode, nil:
		return "nothing"
	default:
		return "a single value"
	}
}

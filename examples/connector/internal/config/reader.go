package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile is the size of a configuration above which it is not read.
const maxFile = 1 << 20

// maxDepth keeps the parser, which descends into every bracket, on its stack.
const maxDepth = 50

// place is where something stands in the file.
type place struct{ line, column int }

// reader fills a value by its yaml tags and notes everything that is wrong. Tags:
//
//	yaml:"name"       the key
//	need:"why"        it must be there; why says what for
//	words:"a b"       it is one of these
//	never:"true"      a duration that may be "never"
//	at_once:"true"    a duration, or durations of a table, that may be "at_once"
type reader struct {
	file   string
	faults Faults
	places map[string]place // of each value and section, by its path
}

func (r *reader) fail(at place, kind Kind, what, remedy string) {
	r.faults = append(r.faults, &Fault{File: r.file, Line: at.line, Column: at.column, Kind: kind, What: what, Remedy: remedy})
}

// parse returns the one document of a file, or nil after noting what is wrong.
func (r *reader) parse(data []byte) (root ast.Node) {
	const remedy = "mend it; ml-connector example config prints one to begin from"
	if len(data) > maxFile || depth(data) > maxDepth {
		r.fail(place{}, Unreadable, fmt.Sprintf("the file is larger than %d bytes, or has more than %d brackets open", maxFile, maxDepth), remedy)
		return nil
	}
	// The parser is foreign code that reads foreign input: whatever it trips over
	// is a fault of the file, not the end of the program.
	defer func() {
		if recover() != nil {
			root = nil
			r.fail(place{}, Unreadable, "this is not readable as YAML", remedy)
		}
	}()
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		at, text := place{}, ""
		var fault yaml.Error
		if errors.As(err, &fault) {
			text = ": " + strings.Join(strings.Fields(fault.GetMessage()), " ")
			if t := fault.GetToken(); t != nil && t.Position != nil {
				at = place{t.Position.Line, t.Position.Column}
			}
		}
		r.fail(at, Unreadable, fmt.Sprintf("this is not readable as YAML%.120s", text), remedy)
		return nil
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			r.fail(at(doc.Body), Unreadable, "a second YAML document starts here", "keep one in a file")
			return nil
		}
		root = doc.Body
	}
	if root == nil {
		r.fail(place{1, 1}, Unreadable, "the file is empty", remedy)
	}
	return root
}

func depth(data []byte) (most int) {
	open := 0
	for _, c := range data {
		switch c {
		case '[', '{':
			open++
		case ']', '}':
			open = max(open-1, 0)
		}
		most = max(most, open)
	}
	return most
}

func at(n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	if n == nil {
		return place{}
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return place{t.Position.Line, t.Position.Column}
	}
	return place{}
}

// scalar returns the text of a plain value.
func scalar(n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return strings.TrimSpace(v.Value), true
	case *ast.LiteralNode:
		return strings.TrimSpace(v.Value.Value), true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return strings.TrimSpace(n.GetToken().Value), true
	}
	return "", false
}

// object fills a struct.
func (r *reader) object(n ast.Node, path string, v reflect.Value) {
	r.places[path] = at(n)
	fields := map[string]int{}
	var names []string
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("yaml"); name != "" {
			fields[name] = i
			names = append(names, name)
		}
	}
	in := ""
	if path != "" {
		in = " under " + path
	}
	m, ok := n.(*ast.MappingNode)
	if !ok {
		r.fail(at(n), Invalid, "want keys with values"+in, "the keys are: "+strings.Join(names, ", "))
		return
	}
	seen, meant := map[string]place{}, map[string]bool{}
	for _, pair := range m.Values {
		name, _ := scalar(pair.Key)
		where := at(pair.Key)
		i, known := fields[name]
		first, twice := seen[name]
		switch {
		case twice:
			r.fail(where, Invalid, fmt.Sprintf("%.60q stands already at line %d", name, first.line), "remove one of them")
			continue
		case !known:
			remedy := "the keys here are: " + strings.Join(names, ", ")
			if near := nearest(name, names); near != "" {
				remedy = fmt.Sprintf("did you mean %q?", near)
				meant[near] = true
			}
			r.fail(where, UnknownKey, fmt.Sprintf("unknown key %.60q%s", name, in), remedy)
			seen[name] = where
			continue
		}
		seen[name] = where
		r.places[join(path, name)] = where
		r.value(pair.Value, join(path, name), v.Type().Field(i), v.Field(i))
	}
	// What a section lacks is told even where the section is not there at all.
	r.needs(path, v, func(name string) bool { _, there := seen[name]; return there || meant[name] })
}

// needs notes which values of a section are missing.
func (r *reader) needs(path string, v reflect.Value, there func(name string) bool) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name := field.Tag.Get("yaml")
		if name == "" || there(name) {
			continue
		}
		if why := field.Tag.Get("need"); why != "" {
			r.fail(r.nearestPlace(path), Missing, join(path, name)+" is missing: "+why, "give it; "+exampleShows)
			continue
		}
		if field.Type.Kind() == reflect.Struct && field.Type != reflect.TypeFor[Ref]() {
			r.needs(join(path, name), v.Field(i), func(string) bool { return false })
		}
	}
}

// nearestPlace is where a section stands, or the nearest one above it.
func (r *reader) nearestPlace(path string) place {
	for {
		if p, ok := r.places[path]; ok {
			return p
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return r.places[""]
		}
		path = path[:i]
	}
}

func join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

// value fills one field.
func (r *reader) value(n ast.Node, path string, field reflect.StructField, v reflect.Value) {
	if _, null := n.(*ast.NullNode); null || n == nil {
		if field.Tag.Get("need") != "" {
			r.fail(at(n), Missing, path+" has no value: "+field.Tag.Get("need"), "give one; "+exampleShows)
		} else if v.Kind() == reflect.Pointer {
			v.Set(reflect.New(v.Type().Elem())) // "vendors:" alone switches a section on
		}
		return
	}
	switch {
	case v.Type() == reflect.TypeFor[Ref]():
		v.Set(reflect.ValueOf(r.reference(n, path)))
	case v.Kind() == reflect.Struct:
		r.object(n, path, v)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.object(n, path, v.Elem())
	case v.Kind() == reflect.Slice:
		r.list(n, path, v)
	case v.Kind() == reflect.Map:
		r.table(n, path, field, v)
	default:
		r.single(n, path, field, v)
	}
}

func (r *reader) list(n ast.Node, path string, v reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		r.fail(at(n), Invalid, path+": want a list", "begin each member with a dash, or write [a, b]")
		return
	}
	for i, item := range seq.Values {
		one := reflect.New(v.Type().Elem()).Elem()
		name := fmt.Sprintf("%s[%d]", path, i+1)
		if one.Kind() == reflect.Struct {
			r.object(item, name, one)
		} else {
			r.places[name] = at(item)
			r.single(item, name, reflect.StructField{}, one)
		}
		v.Set(reflect.Append(v, one))
	}
}

// table fills a map whose keys are the customer's own.
func (r *reader) table(n ast.Node, path string, field reflect.StructField, v reflect.Value) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		r.fail(at(n), Invalid, path+": want keys with values", "write them as key: value")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, pair := range m.Values {
		key, ok := scalar(pair.Key)
		if !ok || key == "" {
			r.fail(at(pair.Key), Invalid, path+": a key is no text", "write them as key: value")
			continue
		}
		r.places[join(path, key)] = at(pair.Key)
		one := reflect.New(v.Type().Elem()).Elem()
		r.single(pair.Value, join(path, key), reflect.StructField{Tag: field.Tag + ` need:"a key needs a value"`}, one)
		v.SetMapIndex(reflect.ValueOf(key), one)
	}
}

// single fills a text, a number, a truth value or a duration.
func (r *reader) single(n ast.Node, path string, field reflect.StructField, v reflect.Value) {
	text, ok := scalar(n)
	if !ok {
		r.fail(at(n), Invalid, path+": want a single value", "write it behind the key")
		return
	}
	if text == "" && field.Tag.Get("need") != "" {
		r.fail(at(n), Missing, path+" is empty: "+field.Tag.Get("need"), "give it; "+exampleShows)
		return
	}
	if words := strings.Fields(field.Tag.Get("words")); len(words) > 0 && text != "" && !slices.Contains(words, text) {
		remedy := "write one of: " + strings.Join(words, ", ")
		if near := nearest(text, words); near != "" {
			remedy = fmt.Sprintf("did you mean %q?", near)
		}
		r.fail(at(n), Invalid, fmt.Sprintf("%s: %.60q is not known", path, text), remedy)
		return
	}
	switch v.Interface().(type) {
	case time.Duration:
		if field.Tag.Get("never") != "" && text == "never" {
			v.SetInt(-1)
			return
		}
		atOnce := field.Tag.Get("at_once") != ""
		if atOnce && text == "at_once" {
			v.SetInt(0)
			return
		}
		d, err := duration(text)
		if err != nil || d < 0 {
			remedy := "write one such as 90s, 10m, 1h30m or 400d"
			if atOnce {
				remedy += ", or at_once"
			}
			r.fail(at(n), Invalid, fmt.Sprintf("%s: %.40q is no duration", path, text), remedy)
			return
		}
		v.SetInt(int64(d))
	case string:
		v.SetString(text)
	case int:
		i, err := strconv.ParseInt(text, 10, 32)
		if err != nil || i < 0 {
			r.fail(at(n), Invalid, fmt.Sprintf("%s: %.40q is no whole number from 0", path, text), "write digits only")
			return
		}
		v.SetInt(i)
	case bool:
		if text != "true" && text != "false" {
			r.fail(at(n), Invalid, fmt.Sprintf("%s: %.40q is neither true nor false", path, text), "write true or false")
			return
		}
		v.SetBool(text == "true")
	}
}

// maxDays is what a duration holds at most, in days.
const maxDays = 100_000

// duration reads what time.ParseDuration does, and days of 24 hours: 400d.
func duration(text string) (time.Duration, error) {
	if number, ok := strings.CutSuffix(text, "d"); ok {
		days, err := strconv.ParseUint(number, 10, 32)
		if err == nil && days > maxDays {
			err = fmt.Errorf("more than %d days", maxDays)
		}
		return time.Duration(days) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}

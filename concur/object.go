package concur

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// What the services send is more than any type here knows, and more tomorrow.
// A type that reads a whole object therefore keeps it: its field Raw is the
// object as it came. Encoding such a value gives that object back, digit by
// digit, with what was changed since in it.

// readObject decodes an object into a type and keeps it in raw, which is a field
// of into. P is the type without its methods, so that decoding does not come back
// here. What into held before is gone; after an error it is as it was.
func readObject[P any](b []byte, into *P, raw *json.RawMessage) error {
	var p P
	if err := json.Unmarshal(b, &p); err != nil {
		return err
	}
	*into = p
	*raw = bytes.Clone(b)
	return nil
}

// readRowV3 is readObject for the rows of the version 3 services of expense, whose
// custom fields stand among the others.
func readRowV3[P any](b []byte, into *P, raw *json.RawMessage, custom *map[string]CustomValue) error {
	var p P
	if err := json.Unmarshal(b, &p); err != nil {
		return err
	}
	fields, err := customValues(b)
	if err != nil {
		return err
	}
	*into = p
	*raw, *custom = bytes.Clone(b), fields
	return nil
}

// readCoded decodes a part of a financial document with its custom fields, whose
// names begin with prefix.
func readCoded[P any](b []byte, into *P, custom *map[string]CodedValue, prefix string) error {
	var p P
	if err := json.Unmarshal(b, &p); err != nil {
		return err
	}
	fields, err := codedValues(b, prefix)
	if err != nil {
		return err
	}
	*into = p
	*custom = fields
	return nil
}

// readRow is readObject for the objects of invoices whose custom fields stand
// among the others as plain texts.
func readRow[P any](b []byte, into *P, raw *json.RawMessage, custom *map[string]Text) error {
	var p P
	_, fields, err := withCustom(b, &p)
	if err != nil {
		return err
	}
	*into = p
	*raw, *custom = bytes.Clone(b), fields
	return nil
}

// writeObject encodes v, which was read from raw: what was not changed since
// goes out as it came, whatever the type knows of it.
func writeObject[T any](v T, raw json.RawMessage) ([]byte, error) {
	now, err := json.Marshal(v)
	if err != nil || len(raw) == 0 {
		return now, err
	}
	var read T
	if err := json.Unmarshal(raw, &read); err != nil {
		return nil, err
	}
	before, err := json.Marshal(read)
	if err != nil {
		return nil, err
	}
	return merge(raw, before, now)
}

// writeRow is writeObject for what readRow read.
func writeRow[T any](v T, raw json.RawMessage, custom map[string]Text) ([]byte, error) {
	if len(raw) == 0 {
		return withCustomTexts(v, custom, nil)
	}
	var read T
	object, fields, err := withCustom(raw, &read)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string) // a custom field keeps the spelling that it came with
	for name := range object {
		if id := customID([]byte(name)); id != "" {
			names[id] = name
		}
	}
	before, err := withCustomTexts(read, fields, names)
	if err != nil {
		return nil, err
	}
	now, err := withCustomTexts(v, custom, names)
	if err != nil {
		return nil, err
	}
	return merge(raw, before, now)
}

func withCustomTexts(plain any, fields map[string]Text, names map[string]string) ([]byte, error) {
	b, err := json.Marshal(plain)
	if err != nil || len(fields) == 0 {
		return b, err
	}
	b = b[:len(b)-1]
	for _, id := range slices.Sorted(maps.Keys(fields)) {
		if !customInputName.MatchString(id) {
			return nil, badCustom(id)
		}
		name := names[id]
		first(&name, strings.ToUpper(id[:1])+id[1:])
		text, err := json.Marshal(fields[id])
		if err != nil {
			return nil, err
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(b, fmt.Sprintf("%q:", name)...), text...)
	}
	return append(b, '}'), nil
}

// merge returns raw with the difference between before and now applied.
func merge(raw, before, now []byte) ([]byte, error) {
	raw, before, now = bytes.TrimSpace(raw), bytes.TrimSpace(before), bytes.TrimSpace(now)
	if bytes.Equal(before, now) {
		return raw, nil
	}
	switch {
	case kind(raw) == '{' && kind(before) == '{' && kind(now) == '{':
		return mergeObjects(raw, before, now)
	case kind(raw) == '[' && kind(before) == '[' && kind(now) == '[':
		return mergeArrays(raw, before, now)
	default:
		return now, nil
	}
}

func kind(b []byte) byte {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

func mergeObjects(raw, before, now []byte) ([]byte, error) {
	was, err := table(before)
	if err != nil {
		return nil, err
	}
	is, err := table(now)
	if err != nil {
		return nil, err
	}
	out := []byte{'{'}
	put := func(name, value []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	err = members(raw, func(name, quoted, value []byte) error {
		v, there := is[string(name)]
		before, known := was[string(name)]
		switch {
		case there:
			delete(is, string(name))
			if value, err = merge(value, before, v); err != nil {
				return err
			}
		case known:
			// It was emptied, and an empty one is left out: the vendor would keep what it
			// has, so that it goes out as empty.
			value = emptied(before)
		}
		put(quoted, value)
		return nil
	})
	if err != nil {
		return nil, err
	}
	// Members that raw does not have go out only where they were set since.
	err = members(now, func(name, quoted, value []byte) error {
		if _, left := is[string(name)]; left && !bytes.Equal(was[string(name)], value) {
			put(quoted, value)
		}
		return nil
	})
	return append(out, '}'), err
}

// emptied returns what stands for a value that was taken away.
func emptied(value []byte) []byte {
	switch kind(value) {
	case '"':
		return []byte(`""`)
	case '[':
		return []byte(`[]`)
	case 't':
		return []byte(`false`)
	default:
		return []byte(`null`)
	}
}

// mergeArrays gives each row that was not changed the text that it came with,
// wherever it stands now. A row that was changed goes out as its type writes it:
// nothing says which row it was, and a guess would mix two of them. So a row that is
// written back keeps a Raw of its own.
func mergeArrays(raw, before, now []byte) ([]byte, error) {
	var rs, ws, is [][]byte
	for _, p := range []struct {
		text []byte
		into *[][]byte
	}{{raw, &rs}, {before, &ws}, {now, &is}} {
		if err := elements(p.text, func(v []byte) error {
			*p.into = append(*p.into, v)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	if len(rs) != len(ws) {
		return now, nil
	}
	// Where two rows read alike the one that stands at the same place is meant.
	taken, from := make([]bool, len(ws)), make([]int, len(is))
	for i, v := range is {
		from[i] = -1
		if i < len(ws) && bytes.Equal(ws[i], v) {
			taken[i], from[i] = true, i
		}
	}
	out := []byte{'['}
	for i, v := range is {
		for j := 0; from[i] < 0 && j < len(ws); j++ {
			if !taken[j] && bytes.Equal(ws[j], v) {
				taken[j], from[i] = true, j
			}
		}
		if from[i] >= 0 {
			v = rs[from[i]]
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, v...)
	}
	return append(out, ']'), nil
}

func table(object []byte) (map[string][]byte, error) {
	m := make(map[string][]byte)
	err := members(object, func(name, _, value []byte) error {
		m[string(name)] = value
		return nil
	})
	return m, err
}

var errJSON = errors.New("not well-formed JSON")

// members calls f for each member of an object, in order and without decoding
// the values: a page of a list is cut into its rows at a fraction of the price
// of decoding it twice. It checks the object's own structure; a value that f
// decodes is checked there.
func members(b []byte, f func(name, quoted, value []byte) error) error {
	i, err := open(b, '{')
	for first := true; err == nil; first = false {
		if i = space(b, i); i < len(b) && b[i] == '}' {
			return trailing(b, i+1)
		}
		if !first {
			if i >= len(b) || b[i] != ',' {
				return errJSON
			}
			i = space(b, i+1)
		}
		end := skipString(b, i)
		if end < 0 {
			return errJSON
		}
		quoted := b[i:end]
		name := quoted[1 : len(quoted)-1]
		if bytes.IndexByte(name, '\\') >= 0 {
			var text string
			if json.Unmarshal(quoted, &text) != nil {
				return errJSON
			}
			name = []byte(text)
		}
		if i = space(b, end); i >= len(b) || b[i] != ':' {
			return errJSON
		}
		i = space(b, i+1)
		if end = skip(b, i); end < 0 {
			return errJSON
		}
		if err = f(name, quoted, b[i:end]); err != nil {
			return err
		}
		i = end
	}
	return err
}

// elements calls f for each element of an array, as members does.
func elements(b []byte, f func(value []byte) error) error {
	i, err := open(b, '[')
	for first := true; err == nil; first = false {
		if i = space(b, i); i < len(b) && b[i] == ']' {
			return trailing(b, i+1)
		}
		if !first {
			if i >= len(b) || b[i] != ',' {
				return errJSON
			}
			i = space(b, i+1)
		}
		end := skip(b, i)
		if end < 0 {
			return errJSON
		}
		if err = f(b[i:end]); err != nil {
			return err
		}
		i = end
	}
	return err
}

func open(b []byte, bracket byte) (int, error) {
	i := space(b, 0)
	if i >= len(b) || b[i] != bracket {
		return 0, errJSON
	}
	return i + 1, nil
}

func trailing(b []byte, i int) error {
	if space(b, i) != len(b) {
		return errJSON
	}
	return nil
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns where the string that begins at i ends, -1 for none.
func skipString(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	for i++; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1
		}
		i += n
		slashes := 0
		for b[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i + 1
		}
	}
	return -1
}

// skip returns where the value that begins at i ends, -1 for none.
func skip(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		for depth := 0; i < len(b); i++ {
			switch b[i] {
			case '"':
				end := skipString(b, i)
				if end < 0 {
					return -1
				}
				i = end - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
		return -1
	case '}', ']', ',', ':':
		return -1
	default:
		for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] > ' ' {
			i++
		}
		return i
	}
}

package rules

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// maxKeys is under how many keys a rule is filed at most: a rule that names a
// hundred expense types in a hundred countries is filed under one of the two,
// and the other is looked at afterwards.
const maxKeys = 64

// index finds the first account rule that matches without looking at each. Rules
// that ask for the same fields share a shape, and in a shape they are filed under
// the values that they ask for, so finding costs one look for each shape: there
// are as many of them as ways of asking, however many rules there are.
type index struct {
	rules  []filed
	shapes []shape
}

// filed is a rule with its conditions in a form that is quick to check.
type filed struct {
	conditions []condition
	sign       string
}

type shape struct {
	first  int // of its rules, the one that comes first
	fields []string
	at     map[string][]int // rules by the values of the fields, in their order
}

// newIndex files rules, which are in the order in which they are tried.
func newIndex(rules []rule) *index {
	x := &index{rules: make([]filed, len(rules))}
	known := make(map[string]int)
	for i, r := range rules {
		all := r.When.conditions()
		x.rules[i] = filed{all, r.When.Sign.value}
		by := filedBy(all)
		fields := make([]string, len(by))
		for j, c := range by {
			fields[j] = c.name
		}
		name := strings.Join(fields, "\x00")
		at, there := known[name]
		if !there {
			at = len(x.shapes)
			known[name] = at
			x.shapes = append(x.shapes, shape{first: i, fields: fields, at: make(map[string][]int)})
		}
		for key := range keysOf(by) {
			x.shapes[at].at[key] = append(x.shapes[at].at[key], i)
		}
	}
	slices.SortFunc(x.shapes, func(a, b shape) int { return cmp.Compare(a.first, b.first) })
	return x
}

// filedBy are the conditions that a rule is filed under: all of them, but for
// the longest lists where the keys would be too many.
func filedBy(all []condition) []condition {
	by := slices.Clone(all)
	for len(by) > 0 {
		keys, longest := 1, 0
		for i, c := range by {
			keys *= min(len(c.values), maxKeys+1)
			if len(c.values) > len(by[longest].values) {
				longest = i
			}
			keys = min(keys, maxKeys+1)
		}
		if keys <= maxKeys || len(by) == 1 {
			break
		}
		by = slices.Delete(by, longest, longest+1)
	}
	return by
}

// keysOf yields every combination of the values of some conditions.
func keysOf(by []condition) func(func(string) bool) {
	return func(yield func(string) bool) {
		seen := make(map[string]bool)
		each(by, nil, func(values []string) bool {
			key := string(keyOf(nil, values))
			if seen[key] {
				return true
			}
			seen[key] = true
			return yield(key)
		})
	}
}

// each calls f with every combination of the values of some conditions, until it
// returns false.
func each(by []condition, before []string, f func(values []string) bool) bool {
	if len(by) == 0 {
		return f(before)
	}
	for _, v := range by[0].values {
		if !each(by[1:], append(before, v.value), f) {
			return false
		}
	}
	return true
}

// keyOf joins values. That two lists of odd values may have one key does no harm,
// since a rule that was found by its key is checked all the same.
func keyOf(b []byte, values []string) []byte {
	for _, v := range values {
		b = append(append(b, v...), 0)
	}
	return b
}

// find returns the first rule that matches, from 0; word gives the value of a
// field, and below that the amount is
// below zero.
func (x *index) find(word func(field string) string, below bool) (at int, ok bool) {
	best := math.MaxInt
	var key []byte
	for _, s := range x.shapes {
		if s.first >= best {
			break
		}
		key = key[:0]
		for _, field := range s.fields {
			key = append(append(key, word(field)...), 0)
		}
		for _, i := range s.at[string(key)] {
			if i >= best {
				break
			}
			if x.rules[i].matches(word, below) {
				best = i
				break
			}
		}
	}
	return best, best != math.MaxInt
}

// matches reports whether all conditions of a rule hold.
func (f *filed) matches(word func(field string) string, below bool) bool {
	if f.sign == positive && below || f.sign == negative && !below {
		return false
	}
	for _, c := range f.conditions {
		v := word(c.name)
		// The reader sorted them.
		if _, found := slices.BinarySearchFunc(c.values, v, func(t text, v string) int { return cmp.Compare(t.value, v) }); !found {
			return false
		}
	}
	return true
}

// spell words the conditions that a subject met, for a person.
func (f *filed) spell(word func(field string) string) string {
	var words []string
	for _, c := range f.conditions {
		words = append(words, spoken(c.name)+" "+word(c.name))
	}
	if f.sign != "" {
		words = append(words, f.sign+" amount")
	}
	return strings.Join(words, ", ")
}

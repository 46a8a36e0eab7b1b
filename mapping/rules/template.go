package rules

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// template is text with {variables}.
type template struct {
	text
	parts []part
}

// part is fixed text, or a variable.
type part struct {
	fixed    string
	variable string
}

// MarshalJSON makes a template its text.
func (t template) MarshalJSON() ([]byte, error) { return json.Marshal(t.value) }

// customField is what a custom field of a document is called.
var customField = regexp.MustCompile(`^(custom|orgUnit)[0-9]{1,2}$`)

// template reads the parts of t. Known variables are the given ones and, where
// custom is set, the names of custom fields.
func (r *reader) template(t text, path string, custom bool, known ...string) template {
	out := template{text: t}
	rest := t.value
	for rest != "" {
		open := strings.IndexAny(rest, "{}")
		if open < 0 {
			out.parts = append(out.parts, part{fixed: rest})
			break
		}
		if open > 0 {
			out.parts = append(out.parts, part{fixed: rest[:open]})
		}
		end := strings.IndexByte(rest[open:], '}')
		if rest[open] == '}' || end < 0 {
			r.fail(t.at, "%s: a brace in %q has no partner; write a variable as {name}", path, clip(t.value))
			return out
		}
		name := strings.TrimSpace(rest[open+1 : open+end])
		if !slices.Contains(known, name) && (!custom || !customField.MatchString(name)) {
			hint := nearest(name, known)
			if hint == "" {
				hint = "; known are " + strings.Join(known, ", ")
				if custom {
					hint += " and custom fields such as custom5 or orgUnit1"
				}
			}
			r.fail(t.at, "%s: unknown variable {%s}%s", path, clip(name), hint)
		}
		out.parts = append(out.parts, part{variable: name})
		rest = rest[open+end+1:]
	}
	return out
}

// uses reports whether the template has the variable.
func (t template) uses(variable string) bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return p.variable == variable })
}

// fill puts values in; missing are the variables for which value gave nothing.
func (t template) fill(value func(variable string) string) (filled string, missing []string) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.variable == "" {
			b.WriteString(p.fixed)
			continue
		}
		v := value(p.variable)
		if v == "" && !slices.Contains(missing, p.variable) {
			missing = append(missing, p.variable)
		}
		b.WriteString(v)
	}
	return b.String(), missing
}

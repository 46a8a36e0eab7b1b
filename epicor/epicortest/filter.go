package epicortest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// maxDepth bounds nesting in a filter.
const maxDepth = 64

// node is a typed expression of a $filter.
type node struct {
	kind  kind // 0 for the literal null
	eval  func(row) any
	col   string  // the column, when the expression is one
	value any     // the value, when the expression is a literal
	lows  []bound // what must hold for the expression to be true
}

// bound says that a column is at least a value.
type bound struct {
	col   string
	value any
}

// filter is a parsed $filter.
type filter struct {
	keep func(row) bool
	lows []bound
}

// parseFilter reads the $filter grammar that Kinetic documents: comparisons,
// and, or, not, parentheses, startswith, endswith, contains, tolower, toupper,
// trim, length, and literals of every column type.
func parseFilter(t *table, s string) (*filter, *fault) {
	p := &parser{table: t}
	if f := p.lex(s); f != nil {
		return nil, f
	}
	n, f := p.or(0)
	if f != nil {
		return nil, f
	}
	if p.at < len(p.toks) {
		return nil, badQuery("Syntax error at position %d in '%.200s'.", p.toks[p.at].pos, s)
	}
	if n.kind != boolean {
		return nil, badQuery("The $filter expression must evaluate to a single boolean value.")
	}
	return &filter{keep: func(r row) bool { return isTrue(n.eval(r)) }, lows: n.lows}, nil
}

func isTrue(v any) bool {
	b, ok := v.(bool)
	return ok && b
}

type tokenKind byte

const (
	tokWord   tokenKind = 'w'
	tokString tokenKind = 's'
	tokPunct  tokenKind = 'p'
)

type lexeme struct {
	kind tokenKind
	text string
	pos  int
}

type parser struct {
	table *table
	toks  []lexeme
	at    int
}

func isWordByte(c byte) bool {
	switch {
	case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		return true
	default:
		return strings.IndexByte("_.:+-/$@", c) >= 0
	}
}

// lex splits an expression into words, strings and punctuation.
func (p *parser) lex(s string) *fault {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '(' || c == ')' || c == ',' || c == '=':
			p.toks = append(p.toks, lexeme{tokPunct, s[i : i+1], i})
			i++
		case c == '\'':
			v, n, ok := quoted(s[i:])
			if !ok {
				return badQuery("There is an unterminated string literal at position %d in '%.200s'.", i, s)
			}
			p.toks = append(p.toks, lexeme{tokString, v, i})
			i += n
		case isWordByte(c):
			j := i
			for j < len(s) && isWordByte(s[j]) {
				j++
			}
			p.toks = append(p.toks, lexeme{tokWord, s[i:j], i})
			i = j
		default:
			return badQuery("Syntax error: character '%.1q' is not valid at position %d in '%.200s'.", s[i:], i, s)
		}
	}
	return nil
}

// quoted reads a string literal in which a quote is doubled; n is its length in s.
func quoted(s string) (v string, n int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), i + 1, true
	}
	return "", 0, false
}

func (p *parser) peek() lexeme {
	if p.at < len(p.toks) {
		return p.toks[p.at]
	}
	return lexeme{}
}

func (p *parser) word(w string) bool {
	if t := p.peek(); t.kind == tokWord && t.text == w {
		p.at++
		return true
	}
	return false
}

func (p *parser) punct(c string) bool {
	if t := p.peek(); t.kind == tokPunct && t.text == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) or(depth int) (node, *fault) {
	return p.chain(depth, "or", p.and, func(a, b bool) bool { return a || b })
}

func (p *parser) and(depth int) (node, *fault) {
	return p.chain(depth, "and", p.not, func(a, b bool) bool { return a && b })
}

func (p *parser) chain(depth int, op string, next func(int) (node, *fault), join func(a, b bool) bool) (node, *fault) {
	if depth > maxDepth {
		return node{}, badQuery("The $filter expression is nested too deeply.")
	}
	left, f := next(depth)
	if f != nil {
		return node{}, f
	}
	for p.word(op) {
		right, f := next(depth)
		if f != nil {
			return node{}, f
		}
		if left.kind != boolean || right.kind != boolean {
			return node{}, badQuery("The operator '%s' needs boolean operands.", op)
		}
		l, r := left.eval, right.eval
		var lows []bound
		if op == "and" {
			lows = slices.Concat(left.lows, right.lows)
		}
		left = node{kind: boolean, lows: lows, eval: func(x row) any { return join(isTrue(l(x)), isTrue(r(x))) }}
	}
	return left, nil
}

func (p *parser) not(depth int) (node, *fault) {
	if depth > maxDepth {
		return node{}, badQuery("The $filter expression is nested too deeply.")
	}
	if !p.word("not") {
		return p.comparison(depth)
	}
	n, f := p.not(depth + 1)
	if f != nil {
		return node{}, f
	}
	if n.kind != boolean {
		return node{}, badQuery("The operator 'not' needs a boolean operand.")
	}
	e := n.eval
	return node{kind: boolean, eval: func(x row) any { return !isTrue(e(x)) }}, nil
}

func (p *parser) comparison(depth int) (node, *fault) {
	left, f := p.primary(depth)
	if f != nil {
		return node{}, f
	}
	t := p.peek()
	if t.kind != tokWord {
		return left, nil
	}
	test, ok := comparisons()[t.text]
	if !ok {
		return left, nil
	}
	p.at++
	right, f := p.primary(depth)
	if f != nil {
		return node{}, f
	}
	if !sameKind(left.kind, right.kind) {
		return node{}, badQuery("A binary operator with incompatible types was detected. Found operand types '%s' and '%s' for operator kind '%s'.",
			left.kind.edm(), right.kind.edm(), t.text)
	}
	l, r := left.eval, right.eval
	out := node{kind: boolean, eval: func(x row) any { return test(l(x), r(x)) }}
	if left.col != "" && right.value != nil && slices.Contains([]string{"gt", "ge", "eq"}, t.text) {
		out.lows = []bound{{left.col, right.value}}
	}
	return out, nil
}

func sameKind(a, b kind) bool {
	isNum := func(k kind) bool { return k == integer || k == number }
	return a == 0 || b == 0 || a == b || isNum(a) && isNum(b)
}

// comparisons with null are false, except that null equals null.
func comparisons() map[string]func(a, b any) bool {
	some := func(a, b any) bool { return a != nil && b != nil }
	eq := func(a, b any) bool { return (a == nil) == (b == nil) && compare(a, b) == 0 }
	return map[string]func(a, b any) bool{
		"eq": eq,
		"ne": func(a, b any) bool { return !eq(a, b) },
		"gt": func(a, b any) bool { return some(a, b) && compare(a, b) > 0 },
		"ge": func(a, b any) bool { return some(a, b) && compare(a, b) >= 0 },
		"lt": func(a, b any) bool { return some(a, b) && compare(a, b) < 0 },
		"le": func(a, b any) bool { return some(a, b) && compare(a, b) <= 0 },
	}
}

func (p *parser) primary(depth int) (node, *fault) {
	t := p.peek()
	switch {
	case t.kind == 0:
		return node{}, badQuery("Syntax error: the $filter expression ends too early.")
	case p.punct("("):
		n, f := p.or(depth + 1)
		if f != nil {
			return node{}, f
		}
		if !p.punct(")") {
			return node{}, badQuery("Syntax error: ')' expected at position %d.", p.peek().pos)
		}
		return n, nil
	case t.kind == tokString:
		p.at++
		return constant(text, t.text), nil
	case t.kind == tokWord:
		p.at++
		if p.punct("(") {
			return p.call(t, depth)
		}
		if n, ok := literal(t.text); ok {
			return n, nil
		}
		c, ok := p.table.column(t.text)
		if !ok {
			return node{}, badQuery("Could not find a property named '%.80s' on type 'Erp.Tablesets.%sRow'.", t.text, p.table.name)
		}
		name := c.name
		return node{kind: c.kind, col: name, eval: func(r row) any { return r[name] }}, nil
	default:
		return node{}, badQuery("Syntax error: unexpected '%s' at position %d.", t.text, t.pos)
	}
}

func constant(k kind, v any) node { return node{kind: k, value: v, eval: func(row) any { return v }} }

// functions of one or two text arguments.
func (p *parser) call(name lexeme, depth int) (node, *fault) {
	var args []node
	for {
		n, f := p.or(depth + 1)
		if f != nil {
			return node{}, f
		}
		if n.kind != text {
			return node{}, badQuery("The function '%s' needs text arguments.", name.text)
		}
		args = append(args, n)
		if !p.punct(",") {
			break
		}
	}
	if !p.punct(")") {
		return node{}, badQuery("Syntax error: ')' expected at position %d.", p.peek().pos)
	}
	str := func(n node, r row) string { s, _ := n.eval(r).(string); return s }
	tests := map[string]func(s, sub string) bool{
		"startswith": strings.HasPrefix, "endswith": strings.HasSuffix, "contains": strings.Contains,
	}
	changes := map[string]func(string) string{
		"tolower": strings.ToLower, "toupper": strings.ToUpper, "trim": strings.TrimSpace,
	}
	if test, ok := tests[name.text]; ok && len(args) == 2 {
		return node{kind: boolean, eval: func(r row) any { return test(str(args[0], r), str(args[1], r)) }}, nil
	}
	if change, ok := changes[name.text]; ok && len(args) == 1 {
		return node{kind: text, eval: func(r row) any { return change(str(args[0], r)) }}, nil
	}
	if name.text == "length" && len(args) == 1 {
		return node{kind: integer, eval: func(r row) any { return int64(len([]rune(str(args[0], r)))) }}, nil
	}
	return node{}, badQuery("An unknown function with name '%.80s' was found, or its arguments do not match.", name.text)
}

var (
	numberForm = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
	dateForm   = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.*)?$`)
)

// literal reads what is not a string and not a name.
func literal(w string) (node, bool) {
	switch {
	case w == "null":
		return constant(0, nil), true
	case w == "true" || w == "false":
		return constant(boolean, w == "true"), true
	case isGUID(w):
		return constant(guid, strings.ToLower(w)), true
	case dateForm.MatchString(w):
		d, err := readDay(w)
		if err != nil {
			return node{}, false
		}
		return constant(date, day(d)), true
	case numberForm.MatchString(w):
		d, err := wire.ParseDecimal(w)
		if err != nil {
			return node{}, false
		}
		return constant(number, d), true
	default:
		return node{}, false
	}
}

// edm names the type as the vendor's messages do.
func (k kind) edm() string {
	switch k {
	case text:
		return "Edm.String"
	case integer:
		return "Edm.Int64"
	case number:
		return "Edm.Decimal"
	case boolean:
		return "Edm.Boolean"
	case date:
		return "Edm.DateTimeOffset"
	case guid:
		return "Edm.Guid"
	default:
		return fmt.Sprintf("kind %d", k)
	}
}

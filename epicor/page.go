package epicor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/epicor/odata"
)

// Kinds of tokens: a number of rows to skip, the query of a next link with what
// was read of its chain, or the key of the last row.
const (
	skipToken = "s:"
	linkToken = "l:"
	keyToken  = "k:"
)

// place is where a page begins: one of skip, link and after.
type place struct {
	skip  int
	link  string
	after []any // key without the company, of the row before
	seen  int64 // rows before it, so that a count stays that of the whole

	// Of a link: the request that its chain of pages began with asked for top rows
	// behind skip; so many of them came. A chain that began behind a key skips -1.
	top, came int
}

// linked is the token of a link.
func (p place) linked(query string) string {
	return fmt.Sprintf("%s%d,%d,%d,%d:%s", linkToken, p.skip, p.top, p.came, p.seen, query)
}

// parseLink reads what linked wrote.
func parseLink(s string) (place, bool) {
	head, query, ok := strings.Cut(s, ":")
	parts := strings.Split(head, ",")
	if !ok || query == "" || len(parts) != 4 {
		return place{}, false
	}
	var ns [4]int
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 && (i > 0 || n != -1) {
			return place{}, false
		}
		ns[i] = n
	}
	return place{link: query, skip: ns[0], top: ns[1], came: ns[2], seen: int64(ns[3])}, true
}

func (e *Entities[T]) place(q odata.Query, token string) (place, error) {
	bad := &Error{Operation: e.op(), err: fmt.Errorf("%.40q is no token of a page", token)}
	kind, rest := token, ""
	if len(token) >= len(skipToken) {
		kind, rest = token[:len(skipToken)], token[len(skipToken):]
	}
	switch kind {
	case "":
		return place{skip: q.Skip}, nil
	case skipToken:
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return place{}, bad
		}
		return place{skip: n}, nil
	case linkToken:
		at, ok := parseLink(rest)
		if !ok {
			return place{}, bad
		}
		return at, nil
	case keyToken:
		seen, key, ok := strings.Cut(rest, ":")
		n, err := strconv.ParseInt(seen, 10, 64)
		var parts []string
		if !ok || err != nil || json.Unmarshal([]byte(key), &parts) != nil || len(parts) != len(e.key)-1 {
			return place{}, bad
		}
		at := place{seen: n}
		for _, p := range parts {
			v, ok := parseKey(p)
			if !ok {
				return place{}, bad
			}
			at.after = append(at.after, v)
		}
		return at, nil
	default:
		return place{}, bad
	}
}

// named refuses a service or set whose name is none.
func (e *Entities[T]) named() error {
	switch {
	case e.service == "" && e.set == "":
		return &Error{Operation: queryService, err: errors.New("this is no id of a query")}
	case e.service == queryService:
		return nil // its id was checked
	}
	return named(e.service, e.set)
}

// withKey adds the columns of the key to those that are selected, so that rows
// can be told apart. None selected are all.
func (e *Entities[T]) withKey(selected []string) []string {
	if len(selected) == 0 {
		return nil
	}
	return withColumns(selected, e.key...)
}

func withColumns(selected []string, columns ...string) []string {
	out := slices.Clone(selected)
	for _, k := range columns {
		if k != "" && !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// byKey reports whether a query may be paged by key.
func (e *Entities[T]) byKey(q odata.Query) bool {
	return !e.c.bySkip && len(q.OrderBy) == 0 && q.Skip == 0 && len(e.key) > 1
}

// sized reads one page of at most size rows.
func (e *Entities[T]) sized(ctx context.Context, q odata.Query, token string, size int) (*Page[T], error) {
	s, err := e.fetch(ctx, q, token, size)
	if err != nil {
		return nil, err
	}
	p := &Page[T]{Items: make([]*T, 0, min(size, DefaultPageSize))}
	for {
		item, err := s.row()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		p.Items = append(p.Items, item)
	}
	if p.Count = s.count; p.Count > 0 {
		p.Count += s.at.seen
	}
	p.Next, err = s.next()
	return p, err
}

// fetch asks for one page of at most size rows and leaves its rows undecoded.
func (e *Entities[T]) fetch(ctx context.Context, q odata.Query, token string, size int) (*sheet[T], error) {
	at, err := e.place(q, token)
	if err != nil {
		return nil, err
	}
	byKey := e.byKey(q)
	if byKey {
		q.Select = e.withKey(q.Select)
	}
	for _, k := range e.key {
		if k != "" && !slices.ContainsFunc(q.OrderBy, func(o odata.Order) bool { return o.Column == k }) {
			q.OrderBy = append(slices.Clip(q.OrderBy), odata.Asc(k))
		}
	}
	query := at.link
	if query == "" {
		q.Top, q.Skip = size, at.skip
		if at.after != nil {
			q.Filter, q.Skip = odata.And(q.Filter, odata.After(e.key[1:], at.after)), 0
		}
		if query, err = q.Encode(); err != nil {
			return nil, &Error{Operation: e.op(), err: err}
		}
		if len(e.params) > 0 {
			query += "&" + strings.ReplaceAll(e.params.Encode(), "+", "%20")
		}
	}
	if err := e.named(); err != nil {
		return nil, err
	}
	res, err := e.c.do(ctx, call{op: e.op(), method: http.MethodGet, path: e.op(), query: query})
	if err != nil {
		return nil, err
	}
	return newSheet(e, res.Status, res.Body, at, byKey, size)
}

func (e *Entities[T]) row(raw []byte) (*T, error) {
	var of struct{ Company *string }
	if err := json.Unmarshal(raw, &of); err != nil {
		return nil, &Error{Operation: e.op(), Message: "a row is not readable", err: err}
	}
	if of.Company != nil {
		if err := e.ours(*of.Company); err != nil {
			return nil, err
		}
	}
	item := new(T)
	if err := json.Unmarshal(raw, item); err != nil {
		return nil, &Error{Operation: e.op(), Message: "a row is not readable", err: err}
	}
	return item, nil
}

// ours refuses a row of another company; one that names none passes.
func (e *Entities[T]) ours(company string) error {
	if company == "" || company == e.c.company {
		return nil
	}
	return &Error{Operation: e.op(), err: fmt.Errorf("a row of company %.40q came, asked was %s: the API key or the user sees another company", company, e.c.company)}
}

// shape says where a struct holds its company and the rest of its key.
type shape struct {
	company int
	key     []int
	ok      bool
}

func (s shape) whole() bool { return s.ok }

// keyOf is the key of a row, nil where that cannot be compared with.
func (s shape) keyOf(row reflect.Value) []any {
	key := make([]any, 0, len(s.key))
	for _, f := range s.key {
		switch v := row.Field(f); v.Kind() {
		case reflect.String:
			key = append(key, v.String())
		case reflect.Bool:
			key = append(key, v.Bool())
		case reflect.Struct:
			d, ok := v.Interface().(Date)
			if !ok || d.IsZero() {
				return nil // no date can be compared with none
			}
			key = append(key, d)
		default:
			key = append(key, v.Int())
		}
	}
	return key
}

func shapeOf[T any](key []string) shape {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct || len(key) < 2 {
		return shape{}
	}
	field := func(name string, kinds ...reflect.Kind) int {
		for i := range t.NumField() {
			f := t.Field(i)
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if tag == "" && !f.Anonymous {
				tag = f.Name
			}
			if f.IsExported() && tag == name && (f.Type == reflect.TypeFor[Date]() || slices.Contains(kinds, f.Type.Kind())) && !isRowID(name) {
				return i
			}
		}
		return -1
	}
	s := shape{company: field(key[0], reflect.String), ok: true}
	if key[0] == "" {
		s.company = field("Company", reflect.String)
	} else if s.company < 0 || t.Field(s.company).Type.Kind() != reflect.String {
		return shape{}
	}
	for _, k := range key[1:] {
		i := field(k, reflect.String, reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64)
		if i < 0 {
			return shape{}
		}
		s.key = append(s.key, i)
	}
	return s
}

// isRowID reports a column of GUIDs. Databases order them in ways of their own,
// so pages do not go by them.
func isRowID(column string) bool { return strings.HasSuffix(column, "RowID") }

// decodeKey reads a part of a key: text, a whole number, a truth, or a date.
func decodeKey(raw json.RawMessage) (any, bool) {
	var s string
	var n int64
	var b bool
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil, false
	case json.Unmarshal(raw, &s) == nil:
		if isMidnight(s) {
			d, err := ParseDate(s)
			return d, err == nil
		}
		// Text in the form of a GUID may be one, which is compared otherwise.
		_, err := odata.FormatLiteral(odata.GUID(s))
		return s, err != nil
	case json.Unmarshal(raw, &n) == nil:
		return n, true
	case json.Unmarshal(raw, &b) == nil:
		return b, true
	}
	return nil, false
}

// formatKey writes a part of a key with its type in front, for a token.
func formatKey(v any) string {
	switch x := v.(type) {
	case string:
		return "s" + x
	case Date:
		return "d" + x.String()
	case bool:
		return "b" + strconv.FormatBool(x)
	default:
		return fmt.Sprintf("i%d", x)
	}
}

func parseKey(p string) (any, bool) {
	if p == "" {
		return nil, false
	}
	switch rest := p[1:]; p[0] {
	case 's':
		return rest, true
	case 'd':
		d, err := ParseDate(rest)
		return d, err == nil && !d.IsZero()
	case 'b':
		b, err := strconv.ParseBool(rest)
		return b, err == nil
	case 'i':
		n, err := strconv.ParseInt(rest, 10, 64)
		return n, err == nil
	default:
		return nil, false
	}
}

// isMidnight reports a date as Kinetic writes it.
func isMidnight(s string) bool {
	return len(s) >= len("2026-10-30T00:00:00") && s[4] == '-' && s[7] == '-' && s[10] == 'T' && strings.HasPrefix(s[11:], "00:00:00")
}

var errLoop = errors.New("the list leads back to the same page")

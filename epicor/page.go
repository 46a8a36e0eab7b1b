package epicor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/epicor/odata"
)

// Kinds of tokens: a number of rows to skip, the query of a next link, or the
// key of the last row.
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
		return place{link: rest}, nil
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

// byKey reports whether a query may be paged by key.
func (e *Entities[T]) byKey(q odata.Query) bool {
	return !e.c.bySkip && len(q.OrderBy) == 0 && q.Skip == 0 && len(e.key) > 1
}

// sized reads one page of at most size rows.
func (e *Entities[T]) sized(ctx context.Context, q odata.Query, token string, size int) (*Page[T], error) {
	at, err := e.place(q, token)
	if err != nil {
		return nil, err
	}
	byKey := e.byKey(q)
	if len(q.Select) > 0 && byKey {
		for _, k := range e.key {
			if k != "" && !slices.Contains(q.Select, k) {
				q.Select = append(slices.Clip(q.Select), k)
			}
		}
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
	if e.set == "" {
		return nil, &Error{Operation: queryService, err: errors.New("this is no id of a query")}
	}
	res, err := e.c.do(ctx, call{op: e.op(), method: http.MethodGet, path: e.op(), query: query})
	if err != nil {
		return nil, err
	}
	list, last, err := e.decode(res.Status, res.Body)
	if err != nil {
		return nil, err
	}
	p := &Page[T]{Items: list.Value, Count: list.Count}
	if p.Count > 0 {
		p.Count += at.seen
	}
	p.Next, err = e.next(at, list, last, byKey, size)
	return p, err
}

// next returns the token of the page that follows, "" when there is none.
func (e *Entities[T]) next(at place, list *rows[T], last []any, byKey bool, size int) (string, error) {
	n := len(list.Value)
	var link *url.URL
	switch {
	case list.NextLink != "":
		// Only the query is taken: behind a gateway the link's host and path are the
		// server's own, and the credential must not follow them.
		var err error
		if link, err = url.Parse(list.NextLink); err != nil || link.RawQuery == "" {
			return "", &Error{Operation: e.op(), Status: http.StatusOK, Message: "the link to the next page has no query"}
		}
	case n < size:
		return "", nil
	}
	// A link that counts rows shifts when rows change; the key does not.
	if last != nil && byKey && at.link == "" && (link == nil || link.Query().Has("$skip")) {
		if slices.Equal(last, at.after) {
			return "", &Error{Operation: e.op(), err: errLoop}
		}
		parts := make([]string, 0, len(last))
		for _, v := range last {
			parts = append(parts, formatKey(v))
		}
		key, err := encodeJSON(parts)
		if err != nil {
			return "", &Error{Operation: e.op(), err: err}
		}
		return keyToken + strconv.FormatInt(at.seen+int64(n), 10) + ":" + string(key), nil
	}
	if link != nil {
		return linkToken + link.RawQuery, nil
	}
	if at.after != nil {
		return "", &Error{Operation: e.op(), Status: http.StatusOK, Message: "a row has no key, so the list cannot be read on"}
	}
	return skipToken + strconv.Itoa(at.skip+n), nil
}

// rows is an answer that is a list.
type rows[T any] struct {
	Value    []*T   `json:"value"`
	Count    int64  `json:"@odata.count"`
	NextLink string `json:"@odata.nextLink"`
}

// decode reads a list and the key of its last row, nil where that cannot be
// compared with. Most rows are decoded once and looked at where they stand.
func (e *Entities[T]) decode(status int, body []byte) (*rows[T], []any, error) {
	list := &rows[T]{}
	if !e.shape.whole() || json.Unmarshal(body, list) != nil || list.Value == nil || slices.Contains(list.Value, nil) {
		return e.decodeEach(status, body)
	}
	for _, item := range list.Value {
		if e.shape.company < 0 {
			break
		}
		if err := e.ours(reflect.ValueOf(item).Elem().Field(e.shape.company).String()); err != nil {
			return nil, nil, err
		}
	}
	if len(list.Value) == 0 {
		return list, nil, nil
	}
	last := reflect.ValueOf(list.Value[len(list.Value)-1]).Elem()
	key := make([]any, 0, len(e.shape.key))
	for _, f := range e.shape.key {
		switch v := last.Field(f); v.Kind() {
		case reflect.String:
			key = append(key, v.String())
		case reflect.Bool:
			key = append(key, v.Bool())
		case reflect.Struct:
			d, ok := v.Interface().(Date)
			if !ok || d.IsZero() {
				return list, nil, nil // no date can be compared with none
			}
			key = append(key, d)
		default:
			key = append(key, v.Int())
		}
	}
	return list, key, nil
}

// decodeEach reads a list row by row: one whose type says nothing of company
// and key, or one that is faulty, so that the error can say what is.
func (e *Entities[T]) decodeEach(status int, body []byte) (*rows[T], []any, error) {
	var raw struct {
		Value    []json.RawMessage `json:"value"`
		Count    int64             `json:"@odata.count"`
		NextLink string            `json:"@odata.nextLink"`
	}
	if err := json.Unmarshal(body, &raw); err != nil || raw.Value == nil {
		return nil, nil, &Error{Operation: e.op(), Status: status, Message: "the answer is no list"}
	}
	list := &rows[T]{Count: raw.Count, NextLink: raw.NextLink, Value: make([]*T, 0, len(raw.Value))}
	for _, r := range raw.Value {
		item, err := e.row(r)
		if err != nil {
			return nil, nil, err
		}
		list.Value = append(list.Value, item)
	}
	if len(raw.Value) == 0 {
		return list, nil, nil
	}
	var columns map[string]json.RawMessage
	if err := json.Unmarshal(raw.Value[len(raw.Value)-1], &columns); err != nil {
		return list, nil, nil //nolint:nilerr // rows that are no objects have no key to go on from
	}
	var key []any
	for _, k := range e.key[1:] {
		v, ok := decodeKey(columns[k])
		if !ok {
			return list, nil, nil
		}
		key = append(key, v)
	}
	return list, key, nil
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

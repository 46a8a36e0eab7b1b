package epicortest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// pageSize is how many rows a list without $top gives, without saying so.
const pageSize = 100

// odata answers a request below /api/v2/odata/.
func (s *Server) odata(r *http.Request, rest string) (int, any, *fault) {
	segs := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	for i, seg := range segs {
		u, f := unescape(seg)
		if f != nil {
			return 0, nil, f
		}
		segs[i] = u
	}
	companyID, service, resource := segs[0], "", ""
	if len(segs) > 1 {
		service = segs[1]
	}
	if len(segs) > 2 {
		resource, _, _ = strings.Cut(segs[2], "(")
	}
	u, f := s.authorize(r, companyID, service, resource)
	if f != nil {
		return 0, nil, f
	}
	co, ok := s.companies[companyID]
	if !ok {
		return 0, nil, notFound("Company %s is not found.", companyID)
	}
	if len(segs) < 3 {
		return 0, nil, notFound("Resource not found for the segment '%s'.", service)
	}
	if m, ok := s.methods[service+"/"+segs[2]]; ok && len(segs) == 3 {
		out, f := s.call(r, co, u, m)
		return http.StatusOK, out, f
	}
	if service == svcQuery {
		return s.baq(r, co, segs[2:])
	}
	if segs[2] == "$metadata" && len(segs) == 3 {
		return s.metadata(co, service)
	}
	return s.entities(r, co, u, service, segs[2:])
}

// entities answers a request for an entity set, an entity or the children of one.
func (s *Server) entities(r *http.Request, co *company, u User, service string, segs []string) (int, any, *fault) {
	set, key, hasKey := strings.Cut(segs[0], "(")
	t, ok := co.schema.bySet(service, set)
	if !ok || set == "" {
		return 0, nil, notFound("Resource not found for the segment '%s'.", segs[0])
	}
	if r.Method != http.MethodGet {
		if len(segs) > 1 {
			return 0, nil, badQuery("%s is not supported for the segment '%s'.", r.Method, segs[1])
		}
		return s.write(r, co, u, t, key, hasKey)
	}
	q, f := parseQuery(co.schema, t, r.URL.Query())
	if f != nil && len(segs) == 1 {
		return 0, nil, f
	}
	if !hasKey {
		if len(segs) > 1 {
			return 0, nil, notFound("Resource not found for the segment '%s'.", segs[1])
		}
		return http.StatusOK, s.linked(r, s.list(co, t, co.rows(t), q), q), nil
	}
	entity, f := co.find(t, key)
	if f != nil {
		return 0, nil, f
	}
	if len(segs) == 1 {
		out := q.shape(co, t, entity)
		out["@odata.context"] = s.context(co, t) + "/$entity"
		return http.StatusOK, out, nil
	}
	child, ok := co.schema.children(t)[segs[1]]
	if !ok || len(segs) > 2 {
		return 0, nil, notFound("Resource not found for the segment '%s'.", segs[1])
	}
	q, f = parseQuery(co.schema, child, r.URL.Query())
	if f != nil {
		return 0, nil, f
	}
	return http.StatusOK, s.list(co, child, co.childRows(t, child, entity), q), nil
}

// query is what the $-options of a request ask for.
type query struct {
	keep    *filter
	cols    []string
	order   []ordering
	top     int
	skip    int
	count   bool
	expands []expansion
}

type ordering struct {
	col  string
	desc bool
}

type expansion struct {
	child *table
	query query
}

func parseQuery(sch schema, t *table, v url.Values) (query, *fault) {
	q := query{top: pageSize}
	for name, vals := range v {
		if !strings.HasPrefix(name, "$") {
			continue // a custom option: a forgotten $ is silently ignored, as on a live system
		}
		if len(vals) > 1 {
			return q, badQuery("Query option '%s' was specified more than once, but it must be specified at most once.", name)
		}
		if f := q.option(sch, t, name, vals[0]); f != nil {
			return q, f
		}
	}
	return q, nil
}

func (q *query) option(sch schema, t *table, name, val string) *fault {
	var f *fault
	switch name {
	case "$filter":
		q.keep, f = parseFilter(t, val)
	case "$select":
		q.cols, f = parseSelect(t, val)
	case "$orderby":
		q.order, f = parseOrder(t, val)
	case "$top":
		q.top, f = parseCount(name, val)
	case "$skip":
		q.skip, f = parseCount(name, val)
	case "$count":
		if val != "true" && val != "false" {
			return badQuery("Invalid value '%.50s' for $count query option found. Valid values are 'true' and 'false'.", val)
		}
		q.count = val == "true"
	case "$expand":
		q.expands, f = parseExpand(sch, t, val, 0)
	default:
		f = badQuery("The query parameter '%.50s' is not supported.", name)
	}
	return f
}

func parseCount(name, val string) (int, *fault) {
	n, err := strconv.Atoi(val)
	if err != nil || n < 0 {
		return 0, badQuery("Invalid value '%.50s' for %s query option found.", val, name)
	}
	return n, nil
}

func parseSelect(t *table, val string) ([]string, *fault) {
	var cols []string
	for c := range strings.SplitSeq(val, ",") {
		c = strings.TrimSpace(c)
		if c == "*" {
			return nil, nil
		}
		if _, ok := t.column(c); !ok {
			return nil, badQuery("Could not find a property named '%.80s' on type 'Erp.Tablesets.%sRow'.", c, t.name)
		}
		cols = append(cols, c)
	}
	return cols, nil
}

func parseOrder(t *table, val string) ([]ordering, *fault) {
	var out []ordering
	for part := range strings.SplitSeq(val, ",") {
		f := strings.Fields(part)
		if len(f) == 0 || len(f) > 2 || len(f) == 2 && f[1] != "asc" && f[1] != "desc" {
			return nil, badQuery("Syntax error in $orderby '%.100s'.", val)
		}
		if _, ok := t.column(f[0]); !ok {
			return nil, badQuery("Could not find a property named '%.80s' on type 'Erp.Tablesets.%sRow'.", f[0], t.name)
		}
		out = append(out, ordering{f[0], len(f) == 2 && f[1] == "desc"})
	}
	return out, nil
}

// parseExpand reads "APInvDtls($select=InvoiceLine;$expand=APInvExps),…".
func parseExpand(sch schema, t *table, val string, depth int) ([]expansion, *fault) {
	if depth > 8 {
		return nil, badQuery("The $expand is nested too deeply.")
	}
	parts, ok := splitOutside(val, ',')
	if !ok {
		return nil, badQuery("Syntax error in $expand '%.100s'.", val)
	}
	var out []expansion
	for _, part := range parts {
		name, opts, nested := strings.Cut(strings.TrimSpace(part), "(")
		child, ok := sch.children(t)[name]
		if !ok {
			return nil, badQuery("Could not find a property named '%.80s' on type 'Erp.Tablesets.%sRow'.", name, t.name)
		}
		e := expansion{child: child, query: query{top: -1}}
		if nested {
			opts, ok = strings.CutSuffix(opts, ")")
			list, closed := splitOutside(opts, ';')
			if !ok || !closed {
				return nil, badQuery("Syntax error in $expand '%.100s'.", val)
			}
			for _, o := range list {
				n, v, _ := strings.Cut(strings.TrimSpace(o), "=")
				var f *fault
				if n == "$expand" {
					e.query.expands, f = parseExpand(sch, child, v, depth+1)
				} else {
					f = e.query.option(sch, child, n, v)
				}
				if f != nil {
					return nil, f
				}
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// splitOutside splits at sep where it stands outside parentheses and strings.
func splitOutside(s string, sep byte) (parts []string, ok bool) {
	depth, start, inString := 0, 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\'':
			inString = !inString
		case inString:
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth < 0 {
				return nil, false
			}
		case c == sep && depth == 0:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:]), depth == 0 && !inString
}

func (q query) compare(a, b row) int {
	for _, o := range q.order {
		c := compare(a[o.col], b[o.col])
		if o.desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// inKeyOrder reports whether the query asks for the order of the table's key, of
// which the company is the same in all rows.
func (q query) inKeyOrder(t *table) bool {
	want := t.key
	if q.order[0].col != t.key[0] {
		want = t.key[1:]
	}
	for i, o := range q.order {
		if o.desc || i >= len(want) || o.col != want[i] {
			return false
		}
	}
	return true
}

// start is the first row that the filter's lower bound on the key lets through.
func (q query) start(t *table, rows []row) int {
	if q.keep == nil {
		return 0
	}
	col := t.key[1]
	var low any
	for _, b := range q.keep.lows {
		if b.col == col && (low == nil || compare(b.value, low) > 0) {
			low = b.value
		}
	}
	if low == nil {
		return 0
	}
	i, _ := slices.BinarySearchFunc(rows, low, func(r row, v any) int { return compare(r[col], v) })
	return i
}

// shape selects columns and adds expanded children.
func (q query) shape(co *company, t *table, r row) row {
	var out row
	if q.cols == nil {
		out = r.clone()
	} else {
		out = make(row, len(q.cols)+len(q.expands))
		for _, c := range q.cols {
			out[c] = r[c]
		}
	}
	for _, e := range q.expands {
		rows, _ := e.query.pick(e.child, co.childRows(t, e.child, r), 0, false)
		list := make([]row, 0, len(rows))
		for _, c := range rows {
			list = append(list, e.query.shape(co, e.child, c))
		}
		out[e.child.set] = list
	}
	return out
}

// rows returns all rows of a table.
func (co *company) rows(t *table) []row {
	if r, ok := co.plain()[t.name]; ok {
		return r.rows
	}
	var out []row
	for _, k := range co.order {
		out = append(out, co.invoices[k].rows(t.name)...)
	}
	return out
}

// plain lists the tables that are not part of an invoice.
func (co *company) plain() map[string]*records {
	m := map[string]*records{
		tabVendor: co.vendors, tabAccount: co.accounts, tabSegment: co.segments, tabChart: co.chart, tabCurrency: co.currency,
		tabPeriod: co.periods, tabGroup: co.groups,
	}
	for name, r := range co.more {
		m[name] = r
	}
	return m
}

// childRows returns the rows of child that hang on the row parent of t.
func (co *company) childRows(t, child *table, parent row) []row {
	var out []row
	want := parent.key(t.key)
	rows := co.rows
	if inv, ok := co.invoices[parent.key(co.schema[tabHed].key)]; ok {
		rows = func(t *table) []row { return inv.rows(t.name) }
	}
	for _, r := range rows(child) {
		// By place, since some keys are spelled otherwise in the child (PONUM, PONum).
		if r.key(child.key[:len(t.key)]) == want {
			out = append(out, r)
		}
	}
	return out
}

// find reads a key form such as ('EPIC06',42) or (Company='EPIC06',VendorNum=42)
// and returns the row with that key.
func (co *company) find(t *table, key string) (row, *fault) {
	key, ok := strings.CutSuffix(key, ")")
	if !ok {
		return nil, badQuery("Syntax error in the key of '%s'.", t.set)
	}
	p := &parser{table: t}
	if f := p.lex(key); f != nil {
		return nil, f
	}
	k := row{}
	for i := 0; p.at < len(p.toks); i++ {
		if i >= len(t.key) || i > 0 && !p.punct(",") {
			return nil, badQuery("The number of keys specified in the URI does not match number of key properties for the resource '%s'.", t.set)
		}
		col := t.key[i]
		if p.at+1 < len(p.toks) && p.toks[p.at+1].text == "=" && p.toks[p.at+1].kind == tokPunct {
			col = p.toks[p.at].text
			if !slices.Contains(t.key, col) {
				return nil, badQuery("'%.80s' is not a key of the resource '%s'.", col, t.set)
			}
			p.at += 2
		}
		c, _ := t.column(col)
		tok := p.peek()
		p.at++
		if tok.kind == tokPunct || tok.kind == 0 || (c.kind == text) != (tok.kind == tokString) {
			return nil, badQuery("The key value of '%s' for the resource '%s' is not valid.", col, t.set)
		}
		v, err := c.kind.read(tok.text)
		if err != nil {
			return nil, badQuery("The key value of '%s' for the resource '%s' is not valid.", col, t.set)
		}
		k[col] = v
	}
	if len(k) != len(t.key) {
		return nil, badQuery("The number of keys specified in the URI does not match number of key properties for the resource '%s'.", t.set)
	}
	if k.str("Company") != co.seed.ID {
		return nil, foreign(t.name, k.str("Company"))
	}
	if r, ok := co.plain()[t.name]; ok {
		if v, ok := r.get(k.key(t.key)); ok {
			return v, nil
		}
		return nil, notFound("Record not found.")
	}
	for _, v := range co.rows(t) {
		if v.same(k, t.key) {
			return v, nil
		}
	}
	return nil, notFound("Record not found.")
}

// foreign refuses a row of another company than the one in the path.
func foreign(table, companyID string) *fault {
	return business(table, "Company", "Company %s is not the company of this session.", companyID)
}

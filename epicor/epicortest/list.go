package epicortest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// page answers a list.
type page struct {
	Context string `json:"@odata.context"`
	Count   *int   `json:"@odata.count,omitempty"`
	Value   []row  `json:"value"`
	Next    string `json:"@odata.nextLink,omitempty"`
}

// linked adds the link to the page behind a full one: the same query with another
// $skip, at the address that the server believes to have.
func (s *Server) linked(r *http.Request, p page, q query) page {
	if !s.opts.NextLinks || q.top <= 0 || len(p.Value) < q.top {
		return p
	}
	v := r.URL.Query()
	v.Set("$skip", strconv.Itoa(q.skip+q.top))
	p.Next = "http://inner.example:8080" + r.URL.EscapedPath() + "?" + strings.ReplaceAll(v.Encode(), "+", "%20")
	return p
}

func (s *Server) context(co *company, t *table) string {
	return s.Root(co.seed.ID) + t.service + "/$metadata#" + t.set
}

func (s *Server) list(co *company, t *table, rows []row, q query) page {
	from := 0
	if len(q.order) == 0 && len(rows) > 1 {
		// Without $orderby the order is not promised. Another one each time makes
		// paging without it lose and double rows here as it may there.
		s.reads++
		from = (s.reads * 37) % len(rows)
	}
	_, plain := co.plain()[t.name]
	picked, total := q.pick(t, rows, from, plain)
	p := page{Context: s.context(co, t), Value: make([]row, 0, len(picked))}
	if q.count {
		p.Count = &total
	}
	for _, r := range picked {
		p.Value = append(p.Value, q.shape(co, t, r))
	}
	return p
}

// pick filters, orders and cuts. Rows are taken from position from on and round;
// total counts what the filter kept, if the query asks for it. With byKey the rows
// come in the order of the table's key, so that reading by key finds its place
// and stops when the page is full, however many rows there are.
func (q query) pick(t *table, rows []row, from int, byKey bool) (out []row, total int) {
	sorted := len(q.order) == 0 || byKey && q.inKeyOrder(t)
	if sorted && len(q.order) > 0 {
		rows = rows[q.start(t, rows):]
	}
	kept := make([]row, 0, min(len(rows), 2*pageSize))
	for i := range rows {
		r := rows[(from+i)%len(rows)]
		if q.keep != nil && !q.keep.keep(r) {
			continue
		}
		kept = append(kept, r)
		if sorted && !q.count && q.top >= 0 && len(kept)-q.skip >= q.top {
			break
		}
	}
	if !sorted {
		slices.SortStableFunc(kept, q.compare)
	}
	total = len(kept)
	kept = kept[min(q.skip, len(kept)):]
	if q.top >= 0 {
		kept = kept[:min(q.top, len(kept))]
	}
	return kept, total
}

package epicortest

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// Function is an Epicor Function: named inputs to named outputs. An error is
// answered as a broken business rule.
type Function func(in map[string]json.RawMessage) (map[string]any, error)

// AddFunction makes a function of a library callable under /api/v2/efx.
func (s *Server) AddFunction(companyID, library, name string, f Function) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mustCompany(companyID).funcs[library+"/"+name] = f
}

func (s *Server) serveFunction(w http.ResponseWriter, r *http.Request, rest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out, f := s.function(r, rest)
	if f != nil {
		s.refuse(w, f)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(out)
}

func (s *Server) function(r *http.Request, rest string) (map[string]any, *fault) {
	parts := strings.Split(rest, "/")
	for i, p := range parts {
		u, f := unescape(p)
		if f != nil {
			return nil, f
		}
		parts[i] = u
	}
	if len(parts) != 3 {
		return nil, notFound("Resource not found.")
	}
	if _, f := s.authorize(r, parts[0], parts[1], parts[2]); f != nil {
		return nil, f
	}
	co, ok := s.companies[parts[0]]
	if !ok {
		return nil, notFound("Company %s is not found.", parts[0])
	}
	fn, ok := co.funcs[parts[1]+"/"+parts[2]]
	if !ok || r.Method != http.MethodPost {
		return nil, notFound("Function %s of library %s is not found.", parts[2], parts[1])
	}
	in := map[string]json.RawMessage{}
	body, err := io.ReadAll(r.Body)
	if err == nil && len(body) > 0 {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		return nil, badArgument("The request body is not a JSON object: %v.", err)
	}
	out, err := fn(in)
	if err != nil {
		return nil, business("", "", "%s", err)
	}
	return out, nil
}

// svcQuery runs Business Activity Queries.
const svcQuery = "BaqSvc"

// AddBAQ makes rows readable as a Business Activity Query. Every row has the
// columns of the first, with values of string, bool, int, decimal.Decimal or Date.
func (s *Server) AddBAQ(companyID, id string, rows ...map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mustCompany(companyID).baqs[id] = rows
}

// baq answers BaqSvc/<id>/Data. Options without a $ are the query's parameters:
// they keep the rows whose column of that name holds the value.
func (s *Server) baq(r *http.Request, co *company, segs []string) (int, any, *fault) {
	list, ok := co.baqs[segs[0]]
	if !ok || len(segs) != 2 || segs[1] != "Data" || r.Method != http.MethodGet {
		return 0, nil, notFound("Query %s is not found.", segs[0])
	}
	t := &table{name: segs[0], service: svcQuery, set: segs[0]}
	if len(list) > 0 {
		for name, v := range list[0] {
			k, _ := udValue(name, v)
			t.columns = append(t.columns, column{name: name, kind: k, def: k.zero()})
		}
		slices.SortFunc(t.columns, func(a, b column) int { return cmp.Compare(a.name, b.name) })
	}
	t.index()
	q, f := parseQuery(co.schema, t, r.URL.Query())
	if f != nil {
		return 0, nil, f
	}
	var rows []row
	for _, m := range list {
		x := t.blank()
		keep := true
		for name, v := range m {
			_, x[name] = udValue(name, v)
			if want := r.URL.Query().Get(name); want != "" && want != asText(x[name]) {
				keep = false
			}
		}
		if keep {
			rows = append(rows, x)
		}
	}
	return http.StatusOK, s.list(co, t, rows, q), nil
}

func asText(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case int64:
		return strconv.FormatInt(x, 10)
	case bool:
		return strconv.FormatBool(x)
	case wire.Decimal:
		return x.String()
	default:
		return ""
	}
}

package epicor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/ml-connector/ml-connector/epicor/odata"
)

// Entities reads one entity set of one service. T is a struct with json tags,
// or anything that encoding/json can read a row into, such as
// map[string]json.RawMessage. It is safe for concurrent use.
type Entities[T any] struct {
	c       *Client
	service string
	set     string
	key     []string
	shape   shape      // where T holds the company and the key
	params  url.Values // beside the options of OData
}

// NewEntities returns a reader of any entity set:
//
//	terms := epicor.NewEntities[Terms](client, "Erp.BO.PurTermsSvc", "PurTerms", "Company", "TermsCode")
//
// key are the columns of the set's key, the company first; List orders by them.
func NewEntities[T any](c *Client, service, set string, key ...string) *Entities[T] {
	return &Entities[T]{c: c, service: service, set: set, key: key, shape: shapeOf[T](key)}
}

// Page is one page of a list. Next continues behind it; "" is the end.
type Page[T any] struct {
	Items []*T
	Count int64 // rows in all, when the query asked to count
	Next  string
}

func (e *Entities[T]) op() string { return e.service + "/" + e.set }

// List returns the rows that q asks for, page by page: in memory are the text of
// one page and the row that is being looked at. An error ends the sequence as its
// last pair; the rows before it are right. Rows come in the order of q, made
// certain by the key: without an order Kinetic may skip rows or double them
// from one page to the next.
//
// Where q asks for no order of its own and skips nothing, each page begins
// behind the key of the last row (VendorNum gt 4711): rows that are inserted or
// deleted meanwhile shift nothing, so every row that stays is read exactly once,
// and the millionth page costs what the first did. Else, with keys that are
// GUIDs, and with Options.BySkip, pages follow $skip.
//
// A row of another company ends the list with an error.
func (e *Entities[T]) List(ctx context.Context, q odata.Query) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		left, next := q.Top, ""
		var prior []any
		for {
			size := e.c.pageSize
			if q.Top > 0 {
				size = min(size, left)
			}
			s, err := e.fetch(ctx, q, next, size)
			if err == nil {
				s.prior = prior
			}
			for err == nil {
				var item *T
				if item, err = s.row(); err != nil {
					break
				}
				if !yield(item, nil) {
					return
				}
				if left--; left == 0 {
					return
				}
			}
			if !errors.Is(err, io.EOF) {
				yield(nil, err)
				return
			}
			before := next
			prior = s.first
			if next, err = s.next(); err == nil && next == before && next != "" {
				err = &Error{Operation: e.op(), err: errLoop}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if next == "" {
				return
			}
		}
	}
}

// ListPage returns one page: the first for the empty token, else the one that
// the token of the page before leads to. A token is plain text that may be kept
// and used by another process, with the same query. q.Top is the size of the
// page, 0 the client's.
func (e *Entities[T]) ListPage(ctx context.Context, q odata.Query, token string) (*Page[T], error) {
	size := q.Top
	if size <= 0 {
		size = e.c.pageSize
	}
	q.Top = 0
	return e.sized(ctx, q, token, size)
}

// Get returns the row with this key, without the company, which is the
// client's: Vendors.Get(ctx, 42). No such row: ErrNotFound, which a gateway's 404
// is not: the row is then looked for in its set.
func (e *Entities[T]) Get(ctx context.Context, key ...any) (*T, error) {
	if len(e.key) == 0 || e.key[0] == "" {
		return nil, &Error{Operation: e.op(), err: errors.New("the rows of a query have no address of their own")}
	}
	if len(key) != len(e.key)-1 {
		return nil, &Error{Operation: e.op(), err: fmt.Errorf("a key of %d parts was given, %s are needed", len(key), strings.Join(e.key[1:], ", "))}
	}
	if !inPath(key) {
		return e.find(ctx, key)
	}
	if err := e.named(); err != nil {
		return nil, err
	}
	k, err := odata.Key(append([]any{e.c.company}, key...)...)
	if err != nil {
		return nil, &Error{Operation: e.op(), err: err}
	}
	res, err := e.c.do(ctx, call{op: e.op(), method: http.MethodGet, path: e.op() + k})
	if err != nil {
		return nil, e.absent(ctx, err, key...)
	}
	return e.row(res.Body)
}

// inPath reports whether a key may stand in a path. Web servers refuse or
// rewrite some characters there, however they are escaped.
func inPath(key []any) bool {
	for _, part := range key {
		if s, ok := part.(string); ok && (strings.ContainsAny(s, `/\%?#&*:<>+"`) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }) || strings.Contains(s, "..")) {
			return false
		}
	}
	return true
}

// find reads a row whose key cannot stand in a path.
func (e *Entities[T]) find(ctx context.Context, key []any) (*T, error) {
	row, err := e.lookUp(ctx, key)
	if err == nil && row == nil {
		return nil, &Error{Operation: e.op(), Status: http.StatusNotFound, Message: "no such row"}
	}
	return row, err
}

// lookUp lists the row with a key; nil is none.
func (e *Entities[T]) lookUp(ctx context.Context, key []any) (*T, error) {
	fs := []odata.Filter{odata.Eq(e.key[0], e.c.company)}
	for i, part := range key {
		switch v := part.(type) {
		case string:
			fs = append(fs, odata.Eq(e.key[i+1], v))
		case int:
			fs = append(fs, odata.Eq(e.key[i+1], v))
		case Date:
			fs = append(fs, odata.Eq(e.key[i+1], v))
		case bool:
			fs = append(fs, odata.Eq(e.key[i+1], v))
		default:
			return nil, &Error{Operation: e.op(), err: fmt.Errorf("a key of type %T cannot be looked up", part)}
		}
	}
	p, err := e.sized(ctx, odata.Query{Filter: odata.And(fs...)}, "", 1)
	if err != nil || len(p.Items) == 0 {
		return nil, err
	}
	return p.Items[0], nil
}

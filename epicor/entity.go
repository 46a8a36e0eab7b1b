package epicor

import (
	"context"
	"errors"
	"fmt"
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

// List returns the rows that q asks for, page by page, one page in memory. An
// error ends the sequence as its last pair. Rows come in the order of q, made
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
		left := q.Top
		next := ""
		for {
			p, err := e.page(ctx, q, next, left)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, item := range p.Items {
				if !yield(item, nil) {
					return
				}
			}
			if q.Top > 0 {
				left -= len(p.Items)
				if left <= 0 {
					return
				}
			}
			if p.Next == "" {
				return
			}
			if p.Next == next {
				yield(nil, &Error{Operation: e.op(), err: errLoop})
				return
			}
			next = p.Next
		}
	}
}

// ListPage returns one page: the first for the empty token, else the one that
// the token of the page before leads to. A token is plain text that may be kept
// and used by another process, with the same query. q.Top is the size of the
// page, 0 the client's.
func (e *Entities[T]) ListPage(ctx context.Context, q odata.Query, token string) (*Page[T], error) {
	size := q.Top
	q.Top = 0
	if size > 0 {
		return e.sized(ctx, q, token, size)
	}
	return e.page(ctx, q, token, 0)
}

func (e *Entities[T]) page(ctx context.Context, q odata.Query, token string, left int) (*Page[T], error) {
	size := e.c.pageSize
	if left > 0 && left < size {
		size = left
	}
	return e.sized(ctx, q, token, size)
}

// Get returns the row with this key, without the company, which is the
// client's: Vendors.Get(ctx, 42). No such row: ErrNotFound.
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
	k, err := odata.Key(append([]any{e.c.company}, key...)...)
	if err != nil {
		return nil, &Error{Operation: e.op(), err: err}
	}
	res, err := e.c.do(ctx, call{op: e.op(), method: http.MethodGet, path: e.op() + k})
	if err != nil {
		return nil, err
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
	fs := []odata.Filter{odata.Eq(e.key[0], e.c.company)}
	for i, part := range key {
		switch v := part.(type) {
		case string:
			fs = append(fs, odata.Eq(e.key[i+1], v))
		case int:
			fs = append(fs, odata.Eq(e.key[i+1], v))
		default:
			return nil, &Error{Operation: e.op(), err: fmt.Errorf("a key of type %T cannot be looked up", part)}
		}
	}
	p, err := e.sized(ctx, odata.Query{Filter: odata.And(fs...)}, "", 1)
	if err != nil {
		return nil, err
	}
	if len(p.Items) == 0 {
		return nil, &Error{Operation: e.op(), Status: http.StatusNotFound, Message: "no such row"}
	}
	return p.Items[0], nil
}

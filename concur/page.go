package concur

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Page is one page of a list. Next is where the next one begins, "" on the
// last; it is plain text that may be stored and used by another process. A page
// may be empty and still have a Next.
type Page[T any] struct {
	Items []*T
	Next  string
}

const maxNext = 4 << 10

// nextPage takes from a NextPage link what may be followed: its query. The link
// itself is never called: published samples point at hosts that do not accept
// the token, and a forged one would carry it away. It must lead to the list it
// came from.
func nextPage(link, listPath string) (string, error) {
	link = strings.TrimSpace(link)
	if link == "" {
		return "", nil
	}
	if len(link) > maxNext {
		return "", fmt.Errorf("NextPage has %d characters", len(link))
	}
	u, err := url.Parse(link)
	if err != nil || u.Opaque != "" {
		return "", errors.New("NextPage is not a URL")
	}
	if !strings.EqualFold(strings.TrimSuffix(u.Path, "/"), listPath) {
		return "", errors.New("NextPage leads to another resource")
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil || u.RawQuery == "" {
		return "", errors.New("NextPage has no readable query")
	}
	return u.RawQuery, nil
}

// pageQuery returns the query of a page: that of the list at its beginning, and
// what nextPage took from the link afterwards.
func pageQuery(operation, query, after string) (string, error) {
	if after == "" {
		return query, nil
	}
	if _, err := url.ParseQuery(after); err != nil || len(after) > maxNext {
		return "", &Error{Operation: operation, Status: http.StatusBadRequest, Message: "the page position is malformed; nothing was sent"}
	}
	return after, nil
}

// next completes a page whose link was read, and refuses one that stands still.
func (p *Page[T]) next(operation, link, listPath, after string) error {
	next, err := nextPage(link, listPath)
	if err == nil && next != "" && next == after {
		err = errors.New("NextPage leads to the same page again")
	}
	if err != nil {
		return &Error{Operation: operation, Err: err}
	}
	p.Next = next
	return nil
}

// all walks over pages. An error is the sequence's last pair; a position that comes
// again is one.
func all[T any](ctx context.Context, page func(ctx context.Context, after string) (*Page[T], error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		after := ""
		seen := make(map[string]bool)
		for {
			p, err := page(ctx, after)
			if err == nil && p.Next != "" && seen[p.Next] {
				err = &Error{Operation: "List", Err: errors.New("the position of the next page came before: the list leads in a circle")}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			seen[p.Next] = true
			for _, item := range p.Items {
				if !yield(item, nil) {
					return
				}
			}
			if p.Next == "" {
				return
			}
			after = p.Next
		}
	}
}

// errNoList is an answer of 200 that says nothing about what was asked: it must not
// pass for the end of a list, or for an empty one.
var errNoList = errors.New("the answer holds no list")

// errNoEnd is a page with rows that does not say whether another follows: its end
// must not pass for the end of the list.
var errNoEnd = errors.New("the answer does not say whether the list goes on: its counters are missing")

// pageV3 is a page of the version 3 services: the rows, and a link to the next.
func pageV3[T any](ctx context.Context, c *Client, operation, listPath, query, after string, names ...string) (*Page[T], error) {
	query, err := pageQuery(operation, query, after)
	if err != nil {
		return nil, err
	}
	var body json.RawMessage
	if err := c.do(ctx, request{operation: operation, path: listPath, query: query, safe: true}, &body); err != nil {
		return nil, err
	}
	var p Page[T]
	var next Text
	list := false
	err = members(body, func(name, _, value []byte) error {
		var err error
		switch {
		case string(name) == "NextPage":
			list = true
			err = json.Unmarshal(value, &next)
		case string(name) == "Items" || slices.Contains(names, string(name)):
			list = true
			if len(p.Items) == 0 {
				p.Items, err = rowsOf[T](value, names...)
			}
		}
		return err
	})
	if err == nil && !list {
		err = errNoList
	}
	if err != nil {
		return nil, &Error{Operation: operation, Err: fmt.Errorf("answer is not the JSON that was expected: %w", shape(err))}
	}
	return &p, p.next(operation, string(next), listPath, after)
}

// rowsOf decodes an array row by row, or what collection reads beside it.
func rowsOf[T any](value []byte, names ...string) ([]*T, error) {
	if kind(value) != '[' {
		return collection[*T](value, names...)
	}
	rows := make([]*T, 0, 100)
	err := elements(value, func(row []byte) error {
		v := new(T)
		var err error
		if u, ok := any(v).(json.Unmarshaler); ok {
			err = u.UnmarshalJSON(row)
		} else {
			err = json.Unmarshal(row, v)
		}
		rows = append(rows, v)
		return err
	})
	return rows, err
}

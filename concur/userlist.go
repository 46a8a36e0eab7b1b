package concur

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// UserQuery selects what is read of users.
type UserQuery struct {
	// Attributes are the parts of a user that are wanted; none is all that the
	// scopes allow.
	Attributes []string
	// ExcludedAttributes are those that are not.
	ExcludedAttributes []string
	Count              int // of a page, at most 1000; 0 leaves it to the vendor, whose default is 100
}

// List walks over all users of the company, inactive ones included.
func (s *UsersService) List(ctx context.Context, q UserQuery) iter.Seq2[*User, error] {
	return all(ctx, func(ctx context.Context, after string) (*Page[User], error) { return s.ListPage(ctx, q, after) })
}

// ListPage returns one page: the first one when after is "", else the one at
// Page.Next of the page before, with the same query. A page that is empty may
// have a Next.
func (s *UsersService) ListPage(ctx context.Context, q UserQuery, after string) (*Page[User], error) {
	const operation = "Users.List"
	if len(after) > maxNext {
		return nil, &Error{Operation: operation, Status: http.StatusBadRequest, Message: "the page position is malformed; nothing was sent"}
	}
	v := url.Values{}
	if len(q.Attributes) > 0 {
		v.Set("attributes", strings.Join(q.Attributes, ","))
	}
	if len(q.ExcludedAttributes) > 0 {
		v.Set("excludedAttributes", strings.Join(q.ExcludedAttributes, ","))
	}
	if q.Count > 0 {
		v.Set("count", strconv.Itoa(q.Count))
	}
	if after != "" {
		v.Set("cursor", after)
	}
	return s.page(ctx, request{operation: operation, path: usersPath, query: v.Encode(), safe: true}, after)
}

// Search walks over the users that a filter selects.
func (s *UsersService) Search(ctx context.Context, q UserSearch) iter.Seq2[*User, error] {
	return all(ctx, func(ctx context.Context, after string) (*Page[User], error) { return s.SearchPage(ctx, q, after) })
}

// SearchPage returns one page: the first one when after is "", else the one at
// Page.Next of the page before, with the same search.
func (s *UsersService) SearchPage(ctx context.Context, q UserSearch, after string) (*Page[User], error) {
	const operation = "Users.Search"
	if len(after) > maxNext {
		return nil, notSent(operation, "the page position is malformed")
	}
	body := userSearch{Schemas: []string{searchSchema}, UserSearch: q, Cursor: after}
	// The search is a POST that changes nothing.
	return s.page(ctx, request{operation: operation, method: http.MethodPost, path: usersPath + "/.search", body: body, safe: true}, after)
}

func (s *UsersService) page(ctx context.Context, r request, after string) (*Page[User], error) {
	operation := r.operation
	var a struct {
		Total      *int    `json:"totalResults"`
		Resources  []*User `json:"Resources"`
		NextCursor Text    `json:"nextCursor"`
	}
	if err := s.client.do(ctx, r, &a); err != nil {
		return nil, err
	}
	next := string(a.NextCursor)
	if len(next) > maxNext || next != "" && next == after {
		return nil, &Error{Operation: operation, Err: errors.New("nextCursor leads nowhere")}
	}
	// SCIM lets an empty list leave its array out.
	if a.Resources == nil && (a.Total == nil || *a.Total != 0) {
		return nil, &Error{Operation: operation, Err: errNoList}
	}
	return &Page[User]{Items: a.Resources, Next: next}, nil
}

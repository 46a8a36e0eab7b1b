package concur

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// List is a list of values to choose from, such as the cost centres. Follows
// the List v4 page.
type List struct {
	ID             string       `json:"id"`         // UUID
	Value          string       `json:"value"`      // the list's name
	LevelCount     int          `json:"levelCount"` // 1 is a flat list
	SearchCriteria string       `json:"searchCriteria"`
	DisplayFormat  string       `json:"displayFormat"`
	Category       ListCategory `json:"category"`
	IsReadOnly     bool         `json:"isReadOnly"`
	IsDeleted      bool         `json:"isDeleted"`
	// ManagedBy is the app or service that alone may change the list and its
	// items: "appId:<uuid>" or "service:<name>"; "" is anybody.
	ManagedBy string `json:"managedBy"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (l *List) UnmarshalJSON(b []byte) error {
	type plain List
	return readObject(b, (*plain)(l), &l.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (l List) MarshalJSON() ([]byte, error) {
	type plain List
	return writeObject(plain(l), l.Raw)
}

// ListCategory is what a list is for.
type ListCategory struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// ListInput describes a list to be made. Only Value is required.
type ListInput struct {
	Value          string `json:"value"`                    // the name
	SearchCriteria string `json:"searchCriteria,omitempty"` // TEXT or CODE
	DisplayFormat  string `json:"displayFormat,omitempty"`  // "(CODE) TEXT" or "TEXT (CODE)"
	CategoryID     string `json:"categoryId,omitempty"`
	// IsManaged: only the app that makes the list may change it and its items from
	// then on.
	IsManaged bool `json:"isManaged,omitempty"`
}

// ListUpdate is what a list's header becomes. Value and, as far as they are not
// empty, the others are sent.
type ListUpdate struct {
	Value          string `json:"value"`                    // the name; required
	SearchCriteria string `json:"searchCriteria,omitempty"` // TEXT or CODE
	DisplayFormat  string `json:"displayFormat,omitempty"`  // "(CODE) TEXT" or "TEXT (CODE)"
	// IsManaged, if it is not nil, makes the calling app the only one that may
	// change the list, or lifts that.
	IsManaged *bool `json:"isManaged,omitempty"`
}

// Match is a condition on a text. The zero value is none.
type Match struct {
	Op   MatchOp // "" is MatchEqual
	Text string  // letter case counts
}

// MatchOp compares in a Match.
type MatchOp string

// Comparisons of a Match. Which field takes which stands on the vendor's pages.
const (
	MatchEqual      MatchOp = "eq"
	MatchNotEqual   MatchOp = "not"
	MatchStartsWith MatchOp = "sw"
	MatchEndsWith   MatchOp = "ew"
	MatchContains   MatchOp = "cp"
)

// set writes the condition with its operator always, so that a text with a
// colon is not taken for one.
func (m Match) set(v url.Values, name string) {
	if m.Text == "" {
		return
	}
	op := m.Op
	if op == "" {
		op = MatchEqual
	}
	v.Set(name, string(op)+":"+m.Text)
}

// ListQuery selects lists.
type ListQuery struct {
	Value        Match  // the name
	CategoryType string // such as "Normal"
	LevelCount   int    // 0 is any
	Deleted      bool   // those that were deleted
	SortBy       string // name, levelcount or listcategory; "" is name
	Descending   bool   // from the end
}

func (q ListQuery) values() url.Values {
	v := url.Values{"sortBy": {"name"}}
	if q.SortBy != "" {
		v.Set("sortBy", q.SortBy)
	}
	q.Value.set(v, "value")
	if q.LevelCount > 0 {
		Match{Text: strconv.Itoa(q.LevelCount)}.set(v, "levelCount")
	}
	Match{Text: q.CategoryType}.set(v, "category.type")
	if q.Deleted {
		v.Set("isDeleted", "true")
	}
	direction(v, q.Descending)
	return v
}

func direction(v url.Values, descending bool) {
	v.Set("sortDirection", "asc")
	if descending {
		v.Set("sortDirection", "desc")
	}
}

// ListsService reads, makes and changes lists. Follows the List v4 page.
type ListsService struct{ service }

const listsPath = "/list/v4/lists"

// List walks over all lists that the query selects. Scope: spend.list.read.
func (s *ListsService) List(ctx context.Context, q ListQuery) iter.Seq2[*List, error] {
	return all(ctx, func(ctx context.Context, after string) (*Page[List], error) { return s.ListPage(ctx, q, after) })
}

// ListPage returns one page of 100: the first one when after is "", else the
// one at Page.Next of the page before, with the same query.
func (s *ListsService) ListPage(ctx context.Context, q ListQuery, after string) (*Page[List], error) {
	return numbered[List](ctx, s.client, "Lists.List", listsPath, q.values(), after)
}

// Get returns a list. No such list: ErrNotFound. Scope: spend.list.read.
func (s *ListsService) Get(ctx context.Context, id string) (*List, error) {
	const operation = "Lists.Get"
	p, err := path(operation, listsPath, id)
	if err != nil {
		return nil, err
	}
	var l List
	if err := s.client.do(ctx, request{operation: operation, path: p, safe: true}, &l); err != nil {
		return nil, err
	}
	return &l, nil
}

// Create makes a list. It is not sent twice: after an answer that was lost look
// for the list by its name. Standard Edition has no such call. Scope:
// spend.list.write.
func (s *ListsService) Create(ctx context.Context, in ListInput) (*List, error) {
	var l List
	r := request{operation: "Lists.Create", method: http.MethodPost, path: listsPath, body: in}
	if err := s.client.do(ctx, r, &l); err != nil {
		return nil, err
	}
	return &l, nil
}

// InCategory walks over the lists of a category. Scope: spend.list.read.
func (s *ListsService) InCategory(ctx context.Context, categoryID string) iter.Seq2[*List, error] {
	const operation = "Lists.InCategory"
	p, err := path(operation, "/list/v4/categories", categoryID, "lists")
	return all(ctx, func(ctx context.Context, after string) (*Page[List], error) {
		if err != nil {
			return nil, err
		}
		return numbered[List](ctx, s.client, operation, p, url.Values{}, after)
	})
}

// Update changes a list's header; its items stay. It is sent once. Scope:
// spend.list.write.
func (s *ListsService) Update(ctx context.Context, id string, in ListUpdate) (*List, error) {
	const operation = "Lists.Update"
	if in.Value == "" {
		return nil, notSent(operation, "a list needs a name")
	}
	p, err := path(operation, listsPath, id)
	if err != nil {
		return nil, err
	}
	return fetch[List](ctx, s.client, request{operation: operation, method: http.MethodPut, path: p, body: in})
}

// Delete deletes a list with all its items. A program that copies reference data
// never means that. It is sent once. Scope: spend.list.delete.
func (s *ListsService) Delete(ctx context.Context, id string) error {
	const operation = "Lists.Delete"
	p, err := path(operation, listsPath, id)
	if err != nil {
		return err
	}
	return s.client.do(ctx, request{operation: operation, method: http.MethodDelete, path: p}, nil)
}

// numbered reads a page of the List v4 services, which count pages from 1 and
// hold 100 each.
func numbered[T any](ctx context.Context, c *Client, operation, at string, q url.Values, after string) (*Page[T], error) {
	number := 1
	if after != "" {
		n, err := strconv.Atoi(after)
		if err != nil || n < 1 {
			return nil, &Error{Operation: operation, Status: http.StatusBadRequest, Message: "the page position is malformed; nothing was sent"}
		}
		number = n
	}
	q.Set("page", strconv.Itoa(number))
	var a struct {
		Content json.RawMessage `json:"content"`
		Page    struct {
			TotalPages *int `json:"totalPages"`
		} `json:"page"`
	}
	if err := c.do(ctx, request{operation: operation, path: at, query: q.Encode(), safe: true}, &a); err != nil {
		return nil, err
	}
	if a.Content == nil {
		return nil, &Error{Operation: operation, Err: errNoList}
	}
	items, err := collection[*T](a.Content)
	if err != nil {
		return nil, &Error{Operation: operation, Err: shape(err)}
	}
	p := &Page[T]{Items: items}
	if a.Page.TotalPages == nil {
		if len(items) > 0 {
			return nil, &Error{Operation: operation, Err: errNoEnd}
		}
		return p, nil
	}
	// The number that was asked for counts, not the one that the answer prints, so
	// that no answer can lead in a circle.
	if number < *a.Page.TotalPages {
		p.Next = strconv.Itoa(number + 1)
	}
	return p, nil
}

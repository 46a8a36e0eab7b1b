package concur

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// ListItemQuery selects items of a list.
type ListItemQuery struct {
	// ParentID is the item whose children are asked for; "" is the first level. A
	// whole list has to be walked through level by level.
	ParentID  string
	ShortCode Match
	Value     Match // the name
	// ShortCodeOrValue finds a text in either.
	ShortCodeOrValue Match
	// WithChildren: only items that have some.
	WithChildren bool
	Deleted      bool // those that are gone from every list
	ByName       bool // in the order of the names; else of the short codes
}

func (q ListItemQuery) values() url.Values {
	v := url.Values{"sortBy": {"shortcode"}}
	if q.ByName {
		v.Set("sortBy", "value")
	}
	q.ShortCode.set(v, "shortCode")
	q.Value.set(v, "value")
	q.ShortCodeOrValue.set(v, "shortCodeOrValue")
	if q.WithChildren {
		v.Set("hasChildren", "true")
	}
	if q.Deleted {
		v.Set("isDeleted", "true")
	}
	direction(v, false)
	return v
}

// ListItemInput describes an item to be made.
type ListItemInput struct {
	ListID    string `json:"listId"`
	ShortCode string `json:"shortCode"`
	Value     string `json:"value"` // the name
	// ParentID, or the long code ParentCode, is the item above; neither on the
	// first level.
	ParentID   string `json:"parentId,omitempty"`
	ParentCode string `json:"parentCode,omitempty"`
}

// ListItemUpdate is what may be changed of an item. Both are sent always.
type ListItemUpdate struct {
	ShortCode string `json:"shortCode"`
	Value     string `json:"value"`
}

// List walks over the items of one level of a list. Scope: spend.listitem.read.
func (s *ListItemsService) List(ctx context.Context, listID string, q ListItemQuery) iter.Seq2[*ListItem, error] {
	return all(ctx, func(ctx context.Context, after string) (*Page[ListItem], error) {
		return s.ListPage(ctx, listID, q, after)
	})
}

// ListPage returns one page of 100 of a level: the first one when after is "",
// else the one at Page.Next of the page before, with the same query. No such
// list or parent: ErrNotFound.
func (s *ListItemsService) ListPage(ctx context.Context, listID string, q ListItemQuery, after string) (*Page[ListItem], error) {
	const operation = "ListItems.List"
	elements := []string{listID}
	if q.ParentID != "" {
		elements = append(elements, "items", dashed(q.ParentID))
	}
	p, err := path(operation, listsPath, append(elements, "children")...)
	if err != nil {
		return nil, err
	}
	return numbered[ListItem](ctx, s.client, operation, p, q.values(), after)
}

// Create makes one item; see BulkCreate for many. Scope: spend.listitem.write.
func (s *ListItemsService) Create(ctx context.Context, in ListItemInput) (*ListItem, error) {
	const operation = "ListItems.Create"
	if err := noHyphen(operation, in.ShortCode, in.Value); err != nil {
		return nil, err
	}
	var item ListItem
	r := request{operation: operation, method: http.MethodPost, path: "/list/v4/items", body: in}
	if err := s.client.do(ctx, r, &item); err != nil {
		return nil, err
	}
	return &item, nil
}

// Update changes an item in every list that shares it. Scope:
// spend.listitem.write.
func (s *ListItemsService) Update(ctx context.Context, id string, in ListItemUpdate) (*ListItem, error) {
	const operation = "ListItems.Update"
	if err := noHyphen(operation, in.ShortCode, in.Value); err != nil {
		return nil, err
	}
	p, err := path(operation, "/list/v4/items", dashed(id))
	if err != nil {
		return nil, err
	}
	var item ListItem
	if err := s.client.do(ctx, request{operation: operation, method: http.MethodPut, path: p, body: in}, &item); err != nil {
		return nil, err
	}
	return &item, nil
}

// Delete takes an item and its children out of one list. What other lists share
// stays in them. A code that was deleted goes on to occupy its place. Scope:
// spend.listitem.delete.
func (s *ListItemsService) Delete(ctx context.Context, listID, id string) error {
	const operation = "ListItems.Delete"
	p, err := path(operation, listsPath, listID, "items", dashed(id))
	if err != nil {
		return err
	}
	return s.client.do(ctx, request{operation: operation, method: http.MethodDelete, path: p}, nil)
}

// Children walks over the items below one, in whatever lists share it; List does
// the same within one list. Scope: spend.listitem.read.
func (s *ListItemsService) Children(ctx context.Context, id string, q ListItemQuery) iter.Seq2[*ListItem, error] {
	const operation = "ListItems.Children"
	p, err := path(operation, "/list/v4/items", dashed(id), "children")
	return all(ctx, func(ctx context.Context, after string) (*Page[ListItem], error) {
		if err != nil {
			return nil, err
		}
		return numbered[ListItem](ctx, s.client, operation, p, q.values(), after)
	})
}

// DeleteEverywhere takes an item and its children out of every list that shares
// them, also lists that the caller never saw: Delete is nearly always what is
// meant. It is sent once. Scope: spend.listitem.delete.
func (s *ListItemsService) DeleteEverywhere(ctx context.Context, id string) error {
	const operation = "ListItems.DeleteEverywhere"
	p, err := path(operation, "/list/v4/items", dashed(id))
	if err != nil {
		return err
	}
	return s.client.do(ctx, request{operation: operation, method: http.MethodDelete, path: p}, nil)
}

// noHyphen refuses what the vendor takes and is harmed by: a hyphen separates
// the levels of a long code, and one in a code or a name can corrupt the list
// (List Item v4 page).
func noHyphen(operation string, texts ...string) error {
	for _, t := range texts {
		if strings.Contains(t, "-") {
			return &Error{
				Operation: operation, Status: http.StatusBadRequest, Code: "hyphen",
				Message: "a list item's code or name holds a hyphen, which separates levels and can corrupt the list; nothing was sent",
			}
		}
	}
	return nil
}

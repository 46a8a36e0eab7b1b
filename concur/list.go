package concur

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

// ListItem is an item of a list, such as a cost centre. Follows the List Item
// v4 page.
type ListItem struct {
	ID string `json:"id"` // UUID with dashes
	// Code is the long code: the short codes of all ancestors and its own, joined
	// by "-". ShortCode is the item's own.
	Code      string `json:"code"`
	ShortCode string `json:"shortCode"`
	Value     string `json:"value"` // the name, for people
	ParentID  string `json:"parentId"`
	Level     int    `json:"level"`     // 1 is the top
	IsDeleted bool   `json:"isDeleted"` // gone from every list
	Lists     []struct {
		ID          string `json:"id"`
		HasChildren bool   `json:"hasChildren"`
	} `json:"lists"` // where the item lives

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (i *ListItem) UnmarshalJSON(b []byte) error {
	type plain ListItem
	return readObject(b, (*plain)(i), &i.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (i ListItem) MarshalJSON() ([]byte, error) {
	type plain ListItem
	return writeObject(plain(i), i.Raw)
}

// ListItemsService reads and writes items of lists. A code or a name with a
// hyphen is refused before it is sent: it can corrupt the list. Follows the List
// Item v4 and List Item Bulk v4 pages.
type ListItemsService struct{ service }

// Get returns one item. The id is a UUID, or the 32 hexadecimal digits without
// dashes that custom fields hold. No such item: ErrNotFound. Scope:
// spend.listitem.read.
func (s *ListItemsService) Get(ctx context.Context, id string) (*ListItem, error) {
	const operation = "ListItems.Get"
	if !itemID.MatchString(id) {
		return nil, &Error{Operation: operation, Status: http.StatusBadRequest, Message: "a list item's id is a UUID or 32 hexadecimal digits; nothing was sent"}
	}
	p, err := path(operation, "/list/v4/items", dashed(id))
	if err != nil {
		return nil, err
	}
	var item ListItem
	if err := s.client.do(ctx, request{operation: operation, path: p, safe: true}, &item); err != nil {
		return nil, err
	}
	return &item, nil
}

// dashed writes 32 hexadecimal digits as a UUID.
func dashed(id string) string {
	id = strings.ToLower(id)
	if len(id) != 32 {
		return id
	}
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

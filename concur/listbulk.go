package concur

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// MaxListParts is how many parts a bulk call may have.
const MaxListParts = 250

// ListItemPart is an item to be made by BulkCreate.
type ListItemPart struct {
	ShortCode string `json:"shortCode"`
	Value     string `json:"value"` // the name
	// ParentCode is the long code of the item above, "" on the first level. It may
	// have been made by an earlier part of the same call.
	ParentCode string `json:"parentCode,omitempty"`
}

// ListItemChange renames or deletes an item by BulkUpdate.
type ListItemChange struct {
	Code  string `json:"code"` // long code
	Value string `json:"value,omitempty"`
	// Deleted: true deletes the item with its children. False is sent too, and
	// whether it brings a deleted item back is not documented. Nil leaves it alone.
	Deleted *bool `json:"deleted,omitempty"`
}

// ListFault is what went wrong with a part of a bulk call: the vendor's own id.
type ListFault string

// The faults that the List Item Bulk v4 page names. There may be more.
const (
	ListNotFound             ListFault = "list.not.found"
	ListDeleted              ListFault = "list.deleted"
	ItemNotFound             ListFault = "item.not.found"
	ItemDeleted              ListFault = "item.deleted"
	ItemDuplicateCode        ListFault = "item.duplicate.code"
	ItemDuplicateCodeDeleted ListFault = "item.duplicate.code.deleted"
	ItemDuplicateShared      ListFault = "item.duplicate.item.shared"
	ItemParentNotFound       ListFault = "item.parent.not.found"
	ItemParentDeleted        ListFault = "item.parent.deleted"
	ItemListMismatch         ListFault = "item.list.id.not.match.parent"
	ItemMaxLevel             ListFault = "item.max.level.exceeded"
	ItemTimeout              ListFault = "item.operation.timeout" // whether it was done is not known
)

// ListItemError is the refusal of one part of a bulk call.
type ListItemError struct {
	ID      ListFault
	Message string // the vendor's, one line
	Code    string // of the item: the short code of a new one, else the long code
}

// Error returns the refusal on one line.
func (e *ListItemError) Error() string {
	return fmt.Sprintf("concur: list item %q: %s: %s", e.Code, e.ID, e.Message)
}

// Is makes the refusal one of the package's sentinels: ErrNotFound for what is
// gone or never was, ErrConflict for a code that is taken, else ErrInvalid.
func (e *ListItemError) Is(target error) bool {
	is := ErrInvalid
	switch e.ID {
	case ListNotFound, ListDeleted, ItemNotFound, ItemDeleted, ItemParentNotFound, ItemParentDeleted:
		is = ErrNotFound
	case ItemDuplicateCode, ItemDuplicateCodeDeleted, ItemDuplicateShared:
		is = ErrConflict
	case ItemTimeout:
		return false
	case ItemListMismatch, ItemMaxLevel:
	}
	return target == is
}

// BulkCreate makes up to MaxListParts items, in their order, and returns one
// error for each part: nil where the item was made, else a *ListItemError. The
// second result is a failure of the whole call. It is not sent twice: after an
// answer that was lost send the parts again and take ItemDuplicateCode for
// "exists". Ids are not returned. Follows the List Item Bulk v4 page. Scope:
// spend.listitem.write.
func (s *ListItemsService) BulkCreate(ctx context.Context, listID string, parts []ListItemPart) ([]error, error) {
	const operation = "ListItems.BulkCreate"
	for _, p := range parts {
		if err := noHyphen(operation, p.ShortCode, p.Value); err != nil {
			return nil, err
		}
	}
	return bulk(ctx, s.client, operation, http.MethodPost, listID, parts, func(p ListItemPart) string {
		if p.ParentCode == "" {
			return p.ShortCode
		}
		return p.ParentCode + "-" + p.ShortCode
	}, func(p ListItemPart) string { return p.ShortCode })
}

// BulkUpdate renames or deletes up to MaxListParts items, in their order, and
// returns one error for each part as BulkCreate does. Follows the List Item
// Bulk v4 page. Scope: spend.listitem.write, and spend.listitem.delete to
// delete.
func (s *ListItemsService) BulkUpdate(ctx context.Context, listID string, changes []ListItemChange) ([]error, error) {
	const operation = "ListItems.BulkUpdate"
	for _, c := range changes {
		if err := noHyphen(operation, c.Value); err != nil {
			return nil, err
		}
	}
	code := func(c ListItemChange) string { return c.Code }
	return bulk(ctx, s.client, operation, http.MethodPatch, listID, changes, code, code)
}

// bulkAnswer is the body of all outcomes: 201 or 200, 206 and 400.
type bulkAnswer struct {
	Status    string `json:"status"`
	Succeeded int    `json:"recordsSucceeded"`
	Failed    int    `json:"recordsFailed"`
	Errors    []struct {
		ID       ListFault       `json:"id"`
		Message  string          `json:"message"`
		ListItem json.RawMessage `json:"listItem"`
	} `json:"errors"`
}

// bulkOutcome reports whether a 400 is the outcome of the parts rather than a
// refusal of the call.
func bulkOutcome(status int, body []byte) bool {
	var a bulkAnswer
	return status == http.StatusBadRequest && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) &&
		json.Unmarshal(body, &a) == nil && a.Status != "" && len(a.Errors) > 0
}

func bulk[P any](ctx context.Context, c *Client, operation, method, listID string, parts []P, key, name func(P) string) ([]error, error) {
	if len(parts) == 0 || len(parts) > MaxListParts {
		return nil, &Error{
			Operation: operation, Status: http.StatusBadRequest,
			Message: fmt.Sprintf("a bulk call has 1 to %d parts, not %d; nothing was sent", MaxListParts, len(parts)),
		}
	}
	p, err := path(operation, listsPath, listID, "bulk")
	if err != nil {
		return nil, err
	}
	var a bulkAnswer
	r := request{
		operation: operation, method: method, path: p, body: map[string]any{"requests": parts}, outcome: bulkOutcome,
	}
	if err := c.do(ctx, r, &a); err != nil {
		return nil, err
	}
	each := make([]error, len(parts))
	for _, e := range a.Errors {
		var echo P
		if len(e.ListItem) > 0 && json.Unmarshal(e.ListItem, &echo) != nil {
			return nil, unclear(operation)
		}
		// The answer names parts by their content. Of two with one code the later
		// one is the one that failed.
		at := -1
		for i := range slices.Backward(parts) {
			if each[i] == nil && key(parts[i]) == key(echo) {
				at = i
				break
			}
		}
		if at < 0 {
			return nil, unclear(operation)
		}
		each[at] = &ListItemError{ID: e.ID, Message: oneLine(e.Message), Code: name(parts[at])}
	}
	if a.Status == "" || a.Failed != len(a.Errors) || a.Succeeded+a.Failed != len(parts) {
		return nil, unclear(operation)
	}
	return each, nil
}

// unclear is an answer that does not say what became of each part.
func unclear(operation string) error {
	return &Error{Operation: operation, Err: errors.New("the answer does not say which of the parts failed; send them again")}
}

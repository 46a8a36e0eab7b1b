package concurtest

import (
	"slices"
	"strings"
)

// Value is the value of a custom field: a list item or a text.
type Value struct {
	Text   string // the text, or the name of the list item
	Code   string // short code of the list item; "" for a text
	ItemID string // UUID of the list item; "" for a text
}

// Text is the value of a custom field that is no list.
func Text(s string) Value { return Value{Text: s} }

// Custom holds custom fields by their id: custom1, custom2 … and orgUnit1 to
// orgUnit6.
type Custom map[string]Value

// customData is a custom field of Reports v4: for a list the value is the id
// of the item, 32 digits without dashes, never its code.
type customData struct {
	ID          string  `json:"id"`
	Value       string  `json:"value"`
	IsValid     bool    `json:"isValid"`
	ListItemURL *string `json:"listItemUrl"`
}

// wire4 prints the fields in the order of their ids; base is the address of
// the data centre.
func (c Custom) wire4(base string) []customData {
	out := []customData{}
	for _, id := range c.ids() {
		v := c[id]
		d := customData{ID: id, Value: v.Text, IsValid: true}
		if v.ItemID != "" {
			d.Value = undashed(v.ItemID)
			url := base + "/list/v4/items?id=" + d.Value
			d.ListItemURL = &url
		}
		out = append(out, d)
	}
	return out
}

func (c Custom) ids() []string {
	ids := make([]string, 0, len(c))
	for id := range c {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int {
		if d := len(a) - len(b); d != 0 && strings.TrimRight(a, "0123456789") == strings.TrimRight(b, "0123456789") {
			return d
		}
		return strings.Compare(a, b)
	})
	return ids
}

// custom3 is a custom field of the v3 expense services.
type custom3 struct {
	Type       string  `json:"Type"`
	Value      string  `json:"Value"`
	Code       *string `json:"Code"`
	ListItemID *string `json:"ListItemID"`
}

// wire3 returns one field of the v3 expense services, nil when it is empty. The
// ListItemID of v3 is an opaque id of its own, not that of List v4.
func (c Custom) wire3(id string) *custom3 {
	v, found := c[id]
	if !found {
		return nil
	}
	w := &custom3{Type: "Text", Value: v.Text}
	if v.ItemID != "" {
		old := "gW" + undashed(v.ItemID)[:30]
		w.Type, w.Code, w.ListItemID = "List", &v.Code, &old
	}
	return w
}

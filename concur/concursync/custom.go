package concursync

import (
	"context"
	"errors"
	"strings"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/document"
)

// codes turns the list items in custom fields into codes.
type codes struct {
	client *concur.Client
	long   bool
	raw    bool // codes are taken as they stand in Concur
	items  cache[document.Value]
}

// resolve returns the fields that have a value, list items as code and name.
func (c *codes) resolve(ctx context.Context, fields []concur.CustomField) (map[string]document.Value, error) {
	var out map[string]document.Value
	for _, f := range fields {
		if f.ID == "" || f.Value == "" {
			continue
		}
		v := document.Value{Code: string(f.Value)}
		if id, ok := f.ListItem(); ok {
			var err error
			if v, err = c.item(ctx, id, v); err != nil {
				return nil, err
			}
		}
		if out == nil {
			out = make(map[string]document.Value)
		}
		out[f.ID] = v
	}
	return out, nil
}

// item looks one up. What is no list item after all is the text that it was:
// allocations do not say which of both they hold.
func (c *codes) item(ctx context.Context, id string, text document.Value) (document.Value, error) {
	return c.items.get(strings.ToLower(strings.ReplaceAll(id, "-", "")), func() (document.Value, error) {
		item, err := c.client.ListItems.Get(ctx, id)
		switch {
		case errors.Is(err, concur.ErrNotFound):
			return text, nil
		case err != nil:
			return document.Value{}, err
		}
		code := item.ShortCode
		long := c.long || code == ""
		if long {
			code = item.Code
		}
		switch {
		case c.raw:
		case long:
			code = DecodeLongCode(code, "-")
		default:
			code = DecodeCode(code)
		}
		return document.Value{Code: code, Text: item.Value}, nil
	})
}

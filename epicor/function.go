package epicor

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// Outputs are what a function answered, by name.
type Outputs map[string]json.RawMessage

// CallFunction calls an Epicor Function that may change something. It is sent
// once; see [Client.Call] for what its errors say.
//
// Follows the Epicor Functions page of the REST guide: POST
// /api/v2/efx/{Company}/{Library}/{Function}. The API key's access scope must
// hold the library.
func (c *Client) CallFunction(ctx context.Context, library, function string, in Params) (Outputs, error) {
	return c.function(ctx, library, function, in, true)
}

// ComputeFunction calls a function that only reads or computes; it is repeated
// after passing failures.
func (c *Client) ComputeFunction(ctx context.Context, library, function string, in Params) (Outputs, error) {
	return c.function(ctx, library, function, in, false)
}

func (c *Client) function(ctx context.Context, library, function string, in Params, write bool) (Outputs, error) {
	op := library + "/" + function
	if in == nil {
		in = Params{}
	}
	body, err := encodeJSON(in)
	if err != nil {
		return nil, &Error{Operation: op, err: err}
	}
	// The functions stand beside the OData root, not below it.
	root := strings.TrimSuffix(c.root.EscapedPath(), "/")
	at := strings.LastIndex(root, "/") // in front of the company
	base := root[:strings.LastIndex(root[:at], "/")]
	res, err := c.do(ctx, call{
		op: op, method: http.MethodPost, body: body, write: write,
		path: base + "/efx/" + url.PathEscape(c.company) + "/" + url.PathEscape(library) + "/" + url.PathEscape(function),
	})
	if err != nil {
		return nil, err
	}
	out := Outputs{}
	if len(res.Body) == 0 {
		return out, nil
	}
	if err := json.Unmarshal(res.Body, &out); err != nil {
		return nil, &Error{Operation: op, Status: res.Status, Message: "the answer is no JSON object"}
	}
	return out, nil
}

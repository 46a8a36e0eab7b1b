package epicor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Params are the named inputs of a method. Values are what encoding/json takes:
// Decimal, Date and *Tableset among them.
type Params map[string]any

// Result is what a method answered: its own value and its in/out parameters.
type Result struct {
	// Value is the returnObj, nil when there is none.
	Value json.RawMessage
	// Params are the parameters that came back, such as "ds".
	Params map[string]json.RawMessage
}

// Tableset returns a parameter that is a tableset.
func (r *Result) Tableset(name string) (*Tableset, error) {
	raw, ok := r.Params[name]
	if !ok {
		return nil, fmt.Errorf("the answer holds no %s", name)
	}
	return decodeTableset(raw)
}

// Text returns a parameter that is text, "" when it is absent or no text.
func (r *Result) Text(name string) string {
	var s string
	if json.Unmarshal(r.Params[name], &s) != nil {
		return ""
	}
	return s
}

// Bool returns a parameter that is true or false, and whether it came.
func (r *Result) Bool(name string) (v, ok bool) {
	ok = json.Unmarshal(r.Params[name], &v) == nil && len(r.Params[name]) > 0
	return v, ok
}

// Call calls a method that may change something, such as
// Call(ctx, "Erp.BO.APInvoiceSvc", "UpdateMaster", …). It is sent once. An
// error of which Refused is true changed nothing; after every other error the
// outcome is unknown. Names that are none are refused before anything is sent.
func (c *Client) Call(ctx context.Context, service, method string, in Params) (*Result, error) {
	return c.method(ctx, service, method, in, true)
}

// Compute calls a method that only works on what it is given: the defaults of a
// new row, the columns that depend on a changed one. It is a POST, but repeating
// it does no harm, so it is repeated after passing failures.
func (c *Client) Compute(ctx context.Context, service, method string, in Params) (*Result, error) {
	return c.method(ctx, service, method, in, false)
}

// computed calls a method that works on a tableset and gives it back.
func (c *Client) computed(ctx context.Context, service, method string, in Params) (*Tableset, *Result, error) {
	res, err := c.Compute(ctx, service, method, in)
	if err != nil {
		return nil, nil, err
	}
	ds, err := res.Tableset("ds")
	if err != nil {
		return nil, nil, &Error{Operation: service + "/" + method, err: err}
	}
	return ds, res, nil
}

// Read calls a method that only reads, by GET with its inputs as query
// parameters. in holds text, numbers and booleans.
func (c *Client) Read(ctx context.Context, service, method string, in map[string]string) (*Result, error) {
	q := url.Values{}
	for k, v := range in {
		q.Set(k, v)
	}
	if err := named(service, method); err != nil {
		return nil, err
	}
	op := service + "/" + method
	res, err := c.do(ctx, call{
		op: op, method: http.MethodGet, path: op,
		query: strings.ReplaceAll(q.Encode(), "+", "%20"),
	})
	if err != nil {
		return nil, err
	}
	return decodeResult(op, res.Status, res.Body)
}

func (c *Client) method(ctx context.Context, service, method string, in Params, write bool) (*Result, error) {
	if err := named(service, method); err != nil {
		return nil, err
	}
	op := service + "/" + method
	if in == nil {
		in = Params{}
	}
	body, err := encodeJSON(in)
	if err != nil {
		return nil, fmt.Errorf("epicor: %s: %w", op, err)
	}
	res, err := c.do(ctx, call{op: op, method: http.MethodPost, path: op, body: body, write: write})
	if err != nil {
		return nil, err
	}
	return decodeResult(op, res.Status, res.Body)
}

func decodeResult(op string, status int, body []byte) (*Result, error) {
	r := &Result{}
	if len(bytes.TrimSpace(body)) == 0 {
		return r, nil
	}
	var wire struct {
		ReturnObj  json.RawMessage            `json:"returnObj"`
		Parameters map[string]json.RawMessage `json:"parameters"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		// 200 with a page of HTML: a gateway spoke, and what stands behind it may
		// have done its work.
		return nil, &Error{Operation: op, Status: status, Message: "the answer is not JSON"}
	}
	r.Value, r.Params = wire.ReturnObj, wire.Parameters
	if bytes.Equal(r.Value, []byte("null")) {
		r.Value = nil
	}
	return r, nil
}

// encodeJSON leaves <, > and & as they are: legacy readers may not know \u003c.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

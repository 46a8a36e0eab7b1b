package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
)

// paper is a document of about 1.5 KB that ends make out of nothing.
type paper struct {
	ID   string `json:"id"`
	Fill string `json:"fill"`
}

// fill makes a paper 1.5 KB long.
var fill = string(bytes.Repeat([]byte("expense report "), 98))

// trivial is a source and a mapper that do nothing.
type trivial struct{}

func (trivial) Changes(context.Context, connector.Cursor) (connector.Page[paper], error) {
	return connector.Page[paper]{}, nil
}

func (trivial) Fetch(_ context.Context, ref connector.Ref) (connector.Snapshot[paper], error) {
	return connector.Snapshot[paper]{
		Ref: ref, Revision: 1, Phase: connector.Ready, Period: "2026-10", Content: paper{ref.ID, fill},
		Totals: []connector.Total{{Company: "C", Currency: "USD", Amount: decimal.New(1234, -2)}},
	}, nil
}

func (trivial) Map(_ context.Context, p paper) (mapping.Result[paper], error) {
	return mapping.Result[paper]{Posting: p, Version: "1"}, nil
}

// instant is a sink that does nothing.
type instant struct{}

func (instant) Find(context.Context, connector.Delivery[paper]) (connector.Finding, error) {
	return connector.Finding{Presence: connector.Absent}, nil
}

func (instant) Deliver(_ context.Context, d connector.Delivery[paper]) (connector.Receipt, error) {
	return receipt(d.Posting.ID), nil
}

func (instant) Reverse(context.Context, connector.Delivery[paper]) (connector.Receipt, error) {
	return connector.Receipt{}, nil
}

func receipt(id string) connector.Receipt {
	return connector.Receipt{Final: true, Made: []connector.Made{{ID: id, Number: id}}}
}

// remote is a sink that is called by HTTP.
type remote struct {
	url  string
	http *http.Client
}

// Find implements connector.Sink.
func (s remote) Find(ctx context.Context, d connector.Delivery[paper]) (connector.Finding, error) {
	status, err := s.call(ctx, http.MethodGet, d.Posting.ID, nil)
	switch {
	case err != nil:
		return connector.Finding{}, err
	case status == http.StatusNotFound:
		return connector.Finding{Presence: connector.Absent}, nil
	}
	return connector.Finding{Presence: connector.Same, Receipt: receipt(d.Posting.ID)}, nil
}

// Deliver implements connector.Sink.
func (s remote) Deliver(ctx context.Context, d connector.Delivery[paper]) (connector.Receipt, error) {
	body, err := json.Marshal(d.Posting)
	if err != nil {
		return connector.Receipt{}, err
	}
	if _, err := s.call(ctx, http.MethodPost, d.Posting.ID, body); err != nil {
		return connector.Receipt{}, err
	}
	return receipt(d.Posting.ID), nil
}

// Reverse implements connector.Sink.
func (remote) Reverse(context.Context, connector.Delivery[paper]) (connector.Receipt, error) {
	return connector.Receipt{}, nil
}

func (s remote) call(ctx context.Context, method, id string, body []byte) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url+"/"+id, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0, err
	}
	if resp.StatusCode >= 300 && resp.StatusCode != http.StatusNotFound {
		return 0, fmt.Errorf("the sink answered %d", resp.StatusCode)
	}
	return resp.StatusCode, nil
}

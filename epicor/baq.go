package epicor

import (
	"net/url"
	"regexp"
)

const queryService = "BaqSvc"

var queryID = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// NewBAQ returns a reader of a Business Activity Query:
//
//	open := epicor.NewBAQ[Row](client, "zOpenReceipts", "RcvDtl_PONum", "RcvDtl_POLine")
//
// key are columns that together tell its rows apart; List orders by them and
// pages by key as [Entities.List] does. Without a key rows come in the server's
// own order, and only one page of them can be trusted. A BAQ's columns are named
// Table_Column; that it belongs to the company in the path is the server's to
// see to, unless a column named Company comes.
//
// Follows the BAQ page of the REST guide: BaqSvc/{QueryID}/Data.
func NewBAQ[T any](c *Client, id string, key ...string) *Entities[T] {
	e := NewEntities[T](c, queryService, url.PathEscape(id)+"/Data", append([]string{""}, key...)...)
	if !queryID.MatchString(id) {
		e.service, e.set = "", "" // refused where it is used
	}
	return e
}

// With returns a reader that sends parameters with each request, such as those
// that a BAQ asks for. The company, the key and the paging stay.
func (e *Entities[T]) With(params map[string]string) *Entities[T] {
	out := *e
	out.params = url.Values{}
	for k, v := range params {
		out.params.Set(k, v)
	}
	return &out
}

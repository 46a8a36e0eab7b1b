package epicor

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
)

// sheet is one page as it came. Its rows are decoded one by one as they are
// taken, so that beside the page's text one row is in memory. The text itself is
// read whole: an answer that breaks off is asked for again before anybody saw a
// row of it, and a caller who takes long over a row holds no connection.
type sheet[T any] struct {
	e      *Entities[T]
	status int
	dec    *json.Decoder
	at     place // where the page begins
	byKey  bool
	size   int // rows that were asked for

	item *T // the row being decoded; here, since a variable would be allocated each time

	n     int   // rows so far
	prior []any // key of the first row of the page before, where it is known
	first []any // key of the first row; nil: it has none
	last  []any // key of the last row, known when that was taken; nil: it has none
	count int64
	link  string
	ended bool
}

// newSheet reads up to the first row.
func newSheet[T any](e *Entities[T], status int, body []byte, at place, byKey bool, size int) (*sheet[T], error) {
	s := &sheet[T]{e: e, status: status, dec: json.NewDecoder(bytes.NewReader(body)), at: at, byKey: byKey, size: size}
	if !s.delim('{') {
		return nil, s.noList()
	}
	found, err := s.members()
	if err != nil {
		return nil, err
	}
	if !found || !s.delim('[') {
		return nil, s.noList()
	}
	return s, nil
}

func (s *sheet[T]) noList() error {
	return &Error{Operation: s.e.op(), Status: s.status, Message: "the answer is no list"}
}

func (s *sheet[T]) delim(want json.Delim) bool {
	t, err := s.dec.Token()
	return err == nil && t == want
}

// members reads the members of the answer beside its rows and stops in front of
// those; found is false where there are none any more.
func (s *sheet[T]) members() (found bool, err error) {
	for s.dec.More() {
		name, err := s.dec.Token()
		if err != nil {
			return false, s.noList()
		}
		switch name {
		case "value":
			return true, nil
		case "@odata.count":
			err = s.dec.Decode(&s.count)
		case "@odata.nextLink":
			err = s.dec.Decode(&s.link)
		default:
			var other json.RawMessage
			err = s.dec.Decode(&other)
		}
		if err != nil {
			return false, s.noList()
		}
	}
	return false, nil
}

// row returns the next row, io.EOF behind the last.
func (s *sheet[T]) row() (*T, error) {
	if s.ended {
		return nil, io.EOF
	}
	if !s.dec.More() {
		return nil, s.end()
	}
	s.n++
	if !s.e.shape.whole() {
		return s.rawRow()
	}
	s.item = nil
	if err := s.dec.Decode(&s.item); err != nil || s.item == nil {
		return nil, &Error{Operation: s.e.op(), Message: "a row is not readable", err: err}
	}
	item := s.item
	v := reflect.ValueOf(item).Elem()
	if s.e.shape.company >= 0 {
		if err := s.e.ours(v.Field(s.e.shape.company).String()); err != nil {
			return nil, err
		}
	}
	// Taken now, while nobody could have changed the row.
	if s.n == 1 {
		s.first = s.e.shape.keyOf(v)
	}
	if !s.dec.More() {
		s.last = s.e.shape.keyOf(v)
	}
	return item, s.forward()
}

// forward sees to it that a page begins behind the one before. Servers that take
// no notice of the condition on the key give the same rows again; in what order
// they sort text is their own, so that keys are only compared for being the same.
func (s *sheet[T]) forward() error {
	if s.n != 1 || s.first == nil || !s.byKey || s.at.after == nil {
		return nil
	}
	if slices.Equal(s.first, s.prior) || slices.Equal(s.first, s.at.after) {
		return &Error{Operation: s.e.op(), err: errLoop}
	}
	return nil
}

// rawRow reads a row whose type says nothing of company and key.
func (s *sheet[T]) rawRow() (*T, error) {
	var raw json.RawMessage
	if err := s.dec.Decode(&raw); err != nil {
		return nil, &Error{Operation: s.e.op(), Message: "a row is not readable", err: err}
	}
	item, err := s.e.row(raw)
	if err != nil {
		return nil, err
	}
	if s.n > 1 && s.dec.More() {
		return item, nil
	}
	key := s.e.keyOf(raw)
	if s.n == 1 {
		s.first = key
	}
	if !s.dec.More() {
		s.last = key
	}
	return item, s.forward()
}

// keyOf is the key of an undecoded row, nil where it has none that can be compared with.
func (e *Entities[T]) keyOf(raw json.RawMessage) []any {
	var columns map[string]json.RawMessage
	if json.Unmarshal(raw, &columns) != nil {
		return nil
	}
	var key []any
	for _, k := range e.key[min(1, len(e.key)):] {
		v, ok := decodeKey(columns[k])
		if !ok {
			return nil
		}
		key = append(key, v)
	}
	return key
}

// end reads what stands behind the rows.
func (s *sheet[T]) end() error {
	if !s.delim(']') {
		return s.noList()
	}
	again, err := s.members()
	if err != nil {
		return err
	}
	if again || !s.delim('}') {
		return s.noList()
	}
	if _, err := s.dec.Token(); !errors.Is(err, io.EOF) {
		return s.noList()
	}
	s.ended = true
	return io.EOF
}

// next returns the token of the page that follows, "" when there is none. All
// rows must have been taken.
//
// A link says that more follows, and by which question. Where pages go by key
// that question is not asked: a link stands for rows that shift when others
// change, and a chain of links ends where the number of rows that was asked for
// is used up, not where the list ends. Where they do not, what came of the chain
// is counted, so that it is gone on from there.
func (s *sheet[T]) next() (string, error) {
	e := s.e
	chain := s.at
	if chain.link == "" {
		chain.top, chain.came = s.size, 0
		if chain.after != nil {
			chain.skip = -1
		}
	}
	chain.came += s.n
	link := ""
	switch {
	case s.link != "":
		// Only the query is taken: behind a gateway the link's host and path are the
		// server's own, and the credential must not follow them.
		u, err := url.Parse(s.link)
		if err != nil || u.RawQuery == "" {
			return "", &Error{Operation: e.op(), Status: http.StatusOK, Message: "the link to the next page has no query"}
		}
		if link = u.RawQuery; link == s.at.link {
			return "", &Error{Operation: e.op(), err: errLoop}
		}
	case chain.came < chain.top:
		return "", nil
	}
	if s.last != nil && s.byKey {
		if slices.Equal(s.last, s.at.after) {
			return "", &Error{Operation: e.op(), err: errLoop}
		}
		parts := make([]string, 0, len(s.last))
		for _, v := range s.last {
			parts = append(parts, formatKey(v))
		}
		key, err := encodeJSON(parts)
		if err != nil {
			return "", &Error{Operation: e.op(), err: err}
		}
		return keyToken + strconv.FormatInt(s.at.seen+int64(chain.came), 10) + ":" + string(key), nil
	}
	switch {
	case link != "":
		return chain.linked(link), nil
	case chain.skip < 0:
		return "", &Error{Operation: e.op(), Status: http.StatusOK, Message: "a row has no key, so the list cannot be read on"}
	}
	return skipToken + strconv.Itoa(chain.skip+chain.came), nil
}

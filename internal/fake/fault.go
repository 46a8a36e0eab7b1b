// Package fake holds what the fakes of both vendors share: fault injection
// before or after the vendor committed, a log of calls, an in-process transport
// and a listener on loopback.
package fake

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"time"
)

// When says on which side of the commit a fault strikes.
type When string

// Before: the vendor never sees the call. After: the vendor does its work and
// commits, then the fault replaces or destroys the answer.
const (
	Before When = "before"
	After  When = "after"
)

// Fault says what goes wrong with the calls that match it. Every field's zero
// value is the harmless one: a Fault without Status, Drop, Truncate or Delay
// only counts.
type Fault struct {
	Method string                   // HTTP method; "" matches all
	Path   string                   // path.Match pattern over the whole path, or a suffix such as "/UpdateMaster"; "" matches all
	Match  func(*http.Request) bool // further condition; nil matches all

	Skip  int // let so many matching calls pass first
	Times int // strike so often; 0 means once, -1 for ever

	When     When          // side of the commit; "" means Before
	Delay    time.Duration // wait so long before anything else; ends early with the caller
	Drop     bool          // close the connection without an answer
	Truncate bool          // send half of the real answer, then close (implies After)
	Status   int           // answer with this status instead of the real answer
	Header   http.Header   // headers of that answer
	Body     string        // body of that answer
}

func (f *Fault) matches(r *http.Request) bool {
	if f.Method != "" && !strings.EqualFold(f.Method, r.Method) {
		return false
	}
	if f.Path != "" {
		ok, err := path.Match(f.Path, r.URL.Path)
		if (err != nil || !ok) && !strings.HasSuffix(r.URL.Path, f.Path) {
			return false
		}
	}
	return f.Match == nil || f.Match(r)
}

// Call is one request that arrived, with the answer it got.
type Call struct {
	Time        time.Time
	Method      string
	Host        string
	Path        string
	Query       string
	Header      http.Header
	Request     []byte
	Status      int // 0 when the connection was closed without an answer
	Response    []byte
	Faulted     bool // a fault struck
	Committed   bool // the vendor saw the call (true without a fault and for After faults)
	Correlation string
}

type armed struct {
	Fault
	seen, struck int
}

// Recorder injects faults into a handler and keeps a log of the calls. It is
// safe for concurrent use. Its zero value records nothing going wrong.
type Recorder struct {
	mu     sync.Mutex
	faults []*armed
	calls  []Call
	now    func() time.Time
}

// NewRecorder returns a Recorder that takes its times from now.
func NewRecorder(now func() time.Time) *Recorder { return &Recorder{now: now} }

// Inject arms a fault; faults are tried in the order in which they were armed,
// and the first that matches strikes.
func (r *Recorder) Inject(f Fault) {
	if f.Truncate {
		f.When = After
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, &armed{Fault: f})
}

// ClearFaults disarms all faults.
func (r *Recorder) ClearFaults() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = nil
}

// Calls returns the calls so far, oldest first.
func (r *Recorder) Calls() []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Call(nil), r.calls...)
}

// ResetCalls empties the log of calls.
func (r *Recorder) ResetCalls() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = nil
}

func (r *Recorder) pick(req *http.Request) *Fault {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.faults {
		if !a.matches(req) {
			continue
		}
		times := a.Times
		if times == 0 {
			times = 1
		}
		if times > 0 && a.struck >= times {
			continue
		}
		a.seen++
		if a.seen <= a.Skip {
			continue
		}
		a.struck++
		f := a.Fault
		return &f
	}
	return nil
}

func (r *Recorder) log(c Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, c)
}

// Wrap returns next with faults and the log of calls in front of it.
func (r *Recorder) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 64<<20))
		if err != nil {
			http.Error(w, "request body: "+err.Error(), http.StatusBadRequest)
			return
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		c := Call{
			Method: req.Method, Host: req.Host, Path: req.URL.Path, Query: req.URL.RawQuery,
			Header: req.Header.Clone(), Request: body, Committed: true,
		}
		if r.now != nil {
			c.Time = r.now()
		}
		f := r.pick(req)
		c.Faulted = f != nil
		if f != nil && f.Delay > 0 {
			t := time.NewTimer(f.Delay)
			select {
			case <-t.C:
			case <-req.Context().Done():
				t.Stop()
			}
		}
		striking := f != nil && (f.Drop || f.Truncate || f.Status != 0)
		if striking && f.When != After {
			c.Committed = false
			r.answer(w, f, nil, c)
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, req)
		if striking {
			r.answer(w, f, rec, c)
			return
		}
		r.copy(w, rec, c)
	})
}

func (r *Recorder) copy(w http.ResponseWriter, rec *httptest.ResponseRecorder, c Call) {
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	c.Status, c.Response = rec.Code, rec.Body.Bytes()
	r.log(c)
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

func (r *Recorder) answer(w http.ResponseWriter, f *Fault, rec *httptest.ResponseRecorder, c Call) {
	switch {
	case f.Truncate:
		b := rec.Body.Bytes()
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		c.Status, c.Response = rec.Code, b[:len(b)/2]
		r.log(c)
		// Without the full length the client would take the half for the whole.
		w.Header().Set("Content-Length", itoa(len(b)))
		w.WriteHeader(rec.Code)
		_, _ = w.Write(b[:len(b)/2])
		panic(http.ErrAbortHandler)
	case f.Drop:
		r.log(c)
		panic(http.ErrAbortHandler)
	default:
		for k, v := range f.Header {
			w.Header()[k] = v
		}
		c.Status, c.Response = f.Status, []byte(f.Body)
		r.log(c)
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Body)
	}
}

package fake

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

// ErrDropped is what the in-process transport answers where a real connection
// would have been closed without an answer.
var ErrDropped = errors.New("fake: connection closed before an answer came")

// Transport returns a RoundTripper that calls h in the process, without a
// socket, so that it also works inside a testing/synctest bubble. Like a real
// connection it ends a call whose context ends, while the handler goes on.
func Transport(h http.Handler) http.RoundTripper { return &transport{h} }

type transport struct{ h http.Handler }

type answer struct {
	rec *httptest.ResponseRecorder
	err error
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	var body []byte
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
		body = b
	}
	// The server's side has a context of its own: an impatient caller must not undo what the vendor does.
	ctx, cancel := context.WithCancel(context.WithoutCancel(req.Context()))
	in := req.Clone(ctx)
	in.Body = io.NopCloser(bytes.NewReader(body))
	in.ContentLength = int64(len(body))
	in.RequestURI = req.URL.RequestURI()
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	in.RemoteAddr = "127.0.0.1:1"
	done := make(chan answer, 1)
	go func() {
		defer cancel()
		a := answer{rec: httptest.NewRecorder()}
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				a.err = ErrDropped
			}
			done <- a
		}()
		t.h.ServeHTTP(a.rec, in)
	}()
	select {
	case a := <-done:
		return a.response(req)
	case <-req.Context().Done():
		cancel()
		return nil, req.Context().Err()
	}
}

func (a answer) response(req *http.Request) (*http.Response, error) {
	if a.err != nil && a.rec.Body.Len() == 0 {
		return nil, a.err
	}
	res := a.rec.Result()
	res.Request = req
	if a.err != nil {
		// Half an answer came before the connection went.
		res.Body = io.NopCloser(io.MultiReader(bytes.NewReader(a.rec.Body.Bytes()), failing{}))
	}
	return res, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Listener serves a handler on one address until it is closed.
type Listener struct {
	URL string // http://127.0.0.1:port
	srv *http.Server
	ln  net.Listener
}

// Listen serves h on addr, such as "127.0.0.1:0". Only loopback addresses are
// meant; the fakes have no protection of their own.
func Listen(addr string, h http.Handler) (*Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	l := &Listener{
		URL: "http://" + ln.Addr().String(), ln: ln,
		srv: &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second},
	}
	go func() { _ = l.srv.Serve(ln) }()
	return l, nil
}

// Close stops serving and closes open connections.
func (l *Listener) Close() { _ = l.srv.Close() }

package audit

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// What Transport writes into Record.Action and Record.Outcome.
const (
	ActionCall      = "call"     // before a vendor call is sent
	ActionAnswer    = "answer"   // after it
	OutcomeAnswered = "answered" // an answer came; Detail has its status
	OutcomeFailed   = "failed"   // none came, or not all of it; Reason has the class of error
)

const (
	// maxBuffered is how much of an answer is held back until the record of it
	// is durable.
	maxBuffered = 8 << 20
	// maxPath bounds what is recorded of a path.
	maxPath = 1024
)

// correlationHeaders are looked at in this order, in requests and in answers:
// the first is SAP Concur's (its "Correlation ID" page), the others are common.
var correlationHeaders = [...]string{"Concur-Correlationid", "X-Correlation-Id", "X-Request-Id"}

// Transport returns a RoundTripper that records each call it hands to base
// (nil: http.DefaultTransport): one record before it is sent and one after it
// was answered, or was not. The two bear one ID, new for each call. Tenant,
// subject, actor and attempt come from the Scope in the request's context.
//
// Recorded are method, host and path, the vendor's correlation id, size and
// SHA-256 of the request's and the answer's body, status and duration; in the
// open never query values, headers or bodies. With a Sealer the Trail keeps
// query and bodies sealed, without secrets: see Exchange. Of a form, which is how tokens are asked
// for, the size alone is recorded: the hash of a body that holds a guessable
// password would give it away. Of an error its class is recorded: its text may
// hold an address with everything in it.
//
// Without a Scope, or when the first record cannot be written, nothing is sent;
// likewise when the Scope's Held says no, which is then recorded as failed.
// When the second cannot be written the answer is withheld: its outcome is then
// as unknown as if it had been lost on the way. Both errors wrap
// ErrUnavailable.
//
// Requests are read whole before they are sent; one without GetBody stays
// without, so that net/http cannot resend it. Answers of up to 8 MiB are read
// whole before they are returned, so that they count as received only once they
// are recorded; of a larger one the first 8 MiB are read and recorded as such
// and the rest streams. Safe for concurrent use if base is.
func Transport(base http.RoundTripper, t *Trail) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{base: base, trail: t}
}

type transport struct {
	base  http.RoundTripper
	trail *Trail
}

// callDetail is Record.Detail of a record before a call.
type callDetail struct {
	Method      string `json:"method"`
	Host        string `json:"host"`
	Path        string `json:"path"`
	Correlation string `json:"correlation,omitempty"`
	Attempt     int    `json:"attempt,omitempty"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256,omitempty"`
}

// answerDetail is Record.Detail of a record after a call.
type answerDetail struct {
	Status      int    `json:"status,omitempty"`
	Correlation string `json:"correlation,omitempty"`
	Attempt     int    `json:"attempt,omitempty"`
	Millis      int64  `json:"ms"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256,omitempty"`
	Truncated   bool   `json:"truncated,omitempty"` // size and hash are those of the beginning
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	scope, ok := FromContext(ctx)
	if !ok || scope.Tenant == "" {
		closeBody(req)
		return nil, fmt.Errorf("%w: the context of %s %s%s says not on whose behalf it is made; put audit.NewContext with a tenant around the call",
			ErrUnavailable, req.Method, req.URL.Host, req.URL.EscapedPath())
	}
	out, body, err := buffered(req)
	if err != nil {
		return nil, fmt.Errorf("audit: read the request of %s %s%s, which was not sent: %w", req.Method, req.URL.Host, req.URL.EscapedPath(), err)
	}
	before := Record{Tenant: scope.Tenant, ID: ActionCall + "/" + rand.Text(), Actor: scope.Actor, Action: ActionCall, Subject: scope.Subject}
	before.Detail, err = json.Marshal(callDetail{
		Method: req.Method, Host: req.URL.Host, Path: clipped(req.URL.EscapedPath()), Correlation: correlation(req.Header),
		Attempt: scope.Attempt, Size: int64(len(body)), SHA256: bodyHash(req.Header, body),
	})
	if err != nil {
		return nil, fmt.Errorf("%w: describe a call: %w", ErrUnavailable, err)
	}
	if t.trail.sealer != nil {
		x := Exchange{Query: req.URL.RawQuery}
		x.Body, x.Left = kept(req.Header.Get("Content-Type"), body)
		if err := t.trail.seal(ctx, &before, scope.Person, x); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	if err := t.trail.Append(ctx, before); err != nil {
		return nil, err
	}

	start := time.Now()
	var resp *http.Response
	// The record took its time, and the process may have been paused: whoever took
	// over meanwhile does not expect this call any more.
	callErr := Held(ctx)
	if callErr == nil {
		resp, callErr = t.base.RoundTrip(out)
	} else {
		callErr = notHeld{callErr}
	}
	after := before
	after.Action, after.Outcome, after.Sealed = ActionAnswer, OutcomeAnswered, nil
	detail := answerDetail{Attempt: scope.Attempt}
	if callErr != nil {
		after.Outcome, after.Reason = OutcomeFailed, errorClass(callErr)
	} else {
		detail.Status, detail.Correlation = resp.StatusCode, correlation(resp.Header)
		head, readErr := detail.hold(resp)
		if readErr != nil {
			after.Outcome, after.Reason = OutcomeFailed, errorClass(readErr)
		}
		if t.trail.sealer != nil {
			var x Exchange
			x.Body, x.Left = kept(resp.Header.Get("Content-Type"), head)
			err = t.trail.seal(context.WithoutCancel(ctx), &after, scope.Person, x)
		}
	}
	detail.Millis = time.Since(start).Milliseconds()
	if err == nil {
		after.Detail, err = json.Marshal(detail)
	}
	if err == nil {
		// The call was made, so it is recorded even if its context ended meanwhile.
		err = t.trail.Append(context.WithoutCancel(ctx), after)
	}
	if err != nil {
		if resp != nil {
			_ = resp.Body.Close() // the answer is given up anyway
		}
		return nil, errors.Join(fmt.Errorf("the answer is withheld, its outcome is unknown: %w", unavailable(scope.Tenant, err)), callErr)
	}
	return resp, callErr
}

// buffered returns a copy of req whose body is the bytes that are recorded, and
// those bytes. A RoundTripper must leave the request alone and close its body.
func buffered(req *http.Request) (*http.Request, []byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return req, nil, nil
	}
	body, err := io.ReadAll(req.Body)
	if err = errors.Join(err, req.Body.Close()); err != nil {
		return nil, nil, err
	}
	out := req.WithContext(req.Context())
	out.Body = io.NopCloser(bytes.NewReader(body))
	if req.GetBody != nil {
		// Not otherwise: a client that withholds GetBody does so to keep the layers
		// below from sending a write twice.
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	return out, body, nil
}

// notHeld is why a call was not made.
type notHeld struct{ error }

func (e notHeld) Unwrap() error { return e.error }

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // it was only read from
	}
}

// hold reads the beginning of an answer, describes it and puts it back. The
// error is that of the connection; the body then ends with the same error.
func (d *answerDetail) hold(resp *http.Response) (beginning []byte, err error) {
	rest := resp.Body
	head, err := io.ReadAll(io.LimitReader(rest, maxBuffered+1))
	if len(head) > maxBuffered {
		d.Truncated = true
	}
	covered := head[:min(len(head), maxBuffered)]
	d.Size, d.SHA256 = int64(len(covered)), bodyHash(nil, covered)
	var tail io.Reader = rest
	if err != nil {
		tail = failing{err}
	}
	resp.Body = &heldBody{Reader: io.MultiReader(bytes.NewReader(head), tail), Closer: rest}
	return covered, err
}

type heldBody struct {
	io.Reader
	io.Closer
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func bodyHash(h http.Header, body []byte) string {
	if len(body) == 0 {
		return ""
	}
	if kind, _, err := mime.ParseMediaType(h.Get("Content-Type")); err == nil && kind == "application/x-www-form-urlencoded" {
		return ""
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func correlation(h http.Header) string {
	for _, name := range correlationHeaders {
		if v := h.Get(name); v != "" {
			return v[:min(len(v), 100)]
		}
	}
	return ""
}

func clipped(path string) string {
	return path[:min(len(path), maxPath)]
}

// errorClass names an error without its text.
func errorClass(err error) string {
	var dns *net.DNSError
	var timeout net.Error
	var lost notHeld
	switch {
	case errors.As(err, &lost):
		return "not sent: the caller does not hold the work any more"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline exceeded"
	case errors.As(err, &dns):
		return "host name not resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed"
	case strings.Contains(err.Error(), "tls:") || strings.Contains(err.Error(), "x509:"):
		return "tls"
	}
	return "other"
}

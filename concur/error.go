package concur

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// What an Error is, for errors.Is.
var (
	ErrNotFound     = errors.New("concur: not found")    // status 404
	ErrUnauthorized = errors.New("concur: unauthorized") // status 401, or a refused token
	ErrForbidden    = errors.New("concur: forbidden")    // status 403: a scope or right is missing
	ErrConflict     = errors.New("concur: conflict")     // status 409 or 412
	ErrRateLimited  = errors.New("concur: rate limited") // status 429
	ErrInvalid      = errors.New("concur: invalid")      // status 400 or 422, or a malformed argument
)

// Error is a call that failed. Reach it with errors.As; its text is one line and
// holds no secret.
type Error struct {
	Operation string // the method called: "Reports.Get"
	// Status is the HTTP status; 0 when no whole answer came, and then Err says why.
	Status  int
	Code    string // the vendor's, in whichever shape it came
	Message string // the vendor's, one line; e-mail addresses are taken out
	// Details are the single faults that the vendor named.
	Details []ErrorDetail
	// Correlation is the vendor's concur-correlationid; its support asks for it.
	Correlation string
	// Body is the answer as it came, at most 4 KiB, for a person who looks closer.
	// It may hold personal data.
	Body []byte
	Err  error

	wait time.Duration
}

// ErrorDetail is one fault that the vendor named.
type ErrorDetail struct {
	Code    string
	Source  string // the field
	Message string
}

// Error returns the failure on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("concur: " + e.Operation)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	for _, d := range e.Details {
		b.WriteString("; ")
		if d.Source != "" {
			b.WriteString(d.Source + ": ")
		}
		if d.Code != "" {
			b.WriteString(d.Code + " ")
		}
		b.WriteString(d.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Correlation != "" {
		b.WriteString(" [" + e.Correlation + "]")
	}
	return b.String()
}

// Unwrap returns the cause of a call without an answer.
func (e *Error) Unwrap() error { return e.Err }

// Is makes the error one of the package's sentinels, by its status.
func (e *Error) Is(target error) bool {
	var is error
	switch e.Status {
	case http.StatusNotFound:
		is = ErrNotFound
	case http.StatusUnauthorized:
		is = ErrUnauthorized
	case http.StatusForbidden:
		is = ErrForbidden
	case http.StatusConflict, http.StatusPreconditionFailed:
		is = ErrConflict
	case http.StatusTooManyRequests:
		is = ErrRateLimited
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		is = ErrInvalid
	default:
		return false
	}
	return target == is
}

// Retryable reports whether the same call may succeed later. For a call that
// writes it says nothing about whether the work was done.
func (e *Error) Retryable() bool {
	switch e.Status {
	case 0:
		var r interface{ Retryable() bool }
		return errors.As(e.Err, &r) && r.Retryable()
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusBadRequest:
		// The legacy services say so with a 400; see the HTTP Status Codes page.
		text := strings.ToLower(e.Message)
		return strings.Contains(text, "too many requests") || strings.Contains(text, "limit exceeded") || strings.Contains(text, "deadlock")
	default:
		return false
	}
}

// RetryAfter returns how long the vendor asked to wait; 0 when it did not.
func (e *Error) RetryAfter() time.Duration {
	if e.wait > 0 {
		return e.wait
	}
	var w interface{ RetryAfter() time.Duration }
	if errors.As(e.Err, &w) {
		return w.RetryAfter()
	}
	return 0
}

const (
	maxErrorBody    = 4 << 10
	maxErrorText    = 300
	maxErrorInput   = 4 << 10 // of a text that is made fit for a log
	maxErrorDetails = 20
)

// errorFrom reads a refusal in whatever shape it comes: the services have ten,
// and a gateway in front of them answers HTML or nothing at all.
func errorFrom(operation string, status int, header http.Header, body []byte, wait time.Duration) *Error {
	e := &Error{Operation: operation, Status: status, Correlation: correlationOf(header), wait: wait}
	e.Body = bytes.Clone(body[:min(len(body), maxErrorBody)])
	text := bytes.TrimSpace(body)
	switch {
	case len(text) == 0:
	case text[0] == '{':
		e.fromObject(text)
	case text[0] == '<':
		e.fromMarkup(text)
	default:
		e.Message = oneLine(string(text))
	}
	e.Code = oneLine(e.Code)
	return e
}

func (e *Error) fromObject(body []byte) {
	var m map[string]json.RawMessage
	if json.Unmarshal(body, &m) != nil {
		e.Message = oneLine(string(body))
		return
	}
	text := func(names ...string) string {
		for _, n := range names {
			var t Text
			if raw, ok := m[n]; ok && json.Unmarshal(raw, &t) == nil && t != "" {
				return string(t)
			}
		}
		return ""
	}
	e.Code = text("errorId", "errorCode", "code", "fiReturnCode", "scimType")
	e.Message = oneLine(text("errorMessage", "Message", "message", "detail", "error_description"))
	for _, n := range []string{"error", "Error"} {
		raw, ok := m[n]
		if !ok {
			continue
		}
		var inner struct {
			ID       Text `json:"id"` // also matches Id
			Code     Text `json:"code"`
			Message  Text `json:"message"` // also matches Message
			Word     Text
			Describe Text `json:"description"`
		}
		if json.Unmarshal(raw, &inner) == nil {
			first(&e.Code, string(inner.ID), string(inner.Code))
			first(&e.Message, oneLine(string(inner.Message)), oneLine(string(inner.Describe)))
		} else if json.Unmarshal(raw, &inner.Word) == nil {
			first(&e.Message, oneLine(string(inner.Word)))
		}
	}
	for n, raw := range m {
		switch {
		case n == "validationErrors" || n == "errors":
			e.details(raw)
		case strings.HasPrefix(n, "urn:") && strings.HasSuffix(n, ":Error"):
			var scim struct {
				Messages json.RawMessage `json:"messages"`
			}
			if json.Unmarshal(raw, &scim) == nil {
				e.details(scim.Messages)
			}
		}
	}
	if e.Correlation == "" {
		e.Correlation = cleanCorrelation(text("concur-correlationid", "correlationId"))
	}
}

func (e *Error) details(raw json.RawMessage) {
	var rows []struct {
		ID           Text `json:"id"`
		Code         Text `json:"code"`
		ErrorCode    Text `json:"errorCode"`
		Source       Text `json:"source"`
		SchemaPath   Text `json:"schemaPath"`
		Message      Text `json:"message"`
		ErrorMessage Text `json:"errorMessage"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &rows) != nil {
		return
	}
	for _, r := range rows[:min(len(rows), maxErrorDetails)] {
		var d ErrorDetail
		first(&d.Code, oneLine(string(r.ID)), oneLine(string(r.Code)), oneLine(string(r.ErrorCode)))
		first(&d.Source, oneLine(string(r.Source)), oneLine(string(r.SchemaPath)))
		first(&d.Message, oneLine(string(r.Message)), oneLine(string(r.ErrorMessage)))
		e.Details = append(e.Details, d)
	}
}

// fromMarkup reads the version 3 services' XML; of HTML it takes the title.
func (e *Error) fromMarkup(body []byte) {
	var x struct {
		XMLName xml.Name
		Message string `xml:"Message"`
		ID      string `xml:"Id"`
	}
	if xml.Unmarshal(body, &x) == nil && (x.XMLName.Local == "Error" || x.Message != "") {
		e.Message, e.Code = oneLine(x.Message), x.ID
		return
	}
	if m := titleTag.FindSubmatch(body); m != nil {
		e.Message = oneLine(string(m[1]))
		return
	}
	e.Message = "answer is markup, not JSON"
}

var (
	titleTag = regexp.MustCompile(`(?is)<title[^>]*>(.{0,300}?)</title>`)
	email    = regexp.MustCompile(`(?i)[^\s"'<>()\[\]{},;:]+(?:@|%40)[^\s"'<>()\[\]{},;:]+`)
	named    = regexp.MustCompile(`(?i)\b((?:client_secret|client_assertion|refresh_token|access_token|id_token)["']?\s*[=:]\s*["']?|password=)[^\s"'&,;<>]+`)
	bearer   = regexp.MustCompile(`(?i)\b(bearer|oauth)\s+\S+|\beyJ[\w-]+\.[\w-]+\.[\w-]*`)
)

// oneLine makes a vendor's text fit for a log: one line, not long, without
// e-mail addresses (log-in names are such) and without tokens and secrets.
func oneLine(s string) string {
	s = s[:min(len(s), maxErrorInput)] // an answer may be megabytes long
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	s = strings.Join(strings.Fields(s), " ")
	s = bearer.ReplaceAllString(s, redacted)
	s = named.ReplaceAllString(s, "${1}"+redacted)
	s = email.ReplaceAllString(s, "[address]")
	if len(s) > maxErrorText {
		s = strings.ToValidUTF8(s[:maxErrorText], "") + "…"
	}
	return s
}

// first sets *to to the first text that is not empty, unless it has one.
func first(to *string, texts ...string) {
	for _, t := range texts {
		if *to != "" {
			return
		}
		*to = t
	}
}

package epicor

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/internal/rest"
)

// Classes of refusals, for errors.Is on an *Error.
var (
	// ErrNotFound: no such row, service or company (404).
	ErrNotFound = errors.New("epicor: not found")
	// ErrUnauthorized: the credential is not accepted, or a token ran out (401, 410).
	ErrUnauthorized = errors.New("epicor: not authorised")
	// ErrForbidden: the credential is known but may not do this (403, and the
	// 401 that says so).
	ErrForbidden = errors.New("epicor: forbidden")
	// ErrConflict: the row exists already, or somebody else changed or locked it.
	ErrConflict = errors.New("epicor: conflict")
	// ErrRateLimited: too many calls (429).
	ErrRateLimited = errors.New("epicor: rate limited")
	// ErrInvalid: a rule of the business or of the protocol was broken.
	ErrInvalid = errors.New("epicor: invalid")
)

// Detail is one element of an error's ErrorDetails: which table and field broke
// the rule.
type Detail struct {
	Message string `json:"Message"`
	Type    string `json:"Type"`
	Program string `json:"Program"`
	Method  string `json:"Method"`
	Table   string `json:"Table"`
	Field   string `json:"Field"`
}

// Error is a call that Epicor refused or did not answer. Reach it with
// errors.As; its class with errors.Is and the sentinels above. Its text is one
// line and never holds the API key, although the vendor's message may.
//
// The form follows the error body of the Kinetic REST v2 guide. A gateway may
// answer HTML or nothing; then Type is empty and Message says so.
type Error struct {
	Operation   string // "Erp.BO.APInvoiceSvc/UpdateMaster"
	Status      int    // HTTP status; 0 when no whole answer came
	Type        string // ErrorType, such as "Ice.Common.BusinessObjectException"
	Message     string // ErrorMessage, with secrets taken out
	Details     []Detail
	Correlation string

	err     error
	wait    time.Duration
	expired bool
}

// Error returns the failure on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("epicor: " + e.Operation)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": %d", e.Status)
	}
	if e.Type != "" {
		b.WriteString(" " + shortType(e.Type))
	}
	if e.Message != "" {
		b.WriteString(": " + oneLine(e.Message))
	}
	if len(e.Details) > 0 && e.Details[0].Table != "" {
		b.WriteString(" (" + e.Details[0].Table)
		if e.Details[0].Field != "" {
			b.WriteString("." + e.Details[0].Field)
		}
		b.WriteString(")")
	}
	if e.err != nil {
		b.WriteString(": " + oneLine(e.err.Error()))
	}
	if e.Correlation != "" {
		b.WriteString(" [" + e.Correlation + "]")
	}
	return b.String()
}

// Unwrap returns what kept an answer from coming whole, nil when one came.
func (e *Error) Unwrap() error { return e.err }

// Is makes e one of the classes.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrNotFound:
		return e.Status == http.StatusNotFound
	case ErrUnauthorized:
		return e.Status == http.StatusGone || e.Status == http.StatusUnauthorized && !e.accessDenied()
	case ErrForbidden:
		return e.Status == http.StatusForbidden || e.accessDenied()
	case ErrConflict:
		return e.Duplicate() || e.Concurrent() || e.Status == http.StatusConflict
	case ErrRateLimited:
		return e.Status == http.StatusTooManyRequests
	case ErrInvalid:
		return e.refusal() && !e.Duplicate() && !e.Concurrent()
	}
	return false
}

// refusal reports whether the status says that the request itself is wrong.
func (e *Error) refusal() bool {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusRequestTimeout,
		http.StatusConflict, http.StatusGone, http.StatusTooManyRequests:
		return false
	}
	return e.Status >= 400 && e.Status < 500
}

// Duplicate reports that a row with this key exists already. Kinetic says so by
// 409, or by another status and a message with the word "duplicate".
func (e *Error) Duplicate() bool {
	if strings.Contains(e.Type, "DuplicateRecord") {
		return true
	}
	text := strings.ToLower(e.Message)
	return e.Type != "" && (strings.Contains(text, "duplicate") || e.Status == http.StatusConflict && !e.modified())
}

// Concurrent reports that somebody else changed or locked the row: read again
// and repeat.
func (e *Error) Concurrent() bool {
	return e.Status >= 400 && e.Status < 500 && e.modified()
}

// lockedWord is the word alone: a supplier that is blocked stays so.
var lockedWord = regexp.MustCompile(`\blocked\b`)

func (e *Error) modified() bool {
	text := strings.ToLower(e.Message)
	return strings.Contains(text, "modified by another user") || lockedWord.MatchString(text)
}

// Expired reports that a token ran out or a session ended: the next call gets a
// new one. No other credential fault is an Expired one.
func (e *Error) Expired() bool { return e.expired }

// BadKey reports that the API key is not known, or not for this company. It,
// BadPassword and AccessDenied are the three lasting causes of a 401; Kinetic
// gives them one type and three texts.
func (e *Error) BadKey() bool {
	return e.Status == http.StatusUnauthorized && strings.Contains(e.Message, "Invalid API Key")
}

// BadPassword reports a wrong user name or password.
func (e *Error) BadPassword() bool {
	return e.Status == http.StatusUnauthorized && strings.Contains(e.Message, "Invalid username or password")
}

// AccessDenied reports that the user or the key may not call this method.
func (e *Error) AccessDenied() bool { return e.Status == http.StatusForbidden || e.accessDenied() }

func (e *Error) accessDenied() bool {
	return e.Status == http.StatusUnauthorized && strings.Contains(e.Message, "Access denied")
}

func (e *Error) knownUnauthorized() bool {
	return e.BadKey() || e.BadPassword() || e.accessDenied()
}

// Retryable reports that the same call may succeed later without anybody
// mending anything. After a write it does not say that nothing happened.
func (e *Error) Retryable() bool {
	if e.err != nil {
		var r interface{ Retryable() bool }
		return !errors.As(e.err, &r) || r.Retryable()
	}
	switch {
	case e.expired, e.Concurrent():
		return true
	case e.Status == http.StatusTooManyRequests, e.Status == http.StatusRequestTimeout, e.Status >= 500:
		return e.Status != http.StatusNotImplemented
	}
	return false
}

// RetryAfter is how long the server asked to wait; 0 when it did not.
func (e *Error) RetryAfter() time.Duration { return e.wait }

// Refused reports that it is certain that this call changed nothing: Epicor
// itself answered that it will not do it, or the call was turned away at the
// door. It is false for everything whose outcome is unknown.
func (e *Error) Refused() bool {
	if e.err != nil {
		return false
	}
	if e.Status == http.StatusTooManyRequests {
		return true
	}
	// The body's own form shows that Kinetic answered, not something between.
	return e.Type != "" && e.Status >= 400 && e.Status < 500 && e.Status != http.StatusRequestTimeout
}

func shortType(t string) string { return t[strings.LastIndexByte(t, '.')+1:] }

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	const most = 500
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

var keyInMessage = regexp.MustCompile(`(?s)(Invalid API Key )(.*?)(\.\s*Company .*|\.?\s*)$`)

// newError reads the answer of a refused call. secrets are taken out of its texts.
func newError(op string, res *rest.Response, now time.Time, secrets []Secret) *Error {
	e := &Error{Operation: op, Status: res.Status, wait: rest.RetryAfter(res.Header, now)}
	var body struct {
		ErrorMessage  string
		ErrorType     string
		ErrorDetails  []Detail
		CorrelationId string
	}
	switch err := json.Unmarshal(res.Body, &body); {
	case len(res.Body) == 0:
		e.Message = "empty answer"
	case err != nil || body.ErrorMessage == "" && body.ErrorType == "":
		e.Message = "the answer is not Kinetic's: " + excerpt(res.Header.Get("Content-Type"))
	default:
		hide := func(s string) string {
			return withoutSecrets(keyInMessage.ReplaceAllString(s, "${1}"+redacted+"${3}"), secrets)
		}
		// Any of them may repeat the request.
		e.Type, e.Correlation = hide(body.ErrorType), hide(body.CorrelationId)
		e.Message = hide(body.ErrorMessage)
		for _, d := range body.ErrorDetails {
			e.Details = append(e.Details, Detail{
				Message: hide(d.Message), Type: hide(d.Type), Program: hide(d.Program),
				Method: hide(d.Method), Table: hide(d.Table), Field: hide(d.Field),
			})
		}
	}
	return e
}

func withoutSecrets(s string, secrets []Secret) string {
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, string(secret), redacted)
		}
	}
	return s
}

// excerpt names a body by its type alone: a gateway's page may echo the request.
func excerpt(contentType string) string {
	if contentType == "" {
		return "a body without a type"
	}
	return "a body of type " + oneLine(contentType)
}

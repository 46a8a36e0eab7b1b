package concur

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Defaults of EventOptions.
const (
	DefaultEventBody    = 256 << 10
	DefaultEventTimeout = 20 * time.Second
)

// EventOptions configure an event handler. Nil, and each field's zero value,
// mean the defaults.
type EventOptions struct {
	// Verifier decides whether a delivery comes from Concur, for anybody can reach a
	// webhook. Nil: the client certificate, as NewCertificateVerifier(nil) checks it,
	// so that a server that does not ask for one refuses every delivery.
	Verifier EventVerifier
	// MaxAge is how old an event may be by its timeStamp; an older one is answered
	// 200 and not given to the function. Concur repeats events for 72 hours, so less
	// than that, and some hours for clocks, loses events. 0: any age. An event whose
	// stamp cannot be read is taken.
	MaxAge time.Duration
	// Now is the clock for MaxAge. Default: time.Now.
	Now func() time.Time
	// Companies are the UUIDs of the companies whose events are taken; empty takes
	// all that the app is subscribed for. An event that names no company, such as one
	// of TopicProvisioning, is taken too: its function looks whose it is.
	Companies []string
	// Topics are the topics that are taken, with or without "public."; empty takes all.
	Topics []string
	// MaxBody bounds the bytes of a delivery. Default: DefaultEventBody.
	MaxBody int64
	// Timeout bounds the function. Default: DefaultEventTimeout; Concur waits 60
	// seconds for an answer.
	Timeout time.Duration
	// Observe is told about every delivery, for logs and counters. It is called
	// concurrently and must not block.
	Observe func(EventResult)
}

// EventOutcome is what became of a delivery.
type EventOutcome string

// The outcomes of a delivery, with the status that it was answered.
const (
	EventTaken      EventOutcome = "taken"      // 200: the function returned nil
	EventIgnored    EventOutcome = "ignored"    // 200: another company or topic
	EventStale      EventOutcome = "stale"      // 200: older than MaxAge
	EventMalformed  EventOutcome = "malformed"  // 400: verified, but no event; Concur drops it
	EventUnverified EventOutcome = "unverified" // 401: Concur repeats it for 72 hours
	EventMethod     EventOutcome = "method"     // 405
	EventTooLarge   EventOutcome = "too_large"  // 413: Concur drops it
	EventFailed     EventOutcome = "failed"     // 503: our own doubt; Concur repeats it for 72 hours
)

// EventResult is what became of a delivery.
type EventResult struct {
	Outcome EventOutcome
	Status  int
	// Event is what was read; empty before EventTaken, EventIgnored, EventStale and
	// EventFailed.
	Event Event
	Err   error // why; its text holds nothing of the body
}

// NewEventHandler returns the http.Handler of a webhook for Concur's events. It
// calls fn for each event that is verified and meant for us, and answers 200
// only after fn returned nil. So fn makes the event durable and leaves the work
// for later: Concur waits at most 60 seconds, and repeats an event for 72 hours
// when it is answered 401, 403, 429 or 5xx, but drops it for good on any other
// 4xx. Therefore a temporary fault, a panic of fn included, is answered 503.
//
// Events come at least once and in no order; fn is called concurrently. Its
// context carries the delivery's correlation id, see WithCorrelation. Follows
// the Event Subscription Service v4 page.
func NewEventHandler(fn func(ctx context.Context, e Event) error, opts *EventOptions) http.Handler {
	if opts == nil {
		opts = &EventOptions{}
	}
	h := &eventHandler{fn: fn, opts: *opts, companies: make(map[string]bool)}
	if h.opts.MaxBody <= 0 {
		h.opts.MaxBody = DefaultEventBody
	}
	if h.opts.Timeout <= 0 {
		h.opts.Timeout = DefaultEventTimeout
	}
	if h.opts.Verifier == nil {
		h.opts.Verifier = NewCertificateVerifier(nil)
	}
	if h.opts.Now == nil {
		h.opts.Now = time.Now
	}
	for _, c := range opts.Companies {
		h.companies[strings.ToLower(c)] = true
	}
	return h
}

type eventHandler struct {
	fn        func(context.Context, Event) error
	opts      EventOptions
	companies map[string]bool
}

// ServeHTTP implements http.Handler.
func (h *eventHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	result := h.take(r)
	if result.Status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	if h.opts.Observe != nil {
		h.opts.Observe(result)
	}
	w.WriteHeader(result.Status)
}

func (h *eventHandler) take(r *http.Request) (result EventResult) {
	done := func(o EventOutcome, status int, err error) EventResult {
		return EventResult{Outcome: o, Status: status, Event: result.Event, Err: err}
	}
	defer func() {
		if p := recover(); p != nil {
			// A verifier or fn that panics has told nothing about the event.
			result = done(EventFailed, http.StatusServiceUnavailable, fmt.Errorf("concur: event handler panicked: %.200s", oneLine(fmt.Sprint(p))))
		}
	}()
	if r.Method != http.MethodPost {
		return done(EventMethod, http.StatusMethodNotAllowed, nil)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, h.opts.MaxBody+1))
	if err != nil {
		return done(EventFailed, http.StatusServiceUnavailable, fmt.Errorf("concur: read delivery: %w", err))
	}
	if int64(len(body)) > h.opts.MaxBody {
		return done(EventTooLarge, http.StatusRequestEntityTooLarge, fmt.Errorf("concur: delivery has more than %d bytes", h.opts.MaxBody))
	}
	if err := h.opts.Verifier.VerifyEvent(r, body); err != nil {
		return done(EventUnverified, http.StatusUnauthorized, err)
	}
	if result.Event, err = ParseEvent(body); err != nil {
		return done(EventMalformed, http.StatusBadRequest, err)
	}
	if !h.ours(result.Event) {
		return done(EventIgnored, http.StatusOK, nil)
	}
	if at := result.Event.TimeStamp.Time(); h.opts.MaxAge > 0 && !at.IsZero() && h.opts.Now().Sub(at) > h.opts.MaxAge {
		return done(EventStale, http.StatusOK, errStale)
	}
	id := correlationOf(r.Header)
	if id == "" {
		id = string(result.Event.CorrelationID)
	}
	ctx, cancel := context.WithTimeout(WithCorrelation(r.Context(), id), h.opts.Timeout)
	defer cancel()
	if err := h.fn(ctx, result.Event); err != nil {
		return done(EventFailed, http.StatusServiceUnavailable, err)
	}
	return done(EventTaken, http.StatusOK, nil)
}

func (h *eventHandler) ours(e Event) bool {
	if c := e.Company(); len(h.companies) > 0 && c != "" && !h.companies[strings.ToLower(c)] {
		return false
	}
	if len(h.opts.Topics) == 0 {
		return true
	}
	for _, t := range h.opts.Topics {
		if SameTopic(t, e.Topic) {
			return true
		}
	}
	return false
}

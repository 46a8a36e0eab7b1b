package concurtest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Outcome is what became of an attempt to deliver an event.
type Outcome string

// Outcomes of an attempt.
const (
	Delivered Outcome = "delivered" // 2xx
	Retrying  Outcome = "retrying"  // 5xx, 401, 403, 429, 3xx or no answer: tried again later
	Dropped   Outcome = "dropped"   // any other 4xx: never tried again
	Expired   Outcome = "expired"   // the retention ended
	Lost      Outcome = "lost"      // LoseNext
)

// Delivery is one attempt to deliver an event to an endpoint, or its loss.
type Delivery struct {
	Time         time.Time
	Subscription string
	EventID      string
	EventType    string
	Document     string // id of the report or document
	Attempt      int    // from 1; 0 for a lost event
	Status       int    // HTTP status of the answer; 0 without one
	Err          string // why there was no answer
	Body         []byte // what was sent
	Answer       []byte // at most 4 KiB of what came back
	Outcome      Outcome
}

// deliveryTimeout is how long the vendor waits for an answer.
const deliveryTimeout = 60 * time.Second

const maxBackoff = 10 * time.Minute

// parcel is an event on its way to one endpoint.
type parcel struct {
	sub                                  *Subscription
	eventID, kind, document, correlation string
	body                                 []byte
	attempts                             int
	due, published                       time.Time // of the process, not of Options.Now: they pace timers
	busy                                 bool
}

type events struct {
	done sync.WaitGroup

	mu                     sync.Mutex // after the server's lock, never before it
	s                      *Server
	cancels                []context.CancelFunc // one per worker
	subs                   []*Subscription
	queue                  []*parcel
	log                    []Delivery
	changed                chan struct{} // closed and replaced whenever the queue changes
	duplicate, lose, delay int
	delayFor               time.Duration
}

func newEvents(s *Server) *events { return &events{s: s, changed: make(chan struct{})} }

func (e *events) stop() {
	e.mu.Lock()
	cancels, subs := e.cancels, e.subs
	e.mu.Unlock()
	for _, cancel := range cancels {
		cancel()
	}
	e.done.Wait()
	for _, sub := range subs {
		sub.client.CloseIdleConnections()
	}
}

func (e *events) subscribe(sub *Subscription) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.subs = append(e.subs, sub)
	if e.s.opts.ManualDelivery {
		return
	}
	// Deliveries live as long as the server, not as the call that caused them.
	ctx, cancel := context.WithCancel(context.Background())
	e.cancels = append(e.cancels, cancel)
	e.done.Go(func() { e.work(ctx, sub) })
}

// enqueue is called under the server's lock.
func (e *events) enqueue(c *Company, ev Event, correlation, document string, body []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	copies, lost, due := 1, false, now
	wanted := slices.ContainsFunc(e.subs, func(s *Subscription) bool { return s.wants(c, ev) })
	if !wanted {
		return
	}
	if e.lose > 0 {
		e.lose, lost = e.lose-1, true
	} else {
		if e.duplicate > 0 {
			e.duplicate, copies = e.duplicate-1, 2
		}
		if e.delay > 0 {
			e.delay, due = e.delay-1, now.Add(e.delayFor)
		}
	}
	for _, sub := range e.subs {
		if !sub.wants(c, ev) {
			continue
		}
		if lost {
			e.log = append(e.log, Delivery{
				Time: now, Subscription: sub.ID, EventID: ev.ID, EventType: ev.Type, Document: document, Body: body, Outcome: Lost,
			})
			continue
		}
		for range copies {
			e.queue = append(e.queue, &parcel{
				sub: sub, eventID: ev.ID, kind: ev.Type, document: document, correlation: correlation, body: body, due: due, published: now,
			})
		}
	}
	e.signal()
}

// signal wakes all who wait for a change of the queue; e.mu is held.
func (e *events) signal() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// work delivers what is due for one subscription, one after the other.
func (e *events) work(ctx context.Context, sub *Subscription) {
	for {
		p, pause, changed := e.next(sub)
		if ctx.Err() != nil {
			if p != nil {
				e.giveBack(p)
			}
			return
		}
		if p != nil {
			e.attempt(ctx, p)
			continue
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-changed:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// next takes the parcel that has been due longest, or says how long to wait.
func (e *events) next(sub *Subscription) (*parcel, time.Duration, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var first *parcel
	for _, p := range e.queue {
		if p.sub == sub && !p.busy && (first == nil || p.due.Before(first.due)) {
			first = p
		}
	}
	if first == nil {
		return nil, time.Hour, e.changed
	}
	if wait := time.Until(first.due); wait > 0 {
		return nil, wait, e.changed
	}
	first.busy = true
	return first, 0, nil
}

// attempt delivers a parcel that was taken, and gives it back or lets it go.
func (e *events) attempt(ctx context.Context, p *parcel) {
	d := Delivery{
		Time: time.Now(), Subscription: p.sub.ID, EventID: p.eventID, EventType: p.kind, Document: p.document,
		Attempt: p.attempts + 1, Body: p.body,
	}
	d.Status, d.Answer, d.Err = e.post(ctx, p)
	switch {
	case d.Status >= 200 && d.Status < 300:
		d.Outcome = Delivered
	case d.Status >= 400 && d.Status < 500 && d.Status != http.StatusUnauthorized &&
		d.Status != http.StatusForbidden && d.Status != http.StatusTooManyRequests:
		d.Outcome = Dropped
	case time.Since(p.published) >= e.s.opts.Retention:
		d.Outcome = Expired
	default:
		d.Outcome = Retrying
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p.busy, p.attempts = false, p.attempts+1
	e.log = append(e.log, d)
	if d.Outcome == Retrying {
		pause := e.s.opts.DeliveryBackoff << min(p.attempts-1, 30)
		if pause <= 0 || pause > maxBackoff {
			pause = maxBackoff
		}
		p.due = time.Now().Add(pause)
	} else {
		e.queue = slices.DeleteFunc(e.queue, func(o *parcel) bool { return o == p })
	}
	e.signal()
}

func (e *events) post(ctx context.Context, p *parcel) (status int, answer []byte, failure string) {
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.endpoint(p.sub), bytes.NewReader(p.body))
	if err != nil {
		return 0, nil, err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Concur-Correlationid", p.correlation)
	req.Header.Set(SignatureHeader, e.s.Sign(p.body))
	res, err := p.sub.client.Do(req)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err != nil {
		// Broken after the status line: no answer, whatever the status said.
		return 0, answer, err.Error()
	}
	return res.StatusCode, answer, ""
}

// Flush attempts at once to deliver each event that is not delivered yet, due
// or not, and waits for attempts that are under way. It returns how many remain
// and the error of ctx, if that ended it. Events that fail again remain until
// the next Flush or, unless Options.ManualDelivery, until they are due.
func (s *Server) Flush(ctx context.Context) (remaining int, err error) {
	e := s.events
	e.mu.Lock()
	todo := slices.Clone(e.queue)
	e.mu.Unlock()
	for _, p := range todo {
		take, wait := e.take(p)
		for wait != nil {
			select {
			case <-ctx.Done():
				return s.Pending(), ctx.Err()
			case <-wait:
			}
			// Whoever had it has attempted it: that is the attempt of this Flush.
			_, wait = e.busy(p)
		}
		if take {
			if err := ctx.Err(); err != nil {
				e.giveBack(p)
				return s.Pending(), err
			}
			e.attempt(ctx, p)
		}
	}
	return s.Pending(), nil
}

// take takes a parcel that nobody has; otherwise it returns what to wait for.
func (e *events) take(p *parcel) (taken bool, wait <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case !slices.Contains(e.queue, p):
		return false, nil
	case p.busy:
		return false, e.changed
	default:
		p.busy = true
		return true, nil
	}
}

func (e *events) busy(p *parcel) (bool, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p.busy && slices.Contains(e.queue, p) {
		return true, e.changed
	}
	return false, nil
}

func (e *events) giveBack(p *parcel) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p.busy = false
	e.signal()
}

// Pending returns how many deliveries are not done yet.
func (s *Server) Pending() int {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	return len(s.events.queue)
}

// Deliveries returns the attempts so far, oldest first.
func (s *Server) Deliveries() []Delivery {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	return slices.Clone(s.events.log)
}

// DuplicateNext lets the next n events that somebody subscribed to be delivered
// twice, with the same id.
func (s *Server) DuplicateNext(n int) { s.mishap(func(e *events) { e.duplicate = n }) }

// LoseNext lets the next n events that somebody subscribed to never come.
func (s *Server) LoseNext(n int) { s.mishap(func(e *events) { e.lose = n }) }

// DelayNext lets the next n events that somebody subscribed to come late.
func (s *Server) DelayNext(n int, by time.Duration) {
	s.mishap(func(e *events) { e.delay, e.delayFor = n, by })
}

func (s *Server) mishap(set func(*events)) {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	set(s.events)
}

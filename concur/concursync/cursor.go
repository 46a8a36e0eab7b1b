package concursync

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// position is where a sweep stands. As a Cursor it is text, so that another
// process, or another version, goes on from it.
type position struct {
	floor time.Time // where the first sweep began; nothing before is ever asked for
	since time.Time // everything changed before was seen
	seen  time.Time // newest change so far, by Concur's clock
	once  time.Time // everything changed before was seen in one sweep of several pages
	page  string    // of the list; "" at the beginning of a sweep
	again int       // how often the sweep began anew because its page was refused
}

const positionVersion = "1"

// maxAgain bounds how often a refused page begins the sweep anew before the
// refusal is reported.
const maxAgain = 3

func readPosition(c connector.Cursor) (position, error) {
	if c == "" {
		return position{}, nil
	}
	v, err := url.ParseQuery(string(c))
	if err != nil || v.Get("v") != positionVersion {
		return position{}, fmt.Errorf("concursync: cursor %.40q is not one of this source's", string(c))
	}
	p := position{page: v.Get("page")}
	for name, to := range p.times() {
		if text := v.Get(name); text != "" {
			if *to, err = time.Parse(time.RFC3339Nano, text); err != nil {
				return position{}, fmt.Errorf("concursync: cursor's %s is no time", name)
			}
		}
	}
	if text := v.Get("again"); text != "" {
		if p.again, err = strconv.Atoi(text); err != nil {
			return position{}, fmt.Errorf("concursync: cursor's again is no number")
		}
	}
	return p, nil
}

func (p *position) times() map[string]*time.Time {
	return map[string]*time.Time{"floor": &p.floor, "since": &p.since, "seen": &p.seen, "once": &p.once}
}

// beginning is where the first sweep begins.
func beginning(t time.Time) position { return position{floor: t, since: t} }

// back is from when on to ask: a while before what was seen, since stamps and
// pages are not exact, but never before the first sweep's beginning.
func (p position) back(overlap time.Duration) time.Time {
	if t := p.since.Add(-overlap); t.After(p.floor) {
		return t
	}
	return p.floor
}

func (p position) cursor() connector.Cursor {
	v := url.Values{"v": {positionVersion}}
	for name, t := range p.times() {
		if !t.IsZero() {
			v.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	if p.page != "" {
		v.Set("page", p.page)
	}
	if p.again > 0 {
		v.Set("again", strconv.Itoa(p.again))
	}
	return connector.Cursor(v.Encode())
}

// saw moves the newest change forward. Only Concur's own stamps count: a clock
// of ours that is ahead would make the next sweep begin too late.
func (p *position) saw(t time.Time) {
	if t.After(p.seen) {
		p.seen = t
	}
}

// after returns the position that follows a page. A list that is paged by
// positions shifts while it is read: when a row that was read moves to its end,
// one of the next page moves into the page that was read, and is missed. So only
// a sweep of one page, which is one moment, is believed at once; what a sweep of
// several pages saw is asked for once more by the next one.
func (p position) after(page string) position {
	if page != "" {
		p.page = page
		return p
	}
	next := position{floor: p.floor, since: p.since}
	switch {
	case p.page == "":
		next.since = later(p.since, p.seen)
	case p.once.IsZero():
		next.once = p.seen
	default:
		next.since, next.once = later(p.since, p.once), p.seen
	}
	return next
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// restart begins the sweep anew after its page was refused, as a list may do
// with a position that it no longer keeps. It reports false when that was tried
// often enough.
func (p position) restart() (position, bool) {
	return position{floor: p.floor, since: p.since, once: p.once, again: p.again + 1}, p.page != "" && p.again < maxAgain
}

package screen

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// Progress shows documents moving: a line that is drawn over on a terminal, one
// line for each document that settles elsewhere. Safe for concurrent use.
type Progress struct {
	s     *Screen // nil: silent
	began time.Time
	quit  chan struct{}
	drawn sync.WaitGroup

	mu      sync.Mutex
	settled map[string]bool   // documents by id: settled or still moving
	told    map[string]string // by id, what was said about them last
	last    string
}

// redraw is how often a terminal is drawn over.
const redraw = 40 * time.Millisecond

// NewProgress starts a display. Silent shows nothing, for programs that read the
// output. Done ends it.
func NewProgress(s *Screen, began time.Time, silent bool) *Progress {
	p := &Progress{began: began, settled: map[string]bool{}, told: map[string]string{}, quit: make(chan struct{})}
	if silent {
		return p
	}
	p.s = s
	if s.Terminal {
		p.drawn.Go(p.draw)
	}
	return p
}

// Step says that a document came to a new state; done says that nothing more
// will happen to it by itself. The id stays the same while the name by which
// people know the document may be learnt on the way.
func (p *Progress) Step(id, name, state string, done bool) {
	p.mu.Lock()
	p.settled[id] = done
	p.last = name + " " + state
	news := done && p.told[id] != state
	if news {
		p.told[id] = state
	}
	p.mu.Unlock()
	if p.s != nil && !p.s.Terminal && news {
		p.s.Printf("  %6.2f s  %-24s %s\n", time.Since(p.began).Seconds(), name, state)
	}
}

// draw draws the line until Done, then wipes it.
func (p *Progress) draw() {
	t := time.NewTicker(redraw)
	defer t.Stop()
	for {
		p.s.Printf("\r\x1b[2K%s", p.line())
		select {
		case <-p.quit:
			p.s.Printf("\r\x1b[2K")
			return
		case <-t.C:
		}
	}
}

// bar is how many characters the bar has.
const bar = 24

func (p *Progress) line() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	done := 0
	for _, settled := range p.settled {
		if settled {
			done++
		}
	}
	filled := 0
	if len(p.settled) > 0 {
		filled = bar * done / len(p.settled)
	}
	text := fmt.Sprintf("  %s%s  %d of %d documents at rest   %s",
		strings.Repeat("━", filled), strings.Repeat("─", bar-filled), done, len(p.settled), p.last)
	if p.s.Width > 0 {
		text = Cut(text, p.s.Width-1)
	}
	return text
}

// Done takes the display away.
func (p *Progress) Done() {
	close(p.quit)
	p.drawn.Wait()
}

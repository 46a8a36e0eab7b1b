package screen

import (
	"fmt"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Progress shows documents moving: a bar on a terminal, one line for each step
// elsewhere. Safe for concurrent use.
type Progress struct {
	s     *Screen
	began time.Time
	bars  *mpb.Progress
	bar   *mpb.Bar

	mu      sync.Mutex
	settled map[string]bool // documents by name: settled or still moving
	told    map[string]string
	last    string
}

// NewProgress starts a display. Silent shows nothing, for programs that read
// the output.
func NewProgress(s *Screen, began time.Time, silent bool) *Progress {
	p := &Progress{began: began, settled: map[string]bool{}, told: map[string]string{}}
	if silent {
		return p
	}
	p.s = s
	if !s.Terminal {
		return p
	}
	p.bars = mpb.New(mpb.WithOutput(s.Writer), mpb.WithWidth(30), mpb.WithRefreshRate(60*time.Millisecond))
	p.bar = p.bars.New(1, mpb.BarStyle().Lbound("  ").Filler("━").Tip("━").Padding("─").Rbound(""),
		mpb.BarRemoveOnComplete(),
		mpb.AppendDecorators(
			decor.Any(func(decor.Statistics) string {
				p.mu.Lock()
				defer p.mu.Unlock()
				return fmt.Sprintf(" %d of %d documents settled   %s", p.count(), len(p.settled), p.last)
			}),
		))
	return p
}

func (p *Progress) count() int {
	n := 0
	for _, done := range p.settled {
		if done {
			n++
		}
	}
	return n
}

// Step says that a document came to a new state; done says that nothing more
// will happen to it by itself.
func (p *Progress) Step(name, state string, done bool) {
	p.mu.Lock()
	p.settled[name] = done
	p.last = name + " " + state
	n, total := p.count(), len(p.settled)
	news := done && p.told[name] != state
	if news {
		p.told[name] = state
	}
	p.mu.Unlock()
	switch {
	case p.bar != nil:
		p.bar.SetTotal(int64(total)+1, false) // a full bar would end the display
		p.bar.SetCurrent(int64(n))
	case p.s != nil && news:
		p.s.Printf("  %6.2f s  %-24s %s\n", time.Since(p.began).Seconds(), name, state)
	}
}

// Done takes the display away.
func (p *Progress) Done() {
	if p.bar == nil {
		return
	}
	p.bar.Abort(true)
	p.bars.Wait()
}

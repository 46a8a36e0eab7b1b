package proof

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

// step is one thing that happens in a year, drawn before it begins.
type step struct {
	at   time.Duration
	what string
	do   func(*year)
}

// yearPlan is all that happens in a simulated year. It is drawn from the seed
// before anything runs, so that a seed always gives the same one.
type yearPlan struct {
	seed   uint64
	days   int
	deltas bool // what changes after it was posted is corrected by its difference
	queue  bool // documents come from the Financial Integration Service
	rng    *rand.Rand
	steps  []step
	docs   int
}

func (p *yearPlan) add(at time.Duration, what string, do func(*year)) {
	p.steps = append(p.steps, step{at, what, do})
}

// sum is the fault plan in one number: two plans with the same steps have the
// same one.
func (p *yearPlan) sum() uint64 {
	h := fnv.New64a()
	for _, s := range p.steps {
		fmt.Fprintln(h, s.at, s.what)
	}
	return h.Sum64()
}

const day = 24 * time.Hour

// within is a time up to d, in whole milliseconds.
func (p *yearPlan) within(d time.Duration) time.Duration {
	return time.Duration(p.rng.Int64N(int64(d/time.Millisecond))) * time.Millisecond
}

func (p *yearPlan) one(in int) bool { return p.rng.IntN(in) == 0 }

// newYearPlan draws a year of so many days, with about so many documents a day.
func newYearPlan(seed uint64, days, daily int) *yearPlan {
	p := &yearPlan{seed: seed, days: days, deltas: seed%4 > 1, queue: seed%3 == 0, rng: rand.New(rand.NewPCG(seed, 2026))}
	for d := range days {
		morning := time.Duration(d) * day
		for range p.rng.IntN(2*daily + 1) {
			p.document(morning + p.within(day))
		}
		p.people(d, morning)
		p.misfortunes(morning)
	}
	p.world()
	slices.SortStableFunc(p.steps, func(a, b step) int { return int((a.at - b.at) / time.Millisecond) })
	return p
}

// people is the daily work of finance and administrators.
func (p *yearPlan) people(d int, morning time.Duration) {
	if !p.one(7) {
		p.add(morning+18*time.Hour+p.within(time.Hour), "finance posts", (*year).post)
	}
	p.add(morning+20*time.Hour+p.within(time.Hour), "finance replays", (*year).replay)
	for h := range 4 {
		p.add(morning+time.Duration(6*h)*time.Hour+time.Minute, "admin looks", (*year).look)
	}
	p.add(morning+day-time.Second, "midnight", (*year).midnight)
	if d%7 == 3 {
		flow := []string{reportFlow, invoiceFlow}[p.rng.IntN(2)]
		if p.queue {
			flow = queueFlow
		}
		at := morning + p.within(day)
		p.add(at, "pause "+flow, func(y *year) { y.pause(flow) })
		p.add(at+p.within(12*time.Hour), "resume "+flow, func(y *year) { y.resume(flow) })
	}
}

// world is what changes over the year outside the connector: editions of the
// rules, objects that appear and go, months that are closed.
func (p *yearPlan) world() {
	span := time.Duration(p.days) * day
	for e := edition(1); e <= 5; e++ {
		p.add(span*time.Duration(e)/6+p.within(day), fmt.Sprint("edition ", e), func(y *year) { y.edition(e) })
	}
	p.add(span/5+p.within(day), "account appears", func(y *year) {
		y.town.epicor.AddAccounts(book, epicortest.GLAccount{Account: lateAccount})
	})
	p.add(span/4+p.within(day), "vendor appears", func(y *year) {
		y.town.epicor.AddVendors(book, epicortest.Vendor{ID: lateVendor, Name: "Late Supplies"})
	})
	for n := range 6 {
		account := fmt.Sprintf("69%02d|100|00", n)
		p.add(p.within(span/2), "account comes "+account, func(y *year) {
			y.town.epicor.AddAccounts(book, epicortest.GLAccount{Account: account, Desc: "Extra"})
		})
		if n%2 == 0 {
			p.add(span*3/4+p.within(span/8), "account goes "+account, func(y *year) { y.town.epicor.RemoveAccounts(book, account) })
		}
	}
	for m := range p.days/30 + 1 {
		p.add(time.Duration(m*30+4)*day+p.within(6*time.Hour), "month-end", (*year).monthEnd)
	}
}

// document draws the life of one document.
func (p *yearPlan) document(at time.Duration) {
	n := p.docs
	p.docs++
	invoice := p.one(4)
	var first paper
	if invoice {
		first = drawInvoice(p.rng)
	} else {
		first = draw(p.rng)
	}
	first.offset = p.queue
	lack := ""
	if p.one(14) {
		if invoice {
			lack, first.supplier = "vendor", lateVendor
		} else if p.one(2) {
			lack, first.items[0].centre, first.items[0].percent = "centre", lateCentre, 0
		} else {
			lack = "account"
			first.items[0].kind, first.items[0].centre, first.items[0].percent, first.items[0].personal = "CONFR", "310", 0, false
		}
	}
	then := func(d time.Duration, what string, do func(*year, *doc)) {
		at += d
		p.add(at, fmt.Sprintf("document %d %s", n, what), func(y *year) { do(y, y.docs[n]) })
	}
	p.add(at, fmt.Sprintf("document %d invoice %t, lacks %q: %s", n, invoice, lack, first.must(0)), func(y *year) { y.create(n, first) })
	revised := func() paper {
		next := first
		next.items = slices.Clone(first.items)
		if p.deltas && next.supplier == "" && p.one(2) {
			p.redraw(&next)
			return next
		}
		if next.supplier == "" && p.one(2) {
			next.items = append(next.items, drawItem(p.rng))
		} else {
			next.items[0].cents += 1 + p.rng.Int64N(5000)
		}
		return next
	}
	soon := func() time.Duration { // racing with the connector, or long after it
		switch p.rng.IntN(3) {
		case 0:
			return p.within(5 * time.Second)
		case 1:
			return p.within(10 * time.Minute)
		default:
			if p.queue { // until finance has posted it and Concur was told
				return p.within(12 * time.Hour)
			}
			return p.within(6 * day)
		}
	}
	approve := func(d time.Duration) { then(d, "approved", (*year).approve) }
	if p.one(15) {
		if p.one(2) && !invoice {
			then(p.within(3*day), "deleted", (*year).erase)
		}
		return // never approved
	}
	if p.one(12) {
		then(p.within(day), "sent back", (*year).sendBack)
		next := revised()
		then(p.within(day), "rewritten", func(y *year, d *doc) { y.rewrite(d, next) })
		first = next
	}
	approve(p.within(2 * day))
	fate := p.rng.IntN(10)
	if p.deltas && !invoice && fate > 6 {
		fate = 3
	}
	if p.queue && fate > 2 && fate < 6 { // nobody edits or pays what the service holds
		fate = p.rng.IntN(2)
	}
	switch fate {
	case 0:
		then(soon(), "sent back", (*year).sendBack)
	case 1, 2:
		then(soon(), "sent back", (*year).sendBack)
		next := first
		if !p.one(3) {
			next = revised()
			first = next
		}
		then(soon(), "rewritten", func(y *year, d *doc) { y.rewrite(d, next) })
		approve(soon())
		if p.one(3) {
			then(soon(), "sent back", (*year).sendBack)
		}
	case 3:
		// Four revisions may stand beside one another; more would be for a person.
		for n, again := 1, true; again; n, again = n+1, p.deltas && n < 3 && p.one(2) {
			next := revised()
			first = next
			then(soon(), "edited by the processor", func(y *year, d *doc) { y.edit(d, next) })
		}
		if p.deltas && p.one(4) {
			then(soon(), "sent back", (*year).sendBack)
		}
	case 4, 5:
		then(p.within(5*day), "paid", (*year).pay)
	case 6:
		then(soon(), "announced again", (*year).announce)
	}
}

// redraw changes a report in any way that moves its cost. Its first item keeps
// what it may lack.
func (p *yearPlan) redraw(r *paper) {
	last := &r.items[len(r.items)-1]
	switch p.rng.IntN(5) {
	case 0:
		r.items[0].cents = r.items[0].cents/2 + 1
	case 1:
		r.items[0].cents = -r.items[0].cents
	case 2:
		*last = drawItem(p.rng)
	case 3:
		if len(r.items) > 1 {
			r.items = r.items[:len(r.items)-1]
		} else {
			last.cents++
		}
	case 4:
		if last.percent == 0 && !last.personal && last.centre != "100" {
			last.percent, last.second = 40, "100"
		} else {
			last.percent, last.second = 0, ""
		}
	}
}

// misfortunes of one day.
func (p *yearPlan) misfortunes(morning time.Duration) {
	at := func() time.Duration { return morning + p.within(day) }
	for range p.rng.IntN(5) {
		p.vendorFault(at())
	}
	for range p.rng.IntN(4) {
		kind, n, lostOne, skip := []string{ofStore, ofAudit}[p.rng.IntN(2)], 1+p.rng.IntN(3), p.one(2), p.rng.IntN(30)
		p.add(at(), fmt.Sprint(kind, " fails ", n, " times, after ", skip, ", done ", lostOne), func(y *year) { y.break_(kind, skip, n, lostOne) })
	}
	switch p.rng.IntN(6) {
	case 0:
		p.add(at(), "an event is lost", func(y *year) { y.count("event lost"); y.town.concur.LoseNext(1) })
	case 1:
		p.add(at(), "an event comes twice", func(y *year) { y.count("event twice"); y.town.concur.DuplicateNext(1) })
	case 2:
		late := p.within(3 * time.Hour)
		p.add(at(), "an event comes late", func(y *year) { y.count("event late"); y.town.concur.DelayNext(1, late) })
	}
	if p.one(2) {
		t, down := at(), p.within(2*time.Minute)
		if p.one(8) {
			down = p.within(9 * time.Hour)
		}
		after := 1 + p.rng.IntN(400)
		if p.one(4) {
			after = 1
		}
		p.add(t, fmt.Sprint("killed at the ", after, "th call from now"), func(y *year) { y.killAfter(after) })
		p.add(t+5*time.Minute+down, "started again", (*year).restart)
	}
	if p.one(9) {
		t, span := at(), 10*time.Minute+p.within(8*time.Hour)
		which := p.rng.IntN(4)
		p.add(t, fmt.Sprint("outage ", which), func(y *year) { y.outage(which) })
		p.add(t+span, fmt.Sprint("end of outage ", which), func(y *year) { y.recovered(which) })
	}
	if p.one(6) {
		by := []time.Duration{time.Hour, -time.Hour, 5 * time.Minute, -3 * time.Second}[p.rng.IntN(4)]
		p.add(at(), fmt.Sprint("the clock jumps by ", by), func(y *year) { y.jump(by) })
	}
	switch p.rng.IntN(20) {
	case 0:
		p.add(at(), "access tokens end", func(y *year) { y.count("token ended"); y.town.company.ExpireTokens() })
	case 1:
		if p.one(3) {
			p.add(at(), "refresh token ends", func(y *year) { y.count("refresh token ended"); y.town.company.Revoke(); y.town.company.ExpireTokens() })
		}
	case 2:
		n := 1 + p.rng.IntN(3)
		p.add(at(), fmt.Sprint("token endpoint refuses ", n), func(y *year) { y.count("token refused"); y.town.concur.RefuseTokens(n, 134) })
	}
}

// vendorFault arms one fault at one of the vendors.
func (p *yearPlan) vendorFault(at time.Duration) {
	f := concurtest.Fault{Skip: p.rng.IntN(25), Times: 1 + p.rng.IntN(3)}
	if p.one(2) {
		f.When = concurtest.After
	}
	switch b := callBlows[p.rng.IntN(len(callBlows))]; b {
	case refused, reset, killedFirst:
		f.When, f.Drop = concurtest.Before, true
	case lost, killedAfter:
		f.When, f.Drop = concurtest.After, true
	case html, lostInHTML:
		f.Status, f.Body = 200, "<html><body>Sign in</body></html>"
	case truncated:
		f.Truncate = true
	case timeOut:
		f.Delay = 2 * time.Minute
	default:
		for _, status := range statuses {
			if string(b) == fmt.Sprint(status) {
				f.Status, f.Body = status, "<html><body>gateway</body></html>"
			}
		}
		if f.Status == 429 {
			f.Header = map[string][]string{"Retry-After": {fmt.Sprint(1 + p.rng.IntN(120))}}
		}
	}
	concurs := p.one(2)
	name := "epicor"
	if concurs {
		name = "concur"
	} else if p.one(2) {
		f.Path = []string{"/UpdateMaster", "/GetNewAPInvHedInvoice", "/UnlockGroup", "/GetByID"}[p.rng.IntN(4)]
		f.Skip = p.rng.IntN(6)
	}
	p.add(at, strings.Join(strings.Fields(fmt.Sprint(name, " fault ", f.Path, " skip ", f.Skip, " times ", f.Times, " ", f.When, " status ", f.Status, " drop ", f.Drop, " truncate ", f.Truncate, " delay ", f.Delay)), " "), func(y *year) {
		if concurs {
			y.town.concur.Inject(f)
		} else {
			y.town.epicor.Inject(f)
		}
	})
}

package epicortest

import (
	"fmt"
	"strings"
)

// Post runs the posting process of a group, as finance does: invoices that pass
// become posted, the others stay with their reason in the group's PostErrorLog.
// An invoice on hold stays without a reason. One whose period was closed since it
// was entered stays, too; in what words a live tenant says so is to be checked
// there. A group that is empty afterwards goes away; that is an assumption to check
// on a live tenant. It returns the reasons, nil when everything was posted.
func (s *Server) Post(companyID, group string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.post(s.mustCompany(companyID), group)
}

func (s *Server) post(co *company, id string) []string {
	g, ok := co.group(id)
	if !ok {
		return []string{fmt.Sprintf("Group %s is not valid.", id)}
	}
	var reasons []string
	left := 0
	for _, k := range co.order {
		inv := co.invoices[k]
		if inv.hed.str("GroupID") != id || inv.hed.bool("Posted") {
			continue
		}
		if inv.hed.bool("InvoiceHeld") {
			left++
			continue
		}
		why := unpostable(inv)
		if y, n := int(inv.hed.int("FiscalYear")), int(inv.hed.int("FiscalPeriod")); why == "" && co.closed[[2]int{y, n}] {
			why = fmt.Sprintf("Fiscal period %d/%d is closed", y, n)
		}
		if why != "" {
			reasons = append(reasons, fmt.Sprintf("Invoice %s: %s", inv.hed.str("InvoiceNum"), why))
			left++
			continue
		}
		inv = inv.clone()
		co.invoices[k] = inv
		inv.hed["Posted"], inv.hed["GLPosted"] = true, true
		for _, rows := range [][]row{inv.dtl, inv.exp} {
			for _, r := range rows {
				r["Posted"] = true
				s.stamp(r)
			}
		}
		s.stamp(inv.hed)
	}
	if left == 0 {
		co.groups.remove(g.key(co.groups.def.key))
		return nil
	}
	g = g.clone()
	g["PostErrorLog"] = strings.Join(reasons, "\n")
	s.stamp(g)
	co.groups.put(g)
	return reasons
}

// unpostable gives the vendor's reason against posting, "" for none.
func unpostable(inv *invoice) string {
	if len(inv.dtl) == 0 {
		return "Invoice with no detail"
	}
	if !inv.hed.num("DocInvoiceVariance").IsZero() {
		return "Invoice Total does not agree with vendor 's total"
	}
	for _, g := range inv.tglc {
		if g.str("GLAccount") == "" {
			return "GL account is missing"
		}
	}
	if len(inv.tglc) < len(inv.exp) {
		return "GL account is missing"
	}
	return ""
}

func postTables() []string { return []string{tabPost} }

func postParameters(c *call) (results, *fault) {
	ts := newTableset(postTables())
	ts.rows[tabPost] = []row{c.co.schema[tabPost].blank()}
	return results{"returnObj": ts}, nil
}

// postSubmit posts at once, or lets the group wait for RunAgent.
func postSubmit(c *call) (results, *fault) {
	ts, f := c.tableset(postTables())
	if f != nil {
		return nil, f
	}
	if len(ts.rows[tabPost]) != 1 {
		return nil, business(tabPost, "GroupID", "One row of parameters is required.")
	}
	g, f := c.openGroup(ts.rows[tabPost][0].str("GroupID"))
	if f != nil {
		return nil, f
	}
	if c.s.opts.PostLater && c.m.name == "SubmitToAgent" {
		g = g.clone()
		g["PostInProcess"] = true
		c.s.stamp(g)
		c.co.groups.put(g)
		c.co.queue = append(c.co.queue, g.str("GroupID"))
		return nil, nil
	}
	c.s.post(c.co, g.str("GroupID"))
	return nil, nil
}

// RunAgent lets the system agent post the groups that were submitted.
func (s *Server) RunAgent(companyID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	for _, id := range co.queue {
		if g, ok := co.group(id); ok {
			g = g.clone()
			g["PostInProcess"] = false
			co.groups.put(g)
			s.post(co, id)
		}
	}
	co.queue = nil
}

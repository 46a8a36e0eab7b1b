package epicortest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/shopspring/decimal"
)

func groupTables() []string { return []string{tabGroup} }

func (co *company) group(id string) (row, bool) {
	return co.groups.get(row{"Company": co.seed.ID, "GroupID": id}.key(co.groups.def.key))
}

// openGroup finds a group that the user may enter invoices into.
func (c *call) openGroup(id string) (row, *fault) {
	if id == "" {
		return nil, business(tabGroup, "GroupID", "Group is required.")
	}
	g, ok := c.co.group(id)
	if !ok {
		return nil, business(tabGroup, "GroupID", "Group %s is not valid.", id)
	}
	if f := c.notLocked(g); f != nil {
		return nil, f
	}
	if g.bool("PostInProcess") {
		return nil, business(tabGroup, "GroupID", "Group %s is locked: it is being posted.", id)
	}
	return g, nil
}

// notLocked refuses a group in which another user works.
func (c *call) notLocked(g row) *fault {
	if by := g.str("ActiveUserID"); by != "" && by != c.user.Name {
		return business(tabGroup, "ActiveUserID", "Group %s is locked by user %s.", g.str("GroupID"), by)
	}
	return nil
}

// groupSet returns a group as a tableset, with its total as it is now.
func (c *call) groupSet(g row) *tableset {
	ts := newTableset(groupTables())
	g = g.clone()
	g.setNum("BaseTotal", c.co.groupTotal(g.str("GroupID")))
	ts.rows[tabGroup] = []row{g}
	return ts
}

// groupTotal is the sum of a group's open invoices in base currency.
func (co *company) groupTotal(id string) decimal.Decimal {
	sum := decimal.Zero
	for _, k := range co.order {
		if h := co.invoices[k].hed; h.str("GroupID") == id && !h.bool("Posted") {
			sum = sum.Add(h.num("InvoiceAmt"))
		}
	}
	return sum
}

func groupGet(c *call) (results, *fault) {
	g, ok := c.co.group(c.str("groupID"))
	if !ok {
		return nil, notFound("Record not found.")
	}
	return results{"returnObj": c.groupSet(g)}, nil
}

// blankGroup is a new group with the vendor's defaults.
func (c *call) blankGroup() row {
	r := c.co.schema[tabGroup].blank()
	r["Company"], r["CreatedBy"], r["FiscalCalendarID"] = c.co.seed.ID, c.user.Name, c.co.seed.Calendar
	r.setDay("ApplyDate", c.s.today())
	c.co.setPeriod(r, c.s.today())
	return r
}

// setPeriod fills the fiscal period of a date; a date outside every period gives zeros.
func (co *company) setPeriod(r row, d Date) {
	y, n, _ := co.period(d)
	r["FiscalYear"], r["FiscalPeriod"], r["FiscalCalendarID"] = int64(y), int64(n), co.seed.Calendar
}

func groupNew(lock bool) func(*call) (results, *fault) {
	return func(c *call) (results, *fault) {
		ts, f := c.tableset(groupTables())
		if f != nil {
			return nil, f
		}
		r := c.blankGroup()
		if lock {
			r["ActiveUserID"] = c.user.Name
		}
		ts.add(tabGroup, r)
		return results{"ds": ts}, nil
	}
}

// groupApplyDate sets the apply date of the row that is being added or changed.
func groupApplyDate(c *call) (results, *fault) {
	ts, f := c.tableset(groupTables())
	if f != nil {
		return nil, f
	}
	r, f := ts.current(tabGroup)
	if f != nil {
		return nil, f
	}
	if id := c.str("GroupID"); id != r.str("GroupID") {
		return nil, business(tabGroup, "GroupID", "Group %s is not the one that is changed.", id)
	}
	d := c.day("NewApplyDate")
	if f := c.checkPeriod(tabGroup, d); f != nil {
		return nil, f
	}
	r.setDay("ApplyDate", d)
	c.co.setPeriod(r, d)
	return results{"DateMessage": "", "ds": ts}, nil
}

// groupLike makes a group with the apply date of another one.
func groupLike(c *call) (results, *fault) {
	from, ok := c.co.group(c.str("sFromGroupID"))
	if !ok {
		return nil, business(tabGroup, "GroupID", "Group %s is not valid.", c.str("sFromGroupID"))
	}
	g := c.blankGroup()
	g["GroupID"], g["ApplyDate"] = c.str("sToGrouID"), from["ApplyDate"]
	if f := c.lengths(c.co.groups.def, g); f != nil {
		return nil, f
	}
	return nil, c.createGroup(g)
}

func groupUpdate(c *call) (results, *fault) {
	ts, f := c.tableset(groupTables())
	if f != nil {
		return nil, f
	}
	out := newTableset(groupTables())
	for _, r := range ts.changes(tabGroup) {
		switch r.str("RowMod") {
		case added:
			if f := c.createGroup(r); f != nil {
				return nil, f
			}
		case updated:
			if f := c.changeGroup(ts, r); f != nil {
				return nil, f
			}
		case deleted:
			if f := c.deleteGroup(r.str("GroupID")); f != nil {
				return nil, f
			}
			continue
		}
		g, _ := c.co.group(r.str("GroupID"))
		out.rows[tabGroup] = append(out.rows[tabGroup], c.groupSet(g).rows[tabGroup]...)
	}
	return results{"ds": out}, nil
}

func (c *call) createGroup(r row) *fault {
	id := r.str("GroupID")
	if strings.TrimSpace(id) == "" {
		return business(tabGroup, "GroupID", "Group ID is required.")
	}
	if _, ok := c.co.group(id); ok {
		return c.s.duplicate(tabGroup, "Group %s already exists.", id)
	}
	if f := c.checkPeriod(tabGroup, r.day("ApplyDate")); f != nil {
		return f
	}
	g := r.clone()
	g["RowMod"], g["CreatedBy"] = unchanged, c.user.Name
	c.co.setPeriod(g, g.day("ApplyDate"))
	g["SysRowID"] = zeroGUID
	c.s.stamp(g)
	c.co.groups.put(g)
	return nil
}

func (c *call) changeGroup(ts *tableset, r row) *fault {
	old, ok := c.co.group(r.str("GroupID"))
	if !ok {
		return notFound("Record not found.")
	}
	if f := c.stored(ts, c.co.groups.def, r, old); f != nil {
		return f
	}
	if f := c.notLocked(old); f != nil {
		return f
	}
	if f := c.checkPeriod(tabGroup, r.day("ApplyDate")); f != nil {
		return f
	}
	g := r.clone()
	g["RowMod"], g["ActiveUserID"], g["SysRowID"] = unchanged, old["ActiveUserID"], old["SysRowID"]
	c.co.setPeriod(g, g.day("ApplyDate"))
	c.s.stamp(g)
	c.co.groups.put(g)
	return nil
}

func (c *call) setLock(g row, user string) {
	g = g.clone()
	g["ActiveUserID"] = user
	c.s.stamp(g)
	c.co.groups.put(g)
}

func groupLock(c *call) (results, *fault) {
	if _, f := c.tableset(groupTables()); f != nil {
		return nil, f
	}
	id := c.str("groupID")
	if g, ok := c.co.group(id); ok && c.notLocked(g) != nil && !c.s.opts.LockRefuses {
		return results{"ds": c.groupSet(g)}, nil
	}
	g, f := c.openGroup(id)
	if f != nil {
		return nil, f
	}
	c.setLock(g, c.user.Name)
	g, _ = c.co.group(g.str("GroupID"))
	return results{"ds": c.groupSet(g)}, nil
}

func groupUnlock(c *call) (results, *fault) {
	if _, f := c.tableset(groupTables()); f != nil {
		return nil, f
	}
	g, f := c.unlock(c.str("groupID"))
	if f != nil {
		return nil, f
	}
	return results{"ds": c.groupSet(g)}, nil
}

func groupUnlockPlain(c *call) (results, *fault) {
	_, f := c.unlock(c.str("InGroupID"))
	return nil, f
}

// unlock gives a group free; that only its holder can is an assumption to check on a live tenant.
func (c *call) unlock(id string) (row, *fault) {
	g, ok := c.co.group(id)
	if !ok {
		return nil, business(tabGroup, "GroupID", "Group %s is not valid.", id)
	}
	if f := c.notLocked(g); f != nil {
		return nil, f
	}
	c.setLock(g, "")
	g, _ = c.co.group(id)
	return g, nil
}

func groupDelete(c *call) (results, *fault) { return nil, c.deleteGroup(c.str("groupID")) }

func (c *call) deleteGroup(id string) *fault {
	g, ok := c.co.group(id)
	if !ok {
		return notFound("Record not found.")
	}
	if f := c.notLocked(g); f != nil {
		return f
	}
	for _, k := range c.co.order {
		if h := c.co.invoices[k].hed; h.str("GroupID") == id && !h.bool("Posted") {
			return business(tabGroup, "GroupID", "Group %s has invoices and cannot be deleted.", id)
		}
	}
	c.co.groups.remove(g.key(c.co.groups.def.key))
	return nil
}

// checkPeriod refuses a date outside every period or in a closed one.
func (c *call) checkPeriod(table string, d Date) *fault {
	if d.IsZero() {
		return business(table, "ApplyDate", "Apply date is required.")
	}
	y, n, ok := c.co.period(d)
	if !ok {
		return business(table, "ApplyDate", "A valid fiscal period is not found for the date %s.", d)
	}
	if c.co.closed[[2]int{y, n}] {
		return business(table, "ApplyDate", "Fiscal period %d/%d is closed.", y, n)
	}
	return nil
}

// write answers POST and DELETE on an entity set: groups can be made and deleted
// so, and unposted invoices deleted. A plain create of an invoice would skip the
// methods that fill its defaults, and nobody should.
func (s *Server) write(r *http.Request, co *company, u User, t *table, key string, hasKey bool) (int, any, *fault) {
	c := &call{s: s, co: co, user: u}
	switch {
	case r.Method == http.MethodPost && !hasKey && t.name == tabGroup:
		return c.postGroup(r)
	case r.Method == http.MethodDelete && hasKey && (t.name == tabGroup || t.name == tabHed):
		old, f := co.find(t, key)
		if f != nil {
			return 0, nil, f
		}
		if t.name == tabGroup {
			return http.StatusNoContent, nil, c.deleteGroup(old.str("GroupID"))
		}
		return http.StatusNoContent, nil, c.deleteInvoice(old.key(t.key))
	default:
		return 0, nil, &fault{
			status: http.StatusMethodNotAllowed, kind: typeOData,
			message: "The requested resource does not support http method '" + r.Method + "'.",
		}
	}
}

// postGroup is the plain create {"Company","GroupID"}: what is not given is defaulted.
func (c *call) postGroup(r *http.Request) (int, any, *fault) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, nil, badArgument("The request body cannot be read: %v.", err)
	}
	var in map[string]json.RawMessage
	if err := json.Unmarshal(body, &in); err != nil {
		return 0, nil, badQuery("The request body is not a JSON object: %v.", err)
	}
	g := c.blankGroup()
	for name := range in {
		col, ok := c.co.groups.def.column(name)
		if !ok {
			return 0, nil, badQuery("The property '%.80s' does not exist on type 'Erp.Tablesets.APInvGrpRow'.", name)
		}
		v, err := col.kind.read((&call{in: in}).value(name))
		if err != nil {
			return 0, nil, badQuery("The property '%s': %v.", name, err)
		}
		g[name] = v
	}
	if id := g.str("Company"); id != c.co.seed.ID {
		return 0, nil, foreign(tabGroup, id)
	}
	if f := c.lengths(c.co.groups.def, g); f != nil {
		return 0, nil, f
	}
	if f := c.createGroup(g); f != nil {
		return 0, nil, f
	}
	g, _ = c.co.group(g.str("GroupID"))
	out := g.clone()
	out["@odata.context"] = c.s.context(c.co, c.co.groups.def) + "/$entity"
	return http.StatusCreated, out, nil
}

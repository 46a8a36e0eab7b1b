package epicortest

import (
	"slices"
	"strconv"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// Prompt makes successful answers of an update say more than "done". Kinetic asks
// the user inside an answer of status 200, with requiresUserInput true or
// lUpdateRan false, and then nothing was committed; it also warns in message
// texts while it commits.
type Prompt struct {
	Company string // "" is every company
	Method  string // "UpdateMaster" when empty; also "PreUpdate"
	Table   string // only with this cTableName; "" is every table
	Skip    int    // let so many calls pass first
	Times   int    // answer so often; 0 means once, -1 for ever

	RequiresUserInput bool   // requiresUserInput true, and nothing is committed
	Asks              bool   // with it: the rows are committed and lUpdateRan is true all the same
	NotRun            bool   // lUpdateRan false, and nothing is committed
	Message           string // opMessage; alone, it is a warning beside a commit
	BankReference     string // opMsgChkBankRef
	ReverseCharge     string // opChkRevMsg
}

type prompt struct {
	Prompt
	seen, used int
}

// Prompt arms a prompt; prompts are tried in the order in which they were armed.
func (s *Server) Prompt(p Prompt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	orDefault(&p.Method, "UpdateMaster")
	s.prompts = append(s.prompts, &prompt{Prompt: p})
}

// prompted returns the prompt that strikes a call.
func (c *call) prompted(table string) Prompt {
	for _, p := range c.s.prompts {
		if p.Method != c.m.name || p.Company != "" && p.Company != c.co.seed.ID || p.Table != "" && p.Table != table {
			continue
		}
		times := max(p.Times, 1)
		if p.Times >= 0 && p.used >= times {
			continue
		}
		if p.seen++; p.seen <= p.Skip {
			continue
		}
		p.used++
		return p.Prompt
	}
	return Prompt{}
}

func preUpdate(c *call) (results, *fault) {
	return c.entry(func(*tableset) (results, *fault) {
		return results{"requiresUserInput": c.prompted("").RequiresUserInput}, nil
	})
}

func update(c *call) (results, *fault) {
	ts, f := c.tableset(invoiceTables())
	if f != nil {
		return nil, f
	}
	u, f := c.apply(ts)
	if f != nil {
		return nil, f
	}
	return results{"ds": u.result()}, nil
}

func updateMaster(c *call) (results, *fault) {
	ts, f := c.tableset(invoiceTables())
	if f != nil {
		return nil, f
	}
	if f := c.bools("runChkCPay", "runChkBankRef", "runChkRevChrg", "suppressUserPrompts"); f != nil {
		return nil, f
	}
	tab, group := c.str("cTableName"), c.str("cGroupID")
	if !slices.Contains(invoiceTables(), tab) {
		return nil, business(tab, "", "Table %s is not a table of an AP invoice.", tab)
	}
	if _, f := c.openGroup(group); f != nil {
		return nil, f
	}
	for _, h := range ts.changes(tabHed) {
		if h.str("GroupID") != group {
			return nil, business(tabHed, "GroupID", "The invoice is of group %s, not of %s.", h.str("GroupID"), group)
		}
	}
	p := c.prompted(tab)
	out := results{
		"requiresUserInput": p.RequiresUserInput, "opMessage": p.Message, "opMsgChkBankRef": p.BankReference,
		"opChkRevMsg": p.ReverseCharge, "lEnableGenLegalNum": false, "opDUAMsg": "", "lUpdateRan": false, "ds": ts,
	}
	if !p.NotRun && (!p.RequiresUserInput || p.Asks) {
		if f := c.wholeRows(ts); f != nil {
			return nil, f
		}
		u, f := c.apply(ts)
		if f != nil {
			return nil, f
		}
		// A tableset in which nothing is marked commits nothing.
		if len(u.order) > 0 {
			out["ds"], out["lUpdateRan"] = u.result(), true
		}
	}
	out["grpTotalInvAmt"] = wire.DecimalOf(c.co.groupTotal(group))
	return out, nil
}

// wholeRows refuses a tableset that lacks rows of an invoice that it changes.
func (c *call) wholeRows(ts *tableset) *fault {
	if !c.s.opts.WholeRows {
		return nil
	}
	for _, h := range ts.rows[tabHed] {
		inv, ok := c.co.invoices[c.co.invoiceKey(h.int("VendorNum"), h.str("InvoiceNum"))]
		if !ok || h.str("RowMod") == added {
			continue
		}
		for _, name := range keptTables() {
			key := c.co.schema[name].key
			for _, r := range inv.rows(name) {
				if !slices.ContainsFunc(ts.rows[name], func(x row) bool { return x.same(r, key) }) {
					return business(name, "", "Row %s of table %s is missing: a tableset must come back with every row it was given with.", r.key(key), name)
				}
			}
		}
	}
	return nil
}

// deleteMaster deletes the invoice that keyValue (VendorNum) and keyValue2 (InvoiceNum) name.
func deleteMaster(c *call) (results, *fault) {
	if _, f := c.tableset(invoiceTables()); f != nil {
		return nil, f
	}
	n, err := strconv.ParseInt(c.str("keyValue"), 10, 64)
	if err != nil {
		return nil, badArgument("Parameter keyValue must be a VendorNum")
	}
	inv, f := c.invoice(n, c.str("keyValue2"))
	if f != nil {
		return nil, f
	}
	group := c.str("cGroupID")
	if inv.hed.str("GroupID") != group {
		return nil, business(tabHed, "GroupID", "The invoice is of group %s, not of %s.", inv.hed.str("GroupID"), group)
	}
	if f := c.deleteInvoice(inv.hed.key(c.co.schema[tabHed].key)); f != nil {
		return nil, f
	}
	return results{
		"ds": newTableset(invoiceTables()), "lEnableGenLegalNum": false,
		"grpTotalInvAmt": wire.DecimalOf(c.co.groupTotal(group)),
	}, nil
}

func deleteByID(c *call) (results, *fault) {
	inv, f := c.invoice(c.int("vendorNum"), c.str("invoiceNum"))
	if f != nil {
		return nil, f
	}
	return nil, c.deleteInvoice(inv.hed.key(c.co.schema[tabHed].key))
}

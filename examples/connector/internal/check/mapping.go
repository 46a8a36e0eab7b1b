package check

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/document"
)

// mapping looks at the rules, and at what they name in Epicor; conn is nil where
// Epicor was not read, and why says it.
func (c *checker) mapping(ctx context.Context, t app.Tenant, conn *app.Connection, why string) {
	set, err := rules.LoadFile(t.Mapping)
	var faults rules.Errors
	switch {
	case errors.As(err, &faults):
		for _, f := range faults {
			c.bad(Wrong, Mapping, "rules", Finance, "mend the line", f.Error())
		}
		return
	case err != nil:
		c.bad(Missing, Mapping, "rules", Operator, "name the file of the rules as mapping", strings.TrimPrefix(err.Error(), "rules: "))
		return
	}
	c.ok(Mapping, "rules", "%d account rules in %s, version %.12s (without Epicor's tables)", set.Rules(), t.Mapping, set.Version())
	if conn == nil {
		c.untried(Mapping, "names", why)
		return
	}
	tables, err := epicorsync.Tables(conn.Epicor, &t.Epicor.Tables).Snapshot(ctx)
	if err != nil {
		c.untried(Mapping, "names", "vendors and accounts could not be read: "+oneLine(err.Error()))
		return
	}
	y, m, d := c.now().Date()
	today := document.Date(fmt.Sprintf("%04d-%02d-%02d", y, int(m), d))
	names, wrong := set.Names(), 0
	for _, n := range names {
		if why := unusable(n, tables, today); why != "" {
			wrong++
			c.bad(Wrong, Mapping, "names", Finance, "mend the line, or the master data in Epicor", n.Place()+": "+n.Path+" "+why)
		}
	}
	if wrong == 0 {
		c.ok(Mapping, "names", "%d vendors and accounts that the rules name exist in Epicor and are active", len(names))
	}
}

// unusable says why what a rule names cannot be used, "" when it can.
func unusable(n rules.Name, tables *document.Tables, today document.Date) string {
	first := ""
	for _, value := range n.Values {
		why := "is not in Epicor"
		switch n.Kind {
		case rules.VendorName:
			if v, there := tables.Vendor(value); there {
				if !v.Inactive {
					return ""
				}
				why = "is inactive"
			}
		case rules.AccountName:
			if a, there := tables.Account(value); there {
				reason, open := a.OpenOn(today)
				if open {
					return ""
				}
				why = "cannot be used: " + reason
			}
		}
		if first == "" {
			first = fmt.Sprintf("names %s %s, which %s", n.Kind, value, why)
		}
	}
	if len(n.Values) > 1 {
		return fmt.Sprintf("leads to none of %d accounts that can be used, such as %s", len(n.Values), n.Values[0])
	}
	return first
}

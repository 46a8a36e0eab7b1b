package rules

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// judge says what of a correction the ERP has no longer, or not on its apply
// date.
func (m *Mapper) judge(c document.Posting) error {
	if m.tables == nil {
		return nil
	}
	tables, err := m.tables.Snapshot(context.Background()) // a Differ is given none
	if err != nil {
		return fmt.Errorf("rules: reading the ERP's tables: %w", err)
	}
	if tables == nil {
		return errors.New("rules: reading the ERP's tables: there are none")
	}
	if _, blind := m.tables.(unchecked); blind {
		return nil
	}
	r := &run{set: m.set, rules: &m.set.content, tables: tables, places: make(map[string]int)}
	for i, inv := range c.Invoices {
		r.apply = inv.ApplyDate
		at := fmt.Sprintf("correction, invoice %d", i+1)
		r.correctedVendor(inv.Vendor, at+", vendor")
		for _, l := range inv.Lines {
			for _, s := range l.Splits {
				r.correctedAccount(s.Account, at)
			}
		}
	}
	if len(r.issues) > 0 {
		return r.issues
	}
	return nil
}

// correctedVendor stops a correction for a vendor that cannot be booked to.
func (r *run) correctedVendor(id, field string) {
	v, found := r.tables.Vendor(id)
	issue := connector.Issue{Field: field, Value: id, Owner: connector.Finance, Needs: "vendor/" + id}
	who := fmt.Sprintf("vendor %q", clip(id))
	if r.loginIsID() && strings.Contains(id, "@") {
		issue.Personal, issue.Needs, who = true, "", "the employee's vendor"
	}
	var state, todo string
	switch {
	case !found:
		issue.Code, state, todo = VendorMissing, "is not in the ERP any more", "Create "+who+" in the ERP again"
	case v.Inactive:
		issue.Code, state, todo = VendorInactive, "is inactive in the ERP", "Activate "+who+" in the ERP"
	case v.Unapproved:
		issue.Code, state, todo = VendorUnapproved, "is not approved in the ERP", "Approve "+who+" in the ERP"
	case v.Hold && r.rules.PayHold == refuse:
		issue.Code, state, todo = VendorHold, "has its payments held in the ERP", "Release the payment hold of "+who+" in the ERP"
	default:
		return
	}
	issue.Message = fmt.Sprintf("an earlier revision was posted to %s, and the correction must be, but it %s", who, state)
	issue.Remedy = todo + " until the correction is posted, then replay."
	r.issue(issue)
}

// correctedAccount stops a correction of an account that may not be booked on the
// correction's apply date.
func (r *run) correctedAccount(account, at string) {
	a, found := r.tables.Account(account)
	issue := connector.Issue{Field: at + ", GL account", Value: account, Needs: "glaccount/" + account}
	const since = "the correction of an earlier revision books account %s, "
	if !found {
		issue.Code = AccountUnknown
		issue.Message = fmt.Sprintf(since+"which the ERP does not have any more", clip(account))
		issue.Remedy = fmt.Sprintf("Create account %s in the ERP again until the correction is posted, then replay.", clip(account))
		r.issue(issue)
		return
	}
	if why, open := a.OpenOn(r.apply); !open {
		issue.Code = AccountInactive
		issue.Message = fmt.Sprintf(since+"but %s (apply date %s)", clip(account), why, r.apply)
		issue.Remedy = fmt.Sprintf("Open account %s in the ERP on %s until the correction is posted, then replay; or enter the correction in the ERP by hand.", clip(account), r.apply)
		r.issue(issue)
	}
}

package rules

import (
	"fmt"
	"strings"

	"github.com/ml-connector/ml-connector/mapping"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// vendor finds the ERP's vendor of a group: one that exists, never a new one.
func (r *run) vendor(g *group) (id string, why mapping.Reason) {
	var field string
	var owner connector.Owner
	switch {
	case r.doc.Kind == document.Invoice:
		field, owner = "supplier", connector.Purchasing
		id, why = r.supplier()
	case g.employee:
		field, owner = "employee", connector.Finance
		id, why = r.employee()
	default:
		field, owner = "payment type "+g.payment, connector.Finance
		id = g.vendor.value
		why = mapping.Reason{Rule: g.rule + " (" + r.set.at(g.vendor.at) + ")", Input: "payment type " + g.payment}
	}
	why.Field, why.Value = "vendor", id
	if id == "" || r.blind {
		return id, why
	}
	v, found := r.tables.Vendor(id)
	other := r.otherVendor(g, why)
	issue := connector.Issue{Field: field, Value: id, Owner: owner, Needs: "vendor/" + id}
	switch {
	case !found:
		issue.Code = VendorMissing
		issue.Message = fmt.Sprintf("the ERP has no vendor %q, which the %s is by %s", clip(id), field, why.Rule)
		issue.Remedy = fmt.Sprintf("Create vendor %q in the ERP, or %s, then replay.", clip(id), other)
	case v.Inactive:
		issue.Code = VendorInactive
		issue.Message = fmt.Sprintf("vendor %q is inactive in the ERP", clip(id))
		issue.Remedy = fmt.Sprintf("Activate vendor %q in the ERP, or %s, then replay.", clip(id), other)
	case v.Unapproved:
		issue.Code = VendorUnapproved
		issue.Message = fmt.Sprintf("vendor %q is not approved in the ERP", clip(id))
		issue.Remedy = fmt.Sprintf("Approve vendor %q in the ERP, or %s, then replay.", clip(id), other)
	case v.Hold && r.rules.PayHold == refuse:
		issue.Code = VendorHold
		issue.Message = fmt.Sprintf("payments to vendor %q are held in the ERP", clip(id))
	default:
		return id, why
	}
	if g.employee && strings.HasPrefix(why.Rule, "employees.pattern") && r.loginIsID() {
		issue = r.withoutLogin(issue)
	}
	r.issue(issue)
	return id, why
}

// withoutLogin tells an issue of a vendor whose id holds the employee's login, a
// person's e-mail address, without it: messages and remedies go to logs and to the
// source.
func (r *run) withoutLogin(i connector.Issue) connector.Issue {
	employeeID := strings.TrimSpace(r.doc.Owner.EmployeeID)
	what, todo := "is not in the ERP", "Create the vendor in the ERP with the id that employees.pattern makes of the login"
	switch i.Code {
	case VendorInactive:
		what, todo = "is inactive in the ERP", "Activate that vendor in the ERP"
	case VendorUnapproved:
		what, todo = "is not approved in the ERP", "Approve that vendor in the ERP"
	case VendorHold:
		what, todo = "has its payments held in the ERP", fmt.Sprintf("Release the payment hold of that vendor in the ERP, or write pay_hold: allow in %s", r.set.name)
	}
	i.Personal = true
	i.Message = fmt.Sprintf("the vendor that employees.pattern (%s) makes of the employee's login %s", r.set.at(r.rules.Employees.Pattern.at), what)
	i.Remedy = fmt.Sprintf("%s, or name another by a line with the employee id %q under employees.vendors in %s, then replay.", todo, clip(employeeID), r.set.name)
	// What is waited for is kept and told as it stands.
	i.Needs = ""
	if employeeID != "" {
		i.Needs = "employee/" + employeeID
	}
	return i
}

// otherVendor says where in the rules another vendor is named for a group.
func (r *run) otherVendor(g *group, why mapping.Reason) string {
	table, key := "suppliers.vendors", ""
	switch {
	case why.Row != "" || r.doc.Kind != document.Invoice && !g.employee:
		return "write another vendor id at " + why.Rule
	case g.employee:
		table, key = "employees.vendors", strings.TrimSpace(r.doc.Owner.EmployeeID)
	case r.doc.Supplier != nil:
		key = strings.TrimSpace(r.doc.Supplier.Code)
	}
	return fmt.Sprintf("name another by a line %q under %s in %s", clip(key)+": <vendor id>", table, r.set.name)
}

// supplier matches by the vendor's code, or by an explicit line; never by name.
func (r *run) supplier() (string, mapping.Reason) {
	rules := r.rules.Suppliers
	var code, address string
	if s := r.doc.Supplier; s != nil {
		code, address = strings.TrimSpace(s.Code), strings.TrimSpace(s.AddressCode)
	}
	if code == "" {
		r.issue(connector.Issue{Code: SupplierCodeMissing, Field: "supplier"})
		return "", mapping.Reason{}
	}
	for _, key := range []string{code + "/" + address, code} {
		if line, listed := rules.Vendors[key]; listed {
			return line.value, mapping.Reason{Rule: "suppliers.vendors (" + r.set.at(line.at) + ")", Input: "supplier " + key, Row: key}
		}
	}
	if rules.Unlisted == refuse {
		r.issue(connector.Issue{
			Code: SupplierUnlisted, Field: "supplier", Value: code,
			Message: fmt.Sprintf("supplier %q is in no line under suppliers.vendors", clip(code)),
			Remedy:  fmt.Sprintf("Add a line %q under suppliers.vendors (%s), then replay.", clip(code)+": <vendor id>", r.set.at(rules.At)),
		})
		return "", mapping.Reason{}
	}
	return code, mapping.Reason{Rule: "suppliers as is (" + r.set.at(rules.At) + ")", Input: "supplier " + code}
}

// employee matches by an explicit line, then in the order of employees.match.
func (r *run) employee() (string, mapping.Reason) {
	rules := r.rules.Employees
	employeeID, login := strings.TrimSpace(r.doc.Owner.EmployeeID), strings.TrimSpace(r.doc.Owner.Login)
	input := "employee " + employeeID
	if line, listed := rules.Vendors[employeeID]; listed && employeeID != "" {
		return line.value, mapping.Reason{Rule: "employees.vendors (" + r.set.at(line.at) + ")", Input: input, Row: employeeID}
	}
	guess, why := "", mapping.Reason{Rule: "employees (" + r.set.at(rules.At) + ")", Input: input}
	for _, way := range rules.Match {
		switch way.value {
		case column:
			if employeeID == "" {
				continue
			}
			ids := r.tables.VendorsOf(employeeID)
			if len(ids) > 1 {
				r.ambiguous(ids, "links the vendors %s to one employee", employeeID)
				return "", mapping.Reason{}
			}
			if len(ids) == 1 {
				why.Rule = "employees.match column (" + r.set.at(way.at) + ")"
				return ids[0], why
			}
		case taxID:
			id, there := value(r.doc.Custom, rules.TaxID.value)
			if !there {
				continue
			}
			ids := r.tables.VendorsByTaxID(id)
			if len(ids) > 1 {
				r.ambiguous(ids, "has the vendors %s with the tax id of the employee", employeeID)
				return "", mapping.Reason{}
			}
			if len(ids) == 1 {
				if r.anothers(ids[0], employeeID) {
					return "", mapping.Reason{}
				}
				why.Rule = "employees.match tax_id (" + r.set.at(way.at) + ")"
				return ids[0], why
			}
		case pattern:
			filled, missing := rules.Pattern.fill(func(word string) string {
				if word == "login" {
					return login
				}
				return employeeID
			})
			if len(missing) > 0 {
				continue
			}
			if guess == "" {
				guess = filled
				why.Rule = "employees.pattern (" + r.set.at(rules.Pattern.at) + ")"
			}
			if _, there := r.tables.Vendor(filled); there {
				if r.anothers(filled, employeeID) {
					return "", mapping.Reason{}
				}
				return filled, why
			}
		}
	}
	if guess == "" && employeeID != "" && r.blind {
		return "vendor of employee " + employeeID, why
	}
	if guess == "" && employeeID == "" {
		r.issue(connector.Issue{Code: EmployeeIDMissing, Field: "employee"})
		return "", mapping.Reason{}
	}
	if guess == "" {
		r.issue(connector.Issue{
			Code: VendorMissing, Field: "employee", Value: employeeID, Owner: connector.Finance,
			Message: fmt.Sprintf("no vendor in the ERP is linked to employee %q", clip(employeeID)),
			Remedy:  fmt.Sprintf("Enter the employee id at the vendor in the ERP, or name the vendor by a line %q under employees.vendors (%s), then replay.", clip(employeeID)+": <vendor id>", r.set.at(rules.At)),
			Needs:   "employee/" + employeeID,
		})
	}
	return guess, why
}

// anothers stops a vendor that was found by its own id or its tax id, and that
// the ERP links to another employee: he would be paid.
func (r *run) anothers(id, employeeID string) bool {
	v, _ := r.tables.Vendor(id)
	linked := strings.TrimSpace(v.EmployeeID)
	if linked == "" || strings.EqualFold(linked, employeeID) {
		return false
	}
	r.issue(connector.Issue{
		Code: VendorAmbiguous, Field: "employee", Value: id, Personal: r.loginIsID(),
		Message: "the vendor that the rules make of the employee is linked to another employee in the ERP",
		Remedy:  fmt.Sprintf("Correct the employee id at the vendor in the ERP, or name the employee's vendor by a line with the employee id %q under employees.vendors (%s), then replay.", clip(employeeID), r.set.at(r.rules.Employees.At)),
	})
	return true
}

// loginIsID reports whether a vendor's id may hold the employee's login, which is
// a person's e-mail address.
func (r *run) loginIsID() bool { return r.rules.Employees.Pattern.uses("login") }

// ambiguous says that several vendors of the ERP may be the employee.
func (r *run) ambiguous(ids []string, what, employeeID string) {
	r.issue(connector.Issue{
		Code: VendorAmbiguous, Field: "employee", Value: strings.Join(ids, ", "),
		Message: fmt.Sprintf("the ERP "+what, clip(strings.Join(ids, ", "))),
		Remedy:  fmt.Sprintf("Leave one of them in the ERP, or choose by a line %q under employees.vendors (%s), then replay.", clip(employeeID)+": <vendor id>", r.set.at(r.rules.Employees.At)),
	})
}

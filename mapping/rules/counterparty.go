package rules

import (
	"strings"

	"github.com/ml-connector/ml-connector/sync/document"
)

// VendorOfSupplier returns the vendor of the ERP that a supplier of the source
// has by the rules: the line of its code and address, that of its code, or the
// code itself where unlisted ones are taken as they are. "": the rules name none.
// Whether the ERP has that vendor is not looked at.
func (s *Set) VendorOfSupplier(code, addressCode string) string {
	code, addressCode = strings.TrimSpace(code), strings.TrimSpace(addressCode)
	if code == "" {
		return ""
	}
	rules := s.content.Suppliers
	for _, key := range []string{code + "/" + addressCode, code} {
		if line, listed := rules.Vendors[key]; listed {
			return line.value
		}
	}
	if rules.Unlisted == refuse {
		return ""
	}
	return code
}

// VendorOfEmployee returns the vendor of the ERP that an employee has by the
// rules: the line of the employee's id, or the pattern filled in. "": the rules
// name none, or leave it to the link that the ERP keeps. Whether the ERP has that
// vendor is not looked at.
func (s *Set) VendorOfEmployee(p document.Person) string {
	rules := s.content.Employees
	employeeID, login := strings.TrimSpace(p.EmployeeID), strings.TrimSpace(p.Login)
	if line, listed := rules.Vendors[employeeID]; listed && employeeID != "" {
		return line.value
	}
	for _, way := range rules.Match {
		if way.value != pattern {
			continue
		}
		filled, missing := rules.Pattern.fill(func(word string) string {
			if word == "login" {
				return login
			}
			return employeeID
		})
		if len(missing) == 0 {
			return filled
		}
	}
	return ""
}

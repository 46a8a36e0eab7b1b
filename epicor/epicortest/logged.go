package epicortest

// LogInvoice makes an invoice logged, as a mail room does before anybody enters
// it: it has a vendor and a number and stands in no entry group.
func (s *Server) LogInvoice(companyID, vendorID, number string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	v, ok := co.vendorByID(vendorID)
	if !ok {
		panic("epicortest: company " + companyID + " has no vendor " + vendorID)
	}
	co.logged[co.invoiceKey(v.int("VendorNum"), number)] = true
}

// validateNumber tells of logged invoices only; those that were entered it does
// not know.
func validateNumber(c *call) (results, *fault) {
	v, ok := c.co.vendorByID(c.str("txtVendorID"))
	if !ok {
		return nil, business(tabHed, "VendorNumVendorID", "Supplier is not valid.")
	}
	num := v.int("VendorNum")
	return results{"intVendorNum": num, "logAPInvFound": c.co.logged[c.co.invoiceKey(num, c.str("txtInvoiceNum"))]}, nil
}

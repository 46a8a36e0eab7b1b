package epicortest

import (
	"github.com/shopspring/decimal"
)

// addCalendar gives a company its chart of accounts and its fiscal calendar.
func (s *Server) addCalendar(co *company) {
	coa := s.seedRow(co, tabCOA, nil)
	coa["COACode"], coa["Description"], coa["SeparatorChar"], coa["MasterCOA"] = co.seed.COACode, "Main chart", "-", true
	co.more[tabCOA].put(coa)
	cal := s.seedRow(co, tabCalendar, nil)
	cal["FiscalCalendarID"], cal["Description"] = co.seed.Calendar, "Main calendar"
	co.more[tabCalendar].put(cal)
}

// addYear keeps the years around the periods that were added.
func (s *Server) addYear(co *company, p Period) {
	y := s.seedRow(co, tabYear, nil)
	y["FiscalCalendarID"], y["FiscalYear"] = co.seed.Calendar, int64(p.Year)
	y.setDay("StartDate", p.Start)
	y.setDay("EndDate", p.End)
	if old, ok := co.more[tabYear].get(y.key(co.more[tabYear].def.key)); ok {
		y["NumPeriods"] = old["NumPeriods"]
		if old.day("StartDate").Before(p.Start) {
			y["StartDate"] = old["StartDate"]
		}
		if p.End.Before(old.day("EndDate")) {
			y["EndDate"] = old["EndDate"]
		}
	}
	y["NumPeriods"] = max(y.int("NumPeriods"), int64(p.Number))
	co.more[tabYear].put(y)
}

// Pay makes a posted payment of an invoice, as finance does, and returns the
// payment's HeadNum.
func (s *Server) Pay(companyID, vendorID, number string, amount decimal.Decimal, on Date) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	inv := co.mustInvoice(vendorID, number)
	co.nextPay++
	h := s.seedRow(co, tabCheck, nil)
	h["HeadNum"], h["CheckNum"], h["Posted"], h["VendorNum"] = co.nextPay, 1000+co.nextPay, true, inv.hed["VendorNum"]
	h["VendorNumVendorID"], h["CurrencyCode"], h["ChangedBy"] = inv.hed["VendorNumVendorID"], inv.hed["CurrencyCode"], "finance"
	setAll(h, amount, "CheckAmt", "DocCheckAmt")
	h.setDay("CheckDate", on)
	h.setDay("ChangeDate", s.today())
	co.more[tabCheck].put(h)
	s.paid(co, h, inv, amount, false)
	return int(co.nextPay)
}

func (s *Server) paid(co *company, h row, inv *invoice, amount decimal.Decimal, voided bool) {
	t := s.seedRow(co, tabPaid, nil)
	t["TranType"], t["HeadNum"], t["APTranNo"], t["InvoiceNum"] = "Pay", h["HeadNum"], int64(1), inv.hed["InvoiceNum"]
	t["Posted"], t["Voided"], t["CheckNum"], t["VendorNum"] = true, voided, h["CheckNum"], h["VendorNum"]
	t["CurrencyCode"], t["ChangedBy"], t["TranDate"] = h["CurrencyCode"], "finance", h["CheckDate"]
	setAll(t, amount, "TranAmt", "DocTranAmt")
	t.setDay("ChangeDate", s.today())
	co.more[tabPaid].put(t)
}

// VoidPayment takes a payment back: its head is voided, and its lines stand a
// second time, voided and with the opposite sign. The sign is an assumption to
// check on a live tenant.
func (s *Server) VoidPayment(companyID string, head int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := s.mustCompany(companyID)
	h, ok := co.more[tabCheck].get(row{"Company": co.seed.ID, "HeadNum": int64(head)}.key(co.more[tabCheck].def.key))
	if !ok {
		panic("epicortest: no such payment")
	}
	h = h.clone()
	h["Voided"] = true
	h.setDay("VoidDate", s.today())
	h.setDay("ChangeDate", s.today())
	s.stamp(h)
	co.more[tabCheck].put(h)
	for _, t := range co.more[tabPaid].rows {
		if t.int("HeadNum") != int64(head) || t.bool("Voided") {
			continue
		}
		inv := co.invoices[co.invoiceKey(t.int("VendorNum"), t.str("InvoiceNum"))]
		s.paid(co, h, inv, t.num("DocTranAmt").Neg(), true)
		return
	}
}

func (co *company) mustInvoice(vendorID, number string) *invoice {
	for _, inv := range co.invoices {
		if inv.hed.str("VendorNumVendorID") == vendorID && inv.hed.str("InvoiceNum") == number {
			return inv
		}
	}
	panic("epicortest: company " + co.seed.ID + " has no invoice " + number + " of vendor " + vendorID)
}

package concurtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// InvoicePayment is a payment that Concur's own Invoice Pay made.
type InvoicePayment struct {
	RequestID, InvoiceNumber, RequestName, SupplierName, VendorCode, VendorAddressCode string
	Status, StatusDate, CheckNumber, Currency                                          string
	// Extracted: it was given out as new already.
	Extracted bool
}

// AddInvoicePayment records a payment of Concur's own Invoice Pay.
func (c *Company) AddInvoicePayment(p InvoicePayment) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	p.Status, p.StatusDate = orElse(p.Status, "PAID"), orElse(p.StatusDate, c.s.today())
	p.Currency = orElse(p.Currency, c.opts.Currency)
	c.paid = append(c.paid, p)
}

func paymentRoutes() []route {
	const base = "/invoice/payment-confirmation/v4/payments"
	return []route{
		{"GET " + base, payment4, []string{scopePayRead}, companyOnly(serveInvoicePayments)},
		{"POST " + base, payment4, []string{scopePayWrite}, companyOnly(serveNewInvoicePayments)},
		{"POST " + base + "/bulkUpdate", payment4, []string{scopePayWrite}, companyOnly(serveInvoicePaid)},
	}
}

// pageLimit reads where a page is, and how large.
func (c *call) pageLimit() (page, limit int, refused *reply) {
	q := c.r.URL.Query()
	page, limit = 1, 500
	for name, into := range map[string]*int{"page": &page, "limit": &limit} {
		if v := q.Get(name); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil || n < 1 || n > 500 && name == "limit" {
				rep := c.refuse(http.StatusBadRequest, "Invalid value of "+name)
				return 0, 0, &rep
			}
			*into = n
		}
	}
	return page, limit, nil
}

// serveNewInvoicePayments gives each payment out once.
func serveNewInvoicePayments(c *call) reply {
	page, limit, refused := c.pageLimit()
	if refused != nil {
		return *refused
	}
	rows, skip := []map[string]any{}, (min(page, 1000)-1)*limit
	total := 0
	for i := range c.company.ledger.paid {
		p := &c.company.ledger.paid[i]
		if p.Extracted {
			continue
		}
		if total++; total > skip && len(rows) < limit {
			p.Extracted = true
			rows = append(rows, p.wire())
		}
	}
	return ok(map[string]any{"pageNumber": page, "pageLimit": limit, "totalRecordCount": total, "payments": rows})
}

func (p *InvoicePayment) wire() map[string]any {
	return map[string]any{
		"requestId": p.RequestID, "invoiceNumber": p.InvoiceNumber, "requestName": p.RequestName, "paymentMethodType": "PAYPVD",
		"paymentStatusDate": p.StatusDate, "checkNumber": p.CheckNumber, "paymentStatus": p.Status, "supplierName": p.SupplierName,
		"vendorCode": p.VendorCode, "vendorAddressCode": p.VendorAddressCode, "providerPaymentMethod": "CHECK", "invoiceCurrency": p.Currency,
		"fundingCurrency": p.Currency, "paymentCurrency": p.Currency, "foreignExchangeRate": number("1.000000"),
	}
}

func serveInvoicePayments(c *call) reply {
	q := c.r.URL.Query()
	page, limit, refused := c.pageLimit()
	if refused != nil {
		return *refused
	}
	hits := []map[string]any{}
	for _, p := range c.paid() {
		if !isOrAny(q.Get("invoiceNumber"), p.InvoiceNumber) || !isOrAny(q.Get("vendorCode"), p.VendorCode) || !isOrAny(q.Get("addressCode"), p.VendorAddressCode) ||
			!isOrAny(q.Get("vendorName"), p.SupplierName) || q.Get("payStatusFromDate") > p.StatusDate ||
			q.Get("payStatusToDate") != "" && q.Get("payStatusToDate") < p.StatusDate {
			continue
		}
		hits = append(hits, p.wire())
	}
	from := min(len(hits), (min(page, len(hits)+1)-1)*limit)
	return ok(map[string]any{
		"pageNumber": page, "pageLimit": limit, "totalRecordCount": len(hits), "payments": hits[from:min(len(hits), from+limit)],
	})
}

func (c *call) paid() []InvoicePayment { return c.company.ledger.paid }

// invoicePaid is a row of bulkUpdate.
type invoicePaid struct {
	RequestID         string            `json:"requestId,omitempty"`
	InvoiceNumber     string            `json:"invoiceNumber,omitempty"`
	InvoiceAmount     json.RawMessage   `json:"invoiceAmount,omitempty"`
	VendorName        string            `json:"vendorName,omitempty"`
	VendorCode        string            `json:"vendorCode,omitempty"`
	VendorAddressCode string            `json:"vendorAddressCode,omitempty"`
	Status            string            `json:"paymentStatus,omitempty"`
	StatusDate        string            `json:"paymentStatusDate,omitempty"`
	CheckNumbers      []string          `json:"checkNumbers,omitempty"`
	Method            string            `json:"paymentMethodType,omitempty"`
	Amount            json.RawMessage   `json:"paymentAmount,omitempty"`
	Notes             string            `json:"notesToSupplier,omitempty"`
	Adjustment        string            `json:"paymentAdjNotes,omitempty"`
	Custom            map[string]string `json:"customFields,omitempty"`
	Message           string            `json:"errorMessage,omitempty"`
}

func serveInvoicePaid(c *call) reply {
	var in []invoicePaid
	if err := c.decode(&in); err != nil || len(in) == 0 || len(in) > 500 {
		return c.refuse(http.StatusBadRequest, "1 to 500 updates are required")
	}
	var done, failed []invoicePaid
	for _, u := range in {
		custom := u.Custom
		u.Status, u.Custom = orElse(u.Status, "PAID"), nil // the answer leaves them out
		p, message := c.invoiceOf(u)
		switch {
		case message != "":
		case !slices.Contains([]string{"PAID", "VOID", "CANCEL"}, u.Status):
			message = "Invalid paymentStatus"
		case u.StatusDate == "" || !parses("2006-01-02", u.StatusDate):
			message = "Missing or invalid parameter paymentStatusDate"
		case u.Status == "PAID" && p.PaymentStatus != c.company.opts.Invoice.Extracted,
			u.Status != "PAID" && p.PaymentStatus != c.company.opts.Invoice.Extracted && p.PaymentStatus != c.company.opts.Invoice.Paid:
			message = "Request does not have a Payment Status of Extracted"
		}
		if message != "" {
			u.Message = message
			failed = append(failed, u)
			continue
		}
		now := c.s.now()
		p.LastModified = now
		if u.Status == "PAID" {
			p.PaymentStatus, p.PaidDate = c.company.opts.Invoice.Paid, now
		} else {
			p.PaymentStatus = c.company.opts.Invoice.Extracted
		}
		for k, v := range custom {
			if p.Custom == nil {
				p.Custom = map[string]string{}
			}
			p.Custom["C"+strings.TrimPrefix(k, "c")] = v
		}
		done = append(done, u)
	}
	body := map[string]any{"status": "OK", "successCount": len(done), "failureCount": len(failed)}
	status := http.StatusOK
	if len(done) > 0 {
		body["successfulPayments"] = done
	}
	if len(failed) > 0 {
		body["failedPayments"] = failed
		body["status"], status = "MULTI_STATUS", http.StatusMultiStatus
	}
	if len(done) == 0 {
		body["status"], status = "BAD_REQUEST", http.StatusBadRequest
	}
	return reply{status: status, body: body}
}

// invoiceOf finds the invoice that an update names, or says why it does not.
func (c *call) invoiceOf(u invoicePaid) (*PaymentRequest, string) {
	if u.RequestID != "" {
		if p := c.company.request(u.RequestID); p != nil {
			return p, ""
		}
		return nil, "No request found for requestId " + u.RequestID
	}
	if u.InvoiceNumber == "" {
		return nil, "Missing parameter requestId/invoiceNumber"
	}
	if u.VendorName == "" && u.VendorCode == "" {
		return nil, "Missing parameter vendorName/vendorCode"
	}
	var hits []*PaymentRequest
	for _, p := range c.company.requests {
		if p.InvoiceNumber == u.InvoiceNumber && isOrAny(u.VendorCode, p.Vendor.Code) && isOrAny(u.VendorAddressCode, p.Vendor.AddressCode) && isOrAny(u.VendorName, p.Vendor.Name) {
			hits = append(hits, p)
		}
	}
	switch len(hits) {
	case 0:
		return nil, "No request found for invoiceNumber " + u.InvoiceNumber
	case 1:
		return hits[0], ""
	default:
		return nil, "Multiple requests found for invoiceNumber " + u.InvoiceNumber
	}
}

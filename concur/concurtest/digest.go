package concurtest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// digest follows the "Payment Request Digest v3" page; dates have a space and
// one digit of a second, as live answers are reported to have.
func (c *call) digest(p *PaymentRequest) object {
	var o object
	name := ""
	if u := c.company.userByLogin(p.Owner); u != nil {
		name = u.LastName + ", " + u.FirstName
	}
	base := c.base() + "/api/v3.0/invoice/"
	o.put("ApprovalStatusCode", p.ApprovalStatus)
	o.put("CreateDate", stamp(p.CreateDate))
	o.put("CurrencyCode", p.Currency)
	o.put("ExtractedDate", stamp(p.ExtractDate))
	o.put("ID", p.ID)
	o.put("InvoiceNumber", p.InvoiceNumber)
	o.put("IsDeleted", yesNo(p.Deleted))
	o.put("LastModifiedDate", stamp(p.LastModified))
	o.put("OwnerLoginID", p.Owner)
	o.put("OwnerName", name)
	o.put("PaidDate", stamp(p.PaidDate))
	o.put("PaymentMethod", p.PaymentMethod)
	o.put("PaymentRequestId", p.ID)
	o.put("PaymentRequestUri", base+"paymentrequest/"+p.ID)
	o.put("PaymentStatusCode", p.PaymentStatus)
	o.put("PurchaseOrderNumber", p.PurchaseOrderNumber)
	o.put("Total", text8(p.Amount.Decimal))
	o.put("URI", base+"paymentrequestdigests/"+p.ID)
	o.put("UserDefinedDate", dayStamp(p.InvoiceDate))
	o.put("VendorName", p.Vendor.Name)
	return o
}

func serveDigest(c *call) reply {
	p := c.company.request(c.r.PathValue("request"))
	if p == nil {
		return c.refuse(http.StatusNotFound, "The payment request does not exist")
	}
	rep := ok(c.digest(p))
	rep.root = "PaymentRequestDigest"
	return rep
}

func serveDigests(c *call) reply {
	q := c.r.URL.Query()
	keep, err := digestFilter(q)
	if err != nil {
		return c.refuse(http.StatusBadRequest, err.Error())
	}
	limit, from, err := limitOffset(q, 1000, 1000)
	if err != nil {
		return c.refuse(http.StatusBadRequest, err.Error())
	}
	rows, last, total := []object{}, 0, 0
	var next *string
	for i, p := range c.company.requests {
		if !keep(p) {
			continue
		}
		total++
		if i < from || next != nil {
			continue
		}
		if len(rows) == limit {
			next = c.nextPage(q, last)
			continue
		}
		rows, last = append(rows, c.digest(p)), i+1
	}
	rep := ok(object{{"PaymentRequestDigest", rows}, {"NextPage", next}, {"TotalCount", total}})
	rep.root = "PaymentRequestDigests"
	return rep
}

// digestFilter reads the search parameters; dates are whole days, and both ends
// are outside: After is later than the day, Before is earlier.
func digestFilter(q url.Values) (func(*PaymentRequest) bool, error) {
	var all []func(*PaymentRequest) bool
	for name, values := range q {
		v := values[0]
		get := digestDate(strings.TrimSuffix(strings.TrimSuffix(name, "Before"), "After"))
		switch {
		case slices.Contains([]string{"limit", "offset"}, name) || v == "":
		case name == "approvalStatus":
			all = append(all, func(p *PaymentRequest) bool { return p.ApprovalStatus == v })
		case name == "paymentStatus":
			all = append(all, func(p *PaymentRequest) bool { return p.PaymentStatus == v })
		case name == "vendorInvoiceNumber":
			all = append(all, func(p *PaymentRequest) bool { return p.InvoiceNumber == v })
		case name == "payMethodType":
			all = append(all, func(p *PaymentRequest) bool { return p.PaymentMethod == v })
		case get != nil:
			if _, err := time.Parse(time.DateOnly, v); err != nil {
				return nil, fmt.Errorf("%s: date %q: want YYYY-MM-DD", name, v)
			}
			before := strings.HasSuffix(name, "Before")
			all = append(all, func(p *PaymentRequest) bool {
				day := get(p)
				return day != "" && (before && day < v || !before && day > v)
			})
		default:
			return nil, fmt.Errorf("the parameter %q is not supported", name)
		}
	}
	return func(p *PaymentRequest) bool {
		return !slices.ContainsFunc(all, func(f func(*PaymentRequest) bool) bool { return !f(p) })
	}, nil
}

func digestDate(name string) func(*PaymentRequest) string {
	day := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.DateOnly)
	}
	switch name {
	case "createDate":
		return func(p *PaymentRequest) string { return day(p.CreateDate) }
	case "submitDate":
		return func(p *PaymentRequest) string { return day(p.SubmitDate) }
	case "paidDate":
		return func(p *PaymentRequest) string { return day(p.PaidDate) }
	case "lastModifiedDate":
		return func(p *PaymentRequest) string { return day(p.LastModified) }
	case "extractedDate":
		return func(p *PaymentRequest) string { return day(p.ExtractDate) }
	case "userDefinedDate":
		return func(p *PaymentRequest) string { return p.InvoiceDate }
	default:
		return nil
	}
}

// localized is a row of the "Localized Data" specification.
type localized struct {
	Code           string `json:"Code"`
	LangCode       string `json:"LangCode"`
	LocalizedValue string `json:"LocalizedValue"`
}

func serveLocalizedData(c *call) reply {
	q := c.r.URL.Query()
	in, lang := c.company.opts.Invoice, orElse(q.Get("langCode"), "en")
	var pairs [][2]string
	switch t := q.Get("type"); t {
	case "approvalStatus":
		pairs = [][2]string{
			{in.Draft, "Not Submitted"}, {in.Pending, "Pending Approval"}, {in.Approved, "Approved"}, {in.SentBack, "Sent Back"},
		}
	case "paymentStatus":
		pairs = [][2]string{
			{in.NotPaid, "Not Paid"}, {in.PendingPayment, "Pending Payment"}, {in.Extracted, "Extracted"}, {in.Paid, "Paid"},
		}
	case "payMethod":
		for _, m := range []string{"ACH", "CARD", "CHECK", "CLIENT", "PAYPVD", "VCHER", "WIRE"} {
			pairs = append(pairs, [2]string{m, m})
		}
	case "ledgerCode":
		pairs = [][2]string{{c.company.opts.Ledger, c.company.opts.Ledger}}
	case "dataSourceCode":
		pairs = [][2]string{{"UI", "User Interface"}, {"API", "Web Service"}} // made up
	case "receiptConfirmation":
		pairs = [][2]string{{"NONE", "None"}} // made up
	case "unitOfMeasure":
		pairs = [][2]string{{"EA", "Each"}} // made up
	case "expenseType":
		for _, p := range c.company.requests {
			for _, l := range p.Lines {
				if l.ExpenseType != "" && !slices.Contains(pairs, [2]string{l.ExpenseType, l.ExpenseType}) {
					pairs = append(pairs, [2]string{l.ExpenseType, l.ExpenseType})
				}
			}
		}
	default:
		return c.refuse(http.StatusBadRequest, fmt.Sprintf("type %q is not known", t))
	}
	rows := []localized{}
	for _, p := range pairs {
		rows = append(rows, localized{Code: p[0], LangCode: lang, LocalizedValue: p[1]})
	}
	rep := ok(object{{"LocalizationData", rows}, {"TotalCount", len(rows)}})
	rep.root = "LocalizedData"
	return rep
}

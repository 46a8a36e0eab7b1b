package concurtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/shopspring/decimal"
)

func paymentRequestRoutes() []route {
	scopes := []string{scopeInvoice3}
	return []route{
		{"GET /api/v3.0/invoice/paymentrequest/{request}", version3, scopes, servePaymentRequest},
		{"GET /api/v3.0/invoice/paymentrequestdigests", version3, scopes, serveDigests},
		{"GET /api/v3.0/invoice/paymentrequestdigests/{request}", version3, scopes, serveDigest},
		{"GET /api/v3.0/invoice/localizeddata", version3, scopes, serveLocalizedData},
	}
}

// object is a JSON object in the order in which it was written: a payment
// request has far more fields than anybody fills, all of them strings or null.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		v, err := json.Marshal(m.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, fmt.Sprintf("%q:%s", m.name, v)...)
	}
	return append(b, '}'), nil
}

// put adds a text, an empty one as null.
func (o *object) put(name, value string) {
	if value == "" {
		*o = append(*o, member{name, nil})
		return
	}
	*o = append(*o, member{name, value})
}

// null adds fields that are never filled here.
func (o *object) null(names ...string) {
	for _, n := range names {
		o.put(n, "")
	}
}

func (o *object) custom(fields map[string]string, prefix string, n int) {
	for i := 1; i <= n; i++ {
		name := fmt.Sprintf("%s%d", prefix, i)
		o.put(name, fields[name])
	}
}

// stamp prints an instant as the v3 invoice services are reported to.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05") + ".0"
}

func dayStamp(day string) string {
	if day == "" {
		return ""
	}
	return day + " 00:00:00.0"
}

func yesNo(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

func servePaymentRequest(c *call) reply {
	p := c.company.request(c.r.PathValue("request"))
	if p == nil {
		// The specification has 400 without a body for whatever is wrong with the id.
		return reply{status: http.StatusBadRequest}
	}
	rep := ok(c.paymentRequest(p))
	rep.root = "PaymentRequest"
	return rep
}

// paymentRequest follows the "Payment Request v3" page and its specification,
// where every scalar is a string.
func (c *call) paymentRequest(p *PaymentRequest) object {
	var o object
	lines, tax := decimal.Zero, p.Tax
	for _, l := range p.Lines {
		lines, tax = lines.Add(l.Amount), tax.Add(l.Tax)
	}
	o.put("AmountWithoutVat", text8(p.Amount.Decimal.Sub(tax)))
	o.put("ApprovalStatus", p.ApprovalStatus)
	o.null("ApprovedByDelegate", "AssignedByUsername", "AssignedDate", "BuyerCostCenter")
	o.put("CalculatedAmount", text8(lines.Add(tax).Add(p.Shipping)))
	o.null("CheckNumber")
	own := object{}
	own.null("Address1", "Address2", "Address3", "City")
	own.put("CountryCode", c.company.opts.Country)
	own.put("Name", c.company.Name)
	own.null("PostalCode", "State")
	o = append(o, member{"CompanyBillToAddress", own}, member{"CompanyShipToAddress", own})
	o.put("CountryCode", p.Country)
	o.put("CreatedByUsername", p.Owner)
	o.put("CurrencyCode", p.Currency)
	o.custom(p.Custom, "Custom", 24)
	o.null("DataSource", "DeletedDate", "DeliverySlipNumber")
	o.put("Description", p.Description)
	o.null("DiscountPercentage", "DiscountTerms")
	name := ""
	if u := c.company.userByLogin(p.Owner); u != nil {
		name = u.LastName + ", " + u.FirstName
	}
	o.put("EmployeeName", name)
	o.put("ExternalPolicyId", p.Policy)
	o.put("ExtractDate", stamp(p.ExtractDate))
	o.put("FirstApprovalDate", stamp(p.ApprovalDate))
	o.put("FirstSubmitDate", stamp(p.FirstSubmitDate))
	o.put("ID", p.ID)
	o.put("InvoiceAmount", text8(p.Amount.Decimal))
	o.put("InvoiceDate", p.InvoiceDate)
	o.put("InvoiceNumber", p.InvoiceNumber)
	o.put("InvoiceReceivedDate", p.ReceivedDate)
	o.null("IsAssigned", "IsInvoiceConfirmed")
	o.put("IsPaymentRequestDeleted", yesNo(p.Deleted))
	o.put("IsPaymentRequestDuplicate", "false")
	o.put("IsTestTransaction", "false")
	o.put("LastSubmitDate", stamp(p.SubmitDate))
	o.put("LedgerCode", p.Ledger)
	o = append(o, member{"LineItems", c.wrap("LineItem", c.lines(p))})
	o.put("LineItemTotalAmount", text8(lines))
	o.put("LineItemVatAmount", text8(tax.Sub(p.Tax)))
	o.put("Name", p.Name)
	o.null("NotesToVendor", "OB10BuyerId", "OB10TransactionId")
	for i := 1; i <= 6; i++ {
		// The specification spells these with two digits on read too.
		o.put(fmt.Sprintf("OrgUnit0%d", i), p.Custom[fmt.Sprintf("OrgUnit%d", i)])
	}
	o.null("PaidAmount")
	o.put("PaidDate", stamp(p.PaidDate))
	o.null("PaymentAdjustmentNotes")
	o.put("PaymentDueDate", p.DueDate)
	o.put("PaymentMethod", p.PaymentMethod)
	o.null("PaymentRequestCreatedByTestUser", "PaymentRequestDeletedBy")
	o.put("PaymentStatus", p.PaymentStatus)
	o.put("PaymentTermsDays", fmt.Sprint(p.PaymentTermsDays))
	o.null("ProvincialTaxId")
	o.put("PurchaseOrderNumber", p.PurchaseOrderNumber)
	o.null("ReceiptConfirmationType")
	o.put("ShippingAmount", text8(p.Shipping))
	o.null("SubmittedByDelegate")
	o.put("TaxAmount", text8(tax))
	o.null("TaxCode", "TaxCode2", "TaxCode3", "TaxCode4")
	o.put("TotalApprovedAmount", text8(p.Amount.Decimal))
	o.put("URI", c.base()+"/api/v3.0/invoice/paymentrequest/"+p.ID)
	o.put("UserCreationDate", stamp(p.CreateDate))
	o.null("VatAmountFour", "VatAmountOne", "VatAmountThree", "VatAmountTwo")
	o.null("VatRateFour", "VatRateOne", "VatRateThree", "VatRateTwo")
	o = append(o, member{"VendorRemitAddress", c.remitTo(p.Vendor)}, member{"VendorShipFromAddress", nil})
	o.put("VendorTaxId", p.Vendor.TaxID)
	o.put("WorkflowCompleteDate", stamp(p.ApprovalDate))
	return o
}

func (c *call) remitTo(v Vendor) object {
	var o object
	o.put("Address1", v.Address1)
	o.null("Address2", "Address3")
	o.put("City", v.City)
	o.put("CountryCode", v.Country)
	o.null("DiscountTerms")
	o.put("Name", v.Name)
	o.put("PostalCode", v.PostalCode)
	o.put("State", v.State)
	if !c.s.opts.NoVendorCode {
		o.put("VendorCode", v.Code)
		o.put("AddressCode", v.AddressCode)
		o.null("ExternalId")
	}
	return o
}

// wrap puts rows under the name of one row, as the specification has it, or
// leaves them bare.
func (c *call) wrap(name string, rows []object) any {
	if c.s.opts.BareArrays {
		return rows
	}
	return object{{name, rows}}
}

func (c *call) lines(p *PaymentRequest) []object {
	rows := []object{}
	for i, l := range p.Lines {
		var o object
		as := []object{}
		for _, a := range l.Allocations {
			var w object
			w.put("AllocationAccountCode", a.AccountCode)
			w.custom(a.Custom, "Custom", 20)
			w.null("IsTestUser")
			w.put("Percentage", text8(a.Percentage))
			as = append(as, w)
		}
		o = append(o, member{"Allocations", c.wrap("Allocation", as)})
		o.put("AllocationStatus", "Full")
		o.put("AmountWithoutVat", text8(l.Amount))
		o.put("ApprovedLineItemAmount", text8(l.Amount.Add(l.Tax)))
		o.custom(l.Custom, "Custom", 20)
		o.null("DeliverySlipNumber")
		o.put("Description", l.Description)
		o.put("ExpenseTypeCode", l.ExpenseType)
		o.put("IsMatched", "false")
		o.put("LineItemId", l.ID)
		o.null("LineItemIsTestUser", "MatchedPurchaseOrderLineItemId")
		o.put("PurchaseOrderNumber", l.PONumber)
		o.put("Quantity", text8(l.Quantity))
		o.put("RequestedLineItemAmount", text8(l.Amount.Add(l.Tax)))
		o.put("RequestLineItemNumber", fmt.Sprint(i+1))
		o.null("ShipFromPostalCode", "ShipToPostalCode")
		o.put("SupplierPartId", l.ItemCode)
		o.put("Tax", text8(l.Tax))
		o.put("TaxCode", l.TaxCode)
		o.null("TaxCode2", "TaxCode3", "TaxCode4")
		o.put("TotalPrice", text8(l.Amount))
		o.null("UnitOfMeasure")
		o.put("UnitPrice", text8(l.Amount.DivRound(l.Quantity, 8)))
		o.put("VatAmount", text8(l.Tax))
		o.null("VatAmountFour", "VatAmountThree", "VatAmountTwo")
		o.null("VatRate", "VatRateFour", "VatRateThree", "VatRateTwo")
		rows = append(rows, o)
	}
	return rows
}

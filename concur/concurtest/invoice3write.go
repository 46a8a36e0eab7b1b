package concurtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

func invoiceWriteRoutes() []route {
	scopes := []string{scopeInvoice3}
	return []route{
		{"POST /api/v3.0/invoice/paymentrequest", version3, scopes, serveCreatePaymentRequest},
		{"PUT /api/v3.0/invoice/paymentrequest", version3, scopes, serveUpdatePaymentRequest},
	}
}

// input3 is an object of the write model of invoices: texts by name. What else
// stands in it the handler takes out first.
type input3 map[string]string

// texts reads an object whose scalars are texts, as the specification has it;
// names that it does not have are refused, so that no test relies on one.
func texts(b []byte, names string, others ...string) (input3, map[string]json.RawMessage, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return nil, nil, fmt.Errorf("the body is not an object")
	}
	known := strings.Fields(names)
	in, rest := input3{}, map[string]json.RawMessage{}
	for name, value := range raw {
		if slices.Contains(others, name) {
			rest[name] = value
			continue
		}
		var text string
		switch {
		case !slices.Contains(known, strings.TrimRight(name, "0123456789")) && !slices.Contains(known, name):
			return nil, nil, fmt.Errorf("%s is not known", name)
		case json.Unmarshal(value, &text) != nil:
			return nil, nil, fmt.Errorf("%s must be a text", name)
		}
		in[name] = text
	}
	return in, rest, nil
}

// body reads the whole body.
func (c *call) body() ([]byte, bool) {
	b, err := io.ReadAll(c.r.Body)
	return b, err == nil
}

// Names of the write model. Custom01, OrgUnit01 and TaxCode2 are meant by their
// names without digits.
const (
	headerNames = `AmountWithoutVat BuyerCostCenter CheckNumber CompanyBillToAddressCode CompanyShipToAddressCode CountryCode CurrencyCode
		Custom DeliverySlipNumber Description DiscountPercentage DiscountTerms EmployeeEmailAddress EmployeeId EmployeeLoginId InvoiceAmount
		InvoiceDate InvoiceNumber InvoiceReceivedDate IsEmergencyCheckRun IsInvoiceConfirmed Name NotesToVendor OB10BuyerId OB10TransactionId
		OrgUnit PaymentAdjustmentNotes PaymentAmount PaymentDueDate PaymentTermsDays ProvincialTaxId PurchaseOrderId PurchaseOrderNumber
		ReceiptConfirmationType ShippingAmount TaxAmount VatAmountFour VatAmountOne VatAmountThree VatAmountTwo VatRateFour VatRateOne
		VatRateThree VatRateTwo VendorShipFromAddressCode VendorTaxId`
	lineNames = `AmountWithoutVat Custom Description ExpenseTypeCode ItemCode PurchaseOrderNumber Quantity ShipFromPostalCode
		ShipToPostalCode SupplierPartId Tax TaxCode UnitOfMeasure UnitPrice VatAmount VatAmountFour VatAmountThree VatAmountTwo
		VatRate VatRateFour VatRateThree VatRateTwo`
)

func (in input3) number(name string) (decimal.Decimal, error) {
	if in[name] == "" {
		return decimal.Zero, nil
	}
	d, err := decimal.NewFromString(in[name])
	if err != nil {
		return decimal.Zero, fmt.Errorf("%s is not a number", name)
	}
	return d, nil
}

// customTexts returns Custom01 and OrgUnit01 under the names that are read.
func (in input3) customTexts(onto map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range onto {
		out[k] = v
	}
	for name, text := range in {
		for _, kind := range []string{"Custom", "OrgUnit"} {
			if digits, found := strings.CutPrefix(name, kind); found && digits != "" {
				out[kind+strings.TrimLeft(digits, "0")] = text
			}
		}
	}
	return out
}

// fill sets what the input names.
func (c *call) fill(p *PaymentRequest, in input3) error {
	for name, into := range map[string]*string{
		"Name": &p.Name, "Description": &p.Description, "InvoiceNumber": &p.InvoiceNumber, "CurrencyCode": &p.Currency,
		"CountryCode": &p.Country, "LedgerCode": &p.Ledger, "ExternalPolicyId": &p.Policy, "PurchaseOrderNumber": &p.PurchaseOrderNumber,
		"PurchaseOrderId": &p.PurchaseOrderNumber, "InvoiceDate": &p.InvoiceDate, "InvoiceReceivedDate": &p.ReceivedDate, "PaymentDueDate": &p.DueDate,
	} {
		if in[name] != "" {
			*into = in[name]
		}
	}
	if in["InvoiceAmount"] != "" {
		d, err := in.number("InvoiceAmount")
		if err != nil {
			return err
		}
		p.Amount = decimal.NewNullDecimal(d)
	}
	for name, into := range map[string]*decimal.Decimal{"TaxAmount": &p.Tax, "ShippingAmount": &p.Shipping} {
		if in[name] != "" {
			d, err := in.number(name)
			if err != nil {
				return err
			}
			*into = d
		}
	}
	if in["PaymentTermsDays"] != "" {
		d, err := in.number("PaymentTermsDays")
		if err != nil {
			return err
		}
		p.PaymentTermsDays = int(d.IntPart())
	}
	// The order of the employee's keys is the page's.
	for _, key := range []struct {
		name string
		of   func(*User) string
	}{
		{"EmployeeLoginId", func(u *User) string { return u.Login }},
		{"EmployeeId", func(u *User) string { return u.EmployeeNumber }},
		{"EmployeeEmailAddress", func(u *User) string { return u.Email }},
	} {
		if in[key.name] == "" {
			continue
		}
		i := slices.IndexFunc(c.company.users, func(u *User) bool { return strings.EqualFold(key.of(u), in[key.name]) })
		if i < 0 {
			return fmt.Errorf("%s names nobody", key.name)
		}
		p.Owner = c.company.users[i].Login
		break
	}
	p.Custom = in.customTexts(p.Custom)
	return nil
}

// remitted finds the one vendor that the identifier fits.
func (c *call) remitted(raw json.RawMessage) (Vendor, error) {
	id, _, err := texts(raw, "VendorCode AddressCode Name Address PostalCode")
	if err != nil {
		return Vendor{}, err
	}
	fits := func(v *vendor) bool {
		if id["VendorCode"] != "" {
			return strings.EqualFold(v.fields["VendorCode"], id["VendorCode"]) && strings.EqualFold(v.fields["AddressCode"], id["AddressCode"])
		}
		return id["Name"] != "" && v.fields["VendorName"] == id["Name"] && v.fields["Address1"] == id["Address1"] && v.fields["PostalCode"] == id["PostalCode"]
	}
	var hits []*vendor
	for _, v := range c.company.vendors {
		if fits(v) {
			hits = append(hits, v)
		}
	}
	if len(hits) != 1 {
		return Vendor{}, fmt.Errorf("VendorRemitToIdentifier fits %d vendors", len(hits))
	}
	f := hits[0].fields
	return Vendor{
		Code: f["VendorCode"], AddressCode: f["AddressCode"], Name: f["VendorName"], Address1: f["Address1"], City: f["City"],
		State: f["State"], PostalCode: f["PostalCode"], Country: f["CountryCode"], TaxID: f["TaxID"],
	}, nil
}

// line reads a line onto what stands there already.
func (c *call) line(l Line, raw json.RawMessage, further string) (Line, input3, error) {
	in, rest, err := texts(raw, lineNames+" "+further, "Allocations")
	if err != nil {
		return l, nil, err
	}
	for name, into := range map[string]*string{
		"Description": &l.Description, "ExpenseTypeCode": &l.ExpenseType, "TaxCode": &l.TaxCode, "ItemCode": &l.ItemCode, "PurchaseOrderNumber": &l.PONumber,
	} {
		if in[name] != "" {
			*into = in[name]
		}
	}
	price := decimal.Zero
	for name, into := range map[string]*decimal.Decimal{"Quantity": &l.Quantity, "Tax": &l.Tax, "UnitPrice": &price} {
		if in[name] == "" {
			continue
		}
		if *into, err = in.number(name); err != nil {
			return l, nil, err
		}
	}
	if l.Quantity.IsZero() {
		l.Quantity = decimal.NewFromInt(1)
	}
	switch {
	case in["TotalPrice"] != "":
		if l.Amount, err = in.number("TotalPrice"); err != nil {
			return l, nil, err
		}
	case in["UnitPrice"] != "":
		l.Amount = price.Mul(l.Quantity)
	}
	l.Custom = in.customTexts(l.Custom)
	var shares []json.RawMessage
	if a := rest["Allocations"]; a != nil {
		if json.Unmarshal(a, &shares) != nil {
			return l, nil, fmt.Errorf("the member Allocations must be an array")
		}
		l.Allocations = nil
	}
	sum := decimal.Zero
	for _, s := range shares {
		a, _, err := texts(s, "Percentage Custom")
		if err != nil {
			return l, nil, err
		}
		p, err := a.number("Percentage")
		if err != nil {
			return l, nil, err
		}
		sum = sum.Add(p)
		// The account follows from what the customer configured: nothing here knows it.
		l.Allocations = append(l.Allocations, LineAllocation{Percentage: p, Custom: a.customTexts(nil)})
	}
	if len(shares) > 0 && !sum.Equal(decimal.NewFromInt(100)) {
		return l, nil, fmt.Errorf("the allocations of a line must add up to 100")
	}
	return l, in, nil
}

func (c *call) wrote(p *PaymentRequest) reply {
	p.LastModified = c.s.now()
	rep := ok(map[string]string{"ID": p.ID, "URI": c.base() + "/api/v3.0/invoice/paymentrequest/" + p.ID})
	rep.root = "CreateResponse"
	return rep
}

func serveCreatePaymentRequest(c *call) reply {
	body, readable := c.body()
	in, rest, err := texts(body, headerNames+" LedgerCode ExternalPolicyId DataSource", "VendorRemitToIdentifier", "LineItems")
	if !readable || err != nil {
		return c.refuse(http.StatusBadRequest, fmt.Sprintf("the payment request is not readable: %v", err))
	}
	for _, name := range []string{"Name", "InvoiceAmount", "CountryCode"} {
		if in[name] == "" {
			return c.refuse(http.StatusBadRequest, name+" is required")
		}
	}
	if !slices.ContainsFunc([]string{"LedgerCode", "EmployeeLoginId", "EmployeeId", "EmployeeEmailAddress", "PurchaseOrderNumber", "PurchaseOrderId", "ExternalPolicyId"},
		func(name string) bool { return in[name] != "" }) {
		return c.refuse(http.StatusBadRequest, "the owner of the payment request cannot be determined")
	}
	p := PaymentRequest{}
	if err = c.fill(&p, in); err == nil {
		p.Vendor, err = c.remitted(rest["VendorRemitToIdentifier"])
	}
	var lines []json.RawMessage
	if raw := rest["LineItems"]; err == nil && raw != nil {
		err = json.Unmarshal(raw, &lines)
	}
	for _, raw := range lines {
		if err != nil {
			break
		}
		var l Line
		l, _, err = c.line(l, raw, "TotalPrice")
		p.Lines = append(p.Lines, l)
	}
	if err != nil {
		return c.refuse(http.StatusBadRequest, err.Error())
	}
	return c.wrote(c.company.addRequest(p))
}

func serveUpdatePaymentRequest(c *call) reply {
	body, readable := c.body()
	in, rest, err := texts(body, headerNames+" RequestID DoCopyDown DoCopyDownFromPO", "VendorRemitToIdentifier", "LineItems")
	if !readable || err != nil {
		return c.refuse(http.StatusBadRequest, fmt.Sprintf("the payment request is not readable: %v", err))
	}
	have := c.company.request(in["RequestID"])
	if have == nil {
		return c.refuse(http.StatusBadRequest, "RequestID names no payment request")
	}
	p := have.clone()
	if err = c.fill(&p, in); err == nil && rest["VendorRemitToIdentifier"] != nil && string(rest["VendorRemitToIdentifier"]) != "{}" {
		p.Vendor, err = c.remitted(rest["VendorRemitToIdentifier"])
	}
	if err == nil {
		err = c.changeLines(&p, rest["LineItems"])
	}
	if err != nil {
		return c.refuse(http.StatusBadRequest, err.Error())
	}
	c.company.completeLines(&p)
	*have = p
	return c.wrote(have)
}

// changeLines does what each line's action says.
func (c *call) changeLines(p *PaymentRequest, raw json.RawMessage) error {
	var rows []json.RawMessage
	if raw != nil && json.Unmarshal(raw, &rows) != nil {
		return fmt.Errorf("the member LineItems must be an array")
	}
	next := len(p.Lines)
	for _, row := range rows {
		var key struct{ LineItemID, Action string }
		if err := json.Unmarshal(row, &key); err != nil {
			return fmt.Errorf("a line item is not readable")
		}
		at := slices.IndexFunc(p.Lines, func(l Line) bool { return l.ID == key.LineItemID })
		if key.Action != "INSERT" && at < 0 {
			return fmt.Errorf("LineItemID %q is not known", key.LineItemID)
		}
		var l Line
		if at >= 0 {
			l = p.Lines[at]
		}
		l, _, err := c.line(l, row, "LineItemID Action")
		if err != nil {
			return err
		}
		switch key.Action {
		case "INSERT":
			next++
			l.ID = fmt.Sprint(next)
			p.Lines = append(p.Lines, l)
		case "UPDATE":
			p.Lines[at] = l
		case "DELETE":
			p.Lines = slices.Delete(p.Lines, at, at+1)
		default:
			return fmt.Errorf("the action %q is not known", key.Action)
		}
	}
	return nil
}

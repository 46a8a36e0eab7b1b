package concurtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// VendorRecord is one address of a supplier in the vendor master. Country and Currency are required where
// the vendor's service requires them.
type VendorRecord struct {
	Code, AddressCode string // together its identity; letter case does not count
	Name              string
	Country, Currency string
	Approved          string // Y or N, default Y
	// Fields are the further fields by the names of the Vendors v3.1 page, such as
	// City, State, PaymentTerms, Custom1.
	Fields map[string]string
}

// vendor is a stored one: every field by its name.
type vendor struct {
	id     string
	fields map[string]string
}

// limits are the fields that a caller may set, with their maximum lengths.
func vendorLimits() map[string]int {
	limits := map[string]int{
		"VendorCode": 32, "AddressCode": 32, "VendorName": 255, "CountryCode": 2, "CurrencyCode": 3, "Approved": 1,
		"VendorFormName": 64, "AccountNumber": 50, "AddressImportSyncID": 20, "Address1": 255, "Address2": 255,
		"Address3": 255, "City": 255, "State": 255, "PostalCode": 20, "ContactFirstName": 255, "ContactLastName": 255,
		"ContactPhoneNumber": 25, "ContactEmail": 255, "PurchaseOrderContactFirstName": 255,
		"PurchaseOrderContactLastName": 255, "PurchaseOrderContactPhoneNumber": 25, "PurchaseOrderContactEmail": 255,
		"TaxID": 48, "TaxType": 4, "ProvincialTaxID": 15, "PaymentMethodType": 6, "PaymentTerms": 3,
		"DiscountPercentage": 12, "DiscountTermsDays": 3, "DefaultEmployeeID": 48, "DefaultExpenseTypeName": 64,
		"ShippingMethod": 10, "ShippingTerms": 10, "VoucherNotes": 250, "IsLineItemVatIncld": 1,
		"IsVisibleForContentExtraction": 1,
	}
	for i := range 20 {
		limits["Custom"+strconv.Itoa(i+1)] = 48
	}
	return limits
}

// AddVendor adds a supplier's address, or replaces the one with its codes.
func (c *Company) AddVendor(v VendorRecord) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	f := maps.Clone(v.Fields)
	if f == nil {
		f = map[string]string{}
	}
	f["VendorCode"], f["AddressCode"], f["VendorName"] = v.Code, v.AddressCode, orElse(v.Name, v.Code)
	f["CountryCode"], f["CurrencyCode"] = orElse(v.Country, c.opts.Country), orElse(v.Currency, c.opts.Currency)
	f["Approved"] = orElse(v.Approved, "Y")
	if v.Code == "" || v.AddressCode == "" {
		panic("concurtest: AddVendor: a vendor needs a code and an address code")
	}
	if have := c.vendor(v.Code, v.AddressCode); have != nil {
		have.fields = f
		return
	}
	c.vendors = append(c.vendors, &vendor{id: c.s.ids.upper("vendor", 24), fields: f})
}

// Vendors returns the suppliers' addresses, by code and address code.
func (c *Company) Vendors() []VendorRecord {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	out := make([]VendorRecord, 0, len(c.vendors))
	for _, v := range c.vendors {
		o := VendorRecord{
			Code: v.fields["VendorCode"], AddressCode: v.fields["AddressCode"], Name: v.fields["VendorName"],
			Country: v.fields["CountryCode"], Currency: v.fields["CurrencyCode"], Approved: v.fields["Approved"],
			Fields: maps.Clone(v.fields),
		}
		for _, name := range []string{"VendorCode", "AddressCode", "VendorName", "CountryCode", "CurrencyCode", "Approved"} {
			delete(o.Fields, name)
		}
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b VendorRecord) int {
		return strings.Compare(a.Code+"\x00"+a.AddressCode, b.Code+"\x00"+b.AddressCode)
	})
	return out
}

func (c *Company) vendor(code, address string) *vendor {
	i := slices.IndexFunc(c.vendors, func(v *vendor) bool {
		return strings.EqualFold(v.fields["VendorCode"], code) && strings.EqualFold(v.fields["AddressCode"], address)
	})
	if i < 0 {
		return nil
	}
	return c.vendors[i]
}

func vendorRoutes() []route {
	const path = "/api/v3.1/invoice/vendors"
	scopes := []string{scopeVendors3}
	return []route{
		{"GET " + path, version3, scopes, serveVendors},
		{"POST " + path, version3, scopes, func(c *call) reply { return writeVendors(c, "created", (*call).createVendor) }},
		{"PUT " + path, version3, scopes, func(c *call) reply { return writeVendors(c, "updated", (*call).updateVendor) }},
		{"DELETE " + path, version3, scopes, serveDeleteVendor},
	}
}

// vendorStatus is what the service says about one record. Only SUCCESS is
// published; ERROR is made up.
type vendorStatus struct {
	Code         int    `json:"Code"`
	Message      string `json:"Message"`
	RecordNumber int    `json:"RecordNumber"`
	Type         string `json:"Type"`
}

func (v *vendor) wire() object {
	out := object{{"ID", v.id}}
	for _, name := range slices.Sorted(maps.Keys(vendorLimits())) {
		if text, set := v.fields[name]; set {
			out = append(out, member{name, text})
		}
	}
	return out
}

func serveVendors(c *call) reply {
	q := c.r.URL.Query()
	limit, from, err := limitOffset(q, 25, 1000)
	if err != nil {
		return c.refuse(http.StatusBadRequest, err.Error())
	}
	keep, err := vendorFilter(q)
	if err != nil {
		return c.refuse(http.StatusBadRequest, err.Error())
	}
	rows, last, total := []object{}, 0, 0
	var next *string
	for i, v := range c.company.vendors {
		if !keep(v) {
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
		rows, last = append(rows, v.wire()), i+1
	}
	return vendorReply(rows, "", next, total)
}

func vendorReply(rows []object, summary string, next *string, total int) reply {
	rep := ok(object{{"Vendor", rows}, {"NextPage", next}, {"RequestRunSummary", orNil(summary)}, {"TotalCount", total}, {"Items", nil}})
	rep.root = "VendorCollection"
	return rep
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// vendorFilter reads the search parameters; all compare in the way that
// searchType names, without regard to letter case.
func vendorFilter(q map[string][]string) (func(*vendor) bool, error) {
	fields := map[string]string{
		"vendorCode": "VendorCode", "addressCode": "AddressCode", "vendorName": "VendorName", "taxID": "TaxID",
		"buyerAccountNumber": "AccountNumber", "paymentMethodType": "PaymentMethodType", "address1": "Address1",
		"address2": "Address2", "address3": "Address3", "city": "City", "state": "State", "postalCode": "PostalCode",
		"country": "CountryCode",
	}
	for i := range 20 {
		fields["custom"+strconv.Itoa(i+1)] = "Custom" + strconv.Itoa(i+1)
	}
	compare := strings.EqualFold
	switch kind := first(q["searchType"]); kind {
	case "", "exact":
	case "begins":
		compare = func(v, text string) bool { return strings.HasPrefix(strings.ToLower(v), strings.ToLower(text)) }
	case "contains":
		compare = func(v, text string) bool { return strings.Contains(strings.ToLower(v), strings.ToLower(text)) }
	case "ends":
		compare = func(v, text string) bool { return strings.HasSuffix(strings.ToLower(v), strings.ToLower(text)) }
	default:
		return nil, fmt.Errorf("searchType %q is not known", kind)
	}
	var all []func(*vendor) bool
	for name, values := range q {
		text := first(values)
		field, known := fields[name]
		switch {
		case slices.Contains([]string{"limit", "offset", "sortBy", "sortDirection", "searchType"}, name) || text == "":
		case name == "approved":
			all = append(all, func(v *vendor) bool { return strings.EqualFold(text, "true") == (v.fields["Approved"] == "Y") })
		case known:
			all = append(all, func(v *vendor) bool { return compare(v.fields[field], text) })
		default:
			return nil, fmt.Errorf("the parameter %q is not supported", name)
		}
	}
	return func(v *vendor) bool {
		return !slices.ContainsFunc(all, func(f func(*vendor) bool) bool { return !f(v) })
	}, nil
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// writeVendors answers 200 whatever became of the records: each says so itself.
func writeVendors(c *call, done string, write func(*call, map[string]string) error) reply {
	var in struct {
		Vendor []map[string]any `json:"Vendor"`
	}
	if err := json.NewDecoder(c.r.Body).Decode(&in); err != nil || len(in.Vendor) == 0 {
		return reply{status: http.StatusBadRequest, body: map[string]string{"Message": "The request body holds no vendors"}, root: "Error"}
	}
	rows, failed := []object{}, 0
	for i, raw := range in.Vendor {
		status := vendorStatus{Message: "Vendor has been successfully " + done + ".", RecordNumber: i, Type: "SUCCESS"}
		fields, err := readVendor(raw)
		if err == nil {
			err = write(c, fields)
		}
		if err != nil {
			failed++
			status.Code, status.Message, status.Type = 1, err.Error(), "ERROR"
		}
		row := object{}
		for _, name := range slices.Sorted(maps.Keys(raw)) {
			row = append(row, member{name, raw[name]})
		}
		rows = append(rows, append(row, member{"StatusList", []vendorStatus{status}}))
	}
	return vendorReply(rows, fmt.Sprintf("Number of Successful Vendors - %d; Number of Warned Vendors - 0; Number of Failed Vendors - %d",
		len(rows)-failed, failed), nil, len(rows))
}

// readVendor checks what can be checked of a record by itself.
func readVendor(raw map[string]any) (map[string]string, error) {
	limits, fields := vendorLimits(), map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		limit, known := limits[name]
		text, isText := raw[name].(string)
		switch {
		case !known:
			return nil, fmt.Errorf("field %s is not known", name)
		case !isText && raw[name] != nil:
			return nil, fmt.Errorf("field %s must be a string", name)
		case len([]rune(text)) > limit:
			return nil, fmt.Errorf("field %s has more than %d characters", name, limit)
		case text != "":
			fields[name] = text
		}
	}
	for _, name := range []string{"VendorCode", "AddressCode", "CountryCode", "CurrencyCode", "VendorName"} {
		if fields[name] == "" {
			return nil, fmt.Errorf("field %s is required", name)
		}
	}
	if c := fields["CountryCode"]; len(c) != 2 || strings.ToUpper(c) != c {
		return nil, fmt.Errorf("field CountryCode must be two capital letters, not %q", c)
	}
	if m := fields["PaymentMethodType"]; m != "" && !slices.Contains([]string{"ACH", "CARD", "CHECK", "CLIENT", "PAYPVD", "VCHER", "WIRE"}, m) {
		return nil, fmt.Errorf("field PaymentMethodType cannot be %q", m)
	}
	if t := fields["PaymentTerms"]; t != "" {
		if n, err := strconv.Atoi(t); err != nil || n < 1 || n > 999 {
			return nil, fmt.Errorf("field PaymentTerms must be an integer between 1 and 999, not %q", t)
		}
	}
	// Which countries need a state is a list of the vendor's own.
	switch state := fields["State"]; fields["CountryCode"] {
	case "US", "CA", "AU":
		if len(state) < 2 || len(state) > 3 || strings.ToUpper(state) != state {
			return nil, fmt.Errorf("field State must be a state of %s, not %q", fields["CountryCode"], state)
		}
	}
	return fields, nil
}

func (c *call) createVendor(fields map[string]string) error {
	have := c.company.vendor(fields["VendorCode"], fields["AddressCode"])
	if have != nil && c.s.opts.VendorUpsert {
		maps.Copy(have.fields, fields)
		return nil
	}
	if have != nil {
		return fmt.Errorf("a vendor with the VendorCode %s and the AddressCode %s exists", fields["VendorCode"], fields["AddressCode"])
	}
	fields["Approved"] = orElse(fields["Approved"], "Y")
	fields["PaymentMethodType"] = orElse(fields["PaymentMethodType"], "CLIENT")
	c.company.vendors = append(c.company.vendors, &vendor{id: c.s.ids.upper("vendor", 24), fields: fields})
	return nil
}

// updateVendor leaves alone what is not sent, which is an assumption.
func (c *call) updateVendor(fields map[string]string) error {
	have := c.company.vendor(fields["VendorCode"], fields["AddressCode"])
	if have == nil {
		return fmt.Errorf("no vendor has the VendorCode %s and the AddressCode %s", fields["VendorCode"], fields["AddressCode"])
	}
	maps.Copy(have.fields, fields)
	return nil
}

func serveDeleteVendor(c *call) reply {
	q := c.r.URL.Query()
	code, address := q.Get("vendorCode"), q.Get("addressCode")
	have := c.company.vendor(code, address)
	if have == nil {
		return reply{status: http.StatusBadRequest, body: map[string]string{"Message": "The vendor does not exist"}, root: "Error"}
	}
	c.company.vendors = slices.DeleteFunc(c.company.vendors, func(v *vendor) bool { return v == have })
	row := append(have.wire(), member{"StatusList", []vendorStatus{{Message: "Vendor has been successfully deleted.", Type: "SUCCESS"}}})
	return vendorReply([]object{row}, "Number of Successful Vendors - 1; Number of Warned Vendors - 0; Number of Failed Vendors - 0", nil, 1)
}

package concur

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Vendor is one address of a supplier of Concur Invoice: a supplier with three
// remit-to addresses is three of these, told apart by VendorCode and
// AddressCode together. Follows the Vendors v3.1 page.
type Vendor struct {
	ID                  string `json:"ID"`
	VendorCode          Text   `json:"VendorCode"`
	AddressCode         Text   `json:"AddressCode"`
	VendorName          Text   `json:"VendorName"`
	VendorFormName      Text   `json:"VendorFormName"`
	AccountNumber       Text   `json:"AccountNumber"`
	AddressImportSyncID Text   `json:"AddressImportSyncID"` // of a vendor that an employee asked for
	Address1            Text   `json:"Address1"`
	Address2            Text   `json:"Address2"`
	Address3            Text   `json:"Address3"`
	City                Text   `json:"City"`
	State               Text   `json:"State"`
	PostalCode          Text   `json:"PostalCode"`
	Country             Text   `json:"Country"`
	CountryCode         Text   `json:"CountryCode"`
	CurrencyCode        Text   `json:"CurrencyCode"`
	ContactEmail        Text   `json:"ContactEmail"`
	TaxID               Text   `json:"TaxID"`
	TaxType             Text   `json:"TaxType"`
	PaymentMethodType   Text   `json:"PaymentMethodType"`
	PaymentTerms        Text   `json:"PaymentTerms"` // days
	DefaultEmployeeID   Text   `json:"DefaultEmployeeID"`
	Approved            Flag   `json:"Approved"`
	VisibleForCapture   Flag   `json:"IsVisibleForContentExtraction"`

	// Custom holds the fields that the customer defined, by "custom1" to
	// "custom20"; those that are empty are left out.
	Custom map[string]Text `json:"-"`
	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (v *Vendor) UnmarshalJSON(b []byte) error {
	type plain Vendor
	return readRow(b, (*plain)(v), &v.Raw, &v.Custom)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (v Vendor) MarshalJSON() ([]byte, error) {
	type plain Vendor
	return writeRow(plain(v), v.Raw, v.Custom)
}

// VendorInput is a vendor's address to be made or changed. VendorCode,
// AddressCode, VendorName, CountryCode and CurrencyCode are required. An empty
// field is not sent; what an update does to a field that is not sent is not
// documented, and that some fields are cleared with "N" suggests that it stays.
type VendorInput struct {
	VendorCode   string `json:"VendorCode"`
	AddressCode  string `json:"AddressCode"`
	VendorName   string `json:"VendorName,omitempty"`
	CountryCode  string `json:"CountryCode,omitempty"`  // ISO 3166, two capital letters
	CurrencyCode string `json:"CurrencyCode,omitempty"` // ISO 4217
	Address1     string `json:"Address1,omitempty"`
	Address2     string `json:"Address2,omitempty"`
	Address3     string `json:"Address3,omitempty"`
	City         string `json:"City,omitempty"`
	State        string `json:"State,omitempty"` // required and checked for countries that have states
	PostalCode   string `json:"PostalCode,omitempty"`
	ContactEmail string `json:"ContactEmail,omitempty"`
	TaxID        string `json:"TaxID,omitempty"`
	// PaymentMethodType is CLIENT where the customer's own ERP pays, which is the
	// vendor's default.
	PaymentMethodType   string `json:"PaymentMethodType,omitempty"`
	PaymentTerms        string `json:"PaymentTerms,omitempty"` // days, 1 to 999
	AddressImportSyncID string `json:"AddressImportSyncID,omitempty"`
	Approved            string `json:"Approved,omitempty"`                      // Y or N
	VisibleForCapture   string `json:"IsVisibleForContentExtraction,omitempty"` // Y or N

	// Other holds further fields of the page by their names, such as Custom1.
	Other map[string]string `json:"-"`
}

// MarshalJSON writes the input with its other fields.
func (v VendorInput) MarshalJSON() ([]byte, error) {
	type plain VendorInput
	b, err := json.Marshal(plain(v))
	if err != nil || len(v.Other) == 0 {
		return b, err
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	for name, text := range v.Other {
		if m[name], err = json.Marshal(text); err != nil {
			return nil, err
		}
	}
	return json.Marshal(m)
}

// VendorStatus is what the service says about one record.
type VendorStatus struct {
	Code         Text `json:"Code"`
	Message      Text `json:"Message"`
	RecordNumber Text `json:"RecordNumber"`
	Type         Text `json:"Type"` // SUCCESS is the only value that is published
}

// VendorError is a vendor that was not stored, under an answer of 200.
type VendorError struct {
	Operation               string
	VendorCode, AddressCode string
	// Statuses are the service's own words; none when it said nothing about the
	// vendor, and then whether it was stored is not known.
	Statuses []VendorStatus
	// Unclear: the answer does not say whether the vendor was stored.
	Unclear bool
}

// Error returns the refusal on one line.
func (e *VendorError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "concur: %s: vendor %q address %q", e.Operation, e.VendorCode, e.AddressCode)
	if e.Unclear {
		b.WriteString(": the answer does not say whether it was stored")
	} else {
		b.WriteString(" was not stored")
	}
	for _, s := range e.Statuses {
		fmt.Fprintf(&b, "; %s %s: %s", oneLine(string(s.Type)), oneLine(string(s.Code)), oneLine(string(s.Message)))
	}
	return b.String()
}

// Is makes a refusal ErrInvalid; of an unclear answer it is nothing.
func (e *VendorError) Is(target error) bool {
	return target == ErrInvalid && !e.Unclear
}

// VendorSearch says how the conditions of a VendorQuery compare.
type VendorSearch string

// How conditions compare.
const (
	VendorExact    VendorSearch = "exact"
	VendorBegins   VendorSearch = "begins"
	VendorContains VendorSearch = "contains"
	VendorEnds     VendorSearch = "ends"
)

// VendorQuery selects vendors. There is no condition on when one changed.
type VendorQuery struct {
	VendorCode, AddressCode, VendorName, TaxID, Country string
	Approved                                            string // "True" or "False"; "" is both
	BuyerAccountNumber, PaymentMethodType               string
	Address1, City, State, PostalCode                   string
	// Custom holds conditions on "custom1" to "custom20".
	Custom     map[string]string
	SortBy     string // such as vendorCode
	Descending bool
	Search     VendorSearch
	Limit      int // of a page; 0 leaves it to the vendor, whose default is 25 and maximum 1000
}

func (q VendorQuery) encode() string {
	v := url.Values{}
	for name, text := range map[string]string{
		"vendorCode": q.VendorCode, "addressCode": q.AddressCode, "vendorName": q.VendorName, "taxID": q.TaxID,
		"country": q.Country, "approved": q.Approved, "searchType": string(q.Search),
		"buyerAccountNumber": q.BuyerAccountNumber, "paymentMethodType": q.PaymentMethodType, "address1": q.Address1,
		"city": q.City, "state": q.State, "postalCode": q.PostalCode, "sortBy": q.SortBy,
	} {
		if text != "" {
			v.Set(name, text)
		}
	}
	for name, text := range q.Custom {
		if customInputName.MatchString(name) {
			v.Set(name, text)
		}
	}
	if q.Descending {
		v.Set("sortDirection", "desc")
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return v.Encode()
}

// VendorsService reads and writes the vendors of Concur Invoice. An answer of
// 200 does not mean that a record was stored: what became of each is told per
// record. Follows the Vendors v3.1 page. Scope: INVVEN.
type VendorsService struct{ service }

const vendorsPath = "/api/v3.1/invoice/vendors"

// List walks over all vendors that the query selects.
func (s *VendorsService) List(ctx context.Context, q VendorQuery) iter.Seq2[*Vendor, error] {
	return all(ctx, func(ctx context.Context, after string) (*Page[Vendor], error) { return s.ListPage(ctx, q, after) })
}

// ListPage returns one page: the first one when after is "", else the one at
// Page.Next of the page before, for which q is not looked at.
func (s *VendorsService) ListPage(ctx context.Context, q VendorQuery, after string) (*Page[Vendor], error) {
	const operation = "Vendors.List"
	return pageV3[Vendor](ctx, s.client, operation, vendorsPath, q.encode(), after, "Vendor")
}

// Create makes vendors and returns one error for each: nil where it was stored,
// else a *VendorError. The second result is a failure of the whole call. It is
// not sent twice. What it does to a vendor that exists is not documented. No
// maximum of vendors is documented either; keep to about a hundred.
func (s *VendorsService) Create(ctx context.Context, vendors []VendorInput) ([]error, error) {
	return s.write(ctx, "Vendors.Create", http.MethodPost, vendors)
}

// Update changes vendors and returns what became of each, as Create does.
func (s *VendorsService) Update(ctx context.Context, vendors []VendorInput) ([]error, error) {
	return s.write(ctx, "Vendors.Update", http.MethodPut, vendors)
}

// Delete removes one address of a vendor. A refusal under an answer of 200 is a
// *VendorError.
func (s *VendorsService) Delete(ctx context.Context, vendorCode, addressCode string) error {
	const operation = "Vendors.Delete"
	if vendorCode == "" || addressCode == "" {
		return &Error{Operation: operation, Status: http.StatusBadRequest, Message: "a vendor is deleted by vendor code and address code; nothing was sent"}
	}
	q := url.Values{"vendorCode": {vendorCode}, "addressCode": {addressCode}}.Encode()
	var a vendorAnswer
	if err := s.client.do(ctx, request{operation: operation, method: http.MethodDelete, path: vendorsPath, query: q, mayBeEmpty: true}, &a); err != nil {
		return err
	}
	if !a.said {
		return nil // an answer without a body has nothing to object
	}
	each, err := a.outcomes(operation, []VendorInput{{VendorCode: vendorCode, AddressCode: addressCode}})
	if err != nil {
		return err
	}
	return each[0]
}

func (s *VendorsService) write(ctx context.Context, operation, method string, vendors []VendorInput) ([]error, error) {
	if len(vendors) == 0 {
		return nil, nil
	}
	var a vendorAnswer
	body := map[string]any{"Vendor": vendors}
	if err := s.client.do(ctx, request{operation: operation, method: method, path: vendorsPath, body: body}, &a); err != nil {
		return nil, err
	}
	return a.outcomes(operation, vendors)
}

type vendorAnswer struct {
	Vendor   json.RawMessage `json:"Vendor"`
	Items    json.RawMessage `json:"Items"`
	NextPage Text            `json:"NextPage"`
	Summary  Text            `json:"RequestRunSummary"`

	said bool // a body came
}

// UnmarshalJSON notes that a body came.
func (a *vendorAnswer) UnmarshalJSON(b []byte) error {
	type plain vendorAnswer
	var p plain
	if err := json.Unmarshal(b, &p); err != nil {
		return err
	}
	*a = vendorAnswer(p)
	a.said = true
	return nil
}

// vendorRecord is what a write's answer says about one vendor.
type vendorRecord struct {
	VendorCode  Text            `json:"VendorCode"`
	AddressCode Text            `json:"AddressCode"`
	StatusList  json.RawMessage `json:"StatusList"`
}

var failedVendors = regexp.MustCompile(`(?i)failed\s+vendors?\s*-\s*(\d+)`)

// outcomes tells what became of each vendor that was sent. Only what is said to
// be stored counts as such: the values of the statuses are not published, so one
// that is not understood is no success unless the summary says that none failed.
func (a *vendorAnswer) outcomes(operation string, sent []VendorInput) ([]error, error) {
	raw := a.Vendor
	if len(bytes.TrimSpace(raw)) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		raw = a.Items
	}
	records, err := collection[vendorRecord](raw, "Vendor")
	if err != nil {
		return nil, &Error{Operation: operation, Err: shape(err)}
	}
	noneFailed := false
	if m := failedVendors.FindStringSubmatch(string(a.Summary)); m != nil {
		noneFailed = strings.Trim(m[1], "0") == ""
	}
	each := make([]error, len(sent))
	used := make([]bool, len(records))
	for i, in := range sent {
		at := -1
		for j, r := range records {
			// The vendor's codes know no letter case.
			if !used[j] && strings.EqualFold(string(r.VendorCode), in.VendorCode) && strings.EqualFold(string(r.AddressCode), in.AddressCode) {
				at = j
				break
			}
		}
		e := &VendorError{Operation: operation, VendorCode: in.VendorCode, AddressCode: in.AddressCode, Unclear: true}
		if at < 0 {
			each[i] = e
			continue
		}
		used[at] = true
		if e.Statuses, err = collection[VendorStatus](records[at].StatusList); err != nil {
			return nil, &Error{Operation: operation, Err: errors.New("a StatusList is not readable")}
		}
		stored, understood := len(e.Statuses) > 0, true
		for _, s := range e.Statuses {
			switch kind := strings.ToUpper(string(s.Type)); {
			case strings.Contains(kind, "ERR"), strings.Contains(kind, "FAIL"):
				stored = false
			case strings.Contains(kind, "SUCCESS"), strings.Contains(kind, "WARN"):
			default:
				understood = false
			}
		}
		switch {
		case len(e.Statuses) > 0 && !stored:
			e.Unclear = false
			each[i] = e
		case stored && understood, noneFailed:
		default:
			each[i] = e
		}
	}
	return each, nil
}

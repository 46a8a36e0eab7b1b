package epicor

import "encoding/json"

const vendorService = "Erp.BO.VendorSvc"

// Vendor is a supplier, or an employee who is paid as one. VendorID is what
// people type; VendorNum is the key that other tables hold. Name, address and
// tax number are personal data where the vendor is a person.
//
// Follows the table Vendor of the service Erp.BO.VendorSvc. It has no change
// stamp, only the row version SysRevID.
type Vendor struct {
	Company      string `json:"Company"`
	VendorNum    int    `json:"VendorNum"`
	VendorID     string `json:"VendorID"`
	Name         string `json:"Name"`
	CurrencyCode string `json:"CurrencyCode"`
	TermsCode    string `json:"TermsCode"`
	GroupCode    string `json:"GroupCode"`
	TaxPayerID   string `json:"TaxPayerID"`
	Address1     string `json:"Address1"`
	Address2     string `json:"Address2"`
	Address3     string `json:"Address3"`
	City         string `json:"City"`
	State        string `json:"State"`
	ZIP          string `json:"ZIP"`
	Country      string `json:"Country"`
	EMailAddress string `json:"EMailAddress"`
	ExternalID   string `json:"ExternalId"`
	Inactive     bool   `json:"Inactive"`
	Approved     bool   `json:"Approved"`
	PayHold      bool   `json:"PayHold"`
	SysRevID     int64  `json:"SysRevID"`
	SysRowID     string `json:"SysRowID"`

	// Extra holds the columns that have no field here, user-defined ones (…_c)
	// among them, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row of Vendors.
func (v *Vendor) UnmarshalJSON(b []byte) error {
	type plain Vendor
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	*v = Vendor(p)
	v.Extra = extra
	return nil
}

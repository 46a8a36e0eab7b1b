package concur

import "encoding/json"

// ERPTaxData are the tax codes of a country. Follows the Accounting Integration v4
// page of tax data.
type ERPTaxData struct {
	CountryCode  string        `json:"countryCode"` // ISO 3166
	CountryDesc  string        `json:"countryDesc,omitempty"`
	StateEntries []ERPTaxState `json:"stateEntries,omitempty"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (d *ERPTaxData) UnmarshalJSON(b []byte) error {
	type plain ERPTaxData
	return readObject(b, (*plain)(d), &d.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (d ERPTaxData) MarshalJSON() ([]byte, error) {
	type plain ERPTaxData
	return writeObject(plain(d), d.Raw)
}

// ERPTaxState is a part of a country.
type ERPTaxState struct {
	StateCode      string          `json:"stateCode"` // FR-IDF
	StateDesc      string          `json:"stateDesc,omitempty"`
	ReclaimEntries []ERPTaxReclaim `json:"reclaimEntries,omitempty"`
}

// ERPTaxReclaim is what can be reclaimed.
type ERPTaxReclaim struct {
	ReclaimCode    string       `json:"reclaimCode"`
	ReclaimDesc    string       `json:"reclaimDesc,omitempty"`
	ReclaimDetails []ERPTaxRate `json:"reclaimDetails,omitempty"`
}

// ERPTaxRate is a rate with the time that it holds for.
type ERPTaxRate struct {
	TaxCode     string  `json:"taxCode"`
	TaxRateDesc string  `json:"taxRateDesc,omitempty"`
	Percentage  Decimal `json:"percentage,omitzero"` // 7.25
	ValidFrom   Date    `json:"validFrom,omitzero"`
	ValidTo     Date    `json:"validTo,omitzero"`
}

package epicor

import "encoding/json"

const (
	currencyService = "Erp.BO.CurrencySvc"
	rateService     = "Erp.BO.CurrExRateSvc"
)

// Currency is a currency of the company.
//
// Follows the table Currency of the service Erp.BO.CurrencySvc.
type Currency struct {
	Company     string `json:"Company"`
	Code        string `json:"CurrencyCode"`
	Description string `json:"CurrDesc"`
	ISO         string `json:"ISOCurrCode"` // ISO 4217, where it is kept
	Symbol      string `json:"CurrSymbol"`
	Decimals    int    `json:"DecimalsGeneral"`
	Base        bool   `json:"BaseCurr"` // the company's own
	Inactive    bool   `json:"Inactive"`
	SysRevID    int64  `json:"SysRevID"`
	SysRowID    string `json:"SysRowID"`

	// Extra holds the columns that have no field here, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row.
func (c *Currency) UnmarshalJSON(b []byte) error {
	type plain Currency
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	*c = Currency(p)
	c.Extra = extra
	return nil
}

// ExchangeRate is a rate between two currencies from a day on.
//
// Follows the table CurrExRate of the service Erp.BO.CurrExRateSvc.
type ExchangeRate struct {
	Company  string  `json:"Company"`
	Group    string  `json:"RateGrpCode"`
	Source   string  `json:"SourceCurrCode"`
	Target   string  `json:"TargetCurrCode"`
	From     Date    `json:"EffectiveDate"`
	Rate     Decimal `json:"CurrentRate"`
	SysRevID int64   `json:"SysRevID"`
	SysRowID string  `json:"SysRowID"`

	// Extra holds the columns that have no field here, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row.
func (r *ExchangeRate) UnmarshalJSON(b []byte) error {
	type plain ExchangeRate
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	*r = ExchangeRate(p)
	r.Extra = extra
	return nil
}

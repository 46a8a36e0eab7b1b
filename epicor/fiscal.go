package epicor

import "encoding/json"

const fiscalService = "Erp.BO.FiscalCalSvc"

// FiscalCalendar is a calendar of fiscal years.
//
// Follows the table FiscalCal of the service Erp.BO.FiscalCalSvc.
type FiscalCalendar struct {
	Company     string `json:"Company"`
	ID          string `json:"FiscalCalendarID"`
	Description string `json:"Description"`
	Start       Date   `json:"StartDate"`
	End         Date   `json:"EndDate"`
	SysRevID    int64  `json:"SysRevID"`
	SysRowID    string `json:"SysRowID"`

	// Extra holds the columns that have no field here, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row.
func (c *FiscalCalendar) UnmarshalJSON(b []byte) error {
	type plain FiscalCalendar
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	*c = FiscalCalendar(p)
	c.Extra = extra
	return nil
}

// FiscalYear is one year of a fiscal calendar. Suffix tells apart two years that
// begin in the same one.
//
// Follows the table FiscalYr of the service Erp.BO.FiscalCalSvc.
type FiscalYear struct {
	Company        string `json:"Company"`
	Calendar       string `json:"FiscalCalendarID"`
	Year           int    `json:"FiscalYear"`
	Suffix         string `json:"FiscalYearSuffix"`
	Start          Date   `json:"StartDate"`
	End            Date   `json:"EndDate"`
	Periods        int    `json:"NumPeriods"`
	ClosingPeriods int    `json:"NumClosingPeriods"`
	SysRevID       int64  `json:"SysRevID"`
	SysRowID       string `json:"SysRowID"`

	// Extra holds the columns that have no field here, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row.
func (y *FiscalYear) UnmarshalJSON(b []byte) error {
	type plain FiscalYear
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	*y = FiscalYear(p)
	y.Extra = extra
	return nil
}

// FiscalPeriod is one period of a fiscal year. Its table says which periods are
// closed for fixed assets, not for payables: whether a day can be posted to is
// answered by OnChangeofApplyDateWithDateCheck, or by a column of the customer's
// own in Extra.
//
// Follows the table FiscalPer of the service Erp.BO.FiscalCalSvc.
type FiscalPeriod struct {
	Company      string `json:"Company"`
	Calendar     string `json:"FiscalCalendarID"`
	Year         int    `json:"FiscalYear"`
	Suffix       string `json:"FiscalYearSuffix"`
	Number       int    `json:"FiscalPeriod"`
	Start        Date   `json:"StartDate"`
	End          Date   `json:"EndDate"`
	AssetsClosed bool   `json:"FAClosedPeriod"` // for fixed assets
	SysRevID     int64  `json:"SysRevID"`
	SysRowID     string `json:"SysRowID"`

	// Extra holds the columns that have no field here, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row.
func (v *FiscalPeriod) UnmarshalJSON(b []byte) error {
	type plain FiscalPeriod
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	*v = FiscalPeriod(p)
	v.Extra = extra
	return nil
}

package epicor

import (
	"encoding/json"
)

const (
	glAccountService = "Erp.BO.GLAccountSvc"
	segmentService   = "Erp.BO.COASegValuesSvc"
)

// GLAccount is an account of the general ledger.
//
// Follows the table GLAccount of the service Erp.BO.GLAccountSvc, whose account
// column is GLAccount1; a column GLAccount is read where that one is missing.
// It has no change stamp, only SysRevID.
type GLAccount struct {
	Company     string `json:"Company"`
	COACode     string `json:"COACode"`
	Account     string `json:"GLAccount1"` // segments joined by "|": "6410|200|00"
	Description string `json:"AccountDesc"`
	Active      bool   `json:"Active"`
	EffFrom     Date   `json:"EffFrom"` // first day it may be used; zero: always
	EffTo       Date   `json:"EffTo"`   // last day; zero: for ever
	SysRevID    int64  `json:"SysRevID"`
	SysRowID    string `json:"SysRowID"`

	// Segments are SegValue1, SegValue2 and so on up to the last that is not empty.
	Segments []string `json:"-"`
	// Extra holds the columns that have no field here, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row of GLAccounts.
func (a *GLAccount) UnmarshalJSON(b []byte) error {
	type plain GLAccount
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	if p.Account == "" && len(extra["GLAccount"]) > 0 {
		if err := json.Unmarshal(extra["GLAccount"], &p.Account); err != nil {
			return err
		}
		delete(extra, "GLAccount")
	}
	if p.Segments, err = segments(extra); err != nil {
		return err
	}
	*a = GLAccount(p)
	a.Extra = extra
	return nil
}

// SegmentValue is one value of one segment of the chart of accounts: a natural
// account, a cost centre.
//
// Follows the table COASegValues of the service Erp.BO.COASegValuesSvc.
type SegmentValue struct {
	Company       string `json:"Company"`
	COACode       string `json:"COACode"`
	Segment       int    `json:"SegmentNbr"` // 1 to 20
	Code          string `json:"SegmentCode"`
	Name          string `json:"SegmentName"`
	Description   string `json:"SegmentDesc"`
	Active        bool   `json:"ActiveFlag"`
	EffectiveFrom Date   `json:"EffectiveFrom"`
	EffectiveTo   Date   `json:"EffectiveTo"`
	SysRevID      int64  `json:"SysRevID"`
	SysRowID      string `json:"SysRowID"`

	// Extra holds the columns that have no field here, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row of COASegValues.
func (v *SegmentValue) UnmarshalJSON(b []byte) error {
	type plain SegmentValue
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	*v = SegmentValue(p)
	v.Extra = extra
	return nil
}

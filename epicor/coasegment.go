package epicor

import "encoding/json"

const coaService = "Erp.BO.COASvc"

// Segment is one segment of a chart of accounts: the natural account, the cost
// centre. Which one is the cost centre is each customer's own.
//
// Follows the table COASegment of the service Erp.BO.COASvc.
type Segment struct {
	Company      string `json:"Company"`
	COACode      string `json:"COACode"`
	Number       int    `json:"SegmentNbr"` // 1 to 20; 1 is the natural account
	Name         string `json:"SegmentName"`
	Abbreviation string `json:"Abbreviation"`
	MaxLength    int    `json:"MaxLength"` // of a value's code
	Dynamic      bool   `json:"Dynamic"`   // accounts with a value of it need not exist before they are used
	DisplayOrder int    `json:"DisplayOrder"`
	SysRevID     int64  `json:"SysRevID"`
	SysRowID     string `json:"SysRowID"`

	// Extra holds the columns that have no field here, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row of COASegments.
func (s *Segment) UnmarshalJSON(b []byte) error {
	type plain Segment
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	*s = Segment(p)
	s.Extra = extra
	return nil
}

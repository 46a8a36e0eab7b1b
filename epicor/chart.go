package epicor

import "encoding/json"

// Chart is a chart of accounts.
//
// Follows the table COA of the service Erp.BO.COASvc.
type Chart struct {
	Company     string `json:"Company"`
	COACode     string `json:"COACode"`
	Description string `json:"Description"`
	Separator   string `json:"SeparatorChar"` // between segments on screens; in the data it is "|"
	Segments    int    `json:"NbrSegments"`
	Master      bool   `json:"MasterCOA"`
	SysRevID    int64  `json:"SysRevID"`
	SysRowID    string `json:"SysRowID"`

	// Extra holds the columns that have no field here, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row.
func (c *Chart) UnmarshalJSON(b []byte) error {
	type plain Chart
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	*c = Chart(p)
	c.Extra = extra
	return nil
}

package epicor

import "encoding/json"

const orderService = "Erp.BO.POSvc"

// PurchaseOrder is the head of a purchase order.
//
// Follows the table POHeader of the service Erp.BO.POSvc.
type PurchaseOrder struct {
	Company        string  `json:"Company"`
	Number         int     `json:"PONum"`
	VendorNum      int     `json:"VendorNum"`
	VendorID       string  `json:"VendorVendorID"`
	PurchasePoint  string  `json:"PurPoint"`
	Currency       string  `json:"CurrencyCode"`
	TermsCode      string  `json:"TermsCode"`
	OrderDate      Date    `json:"OrderDate"`
	Open           bool    `json:"OpenOrder"`
	Void           bool    `json:"VoidOrder"`
	Held           bool    `json:"OrderHeld"`
	Approved       bool    `json:"Approve"`
	ApprovalStatus string  `json:"ApprovalStatus"`
	Total          Decimal `json:"DocTotalOrder"` // in the order's currency
	ChangedBy      string  `json:"ChangedBy"`
	ChangeDate     Date    `json:"ChangeDate"` // a day, no time
	SysRevID       int64   `json:"SysRevID"`
	SysRowID       string  `json:"SysRowID"`

	// Extra holds the columns that have no field here, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row.
func (o *PurchaseOrder) UnmarshalJSON(b []byte) error {
	type plain PurchaseOrder
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	*o = PurchaseOrder(p)
	o.Extra = extra
	return nil
}

// PurchaseOrderLine is a line of a purchase order.
//
// Follows the table PODetail of the service Erp.BO.POSvc, whose key column is
// PONUM in capitals.
type PurchaseOrderLine struct {
	Company     string  `json:"Company"`
	Order       int     `json:"PONUM"`
	Line        int     `json:"POLine"`
	Description string  `json:"LineDesc"`
	PartNum     string  `json:"PartNum"`
	Quantity    Decimal `json:"OrderQty"`
	Unit        string  `json:"IUM"`
	UnitCost    Decimal `json:"DocUnitCost"` // in the order's currency
	ExtCost     Decimal `json:"DocExtCost"`
	Open        bool    `json:"OpenLine"`
	Void        bool    `json:"VoidLine"`
	ChangeDate  Date    `json:"ChangeDate"`
	SysRevID    int64   `json:"SysRevID"`
	SysRowID    string  `json:"SysRowID"`

	// Extra holds the columns that have no field here, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row.
func (l *PurchaseOrderLine) UnmarshalJSON(b []byte) error {
	type plain PurchaseOrderLine
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	*l = PurchaseOrderLine(p)
	l.Extra = extra
	return nil
}

// PurchaseOrderRelease is a delivery of a line, with what was received and invoiced.
//
// Follows the table PORel of the service Erp.BO.POSvc.
type PurchaseOrderRelease struct {
	Company  string  `json:"Company"`
	Order    int     `json:"PONum"`
	Line     int     `json:"POLine"`
	Number   int     `json:"PORelNum"`
	DueDate  Date    `json:"DueDate"`
	Quantity Decimal `json:"RelQty"`
	Received Decimal `json:"ReceivedQty"`
	Invoiced Decimal `json:"InvoicedQty"`
	Open     bool    `json:"OpenRelease"`
	Void     bool    `json:"VoidRelease"`
	SysRevID int64   `json:"SysRevID"`
	SysRowID string  `json:"SysRowID"`

	// Extra holds the columns that have no field here, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row.
func (r *PurchaseOrderRelease) UnmarshalJSON(b []byte) error {
	type plain PurchaseOrderRelease
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	*r = PurchaseOrderRelease(p)
	r.Extra = extra
	return nil
}

package epicor

import "encoding/json"

const paymentService = "Erp.BO.PaymentEntrySvc"

// Payment is one payment to a vendor: a check, a transfer. Its bank details, name
// and address are personal data where the vendor is a person.
//
// Follows the table CheckHed of the service Erp.BO.PaymentEntrySvc.
type Payment struct {
	Company    string  `json:"Company"`
	HeadNum    int     `json:"HeadNum"`
	VendorNum  int     `json:"VendorNum"`
	VendorID   string  `json:"VendorNumVendorID"`
	CheckNum   int     `json:"CheckNum"`
	Date       Date    `json:"CheckDate"`
	Currency   string  `json:"CurrencyCode"`
	Amount     Decimal `json:"DocCheckAmt"` // in the payment's currency
	Group      string  `json:"GroupID"`
	Posted     bool    `json:"Posted"`
	Voided     bool    `json:"Voided"`
	VoidDate   Date    `json:"VoidDate"`
	ChangedBy  string  `json:"ChangedBy"`
	ChangeDate Date    `json:"ChangeDate"` // a day, no time
	SysRevID   int64   `json:"SysRevID"`
	SysRowID   string  `json:"SysRowID"`

	// Extra holds the columns that have no field here, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row.
func (v *Payment) UnmarshalJSON(b []byte) error {
	type plain Payment
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	*v = Payment(p)
	v.Extra = extra
	return nil
}

// PaymentLine is what a payment pays of one invoice, or an adjustment of it. A
// void repeats the line with Voided true; that its amount has the opposite sign is
// an assumption to check on a live tenant.
//
// Follows the table APTran of the service Erp.BO.PaymentEntrySvc.
type PaymentLine struct {
	Company    string  `json:"Company"`
	HeadNum    int     `json:"HeadNum"` // of the Payment
	Number     int     `json:"APTranNo"`
	VendorNum  int     `json:"VendorNum"`
	InvoiceNum string  `json:"InvoiceNum"`
	Type       string  `json:"TranType"` // "Pay" or "Adj"
	Date       Date    `json:"TranDate"`
	Currency   string  `json:"CurrencyCode"`
	Amount     Decimal `json:"DocTranAmt"` // applied to the invoice, before discount, in its currency
	Discount   Decimal `json:"DocDiscAmt"`
	CheckNum   int     `json:"CheckNum"`
	Posted     bool    `json:"Posted"`
	Voided     bool    `json:"Voided"`
	ChangeDate Date    `json:"ChangeDate"`
	SysRevID   int64   `json:"SysRevID"`
	SysRowID   string  `json:"SysRowID"`

	// Extra holds the columns that have no field here, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row.
func (l *PaymentLine) UnmarshalJSON(b []byte) error {
	type plain PaymentLine
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	*l = PaymentLine(p)
	l.Extra = extra
	return nil
}

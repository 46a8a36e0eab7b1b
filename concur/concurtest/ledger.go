package concurtest

import "encoding/json"

// ledger is what a company has beside people, lists, reports and invoices.
type ledger struct {
	financial []*FinancialDocument
	remarks   []*remark
	faults    []*ReportFault
	orders    map[string]json.RawMessage // purchase orders by number
	receipts  []map[string]any           // goods receipts
	rates     []Rate
	images    map[string]Image
	erps      []*erp
	once      map[string]string     // reports by the idempotency id they were made with
	attendees map[string][]Attendee // by expense
	taxes     map[string]taxCodes   // by expense
	paid      []InvoicePayment      // by Invoice Pay
}

package rules

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// purchaseOrder stops what belongs to a purchase order, unless the rules say what
// becomes of it.
func (r *run) purchaseOrder(i int) {
	po := strings.TrimSpace(r.doc.Entries[i].PO)
	if po == "" || r.rules.PurchaseOrders == expense || r.entryPart != nil && allZeroShares(r.entryPart[i]) {
		return
	}
	if r.rules.PurchaseOrders == match && r.doc.Kind == document.Invoice {
		return
	}
	r.issue(connector.Issue{
		Code: PurchaseOrder, Field: fmt.Sprintf("%s %d, purchase order", r.doc.Kind.EntryWord(), i+1), Value: po,
	})
}

// ordered makes a line of an invoice a line of its purchase order, where it has
// one and the rules match orders. Whether the order's price agrees is the ERP's
// end to say, which knows it.
func (r *run) ordered(i int, p *piece) {
	e := &r.doc.Entries[i]
	po := strings.TrimSpace(e.PO)
	if po == "" || r.rules.PurchaseOrders != match {
		return
	}
	at := fmt.Sprintf("line %d, purchase order", i+1)
	order, err := strconv.Atoi(po)
	line, lineErr := strconv.Atoi(strings.TrimSpace(e.POLine))
	if err != nil || lineErr != nil || order <= 0 || line <= 0 {
		r.issue(connector.Issue{
			Code: PurchaseOrder, Field: at, Value: po,
			Message: fmt.Sprintf("order %q, line %q: the ERP's orders and their lines are numbers", clip(po), clip(strings.TrimSpace(e.POLine))),
		})
		return
	}
	if sum := p.amount(); !sum.Equal(e.Amount) {
		r.issue(connector.Issue{
			Code: ChargeUnspreadable, Field: at, Value: sum.Sub(e.Amount).String(),
			Message: fmt.Sprintf("a charge of %s would be spread over a line of order %d, which would change its price", sum.Sub(e.Amount).StringFixed(int32(r.digits)), order),
		})
		return
	}
	p.order = &document.OrderLine{Order: order, Line: line, Quantity: e.Quantity, UnitPrice: e.UnitPrice}
	if release, err := strconv.Atoi(strings.TrimSpace(e.PORelease)); err == nil && release > 0 {
		p.order.Release = release
	}
	if len(e.PackSlips) == 1 {
		p.order.PackSlip = strings.TrimSpace(e.PackSlips[0])
	}
}

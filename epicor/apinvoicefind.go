package epicor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/ml-connector/ml-connector/epicor/odata"
)

// Get reads an invoice whole, with its lines and splits. No such invoice:
// ErrNotFound.
func (s *APInvoiceService) Get(ctx context.Context, vendorNum int, number string) (*APInvoice, error) {
	inv, _, err := s.read(ctx, vendorNum, number)
	return inv, err
}

func (s *APInvoiceService) read(ctx context.Context, vendorNum int, number string) (*APInvoice, *Tableset, error) {
	ds, err := s.GetByID(ctx, vendorNum, number)
	if err != nil {
		return nil, nil, err
	}
	inv, err := s.whole(ds)
	if err != nil {
		return nil, nil, err
	}
	if inv.Number != number || inv.VendorNum != vendorNum || inv.Company != s.c.company {
		return nil, nil, &Error{Operation: invoiceService + "/GetByID", err: fmt.Errorf("asked was %d/%s, invoice %s came", vendorNum, number, inv.ID())}
	}
	return inv, ds, nil
}

// whole reads an invoice out of a tableset.
func (s *APInvoiceService) whole(ds *Tableset) (*APInvoice, error) {
	const op = invoiceService + "/GetByID"
	if len(ds.Current(tableHeader)) == 0 {
		return nil, &Error{Operation: op, Status: http.StatusNotFound, Message: "no such invoice"}
	}
	row, err := one(ds, tableHeader)
	if err != nil {
		return nil, &Error{Operation: op, err: err} // two are not none
	}
	raw, err := json.Marshal(&Tableset{order: []string{"r"}, tables: map[string][]*Row{"r": {row}}})
	if err != nil {
		return nil, &Error{Operation: op, err: err}
	}
	var h struct{ R []*APInvoice }
	if err := json.Unmarshal(raw, &h); err != nil {
		return nil, &Error{Operation: op, Message: "the header is not readable", err: err}
	}
	inv := h.R[0]
	s.fillKey(inv)
	expenses, accounts := byLine(ds.Current(tableExpense)), byLine(ds.Current(tableAccount))
	for _, l := range ds.Current(tableLine) {
		n := int(l.Int("InvoiceLine"))
		line := APInvoiceLine{
			Line: n, Description: l.Text("Description"), Amount: l.Decimal("DocExtCost"),
			Order: int(l.Int("PONum")), OrderLine: int(l.Int("POLine")), Release: int(l.Int("PORelNum")),
			PackSlip: l.Text("PackSlip"), PackLine: int(l.Int("PackLine")), Quantity: l.Decimal("VendorQty"),
		}
		for _, e := range inOrder(expenses[n]) {
			line.Splits = append(line.Splits, APInvoiceSplit{
				Seq: int(e.Int("InvExpSeq")), Account: accountOf(accounts[n], e), Amount: e.Decimal("DocExpAmt"),
			})
		}
		inv.Lines = append(inv.Lines, line)
	}
	for _, t := range ds.Current(tableTax) {
		inv.Taxes = append(inv.Taxes, APInvoiceTax{Code: t.Text("TaxCode"), Rate: t.Text("RateCode"), Amount: t.Decimal("DocTaxAmt")})
	}
	for _, a := range ds.Current(tableFile) {
		inv.Attachments = append(inv.Attachments, APInvoiceAttachment{
			Seq: int(a.Int("DrawingSeq")), FileRef: int(a.Int("XFileRefNum")), FileName: a.Text("FileName"), Description: a.Text("DrawDesc"),
		})
	}
	slices.SortStableFunc(inv.Lines, func(a, b APInvoiceLine) int { return a.Line - b.Line })
	return inv, nil
}

// byLine sorts rows by the line that they belong to.
func byLine(rows []*Row) map[int][]*Row {
	out := map[int][]*Row{}
	for _, r := range rows {
		n := int(r.Int("InvoiceLine"))
		out[n] = append(out[n], r)
	}
	return out
}

// expensesOf returns the expense rows of a line in the order of their numbers.
func expensesOf(ds *Tableset, line int) []*Row {
	return inOrder(slices.DeleteFunc(ds.Current(tableExpense), func(e *Row) bool { return int(e.Int("InvoiceLine")) != line }))
}

// inOrder sorts expense rows of one line by their numbers.
func inOrder(rows []*Row) []*Row {
	slices.SortStableFunc(rows, func(a, b *Row) int { return int(a.Int("InvExpSeq") - b.Int("InvExpSeq")) })
	return rows
}

// glRow returns the row that holds the GL account of an expense, nil when there
// is none. Where a company keeps several books there is one per book; the one of
// the expense's own book counts. That is an assumption to check on a live tenant.
func glRow(ds *Tableset, exp *Row) *Row { return glOf(ds.Current(tableAccount), exp) }

func glOf(rows []*Row, exp *Row) *Row {
	var found *Row
	for _, g := range rows {
		if g.Int("InvoiceLine") != exp.Int("InvoiceLine") || g.Int("InvExpSeq") != exp.Int("InvExpSeq") {
			continue
		}
		if g.Text("BookID") == exp.Text("BookID") {
			return g
		}
		if found == nil {
			found = g
		}
	}
	return found
}

// accountOf is the GL account of an expense, of which accounts are the rows of
// its line.
func accountOf(accounts []*Row, exp *Row) string {
	if g := glOf(accounts, exp); g != nil {
		return g.Text("GLAccount")
	}
	return exp.Text("GLAccount")
}

// Find returns every invoice that bears our key, of whatever vendor, whole, in
// the order of vendor and number; none is no error.
func (s *APInvoiceService) Find(ctx context.Context, key string) ([]*APInvoice, error) {
	if key == "" {
		return nil, errors.New("epicor: an empty key would find every invoice that is not ours")
	}
	var out []*APInvoice
	for h, err := range s.List(ctx, odata.Query{Filter: odata.Eq(s.opts.KeyColumn, key)}) {
		if err != nil {
			return nil, err
		}
		inv, err := s.Get(ctx, h.VendorNum, h.Number)
		if errors.Is(err, ErrNotFound) {
			continue // deleted since the list was read
		}
		if err != nil {
			return nil, err
		}
		// A server that ignores the filter must not hand us somebody else's.
		if inv.Key == key {
			out = append(out, inv)
		}
	}
	return out, nil
}

// FindByNumber returns the invoice with this number of the vendor that people
// know as vendorID, whole, whoever entered it. No such vendor or invoice:
// ErrNotFound.
func (s *APInvoiceService) FindByNumber(ctx context.Context, vendorID, number string) (*APInvoice, error) {
	v, err := s.vendor(ctx, vendorID)
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, v.VendorNum, number)
}

// vendor finds a vendor by what people call it.
func (s *APInvoiceService) vendor(ctx context.Context, id string) (*Vendor, error) {
	for v, err := range s.c.Vendors.List(ctx, odata.Query{
		Filter: odata.Eq("VendorID", id), Top: 2,
		Select: []string{"Company", "VendorNum", "VendorID", "Inactive", "CurrencyCode"},
	}) {
		if err != nil {
			return nil, err
		}
		// Databases often compare without case.
		if v.VendorID == id {
			return v, nil
		}
	}
	return nil, &Error{Operation: vendorService + "/Vendors", Status: http.StatusNotFound, Message: fmt.Sprintf("no vendor %q", id)}
}

// Delete deletes an invoice that is not posted and bears the key, with its lines
// and splits. It is repeatable: what is not there is deleted. A posted invoice
// gives ErrPosted, one with another key ErrConflict; neither is touched. The
// group's lock is taken and given back.
func (s *APInvoiceService) Delete(ctx context.Context, vendorNum int, number, key string) (err error) {
	inv, err := s.Get(ctx, vendorNum, number)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case key == "" || inv.Key != key:
		return fmt.Errorf("%w: invoice %s does not bear the key", ErrConflict, inv.ID())
	case inv.Posted:
		return fmt.Errorf("%w: invoice %s", ErrPosted, inv.ID())
	}
	leave, err := s.enter(ctx, inv.Group, inv.ApplyDate)
	if err != nil {
		return err
	}
	defer func() {
		lerr := leave(ctx)
		if err == nil && lerr != nil {
			err = fmt.Errorf("epicor: invoice %s is deleted, but its group stays locked: %w", inv.ID(), lerr)
			return
		}
		err = stays(nil, err, inv.Group, lerr)
	}()
	err = s.DeleteByID(ctx, vendorNum, number)
	if errors.Is(err, ErrNotFound) {
		err = s.headers.absent(ctx, err, vendorNum, number)
	}
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// ErrPosted says that the invoice is posted; it can be cancelled, not deleted.
var ErrPosted = errors.New("epicor: posted, so it cannot be deleted")

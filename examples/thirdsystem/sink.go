package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// sink makes Tally a place that postings go to: one bill for each AP invoice.
type sink struct{ erp *Tally }

var _ connector.Sink[document.Posting] = sink{}

// bills turns a delivery into the bills that shall stand in Tally. Every one
// bears the delivery's key, which is how the set is found again whatever
// happened; numbers that we made up bear the generation, since Tally never
// gives a cancelled number free.
func bills(d connector.Delivery[document.Posting]) []Bill {
	var out []Bill
	for _, inv := range d.Posting.Invoices {
		b := Bill{
			Supplier: inv.Vendor, Number: inv.Number, Reference: d.Key(),
			Date: string(inv.ApplyDate), Currency: inv.Currency, Amount: inv.Amount,
		}
		if inv.MadeUp && d.Generation > 1 {
			b.Number += "-" + strconv.Itoa(d.Generation)
		}
		for _, l := range inv.Lines {
			for _, s := range l.Splits {
				b.Lines = append(b.Lines, BillLine{Text: l.Description, Account: s.Account, Amount: s.Amount})
			}
		}
		out = append(out, b)
	}
	return out
}

// judge compares the bill that has the number, if any, with the one that shall
// stand there.
func judge(want Bill, there []Bill) (made Bill, presence connector.Presence, why string) {
	if len(there) == 0 {
		return made, connector.Absent, ""
	}
	made = there[0]
	name := "bill " + want.Number + " of " + want.Supplier
	switch {
	case made.Reference != want.Reference:
		return made, connector.Different, name + " stands there and is not ours"
	case made.Cancelled:
		return made, connector.Absent, name + " was cancelled, and Tally keeps its number"
	case fingerprint(made) != fingerprint(want):
		return made, connector.Different, name + " is ours and was changed"
	}
	return made, connector.Same, ""
}

func fingerprint(b Bill) string {
	text := fmt.Sprintf("%q %q %s", b.Date, b.Currency, b.Amount)
	for _, l := range b.Lines {
		text += fmt.Sprintf(" %q %q %s", l.Text, l.Account, l.Amount)
	}
	return text
}

// Find implements connector.Sink: it looks in Tally and nowhere else.
func (s sink) Find(ctx context.Context, d connector.Delivery[document.Posting]) (connector.Finding, error) {
	var f connector.Finding
	wanted := bills(d)
	for _, want := range wanted {
		there, err := s.erp.ByNumber(ctx, want.Supplier, want.Number)
		if err != nil {
			return connector.Finding{}, err
		}
		made, presence, why := judge(want, there)
		switch presence {
		case connector.Different:
			return connector.Finding{Presence: presence, Why: why}, nil
		case connector.Same:
			f.Receipt.Made = append(f.Receipt.Made, receipt(d, made))
		case connector.Absent, connector.Partial:
		}
	}
	switch len(f.Receipt.Made) {
	case 0:
		f.Presence = connector.Absent
	case len(wanted):
		f.Presence, f.Receipt.Final = connector.Same, true
	default:
		f.Presence, f.Why = connector.Partial, fmt.Sprintf("%d of %d bills", len(f.Receipt.Made), len(wanted))
	}
	return f, nil
}

// Deliver implements connector.Sink. It makes what is not there yet. Tally's
// refusal of a number twice is what makes this safe when two processes are here
// at once: the slower one finds the other's bill, with our key, and counts it.
func (s sink) Deliver(ctx context.Context, d connector.Delivery[document.Posting]) (connector.Receipt, error) {
	r := connector.Receipt{Final: true}
	for _, want := range bills(d) {
		made, err := s.erp.Create(ctx, want)
		switch {
		case errors.Is(err, errSupplier):
			return connector.Receipt{}, refusal("supplier_unknown", "supplier", want.Supplier, "Create the supplier in Tally, then replay this document.", err)
		case errors.Is(err, errNumberTaken):
			there, err := s.erp.ByNumber(ctx, want.Supplier, want.Number)
			if err != nil {
				return connector.Receipt{}, err
			}
			found, presence, why := judge(want, there)
			if presence != connector.Same {
				return connector.Receipt{}, refusal("number_taken", "number", want.Number, "Compare both in Tally, then replay or close this document.", errors.New(why))
			}
			made = found
		case err != nil:
			return connector.Receipt{}, err // nobody knows what came of it: the engine calls Find
		}
		r.Made = append(r.Made, receipt(d, made))
	}
	return r, nil
}

// Reverse implements connector.Sink. It cancels what bears the key, and only that.
func (s sink) Reverse(ctx context.Context, d connector.Delivery[document.Posting]) (connector.Receipt, error) {
	ours, err := s.erp.ByReference(ctx, d.Key())
	for _, b := range ours {
		if err == nil && !b.Cancelled {
			err = s.erp.Cancel(ctx, b.ID)
		}
	}
	return connector.Receipt{}, err
}

func receipt(d connector.Delivery[document.Posting], b Bill) connector.Made {
	return connector.Made{
		ID: strconv.Itoa(b.ID), Number: b.Number, Company: d.Posting.Company, Party: b.Supplier, Date: b.Date,
		Totals: []connector.Total{{Company: d.Posting.Company, Currency: b.Currency, Amount: b.Amount}},
	}
}

// refusal is for what is certain: nothing came of the call, and a person must act.
func refusal(code, field, value, remedy string, err error) error {
	return &connector.Rejection{Err: err, Issues: []connector.Issue{{
		Code: code, Field: field, Value: value, Message: err.Error(), Owner: connector.Finance, Remedy: remedy,
	}}}
}

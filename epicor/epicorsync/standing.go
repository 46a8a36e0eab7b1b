package epicorsync

import (
	"cmp"
	"context"
	"regexp"
	"slices"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/odata"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Standing is one AP invoice that stands in Epicor with a delivery's key.
type Standing struct {
	Key    string
	Posted bool
	connector.Made
}

// Standing reads out of Epicor what stands there with a delivery's key and an
// apply date from one day to another, both included: the other side of a tie-out.
// Cancelled invoices and their cancellations are left out, since both together
// are nothing. An empty day is no bound.
func (s *InvoiceSink) Standing(ctx context.Context, from, to document.Date) ([]Standing, error) {
	key := s.c.APInvoices.KeyColumn()
	fs := []odata.Filter{odata.Ne(key, "")}
	for _, bound := range []struct {
		day   document.Date
		build func(string, odata.Date) odata.Filter
	}{{from, odata.Ge[odata.Date]}, {to, odata.Le[odata.Date]}} {
		day, err := epicor.ParseDate(string(bound.day))
		if err != nil {
			return nil, err
		}
		if !day.IsZero() {
			fs = append(fs, bound.build("ApplyDate", day))
		}
	}
	ours := regexp.MustCompile(`^[A-Z2-7]{32}$`)
	var out []Standing
	for inv, err := range s.c.APInvoices.List(ctx, odata.Query{Filter: odata.And(fs...)}) {
		if err != nil {
			return nil, trouble(err)
		}
		if !ours.MatchString(inv.Key) || inv.Cancelled != "" || inv.Cancels {
			continue
		}
		out = append(out, Standing{Key: inv.Key, Posted: inv.Posted, Made: made(inv)})
	}
	return out, nil
}

// Totals adds up what stands there, by company and currency, in their order.
func Totals(of []Standing) []connector.Total {
	var out []connector.Total
	for _, st := range of {
		for _, t := range st.Totals {
			i := slices.IndexFunc(out, func(o connector.Total) bool { return o.Company == t.Company && o.Currency == t.Currency })
			if i < 0 {
				out = append(out, t)
				continue
			}
			out[i].Amount = out[i].Amount.Add(t.Amount)
		}
	}
	slices.SortFunc(out, func(a, b connector.Total) int {
		return cmp.Or(cmp.Compare(a.Company, b.Company), cmp.Compare(a.Currency, b.Currency))
	})
	return out
}

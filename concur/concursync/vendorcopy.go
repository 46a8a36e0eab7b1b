package concursync

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// DefaultAddressCode is the address code of vendors that are copied to Concur.
const DefaultAddressCode = "MAIN"

// VendorCopyOptions configure a copy that is Concur's vendors. Nil, and each
// field's zero value, mean the defaults.
type VendorCopyOptions struct {
	// AddressCode is that of the one address that each vendor has. Default:
	// DefaultAddressCode. Concur requires one.
	AddressCode string
	// Country is the ISO code for vendors whose address has none. Default: none,
	// and such a vendor is refused.
	Country string
	// PaymentMethod of a new vendor. Default: CLIENT, the customer's own ERP pays.
	PaymentMethod string
	// Delete lets retiring delete the vendor. By default it is set to not approved
	// and hidden from capture, which can be taken back and loses no bank data.
	Delete bool
}

type vendorCopy struct {
	client *concur.Client
	opts   VendorCopyOptions
}

// VendorCopy returns a copy of a vendor master that is the vendors of Concur
// Invoice; a vendor's id becomes its VendorCode. It makes no call.
//
// What the vendors service does with a POST of a vendor that exists, or a PUT of
// one that does not, is not documented, so each vendor is looked up before it is
// written. An update sends what the ERP has and leaves alone what it has not: a
// field that was emptied in the ERP keeps its value in Concur, since how to clear
// one is documented for a few fields only. An answer of 200 counts for the
// vendors that it says were stored.
//
// A vendor that retires is set to not approved; that Concur then no longer
// offers it for new invoices is how the approval status is understood here, to
// be checked on a live tenant, where Delete is the other way. Vendors that are
// employees (EmployeeID) are no suppliers: they are taken and not sent.
func VendorCopy(c *concur.Client, opts *VendorCopyOptions) connector.Copy[document.Vendor] {
	v := &vendorCopy{client: c}
	if opts != nil {
		v.opts = *opts
	}
	if v.opts.AddressCode == "" {
		v.opts.AddressCode = DefaultAddressCode
	}
	if v.opts.PaymentMethod == "" {
		v.opts.PaymentMethod = "CLIENT"
	}
	return v
}

// Limit implements connector.Copy. The vendor documents no maximum.
func (v *vendorCopy) Limit() int { return 50 }

// Apply implements connector.Copy.
func (v *vendorCopy) Apply(ctx context.Context, edits []connector.Edit[document.Vendor]) ([]error, error) {
	each := make([]error, 0, len(edits))
	for run := range runs(edits) {
		errs, err := v.apply(ctx, run)
		if err != nil {
			return nil, translate(err)
		}
		each = append(each, errs...)
	}
	return each, nil
}

func (v *vendorCopy) apply(ctx context.Context, edits []connector.Edit[document.Vendor]) ([]error, error) {
	each, stands := make([]error, len(edits)), make([]*concur.Vendor, len(edits))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(DefaultConcurrency)
	for i, e := range edits {
		if e.Content.EmployeeID != "" {
			continue
		}
		g.Go(func() (err error) {
			stands[i], err = v.look(gctx, e.Key)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var made, changed []concur.VendorInput
	var madeAt, changedAt []int
	for i, e := range edits {
		have := stands[i]
		switch {
		case e.Content.EmployeeID != "":
		case have != nil && string(have.VendorCode) != e.Key && !e.Retire:
			each[i] = fmt.Errorf("concursync: Concur has the vendor %q, which differs from %q in letter case only; letter case tells no vendors apart there", have.VendorCode, e.Key)
		case e.Retire && (have == nil || string(have.VendorCode) != e.Key || !v.opts.Delete && !bool(have.Approved)):
		case e.Retire && v.opts.Delete:
			_, err := persist(ctx, v.client, func() (struct{}, error) {
				return struct{}{}, v.client.Vendors.Delete(ctx, string(have.VendorCode), string(have.AddressCode))
			})
			if each[i] = err; err != nil && fatal(err) {
				return nil, err
			}
		case e.Retire:
			changed, changedAt = append(changed, hidden(have)), append(changedAt, i)
		default:
			in, err := v.input(e, have)
			switch {
			case err != nil:
				each[i] = err
			case have == nil:
				made, madeAt = append(made, in), append(madeAt, i)
			default:
				changed, changedAt = append(changed, in), append(changedAt, i)
			}
		}
	}
	for _, w := range []struct {
		vendors []concur.VendorInput
		at      []int
		write   func(context.Context, []concur.VendorInput) ([]error, error)
	}{{made, madeAt, v.client.Vendors.Create}, {changed, changedAt, v.client.Vendors.Update}} {
		if len(w.vendors) == 0 {
			continue
		}
		errs, err := persist(ctx, v.client, func() ([]error, error) { return w.write(ctx, w.vendors) })
		if err != nil {
			return nil, err
		}
		for j, err := range errs {
			each[w.at[j]] = err
		}
	}
	return each, nil
}

// fatal reports an error that is not about the one vendor.
func fatal(err error) bool {
	var one *concur.VendorError
	return !errors.As(err, &one) && !errors.Is(err, concur.ErrInvalid)
}

// look reads a vendor by its codes; nil when there is none.
func (v *vendorCopy) look(ctx context.Context, code string) (*concur.Vendor, error) {
	address := v.opts.AddressCode
	q := concur.VendorQuery{VendorCode: code, AddressCode: address, Search: concur.VendorExact}
	for have, err := range v.client.Vendors.List(ctx, q) {
		if err != nil {
			return nil, err
		}
		// What the service ignores of a query must not be written over.
		if have != nil && strings.EqualFold(string(have.VendorCode), code) && strings.EqualFold(string(have.AddressCode), address) {
			return have, nil
		}
	}
	return nil, nil
}

func (v *vendorCopy) input(e connector.Edit[document.Vendor], have *concur.Vendor) (concur.VendorInput, error) {
	of := e.Content
	in := concur.VendorInput{
		VendorCode: e.Key, AddressCode: v.opts.AddressCode, VendorName: of.Name, CountryCode: strings.ToUpper(of.Address.Country),
		CurrencyCode: of.Currency, Address1: of.Address.Line1, Address2: of.Address.Line2, Address3: of.Address.Line3,
		City: of.Address.City, State: of.Address.State, PostalCode: of.Address.PostalCode, ContactEmail: of.Email,
		TaxID: of.TaxID,
	}
	if in.VendorName == "" {
		in.VendorName = e.Key
	}
	if in.CountryCode == "" {
		in.CountryCode = v.opts.Country
	}
	if of.TermsDays > 0 {
		in.PaymentTerms = strconv.Itoa(of.TermsDays)
	}
	if have == nil {
		in.PaymentMethodType = v.opts.PaymentMethod
	}
	if have == nil || !e.Known {
		// New, or back again. Afterwards both are left to Concur's administrator.
		in.Approved, in.VisibleForCapture = "Y", "Y"
	}
	switch {
	case e.Key != of.ID:
		return in, fmt.Errorf("concursync: the key %q is not the vendor's id", e.Key)
	case in.CountryCode == "":
		return in, fmt.Errorf("concursync: vendor %q has no country, which Concur requires: enter it in the ERP, or name a country for vendors without one", e.Key)
	case in.CurrencyCode == "":
		return in, fmt.Errorf("concursync: vendor %q has no currency, which Concur requires: enter it in the ERP", e.Key)
	}
	return in, nil
}

// hidden is a vendor that is offered no longer, with what the service requires.
func hidden(v *concur.Vendor) concur.VendorInput {
	return concur.VendorInput{
		VendorCode: string(v.VendorCode), AddressCode: string(v.AddressCode), VendorName: string(v.VendorName),
		CountryCode: string(v.CountryCode), CurrencyCode: string(v.CurrencyCode), State: string(v.State),
		Approved: "N", VisibleForCapture: "N",
	}
}

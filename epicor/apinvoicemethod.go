package epicor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// The methods of Erp.BO.APInvoiceSvc that only work on the tableset they are
// given, each with its documented inputs. They may be repeated and are; those
// that commit stand in apinvoicecommit.go.

func (s *APInvoiceService) compute(ctx context.Context, method string, in Params) (*Tableset, *Result, error) {
	return s.c.computed(ctx, invoiceService, method, in)
}

// GetByID returns an invoice as a tableset. No such invoice: ErrNotFound, which a
// gateway's 404 is not.
func (s *APInvoiceService) GetByID(ctx context.Context, vendorNum int, invoiceNum string) (*Tableset, error) {
	const op = invoiceService + "/GetByID"
	res, err := s.c.Read(ctx, invoiceService, "GetByID", map[string]string{
		"vendorNum": strconv.Itoa(vendorNum), "invoiceNum": invoiceNum,
	})
	if err != nil {
		return nil, s.headers.absent(ctx, err, vendorNum, invoiceNum)
	}
	if len(res.Value) == 0 {
		return nil, &Error{Operation: op, err: errors.New("the answer holds no invoice")}
	}
	ds, err := decodeTableset(res.Value)
	if err != nil {
		return nil, &Error{Operation: op, err: err}
	}
	return ds, nil
}

// GetNewAPInvHedInvoice adds a new header of an invoice, with its defaults.
func (s *APInvoiceService) GetNewAPInvHedInvoice(ctx context.Context, ds *Tableset, groupID string) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "GetNewAPInvHedInvoice", Params{"ds": ds, "cGroupID": groupID})
	return ds, err
}

// GetNewAPInvHedDebitMemo adds a new header of a debit memo. What a header is
// cannot be changed afterwards.
func (s *APInvoiceService) GetNewAPInvHedDebitMemo(ctx context.Context, ds *Tableset, groupID string) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "GetNewAPInvHedDebitMemo", Params{"ds": ds, "cGroupID": groupID})
	return ds, err
}

// ChangeVendorID sets the vendor of a new header and fills what follows from it:
// terms, currency, tax region. message is what Epicor says about the vendor.
func (s *APInvoiceService) ChangeVendorID(ctx context.Context, ds *Tableset, vendorID string) (out *Tableset, message string, err error) {
	out, res, err := s.compute(ctx, "ChangeVendorID", Params{"ProposedVendorID": vendorID, "confirmCheck": true, "ds": ds})
	if err != nil {
		return nil, "", err
	}
	return out, res.Text("confirmMsg"), nil
}

// ChangeRefPONum names a purchase order on a new header, whose vendor it must be of.
func (s *APInvoiceService) ChangeRefPONum(ctx context.Context, ds *Tableset, order int) (out *Tableset, message string, err error) {
	out, res, err := s.compute(ctx, "ChangeRefPONum", Params{"ProposedRefPONum": order, "confirmCheck": true, "ds": ds})
	if err != nil {
		return nil, "", err
	}
	return out, res.Text("confirmMsg"), nil
}

// ChangeCurrency sets the currency of a new header.
func (s *APInvoiceService) ChangeCurrency(ctx context.Context, ds *Tableset, currency string) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "ChangeCurrency", Params{"ProposedCurrencyCode": currency, "ds": ds})
	return ds, err
}

// ChangeInvoiceDateEx sets the invoice date. The fiscal period follows it, so
// the apply date is set afterwards.
func (s *APInvoiceService) ChangeInvoiceDateEx(ctx context.Context, ds *Tableset, date Date) (out *Tableset, message string, err error) {
	out, res, err := s.compute(ctx, "ChangeInvoiceDateEx", Params{
		"ProposedInvoiceDate": date.String() + "T00:00:00", "recalcAmts": "", "ds": ds,
	})
	if err != nil {
		return nil, "", err
	}
	return out, res.Text("cMessageText"), nil
}

// OnChangeofApplyDateWithDateCheck sets the apply date of a header and with it
// the fiscal period.
func (s *APInvoiceService) OnChangeofApplyDateWithDateCheck(ctx context.Context, ds *Tableset, vendorNum int, invoiceNum string, date Date) (out *Tableset, message string, err error) {
	out, res, err := s.compute(ctx, "OnChangeofApplyDateWithDateCheck", Params{
		"VendorNum": vendorNum, "InvoiceNum": invoiceNum, "recalcAmts": "",
		"NewApplyDate": date.String() + "T00:00:00", "ds": ds,
	})
	if err != nil {
		return nil, "", err
	}
	return out, res.Text("DateMessage"), nil
}

// ChangeDueDate sets the due date of a header.
func (s *APInvoiceService) ChangeDueDate(ctx context.Context, ds *Tableset, date Date) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "ChangeDueDate", Params{"ProposedDueDate": date.String() + "T00:00:00", "ds": ds})
	return ds, err
}

// ChangeTermsCode sets the payment terms of a header, which must have some, and
// the due date that follows from them.
func (s *APInvoiceService) ChangeTermsCode(ctx context.Context, ds *Tableset, terms string) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "ChangeTermsCode", Params{"ProposedTermsCode": terms, "ds": ds})
	return ds, err
}

// ChangeInvoiceVendorAmt sets the check total of a header, in the currency of
// the document. It is sign flipped on debit memos.
func (s *APInvoiceService) ChangeInvoiceVendorAmt(ctx context.Context, ds *Tableset, amount Decimal) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "ChangeInvoiceVendorAmt", Params{"ProposedInvoiceVendorAmt": amount, "ds": ds})
	return ds, err
}

// GetNewAPInvDtlMiscellaneous adds a new line that refers to no order.
func (s *APInvoiceService) GetNewAPInvDtlMiscellaneous(ctx context.Context, ds *Tableset, vendorNum int, invoiceNum string) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "GetNewAPInvDtlMiscellaneous", Params{"ds": ds, "iVendorNum": vendorNum, "cInvoiceNum": invoiceNum})
	return ds, err
}

// ChangePartNum sets the part of a line and what follows from it.
func (s *APInvoiceService) ChangePartNum(ctx context.Context, ds *Tableset, part string) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "ChangePartNum", Params{"ProposedPartNum": part, "ds": ds})
	return ds, err
}

// ChangeUnitCost sets the price of one unit of a line, in the currency of the
// document; the line's amount follows.
func (s *APInvoiceService) ChangeUnitCost(ctx context.Context, ds *Tableset, cost Decimal) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "ChangeUnitCost", Params{"ProposedUnitCost": cost, "ds": ds})
	return ds, err
}

// ChangeVendorQty sets the quantity of a line.
func (s *APInvoiceService) ChangeVendorQty(ctx context.Context, ds *Tableset, quantity Decimal) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "ChangeVendorQty", Params{"ProposedVendorQty": quantity, "ds": ds})
	return ds, err
}

// ChangeExtCost sets the amount of a line, in the currency of the document.
func (s *APInvoiceService) ChangeExtCost(ctx context.Context, ds *Tableset, amount Decimal) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "ChangeExtCost", Params{"ProposedExtCost": amount, "ds": ds})
	return ds, err
}

// GetNewAPInvExp adds a new expense row to a line.
func (s *APInvoiceService) GetNewAPInvExp(ctx context.Context, ds *Tableset, vendorNum int, invoiceNum string, line int) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "GetNewAPInvExp", Params{
		"ds": ds, "vendorNum": vendorNum, "invoiceNum": invoiceNum, "invoiceLine": line,
	})
	return ds, err
}

// ChangeExpLineAmt sets the amount of the expense row that is being added or changed.
func (s *APInvoiceService) ChangeExpLineAmt(ctx context.Context, ds *Tableset, amount Decimal) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "ChangeExpLineAmt", Params{"ProposedAmt": amount, "ds": ds})
	return ds, err
}

// GetNewAPInvExpTGLC adds the row that holds the GL account of an expense.
func (s *APInvoiceService) GetNewAPInvExpTGLC(ctx context.Context, ds *Tableset, vendorNum int, invoiceNum string, line, seq int) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "GetNewAPInvExpTGLC", Params{
		"ds": ds, "vendorNum": vendorNum, "invoiceNum": invoiceNum, "invoiceLine": line, "invExpSeq": seq,
	})
	return ds, err
}

// GetNewAPInvDtlUnreceived adds a new line for what was ordered and has not arrived.
func (s *APInvoiceService) GetNewAPInvDtlUnreceived(ctx context.Context, ds *Tableset, vendorNum int, invoiceNum string) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "GetNewAPInvDtlUnreceived", Params{"ds": ds, "iVendorNum": vendorNum, "cInvoiceNum": invoiceNum})
	return ds, err
}

// ChangePONum sets the purchase order of a new line.
func (s *APInvoiceService) ChangePONum(ctx context.Context, ds *Tableset, order int) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "ChangePONum", Params{"ProposedPONum": order, "ds": ds})
	return ds, err
}

// ChangePOLine sets the order's line and takes part, text and cost from it.
func (s *APInvoiceService) ChangePOLine(ctx context.Context, ds *Tableset, line int) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "ChangePOLine", Params{"ProposedPOLine": line, "ds": ds})
	return ds, err
}

// ChangePORelNum sets the release and takes the quantity from it.
func (s *APInvoiceService) ChangePORelNum(ctx context.Context, ds *Tableset, release int) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "ChangePORelNum", Params{"ProposedPORelNum": release, "ds": ds})
	return ds, err
}

// GetAPUninvoicedReceipts lists what was received of an order and is on no
// invoice, as a tableset of its own. Its table APUninvoicedRcptLines, with the
// columns POLine, PurPoint, PackSlip, PackLine, PartNum and SelectLine, is named
// as integrations in the field name it.
func (s *APInvoiceService) GetAPUninvoicedReceipts(ctx context.Context, vendorNum int, invoiceNum string, order int) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "GetAPUninvoicedReceipts", Params{
		"ds": NewTableset(), "InVendorNum": vendorNum, "InInvoiceNum": invoiceNum, "InPONum": order,
	})
	return ds, err
}

// SelectUninvoicedRcptLines moves the lines that are marked to the selected ones.
func (s *APInvoiceService) SelectUninvoicedRcptLines(ctx context.Context, ds *Tableset, vendorNum int, purPoint string, order int, packSlip, invoiceNum string) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "SelectUninvoicedRcptLines", Params{
		"ds": ds, "InVendorNum": vendorNum, "InPurPoint": purPoint, "InPONum": order, "InPackSlip": packSlip,
		"InDropShip": false, "InvoiceNum": invoiceNum, "InGRNIClearing": false,
	})
	return ds, err
}

// InvoiceSelectedLines commits the selected lines of receipts as lines of the
// invoice. It is sent once. message is what Epicor warns of.
func (s *APInvoiceService) InvoiceSelectedLines(ctx context.Context, ds *Tableset) (message string, err error) {
	res, err := s.c.Call(ctx, invoiceService, "InvoiceSelectedLines", Params{"ds": ds})
	if err != nil {
		return "", err
	}
	return res.Text("opLOCMsg"), nil
}

// GetNewAPInvTax adds a tax to an invoice.
func (s *APInvoiceService) GetNewAPInvTax(ctx context.Context, ds *Tableset, vendorNum int, invoiceNum, taxCode, rateCode string) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "GetNewAPInvTax", Params{
		"ds": ds, "vendorNum": vendorNum, "invoiceNum": invoiceNum, "taxCode": taxCode, "rateCode": rateCode,
	})
	return ds, err
}

// ChangeManualTaxCalculation follows a tax that was set to be entered by hand.
func (s *APInvoiceService) ChangeManualTaxCalculation(ctx context.Context, ds *Tableset) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "ChangeManualTaxCalculation", Params{"ds": ds})
	return ds, err
}

// ChangeTaxAmt sets the amount of a tax, in the currency of the document.
func (s *APInvoiceService) ChangeTaxAmt(ctx context.Context, ds *Tableset, amount Decimal) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "ChangeTaxAmt", Params{"ProposedTaxAmt": amount, "ds": ds})
	return ds, err
}

// GetNewAPInvHedAttch adds the link to a file that was uploaded.
func (s *APInvoiceService) GetNewAPInvHedAttch(ctx context.Context, ds *Tableset, vendorNum int, invoiceNum string) (*Tableset, error) {
	ds, _, err := s.compute(ctx, "GetNewAPInvHedAttch", Params{"ds": ds, "vendorNum": vendorNum, "invoiceNum": invoiceNum})
	return ds, err
}

// PreUpdate says whether committing a tableset would ask the user something.
// Nothing is committed. What it looks at is written nowhere public.
func (s *APInvoiceService) PreUpdate(ctx context.Context, ds *Tableset) (out *Tableset, asks bool, err error) {
	out, res, err := s.compute(ctx, "PreUpdate", Params{"ds": ds})
	if err != nil {
		return nil, false, err
	}
	asks, _ = res.Bool("requiresUserInput")
	return out, asks, nil
}

// ValidateInvoiceID finds a vendor's internal number and whether an invoice with
// this number was logged (Erp.BO.LogAPInvSvc) for it. It knows nothing of entered
// invoices, so it is no check for duplicates: see [APInvoiceService.FindByNumber].
func (s *APInvoiceService) ValidateInvoiceID(ctx context.Context, vendorID, number string) (vendorNum int, logged bool, err error) {
	const op = invoiceService + "/ValidateInvoiceID"
	res, err := s.c.Compute(ctx, invoiceService, "ValidateInvoiceID", Params{"txtVendorID": vendorID, "txtInvoiceNum": number})
	if err != nil {
		return 0, false, err
	}
	if err := json.Unmarshal(res.Params["intVendorNum"], &vendorNum); err != nil {
		return 0, false, &Error{Operation: op, err: errors.New("the answer names no vendor")}
	}
	logged, told := res.Bool("logAPInvFound")
	if !told {
		return 0, false, &Error{Operation: op, err: errors.New("the answer does not say whether the invoice was logged")}
	}
	return vendorNum, logged, nil
}

// settle sets an amount by a method and sees to it that the column then holds
// want. Where the vendor's schema says "sign flipped for debit memos" without
// saying for which side, the method is asked again with the other sign; nothing
// has been committed then.
func settle(row func(*Tableset) (*Row, error), column string, want decimal.Decimal, ds *Tableset, change func(*Tableset, Decimal) (*Tableset, error), first decimal.Decimal) (*Tableset, error) {
	for _, proposed := range []decimal.Decimal{first, first.Neg()} {
		out, err := change(ds, wire.DecimalOf(proposed))
		if err != nil {
			return nil, err
		}
		r, err := row(out)
		if err != nil {
			return nil, err
		}
		got := r.Decimal(column).Value()
		if got.Equal(want) {
			return out, nil
		}
		if !got.Equal(want.Neg()) {
			return nil, fmt.Errorf("%s became %s, expected %s", column, got, want)
		}
		ds = out
	}
	return nil, fmt.Errorf("%s cannot be set to %s", column, want)
}

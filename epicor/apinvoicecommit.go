package epicor

import (
	"context"
	"encoding/json"
	"strconv"
)

// The methods of Erp.BO.APInvoiceSvc that commit, each with its documented
// inputs. Every one is sent once, whatever happens to its answer.

// UpdateMasterResult is what UpdateMaster says beside its tableset.
type UpdateMasterResult struct {
	// Committed is false when Epicor answered without doing it: lUpdateRan false,
	// or requiresUserInput true. Both come with status 200.
	Committed bool
	// Messages are warnings and questions: opMessage, opMsgChkBankRef,
	// opChkRevMsg, opDUAMsg.
	Messages []string
	// GroupTotal is what the invoices of the group add up to, in base currency.
	GroupTotal Decimal
}

// UpdateMaster commits the marked rows of a tableset. It is sent once. That
// lUpdateRan false and requiresUserInput true mean that nothing was committed,
// and what suppressUserPrompts does, are assumptions to check on a live tenant:
// read the invoice back to be sure.
func (s *APInvoiceService) UpdateMaster(ctx context.Context, ds *Tableset, groupID, table string) (*Tableset, UpdateMasterResult, error) {
	const op = invoiceService + "/UpdateMaster"
	res, err := s.c.Call(ctx, invoiceService, "UpdateMaster", Params{
		"ds": ds, "cGroupID": groupID, "cTableName": table,
		"runChkCPay": false, "runChkBankRef": false, "runChkRevChrg": false, "suppressUserPrompts": true,
	})
	if err != nil {
		return nil, UpdateMasterResult{}, err
	}
	out, err := res.Tableset("ds")
	if err != nil {
		return nil, UpdateMasterResult{}, &Error{Operation: op, err: err}
	}
	ran, told := res.Bool("lUpdateRan")
	asks, _ := res.Bool("requiresUserInput")
	u := UpdateMasterResult{Committed: ran && told && !asks, GroupTotal: groupTotalOf(res)}
	for _, name := range []string{"opMessage", "opMsgChkBankRef", "opChkRevMsg", "opDUAMsg"} {
		if m := res.Text(name); m != "" {
			u.Messages = append(u.Messages, oneLine(m))
		}
	}
	return out, u, nil
}

// Update commits the marked rows of a tableset without the checks that
// UpdateMaster makes. It is sent once. Integrations in the field use either;
// [APInvoiceService.Create] uses UpdateMaster alone, whose answer says whether
// something was committed.
func (s *APInvoiceService) Update(ctx context.Context, ds *Tableset) (*Tableset, error) {
	res, err := s.c.Call(ctx, invoiceService, "Update", Params{"ds": ds})
	if err != nil {
		return nil, err
	}
	out, err := res.Tableset("ds")
	if err != nil {
		return nil, &Error{Operation: invoiceService + "/Update", err: err}
	}
	return out, nil
}

// DeleteMaster deletes an invoice that is not posted, with its lines, and says
// what its group then adds up to, in base currency. It is sent once. ds may be
// empty. That keyValue is the vendor's number and keyValue2 the invoice's is an
// assumption to check on a live tenant; DeleteByID names them.
func (s *APInvoiceService) DeleteMaster(ctx context.Context, ds *Tableset, groupID string, vendorNum int, number string) (groupTotal Decimal, err error) {
	res, err := s.c.Call(ctx, invoiceService, "DeleteMaster", Params{
		"ds": ds, "cGroupID": groupID, "keyValue": strconv.Itoa(vendorNum), "keyValue2": number,
	})
	if err != nil {
		return Decimal{}, err
	}
	return groupTotalOf(res), nil
}

// DeleteByID deletes an invoice that is not posted, with its lines. It is sent once.
func (s *APInvoiceService) DeleteByID(ctx context.Context, vendorNum int, invoiceNum string) error {
	_, err := s.c.Call(ctx, invoiceService, "DeleteByID", Params{"vendorNum": vendorNum, "invoiceNum": invoiceNum})
	return err
}

// CreateCancellationInvoice makes an invoice that takes a posted one back, with a
// number of its own, in a group. It is sent once.
func (s *APInvoiceService) CreateCancellationInvoice(ctx context.Context, groupID, sourceNumber string, vendorNum int, number string, date Date, docType string) error {
	_, err := s.c.Call(ctx, invoiceService, "CreateCancellationInvoice", Params{
		"groupID": groupID, "sourceInvoiceNum": sourceNumber, "sourceVendorNum": vendorNum,
		"newInvoiceNum": number, "newInvoiceDate": date.String() + "T00:00:00", "newDocType": docType, "ds": NewTableset(),
	})
	return err
}

// CreateCorrectionInvoice makes an invoice that corrects a posted one, with a
// number of its own, in a group: there the lines are changed to what is right and
// the invoice is posted. It is sent once. Which lines it begins with is an
// assumption to check on a live tenant: those of the source taken back, and the
// same again to be changed.
func (s *APInvoiceService) CreateCorrectionInvoice(ctx context.Context, groupID, sourceNumber string, vendorNum int, number string, date Date, docType string) error {
	_, err := s.c.Call(ctx, invoiceService, "CreateCorrectionInvoice", Params{
		"groupID": groupID, "sourceInvoiceNum": sourceNumber, "sourceVendorNum": vendorNum,
		"newInvoiceNum": number, "newInvoiceDate": date.String() + "T00:00:00", "newDocType": docType, "ds": NewTableset(),
	})
	return err
}

// CreateAPInvGrp makes a group like another one, for invoices that are to be moved
// between the two. It is sent once. A group to enter invoices into is made by
// [APInvoiceGroupService.GetNewAPInvGrpNoLock] and Update.
func (s *APInvoiceService) CreateAPInvGrp(ctx context.Context, fromGroupID, toGroupID string) error {
	// The vendor spells the second one so.
	_, err := s.c.Call(ctx, invoiceService, "CreateAPInvGrp", Params{"sFromGroupID": fromGroupID, "sToGrouID": toGroupID})
	return err
}

// groupTotalOf is what a group adds up to, as a method that commits says.
func groupTotalOf(res *Result) Decimal {
	var d Decimal
	if json.Unmarshal(res.Params["grpTotalInvAmt"], &d) != nil {
		return Decimal{}
	}
	return d
}

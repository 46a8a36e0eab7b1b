package epicorsync

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/sync/connector"
)

// lasting reports a fault of the credential or its rights: no repetition mends it.
func lasting(e *epicor.Error) bool {
	return !e.Expired() && (errors.Is(e, epicor.ErrUnauthorized) || errors.Is(e, epicor.ErrForbidden))
}

// fix says what to mend.
func fix(e *epicor.Error) string {
	switch {
	case e.BadKey():
		return "the API key is not known or not for this company"
	case e.BadPassword():
		return "the user name or the password is wrong"
	case e.AccessDenied():
		return "the key's scope or the user's rights do not allow " + e.Operation
	default:
		return "the credential is not accepted"
	}
}

// refusal turns the error of a write into the contract's words. A Rejection is
// claimed only where Epicor itself said no to the call, so that nothing came of
// it; what earlier calls of the same set made is taken back by Reverse.
func refusal(err error, i int, in *epicor.APInvoiceInput) error {
	var rej *connector.Rejection
	if errors.As(err, &rej) {
		return err
	}
	var step *epicor.APInvoiceError
	errors.As(err, &step)
	field := ""
	if i >= 0 {
		field = fmt.Sprintf("invoice %d", i+1)
		if step != nil && step.Line > 0 {
			field += fmt.Sprintf(", line %d", step.Line)
		}
		if step != nil && step.Split > 0 {
			field += fmt.Sprintf(", split %d", step.Split)
		}
	}
	var e *epicor.Error
	switch {
	case errors.As(err, &e) && lasting(e):
		return trouble(err)
	case errors.Is(err, epicor.ErrGroupForeign):
		return &connector.Rejection{Err: err, Issues: []connector.Issue{found(GroupForeign, field, "",
			"the entry group bears the name that this connector uses and was created by somebody else")}}
	case errors.Is(err, epicor.ErrNoReceipt):
		// What was entered before the line is taken back like after every refusal.
		return &connector.Rejection{Err: err, Issues: []connector.Issue{found(ReceiptMissing, field, "",
			"nothing received can be invoiced: "+tail(err, epicor.ErrNoReceipt))}}
	case errors.Is(err, epicor.ErrQuestion) && step != nil && step.Outcome != epicor.Unknown:
		return &connector.Rejection{Err: err, Issues: []connector.Issue{found(EpicorQuestion, field, "",
			"Epicor asked a question instead of saving: "+tail(err, epicor.ErrQuestion))}}
	case errors.Is(err, epicor.ErrDiffers) && step != nil && (step.Step == "check" || step.Outcome == epicor.NotCommitted):
		return &connector.Rejection{Err: err, Issues: []connector.Issue{found(InvoiceDiffers, field, "",
			"what Epicor saved is not what was entered: "+tail(err, epicor.ErrDiffers))}}
	case e != nil && e.Refused() && errors.Is(e, epicor.ErrInvalid),
		e != nil && e.Refused() && errors.Is(e, epicor.ErrNotFound) && step != nil && step.Outcome == epicor.NotCommitted:
		return &connector.Rejection{Err: err, Issues: []connector.Issue{issue(e, field, step, in)}}
	}
	return fmt.Errorf("epicorsync: %w", err)
}

// tail is what err says behind the text of a sentinel.
func tail(err, sentinel error) string {
	_, rest, ok := strings.Cut(err.Error(), strings.TrimPrefix(sentinel.Error(), "epicor: "))
	if rest = strings.TrimLeft(rest, ": "); !ok || rest == "" {
		return "it does not say more"
	}
	return rest
}

// issue reads a broken rule out of Epicor's error: the table and field of its
// first detail, and its words, which are those of the English message file. What
// is not recognised keeps the vendor's own text.
func issue(e *epicor.Error, field string, step *epicor.APInvoiceError, in *epicor.APInvoiceInput) connector.Issue {
	text := strings.ToLower(e.Message)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	var vendor, account, number, apply, currency string
	if in != nil {
		vendor, number, apply, currency = in.VendorID, in.Number, in.ApplyDate.String(), in.Currency
		if step != nil && step.Line > 0 && step.Split > 0 && step.Line <= len(in.Lines) {
			if ss := in.Lines[step.Line-1].Splits; step.Split <= len(ss) {
				account = ss[step.Split-1].Account
			}
		}
	}
	is := func(code, value, needs string) connector.Issue {
		x := found(code, field, value, e.Message)
		if needs != "" {
			x.Needs = need(needs, value)
		}
		return x
	}
	inactive := has("inactive", "not active", "not effective")
	invalid := has("not valid", "invalid", "not found", "does not exist")
	switch {
	case has("gl account") && inactive:
		return is(AccountInactive, account, "glaccount")
	case has("gl account") && invalid:
		return is(AccountUnknown, account, "glaccount")
	case has("supplier", "vendor") && inactive:
		return is(VendorInactive, vendor, "vendor")
	case has("supplier", "vendor") && invalid:
		return is(VendorMissing, vendor, "vendor")
	case has("period") && (has("closed") || invalid):
		return is(PeriodClosed, apply, "")
	case has("longer than", "too long", "maximum length"):
		if len(e.Details) > 0 && e.Details[0].Field == "InvoiceNum" {
			return is(NumberTooLong, number, "")
		}
		return is(ValueTooLong, "", "")
	case has("terms"):
		return is(TermsMissing, vendor, "")
	case has("currency") && invalid:
		return is(CurrencyNotInEpicor, currency, "")
	}
	return is(EpicorRefused, "", "")
}

// need names the object that a document waits for, "" for none.
func need(kind, id string) string {
	if id == "" {
		return ""
	}
	return kind + "/" + id
}

// taken is the refusal of a number that somebody else's invoice has.
func taken(inv *epicor.APInvoice) error {
	return &connector.Rejection{Issues: []connector.Issue{found(InvoiceNumberTaken, "number", inv.Number,
		fmt.Sprintf("vendor %s has an invoice with this number already (%s %s of %s), which was not entered by this connector for this document",
			inv.VendorID, inv.Amount, inv.Currency, inv.Date))}}
}

func needsCancellation(inv *epicor.APInvoice) connector.Issue {
	return found(PostedNeedsCancellation, "number", inv.Number,
		fmt.Sprintf("invoice %s of vendor %s is posted, so it cannot be deleted", inv.Number, inv.VendorID))
}

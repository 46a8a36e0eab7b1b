package epicorsync

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/sync/connector"
)

// trouble turns an error of the client into the contract's words, for calls that
// only look: a fault of the connection, or a passing one.
func (s *InvoiceSink) trouble(err error) error {
	var e *epicor.Error
	if errors.As(err, &e) && lasting(e) {
		return fmt.Errorf("%w: %s: %w", connector.ErrConnection, fix(e), err)
	}
	return fmt.Errorf("epicorsync: %w", err)
}

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
func (s *InvoiceSink) refusal(err error, i int, in *epicor.APInvoiceInput) error {
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
		return s.trouble(err)
	case errors.Is(err, epicor.ErrGroupForeign):
		return &connector.Rejection{Err: err, Issues: []connector.Issue{{
			Code: "group_foreign", Field: field, Owner: connector.EpicorAdmin,
			Message: "the entry group bears the name that this connector uses and was created by somebody else",
			Remedy:  "Post or rename the group in Epicor, or set another prefix for groups; if the connector itself made it, name its Epicor user in the settings.",
		}}}
	case errors.Is(err, epicor.ErrQuestion) && step != nil && step.Outcome != epicor.Unknown:
		return &connector.Rejection{Err: err, Issues: []connector.Issue{{
			Code: "epicor_question", Field: field, Owner: connector.EpicorAdmin,
			Message: "Epicor asked a question instead of saving: " + tail(err, epicor.ErrQuestion),
			Remedy:  "Find the rule (often a BPM) that asks and let it not ask the integration's user.",
		}}}
	case errors.Is(err, epicor.ErrDiffers) && step != nil && (step.Step == "check" || step.Outcome == epicor.NotCommitted):
		return &connector.Rejection{Err: err, Issues: []connector.Issue{{
			Code: "invoice_differs", Field: field, Owner: connector.EpicorAdmin,
			Message: "what Epicor saved is not what was entered: " + tail(err, epicor.ErrDiffers),
			Remedy:  "Look for what changes invoices of this vendor (tax region, terms, a BPM), mend it, then replay this document.",
		}}}
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
	vendor, account, number, apply := "", "", "", ""
	if in != nil {
		vendor, number, apply = in.VendorID, in.Number, in.ApplyDate.String()
		if step != nil && step.Line > 0 && step.Split > 0 && step.Line <= len(in.Lines) {
			if ss := in.Lines[step.Line-1].Splits; step.Split <= len(ss) {
				account = ss[step.Split-1].Account
			}
		}
	}
	is := connector.Issue{
		Code: "epicor_refused", Field: field, Message: e.Message, Owner: connector.EpicorAdmin,
		Remedy: "Mend in Epicor what the message names, then replay this document.",
	}
	inactive := has("inactive", "not active", "not effective")
	invalid := has("not valid", "invalid", "not found", "does not exist")
	switch {
	case has("gl account", "account") && !has("api key") && inactive:
		is.Code, is.Value, is.Owner = "account_inactive", account, connector.Finance
		is.Remedy = "Choose an active account, or change its effective dates in Epicor."
		is.Needs = need("glaccount", account)
	case has("gl account") && invalid:
		is.Code, is.Value, is.Owner = "account_unknown", account, connector.Finance
		is.Remedy = "Create the account in Epicor, or correct the rule."
		is.Needs = need("glaccount", account)
	case has("supplier", "vendor") && inactive:
		is.Code, is.Value, is.Owner = "vendor_inactive", vendor, connector.Purchasing
		is.Remedy = "Activate the vendor in Epicor, or link another one in the rules."
		is.Needs = need("vendor", vendor)
	case has("supplier", "vendor") && invalid:
		is.Code, is.Value, is.Owner = "vendor_missing", vendor, connector.Purchasing
		is.Remedy = "Create the vendor in Epicor, or link another one in the rules."
		is.Needs = need("vendor", vendor)
	case has("fiscal period", "period") && (has("closed") || invalid):
		is.Code, is.Value, is.Owner = "period_closed", apply, connector.Finance
		is.Remedy = "Open the period in Epicor, or set apply_date.closed_period: next_open."
	case has("longer than", "too long", "maximum length") && strings.Contains(e.Operation, "APInvoice"):
		is.Code, is.Owner = "value_too_long", connector.EpicorAdmin
		if len(e.Details) > 0 && e.Details[0].Field == "InvoiceNum" {
			is.Code, is.Value, is.Owner = "number_too_long", number, connector.Finance
			is.Remedy = "Correct the number in Concur, or enter this invoice by hand; it is never cut."
		}
	case has("terms"):
		is.Code, is.Value, is.Owner = "terms_missing", vendor, connector.Purchasing
		is.Remedy = "Give the vendor payment terms in Epicor, then replay this document."
	case has("currency") && invalid:
		is.Code, is.Owner = "currency_not_in_epicor", connector.EpicorAdmin
		if in != nil {
			is.Value = in.Currency
		}
		is.Remedy = "Set the currency up in Epicor, then replay this document."
	}
	return is
}

func need(kind, id string) string {
	if id == "" {
		return ""
	}
	return kind + "/" + id
}

// taken is the refusal of a number that somebody else's invoice has.
func taken(inv *epicor.APInvoice) error {
	return &connector.Rejection{Issues: []connector.Issue{{
		Code: "invoice_number_taken", Field: "number", Value: inv.Number, Owner: connector.Finance,
		Message: fmt.Sprintf("vendor %s has an invoice with this number already (%s %s of %s), which was not entered by this connector for this document",
			inv.VendorID, inv.Amount, inv.Currency, inv.Date),
		Remedy: "Compare the two. If it is the same invoice, skip this document; if not, correct the number at the source.",
	}}}
}

func needsCancellation(inv *epicor.APInvoice) connector.Issue {
	return connector.Issue{
		Code: "posted_needs_cancellation", Field: "number", Value: inv.Number, Owner: connector.Finance,
		Message: fmt.Sprintf("invoice %s of vendor %s is posted, so it cannot be deleted", inv.Number, inv.VendorID),
		Remedy:  "Cancel the invoice in Epicor, then replay this document.",
	}
}

package concursync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Acknowledge implements connector.Acknowledger.
//
// Taken acknowledges the document, Posted and Failed confirm its posting, Paid
// confirms a payment: of a report to the service itself, of an invoice by Invoice
// Payment Confirmation, which knows no part payments, so that one is told when the
// last part is paid. Nothing takes payments of cash advances.
//
// What the service did before counts as done where it says the same. A recalled
// document is connector.ErrWithdrawn in every phase, what it refuses for good
// connector.ErrRejected, and everything else transient.
func (s *FinancialSource) Acknowledge(ctx context.Context, sig connector.Signal) error {
	t := typeOf(sig.Ref.Kind)
	if t == "" {
		return fmt.Errorf("%w: concursync: the Financial Integration Service takes nothing about a %.40q", connector.ErrRejected, sig.Ref.Kind)
	}
	switch sig.Kind {
	case connector.Taken:
		return s.tell(ctx, t, sig, s.acknowledge)
	case connector.Posted, connector.Failed:
		return s.tell(ctx, t, sig, s.confirm)
	case connector.Paid:
		switch {
		case sig.Payment == nil:
			return fmt.Errorf("%w: concursync: a payment without a payment", connector.ErrRejected)
		case t == concur.FinancialExpense:
			return s.tell(ctx, t, sig, s.clear)
		case t == concur.FinancialInvoice:
			return s.invoicePaid(ctx, sig)
		}
		return nil
	default:
		return fmt.Errorf("%w: concursync: the Financial Integration Service is not told %.40q", connector.ErrRejected, string(sig.Kind))
	}
}

// tell makes a call about the document of a signal and goes by what became of it.
// Documents are named by the service's own id; where it does not know that, the
// one that it has for the business id is taken, if it is of the same revision.
func (s *FinancialSource) tell(
	ctx context.Context, t concur.FinancialType, sig connector.Signal,
	call func(ctx context.Context, t concur.FinancialType, id string, sig connector.Signal) (concur.FinancialResult, error),
) error {
	id := sig.Handle
	if id == "" {
		var err error
		if id, err = s.idOf(ctx, t, sig); err != nil {
			return err
		}
	}
	for looked, acknowledged := false, false; ; {
		r, err := call(ctx, t, id, sig)
		if err != nil {
			return translate(err)
		}
		switch refused := s.judge(ctx, t, id, sig, r); {
		case errors.Is(refused, errLookUp) && !looked:
			looked = true
			other, err := s.idOf(ctx, t, sig)
			if err != nil {
				return err
			}
			if other == id {
				return fmt.Errorf("%w: %w", connector.ErrRejected, r.Err())
			}
			id = other
		case errors.Is(refused, errAckFirst) && !acknowledged && sig.Kind != connector.Taken:
			acknowledged = true
			if r, err := s.acknowledge(ctx, t, id, sig); err != nil {
				return translate(err)
			} else if err := s.judge(ctx, t, id, connector.Signal{Kind: connector.Taken, Ref: sig.Ref, Revision: sig.Revision}, r); err != nil {
				return err
			}
		case errors.Is(refused, errLookUp), errors.Is(refused, errAckFirst):
			return fmt.Errorf("%w: %w", connector.ErrRejected, r.Err())
		default:
			return refused
		}
	}
}

var (
	errLookUp   = errors.New("concursync: the service does not know this id")
	errAckFirst = errors.New("concursync: the document is to be acknowledged first")
)

// judge turns what became of a document into the contract's words.
func (s *FinancialSource) judge(ctx context.Context, t concur.FinancialType, id string, sig connector.Signal, r concur.FinancialResult) error {
	err := r.Err()
	if err == nil {
		return nil
	}
	var refused *concur.FinancialError
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Code { //nolint:exhaustive // the others go by their class
	case concur.FinancialAckUnknown, concur.FinancialPostingUnknown:
		return errLookUp
	case concur.FinancialUnknownState:
		return s.lookAt(ctx, t, sig, id, err)
	case concur.FinancialPaymentInvalid:
		if strings.EqualFold(refused.Result, "NOOP") {
			return nil // its reference was used before: by us, since it is the payment's own
		}
	}
	switch refused.Class() {
	case concur.FinancialDone:
		return nil
	case concur.FinancialWithdrawn:
		return fmt.Errorf("%w: %w", connector.ErrWithdrawn, err)
	case concur.FinancialAckFirst:
		return errAckFirst
	case concur.FinancialLater:
		return err
	case concur.FinancialRefused:
		return fmt.Errorf("%w: %w", connector.ErrRejected, err)
	case concur.FinancialAlready:
		if sig.Kind == connector.Taken && s.others(refused) {
			return fmt.Errorf("%w: another system has taken the document: %w", connector.ErrRejected, err)
		}
		if sig.Kind == connector.Paid || sig.Kind == connector.Taken {
			return nil
		}
		return s.lookAt(ctx, t, sig, id, err)
	case concur.FinancialUnclear:
		return s.lookAt(ctx, t, sig, id, err)
	default:
		return err
	}
}

// others reports whether a document was acknowledged by another system. The
// service names it in a sentence, which is all there is: "previously acknowledged
// by SystemId: X".
func (s *FinancialSource) others(e *concur.FinancialError) bool {
	_, name, found := strings.Cut(e.Message, "SystemId:")
	name = strings.Trim(strings.TrimSpace(name), ".")
	return found && s.opts.SystemID != "" && name != "" && name != "null" && !strings.EqualFold(name, s.opts.SystemID)
}

// lookAt decides by the state of a document what became of a call about it.
func (s *FinancialSource) lookAt(ctx context.Context, t concur.FinancialType, sig connector.Signal, id string, cause error) error {
	ds, err := s.client.Financial.Revisions(ctx, t, sig.Ref.ID, true)
	if err != nil {
		return translate(err)
	}
	for _, d := range ds {
		if d.ID != id {
			continue
		}
		switch state := stateOf(d.DocStatus); {
		case state == recalled:
			return fmt.Errorf("%w: %w", connector.ErrWithdrawn, cause)
		case sig.Kind == connector.Taken && state > ready,
			sig.Kind == connector.Posted && state == posted,
			sig.Kind == connector.Failed && state == failed:
			return nil
		case sig.Kind == connector.Posted && state == failed, sig.Kind == connector.Failed && state == posted:
			return fmt.Errorf("%w: Concur has been told the opposite (document status %s): %w", connector.ErrRejected, d.DocStatus, cause)
		case state == unknown:
			return fmt.Errorf("%w: %w", connector.ErrRejected, cause)
		}
		return cause
	}
	return cause
}

// state is how far a document is.
type state int

const (
	unknown state = iota
	ready
	taken
	failed
	posted
	recalled
)

func stateOf(status concur.FinancialStatus) state {
	switch status {
	case concur.FinancialReady, concur.FinancialDelayed, concur.FinancialPendingRefresh:
		return ready
	case concur.FinancialAcknowledged:
		return taken
	case concur.FinancialFailed:
		return failed
	case concur.FinancialPosted, concur.FinancialPaid, concur.FinancialPaymentDone, concur.FinancialReversed, concur.FinancialObsolete:
		return posted
	case concur.FinancialRecalled, concur.FinancialVoid, concur.FinancialCancelled:
		return recalled
	case concur.FinancialDuplicate:
		return unknown
	default:
		return unknown
	}
}

// idOf asks for the service's id of a signal's revision.
func (s *FinancialSource) idOf(ctx context.Context, t concur.FinancialType, sig connector.Signal) (string, error) {
	d, err := s.client.Financial.Get(ctx, t, sig.Ref.ID, true)
	switch {
	case errors.Is(err, concur.ErrNotFound):
		return "", fmt.Errorf("%w: concursync: the service has no document of %s %s any more: %w", connector.ErrRejected, sig.Ref.Kind, sig.Ref.ID, err)
	case err != nil:
		return "", translate(err)
	}
	if snap, err := s.snapshot(t, d); err != nil || snap.Revision != sig.Revision {
		return "", fmt.Errorf("%w: concursync: the service has another revision of %s %s now", connector.ErrRejected, sig.Ref.Kind, sig.Ref.ID)
	}
	return d.ID, nil
}

func (s *FinancialSource) acknowledge(ctx context.Context, t concur.FinancialType, id string, _ connector.Signal) (concur.FinancialResult, error) {
	rows, err := s.client.Financial.Acknowledge(ctx, t, []string{id}, s.opts.SystemID)
	return first(rows, err)
}

func first(rows []concur.FinancialResult, err error) (concur.FinancialResult, error) {
	if err != nil {
		return concur.FinancialResult{}, err
	}
	if len(rows) == 0 {
		return concur.FinancialResult{Missing: true}, nil
	}
	return rows[0], nil
}

// nothingPosted is the number of a document of which nothing was to be posted:
// the service wants one of what was.
const nothingPosted = "NONE"

func (s *FinancialSource) confirm(ctx context.Context, t concur.FinancialType, id string, sig connector.Signal) (concur.FinancialResult, error) {
	c := concur.PostingConfirmation{DocID: id, Status: concur.PostingSuccess}
	if sig.Kind == connector.Failed {
		c.Status = concur.PostingError
		var err error
		if c.Messages, err = s.messages(ctx, t, sig); err != nil {
			return concur.FinancialResult{}, err
		}
		return first(s.client.Financial.ConfirmPostings(ctx, t, []concur.PostingConfirmation{c}, s.opts.SystemID))
	}
	if sig.Receipt != nil {
		for _, m := range sig.Receipt.Made {
			p, err := s.postedDocument(m)
			if err != nil {
				return concur.FinancialResult{}, err
			}
			c.Documents = append(c.Documents, p)
		}
	}
	if len(c.Documents) == 0 {
		c.Documents = []concur.PostedDocument{{CompanyID: nothingPosted, Number: nothingPosted}}
		c.Messages = []concur.SystemMessage{message("", "nothing_to_post", "There was nothing to post: every amount is zero.", "Nothing to post: every amount is zero.")}
	}
	return first(s.client.Financial.ConfirmPostings(ctx, t, []concur.PostingConfirmation{c}, s.opts.SystemID))
}

func (s *FinancialSource) postedDocument(m connector.Made) (concur.PostedDocument, error) {
	p := concur.PostedDocument{CompanyID: m.Company, Number: m.Number, FiscalYear: s.opts.FiscalYear(m.Date)}
	var err error
	if p.PostingDate, err = concur.ParseDate(m.Date); err != nil {
		return p, fmt.Errorf("concursync: the receipt of %s has no date: %w", m.Number, err)
	}
	return p, nil
}

// messages are the reasons why a document was not posted, each with the id of the
// expense or line that it is about.
func (s *FinancialSource) messages(ctx context.Context, t concur.FinancialType, sig connector.Signal) ([]concur.SystemMessage, error) {
	lines, err := s.lineIDs(ctx, t, sig)
	if err != nil {
		return nil, err
	}
	out := make([]concur.SystemMessage, 0, len(sig.Issues))
	for _, i := range sig.Issues {
		short := cmp.Or(i.Message, i.Code)
		if i.Field != "" {
			short = i.Field + ": " + short
		}
		if i.Value != "" && !i.Personal && !strings.Contains(short, i.Value) {
			short += " (" + i.Value + ")"
		}
		out = append(out, message(lines[word(i.Field)], i.Code, short+" "+i.Remedy, short))
	}
	if len(out) == 0 {
		out = append(out, message("", "not_posted", "The document could not be posted. See the connector's list of parked documents.", "The document could not be posted."))
	}
	return out, nil
}

func message(line, id, long, short string) concur.SystemMessage {
	return concur.SystemMessage{LineItemID: line, ID: id, Language: "EN", LongText: fitText(long), ShortText: fitText(short)}
}

// fitText makes one line of a text, no longer than the service takes.
func fitText(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if runes := []rune(text); len(runes) > concur.MaxSystemMessage {
		return string(runes[:concur.MaxSystemMessage-1]) + "…"
	}
	return text
}

// word is the beginning of an issue's field that names an entry: "expense 3".
func word(field string) string {
	name, _, _ := strings.Cut(field, ",")
	return strings.TrimSuffix(strings.TrimSpace(name), " and elsewhere")
}

// lineIDs are the service's ids of a document's entries, by what issues call them.
func (s *FinancialSource) lineIDs(ctx context.Context, t concur.FinancialType, sig connector.Signal) (map[string]string, error) {
	named := false
	for _, i := range sig.Issues {
		for _, w := range []document.Kind{document.Report, document.Invoice, document.CashAdvance} {
			named = named || strings.HasPrefix(i.Field, w.EntryWord()+" ")
		}
	}
	if !named {
		return nil, nil
	}
	d, err := s.client.Financial.Get(ctx, t, sig.Ref.ID, true)
	switch {
	case errors.Is(err, concur.ErrNotFound):
		return nil, nil // the ids only help to find the line
	case err != nil:
		return nil, err
	}
	snap, err := s.snapshot(t, d)
	if err != nil || snap.Revision != sig.Revision {
		return nil, nil //nolint:nilerr // the same
	}
	out := make(map[string]string)
	for i, e := range snap.Content.Entries {
		out[snap.Content.Kind.EntryWord()+" "+strconv.Itoa(i+1)] = e.ID
	}
	return out, nil
}

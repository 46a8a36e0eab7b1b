package concur

import (
	"encoding/json"
	"fmt"
	"strings"
)

// FinancialCode is the Financial Integration Service's number for what became of
// one document of a call; the call itself is answered 200 whatever the codes.
// Follows the Financial Integration v4 page ("Service Codes"). Codes that are not
// listed there survive.
type FinancialCode int

// The service codes.
const (
	FinancialOK FinancialCode = 0
	// FinancialSystemMismatch: the systemId differs from the one that the document
	// is stored with.
	FinancialSystemMismatch FinancialCode = 99

	FinancialAcknowledgedBefore FinancialCode = 101 // acknowledged before
	FinancialAckRecalled        FinancialCode = 102 // recalled: to be dropped
	FinancialNotReady           FinancialCode = 103
	FinancialAckUnknown         FinancialCode = 104 // no such document
	FinancialAckWrongType       FinancialCode = 105
	FinancialNotAcknowledged    FinancialCode = 111 // to be acknowledged first
	FinancialPostingRecalled    FinancialCode = 112 // recalled: what was posted is to be reversed
	FinancialPostedBefore       FinancialCode = 113 // confirmed before
	FinancialUnknownState       FinancialCode = 114
	FinancialPostingWrongType   FinancialCode = 115
	FinancialPostingUnknown     FinancialCode = 116 // no such document
	FinancialPostingInvalid     FinancialCode = 198
	FinancialTryLater           FinancialCode = 199
	FinancialPaymentBefore      FinancialCode = 213 // payment confirmed before
	FinancialPaymentInvalid     FinancialCode = 298 // invalid, or its paymentRef was used before
	// FinancialNoCode: the answer has no code for the document, or none that can be
	// read. It is no success by itself; the vendor has no negative codes.
	FinancialNoCode              FinancialCode = -2
	financialNotMentioned        FinancialCode = -1
	financialNotMentionedMeaning               = "the answer does not mention the document"
)

// MarshalJSON writes the number, null for FinancialNoCode.
func (c FinancialCode) MarshalJSON() ([]byte, error) {
	if c < 0 {
		return []byte("null"), nil
	}
	return json.Marshal(int(c))
}

// UnmarshalJSON reads a number or a text that holds one; whatever else is
// FinancialNoCode, since an answer that comes after the work was done must not
// fail as a whole.
func (c *FinancialCode) UnmarshalJSON(b []byte) error {
	*c = FinancialNoCode
	var d Decimal
	if err := d.UnmarshalJSON(b); err == nil && d.Present() {
		if v := d.Value(); v.IsInteger() && !v.IsNegative() && v.BigInt().IsInt64() {
			*c = FinancialCode(v.IntPart())
		}
	}
	return nil
}

// FinancialClass says what to do about a code.
type FinancialClass string

// The classes of service codes.
const (
	FinancialDone FinancialClass = "done"
	// FinancialAlready: somebody did it before. A success where it was us.
	FinancialAlready FinancialClass = "already"
	// FinancialLater: the same call may succeed later.
	FinancialLater FinancialClass = "later"
	// FinancialAckFirst: acknowledge the document, then repeat.
	FinancialAckFirst FinancialClass = "acknowledge_first"
	// FinancialWithdrawn: the document was recalled; drop it, and reverse what was
	// posted of it.
	FinancialWithdrawn FinancialClass = "withdrawn"
	// FinancialRefused: the same call never succeeds.
	FinancialRefused FinancialClass = "refused"
	// FinancialUnclear: whether it was done is not known. Look the document up.
	FinancialUnclear FinancialClass = "unclear"
)

// Meaning says in words what the code means; "" for one that is not documented.
func (c FinancialCode) Meaning() string {
	meaning, _ := c.fact()
	return meaning
}

// Class says what to do about the code; a code that is not documented is
// FinancialUnclear.
func (c FinancialCode) Class() FinancialClass {
	_, class := c.fact()
	return class
}

func (c FinancialCode) fact() (string, FinancialClass) {
	switch c {
	case FinancialOK:
		return "done", FinancialDone
	case FinancialSystemMismatch:
		return "the systemId differs from the stored one", FinancialRefused
	case FinancialAcknowledgedBefore:
		return "acknowledged before", FinancialAlready
	case FinancialAckRecalled, FinancialPostingRecalled:
		return "recalled", FinancialWithdrawn
	case FinancialNotReady:
		return "not ready yet", FinancialLater
	case FinancialAckUnknown, FinancialPostingUnknown:
		return "no such document", FinancialRefused
	case FinancialAckWrongType, FinancialPostingWrongType:
		return "the document is of another type", FinancialRefused
	case FinancialNotAcknowledged:
		return "not acknowledged yet", FinancialAckFirst
	case FinancialPostedBefore:
		return "posting confirmed before", FinancialAlready
	case FinancialUnknownState:
		return "the document is in no known state", FinancialRefused
	case FinancialPostingInvalid:
		return "invalid request", FinancialRefused
	case FinancialTryLater:
		return "unknown error of the service", FinancialLater
	case FinancialPaymentBefore:
		return "payment confirmed before", FinancialAlready
	case FinancialPaymentInvalid:
		return "invalid payment, or its paymentRef was used before", FinancialRefused
	case financialNotMentioned:
		return financialNotMentionedMeaning, FinancialUnclear
	case FinancialNoCode:
		return "the answer has no code for the document", FinancialUnclear
	default:
		return "", FinancialUnclear
	}
}

// FinancialResult is what became of one document of a call.
type FinancialResult struct {
	Code     FinancialCode `json:"code"`
	DocID    Text          `json:"docId"` // FinancialDocument.ID
	SystemID Text          `json:"systemId"`
	// Result is SUCCESS, FAILURE, NOOP, NOT_YET_ACKNOWLEDGED, WAS_RECALLED … in the
	// vendor's words.
	Result        string `json:"-"`
	ErrorMessage  Text   `json:"errorMessage"`
	DetailMessage Text   `json:"detailMessage"`
	PaymentRef    Text   `json:"paymentRef"` // of a payment confirmation
	// Missing: the answer does not mention the document; what became of it is not
	// known.
	Missing bool `json:"-"`

	// The three members that Result is taken from, one for each call.
	Acknowledge Text `json:"acknowledgeResult"`
	Posting     Text `json:"postingConfirmationResult"`
	Payment     Text `json:"paymentConfirmationResult"`
}

// UnmarshalJSON reads a row of an answer. A row without a code is
// FinancialNoCode, never FinancialOK.
func (r *FinancialResult) UnmarshalJSON(b []byte) error {
	type plain FinancialResult
	p := plain{Code: FinancialNoCode}
	if err := json.Unmarshal(b, &p); err != nil {
		return err
	}
	*r = FinancialResult(p)
	r.settle()
	return nil
}

func (r *FinancialResult) settle() {
	for _, t := range []Text{r.Acknowledge, r.Posting, r.Payment} {
		if t != "" {
			r.Result = string(t)
		}
	}
}

// Err returns nil for a document that was done, else a *FinancialError. Without a
// code only the word SUCCESS says that it was done.
func (r FinancialResult) Err() error {
	if r.Missing {
		r.Code = financialNotMentioned
	}
	success := strings.EqualFold(r.Result, "SUCCESS")
	if r.Code == FinancialOK && (r.Result == "" || success) || r.Code == FinancialNoCode && success {
		return nil
	}
	return &FinancialError{Code: r.Code, DocID: string(r.DocID), Result: r.Result, Message: oneLine(string(r.ErrorMessage) + " " + string(r.DetailMessage))}
}

// FinancialError is a document that was not acknowledged or confirmed, under an
// answer of 200. It is, by errors.Is: ErrInvalid where the class is
// FinancialRefused, ErrConflict where it is FinancialAlready or
// FinancialWithdrawn.
type FinancialError struct {
	Code    FinancialCode
	DocID   string
	Result  string // the vendor's word
	Message string // the vendor's text, one line
}

// Class says what to do about it. A result that contradicts its code is unclear.
func (e *FinancialError) Class() FinancialClass {
	switch {
	case e.Code != FinancialOK && e.Code != FinancialNoCode:
		return e.Code.Class()
	case strings.EqualFold(e.Result, "WAS_RECALLED"):
		return FinancialWithdrawn
	case strings.EqualFold(e.Result, "SYSTEM_ERROR_OCCURRED"):
		return FinancialLater
	case strings.EqualFold(e.Result, "NOT_YET_ACKNOWLEDGED"):
		return FinancialAckFirst
	default:
		return FinancialUnclear
	}
}

// Error returns what became of the document, on one line.
func (e *FinancialError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "concur: financial document %.40s", oneLine(e.DocID))
	if e.Code == financialNotMentioned {
		return b.String() + ": " + financialNotMentionedMeaning
	}
	if e.Code == FinancialNoCode {
		b.WriteString(": " + e.Code.Meaning())
	} else {
		fmt.Fprintf(&b, ": code %d", int(e.Code))
		if m := e.Code.Meaning(); m != "" {
			b.WriteString(" " + m)
		}
	}
	if e.Result != "" {
		b.WriteString(" (" + oneLine(e.Result) + ")")
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	return b.String()
}

// Retryable reports whether the same call may succeed later.
func (e *FinancialError) Retryable() bool { return e.Class() == FinancialLater }

// Is makes the error one of the package's sentinels, by its class.
func (e *FinancialError) Is(target error) bool {
	switch e.Class() {
	case FinancialRefused:
		return target == ErrInvalid
	case FinancialAlready, FinancialWithdrawn:
		return target == ErrConflict
	default:
		return false
	}
}

package concur

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// PostingConfirmation says what became of a document in the ERP.
type PostingConfirmation struct {
	DocID string `json:"docId"` // FinancialDocument.ID
	// Status is PostingSuccess or PostingError. All or nothing: where one line
	// fails, everything of the document is taken back and PostingError said.
	Status    PostingStatus    `json:"overallPostingStatusCode"`
	Documents []PostedDocument `json:"postingDocs"`
	Messages  []SystemMessage  `json:"systemMessages"`
}

// PostingStatus is the outcome of a posting.
type PostingStatus string

// The outcomes of a posting.
const (
	PostingSuccess PostingStatus = "success"
	PostingError   PostingStatus = "error"
)

// PostedDocument is a document that was made in the ERP.
type PostedDocument struct {
	CompanyID  string `json:"companyId"`      // the ERP's company, at most 32 characters
	Number     string `json:"documentNumber"` // at most 80 characters
	FiscalYear string `json:"fiscalYear"`
	// PaymentRelevantLineItems is undocumented and empty in the samples.
	PaymentRelevantLineItems []string `json:"paymentRelevantLineItems"`
	PostingDate              Date     `json:"postingDate"`
}

// SystemMessage is shown in Concur's audit trail.
type SystemMessage struct {
	LineItemID string `json:"concurTransactionLineItemId"`
	ID         string `json:"messageId"`
	Language   string `json:"messageLanguage"` // EN
	// ConfirmPostings cuts both texts at MaxSystemMessage characters.
	LongText  string `json:"messageLongText"`
	ShortText string `json:"messageShortText"`
}

// MaxSystemMessage is how long the texts of a SystemMessage may be.
const MaxSystemMessage = 1300

// ConfirmPostings tells the service what became of documents in the ERP, and
// returns what became of each confirmation, in their order. It is sent once.
func (s *FinancialService) ConfirmPostings(ctx context.Context, kind FinancialType, cs []PostingConfirmation, systemID string) ([]FinancialResult, error) {
	const operation = "Financial.ConfirmPostings"
	if len(cs) == 0 {
		return nil, nil
	}
	sent := make([]PostingConfirmation, len(cs))
	for i, c := range cs {
		c.Documents = append([]PostedDocument{}, c.Documents...) // required, if empty
		for j := range c.Documents {
			if c.Documents[j].PaymentRelevantLineItems == nil {
				c.Documents[j].PaymentRelevantLineItems = []string{}
			}
		}
		c.Messages = append([]SystemMessage{}, c.Messages...)
		for j := range c.Messages {
			m := &c.Messages[j]
			m.LongText, m.ShortText = clip(m.LongText, MaxSystemMessage), clip(m.ShortText, MaxSystemMessage)
		}
		sent[i] = c
	}
	body := struct {
		SystemID      string                `json:"systemId"`
		Confirmations []PostingConfirmation `json:"postingConfirmations"`
	}{systemID, sent}
	rows, err := s.write(ctx, operation, kind, "postingconfirmations", body)
	if err != nil {
		return nil, err
	}
	return inOrder(rows, len(cs), func(i int, r FinancialResult) bool { return string(r.DocID) == cs[i].DocID },
		func(i int) FinancialResult { return FinancialResult{DocID: Text(cs[i].DocID), Missing: true} }), nil
}

// clip shortens a text to so many characters.
func clip(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			return s[:i]
		}
		n++
	}
	return s
}

// PaymentConfirmation says that a posted expense report was paid.
type PaymentConfirmation struct {
	DocID    string                  `json:"docId"` // FinancialDocument.ID
	Status   PaymentProcessingStatus `json:"processingStatusCode"`
	Message  string                  `json:"additionalMessage,omitempty"`
	Clearing []Clearing              `json:"clearingDetails"` // at least one; an answer names each by its paymentRef
}

// PaymentProcessingStatus says how far the payment is.
type PaymentProcessingStatus string

// How far a payment is.
const (
	CompletelyPaid  PaymentProcessingStatus = "CP"
	PartiallyPaid   PaymentProcessingStatus = "PP"
	PaymentReversed PaymentProcessingStatus = "RE"
	PaymentObsolete PaymentProcessingStatus = "OB"
)

// Clearing is one payment. Date, Amount, Currency and Reference.PaymentRef are
// required; an amount of 0 has to be said.
type Clearing struct {
	Date      ClearingDate      `json:"clearingDate"`
	Amount    Decimal           `json:"clearingAmount"`
	Currency  string            `json:"clearingCurrency"`
	Receiver  ClearingReceiver  `json:"receiver"`
	Reference ClearingReference `json:"clearingReference"`
}

// ClearingDate is an instant in the one form with a clock that the service
// takes: 2026-10-30T12:00:00.000Z.
type ClearingDate time.Time

// MarshalJSON writes the instant in UTC with milliseconds.
func (d ClearingDate) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(d).UTC().Format("2006-01-02T15:04:05.000Z"))
}

// UnmarshalJSON reads what ParseTime reads.
func (d *ClearingDate) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	if err != nil {
		return err
	}
	t, err := ParseTime(s)
	*d = ClearingDate(t.Time())
	return err
}

// ClearingReceiver is who was paid.
type ClearingReceiver struct {
	ID   string `json:"receiverId"`
	Name string `json:"receiverName"`
	Type string `json:"receiverType"` // EMPLOYEE
}

// ClearingReference is the payment in the ERP.
type ClearingReference struct {
	CompanyCode string `json:"companyCode"`
	DocumentID  string `json:"financialDocumentId"`
	FiscalYear  string `json:"fiscalYear"`
	PaymentRef  string `json:"paymentRef"`    // unique per confirmation
	Method      string `json:"paymentMethod"` // E or C
}

// ConfirmPayments tells the service that posted expense reports were paid, and
// returns what became of each payment, in the order of the confirmations and
// their payments. Only FinancialExpense is taken; for suppliers' invoices see
// PaymentConfirmations. It is sent once; what is incomplete is refused before.
func (s *FinancialService) ConfirmPayments(ctx context.Context, kind FinancialType, cs []PaymentConfirmation, systemID string) ([]FinancialResult, error) {
	const operation = "Financial.ConfirmPayments"
	if kind != FinancialExpense {
		return nil, &Error{Operation: operation, Status: http.StatusBadRequest, Message: "only expense documents take payment confirmations; nothing was sent"}
	}
	type key struct{ doc, ref string }
	if len(cs) == 0 {
		return nil, nil
	}
	var keys []key
	for _, c := range cs {
		if c.DocID == "" || len(c.Clearing) == 0 {
			return nil, notSent(operation, "a payment confirmation needs its document and at least one payment, whatever its status")
		}
		for _, d := range c.Clearing {
			if time.Time(d.Date).IsZero() || !d.Amount.Present() || d.Currency == "" || d.Reference.PaymentRef == "" {
				return nil, notSent(operation, "a payment needs its date, amount, currency and paymentRef")
			}
			keys = append(keys, key{c.DocID, d.Reference.PaymentRef})
		}
	}
	body := struct {
		SystemID      string                `json:"systemId"`
		Confirmations []PaymentConfirmation `json:"processingConfirmation"`
	}{systemID, cs}
	rows, err := s.write(ctx, operation, kind, "paymentconfirmations", body)
	if err != nil {
		return nil, err
	}
	return inOrder(rows, len(keys), func(i int, r FinancialResult) bool {
		return string(r.DocID) == keys[i].doc && (r.PaymentRef == "" || string(r.PaymentRef) == keys[i].ref)
	}, func(i int) FinancialResult {
		return FinancialResult{DocID: Text(keys[i].doc), PaymentRef: Text(keys[i].ref), Missing: true}
	}), nil
}

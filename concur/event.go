package concur

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Topics of events that this package knows the facts of. Published samples
// print some of them without "public.": compare with SameTopic.
const (
	TopicExpenseReport        = "public.concur.expense.report"
	TopicFinancialIntegration = "public.concur.financialintegration"
)

// SameTopic reports whether two topic names mean the same topic, with or
// without the "public." that samples leave out.
func SameTopic(a, b string) bool {
	return topicName(a) == topicName(b)
}

func topicName(t string) string {
	t = strings.TrimPrefix(t, "public.")
	if t == "concur.profile.identity" { // as samples print it
		t = "concur.user.profile.identity"
	}
	return t
}

// EventType says what happened.
type EventType string

// The event types of TopicExpenseReport. StatusChanged is published for submit,
// send back, recall and payment; every other step only where the customer
// configured it, so an approval may come without an event.
const (
	ReportCreated EventType = "reportCreated"
	ReportUpdated EventType = "reportUpdated"
	ReportDeleted EventType = "reportDeleted"
	StatusChanged EventType = "statusChanged"
)

// The event types of TopicFinancialIntegration.
const (
	ExpenseReady           EventType = "expense.readyForIntegration"
	InvoiceReady           EventType = "invoice.readyForIntegration"
	PayrollReady           EventType = "payroll.readyForIntegration"
	CashAdvanceReady       EventType = "cashadvance.readyForIntegration"
	RequestObligationReady EventType = "requestObligation.readyForIntegration"
	ReportObligationReady  EventType = "reportObligation.readyForIntegration"
)

// Event is what Concur announces. It comes at least once, in no order, and says
// no more than where to look. Follows the Event Subscription Service v4 page.
type Event struct {
	ID            Text      `json:"id"` // opaque; the same on a repeated delivery
	CorrelationID Text      `json:"correlationId"`
	EventType     EventType `json:"eventType"`
	Topic         string    `json:"topic"`
	Subtopic      Text      `json:"subtopic"`
	TimeStamp     Time      `json:"timeStamp"`
	// Facts are the content as it came; see Report, Financial and the methods for
	// the other topics.
	Facts json.RawMessage `json:"facts"`
	// Data is null in most events.
	Data json.RawMessage `json:"data"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (e *Event) UnmarshalJSON(b []byte) error {
	type plain Event
	return readObject(textual(b, "topic", "eventType"), (*plain)(e), &e.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (e Event) MarshalJSON() ([]byte, error) {
	type plain Event
	return writeObject(plain(e), e.Raw)
}

// textual writes members of an object that are numbers or truth values as texts: an
// event that is refused as malformed is lost for good.
func textual(object []byte, names ...string) []byte {
	if kind(bytes.TrimSpace(object)) != '{' {
		return object // its decoder says what is wrong
	}
	out, changed := []byte{'{'}, false
	err := members(object, func(name, quoted, value []byte) error {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(out, quoted...), ':')
		if k := kind(value); slices.Contains(names, string(name)) && k != '"' && k != 'n' && k != '{' && k != '[' {
			changed = true
			value = []byte(strconv.Quote(string(value)))
		}
		out = append(out, value...)
		return nil
	})
	if err != nil || !changed {
		return object
	}
	return append(out, '}')
}

// ParseEvent reads an event. It wants a JSON object with an event type and takes
// whatever topic, type and further members it has.
func ParseEvent(body []byte) (Event, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 || body[0] != '{' {
		return Event{}, errors.New("concur: event is not a JSON object")
	}
	var e Event
	if err := json.Unmarshal(body, &e); err != nil {
		return Event{}, fmt.Errorf("concur: event: %w", shape(err))
	}
	if e.EventType == "" {
		return Event{}, errors.New("concur: event has no eventType")
	}
	return e, nil
}

// Company returns the UUID of the company that the event belongs to, "" when
// its facts have none.
func (e Event) Company() string {
	var f struct {
		CompanyID Text `json:"companyId"`
	}
	if len(e.Facts) == 0 || json.Unmarshal(e.Facts, &f) != nil {
		return ""
	}
	return string(f.CompanyID)
}

// ReportFacts are the facts of TopicExpenseReport.
type ReportFacts struct {
	CompanyID string `json:"companyId"`
	ReportID  string `json:"reportId"`
	// UserID is who the event is about: the owner for a submit, else who acted. The
	// owner stands in Href; see Owner.
	UserID           string `json:"userId"`
	ActingUserID     string `json:"actingUserId"`
	ReportType       string `json:"reportType"`
	LastModifiedDate Time   `json:"lastModifiedDate"`
	Href             string `json:"href"` // absent for a deleted report; its host may be an old one: never call it

	// The following come with StatusChanged only.
	PreviousApprovalStatus ApprovalStatus `json:"previousApprovalStatus"`
	CurrentApprovalStatus  ApprovalStatus `json:"currentApprovalStatus"`
	PreviousPaymentStatus  PaymentStatus  `json:"previousPaymentStatus"`
	CurrentPaymentStatus   PaymentStatus  `json:"currentPaymentStatus"`
	// StepCode is SENDBACK, RECALL, EXTVAL, PAIDREPORT or the customer's own.
	StepCode  string `json:"stepCode"`
	ProcessID string `json:"processId"`
	// StartingStep is the step that the report came to.
	StartingStep StartingStep `json:"startingStep"`
}

// StartingStep is a step of the workflow with whom it waits for: several approvers
// of cost objects have an instance each.
type StartingStep struct {
	RoleCode  string         `json:"roleCode"` // the customer's configuration names it
	Instances []StepInstance `json:"stepInstances"`
}

// StepInstance is a step as it stands before one person.
type StepInstance struct {
	ID             string `json:"id"`             // taken for that of WorkflowStep.ExpectedStepInstance: an assumption
	AssignedUserID string `json:"assignedUserId"` // UUID; "" of a step that waits for a role
}

// Owner returns the UUID of the report's owner, read from the path of Href, and
// "" when there is none.
func (f ReportFacts) Owner() string {
	u, err := url.Parse(f.Href)
	if err != nil {
		return ""
	}
	parts := strings.Split(u.Path, "/")
	for i, p := range parts {
		if p == "users" && i+1 < len(parts) && itemID.MatchString(parts[i+1]) {
			return parts[i+1]
		}
	}
	return ""
}

// Report returns the facts of an event of TopicExpenseReport. Another topic, or
// facts that are not readable, is an error.
func (e Event) Report() (ReportFacts, error) {
	var f ReportFacts
	err := e.facts(TopicExpenseReport, &f)
	return f, err
}

// FinancialFacts are the facts of TopicFinancialIntegration.
type FinancialFacts struct {
	CompanyID  string `json:"companyId"`
	DocumentID string `json:"documentId"`
	EntityID   string `json:"entityId"`
	Href       string `json:"href"` // its host may be an old one: never call it
}

// Financial returns the facts of an event of TopicFinancialIntegration. Another
// topic, or facts that are not readable, is an error.
func (e Event) Financial() (FinancialFacts, error) {
	var f FinancialFacts
	err := e.facts(TopicFinancialIntegration, &f)
	return f, err
}

func (e Event) facts(topic string, into any) error {
	if !SameTopic(e.Topic, topic) {
		return fmt.Errorf("concur: event of topic %.80q: want %s", oneLine(e.Topic), topic)
	}
	if len(e.Facts) == 0 {
		return errors.New("concur: event has no facts")
	}
	if err := json.Unmarshal(e.Facts, into); err != nil {
		return fmt.Errorf("concur: facts of event: %w", shape(err))
	}
	return nil
}

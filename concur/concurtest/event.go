package concurtest

import (
	"time"
)

// Topics of events. Only TopicReports is published by changes of state; any
// other can be published by hand.
const (
	TopicReports   = "public.concur.expense.report"
	TopicFinancial = "public.concur.financialintegration"
)

// Event is an event to be published by hand.
type Event struct {
	ID       string // default made up
	Topic    string // what subscriptions are matched by; required
	Type     string // eventType; required
	Subtopic string // "" leaves the field out
	Facts    any    // encoded as JSON; default {}
	Body     []byte // instead of all above but Topic and Type: sent as it is, signed all the same
}

// envelope is the wire form of the "Event Subscription Service v4" page.
type envelope struct {
	ID            string  `json:"id"`
	CorrelationID string  `json:"correlationId"`
	Route         string  `json:"route"`
	EventType     string  `json:"eventType"`
	Topic         string  `json:"topic"`
	Subtopic      *string `json:"subtopic,omitempty"`
	TimeStamp     string  `json:"timeStamp"`
	Data          *data   `json:"data,omitempty"`
	Facts         any     `json:"facts"`
}

// data is the empty member that financial integration events have.
type data struct{}

// MarshalJSON writes null.
func (data) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// reportFacts are those of reportCreated, reportUpdated and reportDeleted.
type reportFacts struct {
	ReportType       string  `json:"reportType"`
	CompanyID        string  `json:"companyId"`
	ReportID         string  `json:"reportId"`
	LastModifiedDate string  `json:"lastModifiedDate"`
	ActingUserID     *string `json:"actingUserId"`
	Href             string  `json:"href,omitempty"` // absent for a deleted report
	UserID           *string `json:"userId"`
}

// statusFacts are those of statusChanged.
type statusFacts struct {
	CurrentApproval  string       `json:"currentApprovalStatus"`
	ReportID         string       `json:"reportId"`
	StepCode         string       `json:"stepCode"`
	LastModifiedDate string       `json:"lastModifiedDate"`
	UserID           *string      `json:"userId"` // who acted; the owner stands in href
	ReportType       string       `json:"reportType"`
	PreviousPayment  string       `json:"previousPaymentStatus"`
	CompanyID        string       `json:"companyId"`
	ProcessID        string       `json:"processId"`
	CurrentPayment   string       `json:"currentPaymentStatus"`
	StartingStep     startingStep `json:"startingStep"`
	PreviousApproval string       `json:"previousApprovalStatus"`
	ActingUserID     *string      `json:"actingUserId"`
	Href             string       `json:"href"`
}

type startingStep struct {
	RoleCode      string         `json:"roleCode"`
	StepInstances []stepInstance `json:"stepInstances"`
}

type stepInstance struct {
	ID             string  `json:"id"`
	AssignedUserID *string `json:"assignedUserId"`
}

func (s *Server) timeStamp(t time.Time, compact bool) string {
	if compact {
		return t.UTC().Format("2006-01-02T15:04:05.000-0700")
	}
	return instant(t)
}

// announceReport publishes reportCreated, reportUpdated or reportDeleted.
func (c *Company) announceReport(kind string, r *Report) {
	f := reportFacts{
		ReportType: r.Type, CompanyID: c.ID, ReportID: r.ID, LastModifiedDate: instant(r.LastModified),
		UserID: c.userID(r.Owner),
	}
	topic := TopicReports
	if kind != "reportDeleted" {
		f.Href = c.href(c.center.url(), r)
	}
	if kind != "reportCreated" {
		// The samples of these two lack the topic's first word.
		topic = "concur.expense.report"
	}
	c.publish(Event{Topic: TopicReports, Type: kind, Facts: f}, topic, r.ID)
}

// announceStatus publishes statusChanged.
func (c *Company) announceStatus(r *Report, from, to Status) {
	role := "MANAGER"
	if to.Payment == ProcessingPayment || to.Payment == Paid {
		role = "EXPENSE_PROCESSOR"
	}
	f := statusFacts{
		CurrentApproval: to.Approval, PreviousApproval: from.Approval, CurrentPayment: to.Payment, PreviousPayment: from.Payment,
		StepCode: to.StepCode, ReportID: r.ID, ReportType: r.Type, CompanyID: c.ID, UserID: c.userID(to.Actor),
		ProcessID: c.s.ids.upper("process", 32), LastModifiedDate: instant(r.LastModified), Href: c.href(c.center.url(), r),
		StartingStep: startingStep{RoleCode: role, StepInstances: []stepInstance{
			{ID: c.s.ids.upper("step", 32), AssignedUserID: c.userID(r.Approver)},
		}},
	}
	c.publish(Event{Topic: TopicReports, Type: "statusChanged", Facts: f}, TopicReports, r.ID)
}

// userID returns the id of a login, nil without one.
func (c *Company) userID(login string) *string {
	if u := c.userByLogin(login); u != nil {
		return &u.ID
	}
	return nil
}

// Publish delivers an event made by hand to the subscriptions of its topic that
// the company belongs to.
func (c *Company) Publish(e Event) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.publish(e, e.Topic, "")
}

// Republish announces the present state of a report once more, as a
// statusChanged of a new event id without any change.
func (c *Company) Republish(reportID string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	r := c.mustReport(reportID)
	now := Status{Approval: r.ApprovalStatus, Payment: r.PaymentStatus, StepCode: "PROCESSOR", Actor: r.Approver}
	c.announceStatus(r, now, now)
}

// ReadyForIntegration publishes the event of the financial integration service
// for a document: kind is expense, invoice, cashadvance and so on.
func (c *Company) ReadyForIntegration(kind, documentID string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.announceReady(kind, documentID)
}

func (c *Company) announceReady(kind, documentID string) {
	c.publish(Event{
		Topic: TopicFinancial, Type: kind + ".readyForIntegration", Subtopic: c.opts.EntityID,
		Facts: financialFacts{
			CompanyID: c.ID, DocumentID: documentID, EntityID: c.opts.EntityID,
			Href: c.center.url() + "/financialintegration/fi/v4/companies/transactiontypes/" + kind + "/transactions?docId=" + documentID,
		},
	}, TopicFinancial, documentID)
}

// financialFacts are those of the readyForIntegration events.
type financialFacts struct {
	CompanyID  string `json:"companyId"`
	DocumentID string `json:"documentId"`
	Href       string `json:"href"`
	EntityID   string `json:"entityId"`
}

// publish makes the body and queues it for every matching subscription.
// document is what the log of deliveries calls it by.
func (c *Company) publish(e Event, printed, document string) {
	e.ID = orElse(e.ID, c.s.ids.uuid("event"))
	correlation := c.s.ids.uuid("eventcorrelation")
	if e.Facts == nil {
		e.Facts = struct{}{}
	}
	body := e.Body
	if body == nil {
		financial := e.Topic == TopicFinancial
		env := envelope{
			ID: e.ID, CorrelationID: correlation, Route: "stable", EventType: e.Type, Topic: printed,
			TimeStamp: c.s.timeStamp(c.s.now(), financial || c.s.opts.CompactZone), Facts: e.Facts,
		}
		if e.Subtopic != "" {
			env.Subtopic = &e.Subtopic
		}
		if financial {
			env.Data = &data{}
		}
		body = encodeJSON(env)
	}
	c.s.events.enqueue(c, e, correlation, document, body)
}

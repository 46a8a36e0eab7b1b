package concur

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Further topics of events. Their names are printed in several ways; SameTopic
// knows them.
const (
	TopicAccountingIntegration = "public.concur.spend.accountingintegration"
	TopicIdentity              = "public.concur.user.profile.identity"
	TopicSpendProfile          = "public.concur.user.profile.spend"
	TopicTravelProfile         = "public.concur.user.travel.profile"
	TopicProvisioning          = "public.concur.user.provisioning"
	TopicTaxCompliance         = "public.concur.document.tax.compliance"
	TopicRequest               = "public.concur.request"
	TopicItinerary             = "public.concur.travel.itinerary"
	TopicTravelBooking         = "public.concur.travel.book"
	TopicTravelSearch          = "concur.travel.search"
	TopicTest                  = "public.test" // its events are not documented
)

// The event types of TopicAccountingIntegration.
const (
	AccountingStatusUpdated  EventType = "data.statusUpdated"
	AccountingMappingUpdated EventType = "mapping.updated"
	AccountingListMapped     EventType = "listMapping.created"
	AccountingListUnmapped   EventType = "listMapping.deleted"
	AccountingResetRequested EventType = "data.resetRequested"
)

// The event types of TopicIdentity, TopicSpendProfile and TopicTravelProfile. A
// published sample prints "DELETE" for the last one.
const (
	IdentityCreated      EventType = "IdentityProfileCreated"
	IdentityUpdated      EventType = "IdentityProfileUpdated"
	IdentityDeleted      EventType = "IdentityProfileDeleted"
	SpendProfileCreated  EventType = "SpendProfileCreated"
	SpendProfileUpdated  EventType = "SpendProfileUpdated"
	SpendProfileDeleted  EventType = "SpendProfileDeleted"
	TravelProfileCreated EventType = "TravelProfileCreated"
	TravelProfileUpdated EventType = "TravelProfileUpdated"
	TravelProfileDeleted EventType = "TravelProfileDeleted"
)

// The event types of the other topics. TopicTaxCompliance has one per country,
// "MX.compliance", "PL.compliance"; TopicRequest further ones for the roles that
// a request waits for, "statusChange.PENDING.<role>".
const (
	ProvisionCompleted     EventType = "provisionCompleted"
	RequestApproved        EventType = "statusChange.APPROVED"
	RequestCancelled       EventType = "statusChange.CANCELED"
	RequestSentBack        EventType = "statusChange.SENTBACK"
	ItineraryCreated       EventType = "ItineraryCreated"
	ItineraryUpdated       EventType = "ItineraryUpdated"
	ItineraryCancelled     EventType = "ItineraryCancelled"
	ItineraryDeleted       EventType = "ItineraryDeleted"
	ItineraryAnonymized    EventType = "ItineraryAnonymized" // its page also spells it ItineraryAonymized
	TravelBookingCompleted EventType = "travelBookingCompleted"
	TravelBookingUpdated   EventType = "travelBookingUpdated"
	TravelSearchAir        EventType = "travelSearchAir"
	TravelSearchHotel      EventType = "travelSearchHotel"
)

// AccountingFacts are the facts of TopicAccountingIntegration.
type AccountingFacts struct {
	CompanyID string `json:"companyId"`
	ERPID     string `json:"erpId"`
	PartnerID string `json:"partnerId"`
	// Data depends on the event type: see Status and ListMappings.
	Data json.RawMessage `json:"data"`
}

// data returns Data, also where it came as JSON inside a text.
func (f AccountingFacts) data() json.RawMessage {
	b := bytes.TrimSpace(f.Data)
	if kind(b) == '"' {
		var s string
		if json.Unmarshal(b, &s) == nil {
			b = bytes.TrimSpace([]byte(s))
		}
	}
	return b
}

// Status returns which request ended and how, of AccountingStatusUpdated.
func (f AccountingFacts) Status() (requestID, status string, err error) {
	var d struct {
		RequestID string `json:"requestId"`
		Status    string `json:"status"` // SUCCESS, PARTIAL, ERROR
	}
	if err := json.Unmarshal(f.data(), &d); err != nil {
		return "", "", fmt.Errorf("concur: data of event: %w", shape(err))
	}
	return d.RequestID, d.Status, nil
}

// ListMapping is a list of the ERP that was mapped to one of Concur's.
type ListMapping struct {
	ERPListID     string          `json:"erpListId"`
	ConcurListID  string          `json:"concurListId"`
	FieldMappings json.RawMessage `json:"fieldMappings"`
}

// ListMappings returns what was mapped, of AccountingListMapped and
// AccountingListUnmapped.
func (f AccountingFacts) ListMappings() ([]ListMapping, error) {
	var ms []ListMapping
	if err := json.Unmarshal(f.data(), &ms); err != nil {
		return nil, fmt.Errorf("concur: data of event: %w", shape(err))
	}
	return ms, nil
}

// ResetObjects returns what has to be sent again, of AccountingResetRequested:
// ACCOUNT, VENDOR, LIST.
func (f AccountingFacts) ResetObjects() ([]string, error) {
	var d struct {
		Objects []string `json:"accountingObjects"`
	}
	if err := json.Unmarshal(f.data(), &d); err != nil {
		return nil, fmt.Errorf("concur: data of event: %w", shape(err))
	}
	return d.Objects, nil
}

// ProfileFacts are the facts of TopicIdentity, TopicSpendProfile and
// TopicTravelProfile.
type ProfileFacts struct {
	CompanyID  string   `json:"companyId"`
	UserID     string   `json:"userId"`
	UserHref   string   `json:"userHref"` // its host may be an old one: never call it
	LoginID    string   `json:"loginId"`  // of TopicTravelProfile
	Originator string   `json:"originator"`
	Attributes []string `json:"attributes"` // names of what was changed, without values
}

// ProvisionFacts are the facts of TopicProvisioning. They name no company.
type ProvisionFacts struct {
	ProvisionID string `json:"provisionId"`
	StatusHref  string `json:"provisionStatusHref"` // its host may be an old one: never call it
	Originator  string `json:"originator"`
	Success     Flag   `json:"success"`
}

// TaxComplianceFacts are the facts of TopicTaxCompliance.
type TaxComplianceFacts struct {
	CompanyID         string `json:"companyId"`
	DocumentID        string `json:"documentId"`
	CountryCode       string `json:"complianceCountryCode"`
	InvoiceID         string `json:"invoiceId"`
	TaxID             string `json:"taxId"`
	Href              string `json:"href"` // its host may be an old one: never call it
	DisplayRequired   Flag   `json:"isDisplayVersionRequired"`
	ComplianceDocFlag Flag   `json:"isComplianceDocRequired"`
}

// RequestFacts are the facts of TopicRequest.
type RequestFacts struct {
	CompanyID             string `json:"companyId"`
	ID                    string `json:"id"`
	RequestID             string `json:"requestId"`
	UserID                string `json:"userId"`
	ActingUserID          string `json:"actingUserId"`
	RecipientID           string `json:"recipientId"`
	EntityID              string `json:"entityId"`
	PolicyID              string `json:"policyId"`
	Status                string `json:"status"`
	Role                  string `json:"role"`
	CurrentApprovalStatus string `json:"currentApprovalStatus"`
	StepCode              string `json:"stepCode"`
	Href                  string `json:"href"` // its host may be an old one: never call it
	IsClosed              Flag   `json:"isClosed"`
	IsRecall              Flag   `json:"isRecall"`
	IsTest                Flag   `json:"isTest"`
	IsPaymentCardRelated  Flag   `json:"isPaymentCardRelated"`
}

// TravelFacts are the facts of TopicItinerary, TopicTravelBooking and
// TopicTravelSearch, as far as they are alike; Event.Facts holds the rest.
type TravelFacts struct {
	CompanyID      string            `json:"companyId"`
	UserID         string            `json:"userId"`
	ID             string            `json:"id"`    // of an itinerary
	Hrefs          map[string]string `json:"hrefs"` // of an itinerary; their hosts may be old ones: never call them
	DelegateUserID string            `json:"delegateUserId"`
	ArrangerUserID string            `json:"arrangerUserId"`
	Trip           struct {
		ID string `json:"id"`
	} `json:"trip"`
	Bookings []struct {
		ID   string `json:"id"`
		Type string `json:"type"` // Air, Hotel
	} `json:"bookings"`
}

// Accounting returns the facts of an event of TopicAccountingIntegration. Another
// topic, or facts that are not readable, is an error.
func (e Event) Accounting() (AccountingFacts, error) {
	return factsOf[AccountingFacts](e, TopicAccountingIntegration)
}

// Profile returns the facts of an event of TopicIdentity, TopicSpendProfile or
// TopicTravelProfile. Another topic, or facts that are not readable, is an error.
func (e Event) Profile() (ProfileFacts, error) {
	return factsOf[ProfileFacts](e, TopicIdentity, TopicSpendProfile, TopicTravelProfile)
}

// Provision returns the facts of an event of TopicProvisioning. Another topic, or
// facts that are not readable, is an error.
func (e Event) Provision() (ProvisionFacts, error) {
	return factsOf[ProvisionFacts](e, TopicProvisioning)
}

// TaxCompliance returns the facts of an event of TopicTaxCompliance. Another
// topic, or facts that are not readable, is an error.
func (e Event) TaxCompliance() (TaxComplianceFacts, error) {
	return factsOf[TaxComplianceFacts](e, TopicTaxCompliance)
}

// Request returns the facts of an event of TopicRequest. Another topic, or facts
// that are not readable, is an error.
func (e Event) Request() (RequestFacts, error) { return factsOf[RequestFacts](e, TopicRequest) }

// Travel returns the facts of an event of TopicItinerary, TopicTravelBooking or
// TopicTravelSearch. Another topic, or facts that are not readable, is an error.
func (e Event) Travel() (TravelFacts, error) {
	return factsOf[TravelFacts](e, TopicItinerary, TopicTravelBooking, TopicTravelSearch)
}

func factsOf[T any](e Event, topics ...string) (T, error) {
	var f T
	for _, t := range topics {
		if SameTopic(e.Topic, t) {
			err := e.facts(t, &f)
			return f, err
		}
	}
	return f, fmt.Errorf("concur: event of topic %.80q: want %s", oneLine(e.Topic), topics[0])
}

var errStale = errors.New("concur: event is older than it may be")

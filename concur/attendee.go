package concur

import (
	"context"
	"encoding/json"
	"net/http"
)

// Attendees are the people whom an expense was for. Follows the Expense Attendee
// Associations v4 page.
type Attendees struct {
	List []Attendee `json:"expenseAttendeeList"`
	// NoShow is how many were expected and did not come.
	NoShow int `json:"noShowAttendeeCount"`
}

// Attendee is one of them, with a share of the expense.
type Attendee struct {
	AttendeeID string `json:"attendeeId"`
	// TransactionAmount is in the currency of the transaction. In a request its
	// value alone is sent.
	TransactionAmount       Amount        `json:"transactionAmount"`
	ApprovedAmount          Amount        `json:"approvedAmount"`
	IsAmountUserEdited      bool          `json:"isAmountUserEdited"`
	IsTraveling             bool          `json:"isTraveling"`
	AssociatedAttendeeCount int           `json:"associatedAttendeeCount"`
	VersionNumber           int           `json:"versionNumber"`
	CustomData              []CustomField `json:"customData"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (a *Attendee) UnmarshalJSON(b []byte) error {
	type plain Attendee
	return readObject(b, (*plain)(a), &a.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (a Attendee) MarshalJSON() ([]byte, error) {
	type plain Attendee
	return writeObject(plain(a), a.Raw)
}

// AttendeeInput says that somebody took part in an expense.
type AttendeeInput struct {
	AttendeeID              string             `json:"attendeeId"`
	TransactionAmount       Decimal            `json:"transactionAmount,omitzero"` // absent: shared out by the vendor
	IsAmountUserEdited      bool               `json:"isAmountUserEdited"`
	IsTraveling             bool               `json:"isTraveling"`
	AssociatedAttendeeCount int                `json:"associatedAttendeeCount,omitempty"`
	CustomData              []CustomFieldInput `json:"customData,omitempty"`
}

// MaxAttendees is how many one call takes.
const MaxAttendees = 500

// AttendeesService reads and writes who took part in an expense. Follows the
// Expense Attendee Associations v4 page. Scope: expense.report.read,
// expense.report.readwrite.
type AttendeesService struct{ service }

// Get returns the attendees of an expense, as a user or as the system.
func (s *AttendeesService) Get(ctx context.Context, at Place) (*Attendees, error) {
	const operation = "Attendees.Get"
	p, err := expensePlace(operation, at, "attendees")
	if err != nil {
		return nil, err
	}
	return fetch[Attendees](ctx, s.client, request{operation: operation, path: p, safe: true})
}

// Associate adds attendees to an expense, as a user. It is sent once.
func (s *AttendeesService) Associate(ctx context.Context, at Place, noShow int, attendees []AttendeeInput) error {
	const operation = "Attendees.Associate"
	if len(attendees) == 0 || len(attendees) > MaxAttendees {
		return notSent(operation, "1 to 500 attendees are required")
	}
	p, err := expensePlace(operation, at, "attendees")
	if err != nil {
		return err
	}
	body := map[string]any{"expenseAttendeeList": attendees, "noShowAttendeeCount": noShow}
	return s.client.do(ctx, request{operation: operation, method: http.MethodPost, path: p, body: body}, nil)
}

// RemoveAll takes all attendees off an expense, as a user. It is sent once.
func (s *AttendeesService) RemoveAll(ctx context.Context, at Place) error {
	const operation = "Attendees.RemoveAll"
	p, err := expensePlace(operation, at, "attendees")
	if err != nil {
		return err
	}
	return s.client.do(ctx, request{operation: operation, method: http.MethodDelete, path: p}, nil)
}

// expensePlace is the path of what belongs to an expense and to nothing else.
func expensePlace(operation string, at Place, more string) (string, error) {
	if at.ExpenseID == "" || at.AllocationID != "" {
		return "", notSent(operation, "an expense is required")
	}
	return at.path(operation, more)
}

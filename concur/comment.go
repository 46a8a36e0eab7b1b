package concur

import (
	"context"
	"encoding/json"
	"net/http"
)

// Context is in whose role a call of the version 4 services of expense speaks.
type Context string

// The contexts. Which call takes which stands on its page.
const (
	Traveler  Context = "TRAVELER" // the owner; a company's token may use it for any owner
	Manager   Context = "MANAGER"  // the approver
	Processor Context = "PROCESSOR"
	Proxy     Context = "PROXY"
)

// Place is what a call of the version 4 services of expense is about: a report,
// or one of its expenses, or one of an expense's allocations.
type Place struct {
	ReportID     string
	ExpenseID    string // "": the report itself
	AllocationID string // "": the expense itself
	// User and Context say as whom; with an empty User the call is the system's,
	// which a company's token alone may be. An empty Context is Traveler.
	User    string
	Context Context
}

func (p Place) path(operation string, more ...string) (string, error) {
	var elements []string
	if p.User != "" {
		if p.Context == "" {
			p.Context = Traveler
		}
		elements = append(elements, "users", p.User, "context", string(p.Context))
	}
	elements = append(elements, "reports", p.ReportID)
	if p.ExpenseID != "" || p.AllocationID != "" {
		elements = append(elements, "expenses", p.ExpenseID)
	}
	if p.AllocationID != "" {
		elements = append(elements, "allocations", p.AllocationID)
	}
	return path(operation, "/expensereports/v4", append(elements, more...)...)
}

// Comment is a remark on a report or an expense. Follows the Comments v4 page.
type Comment struct {
	Comment            string   `json:"comment"`
	Author             Employee `json:"author"`
	CreatedForEmployee Employee `json:"createdForEmployee"`
	// CreatedForEmployeeID is not in every answer.
	CreatedForEmployeeID string `json:"createdForEmployeeId"`
	CreationDate         Time   `json:"creationDate"`
	ExpenseID            string `json:"expenseId"`
	IsAuditorComment     bool   `json:"isAuditorComment"`
	IsLatest             bool   `json:"isLatest"`
	StepInstanceID       string `json:"stepInstanceId"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (c *Comment) UnmarshalJSON(b []byte) error {
	type plain Comment
	return readObject(b, (*plain)(c), &c.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (c Comment) MarshalJSON() ([]byte, error) {
	type plain Comment
	return writeObject(plain(c), c.Raw)
}

// MaxComment is how long a comment may be, in characters; a longer one is cut
// before it is sent.
const MaxComment = 2000

// CommentsService reads and writes remarks on reports and expenses. Follows the
// Comments v4 page. Scope: expense.report.read, expense.report.readwrite.
type CommentsService struct{ service }

// List returns the comments of a report, or of an expense.
func (s *CommentsService) List(ctx context.Context, at Place) ([]*Comment, error) {
	const operation = "Comments.List"
	p, err := at.path(operation, "comments")
	if err != nil {
		return nil, err
	}
	var cs []*Comment
	return cs, s.client.do(ctx, request{operation: operation, path: p, safe: true}, &cs)
}

// Create adds a comment. It is sent once.
func (s *CommentsService) Create(ctx context.Context, at Place, text string) error {
	return s.write(ctx, "Comments.Create", http.MethodPost, at, text)
}

// Update replaces the latest comment. It is sent once.
func (s *CommentsService) Update(ctx context.Context, at Place, text string) error {
	return s.write(ctx, "Comments.Update", http.MethodPut, at, text)
}

// Delete removes the latest comment. It is sent once.
func (s *CommentsService) Delete(ctx context.Context, at Place) error {
	const operation = "Comments.Delete"
	p, err := at.path(operation, "comments")
	if err != nil {
		return err
	}
	return s.client.do(ctx, request{operation: operation, method: http.MethodDelete, path: p}, nil)
}

type commentInput struct {
	Comment string `json:"comment"`
}

func (s *CommentsService) write(ctx context.Context, operation, method string, at Place, text string) error {
	p, err := at.path(operation, "comments")
	if err != nil {
		return err
	}
	body := commentInput{clip(text, MaxComment)}
	return s.client.do(ctx, request{operation: operation, method: method, path: p, body: body}, nil)
}

package concur

import (
	"context"
	"encoding/json"
	"net/http"
)

// WorkflowStep says what a step of the workflow is to do, and where the report
// is expected to be.
type WorkflowStep struct {
	Comment string `json:"comment,omitempty"` // required for SendBack; cut at MaxComment characters
	// RejectedComment is required to approve a report that has rejected expenses.
	RejectedComment string `json:"expenseRejectedComment,omitempty"`
	// Status is what Approve sets; "" is ApprovalApproved.
	Status ApprovalStatus `json:"statusId,omitempty"`
	// ExpectedStepInstance lets the call fail where the report is in another step.
	// So does ExpectedStepSequence; ExpectedStepCode works in a step of external
	// validation only. The specification names the first, the page the others. All
	// three belong to the system's calls: with Place.User they are refused, since the
	// vendor would not look at them.
	ExpectedStepInstance string `json:"expectedWorkflowStepInstanceId,omitempty"`
	ExpectedStepCode     string `json:"expectedStepCode,omitempty"`
	ExpectedStepSequence int    `json:"expectedStepSequence,omitempty"`
}

// guarded reports whether the step is to fail where the report stands elsewhere.
func (s WorkflowStep) guarded() bool {
	return s.ExpectedStepInstance != "" || s.ExpectedStepCode != "" || s.ExpectedStepSequence != 0
}

// CostObject is a cost object with the expenses that its approver sees.
type CostObject struct {
	Name           string `json:"name"`
	ApprovedAmount Amount `json:"approvedAmount"`
	ClaimedAmount  Amount `json:"claimedAmount"`
	ApproverID     string `json:"approverId"`
	Expenses       []struct {
		ID             string `json:"id"`
		ApprovedAmount Amount `json:"approvedAmount"`
		PostedAmount   Amount `json:"postedAmount"`
	} `json:"expenses"`
	IsOwnedByCaller        bool `json:"isOwnedByCaller"`
	IsFullyApproved        bool `json:"isFullyApproved"`
	IsApprovableAsUser     bool `json:"isApprovableAsUser"`
	IsApprovableAsDelegate bool `json:"isApprovableAsDelegate"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (o *CostObject) UnmarshalJSON(b []byte) error {
	type plain CostObject
	return readObject(b, (*plain)(o), &o.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (o CostObject) MarshalJSON() ([]byte, error) {
	type plain CostObject
	return writeObject(plain(o), o.Raw)
}

// WorkflowService moves reports through their workflow. Each call is sent once
// and answered without content: read the report to see where it stands. Follows
// the Workflows v4 page, which is marked as pre-release. Scope:
// expense.report.workflowstatus.write.
type WorkflowService struct{ service }

// Submit hands a report in for its owner.
func (s *WorkflowService) Submit(ctx context.Context, userID, reportID string) error {
	const operation = "Workflow.Submit"
	p, err := path(operation, "/expensereports/v4/users", userID, "reports", reportID, "submit")
	if err != nil {
		return err
	}
	return s.patch(ctx, operation, p, struct{}{})
}

// Approve moves a report on to the next step. Without at.User it is the
// system's, for a report that stands in a step of the system (a company's
// token); with it, of Context Manager, the approver's.
func (s *WorkflowService) Approve(ctx context.Context, at Place, step WorkflowStep) error {
	const operation = "Workflow.Approve"
	p, err := at.path(operation, "approve")
	if err != nil {
		return err
	}
	if at.User != "" && step.guarded() {
		return notSent(operation, "an approver's step cannot be guarded by ExpectedStep fields: leave them out, or act as the system without Place.User")
	}
	return s.patch(ctx, operation, p, step)
}

// SendBack returns a report to its owner, as the system or, with at.User of
// Context Manager, as the approver. step.Comment is required.
func (s *WorkflowService) SendBack(ctx context.Context, at Place, step WorkflowStep) error {
	const operation = "Workflow.SendBack"
	p, err := at.path(operation, "sendBack")
	if err != nil {
		return err
	}
	if step.Comment == "" {
		return &Error{Operation: operation, Status: http.StatusBadRequest, Message: "a report is sent back with a comment; nothing was sent"}
	}
	step.Status, step.RejectedComment = "", ""
	if at.User != "" && step.guarded() {
		return notSent(operation, "an approver's step cannot be guarded by ExpectedStep fields: leave them out, or act as the system without Place.User")
	}
	return s.patch(ctx, operation, p, step)
}

// Recall takes a submitted report back for its owner. It takes a user's token;
// see TokenSource.ConnectUser.
func (s *WorkflowService) Recall(ctx context.Context, userID, reportID string) error {
	const operation = "Workflow.Recall"
	p, err := Place{User: userID, ReportID: reportID}.path(operation, "recall")
	if err != nil {
		return err
	}
	return s.patch(ctx, operation, p, struct{}{})
}

// CostObjects returns the cost objects that a user has to approve of a report.
func (s *WorkflowService) CostObjects(ctx context.Context, userID, reportID string) ([]*CostObject, error) {
	const operation = "Workflow.CostObjects"
	p, err := path(operation, "/expensereports/v4/users", userID, "reports", reportID, "costObjectsForApprover")
	if err != nil {
		return nil, err
	}
	var os []*CostObject
	return os, s.client.do(ctx, request{operation: operation, path: p, safe: true}, &os)
}

func (s *WorkflowService) patch(ctx context.Context, operation, p string, body any) error {
	if step, ok := body.(WorkflowStep); ok {
		step.Comment, step.RejectedComment = clip(step.Comment, MaxComment), clip(step.RejectedComment, MaxComment)
		body = step
	}
	return s.client.do(ctx, request{operation: operation, method: http.MethodPatch, path: p, body: body}, nil)
}

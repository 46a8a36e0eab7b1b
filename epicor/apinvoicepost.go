package epicor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	postService = "Erp.PROC.APInvoicePostSvc"
	tablePost   = "APInvoicePostParam"
)

// PostOptions are the optional parts of PostGroup.
type PostOptions struct {
	// Direct runs the process in the call instead of submitting it to an agent.
	Direct bool
	// Agent is the system agent; empty: SystemTaskAgent.
	Agent string
	// Foreign lets invoices be posted that do not bear a key of ours, where people
	// enter invoices into groups of this client.
	Foreign bool
}

// DefaultAgent is the system agent that tasks are submitted to.
const DefaultAgent = "SystemTaskAgent"

// PostRun is a group that was submitted to be posted, with the invoices that stood
// in it then. It is plain data and may be kept.
type PostRun struct {
	Group    string
	Invoices []PostedInvoice
}

// PostedInvoice is one invoice of a PostRun.
type PostedInvoice struct {
	VendorNum int
	Number    string
	Posted    bool
}

// PostError says that a group was not posted whole.
type PostError struct {
	Group string
	Log   string          // PostErrorLog, in Epicor's words
	Left  []PostedInvoice // that are not posted
}

// Error returns the group and Epicor's reasons on one line.
func (e *PostError) Error() string {
	return fmt.Sprintf("epicor: group %s: %d invoices are not posted: %s", e.Group, len(e.Left), oneLine(e.Log))
}

// PostGroup submits a whole entry group to be posted, once. It never posts a group
// that somebody else created or works in, nor one that holds an invoice without a
// key: ErrGroupForeign. Where the credential's user is not known, InvoiceOptions.User
// must name it. The answer says only that Epicor took the task: see WaitPosted.
//
// Follows the service Erp.PROC.APInvoicePostSvc: GetNewParameters, then
// SubmitToAgent or RunDirect. The name of the agent is an assumption to check on a
// live tenant.
func (s *APInvoiceService) PostGroup(ctx context.Context, id string, opts *PostOptions) (*PostRun, error) {
	if opts == nil {
		opts = &PostOptions{}
	}
	run, err := s.postable(ctx, id, opts.Foreign)
	if err != nil || len(run.Invoices) == 0 {
		return run, err
	}
	ds, err := s.c.APInvoicePosting.GetNewParameters(ctx)
	if err != nil {
		return nil, err
	}
	row, err := one(ds, tablePost)
	if err != nil {
		return nil, err
	}
	if err := row.Set("GroupID", id); err != nil {
		return nil, err
	}
	if opts.Direct {
		return run, s.c.APInvoicePosting.RunDirect(ctx, ds)
	}
	agent := opts.Agent
	if agent == "" {
		agent = DefaultAgent
	}
	return run, s.c.APInvoicePosting.SubmitToAgent(ctx, ds, agent, 0, 0, "")
}

// postable sees to it that a group is ours and nobody works in it.
func (s *APInvoiceService) postable(ctx context.Context, id string, foreign bool) (*PostRun, error) {
	user, err := s.user(ctx)
	if err != nil {
		return nil, err
	}
	ds, err := s.group(ctx, id)
	if err != nil {
		return nil, err
	}
	row, err := one(ds, tableGroup)
	if err != nil {
		return nil, err
	}
	by, active := row.Text("CreatedBy"), row.Text("ActiveUserID")
	switch {
	case user == "":
		return nil, fmt.Errorf("%w: it is not known which groups are ours: name InvoiceOptions.User", ErrGroupForeign)
	case !strings.EqualFold(by, user):
		return nil, fmt.Errorf("%w: group %s was created by %s, not by %s", ErrGroupForeign, id, by, user)
	case active != "" && !strings.EqualFold(active, user):
		return nil, fmt.Errorf("%w: group %s is locked by %s", ErrConflict, id, active)
	case row.Bool("PostInProcess"):
		return nil, fmt.Errorf("%w: group %s is being posted", ErrConflict, id)
	}
	invs, err := s.inGroupOf(ctx, id)
	if err != nil {
		return nil, err
	}
	run := &PostRun{Group: id}
	for _, inv := range invs {
		if inv.Key == "" && !foreign {
			return nil, fmt.Errorf("%w: group %s holds invoice %s, which bears no key of ours", ErrGroupForeign, id, inv.ID())
		}
		run.Invoices = append(run.Invoices, PostedInvoice{VendorNum: inv.VendorNum, Number: inv.Number})
	}
	return run, nil
}

// Posted reads which invoices of a run are posted. done says that nothing more
// will happen: all are, or Epicor left reasons in the group, which then are the
// error, a *PostError.
func (s *APInvoiceService) Posted(ctx context.Context, run *PostRun) (done bool, err error) {
	left, err := s.unposted(ctx, run)
	if err != nil || len(left) == 0 {
		return err == nil, err
	}
	log := ""
	ds, err := s.group(ctx, run.Group)
	switch {
	case errors.Is(err, ErrNotFound):
		log = "the group is gone"
	case err != nil:
		return false, err
	default:
		row, err := one(ds, tableGroup)
		if err != nil {
			return false, err
		}
		if row.Bool("PostInProcess") {
			return false, nil
		}
		log = row.Text("PostErrorLog")
	}
	if log == "" {
		return false, nil
	}
	// It may have been posted between the two questions.
	if left, err = s.unposted(ctx, run); err != nil || len(left) == 0 {
		return err == nil, err
	}
	return true, &PostError{Group: run.Group, Log: log, Left: left}
}

// unposted asks for the invoices of a run that were not posted when last asked.
func (s *APInvoiceService) unposted(ctx context.Context, run *PostRun) ([]PostedInvoice, error) {
	var left []PostedInvoice
	for i := range run.Invoices {
		p := &run.Invoices[i]
		if p.Posted {
			continue
		}
		inv, err := s.headers.Get(ctx, p.VendorNum, p.Number)
		if err != nil {
			return nil, err
		}
		if p.Posted = inv.Posted; !p.Posted {
			left = append(left, *p)
		}
	}
	return left, nil
}

// WaitPosted asks every so often until the run is posted, and returns nil then. It
// returns a *PostError when Epicor refused some, and the context's error, with
// what is left, when that ends first. Passing failures of asking are waited out.
func (s *APInvoiceService) WaitPosted(ctx context.Context, run *PostRun, every time.Duration) error {
	if every <= 0 {
		every = 5 * time.Second
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		done, err := s.Posted(ctx, run)
		var e *Error
		if done || err != nil && (!errors.As(err, &e) || !e.Retryable()) {
			return err
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			left := []PostedInvoice{}
			for _, p := range run.Invoices {
				if !p.Posted {
					left = append(left, p)
				}
			}
			return errors.Join(&PostError{Group: run.Group, Log: "not posted yet", Left: left}, ctx.Err())
		}
	}
}

// APInvoicePostService is the process that posts entry groups, method by method.
// It posts a whole group, whoever entered its invoices: see
// [APInvoiceService.PostGroup], which looks at the group first. It is safe for
// concurrent use.
//
// Follows the service Erp.PROC.APInvoicePostSvc.
type APInvoicePostService struct{ c *Client }

// GetNewParameters returns the process's parameters as a tableset with one row of
// APInvoicePostParam, whose GroupID is to be set.
func (s *APInvoicePostService) GetNewParameters(ctx context.Context) (*Tableset, error) {
	res, err := s.c.Read(ctx, postService, "GetNewParameters", map[string]string{})
	if err != nil {
		return nil, err
	}
	ds, err := decodeTableset(orObject(res.Value))
	if err != nil {
		return nil, &Error{Operation: postService + "/GetNewParameters", err: err}
	}
	return ds, nil
}

// SubmitToAgent submits the process to a system agent. It is sent once; the answer
// says only that Epicor took the task.
func (s *APInvoicePostService) SubmitToAgent(ctx context.Context, ds *Tableset, agent string, schedule, task int, maintProgram string) error {
	_, err := s.c.Call(ctx, postService, "SubmitToAgent", Params{
		"ds": ds, "agentID": agent, "agentSchedNum": schedule, "agentTaskNum": task, "maintProgram": maintProgram,
	})
	return err
}

// RunDirect runs the process in the call. It is sent once; after a time-out the
// process may go on.
func (s *APInvoicePostService) RunDirect(ctx context.Context, ds *Tableset) error {
	_, err := s.c.Call(ctx, postService, "RunDirect", Params{"ds": ds})
	return err
}

package epicor

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
}

// DefaultAgent is the system agent that tasks are submitted to.
const DefaultAgent = "SystemTaskAgent"

// PostRun is a group that was submitted to be posted, with the invoices that stood
// in it then. It is plain data and may be kept.
type PostRun struct {
	Group    string
	Invoices []PostedInvoice
	// Log is what Epicor had written about the group before, in an earlier run.
	Log string
	// Began says that the process was seen at work, so that what stands in the
	// group's log is of this run.
	Began bool
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

// ErrNotToPost says that a group holds an invoice that is not to be posted.
var ErrNotToPost = errors.New("epicor: the group holds what is not to be posted")

// PostInputs says of each invoice whether it is one of these inputs, whole and to
// the cent ([APInvoiceInput.Diff], [APInvoiceInput.Lacks]). It is what PostGroup
// asks where the caller entered all that may be posted.
func PostInputs(ins ...APInvoiceInput) func(*APInvoice) error {
	return func(inv *APInvoice) error {
		for _, in := range ins {
			if in.Key != inv.Key || in.Number != inv.Number || in.VendorID != inv.VendorID {
				continue
			}
			d := in.Diff(inv)
			for _, name := range in.Lacks(inv) {
				d = append(d, "the file "+name+" is missing")
			}
			if len(d) > 0 {
				return fmt.Errorf("%w: %s", ErrDiffers, strings.Join(d, "; "))
			}
			return nil
		}
		return errors.New("it is none of those that were entered")
	}
}

// PostGroup submits a whole entry group to be posted, once. The process takes
// every invoice of the group, finished or not, so may is asked about each, read
// whole; its first error is the answer (ErrNotToPost), and nothing is submitted.
// See [PostInputs]; a cancellation is known by Cancels and its Reference.
//
// It never posts a group that somebody else created (ErrGroupForeign), nor one in
// which somebody works, be it this client itself (ErrConflict): an invoice that is
// being entered stands on the company's default GL accounts until its splits are
// set. While the group is looked at, and after it was submitted until Posted is
// done, this client enters nothing into it. Nor is a group posted with an invoice
// on hold, which would stay. Where the credential's user is not known, InvoiceOptions.User must name it.
//
// An empty run with no error is a group that holds nothing to post. Otherwise the
// answer says only that Epicor took the task, see WaitPosted; with an error beside
// it, that it may have.
//
// Follows the service Erp.PROC.APInvoicePostSvc: GetNewParameters, then
// SubmitToAgent or RunDirect. The name of the agent is an assumption to check on a
// live tenant. Another process of the same user that begins an invoice between the
// last look and the submission is not seen.
func (s *APInvoiceService) PostGroup(ctx context.Context, id string, may func(inv *APInvoice) error, opts *PostOptions) (*PostRun, error) {
	if opts == nil {
		opts = &PostOptions{}
	}
	if may == nil {
		return nil, fmt.Errorf("%w: it was not said what is", ErrNotToPost)
	}
	l := s.groupLock(id)
	defer s.dropLock(id)
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-l.turn }()
	if l.users > 0 {
		return nil, fmt.Errorf("%w: invoices are being entered into group %s", ErrConflict, id)
	}
	if err := s.settled(ctx, id); err != nil {
		return nil, err
	}
	run, err := s.postable(ctx, id, may)
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
	// Reading the invoices took its time: once more, as the last thing before.
	if _, err := s.idle(ctx, id); err != nil {
		return nil, err
	}
	if opts.Direct {
		err = s.c.APInvoicePosting.RunDirect(ctx, ds)
		run.Began = err == nil // and ended
	} else {
		agent := opts.Agent
		if agent == "" {
			agent = DefaultAgent
		}
		err = s.c.APInvoicePosting.SubmitToAgent(ctx, ds, agent, 0, 0, "")
	}
	var e *Error
	if !errors.As(err, &e) || !e.Refused() {
		s.submitted(run)
	}
	return run, err
}

// submitted remembers that a group waits to be posted.
func (s *APInvoiceService) submitted(run *PostRun) {
	own := *run
	own.Invoices = slices.Clone(run.Invoices)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs[run.Group] = &own
}

// settled refuses a group that this client submitted and of which it is not known
// what became: the agent, when it begins, would take what is entered meanwhile
// with it, half-built. The group's turn must be held.
func (s *APInvoiceService) settled(ctx context.Context, id string) error {
	s.mu.Lock()
	run := s.runs[id]
	s.mu.Unlock()
	if run == nil {
		return nil
	}
	done, err := s.Posted(ctx, run)
	var verdict *PostError
	switch {
	case done, errors.As(err, &verdict), errors.Is(err, ErrNotFound): // an invoice of it was deleted
	case err != nil:
		return err
	default:
		return lockedBy(id, "the posting process, which it was submitted to")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.runs, id)
	return nil
}

// idle reads a group and sees to it that it is ours and nobody works in it.
func (s *APInvoiceService) idle(ctx context.Context, id string) (*Row, error) {
	ds, err := s.group(ctx, id)
	if err != nil {
		return nil, err
	}
	row, err := one(ds, tableGroup)
	if err != nil {
		return nil, err
	}
	if _, err := s.owner(ctx, id, row); err != nil {
		return nil, err
	}
	switch active := row.Text("ActiveUserID"); {
	case active != "":
		return nil, fmt.Errorf("%w: group %s is locked by %s", ErrConflict, id, active)
	case row.Bool("PostInProcess"):
		return nil, lockedBy(id, "the posting process")
	}
	return row, nil
}

// postable sees to it that a group is ours, that nobody works in it and that all
// of it may be posted.
func (s *APInvoiceService) postable(ctx context.Context, id string, may func(*APInvoice) error) (*PostRun, error) {
	row, err := s.idle(ctx, id)
	if err != nil {
		return nil, err
	}
	invs, err := s.inGroupOf(ctx, id)
	if err != nil {
		return nil, err
	}
	run := &PostRun{Group: id, Log: row.Text("PostErrorLog")}
	for _, h := range invs {
		inv, err := s.Get(ctx, h.VendorNum, h.Number)
		if err != nil {
			return nil, err
		}
		if inv.Held {
			return nil, fmt.Errorf("%w: group %s, invoice %s is on hold and would stay", ErrNotToPost, id, inv.ID())
		}
		if err := may(inv); err != nil {
			return nil, fmt.Errorf("%w: group %s, invoice %s: %w", ErrNotToPost, id, inv.ID(), err)
		}
		run.Invoices = append(run.Invoices, PostedInvoice{VendorNum: inv.VendorNum, Number: inv.Number})
	}
	return run, nil
}

// Posted reads which invoices of a run are posted, and notes in it what it saw.
// done says that nothing more will happen: all are, or Epicor left reasons in the
// group, which then are the error, a *PostError. Reasons that stood there before
// the run say nothing of it, until the process was seen at work (PostRun.Began):
// where it leaves the very same reasons and was never seen, done stays false.
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
			run.Began = true
			return false, nil
		}
		if log = row.Text("PostErrorLog"); log == run.Log && !run.Began {
			return false, nil
		}
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

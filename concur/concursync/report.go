package concursync

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Defaults of the sources' options.
const (
	DefaultOverlap     = 15 * time.Minute
	DefaultPageSize    = 100
	DefaultConcurrency = 4
)

// lookback is how far back a report is looked for whose owner nobody named.
const lookback = 90 * 24 * time.Hour

// ReportsOptions configure a source of expense reports. Nil, and each field's
// zero value, mean the defaults.
type ReportsOptions struct {
	// Ready are the payment statuses of a finally approved report. Default:
	// P_PROC, P_PAYC and P_PAID. A customer's own codes may be added.
	Ready []concur.PaymentStatus
	// From is where the first sweep begins: the moment of going live. Reports that
	// changed before are not looked at by any sweep.
	//
	// Default: the moment of the first sweep, by this machine's clock, which the
	// cursor keeps. The default never reaches back, because what was approved
	// before has been posted before: with From in the past, every report that
	// changed since and is ready is posted, again if something else posted it.
	//
	// A report that was finally approved on a day before From is never ready, also
	// when it changes or is announced later, as it is when it is paid. That takes
	// From: without it only sweeps are bounded. Name it in production.
	From time.Time
	// Overlap is how much of the time before the last change a sweep looks at
	// again, but never before From. Default: DefaultOverlap.
	Overlap time.Duration
	// PageSize is how many reports a page of the sweep asks for. Default:
	// DefaultPageSize; the vendor documents no maximum.
	PageSize int
	// Location is the time zone whose calendar decides the day, and so the period,
	// of the final approval. Default: UTC.
	Location *time.Location
	// LongCodes takes the long code of a list item, with the codes of its
	// ancestors, in place of its own short code.
	LongCodes bool
	// RawCodes takes the codes of list items as they stand in Concur. By default
	// what EncodeCode wrote there is decoded, so that a cost centre that was
	// mirrored as "CC~1100" is the ERP's "CC-100" again; codes without its mark are
	// not touched.
	RawCodes bool
	// PaymentClass takes the class of a payment type ("CBCP") in place of the
	// customer's own id ("1022"), which tells card programmes apart.
	PaymentClass bool
	// LeaveFinancial leaves reports alone that are under the Financial Integration
	// Service: a flow of Financial takes them. Set it where both run, so that each
	// report has one owner from the beginning.
	LeaveFinancial bool
	// Concurrency is how many expenses one Fetch reads at a time. Default:
	// DefaultConcurrency.
	Concurrency int
}

// ReportSource is a source of expense reports. Create one with Reports.
type ReportSource struct {
	client *concur.Client
	opts   ReportsOptions
	codes  codes
	people people
	others others
}

// Reports returns the source of a company's expense reports, which are of kind
// "report". It makes no call.
func Reports(client *concur.Client, opts *ReportsOptions) *ReportSource {
	s := &ReportSource{client: client, people: people{client: client}}
	s.others.kind, s.others.code = document.Report, ReportForbidden
	if opts != nil {
		s.opts = *opts
	}
	o := &s.opts
	if len(o.Ready) == 0 {
		o.Ready = []concur.PaymentStatus{concur.PaymentProcessing, concur.PaymentConfirmed, concur.PaymentPaid}
	}
	if o.Overlap <= 0 {
		o.Overlap = DefaultOverlap
	}
	if o.PageSize <= 0 {
		o.PageSize = DefaultPageSize
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Concurrency <= 0 {
		o.Concurrency = DefaultConcurrency
	}
	s.codes = codes{client: client, long: o.LongCodes, raw: o.RawCodes}
	return s
}

var (
	_ connector.Source[document.Document] = (*ReportSource)(nil)
	_ connector.Kinder                    = (*ReportSource)(nil)
)

// Kinds implements connector.Kinder.
func (s *ReportSource) Kinds() []string { return []string{string(document.Report)} }

// Changes implements connector.Source: the reports that version 3 shows as
// changed, by the time of their last change with an overlap. A report's Version
// changes with that time and with its statuses, so what a sweep sees again is
// not fetched again.
//
// The list is paged by positions that may shift while it is read, so a sweep of
// several pages is made twice from where it began. Without ReportsOptions.From
// the first page of all is empty: it marks where the first sweep begins.
func (s *ReportSource) Changes(ctx context.Context, after connector.Cursor) (connector.Page[document.Document], error) {
	var page connector.Page[document.Document]
	pos, err := readPosition(after)
	if err != nil {
		return page, err
	}
	if pos.since.IsZero() {
		if s.opts.From.IsZero() {
			return connector.Page[document.Document]{Next: beginning(time.Now()).cursor(), More: true}, nil
		}
		pos = beginning(s.opts.From)
	}
	list, err := s.client.ReportsV3.ListPage(ctx, s.query(pos.back(s.opts.Overlap)), pos.page)
	if err != nil {
		if again, ok := pos.restart(); ok && (errors.Is(err, concur.ErrInvalid) || errors.Is(err, concur.ErrNotFound)) {
			return connector.Page[document.Document]{Next: again.cursor(), More: true}, nil
		}
		return page, translate(err)
	}
	page.Changes = make([]connector.Change[document.Document], len(list.Items))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(s.opts.Concurrency)
	for i, r := range list.Items {
		if r == nil || r.ID == "" {
			return connector.Page[document.Document]{}, errors.New("concursync: a listed report has no id")
		}
		pos.saw(r.LastModifiedDate.Time())
		page.Changes[i] = connector.Change[document.Document]{
			Ref:     connector.Ref{Kind: string(document.Report), ID: r.ID},
			Version: version(r.LastModifiedDate.String(), string(r.ApprovalStatusCode), string(r.PaymentStatusCode)),
		}
		g.Go(func() error {
			owner, err := s.people.id(gctx, r.OwnerLoginID)
			page.Changes[i].Ref.Hint = owner
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return connector.Page[document.Document]{}, translate(err)
	}
	page.More = list.Next != ""
	page.Next = pos.after(list.Next).cursor()
	return page, nil
}

func (s *ReportSource) query(since time.Time) concur.ReportV3Query {
	return concur.ReportV3Query{User: concur.AllUsers, ModifiedDateAfter: since, Limit: s.opts.PageSize}
}

// version is short, since it stands in the row.
func version(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(h[:8])
}

// Fetch implements connector.Source. Ref.Hint is the owner's UUID; without it
// the report is looked for in the list of changed ones. Of a report that is not
// ready the header alone is read.
//
// Only a header that is not there is connector.ErrNotFound. A report that is
// refused although another one can be read whole is rejected by itself, with
// ReportForbidden; when none can be read it is connector.ErrConnection.
func (s *ReportSource) Fetch(ctx context.Context, ref connector.Ref) (connector.Snapshot[document.Document], error) {
	snap, err := s.read(ctx, ref)
	if err != nil {
		return connector.Snapshot[document.Document]{}, s.others.judge(ctx, err, ref, s.candidates, func(ctx context.Context, other connector.Ref) error {
			_, err := s.read(ctx, other)
			return err
		})
	}
	if snap.Phase == connector.Ready {
		s.others.pass()
	}
	return snap, nil
}

// candidates are reports that are ready, with their owners.
func (s *ReportSource) candidates(ctx context.Context) ([]connector.Ref, error) {
	list, err := s.client.ReportsV3.ListPage(ctx, concur.ReportV3Query{
		User: concur.AllUsers, PaymentStatusCode: s.opts.Ready, ModifiedDateAfter: time.Now().Add(-lookback), Limit: 2 * othersTried,
	}, "")
	if err != nil {
		return nil, err
	}
	var refs []connector.Ref
	for _, r := range list.Items {
		if r == nil {
			continue
		}
		owner, err := s.people.id(ctx, r.OwnerLoginID)
		if err != nil {
			return nil, err
		}
		if owner != "" {
			refs = append(refs, connector.Ref{Kind: string(document.Report), ID: r.ID, Hint: owner})
		}
	}
	return refs, nil
}

// read is Fetch with the errors as they came.
func (s *ReportSource) read(ctx context.Context, ref connector.Ref) (connector.Snapshot[document.Document], error) {
	none := connector.Snapshot[document.Document]{}
	owner := ref.Hint
	if owner == "" {
		var err error
		if owner, err = s.owner(ctx, ref.ID); err != nil {
			return none, err
		}
	}
	header, err := s.client.Reports.Get(ctx, owner, ref.ID)
	if err != nil {
		return none, missing(err)
	}
	if header.ReportID != "" {
		if err := sameID(ref, header.ReportID); err != nil {
			return none, err
		}
	}
	if header.UserID != "" {
		owner = header.UserID
	}
	snap := connector.Snapshot[document.Document]{
		Ref:      connector.Ref{Kind: ref.Kind, ID: ref.ID, Hint: owner},
		Revision: header.ReportVersion,
		Person:   owner,
		Totals: []connector.Total{{
			Currency: header.CurrencyCode, Amount: header.ApprovedAmount.Value.Value(),
		}},
	}
	snap.Phase, snap.Why = s.phase(header)
	snap.Content = s.document(header, owner)
	if snap.Phase != connector.Ready {
		return snap, nil
	}
	if err := s.complete(ctx, &snap, header, owner); err != nil {
		return none, err
	}
	// Whoever changed the report while it was read changed its head as well.
	again, err := s.client.Reports.Get(ctx, owner, ref.ID)
	if err != nil {
		return none, missing(err)
	}
	if again.ReportVersion != header.ReportVersion || !again.ApprovedAmount.Value.Equal(header.ApprovedAmount.Value) ||
		!again.AmountDueEmployee.Value.Equal(header.AmountDueEmployee.Value) ||
		!slices.Contains(s.opts.Ready, again.PaymentStatusID) {
		return none, fmt.Errorf("concursync: report %s changed while it was read", ref.ID)
	}
	settleBefore(&snap, s.opts.From, s.opts.Location)
	return snap, nil
}

// settleBefore holds a document back that was finally approved on a day before
// going live. It may change later, when it is paid for example, and be announced
// again; whatever was in place before has posted it.
func settleBefore(snap *connector.Snapshot[document.Document], from time.Time, zone *time.Location) {
	if from.IsZero() {
		return
	}
	first, approved := document.DateOf(from.In(zone)), snap.Content.Approved
	if approved == "" || !approved.Before(first) {
		return
	}
	snap.Phase = connector.NotYet
	snap.Why = fmt.Sprintf("approved on %s, before this flow went live on %s; it is not posted", approved, first)
}

// phase reads the gate. A report that was sent back or recalled is withdrawn
// also when nothing of it was delivered yet: only the engine knows, and it
// forgets what has no effect and takes back what has.
func (s *ReportSource) phase(r *concur.Report) (connector.Phase, string) {
	why := fmt.Sprintf("payment status %s, approval status %s", r.PaymentStatusID, r.ApprovalStatusID)
	switch {
	case s.opts.LeaveFinancial && r.IsFinancialIntegrationEnabled:
		return connector.NotYet, why + ": it is under the Financial Integration Service, whose own flow takes it"
	case slices.Contains(s.opts.Ready, r.PaymentStatusID):
		return connector.Ready, why
	case r.ApprovalStatusID == concur.ApprovalSentBack:
		return connector.Withdrawn, why
	default:
		return connector.NotYet, why
	}
}

// owner looks for a report whose owner nobody named, among those that changed
// since the first sweep's beginning or lately. That it is not among them does
// not say that it does not exist.
func (s *ReportSource) owner(ctx context.Context, reportID string) (string, error) {
	since := time.Now().Add(-lookback)
	if from := s.opts.From; !from.IsZero() && from.Before(since) {
		since = from
	}
	for r, err := range s.client.ReportsV3.List(ctx, s.query(since)) {
		if err != nil {
			return "", err
		}
		if r.ID != reportID {
			continue
		}
		owner, err := s.people.id(ctx, r.OwnerLoginID)
		if err != nil {
			return "", err
		}
		if owner == "" {
			return "", rejection(ReportOwnerUnknown, "owner", "", "the report's owner is no user any more", nil)
		}
		return owner, nil
	}
	return "", rejection(ReportOwnerUnknown, "owner", "", "the report is not among those that changed lately, and nobody says whose it is", nil)
}

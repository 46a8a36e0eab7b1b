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
	DefaultLookback    = 90 * 24 * time.Hour
	DefaultOverlap     = 15 * time.Minute
	DefaultPageSize    = 100
	DefaultConcurrency = 4
)

// ReportsOptions configure a source of expense reports. Nil, and each field's
// zero value, mean the defaults.
type ReportsOptions struct {
	// Ready are the payment statuses of a finally approved report. Default:
	// P_PROC, P_PAYC and P_PAID. A customer's own codes may be added.
	Ready []concur.PaymentStatus
	// From is where the first sweep begins. Default: DefaultLookback ago.
	From time.Time
	// Overlap is how much of the time before the last change a sweep looks at
	// again. Default: DefaultOverlap.
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
}

// Reports returns the source of a company's expense reports, which are of kind
// "report". It makes no call.
func Reports(client *concur.Client, opts *ReportsOptions) *ReportSource {
	s := &ReportSource{client: client, people: people{client: client}}
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
func (s *ReportSource) Changes(ctx context.Context, after connector.Cursor) (connector.Page[document.Document], error) {
	var page connector.Page[document.Document]
	pos, err := readPosition(after)
	if err != nil {
		return page, err
	}
	if pos.since.IsZero() {
		pos.since = s.from()
	}
	list, err := s.client.ReportsV3.ListPage(ctx, s.query(pos.since.Add(-s.opts.Overlap)), pos.page)
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

func (s *ReportSource) from() time.Time {
	if !s.opts.From.IsZero() {
		return s.opts.From
	}
	return time.Now().Add(-DefaultLookback)
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
func (s *ReportSource) Fetch(ctx context.Context, ref connector.Ref) (connector.Snapshot[document.Document], error) {
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
		return none, translateDocument(err)
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
		return none, translate(err)
	}
	// Whoever changed the report while it was read changed its head as well.
	again, err := s.client.Reports.Get(ctx, owner, ref.ID)
	if err != nil {
		return none, translateDocument(err)
	}
	if again.ReportVersion != header.ReportVersion || !again.ApprovedAmount.Value.Equal(header.ApprovedAmount.Value) ||
		!slices.Contains(s.opts.Ready, again.PaymentStatusID) {
		return none, fmt.Errorf("concursync: report %s changed while it was read", ref.ID)
	}
	return snap, nil
}

// phase reads the gate. A report that was sent back or recalled is withdrawn
// also when nothing of it was delivered yet: only the engine knows, and it
// forgets what has no effect and takes back what has.
func (s *ReportSource) phase(r *concur.Report) (connector.Phase, string) {
	why := fmt.Sprintf("payment status %s, approval status %s", r.PaymentStatusID, r.ApprovalStatusID)
	switch {
	case slices.Contains(s.opts.Ready, r.PaymentStatusID):
		return connector.Ready, why
	case r.ApprovalStatusID == concur.ApprovalSentBack:
		return connector.Withdrawn, why
	default:
		return connector.NotYet, why
	}
}

// owner looks for a report whose owner nobody named, among those that changed
// since the first sweep's beginning.
func (s *ReportSource) owner(ctx context.Context, reportID string) (string, error) {
	for r, err := range s.client.ReportsV3.List(ctx, s.query(s.from())) {
		if err != nil {
			return "", translate(err)
		}
		if r.ID != reportID {
			continue
		}
		owner, err := s.people.id(ctx, r.OwnerLoginID)
		if err != nil {
			return "", translate(err)
		}
		if owner == "" {
			return "", fmt.Errorf("concursync: the owner of report %s is no user any more", reportID)
		}
		return owner, nil
	}
	return "", fmt.Errorf("%w: report %s is not among those changed lately", connector.ErrNotFound, reportID)
}

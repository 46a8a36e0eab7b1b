package concursync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// PaymentRequestsOptions configure a source of suppliers' invoices. At least
// one of ReadyApproval and ReadyPayment has to be given.
type PaymentRequestsOptions struct {
	// ReadyApproval and ReadyPayment are the codes of a finally approved invoice:
	// it is ready when each of the two that is given holds its code. The vendor
	// lists none, they are each customer's own; LocalizedData shows them. Name
	// the codes after approval too, such as those of extracted and paid, or an
	// invoice that moves on before it was seen is missed.
	ReadyApproval, ReadyPayment []string
	// WithdrawnApproval are the approval codes of an invoice that was sent back.
	WithdrawnApproval []string
	// From is where the first sweep begins: the moment of going live. Invoices that
	// changed before are left alone; where a digest does not say when it changed, a
	// day more is looked at, since the service's filter knows whole days only.
	//
	// Default: the moment of the first sweep, by this machine's clock, which the
	// cursor keeps. The default never reaches back, because what was approved
	// before has been posted before: with From in the past, every invoice that
	// changed since and is ready is posted, again if something else posted it.
	//
	// An invoice that was finally approved on a day before From is never ready,
	// also when it changes later. That takes From: name it in production.
	From time.Time
	// PageSize is how many digests a page of the sweep asks for. Default:
	// DefaultPageSize; the vendor's own is 1000.
	PageSize int
	// Location is the time zone whose calendar decides the day, and so the period,
	// of the final approval. Default: UTC.
	Location *time.Location
	// Language of the codes' names. Default: "en".
	Language string
}

// PaymentRequestSource is a source of suppliers' invoices. Create one with
// PaymentRequests.
type PaymentRequestSource struct {
	client  *concur.Client
	opts    PaymentRequestsOptions
	people  people
	others  others
	checked atomic.Bool
}

// PaymentRequests returns the source of a company's payment requests, which
// are of kind "invoice". It makes no call.
func PaymentRequests(client *concur.Client, opts *PaymentRequestsOptions) *PaymentRequestSource {
	s := &PaymentRequestSource{client: client, people: people{client: client}}
	s.others.kind, s.others.code = document.Invoice, InvoiceForbidden
	if opts != nil {
		s.opts = *opts
	}
	o := &s.opts
	if o.PageSize <= 0 {
		o.PageSize = DefaultPageSize
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Language == "" {
		o.Language = "en"
	}
	return s
}

var (
	_ connector.Source[document.Document] = (*PaymentRequestSource)(nil)
	_ connector.Kinder                    = (*PaymentRequestSource)(nil)
)

// Kinds implements connector.Kinder.
func (s *PaymentRequestSource) Kinds() []string { return []string{string(document.Invoice)} }

// Check compares the codes of the options with those that the customer has. A
// code that does not exist, or none at all, is connector.ErrConnection: with it
// invoices would wait for ever and nobody would notice. The first Changes checks
// by itself.
func (s *PaymentRequestSource) Check(ctx context.Context) error {
	if len(s.opts.ReadyApproval) == 0 && len(s.opts.ReadyPayment) == 0 {
		return fmt.Errorf("%w: concursync: no status codes of approved invoices are configured: set ReadyApproval or ReadyPayment", connector.ErrConnection)
	}
	for _, c := range []struct {
		kind  concur.LocalizedKind
		codes []string
	}{
		{concur.LocalizedApprovalStatus, slices.Concat(s.opts.ReadyApproval, s.opts.WithdrawnApproval)},
		{concur.LocalizedPaymentStatus, s.opts.ReadyPayment},
	} {
		if len(c.codes) == 0 {
			continue
		}
		values, err := s.client.LocalizedData.List(ctx, c.kind, s.opts.Language)
		if err != nil {
			return translate(err)
		}
		known := make([]string, 0, len(values))
		for _, v := range values {
			known = append(known, string(v.Code))
		}
		for _, code := range c.codes {
			if !slices.Contains(known, code) {
				return fmt.Errorf("%w: concursync: %s %q is none of this company's: %s", connector.ErrConnection, c.kind, code, strings.Join(known, ", "))
			}
		}
	}
	s.checked.Store(true)
	return nil
}

const day = 24 * time.Hour

// dayOverlap is how far before the last change a sweep begins. The service's
// filters are whole days; neither which of both ends they include nor whose
// calendar they follow is documented, and each may cost a day.
const dayOverlap = 2 * day

// Changes implements connector.Source: the digests of invoices that changed, by
// whole days with two to spare. A digest's Version changes with its last change,
// its statuses and its total, so what a sweep sees again is not fetched again.
// Several pages and the beginning are handled as ReportSource.Changes does.
func (s *PaymentRequestSource) Changes(ctx context.Context, after connector.Cursor) (connector.Page[document.Document], error) {
	none := connector.Page[document.Document]{}
	pos, err := readPosition(after)
	if err != nil {
		return none, err
	}
	if !s.checked.Load() {
		if err := s.Check(ctx); err != nil {
			return none, err
		}
	}
	if pos.since.IsZero() {
		if s.opts.From.IsZero() {
			return connector.Page[document.Document]{Next: beginning(time.Now()).cursor(), More: true}, nil
		}
		pos = beginning(s.opts.From)
	}
	// The day of the beginning itself may be meant by neither end of the filter.
	since := later(pos.since.Add(-dayOverlap), pos.floor.Add(-day))
	q := concur.DigestQuery{LastModifiedDateAfter: dayOf(since), Limit: s.opts.PageSize}
	list, err := s.client.Digests.ListPage(ctx, q, pos.page)
	if err != nil {
		if again, ok := pos.restart(); ok && (errors.Is(err, concur.ErrInvalid) || errors.Is(err, concur.ErrNotFound)) {
			return connector.Page[document.Document]{Next: again.cursor(), More: true}, nil
		}
		return none, translate(err)
	}
	page := connector.Page[document.Document]{Changes: make([]connector.Change[document.Document], 0, len(list.Items))}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(DefaultConcurrency)
	for _, d := range list.Items {
		if d == nil || d.Request() == "" {
			return none, errors.New("concursync: a listed invoice has no id")
		}
		changed := d.LastModifiedDate.Time()
		if changed.IsZero() {
			// The specification lacks the stamp. Our own clock stands in for it, with so
			// much to spare that being ahead does no harm.
			changed = time.Now().Add(-2 * day)
		} else if changed.Before(pos.floor) {
			continue
		}
		pos.saw(changed)
		page.Changes = append(page.Changes, connector.Change[document.Document]{
			Ref: connector.Ref{Kind: string(document.Invoice), ID: d.Request()},
			Version: version(d.LastModifiedDate.String(), string(d.ApprovalStatusCode), string(d.PaymentStatusCode),
				d.Total.Value().String(), fmt.Sprint(d.IsDeleted)),
		})
		// The slice never grows beyond its capacity, so the place stays.
		hint := &page.Changes[len(page.Changes)-1].Ref.Hint
		g.Go(func() (err error) {
			*hint, err = s.people.id(gctx, string(d.OwnerLoginID))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return none, translate(err)
	}
	page.More = list.Next != ""
	page.Next = pos.after(list.Next).cursor()
	return page, nil
}

func dayOf(t time.Time) concur.Date {
	y, m, d := t.UTC().Date()
	return concur.Date{Year: y, Month: m, Day: d}
}

// Fetch implements connector.Source. Ref.Hint is the owner's UUID; without it
// the owner is taken from the digest. An invoice that is refused although another
// one can be read is rejected by itself, with InvoiceForbidden.
func (s *PaymentRequestSource) Fetch(ctx context.Context, ref connector.Ref) (connector.Snapshot[document.Document], error) {
	snap, err := s.read(ctx, ref)
	if err != nil {
		return connector.Snapshot[document.Document]{}, s.others.judge(ctx, err, ref, s.candidates, func(ctx context.Context, other connector.Ref) error {
			_, err := s.read(ctx, other)
			return err
		})
	}
	s.others.pass()
	return snap, nil
}

// candidates are invoices that changed lately.
func (s *PaymentRequestSource) candidates(ctx context.Context) ([]connector.Ref, error) {
	list, err := s.client.Digests.ListPage(ctx, concur.DigestQuery{LastModifiedDateAfter: dayOf(time.Now().Add(-lookback)), Limit: 2 * othersTried}, "")
	if err != nil {
		return nil, err
	}
	var refs []connector.Ref
	for _, d := range list.Items {
		if d != nil && d.Request() != "" {
			refs = append(refs, connector.Ref{Kind: string(document.Invoice), ID: d.Request()})
		}
	}
	return refs, nil
}

// read is Fetch with the errors as they came.
func (s *PaymentRequestSource) read(ctx context.Context, ref connector.Ref) (connector.Snapshot[document.Document], error) {
	none := connector.Snapshot[document.Document]{}
	r, err := s.client.PaymentRequests.Get(ctx, ref.ID)
	if err != nil {
		return none, s.missing(ctx, ref.ID, err)
	}
	owner := ref.Hint
	if owner == "" {
		if owner, err = s.owner(ctx, r.ID); err != nil {
			return none, err
		}
	}
	doc, err := s.document(r, owner)
	if err != nil {
		return none, err
	}
	snap := connector.Snapshot[document.Document]{
		Ref:      connector.Ref{Kind: ref.Kind, ID: ref.ID, Hint: owner},
		Revision: doc.Revision, Person: owner, Period: doc.Approved.Month(), Content: doc,
		Totals: []connector.Total{{Currency: doc.Currency, Amount: doc.Total}},
	}
	snap.Phase, snap.Why = s.phase(r)
	if snap.Phase != connector.Ready {
		return snap, nil
	}
	// What is not ready need not be whole: an unfinished one may lack allocations.
	for i := range doc.Entries {
		e := &snap.Content.Entries[i]
		if len(e.Allocations) == 0 {
			continue
		}
		if err := shareOut(e.Allocations, e.Amount, doc.Currency, fmt.Sprintf("line %d", i+1)); err != nil {
			return none, err
		}
	}
	settleBefore(&snap, s.opts.From, s.opts.Location)
	return snap, nil
}

// missing decides whether a payment request that cannot be read exists: the
// service's specification answers 400 without a body for what it does not know.
func (s *PaymentRequestSource) missing(ctx context.Context, id string, err error) error {
	var refused *concur.Error
	if errors.As(err, &refused) && errors.Is(err, concur.ErrInvalid) && len(refused.Body) == 0 {
		_, digestErr := s.client.Digests.Get(ctx, id)
		if errors.Is(digestErr, concur.ErrNotFound) || errors.Is(digestErr, concur.ErrInvalid) {
			return fmt.Errorf("%w: %w", connector.ErrNotFound, err)
		}
	}
	return missing(err)
}

// owner reads whose the invoice is; nobody is an answer too.
func (s *PaymentRequestSource) owner(ctx context.Context, id string) (string, error) {
	d, err := s.client.Digests.Get(ctx, id)
	if errors.Is(err, concur.ErrNotFound) || errors.Is(err, concur.ErrInvalid) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return s.people.id(ctx, string(d.OwnerLoginID))
}

func (s *PaymentRequestSource) phase(r *concur.PaymentRequest) (connector.Phase, string) {
	why := fmt.Sprintf("approval status %s, payment status %s", r.ApprovalStatus, r.PaymentStatus)
	in := func(codes []string, code concur.Text) bool {
		return len(codes) == 0 || slices.Contains(codes, string(code))
	}
	configured := len(s.opts.ReadyApproval)+len(s.opts.ReadyPayment) > 0
	switch {
	case bool(r.IsPaymentRequestDeleted):
		return connector.Withdrawn, "deleted"
	case slices.Contains(s.opts.WithdrawnApproval, string(r.ApprovalStatus)):
		return connector.Withdrawn, why
	case configured && in(s.opts.ReadyApproval, r.ApprovalStatus) && in(s.opts.ReadyPayment, r.PaymentStatus):
		return connector.Ready, why
	default:
		return connector.NotYet, why
	}
}

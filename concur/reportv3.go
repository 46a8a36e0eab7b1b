package concur

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"time"

	"github.com/google/go-querystring/query"
)

// AllUsers as ReportV3Query.User lists the reports of the whole company. The
// vendor documents it for users with the Web Services Administrator role; that
// a company's token may use it too is an assumption to check on a live tenant.
const AllUsers = "ALL"

// ReportV3 is an expense report as version 3 shows it: the only list of changed
// reports, and the only source of the date of final approval. Follows the
// Reports v3 page.
type ReportV3 struct {
	ID                 string         `json:"ID"` // the same as Report.ReportID
	URI                string         `json:"URI"`
	Name               string         `json:"Name"`
	Total              Decimal        `json:"Total"`
	CurrencyCode       string         `json:"CurrencyCode"`
	Country            string         `json:"Country"`
	CountrySubdivision string         `json:"CountrySubdivision"`
	OwnerLoginID       string         `json:"OwnerLoginID"`
	OwnerName          string         `json:"OwnerName"`
	ApproverLoginID    string         `json:"ApproverLoginID"`
	ApproverName       string         `json:"ApproverName"`
	ApprovalStatusName string         `json:"ApprovalStatusName"`
	ApprovalStatusCode ApprovalStatus `json:"ApprovalStatusCode"`
	PaymentStatusName  string         `json:"PaymentStatusName"`
	PaymentStatusCode  PaymentStatus  `json:"PaymentStatusCode"`

	CreateDate Time `json:"CreateDate"`
	SubmitDate Time `json:"SubmitDate"`
	// ProcessingPaymentDate is when the report was finally approved.
	ProcessingPaymentDate Time `json:"ProcessingPaymentDate"`
	// PaidDate is when it was integrated or extracted, not when the bank paid.
	PaidDate         Time `json:"PaidDate"`
	LastModifiedDate Time `json:"LastModifiedDate"` // of the header
	UserDefinedDate  Time `json:"UserDefinedDate"`

	PersonalAmount       Decimal `json:"PersonalAmount"`
	AmountDueEmployee    Decimal `json:"AmountDueEmployee"`
	AmountDueCompanyCard Decimal `json:"AmountDueCompanyCard"`
	TotalClaimedAmount   Decimal `json:"TotalClaimedAmount"`
	TotalApprovedAmount  Decimal `json:"TotalApprovedAmount"`

	LedgerName   string `json:"LedgerName"`
	PolicyID     string `json:"PolicyID"`
	EverSentBack Flag   `json:"EverSentBack"`
	HasException Flag   `json:"HasException"`

	// Custom holds the fields that the customer defined, by "custom1", "orgUnit1".
	Custom map[string]CustomValue `json:"-"`
	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above but Custom.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a report and collects its custom fields.
func (r *ReportV3) UnmarshalJSON(b []byte) error {
	type plain ReportV3
	return readRowV3(b, (*plain)(r), &r.Raw, &r.Custom)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (r ReportV3) MarshalJSON() ([]byte, error) {
	type plain ReportV3
	return writeObject(plain(r), r.Raw)
}

// ReportV3Query selects reports. Times are sent in UTC with milliseconds.
type ReportV3Query struct {
	// User is a log-in name, or AllUsers; empty means the token's own reports.
	User string `url:"user,omitempty"`
	// ApprovalStatusCode and PaymentStatusCode: any of these.
	ApprovalStatusCode []ApprovalStatus `url:"approvalStatusCode,omitempty,comma"`
	PaymentStatusCode  []PaymentStatus  `url:"paymentStatusCode,omitempty,comma"`

	CurrencyCode         string `url:"currencyCode,omitempty"`
	CountryCode          string `url:"countryCode,omitempty"`
	ApproverLoginID      string `url:"approverLoginID,omitempty"`
	BatchID              string `url:"batchID,omitempty"`
	PaymentType          string `url:"paymentType,omitempty"`         // of an expense
	ReimbursementMethod  string `url:"reimbursementMethod,omitempty"` // ADPPAYR, APCHECK, CNQRPAY, PMTSERV
	ExpenseTypeCode      string `url:"expenseTypeCode,omitempty"`     // of an expense
	AttendeeTypeCode     string `url:"attendeeTypeCode,omitempty"`
	VendorName           string `url:"vendorName,omitempty"` // of an expense
	ExpenseGroupConfigID string `url:"expenseGroupConfigID,omitempty"`
	// Nil is either.
	HasVAT              *bool `url:"hasVAT,omitempty"`
	HasImages           *bool `url:"hasImages,omitempty"`
	HasAttendees        *bool `url:"hasAttendees,omitempty"`
	HasBillableExpenses *bool `url:"hasBillableExpenses,omitempty"`
	IsTestUser          *bool `url:"isTestUser,omitempty"`

	ModifiedDateAfter           time.Time `url:"modifiedDateAfter,omitempty" layout:"2006-01-02T15:04:05.000"`
	ModifiedDateBefore          time.Time `url:"modifiedDateBefore,omitempty" layout:"2006-01-02T15:04:05.000"`
	ProcessingPaymentDateAfter  time.Time `url:"processingPaymentDateAfter,omitempty" layout:"2006-01-02T15:04:05.000"`
	ProcessingPaymentDateBefore time.Time `url:"processingPaymentDateBefore,omitempty" layout:"2006-01-02T15:04:05.000"`
	SubmitDateAfter             time.Time `url:"submitDateAfter,omitempty" layout:"2006-01-02T15:04:05.000"`
	SubmitDateBefore            time.Time `url:"submitDateBefore,omitempty" layout:"2006-01-02T15:04:05.000"`
	CreateDateAfter             time.Time `url:"createDateAfter,omitempty" layout:"2006-01-02T15:04:05.000"`
	CreateDateBefore            time.Time `url:"createDateBefore,omitempty" layout:"2006-01-02T15:04:05.000"`
	PaidDateAfter               time.Time `url:"paidDateAfter,omitempty" layout:"2006-01-02T15:04:05.000"` // when it was integrated or extracted
	PaidDateBefore              time.Time `url:"paidDateBefore,omitempty" layout:"2006-01-02T15:04:05.000"`
	UserDefinedDateAfter        time.Time `url:"userDefinedDateAfter,omitempty" layout:"2006-01-02T15:04:05.000"`
	UserDefinedDateBefore       time.Time `url:"userDefinedDateBefore,omitempty" layout:"2006-01-02T15:04:05.000"`
	EntryTransactionDateAfter   time.Time `url:"entryTransactionDateAfter,omitempty" layout:"2006-01-02T15:04:05.000"` // of an expense
	EntryTransactionDateBefore  time.Time `url:"entryTransactionDateBefore,omitempty" layout:"2006-01-02T15:04:05.000"`
	// Limit is the size of a page; 0 leaves it to the vendor, whose default is 25.
	Limit int `url:"limit,omitempty"`
}

func (q ReportV3Query) encode() (string, error) {
	for _, t := range []*time.Time{
		&q.ModifiedDateAfter, &q.ModifiedDateBefore, &q.ProcessingPaymentDateAfter,
		&q.ProcessingPaymentDateBefore, &q.SubmitDateAfter, &q.SubmitDateBefore, &q.CreateDateAfter, &q.CreateDateBefore,
		&q.PaidDateAfter, &q.PaidDateBefore, &q.UserDefinedDateAfter, &q.UserDefinedDateBefore,
		&q.EntryTransactionDateAfter, &q.EntryTransactionDateBefore,
	} {
		*t = t.UTC()
	}
	v, err := query.Values(q)
	return v.Encode(), err
}

// ReportsV3Service lists expense reports across owners. Follows the Reports v3
// page. Scope: EXPRPT.
type ReportsV3Service struct{ service }

const reportsV3Path = "/api/v3.0/expense/reports"

// List walks over all reports that the query selects. Reports of Central
// Reconciliation are not among them.
func (s *ReportsV3Service) List(ctx context.Context, q ReportV3Query) iter.Seq2[*ReportV3, error] {
	return all(ctx, func(ctx context.Context, after string) (*Page[ReportV3], error) { return s.ListPage(ctx, q, after) })
}

// ListPage returns one page: the first one when after is "", else the one at
// Page.Next of the page before, for which q is not looked at.
func (s *ReportsV3Service) ListPage(ctx context.Context, q ReportV3Query, after string) (*Page[ReportV3], error) {
	const operation = "ReportsV3.List"
	encoded, err := q.encode()
	if err != nil {
		return nil, &Error{Operation: operation, Err: err}
	}
	return pageV3[ReportV3](ctx, s.client, operation, reportsV3Path, encoded, after, "Report")
}

// Get returns one report. ownerLogin is the owner's log-in name, which the
// service requires for reports that are not the token's own; AllUsers is not
// allowed here.
func (s *ReportsV3Service) Get(ctx context.Context, reportID, ownerLogin string) (*ReportV3, error) {
	const operation = "ReportsV3.Get"
	p, err := path(operation, reportsV3Path, reportID)
	if err != nil {
		return nil, err
	}
	var q url.Values
	if ownerLogin != "" {
		q = url.Values{"user": {ownerLogin}}
	}
	var r ReportV3
	if err := s.client.do(ctx, request{operation: operation, path: p, query: q.Encode(), safe: true}, &r); err != nil {
		return nil, err
	}
	return &r, nil
}

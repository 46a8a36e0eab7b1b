package concur

import (
	"context"
	"encoding/json"
	"errors"
)

// ApprovalStatus is where a report stands in its approval. Customers may define
// further codes.
type ApprovalStatus string

// The approval statuses that the vendor documents.
const (
	ApprovalAnomalyCheck     ApprovalStatus = "A_AAFH"
	ApprovalAccounting       ApprovalStatus = "A_ACCO" // accounting review
	ApprovalApproved         ApprovalStatus = "A_APPR"
	ApprovalExternal         ApprovalStatus = "A_EXTV" // external validation
	ApprovalSubmitted        ApprovalStatus = "A_FILE"
	ApprovalNotSubmitted     ApprovalStatus = "A_NOTF"
	ApprovalBudget           ApprovalStatus = "A_PBDG"
	ApprovalCostObject       ApprovalStatus = "A_PECO"
	ApprovalPending          ApprovalStatus = "A_PEND"
	ApprovalPrepayment       ApprovalStatus = "A_PVAL"
	ApprovalSentBack         ApprovalStatus = "A_RESU" // sent back or recalled
	ApprovalAwaitingReceipts ApprovalStatus = "A_RHLD"
	ApprovalExpired          ApprovalStatus = "A_TEXP"
)

// PaymentStatus is where a report stands in its payment. Customers may define
// further codes.
type PaymentStatus string

// The payment statuses that the vendor documents. A report is finally approved
// and ready for accounts payable from PaymentProcessing on; ApprovalApproved
// alone does not say so.
const (
	PaymentHold       PaymentStatus = "P_HOLD"
	PaymentNotPaid    PaymentStatus = "P_NOTP"
	PaymentProcessing PaymentStatus = "P_PROC"
	PaymentConfirmed  PaymentStatus = "P_PAYC"
	PaymentPaid       PaymentStatus = "P_PAID" // integrated or extracted; not the bank's payment
)

// Link is a hypermedia link. Its host may be an old one: never call it.
type Link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

// Report is an expense report's header. Follows the Reports v4 page.
type Report struct {
	ReportID     string `json:"reportId"` // 20 hexadecimal digits, the same as in version 3 and in events
	ReportNumber string `json:"reportNumber"`
	UserID       string `json:"userId"` // the owner's UUID
	Name         string `json:"name"`
	// ReportVersion rises with each version of the report.
	ReportVersion   int64  `json:"reportVersion"`
	ReportType      string `json:"reportType"` // Regular, Reconciliation, Statement, AutoCreated
	BusinessPurpose string `json:"businessPurpose"`

	ApprovalStatus   string         `json:"approvalStatus"` // for people, localised
	ApprovalStatusID ApprovalStatus `json:"approvalStatusId"`
	PaymentStatus    string         `json:"paymentStatus"` // for people, localised
	PaymentStatusID  PaymentStatus  `json:"paymentStatusId"`

	ReportDate   Date `json:"reportDate"`
	StartDate    Date `json:"startDate"`
	EndDate      Date `json:"endDate"`
	CreationDate Time `json:"creationDate"`
	SubmitDate   Time `json:"submitDate"`

	Country                string `json:"country"`
	CountryCode            string `json:"countryCode"` // ISO 3166-1 alpha-2
	CountrySubDivisionCode string `json:"countrySubDivisionCode"`
	Currency               string `json:"currency"`
	CurrencyCode           string `json:"currencyCode"` // ISO 4217, of every amount of the report
	Policy                 string `json:"policy"`
	PolicyID               string `json:"policyId"`
	Ledger                 string `json:"ledger"`
	LedgerID               string `json:"ledgerId"`
	AnalyticsGroupID       string `json:"analyticsGroupId"`
	HierarchyNodeID        string `json:"hierarchyNodeId"`

	// ApprovedAmount is what is to be posted. ClaimedAmount is all that is not
	// personal. AmountDueEmployee the company owes the employee, AmountDueCompany
	// the employee owes the company, AmountDueCompanyCard goes to the card,
	// AmountCompanyPaid was paid by the company.
	ApprovedAmount         Amount `json:"approvedAmount"`
	ClaimedAmount          Amount `json:"claimedAmount"`
	ReportTotal            Amount `json:"reportTotal"`
	PersonalAmount         Amount `json:"personalAmount"`
	AmountNotApproved      Amount `json:"amountNotApproved"`
	AmountDueEmployee      Amount `json:"amountDueEmployee"`
	AmountDueCompany       Amount `json:"amountDueCompany"`
	AmountDueCompanyCard   Amount `json:"amountDueCompanyCard"`
	AmountCompanyPaid      Amount `json:"amountCompanyPaid"`
	PaymentConfirmedAmount Amount `json:"paymentConfirmedAmount"`
	// TotalAmountPaidEmployee is a text on the page and an amount in the
	// specification; both are read.
	TotalAmountPaidEmployee LooseAmount `json:"totalAmountPaidEmployee"`

	IsSubmitted                   bool `json:"isSubmitted"`
	IsSentBack                    bool `json:"isSentBack"`
	IsReportEverSentBack          bool `json:"isReportEverSentBack"`
	IsReopened                    bool `json:"isReopened"`
	IsFinancialIntegrationEnabled bool `json:"isFinancialIntegrationEnabled"`
	CanRecall                     bool `json:"canRecall"`
	CanReopen                     bool `json:"canReopen"`
	// ConcurAuditStatus is PASS, FAIL or NOTR (not required); ImageStatus and
	// ReceiptStatus are NOT_RECEIVED, NOT_REQUIRED, RECEIVED or
	// RECEIVED_NOT_REQUIRED.
	ConcurAuditStatus string `json:"concurAuditStatus"`
	ImageStatus       string `json:"imageStatus"`
	ReceiptStatus     string `json:"receiptStatus"`
	TaxConfigID       string `json:"taxConfigId"`

	Employee   Employee      `json:"employee"`
	CustomData []CustomField `json:"customData"`
	Links      []Link        `json:"links"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (r *Report) UnmarshalJSON(b []byte) error {
	type plain Report
	return readObject(b, (*plain)(r), &r.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (r Report) MarshalJSON() ([]byte, error) {
	type plain Report
	return writeObject(plain(r), r.Raw)
}

// Employee is the owner of a report as the employer knows them.
type Employee struct {
	EmployeeID   string `json:"employeeId"`
	EmployeeUUID string `json:"employeeUuid"`
}

// ReportsService reads expense reports. Follows the Reports v4 page. There is
// no call that lists reports: ReportsV3.List and events tell their ids.
type ReportsService struct{ service }

// reportPath is in the context of the traveller, which a company's token may
// use for any owner.
func reportPath(operation, userID, reportID string, more ...string) (string, error) {
	elements := append([]string{"users", userID, "context", "TRAVELER", "reports", reportID}, more...)
	return path(operation, "/expensereports/v4", elements...)
}

// Get returns a report's header. userID is the owner's UUID, see Users.ByLogin.
// No such report of that owner: ErrNotFound. Scope: expense.report.read.
func (s *ReportsService) Get(ctx context.Context, userID, reportID string) (*Report, error) {
	const operation = "Reports.Get"
	p, err := reportPath(operation, userID, reportID)
	if err != nil {
		return nil, err
	}
	var r Report
	if err := s.client.do(ctx, request{operation: operation, path: p, safe: true}, &r); err != nil {
		return nil, err
	}
	if r.ReportID == "" {
		return nil, &Error{Operation: operation, Err: errors.New("the answer holds no report")}
	}
	return &r, nil
}

package concurtest

// header4 is a report of the Reports v4 page.
type header4 struct {
	ApprovalStatus   string       `json:"approvalStatus"`
	ApprovalStatusID string       `json:"approvalStatusId"`
	AuditStatus      string       `json:"concurAuditStatus"`
	CustomData       []customData `json:"customData"`
	Ledger           string       `json:"ledger"`
	LedgerID         string       `json:"ledgerId"`
	PaymentStatus    string       `json:"paymentStatus"`
	PaymentStatusID  string       `json:"paymentStatusId"`
	SubmitDate       *string      `json:"submitDate"`

	ApprovedAmount         money `json:"approvedAmount"`
	ClaimedAmount          money `json:"claimedAmount"`
	AmountCompanyPaid      money `json:"amountCompanyPaid"`
	PaymentConfirmedAmount money `json:"paymentConfirmedAmount"`
	AmountDueCompany       money `json:"amountDueCompany"`
	AmountDueCompanyCard   money `json:"amountDueCompanyCard"`
	AmountDueEmployee      money `json:"amountDueEmployee"`
	PersonalAmount         money `json:"personalAmount"`
	ReportTotal            money `json:"reportTotal"`
	AmountNotApproved      money `json:"amountNotApproved"`

	FinancialIntegration    bool      `json:"isFinancialIntegrationEnabled"`
	CanAddExpense           bool      `json:"canAddExpense"`
	CanReopen               bool      `json:"canReopen"`
	IsReopened              bool      `json:"isReopened"`
	IsSubmitted             bool      `json:"isSubmitted"`
	IsSentBack              bool      `json:"isSentBack"`
	IsReportEverSentBack    bool      `json:"isReportEverSentBack"`
	IsPendingDelegator      bool      `json:"isPendingDelegatorReview"`
	IsReceiptImageAvailable bool      `json:"isReceiptImageAvailable"`
	IsReceiptImageRequired  bool      `json:"isReceiptImageRequired"`
	IsPaperReceiptRequired  bool      `json:"isPaperReceiptRequired"`
	IsPaperReceiptsReceived bool      `json:"isPaperReceiptsReceived"`
	ImageStatus             string    `json:"imageStatus"`
	ReceiptStatus           string    `json:"receiptStatus"`
	DefaultFieldAccess      string    `json:"defaultFieldAccess"`
	ReportID                string    `json:"reportId"`
	ReportNumber            string    `json:"reportNumber"`
	Currency                string    `json:"currency"`
	CurrencyCode            string    `json:"currencyCode"`
	AnalyticsGroupID        string    `json:"analyticsGroupId"`
	HierarchyNodeID         string    `json:"hierarchyNodeId"`
	AllocationFormID        string    `json:"allocationFormId"`
	Links                   []link4   `json:"links"`
	ReportDate              string    `json:"reportDate"`
	ReportFormID            string    `json:"reportFormId"`
	BusinessPurpose         string    `json:"businessPurpose"`
	CountryCode             string    `json:"countryCode"`
	CountrySubDivisionCode  *string   `json:"countrySubDivisionCode"`
	PolicyID                string    `json:"policyId"`
	StartDate               string    `json:"startDate"`
	EndDate                 string    `json:"endDate"`
	Name                    string    `json:"name"`
	Policy                  string    `json:"policy"`
	Country                 string    `json:"country"`
	UserID                  string    `json:"userId"`
	Employee                employee4 `json:"employee"`
	ReportType              string    `json:"reportType"`
	RedirectFund            *struct{} `json:"redirectFund"`
	CreationDate            string    `json:"creationDate"`
	CanRecall               bool      `json:"canRecall"`
	ReportVersion           int       `json:"reportVersion"`
}

type employee4 struct {
	EmployeeID   string `json:"employeeId"`
	EmployeeUUID string `json:"employeeUuid"`
}

type link4 struct {
	Rel         string  `json:"rel"`
	Href        string  `json:"href"`
	Hreflang    *string `json:"hreflang"`
	Media       *string `json:"media"`
	Title       *string `json:"title"`
	Type        *string `json:"type"`
	Deprecation *string `json:"deprecation"`
	Method      string  `json:"method"`
	IsTemplated bool    `json:"isTemplated"`
}

// summary4 is an expense as the array shows it; the detail call has it too.
type summary4 struct {
	ExpenseID                string       `json:"expenseId"`
	ApproverAdjustedAmount   money        `json:"approverAdjustedAmount"`
	AllocationState          string       `json:"allocationState"`
	AllocationSetID          *string      `json:"allocationSetId"`
	ApprovedAmount           money        `json:"approvedAmount"`
	BusinessPurpose          string       `json:"businessPurpose"`
	CanDelete                bool         `json:"canDelete"`
	ClaimedAmount            money        `json:"claimedAmount"`
	EreceiptImageID          *string      `json:"ereceiptImageId"`
	ExchangeRate             rate4        `json:"exchangeRate"`
	SourceIdentifiers        *struct{}    `json:"expenseSourceIdentifiers"`
	ExpenseType              expenseType4 `json:"expenseType"`
	HasBlockingExceptions    bool         `json:"hasBlockingExceptions"`
	HasExceptions            bool         `json:"hasExceptions"`
	HasMissingReceipt        bool         `json:"hasMissingReceiptDeclaration"`
	IsAutoCreated            bool         `json:"isAutoCreated"`
	ImageCertificationStatus *string      `json:"imageCertificationStatus"`
	IsImageRequired          bool         `json:"isImageRequired"`
	IsPaperReceiptRequired   bool         `json:"isPaperReceiptRequired"`
	IsPersonalExpense        bool         `json:"isPersonalExpense"`
	Location                 *location4   `json:"location"`
	PaymentType              paymentType4 `json:"paymentType"`
	PostedAmount             money        `json:"postedAmount"`
	ReceiptImageID           *string      `json:"receiptImageId"`
	TicketNumber             *string      `json:"ticketNumber"`
	TransactionAmount        money        `json:"transactionAmount"`
	TransactionDate          string       `json:"transactionDate"`
	TravelAllowance          allowance4   `json:"travelAllowance"`
	Vendor                   *vendor4     `json:"vendor"`
	AttendeeCount            int          `json:"attendeeCount"`
	Links                    []link4      `json:"links"`
}

// detail4 is the detail call: what the array does not show stands here alone.
type detail4 struct {
	summary4
	ParentExpenseID       *string      `json:"parentExpenseId"`
	BudgetAccrualDate     *string      `json:"budgetAccrualDate"`
	CanAllocate           bool         `json:"canAllocate"`
	CustomData            []customData `json:"customData"`
	ExpenseTaxSummary     taxSummary4  `json:"expenseTaxSummary"`
	InvoiceID             *string      `json:"invoiceId"`
	IsExcludedFromAdvance bool         `json:"isExcludedFromCashAdvanceByUser"`
	IsExpenseBillable     bool         `json:"isExpenseBillable"`
	IsExpenseRejected     bool         `json:"isExpenseRejected"`
	IsPaperReceipt        bool         `json:"isPaperReceiptReceived"`
	MerchantTaxID         *string      `json:"merchantTaxId"`
	Mileage               *struct{}    `json:"mileage"`
	ReceiptType           receipt4     `json:"receiptType"`
	TaxRateLocation       string       `json:"taxRateLocation"`
	Travel                *struct{}    `json:"travel"`
	LastModifiedDate      string       `json:"lastModifiedDate"`
}

type rate4 struct {
	Value     number `json:"value"`
	Operation string `json:"operation"`
}

type expenseType4 struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Code      string `json:"code"`
	IsDeleted bool   `json:"isDeleted"`
}

type location4 struct {
	ID                     string  `json:"id"`
	Name                   string  `json:"name"`
	City                   string  `json:"city"`
	CountrySubDivisionCode *string `json:"countrySubDivisionCode"`
	CountryCode            string  `json:"countryCode"`
}

type paymentType4 struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Code string `json:"code"`
}

type allowance4 struct {
	DailyLimitAmount *money  `json:"dailyLimitAmount"`
	DailyID          *string `json:"dailyTravelAllowanceId"`
	IsPart           bool    `json:"isExpensePartOfTravelAllowance"`
}

type vendor4 struct {
	ID          *string `json:"id"`
	Name        string  `json:"name"`
	Description string  `json:"description"`
}

type receipt4 struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

type taxSummary4 struct {
	TotalTaxPosted       money `json:"totalTaxPostedAmount"`
	TotalTaxAdjusted     money `json:"totalTaxAdjustedAmount"`
	TotalReclaimPosted   money `json:"totalReclaimPostedAmount"`
	TotalReclaimAdjusted money `json:"totalReclaimAdjustedAmount"`
	NetTax               money `json:"netTaxAmount"` // the amount net of tax, not the tax
	NetAdjustedTax       money `json:"netAdjustedTaxAmount"`
	NetReclaim           money `json:"netReclaimAmount"`
	NetReclaimAdjusted   money `json:"netReclaimAdjustedAmount"`
	VATTotal             money `json:"vatTaxTotal"`
}

type allocation4 struct {
	CustomData           []customData4 `json:"customData"`
	AllocationID         string        `json:"allocationId"`
	AccountCode          string        `json:"accountCode"`
	OverLimitAccountCode *string       `json:"overLimitAccountCode"`
	AllocationAmount     money         `json:"allocationAmount"`
	ApprovedAmount       money         `json:"approvedAmount"`
	ClaimedAmount        money         `json:"claimedAmount"`
	ExpenseID            string        `json:"expenseId"`
	IsSystemAllocation   bool          `json:"isSystemAllocation"`
	IsPercentEdited      bool          `json:"isPercentEdited"`
	Percentage           number        `json:"percentage"`
}

// customData4 is a custom field of an allocation, which has no listItemUrl.
type customData4 struct {
	ID      string `json:"id"`
	Value   string `json:"value"`
	IsValid bool   `json:"isValid"`
}

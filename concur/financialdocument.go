package concur

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/shopspring/decimal"
)

// ExpenseDocument is an approved expense report with its journal. Of an expense
// with itemizations it holds the parts alone. Amounts are in the report's
// currency unless the field says another. Follows the Financial Documents Schema
// page.
type ExpenseDocument struct {
	Employee     DocumentEmployee         `json:"employee"`
	Report       DocumentReport           `json:"report"`
	Entries      []DocumentEntry          `json:"expenseEntry"`
	CashAdvances []CashAdvanceApplication `json:"cashAdvanceApplication"`
	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above but the customs.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (e *ExpenseDocument) UnmarshalJSON(b []byte) error {
	type plain ExpenseDocument
	return readObject(b, (*plain)(e), &e.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (e ExpenseDocument) MarshalJSON() ([]byte, error) {
	type plain ExpenseDocument
	return writeObject(plain(e), e.Raw)
}

// DocumentEmployee is the person whose document it is. It holds personal data.
type DocumentEmployee struct {
	EmployeeID          Text `json:"employeeId"` // often also the employee's vendor id in accounts payable
	FirstName           Text `json:"employeeFirstName"`
	LastName            Text `json:"employeeLastName"`
	MiddleInitial       Text `json:"employeeMI"`
	LoginID             Text `json:"loginId"`
	EmailAddress        Text `json:"emailAddress"`
	ReimbursementMethod Text `json:"employeeReimbursementMethodCode"` // ADPPAYR, APCHECK, CNQRPAY, PMTSERV
	// Custom holds the fields that the customer defined, by "custom1", "orgUnit1".
	Custom map[string]CodedValue `json:"-"`
}

// UnmarshalJSON reads the object and collects its custom fields.
func (d *DocumentEmployee) UnmarshalJSON(b []byte) error {
	type plain DocumentEmployee
	return readCoded(b, (*plain)(d), &d.Custom, "employee")
}

// DocumentReport is the header of an expense report.
type DocumentReport struct {
	ReportID               Text    `json:"reportId"` // the business id, 20 hexadecimal digits
	ReportKey              Text    `json:"reportKey"`
	ReportNumber           Text    `json:"reportNumber"`
	ReportName             Text    `json:"reportName"`
	LedgerCode             Text    `json:"ledgerCode"`
	PolicyID               Text    `json:"policyId"`
	CurrencyCode           Text    `json:"employeeCurrencyAlphaCode"` // of reimbursement
	CountryCode            Text    `json:"homeCountryCode"`
	TotalApprovedAmount    Decimal `json:"totalApprovedAmount"`
	CashAdvanceReturns     Decimal `json:"cashAdvanceReturnsAmount"`
	IsTest                 Flag    `json:"isTest"`
	PayrollPay             Text    `json:"payrollPayIndicator"`
	PayrollClearingAccount Text    `json:"payrollPaymentClearingAccountCode"`
	CreationDate           Time    `json:"reportCreationDate"`
	SubmitDate             Time    `json:"reportSubmitDate"`
	PaymentProcessingDate  Time    `json:"reportPaymentProcessingDate"` // final approval
	UserDefinedDate        Time    `json:"reportUserDefinedDate"`
	StartDate              Time    `json:"reportStartDate"`
	EndDate                Time    `json:"reportEndDate"`
	RevisionNumber         Text    `json:"revisionNumber"`
	VersionID              Text    `json:"versionId"`
	LastApproverID         Text    `json:"lastApproverId"`
	// Custom holds the fields that the customer defined, by "custom1", "orgUnit1".
	Custom map[string]CodedValue `json:"-"`
}

// UnmarshalJSON reads the object and collects its custom fields.
func (d *DocumentReport) UnmarshalJSON(b []byte) error {
	type plain DocumentReport
	return readCoded(b, (*plain)(d), &d.Custom, "report")
}

// DocumentEntry is one expense, or one itemization of one.
type DocumentEntry struct {
	EntryID                 Text                 `json:"entryId"` // 32 hexadecimal digits
	LegacyEntryID           Text                 `json:"legacyEntryId"`
	Date                    Time                 `json:"entryDate"`
	Description             Text                 `json:"entryDescription"`
	ExpenseTypeCode         Text                 `json:"expenseTypeCode"`
	ExpenseTypeName         Text                 `json:"expenseTypeName"`
	TransactionCurrency     Text                 `json:"entryCurrAlphaCode"`
	TransactionAmount       Decimal              `json:"reportEntryTransactionAmount"` // in TransactionCurrency
	ApprovedAmount          Decimal              `json:"entryApprovedAmount"`
	ExchangeRate            Decimal              `json:"entryExchangeRate"`
	ExchangeRateDirection   Text                 `json:"entryExchangeRateDirection"` // M or D
	PaymentType             Text                 `json:"reportEntryPatKey"`          // the code to go by: CASH, COPD, IBCP, 1000
	PaymentTypeLabel        Text                 `json:"reportEntryPaymentTypeCode"` // localised: not to go by
	PaymentTypeName         Text                 `json:"reportEntryPaymentTypeName"`
	ClearingAccount         Text                 `json:"clearingAccountCode"`
	LiabilityAccount        Text                 `json:"liabilityAccountCode"`
	VendorCode              Text                 `json:"entryVendorCode"`
	VendorDescription       Text                 `json:"entryVendorDescription"`
	MerchantTaxID           Text                 `json:"merchantTaxId"`
	SupplierInvoiceID       Text                 `json:"supplierInvoiceId"`
	LocationName            Text                 `json:"entryLocationName"`
	CityName                Text                 `json:"entryLocationCityName"`
	CountryCode             Text                 `json:"entryCountryCode"`
	CountrySubCode          Text                 `json:"entryCountrySubCode"`
	IsBillable              Flag                 `json:"entryIsBillable"`
	IsPersonal              Flag                 `json:"entryIsPersonal"`
	ReceiptID               Text                 `json:"entryReceiptId"`
	ElectronicReceiptID     Text                 `json:"entryElectronicReceiptId"`
	ReceiptType             Text                 `json:"entryReceiptType"` // T, R or N
	ExpensePay              Text                 `json:"expensePayIndicator"`
	ExpensePayAccounting    Text                 `json:"expensePayAccountingIndicator"`
	OffsetPayType           Text                 `json:"offsetPayType"`
	CardAccountID           Text                 `json:"cardAccountID"`
	CardProgramType         Text                 `json:"cardProgramTypeCode"`
	CardTransactionID       Text                 `json:"cardTransactionID"`
	CardTransactionAmount   Decimal              `json:"cardTransactionAmount"`
	CardTransactionCurrency Text                 `json:"cardTransactionCurrency"`
	CardPostedAmount        Decimal              `json:"cardTransactionPostedAmount"`
	CardPostedCurrency      Text                 `json:"cardTransactionPostedCurrency"`
	CardBillingDate         Time                 `json:"cardBillingDate"`
	RequestID               Text                 `json:"requestId"`
	RequestEntryID          Text                 `json:"requestEntryId"`
	Allocations             []DocumentAllocation `json:"allocation"`
	// Custom holds the fields that the customer defined, by "custom1", "orgUnit1".
	Custom map[string]CodedValue `json:"-"`
}

// UnmarshalJSON reads the object and collects its custom fields.
func (d *DocumentEntry) UnmarshalJSON(b []byte) error {
	type plain DocumentEntry
	return readCoded(b, (*plain)(d), &d.Custom, "entry")
}

// DocumentAllocation is a share of an expense. The amounts of its journal are
// the share already: they are not to be multiplied by Percentage.
type DocumentAllocation struct {
	AllocationID Text          `json:"allocationId"`
	Percentage   Decimal       `json:"allocationPercentage"`
	Journal      []JournalLine `json:"journal"`
	Taxes        []DocumentTax `json:"tax"`
	// Custom holds the fields that the customer defined, by "custom1", "orgUnit1".
	Custom map[string]CodedValue `json:"-"`
}

// UnmarshalJSON reads the object and collects its custom fields.
func (d *DocumentAllocation) UnmarshalJSON(b []byte) error {
	type plain DocumentAllocation
	return readCoded(b, (*plain)(d), &d.Custom, "allocation")
}

// JournalLine is one posting of a share of an expense. Payer COMP with a positive
// amount is a debit of the account and a credit of the payee; a negative amount
// is the reverse.
type JournalLine struct {
	AccountCode               Text     `json:"journalAccountCode"`
	Payer                     Text     `json:"journalPayer"` // COMP, EMPL or a card
	Payee                     Text     `json:"journalPayee"` // EMPL, COMP, CBCP, COPD, IBCP …
	Gross                     Decimal  `json:"amountGross"`
	NetOfTax                  Decimal  `json:"amountNetOfTax"`
	NetOfReclaim              Decimal  `json:"amountNetOfReclaim"`
	GrossCard                 Decimal  `json:"amountGrossCard"`
	CardReference             Text     `json:"cardTransactionReferenceNumber"`
	AccountingTransactionType Text     `json:"accountingTransactionType"` // QuickBooks only
	TaxGUIDs                  []string `json:"taxGuid"`                   // which of the taxes belong to the line
}

// DocumentTax is a tax of a share of an expense.
type DocumentTax struct {
	GUID            string  `json:"taxGuid"`
	AuthorityLabel  Text    `json:"taxAuthorityLabel"`
	TaxCode         Text    `json:"taxCode"`
	ReclaimCode     Text    `json:"taxReclaimCode"`
	NonDomesticCode Text    `json:"nonDomesticCode"`
	Source          Text    `json:"taxSource"`
	Amount          Decimal `json:"amountTax"`
	Reclaim         Decimal `json:"amountReclaim"` // the part that can be reclaimed
	CountryCode     Text    `json:"locationCountryCode"`
	CountrySubCode  Text    `json:"locationCountrySubCode"`
}

// TaxesOf returns the taxes of a line of the journal.
func (d *DocumentAllocation) TaxesOf(line JournalLine) []DocumentTax {
	var taxes []DocumentTax
	for _, t := range d.Taxes {
		if slices.Contains(line.TaxGUIDs, t.GUID) {
			taxes = append(taxes, t)
		}
	}
	return taxes
}

// Ties reports whether a line of the journal and its taxes agree with each
// other: gross is net of tax plus the taxes, and net of reclaim plus what can be
// reclaimed. A document with a line that does not tie must not be posted.
func (d *DocumentAllocation) Ties(line JournalLine) bool {
	var tax, reclaim decimal.Decimal
	for _, t := range d.TaxesOf(line) {
		tax, reclaim = tax.Add(t.Amount.Value()), reclaim.Add(t.Reclaim.Value())
	}
	gross := line.Gross.Value()
	return gross.Equal(line.NetOfTax.Value().Add(tax)) && gross.Equal(line.NetOfReclaim.Value().Add(reclaim))
}

// CashAdvanceApplication is what of a cash advance is set off against a report.
type CashAdvanceApplication struct {
	CashAdvanceID   Text    `json:"cashAdvanceId"`
	Amount          Decimal `json:"cashAdvanceApplicationAmount"` // negative
	ClearingAccount Text    `json:"cashAdvanceClearingAccountCode"`
	TransactionType Text    `json:"cashAdvanceTransactionType"` // 1 issue, 2 application, 3 carried forward
}

// CodedValue is a field that a customer defined, as financial documents have it:
// for a list the code and the name of the item, for a text the text in Code, in
// Value, or in both.
type CodedValue struct{ Code, Value Text }

// codedValues collects reportCustom1Code, reportCustom1Value, reportOrgUnit1Code
// … under the names "custom1" and "orgUnit1". Nulls are left out.
func codedValues(object []byte, prefix string) (map[string]CodedValue, error) {
	var fields map[string]CodedValue
	err := members(object, func(name, _, value []byte) error {
		rest, ok := bytes.CutPrefix(name, []byte(prefix))
		if !ok || kind(value) == 'n' {
			return nil
		}
		what, isCode := bytes.CutSuffix(rest, []byte("Code"))
		if !isCode {
			what = bytes.TrimSuffix(rest, []byte("Value"))
		}
		id := customID(what)
		if id == "" || len(what) == len(rest) {
			return nil
		}
		var t Text
		if err := json.Unmarshal(value, &t); err != nil {
			return err
		}
		if fields == nil {
			fields = make(map[string]CodedValue)
		}
		v := fields[id]
		if isCode {
			v.Code = t
		} else {
			v.Value = t
		}
		fields[id] = v
		return nil
	})
	return fields, err
}

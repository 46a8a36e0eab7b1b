package epicortest

import (
	"fmt"
	"slices"
	"strings"
)

// column is one column of a table.
type column struct {
	name string
	kind kind
	def  any // value of a new row
}

// table describes one table: its columns, its key and where it is read.
type table struct {
	name    string
	service string
	set     string   // entity set
	key     []string // Company first
	parent  string   // table that it hangs on
	columns []column
	byName  map[string]*column
}

func (t *table) column(name string) (*column, bool) {
	c, ok := t.byName[name]
	return c, ok
}

// add appends a column.
func (t *table) add(name string, k kind, def any) {
	t.columns = append(t.columns, column{name: name, kind: k, def: def})
	t.index()
}

func (t *table) index() {
	t.byName = make(map[string]*column, len(t.columns))
	for i := range t.columns {
		t.byName[t.columns[i].name] = &t.columns[i]
	}
}

// blank returns a row with every column at its default.
func (t *table) blank() row {
	r := make(row, len(t.columns))
	for _, c := range t.columns {
		r[c.name] = c.def
	}
	return r
}

// schema is a company's set of tables; user-defined columns make it the company's own.
type schema map[string]*table

// bySet finds a table by service and entity set.
func (s schema) bySet(service, set string) (*table, bool) {
	for _, t := range s {
		if t.service == service && t.set == set {
			return t, true
		}
	}
	return nil, false
}

// children lists the tables that hang on t, by entity set.
func (s schema) children(t *table) map[string]*table {
	m := map[string]*table{}
	for _, c := range s {
		if c.parent == t.name {
			m[c.set] = c
		}
	}
	return m
}

// Services.
const (
	svcVendor   = "Erp.BO.VendorSvc"
	svcAccount  = "Erp.BO.GLAccountSvc"
	svcSegment  = "Erp.BO.COASegValuesSvc"
	svcChart    = "Erp.BO.COASvc"
	svcCurrency = "Erp.BO.CurrencySvc"
	svcCalendar = "Erp.BO.FiscalCalSvc"
	svcGroup    = "Erp.BO.APInvGrpSvc"
	svcInvoice  = "Erp.BO.APInvoiceSvc"
	svcPost     = "Erp.PROC.APInvoicePostSvc"
	svcRate     = "Erp.BO.CurrExRateSvc"
	svcOrder    = "Erp.BO.POSvc"
	svcPayment  = "Erp.BO.PaymentEntrySvc"
	svcFiles    = "Ice.BO.AttachmentSvc"
)

// Tables.
const (
	tabVendor   = "Vendor"
	tabAccount  = "GLAccount"
	tabSegment  = "COASegValues"
	tabChart    = "COASegment"
	tabCurrency = "Currency"
	tabPeriod   = "FiscalPer"
	tabGroup    = "APInvGrp"
	tabHed      = "APInvHed"
	tabDtl      = "APInvDtl"
	tabExp      = "APInvExp"
	tabTGLC     = "APInvExpTGLC"
	tabPost     = "APInvoicePostParam"
	tabTax      = "APInvTax"
	tabAttach   = "APInvHedAttch"
	tabCOA      = "COA"
	tabCalendar = "FiscalCal"
	tabYear     = "FiscalYr"
	tabRate     = "CurrExRate"
	tabOrder    = "POHeader"
	tabOrderDtl = "PODetail"
	tabOrderRel = "PORel"
	tabCheck    = "CheckHed"
	tabPaid     = "APTran"
)

// Every name below stands in the vendor's table schemas. A table carries the
// columns that invoices, reference data and reading back need, not all of the
// several hundred. The suffix is the type: s string, i integer, n decimal,
// b boolean, d date, g GUID.
func newSchema() schema {
	s := schema{}
	def := func(service, name, set, parent, key, columns string) {
		t := &table{name: name, service: service, set: set, parent: parent, key: strings.Fields(key)}
		for f := range strings.FieldsSeq(columns) {
			n, k, ok := strings.Cut(f, ":")
			if !ok || len(k) != 1 {
				panic(fmt.Sprintf("epicortest: column %q of %s has no type", f, name))
			}
			t.columns = append(t.columns, column{name: n, kind: kind(k[0]), def: kind(k[0]).zero()})
		}
		t.index()
		s[name] = t
	}
	def(svcVendor, tabVendor, "Vendors", "", "Company VendorNum", `
		Company:s VendorNum:i VendorID:s Name:s Address1:s Address2:s Address3:s City:s State:s ZIP:s Country:s
		TaxPayerID:s PurPoint:s TermsCode:s GroupCode:s Inactive:b PayHold:b Approved:b CurrencyCode:s TaxRegionCode:s
		EMailAddress:s PhoneNum:s Comment:s PMUID:i ExternalId:s SysRevID:i SysRowID:g BitFlag:i RowMod:s`)
	// The account itself is the column GLAccount1 of the table GLAccount: a property cannot bear the name of its type.
	def(svcAccount, tabAccount, "GLAccounts", "", "Company COACode GLAccount1", `
		Company:s COACode:s GLAccount1:s AccountDesc:s `+segments()+` Active:b EffFrom:d EffTo:d MultiCompany:b
		ParentGLAccount:s SysRevID:i SysRowID:g BitFlag:i RowMod:s`)
	def(svcSegment, tabSegment, "COASegValues", "", "Company COACode SegmentNbr SegmentCode", `
		Company:s COACode:s SegmentNbr:i SegmentCode:s SegmentName:s SegmentDesc:s SegmentAbbrev:s ActiveFlag:b
		EffectiveFrom:d EffectiveTo:d Category:s NormalBalance:s SysRevID:i SysRowID:g BitFlag:i RowMod:s`)
	def(svcChart, tabChart, "COASegments", "", "Company COACode SegmentNbr", `
		Company:s COACode:s SegmentNbr:i SegmentName:s Abbreviation:s MaxLength:i MinLength:i Dynamic:b UseRefEntity:b
		RefEntity:s AllowAlpha:b DisplayOrder:i SysRevID:i SysRowID:g BitFlag:i RowMod:s`)
	def(svcCurrency, tabCurrency, "Currencies", "", "Company CurrencyCode", `
		Company:s CurrencyCode:s CurrDesc:s CurrSymbol:s CurrName:s CurrencyID:s DecimalsGeneral:i DecimalsPrice:i
		DecimalsCost:i Inactive:b BaseCurr:b ISOCurrCode:s SysRevID:i SysRowID:g BitFlag:i RowMod:s`)
	def(svcCalendar, tabPeriod, "FiscalPers", tabYear, "Company FiscalCalendarID FiscalYear FiscalYearSuffix FiscalPeriod", `
		Company:s FiscalCalendarID:s FiscalYear:i FiscalYearSuffix:s FiscalPeriod:i StartDate:d EndDate:d
		FAClosedPeriod:b SysRevID:i SysRowID:g BitFlag:i RowMod:s`)
	def(svcGroup, tabGroup, "APInvGrps", "", "Company GroupID", `
		Company:s GroupID:s CreatedBy:s FiscalYear:i FiscalPeriod:i ActiveUserID:s PostErrorLog:s PostInProcess:b
		ApplyDate:d FiscalYearSuffix:s FiscalCalendarID:s SysRevID:i SysRowID:g IsBOE:b BaseTotal:n DispPostErrorLog:s
		GenLegalNumsEnabled:b IsDocumentLocked:b LockStatus:s RvJrnUID:i BitFlag:i RowMod:s`)
	def(svcInvoice, tabHed, "APInvoices", "", "Company VendorNum InvoiceNum", `
		Company:s OpenPayable:b VendorNum:i InvoiceNum:s DebitMemo:b InvoiceDate:d TermsCode:s TaxAmt:n DocTaxAmt:n
		DiscountDate:d DiscountAmt:n DocDiscountAmt:n DueDate:d GLPosted:b GroupID:s Posted:b FiscalYear:i
		FiscalPeriod:i FiscalYearSuffix:s FiscalCalendarID:s InvoiceRef:s EntryPerson:s InvoiceComment:s InvoiceAmt:n
		DocInvoiceAmt:n InvoiceVendorAmt:n DocInvoiceVendorAmt:n InvoiceBal:n DocInvoiceBal:n UnpostedBal:n
		DocUnpostedBal:n InvoiceHeld:b PayHold:b Description:s CurrencyCode:s ExchangeRate:n LockRate:b RateGrpCode:s
		REFPONum:i TaxRegionCode:s LegalNumber:s ExternalID:s ApplyDate:d TaxPoint:d TaxRateDate:d ReadyToCalc:b
		RecalcBeforePost:b CorrectionInv:b CancellationInv:b PrePayment:b RefCancelledby:s Plant:s TranDocTypeID:s
		PMUID:i HeadNum:i ChangedBy:s ChangeDate:d SysRevID:i SysRowID:g ScrDocInvoiceVendorAmt:n
		ScrInvoiceVendorAmt:n ScrDocInvoiceAmt:n ScrInvoiceAmt:n ScrDocInvLineTotal:n ScrInvLineTotal:n
		DocInvoiceVariance:n InvoiceVariance:n BaseCurrencyID:s RecalcAmts:s SystemTranType:s InvoiceTypeDesc:s
		VendorInactive:b VendorPayHold:b VendorNumVendorID:s VendorNumName:s VendorNumCurrencyCode:s
		VendorNumTermsCode:s LockStatus:s BitFlag:i RowMod:s`)
	def(svcInvoice, tabDtl, "APInvDtls", tabHed, "Company VendorNum InvoiceNum InvoiceLine", `
		Company:s VendorNum:i InvoiceNum:s InvoiceLine:i LineType:s UnitCost:n DocUnitCost:n PartNum:s PONum:i POLine:i
		PORelNum:i Description:s JobNum:s PurPoint:s PackSlip:s PackLine:i VendorQty:n PUM:s OurQty:n IUM:s
		CostPerCode:s VenPartNum:s ExtCost:n DocExtCost:n TotalMiscChrg:n DocTotalMiscChrg:n LineComment:s TaxExempt:s
		TaxCatID:s PurchCode:s LineDiscAmt:n DocLineDiscAmt:n TaxRegionCode:s InvoiceRef:s ChangedBy:s ChangeDate:d
		SysRevID:i SysRowID:g CurrencyCode:s DebitMemo:b GroupID:s Posted:b LineExpenses:n DocLineExpenses:n
		LineTotal:n DocLineTotal:n Variance:n DocVariance:n ScrUnitCost:n DocScrUnitCost:n ScrVendorQty:n ScrOurQty:n
		ScrExtCost:n ScrDocExtCost:n GLAccount:s LineTypeDescription:s VendorNumVendorID:s VendorNumName:s BitFlag:i
		RowMod:s`)
	def(svcInvoice, tabExp, "APInvExps", tabDtl, "Company VendorNum InvoiceNum InvoiceLine InvExpSeq", `
		Company:s VendorNum:i InvoiceNum:s InvoiceLine:i InvExpSeq:i ExpAmt:n DocExpAmt:n RefType:s RefCode:s
		RefCodeDesc:s ExtCompanyID:s MultiCompany:b SysRevID:i SysRowID:g NonDedTax:b Plant:s AllowUpdate:b BookID:s
		COACode:s CurrencyCode:s DebitMemo:b ScrExpAmt:n DocScrExpAmt:n ExpDispGLAcct:s GLAccount:s GLAccountDesc:s
		GroupID:s Posted:b BitFlag:i RowMod:s`)
	def(svcInvoice, tabTGLC, "APInvExpTGLCs", tabExp, "Company VendorNum InvoiceNum InvoiceLine InvExpSeq SysRowID", `
		Company:s RelatedToFile:s Key1:s Key2:s Key3:s Key4:s Key5:s Key6:s TGLCTranNum:i GLAcctContext:s BookID:s
		COACode:s GLAccount:s UserCanModify:b `+segments()+` SysGLControlType:s SysGLControlCode:s ExtCompanyID:s
		IsExternalCompany:b RecordType:s TransAmt:n CurrencyCode:s IsModifiedByUser:b SysRevID:i SysRowID:g VendorNum:i
		InvoiceNum:s InvoiceLine:i InvExpSeq:i GroupID:s COADescription:s GLAccountAccountDesc:s
		GLAccountGLAcctDisp:s BitFlag:i RowMod:s`)
	def(svcInvoice, tabTax, "APInvTaxes", tabHed, "Company VendorNum InvoiceNum TaxCode RateCode ECAcquisitionSeq", `
		Company:s VendorNum:i InvoiceNum:s TaxCode:s RateCode:s ECAcquisitionSeq:i TaxableAmt:n DocTaxableAmt:n
		Percent:n TaxAmt:n DocTaxAmt:n Manual:b ManAdd:b CollectionType:i TaxRateDate:d SysRevID:i SysRowID:g ChangedBy:s
		ChangeDate:d CurrencyCode:s DebitMemo:b GroupID:s Posted:b ScrTaxAmt:n ScrDocTaxAmt:n ScrDocTaxableAmt:n
		BitFlag:i RowMod:s`)
	def(svcInvoice, tabAttach, "APInvHedAttches", tabHed, "Company VendorNum InvoiceNum DrawingSeq", `
		Company:s VendorNum:i InvoiceNum:s DrawingSeq:i XFileRefNum:i SysRevID:i SysRowID:g ForeignSysRowID:g DrawDesc:s
		FileName:s PDMDocID:s DocTypeID:s RowMod:s`)
	def(svcChart, tabCOA, "COAs", "", "Company COACode", `
		Company:s COACode:s Description:s SeparatorChar:s NbrSegments:i MasterCOA:b SysRevID:i SysRowID:g BitFlag:i RowMod:s`)
	def(svcCalendar, tabCalendar, "FiscalCals", "", "Company FiscalCalendarID", `
		Company:s FiscalCalendarID:s Description:s StartDate:d EndDate:d GlobalCal:b SysRevID:i SysRowID:g BitFlag:i RowMod:s`)
	def(svcCalendar, tabYear, "FiscalYrs", tabCalendar, "Company FiscalCalendarID FiscalYear FiscalYearSuffix", `
		Company:s FiscalCalendarID:s FiscalYear:i FiscalYearSuffix:s StartDate:d EndDate:d NumPeriods:i
		NumClosingPeriods:i Description:s SysRevID:i SysRowID:g BitFlag:i RowMod:s`)
	def(svcRate, tabRate, "CurrExRates", "", "Company RateGrpCode SourceCurrCode TargetCurrCode EffectiveDate", `
		Company:s SourceCurrCode:s EffectiveDate:d CurrentRate:n TargetCurrCode:s RateGrpCode:s SysRevID:i SysRowID:g
		DisplayRate:n BitFlag:i RowMod:s`)
	def(svcOrder, tabOrder, "POes", "", "Company PONum", `
		Company:s OpenOrder:b VoidOrder:b PONum:i OrderDate:d TermsCode:s VendorNum:i PurPoint:s OrderHeld:b
		CurrencyCode:s Approve:b ApprovalStatus:s SysRevID:i SysRowID:g ChangedBy:s ChangeDate:d DocTotalOrder:n
		VendorVendorID:s VendorName:s BitFlag:i RowMod:s`)
	def(svcOrder, tabOrderDtl, "PODetails", tabOrder, "Company PONUM POLine", `
		Company:s OpenLine:b VoidLine:b PONUM:i POLine:i LineDesc:s IUM:s PUM:s UnitCost:n DocUnitCost:n OrderQty:n
		PartNum:s VendorNum:i DocExtCost:n SysRevID:i SysRowID:g ChangedBy:s ChangeDate:d BitFlag:i RowMod:s`)
	def(svcOrder, tabOrderRel, "PORels", tabOrderDtl, "Company PONum POLine PORelNum", `
		Company:s OpenRelease:b VoidRelease:b PONum:i POLine:i PORelNum:i DueDate:d RelQty:n ReceivedQty:n
		InvoicedQty:n SysRevID:i SysRowID:g BitFlag:i RowMod:s`)
	def(svcPayment, tabCheck, "PaymentEntries", "", "Company HeadNum", `
		Company:s Posted:b GroupID:s HeadNum:i CheckNum:i CheckDate:d Voided:b CheckAmt:n DocCheckAmt:n VendorNum:i
		CurrencyCode:s SysRevID:i SysRowID:g ChangedBy:s ChangeDate:d VoidDate:d VendorNumVendorID:s BitFlag:i RowMod:s`)
	def(svcPayment, tabPaid, "APTrans", tabCheck, "Company HeadNum APTranNo InvoiceNum Voided", `
		Company:s TranType:s HeadNum:i APTranNo:i InvoiceNum:s Posted:b TranAmt:n DocTranAmt:n DiscAmt:n DocDiscAmt:n
		CheckNum:i TranDate:d Voided:b VendorNum:i SysRevID:i SysRowID:g ChangedBy:s ChangeDate:d CurrencyCode:s
		BitFlag:i RowMod:s`)
	def(svcPost, tabPost, "", "", "GroupID", `
		GroupID:s ACTType:s SysRowID:g AutoAction:s AgentSchedNum:i AgentID:s AgentTaskNum:i RecurringTask:b TaskNote:s
		ProcessID:s RowMod:s`)
	return s
}

func segments() string {
	var b strings.Builder
	for i := 1; i <= 20; i++ {
		fmt.Fprintf(&b, "SegValue%d:s ", i)
	}
	return b.String()
}

// invoiceTables are the tables of an AP invoice tableset in the vendor's order;
// those that the fake keeps nothing in come as empty lists.
func invoiceTables() []string {
	return []string{
		tabHed, "APInvHedAttch", "APIHAPInvExp", "APIHAPInvExpTGLC", "APIHAPInvMsc", "RcvMisc", "APIHAPLnTax",
		tabDtl, "APInvDtlAttch", "APInvDtlDEASch", tabExp, tabTGLC, "GlbAPIETGLC", "APInvJob", "APInvMsc",
		"APInvLnMscTax", "APInvPB", "APLnTax", "APInvDtlTGLC", "APInvHedMscTax", "APInvSched", "APInvTax",
		"PESUNATDtl", "EntityGLC", "PEAPInvTax", "AdditionalForms_ParametersView", "LegalNumGenOpts",
		"SupplierXRef", "TaxConnectStatus",
	}
}

// records holds the rows of a table that is not part of an invoice, in the order of its key.
type records struct {
	def   *table
	rows  []row
	byKey map[string]row
}

func newRecords(t *table) *records { return &records{def: t, byKey: map[string]row{}} }

func (r *records) get(key string) (row, bool) {
	v, ok := r.byKey[key]
	return v, ok
}

// place finds where v stands or belongs.
func (r *records) place(v row) int {
	i, _ := slices.BinarySearchFunc(r.rows, v, func(a, b row) int {
		for _, c := range r.def.key {
			if n := compare(a[c], b[c]); n != 0 {
				return n
			}
		}
		return 0
	})
	return i
}

// put adds v or replaces the row with its key.
func (r *records) put(v row) {
	k := v.key(r.def.key)
	_, ok := r.byKey[k]
	r.byKey[k] = v
	i := r.place(v)
	if ok {
		r.rows[i] = v
		return
	}
	r.rows = slices.Insert(r.rows, i, v)
}

func (r *records) remove(key string) {
	v, ok := r.byKey[key]
	if !ok {
		return
	}
	i := r.place(v)
	r.rows = slices.Delete(r.rows, i, i+1)
	delete(r.byKey, key)
}

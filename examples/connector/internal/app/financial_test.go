package app

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// financialRules book what a journal says: its accounts as they are, each code a
// vendor.
const financialRules = `version: 1
company: {default: EPIC06, ledgers: {%s}}
counterparties:
  EMPL: employee
  CBCP: {vendor: CBCP, code: B}
  IBCP: {vendor: IBCP, code: I}
  COPD: {vendor: COPD, code: P}
employees: {vendors: {%s}}
suppliers: {vendors: {%s}}
cash_advances: {accounts: {CADV: CADV, CASH: CASH}}
taxes: {reclaim: {%s}}
apply_date: {from: invoice_date}
accounts: {rules: [{name: journal, account: "{account}"}]}
`

// settled is what a financial document has to come to.
type settled struct {
	ReportID string                     `json:"reportId"`
	Currency string                     `json:"currency"`
	Total    *decimal.Decimal           `json:"total"`
	Nets     map[string]decimal.Decimal `json:"counterpartyNetBeforeAdvances"`
	Advance  decimal.Decimal            `json:"cashAdvanceApplied"`
	Accounts map[string]decimal.Decimal `json:"accountGross"`
	Reclaim  map[string]decimal.Decimal `json:"taxReclaim"`
}

// published is a document of a test, with what it has to come to.
type published struct {
	name, kind, id string
	content        json.RawMessage
	want           *settled
}

// financialContent is what of a document a test looks at.
type financialContent struct {
	Employee struct {
		ID string `json:"employeeId"`
	} `json:"employee"`
	EmployeeData struct {
		ID string `json:"employeeId"`
	} `json:"employeeData"`
	Report struct {
		ID     string `json:"reportId"`
		Ledger string `json:"ledgerCode"`
	} `json:"report"`
	Advance struct {
		ID string `json:"cashAdvanceId"`
	} `json:"cashAdvanceData"`
	Header struct {
		ID     string `json:"requestId"`
		Ledger string `json:"ledgerCode"`
	} `json:"requestHeader"`
	Vendor struct {
		Code string `json:"vendorCode"`
	} `json:"vendor"`
	Entries []struct {
		Allocations []struct {
			Journal []struct {
				Account string `json:"journalAccountCode"`
			} `json:"journal"`
			Taxes []struct {
				Reclaim string `json:"taxReclaimCode"`
			} `json:"tax"`
		} `json:"allocation"`
	} `json:"expenseEntry"`
	Lines []struct {
		Allocations []struct {
			Account string `json:"allocationAccountCode"`
		} `json:"allocation"`
	} `json:"lineItem"`
}

// financialWorld prepares both systems for documents: every account, employee and
// supplier that they name.
func financialWorld(t *testing.T, w *world, docs []published) {
	t.Helper()
	accounts := map[string]bool{"CADV": true, "CASH": true}
	employees, suppliers, ledgers, reclaims := map[string]string{}, map[string]string{}, map[string]bool{}, map[string]bool{}
	for _, d := range docs {
		var c financialContent
		require.NoError(t, json.Unmarshal(d.content, &c), d.name)
		if id := cmp.Or(c.Employee.ID, c.EmployeeData.ID); id != "" && employees[id] == "" {
			employees[id] = fmt.Sprintf("EMP%d", len(employees)+1)
		}
		if c.Vendor.Code != "" && suppliers[c.Vendor.Code] == "" {
			suppliers[c.Vendor.Code] = fmt.Sprintf("SUP%d", len(suppliers)+1)
		}
		if l := cmp.Or(c.Report.Ledger, c.Header.Ledger); l != "" {
			ledgers[l] = true
		}
		for _, e := range c.Entries {
			for _, a := range e.Allocations {
				for _, j := range a.Journal {
					accounts[j.Account] = true
				}
				for _, x := range a.Taxes {
					if x.Reclaim != "" {
						accounts[x.Reclaim], reclaims[x.Reclaim] = true, true
					}
				}
			}
		}
		for _, l := range c.Lines {
			for _, a := range l.Allocations {
				accounts[a.Account] = true
			}
		}
	}
	table := func(of map[string]string) string {
		var rows []string
		for _, k := range slices.Sorted(maps.Keys(of)) {
			rows = append(rows, fmt.Sprintf("%q: %q", k, of[k]))
		}
		return strings.Join(rows, ", ")
	}
	itself := func(of map[string]bool, value string) map[string]string {
		out := map[string]string{}
		for k := range of {
			out[k] = cmp.Or(value, k)
		}
		return out
	}
	w.write(fmt.Sprintf(financialRules, table(itself(ledgers, sample.EpicorCompany)), table(employees), table(suppliers), table(itself(reclaims, ""))))
	for _, id := range slices.Concat([]string{"CBCP", "IBCP", "COPD"}, slices.Sorted(maps.Values(employees)), slices.Sorted(maps.Values(suppliers))) {
		w.epicor.AddVendors(sample.EpicorCompany, epicortest.Vendor{ID: id})
	}
	for _, a := range slices.Sorted(maps.Keys(accounts)) {
		w.epicor.AddAccounts(sample.EpicorCompany, epicortest.GLAccount{Account: a, Desc: a})
	}
	for _, c := range []string{"EUR", "CAD", "GBP"} {
		w.epicor.AddCurrencies(sample.EpicorCompany, epicortest.Currency{Code: c, Name: c})
	}
	for year := 2016; year <= 2019; year++ {
		w.epicor.AddPeriods(sample.EpicorCompany, epicortest.Period{
			Year: year, Number: 1, Start: epicortest.Date{Year: year, Month: time.January, Day: 1}, End: epicortest.Date{Year: year, Month: time.December, Day: 31},
		})
	}
	w.policy = engine.Policy{Sweep: time.Minute}
}

// financialRun lets documents run from the queue to AP invoices, and says how
// many differences there are to what they have to come to.
func financialRun(t *testing.T, docs []published, broken json.RawMessage) (counterparties, differences int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.t = t
		financialWorld(t, w, docs)
		handles := map[string]string{}
		for _, d := range docs {
			f := w.company.AddFinancialDocument(concurtest.FinancialDocument{Kind: d.kind, BusinessID: d.id, Document: d.content})
			handles[d.name] = f.ID
		}
		var bad concurtest.FinancialDocument
		if broken != nil {
			text, err := json.Marshal(string(broken))
			require.NoError(t, err)
			bad = w.company.AddFinancialDocument(concurtest.FinancialDocument{Kind: concurtest.FinancialExpense, BusinessID: "BROKEN", Document: text})
		}
		cfg := w.config()
		cfg.Tenants[0].Concur.Financial = &concursync.FinancialOptions{PageSize: 4}
		w.connector()
		a := w.start(cfg, w.store, w.log)
		stop := w.running(a)
		pass(10 * time.Minute)
		defer stop()

		inConcur := map[string]concurtest.FinancialDocument{}
		for _, f := range w.company.FinancialDocuments() {
			inConcur[f.ID] = f
		}
		for _, d := range docs {
			id := storage.ID{Tenant: tenantName, Target: DefaultTarget, Document: kindOfFinancial(d.kind) + "/" + d.id}
			s, err := a.Engine.Get(t.Context(), id)
			require.NoError(t, err, d.name)
			require.Equal(t, engine.Confirmed, s.State, "%s: %s %+v", d.name, s.Why, s.Issues)
			f := inConcur[handles[d.name]]
			require.Equal(t, concurtest.FinancialPosted, f.Status, d.name)
			require.Len(t, f.Posted, len(s.Receipt.Made), d.name)
			got := w.booked(d.id, s)
			counterparties += len(got.nets)
			for _, line := range got.differs(d.want) {
				differences++
				t.Errorf("%s: %s", d.name, line)
			}
		}
		if broken != nil {
			s, err := a.Engine.Get(t.Context(), storage.ID{Tenant: tenantName, Target: DefaultTarget, Document: "report/" + bad.ID})
			require.NoError(t, err)
			require.Equal(t, engine.Parked, s.State)
			require.Equal(t, concursync.FinancialUnreadable, s.Cause)
			require.Contains(t, s.Issues[0].Message, bad.ID+" cannot be read")
			require.Equal(t, concurtest.FinancialReady, inConcur[bad.ID].Status, "nobody was told that it was taken")
		}
	})
	return counterparties, differences
}

func kindOfFinancial(kind string) string {
	if kind == concurtest.FinancialExpense {
		return "report"
	}
	return kind
}

// booking is what stands in Epicor of a document.
type booked struct {
	nets, accounts map[string]decimal.Decimal
	owed, changed  decimal.Decimal
}

// booked adds up what stands in Epicor, read from there and from nowhere else.
func (w *world) booked(_ string, s engine.Status) booked {
	b := booked{nets: map[string]decimal.Decimal{}, accounts: map[string]decimal.Decimal{}}
	made := map[string]bool{}
	for _, m := range s.Receipt.Made {
		made[m.Number] = true
	}
	for _, inv := range w.epicor.Invoices(sample.EpicorCompany) {
		if !made[inv.Number] {
			continue
		}
		code := inv.VendorID
		if strings.HasPrefix(code, "EMP") {
			code = "EMPL"
		}
		b.nets[code] = b.nets[code].Add(inv.Amount)
		b.owed = b.owed.Add(inv.Amount)
		for _, l := range inv.Lines {
			for _, sp := range l.Splits {
				b.accounts[sp.Account] = b.accounts[sp.Account].Add(sp.Amount)
				b.changed = b.changed.Add(sp.Amount)
			}
		}
	}
	return b
}

// differs says in what the books are not what they have to be, to the cent.
func (b booked) differs(want *settled) []string {
	var out []string
	note := func(what string, got, want decimal.Decimal) {
		if !got.Equal(want) {
			out = append(out, fmt.Sprintf("%s is %s, not %s", what, got, want))
		}
	}
	note("what accounts change by (R03)", b.changed, b.owed)
	if want == nil {
		return out
	}
	total := decimal.Zero
	for code, net := range want.Nets {
		if code == "EMPL" {
			net = net.Add(want.Advance)
		}
		total = total.Add(net)
		note("the net of "+code, b.nets[code], net)
	}
	for code, got := range b.nets {
		if _, there := want.Nets[code]; !there {
			note("the net of "+code, got, decimal.Zero)
		}
	}
	note("what is owed in all", b.owed, total)
	if want.Total != nil {
		note("what is owed in all (R04)", b.owed, want.Total.Add(want.Advance))
	}
	gross, costs, reclaimed := decimal.Zero, decimal.Zero, decimal.Zero
	for code, amount := range want.Reclaim {
		note("the reclaimed tax "+code, b.accounts[code], amount)
		reclaimed = reclaimed.Add(amount)
	}
	for account, amount := range want.Accounts {
		gross, costs = gross.Add(amount), costs.Add(b.accounts[account])
		if len(want.Accounts) == 1 {
			amount = amount.Sub(reclaimed) // the cost is net of what is reclaimed (R24, R25)
		}
		note("account "+account, b.accounts[account], amount)
	}
	note("the costs with what is reclaimed", costs.Add(reclaimed), gross)
	if !want.Advance.IsZero() {
		note("the clearing account of advances", b.accounts["CADV"], want.Advance)
	}
	for account := range b.accounts {
		_, cost := want.Accounts[account]
		_, tax := want.Reclaim[account]
		if !cost && !tax && account != "CADV" {
			out = append(out, "account "+account+" changed and should not")
		}
	}
	return out
}

func amountsOf(pairs ...string) map[string]decimal.Decimal {
	out := map[string]decimal.Decimal{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = decimal.RequireFromString(pairs[i+1])
	}
	return out
}

// hotelBill is a stay on a company card with something private on it, a taxi
// paid in cash, a reclaimed tax and an advance.
const hotelBill = `{"employee": {"employeeId": "1042"},
	"report": {"reportId": "4D1E5C0F1A2B3C4D5E6F", "reportNumber": "HOTEL1", "ledgerCode": "DEFAULT", "employeeCurrencyAlphaCode": "USD",
		"reportUserDefinedDate": "2000-01-01T00:00:00.000Z", "totalApprovedAmount": 155.00, "cashAdvanceReturnsAmount": 0E-8, "revisionNumber": "1"},
	"expenseEntry": [
		{"entryId": "E1", "expenseTypeCode": "LODNG", "reportEntryPatKey": "1000", "entryApprovedAmount": 120, "allocation": [{"journal": [
			{"journalAccountCode": "474230", "journalPayer": "COMP", "journalPayee": "CBCP", "amountGross": 120, "amountNetOfTax": 100.84, "amountNetOfReclaim": 110.00, "taxGuid": ["G1"]}],
			"tax": [{"taxGuid": "G1", "taxAuthorityLabel": "DEVAT", "taxReclaimCode": "VA", "amountTax": 19.16, "amountReclaim": 10.00}]}]},
		{"entryId": "E2", "expenseTypeCode": "ENTOT", "reportEntryPatKey": "1000", "entryIsPersonal": "Y", "entryApprovedAmount": 0E-8, "allocation": [{"journal": [
			{"journalAccountCode": "199999", "journalPayer": "COMP", "journalPayee": "CBCP", "amountGross": 14},
			{"journalAccountCode": "199999", "journalPayer": "EMPL", "journalPayee": "COMP", "amountGross": -14}]}]},
		{"entryId": "E3", "expenseTypeCode": "TAXI", "reportEntryPatKey": "CASH", "entryApprovedAmount": 35, "allocation": [{"journal": [
			{"journalAccountCode": "474230", "journalPayer": "COMP", "journalPayee": "EMPL", "amountGross": 35.00000000}]}]}],
	"cashAdvanceApplication": [{"cashAdvanceId": "C1", "cashAdvanceApplicationAmount": -5, "cashAdvanceClearingAccountCode": "CADV", "cashAdvanceTransactionType": 2}]}`

func TestFinancialDocumentsRunFromTheQueueToInvoices(t *testing.T) {
	total := decimal.RequireFromString("155.00")
	docs := []published{
		{"hotel", concurtest.FinancialExpense, "4D1E5C0F1A2B3C4D5E6F", json.RawMessage(hotelBill), &settled{
			Total: &total, Nets: amountsOf("CBCP", "134.00", "EMPL", "21.00"), Advance: decimal.RequireFromString("-5.00"),
			Accounts: amountsOf("474230", "145.00", "199999", "0.00", "VA", "10.00"),
		}},
		{
			"advance", concurtest.FinancialCashAdvance, "E2A086D30B88AE4683BC48ADE47B8116", json.RawMessage(
				`{"employeeData": {"employeeId": "1042"}, "cashAdvanceData": {"cashAdvanceId": "E2A086D30B88AE4683BC48ADE47B8116", "requestAmount": 7000, "currencyAlphaCode": "USD",
			"employeeCurrencyAlphaCode": "USD", "exchangeRate": 1, "issuedDate": "2000-01-01T13:15:57.790Z"},
			"journalData": [{"amount": 7000, "accountCode": "CASH", "debitOrCredit": "DR", "payer": "COMP", "payee": "EMPL", "paymentCode": "Cash"}]}`),
			&settled{Nets: amountsOf("EMPL", "7000"), Accounts: amountsOf("CASH", "7000")},
		},
	}
	counterparties, differences := financialRun(t, docs, json.RawMessage(`{"report": {"reportId": "X" "isTest": "N"}}`))
	require.Equal(t, 3, counterparties)
	require.Zero(t, differences)
}

// TestPublishedFinancialDocuments runs the documents that SAP publishes, where
// CONCUR_PAYLOADS names the folder with them: each of fis/ from the queue to AP
// invoices, against what fis/expected.json says they come to.
func TestPublishedFinancialDocuments(t *testing.T) {
	root := os.Getenv("CONCUR_PAYLOADS")
	if root == "" {
		t.Skip("CONCUR_PAYLOADS does not name a folder of published documents")
	}
	var expected map[string][]settled
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(root, "fis", name))
		require.NoError(t, err)
		return b
	}
	require.NoError(t, json.Unmarshal(read("expected.json"), &expected))
	files, err := filepath.Glob(filepath.Join(root, "fis", "*.json"))
	require.NoError(t, err)
	var docs []published
	var broken json.RawMessage
	compared := 0
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		b := read(filepath.Base(f))
		switch {
		case name == "expected":
			continue
		case !json.Valid(b):
			broken = b
			continue
		}
		var envelope struct {
			Old     []concur.FinancialDocument `json:"fIDocuments"`
			Content []concur.FinancialDocument `json:"content"`
		}
		require.NoError(t, json.Unmarshal(b, &envelope), name)
		all := slices.Concat(envelope.Old, envelope.Content)
		require.NotEmpty(t, all, name)
		for i, d := range all {
			content, err := d.Content()
			require.NoError(t, err, name)
			var c financialContent
			require.NoError(t, json.Unmarshal(content, &c), name)
			p := published{name: name, kind: string(d.DocType), id: cmp.Or(c.Report.ID, c.Header.ID, c.Advance.ID), content: content}
			require.NotEmpty(t, p.id, name)
			if want, there := expected[name]; there {
				require.Equal(t, want[i].ReportID, p.id, name)
				p.want = &want[i]
				compared++
			}
			docs = append(docs, p)
		}
	}
	invoice, err := os.ReadFile(filepath.Join(root, "fis-document-invoice.json"))
	if err == nil {
		var c financialContent
		require.NoError(t, json.NewDecoder(bytes.NewReader(invoice)).Decode(&c))
		docs = append(docs, published{name: "invoice", kind: concurtest.FinancialInvoice, id: c.Header.ID, content: invoice, want: &settled{
			Nets: amountsOf("SUP1", "50.00"), Accounts: amountsOf("MATER", "50.00"),
		}})
	}
	require.Equal(t, len(expected), compared, "every document that something is expected of")
	require.NotEmpty(t, broken)
	counterparties, differences := financialRun(t, docs, broken)
	t.Logf("%d documents, %d of them compared with what is published, %d counterparties, %d differences; 1 document that is broken parked",
		len(docs), compared, counterparties, differences)
	require.Zero(t, differences)
}

// One report, and two flows that could post it: it has one owner from the
// beginning, whichever looks first.
func TestAReportThatTwoFlowsSeeHasOneOwner(t *testing.T) {
	for name, leave := range map[string]bool{"by what Concur says of the report": true, "by who was first": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.t = t
				b := &workbench{world: w}
				w.policy = engine.Policy{Sweep: time.Minute}
				co := w.concur.AddCompany("Integrated", &concurtest.CompanyOptions{FinancialIntegration: true})
				co.AddUser(concurtest.User{Login: traveller, FirstName: "A", LastName: "Ruiz", EmployeeNumber: "1042"})
				list := co.AddList("Cost centres", concurtest.Item{Code: "200", Name: "Sales"})
				cfg := w.config()
				tenant := &cfg.Tenants[0]
				tenant.Concur.Company, tenant.Concur.Invoices = co.ID, nil
				tenant.Concur.Financial = &concursync.FinancialOptions{}
				a := w.start(cfg, w.store, w.log)
				require.NoError(t, a.Connect(t.Context(), tenantName, concur.Secret(co.RequestToken())))
				require.Equal(t, []string{ReportFlow, FinancialFlow}, a.Flows(tenantName))
				taxi := b.taxi()
				taxi.Custom = concurtest.Custom{"custom5": list.Value("200")}
				r := co.AddApprovedReport(concurtest.Report{Owner: traveller, Name: "Once", Expenses: []concurtest.Expense{taxi}})
				if !leave {
					// The flow of reports took it before the service was looked at.
					plain := cfg
					plain.Tenants = slices.Clone(cfg.Tenants)
					plain.Tenants[0].Concur.Financial = nil
					before := w.start(plain, w.store, w.log)
					stop := w.running(before)
					pass(5 * time.Minute)
					stop()
				}
				stop := w.running(a)
				pass(10 * time.Minute)
				stop()

				s, err := a.Engine.Get(t.Context(), storage.ID{Tenant: tenantName, Target: DefaultTarget, Document: "report/" + r.ID})
				require.NoError(t, err)
				require.Equal(t, engine.Confirmed, s.State, "%s %+v", s.Why, s.Issues)
				require.Len(t, w.ours(r.Number), 1, "posted once")
				want, status := FinancialFlow, concurtest.FinancialPosted
				if !leave {
					want, status = ReportFlow, concurtest.FinancialReady
				}
				require.Equal(t, want, s.Flow)
				require.Equal(t, status, co.FinancialDocuments()[0].Status)
			})
		})
	}
}

func TestR45WhatIsRecalledBeforeItWasAcknowledgedIsNeverPosted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.t = t
		docs := []published{{"hotel", concurtest.FinancialExpense, "4D1E5C0F1A2B3C4D5E6F", json.RawMessage(hotelBill), nil}}
		financialWorld(t, w, docs)
		w.company.AddFinancialDocument(concurtest.FinancialDocument{Kind: docs[0].kind, BusinessID: docs[0].id, Document: docs[0].content})
		w.concur.RefuseFinancial(1, int(concur.FinancialAckRecalled))
		cfg := w.config()
		cfg.Tenants[0].Concur.Financial = &concursync.FinancialOptions{}
		w.connector()
		a := w.start(cfg, w.store, w.log)
		stop := w.running(a)
		pass(10 * time.Minute)
		stop()
		s, err := a.Engine.Get(t.Context(), storage.ID{Tenant: tenantName, Target: DefaultTarget, Document: "report/" + docs[0].id})
		require.NoError(t, err)
		require.Equal(t, engine.Void, s.State, "%s %+v", s.Why, s.Issues)
		require.Empty(t, w.ours("HOTEL1"))
	})
}

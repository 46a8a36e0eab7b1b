package concursync_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// integrated is an office whose documents are under the Financial Integration
// Service.
func integrated(t *testing.T) *office {
	t.Helper()
	s := concurtest.New(nil)
	t.Cleanup(s.Close)
	o := &office{Server: s}
	return o.in(t, s.AddCompany("Acme", &concurtest.CompanyOptions{FinancialIntegration: true}))
}

func (o *office) state(t *testing.T, businessID string) concurtest.FinancialDocument {
	t.Helper()
	var found *concurtest.FinancialDocument
	for _, d := range o.company.FinancialDocuments() {
		if d.BusinessID == businessID {
			found = &d
		}
	}
	require.NotNil(t, found, businessID)
	return *found
}

func reportRef(r concurtest.Report) connector.Ref { return connector.Ref{Kind: "report", ID: r.ID} }

// signal is one about the newest financial document of a report.
func (o *office) signal(t *testing.T, kind connector.SignalKind, r concurtest.Report) connector.Signal {
	t.Helper()
	d := o.state(t, r.ID)
	return connector.Signal{ID: string(kind) + d.ID, Kind: kind, Ref: reportRef(r), Revision: int64(d.Revision), Handle: d.ID}
}

func made(numbers ...string) *connector.Receipt {
	r := &connector.Receipt{Final: true}
	for _, n := range numbers {
		r.Made = append(r.Made, connector.Made{ID: "1/" + n, Number: n, Company: "EPIC06", Party: "E100", Date: "2026-10-30"})
	}
	return r
}

func TestFinancialReportBringsItsJournal(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	r := o.approved(
		concurtest.Expense{Type: "LUNCH", Amount: concurtest.Amount("55.00"), Tax: concurtest.Amount("6.32"), TaxReclaim: concurtest.Amount("3.17"), Vendor: "Bistro"},
		concurtest.Expense{Type: "AIRFR", Amount: concurtest.Amount("24.00"), Currency: "EUR", Rate: concurtest.Amount("0.89294902"), Divide: true, PaymentType: "CBCP"},
	)
	snap, err := concursync.Financial(o.client, nil).Fetch(t.Context(), reportRef(r))
	require.NoError(t, err)
	require.Equal(t, connector.Ready, snap.Phase)
	require.Equal(t, o.state(t, r.ID).ID, snap.Handle, "R37: the service's id stands beside the business id")
	require.Equal(t, r.ID, snap.Ref.ID)
	require.Equal(t, int64(1), snap.Revision)
	require.Equal(t, "E100", snap.Person)
	require.Equal(t, "81.88", snap.Totals[0].Amount.String())

	doc := snap.Content
	require.NoError(t, doc.Check())
	require.True(t, doc.Journaled)
	require.Equal(t, document.Report, doc.Kind)
	require.Equal(t, r.Number, doc.Number)
	require.Equal(t, "E100", doc.Owner.EmployeeID)
	lunch, flight := doc.Entries[0], doc.Entries[1]
	j := lunch.Allocations[0].Journal[0]
	require.Equal(t, "COMP EMPL 55 48.68 51.83", strings.Join([]string{j.Payer, j.Payee, j.Gross.String(), j.NetOfTax.String(), j.NetOfReclaim.String()}, " "))
	require.Equal(t, "3.17", j.Taxes[0].Reclaim.String())
	require.Equal(t, "CBCP", flight.Allocations[0].Journal[0].Payee)
	require.Equal(t, "26.88", flight.Amount.String(), "R28: the amount in the report's currency")
	require.True(t, flight.Rate.Divide)
	require.Equal(t, "EUR", flight.Spent.Currency)
}

func TestR25ATaxOfTwoJournalLinesWithoutNetAmountsIsNotReclaimedTwice(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	r := o.approved(concurtest.Expense{Type: "LUNCH", Amount: concurtest.Amount("100.00"), Tax: concurtest.Amount("16.00"), TaxReclaim: concurtest.Amount("16.00"), Vendor: "Bistro"})
	var compact bytes.Buffer
	require.NoError(t, json.Compact(&compact, o.state(t, r.ID).Document))
	whole := compact.String()
	line := regexp.MustCompile(`"journal":\[(\{[^{}]*\})\]`).FindStringSubmatch(whole)
	require.Len(t, line, 2, "the document has one line in its journal")
	part := func(gross, nets string) string {
		l := regexp.MustCompile(`"amountGross":[^,}]+`).ReplaceAllString(line[1], `"amountGross":`+gross)
		return regexp.MustCompile(`"(amountNetOf\w+)":[^,}]+`).ReplaceAllString(l, `"$1":`+nets)
	}
	fetch := func(lines ...string) error {
		o.company.AddFinancialDocument(concurtest.FinancialDocument{
			Kind: concurtest.FinancialExpense, BusinessID: r.ID, Document: json.RawMessage(strings.Replace(whole, line[1], strings.Join(lines, ","), 1)),
		})
		_, err := concursync.Financial(o.client, nil).Fetch(t.Context(), reportRef(r))
		return err
	}
	require.NoError(t, fetch(part("100.00", "84.00")))
	err := fetch(part("60.00", "null"), part("40.00", "null"))
	require.Equal(t, concursync.FinancialUnreadable, rejectedWith(t, err).Code)
	require.ErrorContains(t, err, "journal lines 1 and 2")
}

func TestFinancialQueueIsReadFromItsHeadUntilItIsEmpty(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	for i := range 5 {
		o.approved(lunch(fmt.Sprintf("%d.00", i+1)))
	}
	s := concursync.Financial(o.client, &concursync.FinancialOptions{PageSize: 2})
	seen, cursor, pages := map[string]bool{}, connector.Cursor(""), 0
	for {
		p, err := s.Changes(t.Context(), cursor)
		require.NoError(t, err)
		if !p.More {
			require.Empty(t, p.Changes)
			require.Empty(t, p.Next, "the next sweep begins at the head")
			break
		}
		pages++
		require.True(t, p.Hold, "what was taken leaves the queue, so the page is acknowledged first")
		for _, c := range p.Changes {
			require.False(t, seen[c.Ref.ID])
			seen[c.Ref.ID] = true
			require.NotNil(t, c.Snapshot)
			require.NoError(t, s.Acknowledge(t.Context(), connector.Signal{Kind: connector.Taken, Ref: c.Ref, Revision: c.Snapshot.Revision, Handle: c.Snapshot.Handle}))
		}
		cursor = p.Next
	}
	require.Len(t, seen, 5)
	require.Equal(t, 3, pages)
}

func TestWhatStaysInTheFinancialQueueIsPassedOver(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	for i := range 5 {
		o.approved(lunch(fmt.Sprintf("%d.00", i+1)))
	}
	s := concursync.Financial(o.client, &concursync.FinancialOptions{PageSize: 2})
	seen, cursor := map[string]int{}, connector.Cursor("")
	for range 4 {
		p, err := s.Changes(t.Context(), cursor)
		require.NoError(t, err)
		for _, c := range p.Changes {
			seen[c.Ref.ID]++
		}
		cursor = p.Next
	}
	require.Len(t, seen, 5, "nobody acknowledged the first ones, and the last ones are seen all the same")
	for id, n := range seen {
		require.Equal(t, 1, n, id)
	}
	require.Empty(t, cursor)
}

func TestAFinancialDocumentThatCannotBeReadParksAlone(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	broken, err := json.Marshal(`{"report":{"reportId":"R1" "reportName":"no comma"}}`)
	require.NoError(t, err)
	bad := o.company.AddFinancialDocument(concurtest.FinancialDocument{Kind: concurtest.FinancialExpense, BusinessID: "R1", Document: broken})
	good := o.approved(lunch("10.00"))

	s := concursync.Financial(o.client, nil)
	p, err := s.Changes(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, p.Changes, 2)
	require.Nil(t, p.Changes[0].Snapshot)
	require.Equal(t, bad.ID, p.Changes[0].Ref.ID)
	require.Equal(t, good.ID, p.Changes[1].Ref.ID)
	require.NotNil(t, p.Changes[1].Snapshot)

	_, err = s.Fetch(t.Context(), p.Changes[0].Ref)
	issue := rejectedWith(t, err)
	require.Equal(t, concursync.FinancialUnreadable, issue.Code)
	require.Equal(t, bad.ID, issue.Value)
	require.NotContains(t, err.Error(), "no comma", "no content in an error")

	o.company.SetDocument("R1", concurtest.FinancialRecalled)
	_, err = s.Fetch(t.Context(), p.Changes[0].Ref)
	require.ErrorIs(t, err, connector.ErrNotFound)
}

func TestEveryStateOfAFinancialDocument(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	r := o.approved(lunch("10.00"))
	s := concursync.Financial(o.client, nil)
	for status, want := range map[concur.FinancialStatus]connector.Phase{
		concur.FinancialReady: connector.Ready, concur.FinancialAcknowledged: connector.Ready,
		concur.FinancialRecalled: connector.Withdrawn, concur.FinancialVoid: connector.Withdrawn, concur.FinancialCancelled: connector.Withdrawn,
		concur.FinancialDelayed: connector.NotYet, concur.FinancialPendingRefresh: connector.NotYet,
		concur.FinancialPosted: connector.NotYet, concur.FinancialFailed: connector.NotYet, concur.FinancialPaid: connector.NotYet,
		concur.FinancialPaymentDone: connector.NotYet, concur.FinancialReversed: connector.NotYet, concur.FinancialObsolete: connector.NotYet,
		concur.FinancialDuplicate: "", "HALF_BAKED": "",
	} {
		o.company.SetDocument(r.ID, string(status))
		snap, err := s.Fetch(t.Context(), reportRef(r))
		if want == "" {
			issue := rejectedWith(t, err)
			require.Equal(t, concursync.FinancialStateUnknown, issue.Code, status)
			require.Equal(t, string(status), issue.Value)
			continue
		}
		require.NoError(t, err, status)
		require.Equal(t, want, snap.Phase, status)
		require.Contains(t, snap.Why, string(status))
	}
}

func TestFinancialPhasesBeforeGoingLive(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	r := o.approved(lunch("10.00"))
	s := concursync.Financial(o.client, &concursync.FinancialOptions{From: time.Now().Add(48 * time.Hour)})
	snap, err := s.Fetch(t.Context(), reportRef(r))
	require.NoError(t, err)
	require.Equal(t, connector.NotYet, snap.Phase)
	require.Contains(t, snap.Why, "before this flow went live")
}

func TestFinancialDocumentThatIsNotThere(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	s := concursync.Financial(o.client, nil)
	for _, ref := range []connector.Ref{{Kind: "report", ID: "NOBODY"}, {Kind: "memo", ID: "X"}, {Kind: "report", ID: "0000", Hint: "queue"}} {
		_, err := s.Fetch(t.Context(), ref)
		require.ErrorIs(t, err, connector.ErrNotFound, ref)
	}
	require.Equal(t, []string{"report", "invoice", "cashadvance"}, s.Kinds())
	only := concursync.Financial(o.client, &concursync.FinancialOptions{Types: []concur.FinancialType{concur.FinancialInvoice, concur.FinancialPayroll}})
	require.Equal(t, []string{"invoice"}, only.Kinds())
}

func TestFinancialInvoiceBringsOrdersTaxesAndTerms(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	p := o.company.AddApprovedPaymentRequest(concurtest.PaymentRequest{
		InvoiceNumber: "INV-20417", Vendor: concurtest.Vendor{Code: "V0211", Name: "Delta Tooling"}, InvoiceDate: "2026-08-08", DueDate: "2026-09-07",
		Shipping: concurtest.Amount("7.50"), Tax: concurtest.Amount("8.25"),
		Lines: []concurtest.Line{
			{Description: "Drill", ExpenseType: "2000", Quantity: concurtest.Amount("10"), Amount: concurtest.Amount("60.00"), PONumber: "4500017"},
			{Description: "Bits", ExpenseType: "2000", Amount: concurtest.Amount("40.00")},
		},
	})
	s := concursync.Financial(o.client, nil)
	snap, err := s.Fetch(t.Context(), connector.Ref{Kind: "invoice", ID: p.ID})
	require.NoError(t, err)
	doc := snap.Content
	require.NoError(t, doc.Check())
	require.Equal(t, "115.75", doc.Total.String(), "R35: 100.00 + 7.50 + 8.25")
	require.Equal(t, document.Date("2026-08-08"), doc.Date)
	require.Equal(t, document.Date("2026-09-07"), doc.Due, "R55: MM/DD/YYYY")
	require.Equal(t, 30, doc.Terms.Days)
	require.Equal(t, "2000", doc.Entries[0].Type.Code, "R56: the padding is no part of a code")
	require.Equal(t, "4500017", doc.Entries[0].PO)
	require.Equal(t, "6", doc.Entries[0].UnitPrice.String())
	require.Len(t, doc.Charges, 2)
	require.Equal(t, "shipping 7.50", string(doc.Charges[0].Kind)+" "+doc.Charges[0].Amount.StringFixed(2))
	require.Equal(t, "tax 8.25", string(doc.Charges[1].Kind)+" "+doc.Charges[1].Amount.StringFixed(2))
	require.Equal(t, []document.Attachment{{ID: p.ID, Kind: "invoice"}}, doc.Attachments)
}

// advanceDocument is an issued cash advance as the service has it.
func advanceDocument(amount, currency, employeeCurrency, rate, journal, side string) string {
	return fmt.Sprintf(`{"employeeData":{"employeeId":"E100"},"cashAdvanceData":{"cashAdvanceId":"E2A086D30B88AE4683BC48ADE47B8116","requestAmount":%s,`+
		`"currencyAlphaCode":%q,"employeeCurrencyAlphaCode":%q,"exchangeRate":%s,"issuedDate":"2026-03-07T13:15:57.790Z","paymentMethod":0,"isTest":"N","name":"TechEd"},`+
		`"journalData":[{"amount":%s,"payee":"EMPL","accountCode":"CADV","debitOrCredit":%q,"paymentCode":"Cash","payer":"COMP"}]}`,
		amount, currency, employeeCurrency, rate, journal, side)
}

func TestR12AFinancialCashAdvanceIsADocumentOfItsOwn(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	add := func(document string) connector.Ref {
		o.company.AddFinancialDocument(concurtest.FinancialDocument{
			Kind: concurtest.FinancialCashAdvance, BusinessID: "E2A086D30B88AE4683BC48ADE47B8116", Document: json.RawMessage(document),
		})
		return connector.Ref{Kind: "cashadvance", ID: "E2A086D30B88AE4683BC48ADE47B8116"}
	}
	s := concursync.Financial(o.client, nil)
	snap, err := s.Fetch(t.Context(), add(advanceDocument("7000", "USD", "USD", "1", "7000", "DR")))
	require.NoError(t, err)
	require.NoError(t, snap.Content.Check())
	require.Equal(t, document.CashAdvance, snap.Content.Kind)
	require.Equal(t, "7000", snap.Content.Total.String())
	require.Equal(t, "2026-03", snap.Period)
	j := snap.Content.Entries[0].Allocations[0].Journal[0]
	require.Equal(t, "CADV EMPL 7000", strings.Join([]string{j.Account, j.Payee, j.Gross.String()}, " "))

	// R02: the sign is that of debit and credit, whatever is printed.
	snap, err = s.Fetch(t.Context(), add(advanceDocument("-7000", "USD", "USD", "1", "7000", "CR")))
	require.NoError(t, err)
	require.Equal(t, "-7000", snap.Content.Total.String())

	snap, err = s.Fetch(t.Context(), add(advanceDocument("300", "USD", "GBP", "0.8", "240", "DR")))
	require.NoError(t, err)
	require.Equal(t, "GBP", snap.Content.Currency)
	require.NoError(t, snap.Content.Check(), "300 × 0.8 = 240")

	_, err = s.Fetch(t.Context(), add(advanceDocument("7000", "USD", "USD", "1", "700", "DR")))
	require.Equal(t, concursync.FinancialUnreadable, rejectedWith(t, err).Code)
	require.ErrorContains(t, err, "7000 was asked for, and the journal adds up to 700")
	_, err = s.Fetch(t.Context(), add(advanceDocument("7000", "USD", "USD", "1", "7000", "XX")))
	require.ErrorContains(t, err, "neither DR nor CR")
}

func TestFinancialEventsKnockOnTheNamedFlow(t *testing.T) {
	t.Parallel()
	heard := &notices{}
	take := concursync.NotifyFinancial(heard, "acme", "financial-to-ap")
	for _, e := range []struct{ kind, id, topic string }{
		{"expense", "R1", concur.TopicFinancialIntegration},
		{"invoice", "P1", concur.TopicFinancialIntegration},
		{"cashadvance", "C1", concur.TopicFinancialIntegration},
		{"payroll", "X1", concur.TopicFinancialIntegration},
		{"expense", "", concur.TopicFinancialIntegration},
		{"expense", "R2", concur.TopicExpenseReport},
	} {
		facts, err := json.Marshal(map[string]string{"documentId": e.id, "companyId": "c"})
		require.NoError(t, err)
		require.NoError(t, take(t.Context(), concur.Event{Topic: e.topic, EventType: concur.EventType(e.kind + ".readyForIntegration"), Facts: facts, CorrelationID: "corr"}))
	}
	require.Equal(t, []connector.Notice{
		{Tenant: "acme", Flow: "financial-to-ap", Ref: connector.Ref{Kind: "report", ID: "R1"}, Correlation: "corr"},
		{Tenant: "acme", Flow: "financial-to-ap", Ref: connector.Ref{Kind: "invoice", ID: "P1"}, Correlation: "corr"},
		{Tenant: "acme", Flow: "financial-to-ap", Ref: connector.Ref{Kind: "cashadvance", ID: "C1"}, Correlation: "corr"},
	}, heard.got)
}

func TestReportsUnderTheServiceMayBeLeftToItsFlow(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	r := o.approved(lunch("10.00"))
	snap := o.fetch(t, r, &concursync.ReportsOptions{LeaveFinancial: true})
	require.Equal(t, connector.NotYet, snap.Phase)
	require.Contains(t, snap.Why, "Financial Integration Service")
	require.Equal(t, connector.Ready, o.fetch(t, r, nil).Phase)

	without := open(t, nil)
	require.Equal(t, connector.Ready, without.fetch(t, without.approved(lunch("10.00")), &concursync.ReportsOptions{LeaveFinancial: true}).Phase)
}

func TestADocumentIsNotFoundUnderItsIdInOtherLetters(t *testing.T) {
	t.Parallel()
	o := integrated(t)
	r := o.approved(concurtest.Expense{Type: "LUNCH", Amount: concurtest.Amount("55.00")})
	lower := connector.Ref{Kind: "report", ID: strings.ToLower(r.ID)}
	require.NotEqual(t, r.ID, lower.ID)
	_, err := concursync.Financial(o.client, nil).Fetch(t.Context(), lower)
	require.ErrorIs(t, err, connector.ErrNotFound, "under a second id it would be a second document")
	require.NotErrorIs(t, err, connector.ErrWithdrawn)
}

package concur_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// finance is an office whose company has the Financial Integration Service.
func finance(t *testing.T) *office {
	t.Helper()
	o := open(t, concurtest.New(nil))
	t.Cleanup(o.Close)
	o.company = o.AddCompany("Fis", &concurtest.CompanyOptions{FinancialIntegration: true})
	o.owner = o.company.AddUser(concurtest.User{Login: "bea@fis.example", EmployeeNumber: "E200"})
	o.tokens = o.source(t, concur.NewMemoryTokenStore())
	o.client = concur.NewClient(o.tokens, nil)
	_, err := o.tokens.Connect(t.Context(), o.company.ID, concur.Secret(o.company.RequestToken()))
	require.NoError(t, err)
	return o
}

func (o *office) meal(amount string) concurtest.Report {
	return o.company.AddApprovedReport(concurtest.Report{Owner: o.owner.Login, Expenses: []concurtest.Expense{
		{Type: "LUNCH", Amount: concurtest.Amount(amount), Tax: concurtest.Amount("1.00"), TaxReclaim: concurtest.Amount("0.40")},
	}})
}

func TestEachServiceCodeHasAMeaningAndAClass(t *testing.T) {
	t.Parallel()
	for code, class := range map[concur.FinancialCode]concur.FinancialClass{
		0: concur.FinancialDone, 99: concur.FinancialRefused, 101: concur.FinancialAlready, 102: concur.FinancialWithdrawn, 103: concur.FinancialLater,
		104: concur.FinancialRefused, 105: concur.FinancialRefused, 111: concur.FinancialAckFirst, 112: concur.FinancialWithdrawn,
		113: concur.FinancialAlready, 114: concur.FinancialRefused, 115: concur.FinancialRefused, 116: concur.FinancialRefused,
		198: concur.FinancialRefused, 199: concur.FinancialLater, 213: concur.FinancialAlready, 298: concur.FinancialRefused,
	} {
		require.Equal(t, class, code.Class(), "code %d", code)
		require.NotEmpty(t, code.Meaning(), "code %d", code)
	}
	require.Equal(t, concur.FinancialUnclear, concur.FinancialCode(777).Class())
	require.Empty(t, concur.FinancialCode(777).Meaning())
}

func TestEachServiceCodeUnderAnAnswerOf200IsATypedError(t *testing.T) {
	t.Parallel()
	o := finance(t)
	o.meal("12.50")
	id := o.company.FinancialDocuments()[0].ID
	for _, code := range []int{99, 101, 102, 103, 104, 105, 199, 777} {
		o.RefuseFinancial(1, code)
		rows, err := o.client.Financial.Acknowledge(t.Context(), concur.FinancialExpense, []string{id}, "")
		require.NoError(t, err)
		var e *concur.FinancialError
		require.ErrorAs(t, rows[0].Err(), &e, "code %d", code)
		require.Equal(t, concur.FinancialCode(code), e.Code)
		require.Contains(t, e.Error(), fmt.Sprint(code))
		require.Equal(t, code == 103 || code == 199, e.Retryable(), "code %d", code)
	}
	for _, code := range []int{99, 111, 112, 113, 114, 115, 116, 198, 199} {
		o.RefuseFinancial(1, code)
		rows, err := o.client.Financial.ConfirmPostings(t.Context(), concur.FinancialExpense, []concur.PostingConfirmation{{DocID: id, Status: concur.PostingError}}, "")
		require.NoError(t, err)
		require.Equal(t, concur.FinancialCode(code), rows[0].Code)
		require.Error(t, rows[0].Err())
	}
	for _, code := range []int{99, 116, 199, 213, 298} {
		o.RefuseFinancial(1, code)
		rows, err := o.client.Financial.ConfirmPayments(t.Context(), concur.FinancialExpense, []concur.PaymentConfirmation{{DocID: id, Clearing: []concur.Clearing{paid(t, "x")}}}, "")
		require.NoError(t, err)
		require.Equal(t, concur.FinancialCode(code), rows[0].Code)
		require.Error(t, rows[0].Err())
	}
}

func posted(id string) concur.PostingConfirmation {
	return concur.PostingConfirmation{DocID: id, Status: concur.PostingSuccess, Documents: []concur.PostedDocument{
		{CompanyID: "0100", Number: "123", FiscalYear: "2026", PostingDate: concur.Date{Year: 2026, Month: time.November, Day: 2}},
	}}
}

func TestStatesOfAFinancialDocumentAnswerTheirCodes(t *testing.T) {
	t.Parallel()
	o := finance(t)
	r := o.meal("12.50")
	f, ctx, id := o.client.Financial, t.Context(), o.company.FinancialDocuments()[0].ID
	ack := func(kind concur.FinancialType, id string) concur.FinancialCode {
		rows, err := f.Acknowledge(ctx, kind, []string{id}, "ERP1")
		require.NoError(t, err)
		return rows[0].Code
	}
	post := func(system string) concur.FinancialCode {
		rows, err := f.ConfirmPostings(ctx, concur.FinancialExpense, []concur.PostingConfirmation{posted(id)}, system)
		require.NoError(t, err)
		return rows[0].Code
	}
	require.Equal(t, concur.FinancialNotAcknowledged, post("ERP1"))
	require.Equal(t, concur.FinancialAckUnknown, ack(concur.FinancialExpense, "none"))
	require.Equal(t, concur.FinancialAckWrongType, ack(concur.FinancialInvoice, id))
	o.company.SetDocument(r.ID, concurtest.FinancialDelayed)
	require.Equal(t, concur.FinancialNotReady, ack(concur.FinancialExpense, id))
	o.company.SetDocument(r.ID, concurtest.FinancialReady)
	require.Equal(t, concur.FinancialOK, ack(concur.FinancialExpense, id))
	require.Equal(t, concur.FinancialAcknowledgedBefore, ack(concur.FinancialExpense, id))
	require.Equal(t, concur.FinancialSystemMismatch, post("ERP2"))
	require.Equal(t, concur.FinancialOK, post("ERP1"))
	require.Equal(t, concur.FinancialPostedBefore, post("ERP1"))
	after, _ := o.company.Report(r.ID)
	require.Equal(t, concurtest.Paid, after.PaymentStatus)
	require.Equal(t, []concurtest.PostedDocument{{Company: "0100", Number: "123", FiscalYear: "2026", Date: "2026-11-02"}}, o.company.FinancialDocuments()[0].Posted)
}

func TestADocumentThatWasRecalledIsWithdrawn(t *testing.T) {
	t.Parallel()
	o := finance(t)
	r := o.meal("12.50")
	id := o.company.FinancialDocuments()[0].ID
	_, err := o.client.Financial.Acknowledge(t.Context(), concur.FinancialExpense, []string{id}, "")
	require.NoError(t, err)
	o.company.RecallDocument(r.ID)
	rows, err := o.client.Financial.ConfirmPostings(t.Context(), concur.FinancialExpense, []concur.PostingConfirmation{posted(id)}, "")
	require.NoError(t, err)
	var e *concur.FinancialError
	require.ErrorAs(t, rows[0].Err(), &e)
	require.Equal(t, concur.FinancialWithdrawn, e.Class())
	require.ErrorIs(t, e, concur.ErrConflict)
}

func TestAReportThatIsApprovedAgainIsANewDocumentOfAHigherRevision(t *testing.T) {
	t.Parallel()
	o := finance(t)
	r := o.meal("12.50")
	o.company.SendBack(r.ID, "why")
	o.company.Submit(r.ID)
	o.company.Approve(r.ID)
	ds := o.company.FinancialDocuments()
	require.Len(t, ds, 2)
	require.Equal(t, []string{concurtest.FinancialRecalled, concurtest.FinancialReady}, []string{ds[0].Status, ds[1].Status})
	d, err := o.client.Financial.Get(t.Context(), concur.FinancialExpense, r.ID, true)
	require.NoError(t, err)
	require.Equal(t, ds[1].ID, d.ID, "the business id finds the newest document, whose own id is another one")
	v, err := d.Expense()
	require.NoError(t, err)
	require.Equal(t, concur.Text("2"), v.Report.RevisionNumber)
}

func TestTheQueueIsEmptiedFromItsHead(t *testing.T) {
	t.Parallel()
	o := finance(t)
	for range 7 {
		o.meal("12.50")
	}
	f, n := o.client.Financial, 0
	for {
		p, err := f.ListPage(t.Context(), concur.FinancialExpense, concur.FinancialQuery{Limit: 3}, "")
		require.NoError(t, err)
		if len(p.Items) == 0 {
			break
		}
		var ids []string
		for _, d := range p.Items {
			ids = append(ids, d.ID)
		}
		rows, err := f.Acknowledge(t.Context(), concur.FinancialExpense, ids, "")
		require.NoError(t, err)
		for _, r := range rows {
			require.NoError(t, r.Err())
			n++
		}
	}
	require.Equal(t, 7, n)
}

func TestDocumentsAreWalkedByPageNumberAndLinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	o := finance(t)
	for range 7 {
		o.meal("12.50")
	}
	n := 0
	for _, err := range o.client.Financial.List(t.Context(), concur.FinancialExpense, concur.FinancialQuery{Limit: 3}) {
		require.NoError(t, err)
		n++
	}
	require.Equal(t, 7, n)
	require.Len(t, o.CallsTo("/financialintegration/"), 3)
}

func TestOnlyADocumentThatIsReadyIsFoundUnlessAnyStatusIsAsked(t *testing.T) {
	t.Parallel()
	o := finance(t)
	r := o.meal("12.50")
	o.company.SetDocument(r.ID, "SOMETHING_NEW")
	_, err := o.client.Financial.Get(t.Context(), concur.FinancialExpense, r.ID, false)
	require.ErrorIs(t, err, concur.ErrNotFound)
	d, err := o.client.Financial.Get(t.Context(), concur.FinancialExpense, r.ID, true)
	require.NoError(t, err)
	require.Equal(t, concur.FinancialStatus("SOMETHING_NEW"), d.DocStatus)
}

func TestLinesOfTheJournalTieWithTheirTaxes(t *testing.T) {
	t.Parallel()
	o := finance(t)
	r := o.meal("12.50")
	d, err := o.client.Financial.Get(t.Context(), concur.FinancialExpense, r.ID, false)
	require.NoError(t, err)
	v, err := d.Expense()
	require.NoError(t, err)
	a := v.Entries[0].Allocations[0]
	line := a.Journal[0]
	require.Equal(t, []string{"12.5", "11.5", "12.1"}, []string{line.Gross.String(), line.NetOfTax.String(), line.NetOfReclaim.String()})
	require.True(t, a.Ties(line))
	line.NetOfReclaim = line.NetOfTax
	require.False(t, a.Ties(line))
}

func TestBothEnvelopesAndADocumentInsideATextAreRead(t *testing.T) {
	t.Parallel()
	const doc = `{"report":{"reportId":"R1","revisionNumber":"3","reportCustom1Code":"C","reportCustom1Value":"Name","reportOrgUnit2Code":null},"expenseEntry":[]}`
	text, err := json.Marshal(doc)
	require.NoError(t, err)
	for name, body := range map[string]string{
		"page":   `{"content":[{"id":"d1","docType":"expense","document":` + doc + `,"docStatus":"READY"}],"page":{"totalPages":1,"number":0}}`,
		"older":  `{"fIDocuments":[{"id":"d1","docType":"expense","document":` + doc + `}],"nextPage":null,"numberReturned":1}`,
		"text":   `{"content":[{"id":"d1","docType":"expense","document":` + string(text) + `}]}`,
		"single": `{"id":"d1","docType":"expense","document":` + doc + `}`,
	} {
		c, mock := wired(t)
		answer(mock, http.MethodGet, us2+"/financialintegration/fi/v4/companies/transactiontypes/expense/transactions", 200, body)
		d, err := c.Financial.Get(t.Context(), concur.FinancialExpense, "R1", true)
		require.NoError(t, err, name)
		v, err := d.Expense()
		require.NoError(t, err, name)
		require.Equal(t, concur.Text("R1"), v.Report.ReportID, name)
		require.Equal(t, map[string]concur.CodedValue{"custom1": {Code: "C", Value: "Name"}}, v.Report.Custom, name)
		_, err = d.Invoice()
		require.Error(t, err, name)
	}
}

func TestARowThatIsMissingFromTheAnswerIsUnclear(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	answer(mock, http.MethodPost, us2+"/financialintegration/fi/v4/companies/transactiontypes/expense/transactions/acknowledgements", 200,
		`[{"code":0,"docId":"b","acknowledgeResult":"SUCCESS"}]`)
	rows, err := c.Financial.Acknowledge(t.Context(), concur.FinancialExpense, []string{"a", "b"}, "")
	require.NoError(t, err)
	var e *concur.FinancialError
	require.ErrorAs(t, rows[0].Err(), &e)
	require.Equal(t, concur.FinancialUnclear, e.Class())
	require.NoError(t, rows[1].Err())
}

func TestAcknowledgingWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	t.Parallel()
	o := finance(t)
	o.meal("12.50")
	id := o.company.FinancialDocuments()[0].ID
	o.Inject(concurtest.Fault{Path: "/acknowledgements", When: concurtest.After, Drop: true, Times: -1})
	_, err := o.client.Financial.Acknowledge(t.Context(), concur.FinancialExpense, []string{id}, "")
	require.Error(t, err)
	require.Len(t, o.CallsTo("/acknowledgements"), 1)
	require.Equal(t, concurtest.FinancialAcknowledged, o.company.FinancialDocuments()[0].Status)
}

func TestMessagesAreCutToWhatTheServiceTakes(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	var sent string
	mock.RegisterResponder(http.MethodPost, us2+"/financialintegration/fi/v4/companies/transactiontypes/expense/transactions/postingconfirmations",
		func(r *http.Request) (*http.Response, error) {
			var body struct {
				PostingConfirmations []concur.PostingConfirmation
			}
			require.NoError(t, json.NewDecoder(r.Body).Decode(&body))
			sent = body.PostingConfirmations[0].Messages[0].ShortText
			return nil, http.ErrHandlerTimeout
		})
	_, err := c.Financial.ConfirmPostings(t.Context(), concur.FinancialExpense, []concur.PostingConfirmation{
		{DocID: "d", Status: concur.PostingError, Messages: []concur.SystemMessage{{ShortText: strings.Repeat("ä", 1500)}}},
	}, "")
	require.Error(t, err)
	require.Equal(t, strings.Repeat("ä", concur.MaxSystemMessage), sent)
}

func TestAReportThatGoesPaidIsAnnouncedByTheQueue(t *testing.T) {
	t.Parallel()
	o := finance(t)
	r := o.meal("12.50")
	id := o.company.FinancialDocuments()[0].ID
	ctx, f := t.Context(), o.client.Financial
	_, err := f.Acknowledge(ctx, concur.FinancialExpense, []string{id}, "")
	require.NoError(t, err)
	_, err = f.ConfirmPostings(ctx, concur.FinancialExpense, []concur.PostingConfirmation{{DocID: id, Status: concur.PostingError, Messages: []concur.SystemMessage{{ShortText: "no"}}}}, "")
	require.NoError(t, err)
	after, _ := o.company.Report(r.ID)
	require.Equal(t, concurtest.PostingFailed, after.PaymentStatus)
	require.Equal(t, concurtest.FinancialFailed, o.company.FinancialDocuments()[0].Status)
	require.Equal(t, []string{"no"}, o.company.FinancialDocuments()[0].Messages)
}

func TestAnAnswerThatHoldsNoListIsNoEmptyList(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"message":"try later"}`, `[]`, `null`, ``, `{"page":{}}`, `{"content":[{"docType":"expense"}]}`, `{"content":{`} {
		c, mock := wired(t)
		answer(mock, http.MethodGet, us2+"/financialintegration/fi/v4/companies/transactiontypes/expense/transactions", 200, body)
		_, err := c.Financial.ListPage(t.Context(), concur.FinancialExpense, concur.FinancialQuery{}, "")
		require.Error(t, err, body)
		answer(mock, http.MethodGet, us2+"/api/v3.0/expense/entries", 200, body)
		_, err = c.EntriesV3.ListPage(t.Context(), concur.EntryV3Query{}, "")
		require.Error(t, err, body)
		answer(mock, http.MethodGet, us2+"/api/v3.0/invoice/paymentrequestdigests", 200, body)
		_, err = c.Digests.ListPage(t.Context(), concur.DigestQuery{}, "")
		require.Error(t, err, body)
		answer(mock, http.MethodGet, us2+"/api/v3.1/invoice/vendors", 200, body)
		_, err = c.Vendors.ListPage(t.Context(), concur.VendorQuery{}, "")
		require.Error(t, err, body)
		answer(mock, http.MethodGet, us2+"/list/v4/lists", 200, strings.ReplaceAll(body, "content", "contents"))
		_, err = c.Lists.ListPage(t.Context(), concur.ListQuery{}, "")
		require.Error(t, err, body)
		answer(mock, http.MethodGet, us2+"/profile/identity/v4.1/Users", 200, body)
		_, err = c.Users.ListPage(t.Context(), concur.UserQuery{}, "")
		require.Error(t, err, body)
		answer(mock, http.MethodGet, us2+"/profile/spend/v4.1/Users", 200, body)
		_, err = c.SpendUsers.ListPage(t.Context(), "", "")
		require.Error(t, err, body)
		answer(mock, http.MethodGet, confirmations, 200, body)
		_, err = c.PaymentConfirmations.ListPage(t.Context(), concur.InvoicePaymentQuery{}, "")
		require.Error(t, err, body)
		answer(mock, http.MethodGet, us2+"/accountingintegration/v4/companies/C/erps/E/accounts", 200, body)
		for _, err := range c.AccountingIntegration.Accounts(t.Context(), "C", "E") {
			require.Error(t, err, body)
		}
	}
	c, mock := wired(t)
	answer(mock, http.MethodGet, us2+"/profile/spend/v4.1/Users", 200, `{"totalResults":0}`)
	us, err := c.SpendUsers.ListPage(t.Context(), "", "")
	require.NoError(t, err)
	require.Empty(t, us.Items)
	answer(mock, http.MethodGet, us2+"/financialintegration/fi/v4/companies/transactiontypes/expense/transactions", 200, `{"content":[],"page":{"totalPages":0}}`)
	p, err := c.Financial.ListPage(t.Context(), concur.FinancialExpense, concur.FinancialQuery{}, "")
	require.NoError(t, err)
	require.Empty(t, p.Items)
}

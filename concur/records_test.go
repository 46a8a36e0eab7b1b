package concur_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

const confirmations = us2 + "/invoice/payment-confirmation/v4/payments"

func day(d int) concur.Date { return concur.Date{Year: 2026, Month: time.November, Day: d} }

func TestInvoicesThatAreNotExtractedAreAConflictThatMayPass(t *testing.T) {
	t.Parallel()
	o := open(t, concurtest.New(nil))
	t.Cleanup(o.Close)
	p := o.company.AddApprovedPaymentRequest(concurtest.PaymentRequest{InvoiceNumber: "I1", Vendor: concurtest.Vendor{Code: "V"}, Lines: []concurtest.Line{{Amount: concurtest.Amount("5")}}})
	paid := []concur.InvoicePaid{{RequestID: p.ID, StatusDate: day(3)}}
	each, err := o.client.PaymentConfirmations.Update(t.Context(), paid)
	require.NoError(t, err, "400 is the outcome of the row, not of the call")
	var e *concur.InvoicePaidError
	require.ErrorAs(t, each[0], &e)
	require.True(t, e.Retryable())
	require.ErrorIs(t, e, concur.ErrConflict)
	o.company.ExtractPaymentRequest(p.ID)
	each, err = o.client.PaymentConfirmations.Update(t.Context(), paid)
	require.NoError(t, err)
	require.NoError(t, each[0])
	after, _ := o.company.PaymentRequest(p.ID)
	require.Equal(t, concurtest.Paid, after.PaymentStatus)
}

func TestEachUpdateOfAnInvoiceGetsItsOwnOutcome(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	answer(mock, http.MethodPost, confirmations+"/bulkUpdate", http.StatusMultiStatus, `{"status":"MULTI_STATUS","successCount":1,"failureCount":1,
		"successfulPayments":[{"requestId":"B","paymentStatus":"PAID","paymentStatusDate":"2026-11-03"}],
		"failedPayments":[{"requestId":"A","paymentStatus":"PAID","paymentStatusDate":"2026-11-03","errorMessage":"No request found for requestId A"}]}`)
	each, err := c.PaymentConfirmations.Update(t.Context(), []concur.InvoicePaid{
		{RequestID: "A", StatusDate: day(3)}, {RequestID: "B", StatusDate: day(3)}, {RequestID: "C", StatusDate: day(3)},
	})
	require.NoError(t, err)
	require.ErrorIs(t, each[0], concur.ErrInvalid)
	require.NoError(t, each[1])
	var e *concur.InvoicePaidError
	require.ErrorAs(t, each[2], &e)
	require.True(t, e.Unclear)
}

func TestARefusalOfTheWholeUpdateIsAnError(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	answer(mock, http.MethodPost, confirmations+"/bulkUpdate", 400, `{"errors":[{"errorCode":"bad","errorMessage":"no"}]}`)
	_, err := c.PaymentConfirmations.Update(t.Context(), []concur.InvoicePaid{{RequestID: "A"}})
	var e *concur.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "bad", e.Details[0].Code)
}

func TestPaymentsAreReadUnderBothNamesOfTheArray(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"payments", "paymentsList"} {
		c, mock := wired(t)
		answer(mock, http.MethodGet, confirmations, 200, `{"pageNumber":1,"pageLimit":500,"totalRecordCount":1,"`+name+`":[{"requestId":"A","foreignExchangeRate":0.100000}]}`)
		p, err := c.PaymentConfirmations.ListPage(t.Context(), concur.InvoicePaymentQuery{}, "")
		require.NoError(t, err)
		require.Equal(t, "0.100000", p.Items[0].ForeignExchangeRate.String())
		require.Empty(t, p.Next)
	}
}

func TestAnOrderIsStoredOnlyWhereTheAnswerSaysSo(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct{ stored, unclear bool }{
		`{"Status":"SUCCESS","PurchaseOrderNumber":"PO9"}`:                 {stored: true},
		`{"Status":"FAILURE","ErrorCode":"5500","ErrorMessage":"no"}`:      {},
		`{"Status":"SUCCESS","ErrorCode":"2000","FieldCode":"VendorCode"}`: {},
		`{"Status":"PENDING"}`: {unclear: true},
		`{}`:                   {unclear: true},
	} {
		c, mock := wired(t)
		answer(mock, http.MethodPost, us2+"/api/v3.0/invoice/purchaseorders", 200, body)
		number, err := c.PurchaseOrders.Create(t.Context(), concur.PurchaseOrder{PurchaseOrderNumber: "PO1"})
		if want.stored {
			require.NoError(t, err)
			require.Equal(t, "PO9", number)
			continue
		}
		var e *concur.OrderError
		require.ErrorAs(t, err, &e, body)
		require.Equal(t, want.unclear, e.Unclear, body)
	}
}

func TestARateThatTheAnswerDoesNotMentionIsUnclear(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	answer(mock, http.MethodPost, us2+"/exchangerate/v4/rates", 200, `{"overallStatus":"Partial Success","currencySets":[
		{"from_crn_code":"USD","to_crn_code":"EUR","start_date":"2026-11-03","rate":0.920,"statusCode":200,"statusMessage":"success"},
		{"from_crn_code":"USD","to_crn_code":"CAD","start_date":"2026-11-03","rate":1.4,"statusCode":"400","statusMessage":"Invalid"}]}`)
	rate := func(to, r string) concur.ExchangeRateInput {
		d, err := concur.ParseDecimal(r)
		require.NoError(t, err)
		return concur.ExchangeRateInput{From: "USD", To: to, StartDate: day(3), Rate: d}
	}
	each, err := c.ExchangeRates.Create(t.Context(), []concur.ExchangeRateInput{rate("EUR", "0.92"), rate("CAD", "1.4"), rate("GBP", "0.8")})
	require.NoError(t, err)
	require.NoError(t, each[0])
	require.ErrorIs(t, each[1], concur.ErrInvalid)
	var e *concur.ExchangeRateError
	require.ErrorAs(t, each[2], &e)
	require.True(t, e.Unclear)
	_, err = c.ExchangeRates.Create(t.Context(), make([]concur.ExchangeRateInput, 101))
	require.ErrorIs(t, err, concur.ErrInvalid)
}

func TestSpendUsersAreWalkedByTheirIndex(t *testing.T) {
	t.Parallel()
	o := open(t, concurtest.New(nil))
	t.Cleanup(o.Close)
	for i := range 230 {
		o.company.AddUser(concurtest.User{Login: fmt.Sprintf("u%d@acme.example", i), Spend: concurtest.Spend{Reimbursement: "ADP_PAYROLL", Custom: concurtest.Custom{"custom21": concurtest.Text("V1")}}})
	}
	n := 0
	for u, err := range o.client.SpendUsers.List(t.Context(), `reimbursementType eq "ADP_PAYROLL"`) {
		require.NoError(t, err)
		require.Equal(t, "V1", u.Spend.Custom("custom21"))
		n++
	}
	require.Equal(t, 230, n)
	require.Len(t, o.CallsTo("/profile/spend/"), 3)
}

func TestAReportIsRecalledByItsOwnersTokenAlone(t *testing.T) {
	t.Parallel()
	o := open(t, concurtest.New(nil))
	t.Cleanup(o.Close)
	ada := o.company.AddUser(concurtest.User{Login: "al@acme.example", Password: "secret"})
	r := o.company.AddReport(concurtest.Report{Owner: ada.Login, Expenses: []concurtest.Expense{{Type: "LUNCH", Amount: concurtest.Amount("1")}}})
	o.company.Submit(r.ID)
	require.ErrorIs(t, o.client.Workflow.Recall(t.Context(), ada.ID, r.ID), concur.ErrForbidden)
	s := o.source(t, concur.NewMemoryTokenStore())
	_, err := s.ConnectUser(t.Context(), ada.Login, "secret")
	require.NoError(t, err)
	require.NoError(t, concur.NewClient(s, nil).Workflow.Recall(t.Context(), ada.ID, r.ID))
	after, _ := o.company.Report(r.ID)
	require.Equal(t, concurtest.SentBack, after.ApprovalStatus)
}

func TestAReportIsNotSentBackWithoutAComment(t *testing.T) {
	t.Parallel()
	o := open(t, concurtest.New(nil))
	t.Cleanup(o.Close)
	require.ErrorIs(t, o.client.Workflow.SendBack(t.Context(), concur.Place{ReportID: "A"}, concur.WorkflowStep{}), concur.ErrInvalid)
	require.Empty(t, o.CallsTo("/sendBack"))
}

func TestAnIDCannotLeadACallElsewhere(t *testing.T) {
	t.Parallel()
	o := open(t, concurtest.New(nil))
	t.Cleanup(o.Close)
	o.ResetCalls()
	for _, id := range []string{"", "..", "a/b", "a?b", "a#b", "%2e%2e", `a\b`} {
		require.ErrorIs(t, o.client.Comments.Create(t.Context(), concur.Place{ReportID: id}, "x"), concur.ErrInvalid, id)
		_, err := o.client.Images.Locate(t.Context(), concur.ImageByID, id)
		require.ErrorIs(t, err, concur.ErrInvalid, id)
		require.ErrorIs(t, o.client.Expenses.Delete(t.Context(), "R", id), concur.ErrInvalid, id)
	}
	require.Empty(t, o.Calls())
}

func TestAnImageElsewhereNeedsItsHostAllowedAndGetsNoToken(t *testing.T) {
	t.Parallel()
	const link = "https://images.example.test/getImage?cid=1&amp;val=2"
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(http.MethodGet, us2+"/api/image/v1.0/report/R1", httpmock.NewStringResponder(200, `<Image xmlns="http://x"><Id>R1</Id><Url>`+link+`</Url></Image>`))
	seen := answer(mock, http.MethodGet, "https://images.example.test/getImage?cid=1&val=2", 200, "bytes")
	store := concur.NewMemoryTokenStore()
	_, err := store.Save(t.Context(), concur.Token{AccessToken: "hush", RefreshToken: "r", Geolocation: us2, Expiry: time.Now().Add(time.Hour)}, "")
	require.NoError(t, err)
	tokens, err := concur.NewTokenSource(concur.App{ClientID: "id", ClientSecret: "s"}, store, &concur.TokenOptions{HTTP: &http.Client{Transport: mock}})
	require.NoError(t, err)

	_, err = concur.NewClient(tokens, nil).Images.Fetch(t.Context(), concur.ImageOfReport, "R1")
	require.ErrorIs(t, err, concur.ErrHost)
	require.ErrorContains(t, err, "images.example.test")
	require.Empty(t, *seen)

	d, err := concur.NewClient(tokens, &concur.Options{ImageHosts: []string{"https://images.example.test"}}).Images.Fetch(t.Context(), concur.ImageOfReport, "R1")
	require.NoError(t, err)
	b, err := io.ReadAll(d)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	require.Equal(t, "bytes", string(b))
	require.Empty(t, (*seen)[0].Header.Get("Authorization"))
}

func TestAnImageThatIsTooLargeOrOfAnotherTypeIsNotSent(t *testing.T) {
	t.Parallel()
	o := open(t, concurtest.New(nil))
	t.Cleanup(o.Close)
	for kind, data := range map[string][]byte{"image/png": make([]byte, concur.MaxImage+1), "image/gif": {1}, "application/pdf": nil} {
		_, err := o.client.Images.Attach(t.Context(), concur.ImageOfReport, "R", kind, data)
		require.ErrorIs(t, err, concur.ErrInvalid)
	}
	require.Empty(t, o.CallsTo("/image/"))
}

func TestAStreamWhoseTokenIsRefusedIsOpenedOnceMore(t *testing.T) {
	t.Parallel()
	o := open(t, concurtest.New(nil))
	t.Cleanup(o.Close)
	id := o.company.AddImage("receipt", "", "application/pdf", []byte("pdf"))
	d, err := o.client.SpendDocuments.ByImage(t.Context(), o.company.ID, id)
	require.NoError(t, err)
	o.company.ExpireTokens()
	o.ResetCalls()
	b, err := o.client.SpendDocuments.Open(t.Context(), d.Metadata.ID, concur.RepresentationCompliance)
	require.NoError(t, err)
	require.Equal(t, "application/pdf", b.ContentType)
	require.NoError(t, b.Close())
	require.Len(t, o.CallsTo("/representations"), 2)
	_, err = o.client.SpendDocuments.Open(t.Context(), d.Metadata.ID, "other")
	var e *concur.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "type is display or compliance", e.Message)
}

func TestLinksOfAccountingIntegrationAreReadInBothForms(t *testing.T) {
	t.Parallel()
	for _, links := range []string{
		`"links":{"next":{"href":"/v4/companies/C/erps/E/accounts?next=p2"}}`, `"_links":{"next":{"href":"https://evil.example/x?next=p2"}}`,
		`"links":[{"rel":"self","href":"/x"},{"rel":"next","href":"/x?next=p2"}]`,
	} {
		c, mock := wired(t)
		base := us2 + "/accountingintegration/v4/companies/C/erps/E/accounts"
		answer(mock, http.MethodGet, base, 200, `{"data":[{"id":"1"}],`+links+`}`)
		answer(mock, http.MethodGet, base+"?next=p2", 200, `{"data":[{"id":"2"}]}`)
		var ids []string
		for a, err := range c.AccountingIntegration.Accounts(t.Context(), "C", "E") {
			require.NoError(t, err)
			ids = append(ids, a.ID)
		}
		require.Equal(t, []string{"1", "2"}, ids)
	}
}

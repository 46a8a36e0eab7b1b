package concur_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

func TestAmountsKeepTheirDigits(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	answer(mock, http.MethodGet, inReport, 200, `{"reportId":"`+reportID+`","approvedAmount":{"value":525.00000000,"currencyCode":"USD"},
		"personalAmount":{"value":0E-8,"currencyCode":"USD"},"claimedAmount":{"value":"12.10","currencyCode":"USD"},"amountDueEmployee":null}`)
	r, err := c.Reports.Get(t.Context(), ownerID, reportID)
	require.NoError(t, err)
	require.Equal(t, []string{"525.00000000", "0E-8", "12.10"},
		[]string{r.ApprovedAmount.Value.String(), r.PersonalAmount.Value.String(), r.ClaimedAmount.Value.String()})
	require.False(t, r.AmountDueEmployee.Value.Present())
}

func TestReportOfTheFakeIsReadWhole(t *testing.T) {
	t.Parallel()
	o := listening(t, nil)
	list := o.company.AddList("Cost Center", concurtest.Item{Code: "200", Name: "Service"})
	r := o.company.AddApprovedReport(concurtest.Report{
		Owner: "ada@acme.example", Name: "March",
		Expenses: []concurtest.Expense{
			{Type: "HOTEL", PaymentType: "CBCP", Itemizations: []concurtest.Expense{
				{Type: "LODGE", Amount: concurtest.Amount("250")}, {Type: "MEALS", Amount: concurtest.Amount("50.25")},
			}},
			{Type: "LUNCH", Amount: concurtest.Amount("12.50"), Allocations: []concurtest.Allocation{
				{Percentage: concurtest.Amount("60"), Custom: concurtest.Custom{"custom5": list.Value("200")}}, {Percentage: concurtest.Amount("40")},
			}},
		},
	})
	ctx, u := t.Context(), o.owner.ID
	es, err := o.client.Expenses.List(ctx, u, r.ID)
	require.NoError(t, err)
	require.Len(t, es, 2)
	items, err := o.client.Expenses.Itemizations(ctx, u, r.ID, es[0].ExpenseID)
	require.NoError(t, err)
	require.Len(t, items, 2)
	whole, err := o.client.Expenses.Get(ctx, u, r.ID, items[1].ExpenseID)
	require.NoError(t, err)
	require.Equal(t, es[0].ExpenseID, whole.ParentExpenseID)
	as, err := o.client.Allocations.List(ctx, u, r.ID, es[1].ExpenseID)
	require.NoError(t, err)
	require.Equal(t, []string{"7.50", "5.00"}, []string{as[0].ApprovedAmount.Value.Value().StringFixed(2), as[1].ApprovedAmount.Value.Value().StringFixed(2)})
	id, ok := as[0].CustomData[0].ListItem()
	require.True(t, ok)
	item, err := o.client.ListItems.Get(ctx, id)
	require.NoError(t, err)
	require.Equal(t, "200", item.ShortCode)
}

func TestListItemIDIsSentAsAUUID(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	seen := answer(mock, http.MethodGet, us2+"/list/v4/items/4366a89a-916f-0740-99a9-71b000989a94", 200, `{"id":"x","shortCode":"200"}`)
	_, err := c.ListItems.Get(t.Context(), "4366A89A916F074099A971B000989A94")
	require.NoError(t, err)
	require.Len(t, *seen, 1)
}

func TestLoginIsFoundWithoutRegardToLetterCase(t *testing.T) {
	t.Parallel()
	o := listening(t, nil)
	u, err := o.client.Users.ByLogin(t.Context(), "Ada@ACME.example")
	require.NoError(t, err)
	require.Equal(t, []string{o.owner.ID, "E100"}, []string{u.ID, u.Enterprise.EmployeeNumber})
}

func TestUnknownLoginIsNotFound(t *testing.T) {
	t.Parallel()
	o := listening(t, nil)
	_, err := o.client.Users.ByLogin(t.Context(), "nobody@acme.example")
	require.ErrorIs(t, err, concur.ErrNotFound)
}

func TestLoginCannotLeaveItsFilterLiteral(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	var filter string
	mock.RegisterResponder(http.MethodPost, us2+"/profile/identity/v4.1/Users/.search", func(r *http.Request) (*http.Response, error) {
		var body struct{ Filter string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			return nil, err
		}
		filter = body.Filter
		return httpmock.NewStringResponse(200, `{"Resources":[]}`), nil
	})
	_, err := c.Users.ByLogin(t.Context(), `a" or userName pr or userName eq "b`)
	require.ErrorIs(t, err, concur.ErrNotFound)
	require.Equal(t, `userName eq "a\" or userName pr or userName eq \"b"`, filter)
}

func TestListWalksOverEveryPage(t *testing.T) {
	t.Parallel()
	o := listening(t, nil)
	want := map[string]bool{}
	for range 7 {
		want[o.report("12.50").ID] = true
	}
	got := map[string]bool{}
	for r, err := range o.client.ReportsV3.List(t.Context(), concur.ReportV3Query{User: concur.AllUsers, Limit: 3}) {
		require.NoError(t, err)
		require.Equal(t, "ada@acme.example", r.OwnerLoginID)
		require.False(t, r.ProcessingPaymentDate.IsZero())
		got[r.ID] = true
	}
	require.Equal(t, want, got)
}

func TestListFiltersByTheTimeOfTheLastChange(t *testing.T) {
	t.Parallel()
	o := listening(t, nil)
	o.report("12.50")
	p, err := o.client.ReportsV3.ListPage(t.Context(), concur.ReportV3Query{User: concur.AllUsers, ModifiedDateAfter: time.Now().Add(time.Hour)}, "")
	require.NoError(t, err)
	require.Empty(t, p.Items)
}

// pages answers a list with these pages in turn.
func pages(mock *httpmock.MockTransport, path string, bodies ...string) *[]*http.Request {
	var seen []*http.Request
	mock.RegisterResponder(http.MethodGet, us2+path, func(r *http.Request) (*http.Response, error) {
		seen = append(seen, r)
		return httpmock.NewStringResponse(200, bodies[min(len(seen), len(bodies))-1]), nil
	})
	return &seen
}

const reportsPath = "/api/v3.0/expense/reports"

func TestEmptyPageWithANextPageIsNotTheEnd(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	pages(mock, reportsPath, `{"Items":[],"NextPage":"https://www.concursolutions.com`+reportsPath+`?offset=2"}`, `{"Items":[{"ID":"A"}],"NextPage":null}`)
	n := 0
	for _, err := range c.ReportsV3.List(t.Context(), concur.ReportV3Query{}) {
		require.NoError(t, err)
		n++
	}
	require.Equal(t, 1, n)
}

func TestNextPageIsReadOnTheGeolocation(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	seen := pages(mock, reportsPath, `{"Items":[{"ID":"A"}],"NextPage":"https://www.concursolutions.com`+reportsPath+`?offset=a%2Bb&limit=1"}`, `{"Items":[]}`)
	p, err := c.ReportsV3.ListPage(t.Context(), concur.ReportV3Query{User: "ALL"}, "")
	require.NoError(t, err)
	_, err = c.ReportsV3.ListPage(t.Context(), concur.ReportV3Query{}, p.Next)
	require.NoError(t, err)
	require.Equal(t, us2+reportsPath+"?offset=a%2Bb&limit=1", (*seen)[1].URL.String())
}

func TestNextPageThatLeadsElsewhereEndsTheListWithAnError(t *testing.T) {
	t.Parallel()
	for _, link := range []string{
		"https://evil.example/steal?offset=2", us2 + "/api/v3.0/expense/entries?offset=2", us2 + reportsPath + "/../entries?offset=2",
		"javascript:alert(1)", us2 + reportsPath, "?", "%zz", strings.Repeat("a", 5000), us2 + reportsPath + "?offset=%zz",
	} {
		t.Run(link[:min(len(link), 60)], func(t *testing.T) {
			t.Parallel()
			c, mock := wired(t)
			seen := pages(mock, reportsPath, `{"Items":[{"ID":"A"}],"NextPage":"`+link+`"}`)
			_, err := c.ReportsV3.ListPage(t.Context(), concur.ReportV3Query{}, "")
			require.Error(t, err)
			require.Len(t, *seen, 1)
		})
	}
}

func TestListThatStandsStillEndsWithAnError(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	pages(mock, reportsPath, `{"Items":[{"ID":"A"}],"NextPage":"`+us2+reportsPath+`?offset=2"}`)
	var last error
	for _, err := range c.ReportsV3.List(t.Context(), concur.ReportV3Query{}) {
		last = err
	}
	require.ErrorContains(t, last, "same page")
}

func TestErrorIsTheLastPairOfAList(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	answer(mock, http.MethodGet, us2+reportsPath, 404, "")
	n := 0
	for _, err := range c.ReportsV3.List(t.Context(), concur.ReportV3Query{}) {
		require.ErrorIs(t, err, concur.ErrNotFound)
		n++
	}
	require.Equal(t, 1, n)
}

func TestCustomFieldsOfVersionThreeAreCollected(t *testing.T) {
	t.Parallel()
	var r concur.ReportV3
	require.NoError(t, json.Unmarshal([]byte(`{"ID":"A","OrgUnit1":{"Type":"List","Value":"Sales","Code":"100","ListItemID":"x"},"Custom7":null,"Custom12":{"Type":"Text","Value":"t"}}`), &r))
	require.Equal(t, map[string]concur.CustomValue{
		"orgUnit1": {Type: "List", Value: "Sales", Code: "100", ListItemID: "x"}, "custom12": {Type: "Text", Value: "t"},
	}, r.Custom)
}

func TestPaymentRequestIsReadInEveryShapeOfItsLines(t *testing.T) {
	t.Parallel()
	line := `{"LineItemId":"1","ApprovedLineItemAmount":"480.00000000","Custom1":"200","Allocations":%ALLOC%}`
	alloc := `{"AllocationAccountCode":"6410","Percentage":"100.00000000","Custom02":"x"}`
	for name, lines := range map[string]string{
		"wrapped": `{"LineItem":[` + strings.ReplaceAll(line, "%ALLOC%", `{"Allocation":[`+alloc+`]}`) + `]}`,
		"bare":    `[` + strings.ReplaceAll(line, "%ALLOC%", `[`+alloc+`]`) + `]`,
		"single":  `{"LineItem":` + strings.ReplaceAll(line, "%ALLOC%", `{"Allocation":`+alloc+`}`) + `}`,
		"object":  strings.ReplaceAll(line, "%ALLOC%", alloc),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r concur.PaymentRequest
			require.NoError(t, json.Unmarshal([]byte(`{"ID":"A","IsTestTransaction":"Y","OrgUnit01":"u","LastSubmitDate":"2026-10-30 08:00:00.0","LineItems":`+lines+`}`), &r))
			require.Len(t, r.LineItems, 1)
			l := r.LineItems[0]
			require.Equal(t, "480.00000000", l.ApprovedLineItemAmount.String())
			require.Equal(t, concur.Text("200"), l.Custom["custom1"])
			require.Equal(t, concur.Text("6410"), l.Allocations[0].AllocationAccountCode)
			require.Equal(t, concur.Text("x"), l.Allocations[0].Custom["custom2"])
			require.True(t, bool(r.IsTestTransaction))
			require.Equal(t, concur.Text("u"), r.Custom["orgUnit1"])
		})
	}
}

func TestDigestsLeadToTheirPaymentRequests(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]*concurtest.Options{"wrapped": nil, "bare": {BareArrays: true, NoVendorCode: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := listening(t, opts)
			p := o.company.AddApprovedPaymentRequest(concurtest.PaymentRequest{
				InvoiceNumber: "25688", Owner: "ada@acme.example", Vendor: concurtest.Vendor{Code: "V1", AddressCode: "A1", Name: "Nord"},
				Lines: []concurtest.Line{{ExpenseType: "OFFICE", Amount: concurtest.Amount("480"), AccountCode: "6410"}},
			})
			var got []*concur.Digest
			for d, err := range o.client.Digests.List(t.Context(), concur.DigestQuery{LastModifiedDateAfter: concur.Date{Year: 2020, Month: 1, Day: 1}}) {
				require.NoError(t, err)
				got = append(got, d)
			}
			require.Len(t, got, 1)
			r, err := o.client.PaymentRequests.Get(t.Context(), got[0].Request())
			require.NoError(t, err)
			require.Equal(t, p.ID, r.ID)
			require.Equal(t, "480.00000000", r.TotalApprovedAmount.String())
			require.Len(t, r.LineItems[0].Allocations, 1)
		})
	}
}

func TestDigestQuerySendsWholeDays(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	seen := pages(mock, "/api/v3.0/invoice/paymentrequestdigests", `{"PaymentRequestDigest":[]}`)
	_, err := c.Digests.ListPage(t.Context(), concur.DigestQuery{LastModifiedDateAfter: concur.Date{Year: 2026, Month: 10, Day: 3}, Limit: 50}, "")
	require.NoError(t, err)
	require.Equal(t, "lastModifiedDateAfter=2026-10-03&limit=50", (*seen)[0].URL.RawQuery)
}

func TestLocalizedDataListsTheCustomersCodes(t *testing.T) {
	t.Parallel()
	o := listening(t, nil)
	values, err := o.client.LocalizedData.List(t.Context(), concur.LocalizedApprovalStatus, "en")
	require.NoError(t, err)
	require.NotEmpty(t, values)
}

func TestWhatWasPaidToAnEmployeeIsReadInBothForms(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"reportId":"A","totalAmountPaidEmployee":"12.50"}`, `{"reportId":"A","totalAmountPaidEmployee":12.50}`,
		`{"reportId":"A","totalAmountPaidEmployee":{"value":12.50,"currencyCode":"USD"}}`,
	} {
		var r concur.Report
		require.NoError(t, json.Unmarshal([]byte(body), &r))
		require.Equal(t, "12.50", r.TotalAmountPaidEmployee.Value.String())
		back, err := json.Marshal(r)
		require.NoError(t, err)
		require.JSONEq(t, body, string(back))
	}
}

package concurtest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// trip is a report with what makes reports hard: a card, a foreign currency, an
// itemised hotel, a split, a personal and a rejected expense.
func trip(centres *concurtest.List) concurtest.Report {
	amount := concurtest.Amount
	return concurtest.Report{
		Owner: "ada@acme.example", Name: "Trip", Custom: concurtest.Custom{"custom2": concurtest.Text("Berlin"), "orgUnit1": centres.Value("100")},
		Expenses: []concurtest.Expense{
			{Type: "TAXIX", Amount: amount("10")},
			{Type: "DINNR", Amount: amount("100"), Currency: "EUR", Rate: amount("1.0837"), PaymentType: "CBCP"},
			{Type: "LODNG", Itemizations: []concurtest.Expense{
				{Type: "LODGN", Amount: amount("200"), Custom: concurtest.Custom{"custom9": centres.Value("200")}},
				{Type: "MOVIE", Amount: amount("15"), Personal: true},
			}},
			{Type: "OFCSP", Amount: amount("100"), Allocations: []concurtest.Allocation{
				{Percentage: amount("33.33"), AccountCode: "6410", Custom: concurtest.Custom{"custom9": centres.Value("100")}},
				{Percentage: amount("33.33"), AccountCode: "6420"},
				{Percentage: amount("33.34"), AccountCode: "6430"},
			}},
			{Type: "GIFTS", Amount: amount("50"), Rejected: true},
		},
	}
}

func setup(t *testing.T, opts *concurtest.Options) (*concurtest.Server, *concurtest.Company, concurtest.Report, string) {
	t.Helper()
	s := concurtest.NewServer(t, opts)
	co, centres := acme(s)
	r := co.AddApprovedReport(trip(centres))
	return s, co, r, path(r, userID(t, s, co, "ada@acme.example"))
}

func amountOf(t *testing.T, o map[string]any, field string) string {
	t.Helper()
	require.Contains(t, o, field)
	return figure(fields(o[field])["value"]).String()
}

func TestReportAmountsArePaddedAndZeroHasAnExponent(t *testing.T) {
	t.Parallel()
	s, co, _, p := setup(t, nil)
	o := get(t, s, co, p).object(t)
	for field, want := range map[string]string{
		"reportTotal": "483.37000000", "personalAmount": "15.00000000", "claimedAmount": "468.37000000",
		"approvedAmount": "418.37000000", "amountNotApproved": "50.00000000", "amountDueEmployee": "310.00000000",
		"amountCompanyPaid": "108.37000000", "amountDueCompanyCard": "0E-8", "paymentConfirmedAmount": "0E-8",
	} {
		require.Equal(t, want, amountOf(t, o, field), field)
	}
}

func TestReportHeaderBearsStateAndOwner(t *testing.T) {
	t.Parallel()
	s, co, r, p := setup(t, nil)
	o := get(t, s, co, p).object(t)
	require.Equal(t, "A_APPR", o["approvalStatusId"])
	require.Equal(t, "P_PROC", o["paymentStatusId"])
	require.Equal(t, json.Number("2"), o["reportVersion"])
	require.Equal(t, userID(t, s, co, "ada@acme.example"), o["userId"])
	require.Equal(t, "E100", fields(o["employee"])["employeeId"])
	require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`, o["submitDate"])
	require.Regexp(t, `^[0-9A-F]{20}$`, r.ID)
	require.NotContains(t, o, "lastModifiedDate")
}

func TestCustomFieldsHoldListItemIDsWithoutDashes(t *testing.T) {
	t.Parallel()
	s, co, _, p := setup(t, nil)
	custom := rows(get(t, s, co, p).object(t)["customData"])
	require.Len(t, custom, 2)
	plain, item := fields(custom[0]), fields(custom[1])
	require.Equal(t, "custom2", plain["id"])
	require.Equal(t, "Berlin", plain["value"])
	require.Nil(t, plain["listItemUrl"])
	require.Regexp(t, `^[0-9A-F]{32}$`, item["value"])
	require.Equal(t, co.BaseURL()+"/list/v4/items?id="+text(item["value"]), item["listItemUrl"])
	v := strings.ToLower(text(item["value"]))
	dashed := strings.Join([]string{v[:8], v[8:12], v[12:16], v[16:20], v[20:]}, "-")
	require.Equal(t, "100", get(t, s, co, "/list/v4/items/"+dashed).object(t)["shortCode"])
}

func TestExpensesAreAnArrayWithoutDetailsOrItemizations(t *testing.T) {
	t.Parallel()
	s, co, r, p := setup(t, nil)
	rows := get(t, s, co, p+"/expenses").array(t)
	require.Len(t, rows, len(r.Expenses))
	for _, row := range rows {
		for _, field := range []string{"customData", "isExpenseRejected", "parentExpenseId", "expenseTaxSummary", "receiptType"} {
			require.NotContains(t, row, field)
		}
	}
	require.Len(t, get(t, s, co, p+"/expenses?includeItemizations=true").array(t), len(r.Expenses)+2)
}

func TestExpenseDetailShowsRejectionAndParent(t *testing.T) {
	t.Parallel()
	s, co, r, p := setup(t, nil)
	rejected := get(t, s, co, p+"/expenses/"+r.Expenses[4].ID).object(t)
	require.Equal(t, true, rejected["isExpenseRejected"])
	require.Nil(t, rejected["parentExpenseId"])
	item := get(t, s, co, p+"/expenses/"+r.Expenses[2].Itemizations[0].ID).object(t)
	require.Equal(t, r.Expenses[2].ID, item["parentExpenseId"])
	require.Len(t, item["customData"], 1)
}

func TestForeignExpenseIsPostedAtItsRate(t *testing.T) {
	t.Parallel()
	s, co, _, p := setup(t, nil)
	e := get(t, s, co, p+"/expenses").array(t)[1]
	require.Equal(t, map[string]any{"value": json.Number("100.00000000"), "currencyCode": "EUR"}, e["transactionAmount"])
	require.Equal(t, map[string]any{"value": json.Number("108.37000000"), "currencyCode": "USD"}, e["postedAmount"])
	require.Equal(t, map[string]any{"value": json.Number("1.08370000000000"), "operation": "MULTIPLY"}, e["exchangeRate"])
}

func TestItemizationsAddUpToTheirEntry(t *testing.T) {
	t.Parallel()
	s, co, r, p := setup(t, nil)
	rows := get(t, s, co, p+"/expenses/"+r.Expenses[2].ID+"/itemizations").array(t)
	require.Len(t, rows, 2)
	require.Equal(t, "200.00000000", amountOf(t, rows[0], "approvedAmount"))
	require.Equal(t, "0E-8", amountOf(t, rows[1], "approvedAmount"))
	require.Equal(t, "200.00000000", amountOf(t, get(t, s, co, p+"/expenses").array(t)[2], "approvedAmount"))
	require.Empty(t, get(t, s, co, p+"/expenses/"+r.Expenses[0].ID+"/itemizations").array(t))
}

func TestLastAllocationTakesTheRemainder(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	amount := concurtest.Amount
	r := co.AddReport(concurtest.Report{Owner: "ada@acme.example", Expenses: []concurtest.Expense{{
		Type: "OFCSP", Amount: amount("100.01"), Allocations: []concurtest.Allocation{
			{Percentage: amount("33.33")}, {Percentage: amount("33.33")}, {Percentage: amount("33.34"), AccountCode: "6430"},
		},
	}}})
	p := path(r, userID(t, s, co, "ada@acme.example"))
	rows := get(t, s, co, p+"/expenses/"+r.Expenses[0].ID+"/allocations").array(t)
	var got []string
	for _, row := range rows {
		got = append(got, amountOf(t, row, "approvedAmount"))
		require.Equal(t, false, row["isSystemAllocation"])
	}
	require.Equal(t, []string{"33.33", "33.33", "33.35"}, got)
	require.Equal(t, "6430", rows[2]["accountCode"])
	require.Equal(t, "Pending Client", rows[0]["accountCode"])
	require.Equal(t, json.Number("33.33000000"), rows[0]["percentage"])
	one := get(t, s, co, p+"/allocations/"+text(rows[1]["allocationId"])).object(t)
	require.Equal(t, rows[1], one)
}

func TestUnallocatedExpenseHasOneSystemAllocation(t *testing.T) {
	t.Parallel()
	s, co, r, p := setup(t, nil)
	rows := get(t, s, co, p+"/expenses/"+r.Expenses[0].ID+"/allocations").array(t)
	require.Len(t, rows, 1)
	require.Equal(t, true, rows[0]["isSystemAllocation"])
	require.Equal(t, json.Number("100.00000000"), rows[0]["percentage"])
	require.Equal(t, "NOT_ALLOCATED", get(t, s, co, p+"/expenses").array(t)[0]["allocationState"])
}

func TestUnallocatedExpenseHasNoAllocationByOption(t *testing.T) {
	t.Parallel()
	s, co, r, p := setup(t, &concurtest.Options{NoSystemAllocation: true})
	require.Equal(t, "[]", get(t, s, co, p+"/expenses/"+r.Expenses[0].ID+"/allocations").body)
}

func TestReportPathChecksUserAndContext(t *testing.T) {
	t.Parallel()
	s, co, r, _ := setup(t, nil)
	ada, boss := userID(t, s, co, "ada@acme.example"), userID(t, s, co, "max@acme.example")
	const base = "/expensereports/v4/users/"
	tail := "/reports/" + r.ID
	for _, tt := range []struct {
		name, path string
		status     int
	}{
		{"owner as traveller", base + ada + "/context/TRAVELER" + tail, 200},
		{"owner in capitals", base + strings.ToUpper(ada) + "/context/TRAVELER" + tail, 200},
		{"another as traveller", base + boss + "/context/TRAVELER" + tail, 403},
		{"approver as manager", base + boss + "/context/MANAGER" + tail, 200},
		{"owner as manager", base + ada + "/context/MANAGER" + tail, 403},
		{"another as processor", base + boss + "/context/PROCESSOR" + tail, 200},
		{"unknown user", base + "3b241101-e2bb-4255-8caf-4136c566a962/context/TRAVELER" + tail, 403},
		{"unknown report", base + ada + "/context/TRAVELER/reports/0123456789ABCDEF0123", 404},
		{"unknown context", base + ada + "/context/OWNER" + tail, 400},
		{"expenses as manager", base + boss + "/context/MANAGER" + tail + "/expenses", 400},
		{"unknown expense", base + ada + "/context/TRAVELER" + tail + "/expenses/1", 404},
		{"allocations as proxy", base + ada + "/context/PROXY" + tail + "/expenses/" + r.Expenses[0].ID + "/allocations", 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := get(t, s, co, tt.path)
			require.Equal(t, tt.status, a.status, a.body)
			if tt.status != 200 {
				require.Equal(t, tt.path, a.object(t)["path"])
			}
		})
	}
}

func TestAnotherCompanysReportIsNotFound(t *testing.T) {
	t.Parallel()
	s, _, r, _ := setup(t, nil)
	other := s.AddCompany("Other", nil)
	other.AddUser(concurtest.User{Login: "eve@other.example"})
	require.Equal(t, 404, get(t, s, other, path(r, userID(t, s, other, "eve@other.example"))).status)
}

func TestRejectedAmountStaysOnTheExpenseAlone(t *testing.T) {
	t.Parallel()
	s, co, r, p := setup(t, nil)
	require.Equal(t, "50.00000000", amountOf(t, get(t, s, co, p+"/expenses/"+r.Expenses[4].ID).object(t), "approvedAmount"))
}

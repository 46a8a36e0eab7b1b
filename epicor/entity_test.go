package epicor_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/epicor/odata"
)

func many(srv *epicortest.Server, n int) {
	for i := range n {
		srv.AddVendors(company, epicortest.Vendor{Num: 1000 + i, ID: fmt.Sprintf("V%05d", i)})
	}
}

func nums(t *testing.T, c *epicor.Client, q odata.Query) []int {
	t.Helper()
	var out []int
	for v, err := range c.Vendors.List(t.Context(), q) {
		require.NoError(t, err)
		out = append(out, v.VendorNum)
	}
	return out
}

func TestListReadsBeyondTheSilentHundredInTheOrderOfTheKey(t *testing.T) {
	srv, c := pair(t, nil)
	many(srv, 247)
	got := nums(t, c, odata.Query{})
	require.Len(t, got, 250)
	for i := range got[1:] {
		require.Less(t, got[i], got[i+1])
	}
	srv.ResetCalls()
	_ = nums(t, c, odata.Query{Filter: odata.Ge("VendorNum", 1000), OrderBy: []odata.Order{odata.Desc("VendorID")}})
	calls := srv.Calls()
	require.Len(t, calls, 3)
	q, err := url.ParseQuery(calls[1].Query)
	require.NoError(t, err)
	require.Equal(t, "VendorID desc,Company,VendorNum", q.Get("$orderby"))
	require.Equal(t, "100", q.Get("$top"))
	require.Equal(t, "100", q.Get("$skip"))
}

func TestAFullLastPageIsFollowedByAnEmptyOne(t *testing.T) {
	srv, c := pair(t, nil)
	many(srv, 97)
	srv.ResetCalls()
	require.Len(t, nums(t, c, odata.Query{}), 100)
	require.Len(t, srv.Calls(), 2)
}

func TestTopLimitsTheWholeListAndSkipIsCountedOnce(t *testing.T) {
	srv, c := pair(t, &epicor.Options{PageSize: 10})
	many(srv, 50)
	srv.ResetCalls()
	got := nums(t, c, odata.Query{Top: 25, Skip: 5, Filter: odata.Ge("VendorNum", 1000)})
	require.Len(t, got, 25)
	require.Equal(t, 1005, got[0])
	require.Equal(t, 1029, got[24])
	require.Len(t, srv.Calls(), 3)
}

func TestALoopThatStopsReadsNoFurtherPage(t *testing.T) {
	srv, c := pair(t, &epicor.Options{PageSize: 10})
	many(srv, 50)
	srv.ResetCalls()
	for _, err := range c.Vendors.List(t.Context(), odata.Query{}) {
		require.NoError(t, err)
		break
	}
	require.Len(t, srv.Calls(), 1)
}

func TestATokenContinuesAListInAnotherProcess(t *testing.T) {
	srv, c := pair(t, &epicor.Options{PageSize: 20})
	many(srv, 47)
	var got []int
	token := ""
	for {
		p, err := client(t, srv, nil).Vendors.ListPage(t.Context(), odata.Query{Top: 20, Count: true}, token)
		require.NoError(t, err)
		require.EqualValues(t, 50, p.Count)
		for _, v := range p.Items {
			got = append(got, v.VendorNum)
		}
		if token = p.Next; token == "" {
			break
		}
	}
	require.Equal(t, nums(t, c, odata.Query{}), got)
	for _, bad := range []string{"x", "s:-1", "s:a"} {
		_, err := c.Vendors.ListPage(t.Context(), odata.Query{}, bad)
		require.Error(t, err)
	}
}

// mocked is a client whose every GET is answered by the next of the bodies.
func mocked(t *testing.T, bodies ...string) (*epicor.Client, *[]string) {
	t.Helper()
	return mockedPaged(t, 0, bodies...)
}

// mockedPaged is mocked with a size of pages.
func mockedPaged(t *testing.T, size int, bodies ...string) (*epicor.Client, *[]string) {
	t.Helper()
	mock := httpmock.NewMockTransport()
	asked := &[]string{}
	mock.RegisterResponder(http.MethodGet, "=~.*", func(req *http.Request) (*http.Response, error) {
		*asked = append(*asked, req.URL.String())
		return httpmock.NewStringResponse(200, bodies[min(len(*asked), len(bodies))-1]), nil
	})
	c, err := epicor.NewClient("https://gate.example/k/api/v2/odata/EPIC06", credential(), &epicor.Options{HTTP: &http.Client{Transport: mock}, PageSize: size})
	require.NoError(t, err)
	return c, asked
}

func TestANextLinkIsTakenAtOurOwnAddress(t *testing.T) {
	c, asked := mocked(t,
		`{"value":[],"@odata.nextLink":"http://inner:8080/api/v2/odata/EPIC06/Erp.BO.VendorSvc/Vendors?$skiptoken=abc%2F1"}`,
		`{"value":[],"@odata.nextLink":"http://inner/x?$skiptoken=2"}`,
		`{"value":[{"Company":"EPIC06","VendorNum":2}]}`)
	require.Equal(t, []int{2}, nums(t, c, odata.Query{}), "a page may be empty and not the last")
	require.Equal(t, "https://gate.example/k/api/v2/odata/EPIC06/Erp.BO.VendorSvc/Vendors?$skiptoken=abc%2F1", (*asked)[1])
}

func TestALinkThatLeadsBackEndsTheList(t *testing.T) {
	c, _ := mocked(t, `{"value":[{"VendorNum":1}],"@odata.nextLink":"x?$skiptoken=1"}`)
	n := 0
	var last error
	for _, err := range c.Vendors.List(t.Context(), odata.Query{}) {
		n++
		last = err
		require.Less(t, n, 5)
	}
	require.Error(t, last)
}

func TestARowOfAnotherCompanyIsRefused(t *testing.T) {
	c, _ := mocked(t, `{"value":[{"Company":"EPIC06","VendorNum":1},{"Company":"EPIC07","VendorNum":2}]}`)
	_, err := c.Vendors.ListPage(t.Context(), odata.Query{}, "")
	require.ErrorContains(t, err, "EPIC07")
}

func TestAnAnswerThatIsNoListIsAnError(t *testing.T) {
	for _, body := range []string{`<html>`, `{}`, `[]`, `{"value":null}`, `{"value":[1]}`, `{"value":[{"VendorNum":"x"}]}`} {
		c, _ := mocked(t, body)
		_, err := c.Vendors.ListPage(t.Context(), odata.Query{}, "")
		var e *epicor.Error
		require.ErrorAs(t, err, &e, body)
	}
}

func TestGetReadsARowByItsKey(t *testing.T) {
	_, c := pair(t, nil)
	v, err := c.Vendors.Get(t.Context(), 7)
	require.NoError(t, err)
	require.Equal(t, "Acme O'Neil & Sons", v.Name)
	_, err = c.Vendors.Get(t.Context(), 4711)
	require.ErrorIs(t, err, epicor.ErrNotFound)
	_, err = c.Vendors.Get(t.Context(), 7, 8)
	require.Error(t, err)
}

func TestAKeyThatCannotStandInAPathIsLookedUp(t *testing.T) {
	srv, c := pair(t, nil)
	srv.AddSegments(company, epicortest.SegmentValue{Segment: 2, Code: "A/B%#?'", Name: "odd"})
	v, err := c.SegmentValues.Get(t.Context(), "MAIN", 2, "A/B%#?'")
	require.NoError(t, err)
	require.Equal(t, "odd", v.Name)
	_, err = c.SegmentValues.Get(t.Context(), "MAIN", 2, "A/B")
	require.ErrorIs(t, err, epicor.ErrNotFound)
	a, err := c.GLAccounts.Get(t.Context(), "MAIN", "6410|200|00")
	require.NoError(t, err)
	require.Equal(t, []string{"6410", "200", "00"}, a.Segments)
	require.True(t, a.Active)
}

func TestColumnsWithoutAFieldStayInExtra(t *testing.T) {
	c, _ := mocked(t, `{"value":[{"@odata.etag":"x","VendorNum":1,"Name":"N","Week1Pymt_c":10.00000000,"PEDocumentID":null}]}`)
	p, err := c.Vendors.ListPage(t.Context(), odata.Query{}, "")
	require.NoError(t, err)
	require.Len(t, p.Items[0].Extra, 2)
	require.Equal(t, "10.00000000", string(p.Items[0].Extra["Week1Pymt_c"]))
	require.Equal(t, "null", string(p.Items[0].Extra["PEDocumentID"]))
}

func TestAnAccountIsReadFromEitherNameOfItsColumn(t *testing.T) {
	for _, name := range []string{"GLAccount1", "GLAccount"} {
		c, _ := mocked(t, `{"value":[{"`+name+`":"1|2","SegValue1":"1","SegValue2":"2","SegValue3":"","EffTo":"2026-10-29T00:00:00"}]}`)
		p, err := c.GLAccounts.ListPage(t.Context(), odata.Query{}, "")
		require.NoError(t, err)
		a := p.Items[0]
		require.Equal(t, "1|2", a.Account)
		require.Equal(t, []string{"1", "2"}, a.Segments)
		require.Equal(t, "2026-10-29", a.EffTo.String())
		require.Empty(t, a.Extra)
	}
}

func TestAnyEntitySetCanBeRead(t *testing.T) {
	_, c := pair(t, nil)
	type currency struct {
		Code string `json:"CurrencyCode"`
	}
	set := epicor.NewEntities[currency](c, "Erp.BO.CurrencySvc", "Currencies", "Company", "CurrencyCode")
	v, err := set.Get(t.Context(), "USD")
	require.NoError(t, err)
	require.Equal(t, "USD", v.Code)
}

func TestChildrenComeWithTheirRowsWhenTheyAreAskedFor(t *testing.T) {
	_, c := pair(t, &epicor.Options{PageSize: 2})
	in := meal(t)
	for _, n := range []string{"1", "2", "3"} {
		in.Number, in.Key = "N-"+n, n+in.Key[1:]
		_, err := c.APInvoices.Create(t.Context(), in)
		require.NoError(t, err)
	}
	type row struct {
		Company    string
		VendorNum  int
		InvoiceNum string
		APInvDtls  []struct{ DocExtCost epicor.Decimal }
	}
	whole := epicor.NewEntities[row](c, "Erp.BO.APInvoiceSvc", "APInvoices", "Company", "VendorNum", "InvoiceNum")
	n := 0
	for inv, err := range whole.List(t.Context(), odata.Query{Expand: []string{"APInvDtls"}, Select: []string{"InvoiceNum"}}) {
		require.NoError(t, err)
		require.Len(t, inv.APInvDtls, 3)
		require.Equal(t, "120.10", inv.APInvDtls[0].DocExtCost.String())
		n++
	}
	require.Equal(t, 3, n)
}

// Whatever text a filter holds, the server compares with that very text, and a
// key with it finds its row.
func FuzzAFilterReachesTheServerUnchanged(f *testing.F) {
	srv := epicortest.New(options())
	c, err := epicor.NewClient(srv.Root(company), credential(), &epicor.Options{AllowHTTP: true, HTTP: srv.Client()})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{
		"O'Neil", "''", "%27", "%", "a&b=c", "ü€", "\U0001f600", "e\u0301", "50% + 1", "\x00", "\x01\t\r\n\x7f", "\u2028", "' or true or '",
		"#?/\\", "..", " ", "null", "true", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "2026-10-30T00:00:00Z", "$filter",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if id == "" || odata.Eq("VendorID", id).Err() != nil {
			return
		}
		srv.AddVendors(company, epicortest.Vendor{Num: 5, ID: id, Name: "it"}, epicortest.Vendor{Num: 6, ID: id + "x", Name: "other"})
		for _, filter := range []odata.Filter{
			odata.Eq("VendorID", id), odata.Not(odata.Ne("VendorID", id)), odata.In("VendorID", id, id+"y"),
			odata.And(odata.Ge("VendorID", id), odata.Le("VendorID", id), odata.Not(odata.Gt("VendorID", id)), odata.Not(odata.Lt("VendorID", id))),
			odata.And(odata.StartsWith("VendorID", id), odata.EndsWith("VendorID", id), odata.Contains("VendorID", id), odata.Not(odata.Eq("VendorID", id+"x"))),
		} {
			p, err := c.Vendors.ListPage(t.Context(), odata.Query{Filter: filter}, "")
			require.NoError(t, err, filter.String())
			require.Len(t, p.Items, 1, filter.String())
			require.Equal(t, "it", p.Items[0].Name)
			require.Equal(t, id, p.Items[0].VendorID)
		}
		srv.AddSegments(company, epicortest.SegmentValue{Segment: 2, Code: id, Name: "it"}, epicortest.SegmentValue{Segment: 2, Code: id + "x", Name: "other"})
		v, err := c.SegmentValues.Get(t.Context(), "MAIN", 2, id)
		require.NoError(t, err)
		require.Equal(t, id, v.Code)
	})
}

package epicor_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/epicor/odata"
)

// Numbers and dates are compared by the server with the very value.
func FuzzNumbersAndDatesReachTheServerUnchanged(f *testing.F) {
	o := options()
	o.Companies[0].UDColumns["Vendor"] = map[string]any{"Sum_c": decimal.Zero, "Day_c": epicortest.Date{}}
	srv := epicortest.New(o)
	c, err := epicor.NewClient(srv.Root(company), credential(), &epicor.Options{AllowHTTP: true, HTTP: srv.Client()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(int64(1), int64(-1210), int32(2), 2026, 10, 30)
	f.Add(int64(1<<31), int64(1<<62), int32(20), 1, 1, 1)
	f.Add(int64(-7), int64(0), int32(0), 9999, 12, 31)
	f.Fuzz(func(t *testing.T, num, digits int64, scale int32, year, month, day int) {
		if num < 1 || num > 1<<31 || scale < 0 || scale > 20 || year < 1 || year > 9999 {
			return
		}
		on, err := epicor.ParseDate(epicor.Date{Year: year, Month: 1, Day: 1}.String())
		if err != nil || on.IsZero() || month < 1 || month > 12 || day < 1 || day > 28 {
			return
		}
		on = epicor.DateOf(on.Time().AddDate(0, month-1, day-1))
		sum := decimal.New(digits, -scale)
		srv.AddVendors(company, epicortest.Vendor{Num: int(num), ID: "IT", UD: map[string]any{"Sum_c": sum, "Day_c": on}})
		defer srv.RemoveVendors(company, int(num))
		for _, filter := range []odata.Filter{
			odata.Eq("VendorNum", num), odata.Eq("Sum_c", sum), odata.Eq("Day_c", on),
			odata.And(odata.Ge("Sum_c", sum), odata.Le("Sum_c", sum), odata.Not(odata.Ne("Sum_c", sum))),
			odata.And(odata.Ge("Day_c", on), odata.Le("Day_c", on), odata.Not(odata.Lt("Day_c", on))),
			odata.Or(odata.Gt("VendorNum", num), odata.In("VendorNum", num, num+1)),
		} {
			p, err := c.Vendors.ListPage(t.Context(), odata.Query{Filter: odata.And(odata.Eq("VendorID", "IT"), filter)}, "")
			require.NoError(t, err, filter.String())
			require.Len(t, p.Items, 1, filter.String())
		}
	})
}

// answering is a client whose every call is answered by body.
func answering(tb testing.TB, body *string) *epicor.Client {
	tb.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(http.MethodGet, "=~.*", func(*http.Request) (*http.Response, error) {
		return httpmock.NewStringResponse(http.StatusOK, *body), nil
	})
	c, err := epicor.NewClient("https://k.example/api/v2/odata/EPIC06", credential(), &epicor.Options{HTTP: &http.Client{Transport: mock}})
	require.NoError(tb, err)
	return c
}

// Whatever a server answers to a list, it is an error or rows of our company, and
// the list ends.
func FuzzAListAnswerIsRowsOrAnError(f *testing.F) {
	body := ""
	c := answering(f, &body)
	for _, s := range []string{
		`{"value":[{"Company":"EPIC06","VendorNum":1}]}`, `{"value":[]}`, `{"value":[null]}`, `{"value":null}`, `[]`, ``, `{"value":[{"Company":"X"}]}`,
		`{"value":[{"Company":"EPIC06","VendorNum":1}],"@odata.nextLink":"?$skip=1"}`, `{"value":[{}],"@odata.nextLink":"%%%"}`, `{"value":[1,"a",{"VendorNum":"x"}]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		body = s
		n := 0
		for v, err := range c.Vendors.List(t.Context(), odata.Query{Top: 500}) {
			if err != nil {
				break
			}
			require.NotNil(t, v)
			require.True(t, v.Company == "" || v.Company == company)
			if n++; n > 500 {
				t.Fatal("more rows than were asked for")
			}
		}
	})
}

func FuzzMetadataIsColumnsOrAnError(f *testing.F) {
	body := ""
	c := answering(f, &body)
	for _, s := range []string{"", "<a>", `<Edmx><DataServices><Schema Namespace="a"><EntityType Name="b" BaseType="a.b"/><EntityContainer><EntitySet Name="APInvoices" EntityType="a.b"/></EntityContainer></Schema></DataServices></Edmx>`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		body = s
		_, err := c.Verify(t.Context())
		if !strings.Contains(s, "DocInvoiceVendorAmt") {
			require.Error(t, err)
		}
	})
}

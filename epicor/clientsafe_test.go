package epicor_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/epicor/odata"
)

// capped is a server that gives at most so many rows at a time and says by
// $skiptoken where the rest of what was asked for begins, as far as $top reaches.
func capped(t *testing.T, total, limit int, opts epicor.Options) *epicor.Client {
	t.Helper()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		top, _ := strconv.Atoi(q.Get("$top"))
		from, _ := strconv.Atoi(q.Get("$skip"))
		if f, ok := strings.CutPrefix(q.Get("$filter"), "VendorNum gt "); ok {
			n, _ := strconv.Atoi(f)
			from += n
		}
		if s := q.Get("$skiptoken"); s != "" {
			from, _ = strconv.Atoi(s)
		}
		n := max(min(top, limit, total-from), 0)
		rows := make([]string, n)
		for i := range n {
			rows[i] = fmt.Sprintf(`{"Company":"EPIC06","VendorNum":%d}`, from+i+1)
		}
		link := ""
		if top > n && from+n < total {
			v := url.Values{"$top": {strconv.Itoa(top - n)}, "$skiptoken": {strconv.Itoa(from + n)}}
			link = `,"@odata.nextLink":"https://inner/Vendors?` + v.Encode() + `"`
		}
		_, _ = io.WriteString(w, `{"value":[`+strings.Join(rows, ",")+`]`+link+`}`)
	}))
	t.Cleanup(h.Close)
	opts.AllowHTTP = true
	c, err := epicor.NewClient(h.URL+"/api/v2/odata/EPIC06", credential(), &opts)
	require.NoError(t, err)
	return c
}

// upTo are the numbers from 1 on.
func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i + 1
	}
	return out
}

func TestAServerThatCapsPagesBelowTheirSizeIsReadToTheEndOnce(t *testing.T) {
	for _, bySkip := range []bool{false, true} {
		for _, total := range []int{0, 1, 49, 50, 51, 99, 100, 101, 149, 150, 1000} {
			c := capped(t, total, 50, epicor.Options{BySkip: bySkip})
			got := nums(t, c, odata.Query{})
			require.Len(t, got, total, "by skip %t", bySkip)
			require.ElementsMatch(t, upTo(total), got, "by skip %t", bySkip)
		}
	}
}

func TestATopIsNeverExceededWhateverTheLinksSay(t *testing.T) {
	for _, bySkip := range []bool{false, true} {
		for _, top := range []int{1, 50, 120, 333} {
			c := capped(t, 1000, 50, epicor.Options{BySkip: bySkip})
			require.Equal(t, upTo(top), nums(t, c, odata.Query{Top: top}), "by skip %t", bySkip)
		}
	}
}

func TestAPageOfALinkIsNotReadASecondTimeByKeyOrBySkip(t *testing.T) {
	// The first page ends in a link without a $top, the second is full and the last.
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		from, _ := strconv.Atoi(q.Get("$skip"))
		if i := strings.Index(q.Get("$filter"), "VendorNum gt "); i >= 0 {
			from, _ = strconv.Atoi(q.Get("$filter")[i+len("VendorNum gt "):])
		}
		link := ""
		if q.Get("$skiptoken") != "" {
			from = 100
		} else if from == 0 {
			link = `,"@odata.nextLink":"https://inner/Vendors?$skiptoken=100"`
		}
		var rows []string
		for i := from; i < min(from+100, 200); i++ {
			rows = append(rows, fmt.Sprintf(`{"Company":"EPIC06","VendorNum":%d}`, i+1))
		}
		_, _ = io.WriteString(w, `{"value":[`+strings.Join(rows, ",")+`]`+link+`}`)
	}))
	t.Cleanup(h.Close)
	for _, bySkip := range []bool{false, true} {
		c, err := epicor.NewClient(h.URL+"/api/v2/odata/EPIC06", credential(), &epicor.Options{AllowHTTP: true, BySkip: bySkip})
		require.NoError(t, err)
		require.Equal(t, upTo(200), nums(t, c, odata.Query{}), "by skip %t", bySkip)
	}
}

func TestATokenOfALinkIsTakenByAnotherProcess(t *testing.T) {
	c := capped(t, 130, 50, epicor.Options{BySkip: true})
	var got []int
	for token, n := "", 0; ; n++ {
		require.Less(t, n, 10)
		p, err := c.Vendors.ListPage(t.Context(), odata.Query{}, token)
		require.NoError(t, err)
		for _, v := range p.Items {
			got = append(got, v.VendorNum)
		}
		if token = p.Next; token == "" {
			break
		}
	}
	require.Equal(t, upTo(130), got)
	for _, bad := range []string{"l:", "l:x", "l:1,2,3:q", "l:0,1,2,-3:q", "l:-2,1,2,3:q", "l:0,1,2,3:"} {
		_, err := c.Vendors.ListPage(t.Context(), odata.Query{}, bad)
		require.ErrorContains(t, err, "no token", bad)
	}
}

func TestACallThatIsRepeatedAfterASessionEndedHasItsBody(t *testing.T) {
	for _, path := range []string{"/ChangeVendorID", "/LockAPGroup", "/UnlockAPGroup", "/GetNewAPInvHedInvoice"} {
		srv, c := pair(t, nil)
		f := vendors(http.StatusGone, "Ice.Common.InvalidSessionException", "The session is no longer valid.")
		f.Path = path
		srv.Inject(f)
		inv, err := c.APInvoices.Create(t.Context(), meal(t))
		require.NoError(t, err, path)
		require.Empty(t, inv.Warnings, path)
		require.Empty(t, srv.Locks(company), path)
	}
}

func TestABlockedSupplierIsNoLockedRow(t *testing.T) {
	e := &epicor.Error{Status: 400, Type: "Ice.Common.BusinessObjectException", Message: "Supplier ACME is blocked for payment."}
	require.False(t, e.Retryable())
	require.ErrorIs(t, e, epicor.ErrInvalid)
	e.Message = "Group CX261030U is locked by user anna."
	require.True(t, e.Concurrent())
}

func TestDiffSeesAnotherTaxOfTheSameAmount(t *testing.T) {
	_, c := pair(t, nil)
	in := meal(t)
	inv, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	d := func(s string) epicor.Decimal { v, _ := epicor.ParseDecimal(s); return v }
	in.Taxes = []epicor.APInvoiceTaxInput{{Code: "VAT-IN", Rate: "STD", Amount: dec("10.00")}}
	inv.Tax, inv.VendorAmount = d("10"), d("143.43")
	inv.Taxes = []epicor.APInvoiceTax{{Code: "VAT-IN", Rate: "STD", Amount: d("10.0")}, {Code: "CITY", Amount: d("0")}}
	require.Empty(t, in.Diff(inv))
	for name, taxes := range map[string][]epicor.APInvoiceTax{
		"code":  {{Code: "OTHER", Rate: "STD", Amount: d("10")}},
		"rate":  {{Code: "VAT-IN", Rate: "RED", Amount: d("10")}},
		"two":   {{Code: "VAT-IN", Rate: "STD", Amount: d("9")}, {Code: "OTHER", Rate: "STD", Amount: d("1")}},
		"none":  nil,
		"above": {{Code: "VAT-IN", Rate: "STD", Amount: d("10")}, {Code: "A", Amount: d("1")}, {Code: "B", Amount: d("-1")}},
	} {
		inv.Taxes = taxes
		require.NotEmpty(t, in.Diff(inv), name)
	}
	inv.Taxes = []epicor.APInvoiceTax{{Code: "VAT-IN", Rate: "STD", Amount: d("10")}, {Code: "RC", Amount: d("1")}, {Code: "RC", Amount: d("-1")}}
	require.Empty(t, in.Diff(inv), "a reverse charge is nothing")
}

func TestDiffSeesAnotherReleaseQuantityOrderAndPeriod(t *testing.T) {
	_, c := pair(t, nil)
	in := meal(t)
	inv, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	q, err := epicor.ParseDecimal("5.00")
	require.NoError(t, err)
	in.Lines[0].Ordered = &epicor.APInvoiceOrderInput{Order: 7, Line: 1, Unreceived: true, Release: 2, Quantity: dec("5")}
	in.Order, in.FiscalYear, in.FiscalPeriod = 7, 2026, 10
	l := &inv.Lines[0]
	l.Order, l.OrderLine, l.Release, l.Quantity, inv.Order = 7, 1, 2, q, 7
	require.Empty(t, in.Diff(inv))
	require.Empty(t, in.Conflicts(inv))
	for name, spoil := range map[string]func(*epicor.APInvoice){
		"release":  func(i *epicor.APInvoice) { i.Lines[0].Release = 1 },
		"quantity": func(i *epicor.APInvoice) { i.Lines[0].Quantity, _ = epicor.ParseDecimal("99") },
		"order":    func(i *epicor.APInvoice) { i.Order = 8 },
		"year":     func(i *epicor.APInvoice) { i.FiscalYear = 2025 },
		"period":   func(i *epicor.APInvoice) { i.FiscalPeriod = 9 },
	} {
		got := *inv
		got.Lines = append([]epicor.APInvoiceLine(nil), inv.Lines...)
		spoil(&got)
		require.NotEmpty(t, in.Diff(&got), name)
		require.NotEmpty(t, in.Conflicts(&got), name)
	}
}

func TestNothingIsCommittedIntoAnotherPeriodThanWasGiven(t *testing.T) {
	srv, c := pair(t, nil)
	in := meal(t)
	in.FiscalYear, in.FiscalPeriod = 2026, 11
	_, err := c.APInvoices.Create(t.Context(), in)
	require.ErrorIs(t, err, epicor.ErrDiffers)
	require.Empty(t, srv.Invoices(company))
}

func TestChangesOfSelectedColumnsAreReadToTheEnd(t *testing.T) {
	srv, c := pair(t, &epicor.Options{PageSize: 10})
	many(srv, 50)
	cursor, n := "", 0
	for {
		p, err := c.Vendors.Changes(t.Context(), epicor.RowVersion, odata.Query{Select: []string{"VendorID"}}, cursor)
		require.NoError(t, err)
		n += len(p.Items)
		if cursor = p.Next; !p.More {
			break
		}
	}
	require.Equal(t, 53, n)
}

func TestAScanOfSelectedColumnsTellsItsRowsApart(t *testing.T) {
	srv, c := pair(t, &epicor.Options{PageSize: 10, BySkip: true})
	many(srv, 50)
	s, err := c.Vendors.Scan(t.Context(), odata.Query{Select: []string{"Name"}}, nil)
	require.NoError(t, err)
	require.Len(t, s.Changed, 53)
}

func TestANameThatLeadsElsewhereIsNotFollowedWithTheCredential(t *testing.T) {
	asked := 0
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = io.WriteString(w, `{"value":[]}`)
	}))
	defer h.Close()
	host := strings.TrimPrefix(h.URL, "http:")
	c, err := epicor.NewClient(h.URL+"/api/v2/odata/EPIC06", credential(), &epicor.Options{AllowHTTP: true, Tries: 1})
	require.NoError(t, err)
	for _, service := range []string{h.URL, host, "/", "..", "../../other", "", "Erp.BO.X?a=b", "Erp.BO.X#", "Erp BO"} {
		_, err = c.Call(t.Context(), service, "UpdateMaster", nil)
		require.Error(t, err, service)
		_, err = c.Compute(t.Context(), service, "GetNew", nil)
		require.Error(t, err, service)
		_, err = c.Read(t.Context(), service, "GetByID", nil)
		require.Error(t, err, service)
		for _, err := range epicor.NewEntities[map[string]json.RawMessage](c, service, "Vendors", "Company", "VendorNum").List(t.Context(), odata.Query{}) {
			require.Error(t, err, service)
		}
	}
	for _, method := range []string{"", "..", "../UpdateMaster", "A/B", "A?b", "A%2fB", h.URL} {
		_, err = c.Call(t.Context(), "Erp.BO.APInvoiceSvc", method, nil)
		require.Error(t, err, method)
	}
	require.Zero(t, asked)
}

func TestNoErrorHoldsTheTokenThatWasSent(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := r.Header.Get("Authorization") + " " + r.Header.Get("x-api-key")
		w.WriteHeader(http.StatusBadRequest)
		b, _ := json.Marshal(map[string]any{
			"ErrorType": "T " + said, "ErrorMessage": "IDX10223: token " + said + " expired", "CorrelationId": said,
			"ErrorDetails": []map[string]string{{"Message": said, "Type": said, "Program": said, "Method": said, "Table": said, "Field": said}},
		})
		_, _ = w.Write(b)
	}))
	defer h.Close()
	for secret, cred := range map[string]epicor.Credential{
		"tok-en": epicor.Bearer("key-1", epicor.StaticToken("tok-en")), "dXNlcjpwYXNz": epicor.Basic("key-1", "user", "pass"),
	} {
		c, err := epicor.NewClient(h.URL+"/api/v2/odata/EPIC06", cred, &epicor.Options{AllowHTTP: true})
		require.NoError(t, err)
		_, err = c.Call(t.Context(), "S", "M", nil)
		text := fmt.Sprintf("%v %+v", err, err)
		var e *epicor.Error
		require.ErrorAs(t, err, &e)
		text += fmt.Sprintf("%+v", *e)
		require.NotContains(t, text, secret)
		require.NotContains(t, text, "key-1")
	}
}

func TestATokenThatWasNotFetchedInTimeIsTheCallersOwnEnd(t *testing.T) {
	srv := epicortest.New(nil)
	tokens, err := epicor.ClientCredentials(srv.IdentityURL(), "app", "a secret", &epicor.ClientCredentialsOptions{HTTP: srv.Client(), AllowHTTP: true})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = tokens.Token(ctx, "")
	require.ErrorIs(t, err, context.Canceled)
	c, err := epicor.NewClient(srv.Root(company), epicor.Bearer(epicortest.DefaultAPIKey, slowTokens{tokens}), &epicor.Options{AllowHTTP: true, HTTP: srv.Client()})
	require.NoError(t, err)
	_, err = c.Call(t.Context(), "S", "M", nil)
	require.ErrorIs(t, err, context.Canceled)
}

// slowTokens asks for each token with a context that has ended.
type slowTokens struct{ epicor.TokenSource }

func (s slowTokens) Token(ctx context.Context, spent epicor.Secret) (epicor.Token, error) {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	return s.TokenSource.Token(ended, spent)
}

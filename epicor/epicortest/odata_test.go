package epicortest_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

const vendors = "Erp.BO.VendorSvc/Vendors"

func value(t *testing.T, m record) []record {
	t.Helper()
	return rows(t, m, "value")
}

func column(t *testing.T, m record, name string) []string {
	t.Helper()
	out := []string{}
	for _, r := range value(t, m) {
		out = append(out, fmt.Sprint(r[name]))
	}
	return out
}

func (k *kit) many(n int) {
	k.t.Helper()
	for i := range n {
		k.srv.AddVendors(co, epicortest.Vendor{Num: 1000 + i, ID: "V" + strconv.Itoa(i)})
	}
}

func TestAListWithoutTopEndsSilentlyAfter100Rows(t *testing.T) {
	k := newKit(t, nil)
	k.many(150)
	m := k.get(200, vendors)
	require.Len(t, value(t, m), 100)
	require.NotContains(t, m, "@odata.nextLink")
	require.NotContains(t, m, "@odata.count")
	require.Len(t, value(t, k.get(200, vendors, "$top", "1000")), 152)
	require.Equal(t, json.Number("152"), k.get(200, vendors, "$count", "true")["@odata.count"])
}

// pages reads all vendors in pages of 100 and returns how many different ones came.
func (k *kit) pages(query ...string) (read, different int) {
	k.t.Helper()
	seen := map[string]bool{}
	for skip := 0; ; skip += 100 {
		q := append([]string{"$top", "100", "$skip", strconv.Itoa(skip)}, query...)
		ids := column(k.t, k.get(200, vendors, q...), "VendorNum")
		read += len(ids)
		for _, id := range ids {
			seen[id] = true
		}
		if len(ids) < 100 {
			return read, len(seen)
		}
	}
}

func TestPagingWithoutAnOrderLosesAndDoublesRows(t *testing.T) {
	k := newKit(t, nil)
	k.many(250)
	read, different := k.pages()
	require.Equal(t, 252, read)
	require.Less(t, different, 252)
}

func TestPagingInOrderGivesEveryRowOnce(t *testing.T) {
	k := newKit(t, nil)
	k.many(250)
	read, different := k.pages("$orderby", "VendorNum desc")
	require.Equal(t, 252, read)
	require.Equal(t, 252, different)
}

func TestFilterKeepsTheRowsThatItMeans(t *testing.T) {
	k := newKit(t, nil)
	k.srv.AddVendors(co, epicortest.Vendor{Num: 50, ID: "O'NEIL", Name: "O'Neil, (Bros) and Co", PayHold: true, Country: "IE"})
	k.srv.AddPeriods(co, epicortest.Period{Year: 2026, Number: 10, Start: date(2026, 10, 1), End: date(2026, 10, 31)})
	for _, c := range []struct{ filter, want string }{
		{"VendorNum eq 42", "42"},
		{"VendorNum ne 42", "43 50"},
		{"VendorNum gt 42 and VendorNum le 50", "43 50"},
		{"VendorNum lt 43 or VendorNum ge 50", "42 50"},
		{"VendorNum gt 42.5", "43 50"},
		{"VendorNum eq 42 or VendorNum eq 43 and Inactive eq false", "42"},
		{"(VendorNum eq 42 or VendorNum eq 43) and Inactive eq true", "43"},
		{"not Inactive", "42 50"},
		{"not (VendorNum eq 42) and not (VendorNum eq 43)", "50"},
		{"PayHold", "50"},
		{"Name eq 'O''Neil, (Bros) and Co'", "50"},
		{"VendorID eq 'acme'", ""},
		{"startswith(Name,'Acme')", "42"},
		{"endswith(Name,'Sons')", "43"},
		{"contains(Name,' & ')", "43"},
		{"contains(tolower(Name),'acme')", "42"},
		{"startswith(Name,'Acme') eq false", "43 50"},
		{"length(VendorID) eq 3", "43"},
		{"Name ne null and Country eq ''", "42 43"},
		{"SysRevID gt 0", "42 43 50"},
		{"Region_c eq 'north'", "42 43 50"},
	} {
		got := column(t, k.get(200, vendors, "$filter", c.filter, "$orderby", "VendorNum"), "VendorNum")
		require.Equal(t, c.want, strings.Join(got, " "), c.filter)
	}
	for _, c := range []struct{ filter, want string }{
		{"EffTo eq null", "6410|200|00 6420|200|00 6430|200|00 9999|000|00"},
		{"EffTo ne null", "6440|200|00"},
		{"EffTo ge 2026-09-30T00:00:00Z", "6440|200|00"},
		{"EffTo gt 2026-09-30", ""},
		{"EffTo lt 2026-10-01 and Active", "6440|200|00"},
		{"GLAccount1 eq '6410|200|00'", "6410|200|00"},
	} {
		got := column(t, k.get(200, "Erp.BO.GLAccountSvc/GLAccounts", "$filter", c.filter, "$orderby", "GLAccount1"), "GLAccount1")
		require.Equal(t, c.want, strings.Join(got, " "), c.filter)
	}
	id := fmt.Sprint(value(t, k.get(200, vendors, "$filter", "VendorNum eq 42"))[0]["SysRowID"])
	require.Equal(t, []string{"42"}, column(t, k.get(200, vendors, "$filter", "SysRowID eq "+strings.ToUpper(id)), "VendorNum"))
}

func TestMalformedQueriesAreRefusedAsODataErrors(t *testing.T) {
	k := newKit(t, nil)
	for _, q := range [][]string{
		{"$filter", "VendorNum eq"},
		{"$filter", "VendorNum = 42"},
		{"$filter", "VendorNum eq '42'"},
		{"$filter", "VendorID eq 42"},
		{"$filter", "VendorID eq 'x"},
		{"$filter", "(VendorNum eq 42"},
		{"$filter", "VendorNum eq 42)"},
		{"$filter", "VendorNum"},
		{"$filter", "Nothing eq 1"},
		{"$filter", "VendorNum in (42,43)"},
		{"$filter", "substringof('a',Name)"},
		{"$filter", "startswith(Name)"},
		{"$filter", "VendorNum eq 42 VendorNum"},
		{"$filter", "EffTo eq datetime'2026-01-01'"},
		{"$filter", ""},
		{"$filter", strings.Repeat("(", 200) + "PayHold" + strings.Repeat(")", 200)},
		{"$filter", strings.Repeat("not ", 200) + "PayHold"},
		{"$select", "VendorNum,Nothing"},
		{"$orderby", "Nothing"},
		{"$orderby", "VendorNum up"},
		{"$top", "-1"},
		{"$skip", "ten"},
		{"$count", "yes"},
		{"$inlinecount", "allpages"},
		{"$expand", "Nothing"},
	} {
		e := k.get(400, vendors, q...)
		require.Equal(t, "Microsoft.OData.ODataException", e["ErrorType"], q)
	}
}

func TestAForgottenDollarIsIgnored(t *testing.T) {
	k := newKit(t, nil)
	require.Len(t, value(t, k.get(200, vendors, "filter", "VendorNum eq 42")), 2)
}

func TestSelectGivesTheAskedColumnsAlone(t *testing.T) {
	k := newKit(t, nil)
	r := value(t, k.get(200, vendors, "$select", "VendorNum,Name", "$filter", "VendorNum eq 42"))[0]
	require.Equal(t, record{"VendorNum": json.Number("42"), "Name": "Acme Ltd"}, r)
}

func TestKeyFormFindsOneRow(t *testing.T) {
	k := newKit(t, nil)
	k.srv.AddGroups(co, epicortest.Group{ID: "it's 1/2"})
	require.Equal(t, "ACME", k.get(200, "Erp.BO.VendorSvc/Vendors('EPIC06',42)")["VendorID"])
	require.Equal(t, "ACME", k.get(200, "Erp.BO.VendorSvc/Vendors(Company='EPIC06',VendorNum=42)", "$select", "VendorID")["VendorID"])
	require.Equal(t, "it's 1/2", k.get(200, groups+"APInvGrps("+url.PathEscape("'EPIC06','it''s 1/2'")+")")["GroupID"])
	for path, status := range map[string]int{
		"Erp.BO.VendorSvc/Vendors('EPIC06',41)":       404,
		"Erp.BO.VendorSvc/Vendors('EPIC07',42)":       400,
		"Erp.BO.VendorSvc/Vendors('EPIC06')":          400,
		"Erp.BO.VendorSvc/Vendors('EPIC06','42')":     400,
		"Erp.BO.VendorSvc/Vendors('EPIC06',42,1)":     400,
		"Erp.BO.VendorSvc/Vendors(VendorNum=42)":      400,
		"Erp.BO.VendorSvc/Nothing":                    404,
		"Erp.BO.NothingSvc/Vendors":                   404,
		"Erp.BO.VendorSvc":                            404,
		"Erp.BO.VendorSvc/Vendors('EPIC06',42)/Other": 404,
	} {
		k.get(status, path)
	}
}

func TestCompaniesAreKeptApart(t *testing.T) {
	k := newKit(t, nil)
	k.srv.AddCompany(epicortest.Company{ID: "EPIC07", Vendors: []epicortest.Vendor{{Num: 42, ID: "OTHER"}}})
	k.company = "EPIC07"
	require.Equal(t, []string{"OTHER"}, column(t, k.get(200, vendors), "VendorID"))
	k.company = "EPIC08"
	k.get(404, vendors)
}

func TestInvoiceChildrenAreReadByEveryRoad(t *testing.T) {
	k := newKit(t, nil)
	k.group("G1")
	k.invoice("INV-1", "10")
	k.invoice("INV-2", "20")
	key := invoices + "APInvoices('EPIC06',42,'INV-2')"
	flat := value(t, k.get(200, invoices+"APInvDtls", "$filter", "InvoiceNum eq 'INV-2'"))
	require.Len(t, flat, 1)
	require.Equal(t, flat, value(t, k.get(200, key+"/APInvDtls")))
	require.Equal(t, json.Number("20"), k.get(200, invoices+"APInvDtls('EPIC06',42,'INV-2',1)")["DocExtCost"])
	deep := k.get(200, key, "$expand", "APInvDtls($select=InvoiceLine;$expand=APInvExps($expand=APInvExpTGLCs($select=GLAccount,SegValue2)))")
	line := rows(t, deep, "APInvDtls")[0]
	require.Equal(t, json.Number("1"), line["InvoiceLine"])
	require.NotContains(t, line, "DocExtCost")
	exp := rows(t, line, "APInvExps")[0]
	require.Equal(t, json.Number("20"), exp["DocExpAmt"])
	require.Equal(t, []record{{"GLAccount": "6410|200|00", "SegValue2": "200"}}, rows(t, exp, "APInvExpTGLCs"))
}

func TestDatesComeWithAMidnightClock(t *testing.T) {
	k := newKit(t, nil)
	r := value(t, k.get(200, "Erp.BO.GLAccountSvc/GLAccounts", "$filter", "EffTo ne null"))[0]
	require.Equal(t, "2026-09-30T00:00:00", r["EffTo"])
	require.Nil(t, r["EffFrom"])
}

func TestVersionsGrowWithEveryChangeInTheDatabase(t *testing.T) {
	k := newKit(t, nil)
	before := column(t, k.get(200, vendors, "$orderby", "SysRevID desc", "$top", "1"), "SysRevID")[0]
	k.srv.AddVendors(co, epicortest.Vendor{Num: 43, ID: "OLD"})
	got := column(t, k.get(200, vendors, "$filter", "SysRevID gt "+before), "VendorNum")
	require.Equal(t, []string{"43"}, got)
}

func TestSegmentValuesCurrenciesAndPeriodsCanBeRead(t *testing.T) {
	k := newKit(t, nil)
	k.srv.AddSegments(co, epicortest.SegmentValue{Segment: 2, Code: "300", Name: "Sales", Inactive: true})
	k.srv.AddPeriods(co, epicortest.Period{Year: 2026, Number: 10, Start: date(2026, 10, 1), End: date(2026, 10, 31)})
	codes := column(t, k.get(200, "Erp.BO.COASegValuesSvc/COASegValues", "$filter", "SegmentNbr eq 2 and ActiveFlag", "$orderby", "SegmentCode"), "SegmentCode")
	require.Equal(t, []string{"000", "200"}, codes)
	cur := column(t, k.get(200, "Erp.BO.CurrencySvc/Currencies"), "CurrencyCode")
	slices.Sort(cur)
	require.Equal(t, []string{"EUR", "USD"}, cur)
	require.Len(t, value(t, k.get(200, "Erp.BO.FiscalCalSvc/FiscalPers", "$filter", "FiscalYear eq 2026")), 1)
}

// FuzzFilter holds two things about any text: a filter is answered 200 or refused
// as an OData error, never otherwise, and a text that is quoted finds the vendor
// of that name and no other.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		"VendorNum eq 42", "not (startswith(Name,'a') or contains(Name,'''')) and VendorNum gt -1.5e3",
		"O'Neil", "a''b", "(", "'", "%27", "null", "\u00e9\x00\xff", "EffTo eq 2026-01-01", "toupper(Name) eq 'X'", "50% & more",
	} {
		f.Add(s)
	}
	srv := epicortest.New(&epicortest.Options{Now: now})
	client := srv.Client()
	ask := func(t *testing.T, filter string) (int, []byte) {
		u := srv.Root(co) + vendors + "?" + url.Values{"$filter": {filter}}.Encode()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u, http.NoBody)
		require.NoError(t, err)
		req.SetBasicAuth(epicortest.DefaultUser, epicortest.DefaultPassword)
		req.Header.Set("x-api-key", epicortest.DefaultAPIKey)
		res, err := client.Do(req)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		var b json.RawMessage
		require.NoError(t, json.NewDecoder(res.Body).Decode(&b))
		return res.StatusCode, b
	}
	f.Fuzz(func(t *testing.T, s string) {
		srv.ResetCalls()
		status, b := ask(t, s)
		if status != http.StatusOK {
			require.Equal(t, http.StatusBadRequest, status)
			require.Contains(t, string(b), "ODataException")
		}
		srv.AddVendors(co, epicortest.Vendor{Num: 1, ID: "X", Name: "x" + s}, epicortest.Vendor{Num: 2, ID: "Y", Name: "y" + s})
		status, b = ask(t, "Name eq 'x"+strings.ReplaceAll(s, "'", "''")+"'")
		require.Equal(t, http.StatusOK, status, "%s", b)
		require.Equal(t, []string{"1"}, column(t, decode(t, b), "VendorNum"))
	})
}

func TestMetadataNamesColumnsAndTheirLengths(t *testing.T) {
	k := newKit(t, nil)
	a, err := k.do(http.MethodGet, invoices+"$metadata", nil)
	require.NoError(t, err)
	require.Equal(t, 200, a.status)
	var doc struct {
		Types []struct {
			Name string `xml:"Name,attr"`
			Keys []struct {
				Name string `xml:"Name,attr"`
			} `xml:"Key>PropertyRef"`
			Properties []struct {
				Name      string `xml:"Name,attr"`
				Type      string `xml:"Type,attr"`
				MaxLength string `xml:"MaxLength,attr"`
			} `xml:"Property"`
		} `xml:"DataServices>Schema>EntityType"`
		Sets []struct {
			Name string `xml:"Name,attr"`
		} `xml:"DataServices>Schema>EntityContainer>EntitySet"`
	}
	require.NoError(t, xml.Unmarshal(a.body, &doc), "%s", a.body)
	got := map[string]string{}
	for _, et := range doc.Types {
		for _, p := range et.Properties {
			got[et.Name+"."+p.Name] = p.Type + " " + p.MaxLength
		}
	}
	require.Equal(t, "Edm.String 50", got["APInvHedRow.InvoiceNum"])
	require.Equal(t, "Edm.String ", got["APInvHedRow.ConcurID_c"])
	require.Equal(t, "Edm.Decimal ", got["APInvExpRow.DocExpAmt"])
	require.Len(t, doc.Sets, 6)
	require.Equal(t, "Company", doc.Types[0].Keys[0].Name)
	k.get(404, "Erp.BO.NothingSvc/$metadata")
}

func TestReadingByKeyStopsAtThePageHoweverTheFilterIsWritten(t *testing.T) {
	k := newKit(t, nil)
	k.many(30)
	for _, c := range []struct {
		filter, order string
		want          []string
	}{
		{"VendorNum gt 1005", "VendorNum", []string{"1006", "1007"}},
		{"VendorNum ge 1005.5 and VendorNum lt 1007", "Company,VendorNum", []string{"1006"}},
		{"VendorNum eq 1005", "VendorNum asc", []string{"1005"}},
		{"VendorNum gt 1005 or VendorNum eq 42", "VendorNum", []string{"42", "1006"}},
		{"not (VendorNum gt 1005) and VendorNum gt 42", "VendorNum", []string{"43", "1000"}},
		{"1005 gt VendorNum", "VendorNum", []string{"42", "43"}},
		{"VendorNum gt 1005", "VendorNum desc", []string{"1029", "1028"}},
		{"VendorNum gt 1005", "VendorID", []string{"1010", "1011"}},
		{"VendorNum gt 5000", "VendorNum", []string{}},
	} {
		got := k.get(200, vendors, "$filter", c.filter, "$orderby", c.order, "$top", "2")
		require.Equal(t, c.want, column(t, got, "VendorNum"), c.filter)
	}
	m := k.get(200, vendors, "$filter", "VendorNum ge 1000", "$orderby", "VendorNum", "$top", "2", "$skip", "5", "$count", "true")
	require.Equal(t, []string{"1005", "1006"}, column(t, m, "VendorNum"))
	require.Equal(t, json.Number("30"), m["@odata.count"])
}

// BenchmarkPageByKey reads one page by key out of 100,000 vendors.
func BenchmarkPageByKey(b *testing.B) {
	srv := epicortest.New(nil)
	for i := range 100_000 {
		srv.AddVendors(co, epicortest.Vendor{Num: i + 1, ID: "V" + strconv.Itoa(i)})
	}
	h := srv.Handler()
	q := url.Values{"$filter": {"VendorNum gt 50000"}, "$orderby": {"VendorNum"}, "$top": {"100"}, "$select": {"VendorNum,VendorID"}}
	for b.Loop() {
		srv.ResetCalls()
		req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, srv.Root(co)+vendors+"?"+q.Encode(), http.NoBody)
		req.SetBasicAuth(epicortest.DefaultUser, epicortest.DefaultPassword)
		req.Header.Set("x-api-key", epicortest.DefaultAPIKey)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		require.Equal(b, 200, w.Code)
	}
}

func TestRowsThatComeAndGoKeepTheirPlace(t *testing.T) {
	k := newKit(t, nil)
	for _, n := range []int{7, 3, 9, 5} {
		k.srv.AddVendors(co, epicortest.Vendor{Num: n, ID: "V" + strconv.Itoa(n)})
	}
	k.srv.RemoveVendors(co, 5, 6)
	k.srv.AddVendors(co, epicortest.Vendor{Num: 9, ID: "NINE"})
	m := k.get(200, vendors, "$orderby", "VendorNum")
	require.Equal(t, []string{"V3", "V7", "NINE", "ACME", "OLD"}, column(t, m, "VendorID"))
	k.get(404, "Erp.BO.VendorSvc/Vendors('EPIC06',5)")
}

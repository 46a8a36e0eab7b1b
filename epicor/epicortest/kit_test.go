package epicortest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

const (
	co       = epicortest.DefaultCompany
	invoices = "Erp.BO.APInvoiceSvc/"
	groups   = "Erp.BO.APInvGrpSvc/"
)

// kit drives a server by raw HTTP as one user.
type kit struct {
	t              *testing.T
	srv            *epicortest.Server
	client         *http.Client
	company        string
	user, password string
	key, bearer    string
}

// record is a JSON object; numbers are json.Number.
type record = map[string]any

func date(y int, m time.Month, d int) epicortest.Date {
	return epicortest.Date{Year: y, Month: m, Day: d}
}

func now() time.Time { return time.Date(2026, 10, 30, 9, 0, 0, 0, time.UTC) }

// newKit starts a server on loopback with two vendors and three accounts.
func newKit(t *testing.T, opts *epicortest.Options) *kit {
	t.Helper()
	if opts == nil {
		opts = &epicortest.Options{}
	}
	if opts.Now == nil {
		opts.Now = now
	}
	if opts.Companies == nil {
		opts.Companies = []epicortest.Company{{
			ID: co, Currency: "USD", DefaultAccount: "9999|000|00",
			Currencies: []epicortest.Currency{{Code: "EUR"}},
			UDColumns:  map[string]map[string]any{"APInvHed": {"ConcurID_c": ""}, "Vendor": {"Region_c": "north"}},
		}}
	}
	srv := epicortest.NewServer(t, opts)
	srv.AddVendors(co,
		epicortest.Vendor{Num: 42, ID: "ACME", Name: "Acme Ltd", Currency: "EUR"},
		epicortest.Vendor{Num: 43, ID: "OLD", Name: "Gone & Sons", Inactive: true},
	)
	srv.AddAccounts(co,
		epicortest.GLAccount{Account: "9999|000|00"}, epicortest.GLAccount{Account: "6410|200|00", Desc: "Travel"},
		epicortest.GLAccount{Account: "6420|200|00"}, epicortest.GLAccount{Account: "6430|200|00", Inactive: true},
		epicortest.GLAccount{Account: "6440|200|00", EffTo: date(2026, 9, 30)},
	)
	return &kit{
		t: t, srv: srv, client: &http.Client{Transport: &http.Transport{}}, company: co,
		user: epicortest.DefaultUser, password: epicortest.DefaultPassword, key: epicortest.DefaultAPIKey,
	}
}

// answer is a response that was read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends one request below the company's root.
func (k *kit) do(method, path string, body any) (answer, error) {
	k.t.Helper()
	var r io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		require.NoError(k.t, err)
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(k.t.Context(), method, k.srv.Root(k.company)+path, r)
	require.NoError(k.t, err)
	if k.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+k.bearer)
	} else {
		req.SetBasicAuth(k.user, k.password)
	}
	req.Header.Set("x-api-key", k.key)
	res, err := k.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, b}, err
}

func decode(t *testing.T, b []byte) record {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	m := record{}
	require.NoError(t, d.Decode(&m), "%s", b)
	return m
}

// get reads and expects a status.
func (k *kit) get(status int, path string, query ...string) record {
	k.t.Helper()
	v := url.Values{}
	for i := 0; i < len(query); i += 2 {
		v.Set(query[i], query[i+1])
	}
	if len(v) > 0 {
		path += "?" + v.Encode()
	}
	a, err := k.do(http.MethodGet, path, nil)
	require.NoError(k.t, err)
	require.Equal(k.t, status, a.status, "%s", a.body)
	return decode(k.t, a.body)
}

// post calls a method and expects a status.
func (k *kit) post(status int, path string, in record) record {
	k.t.Helper()
	a, err := k.do(http.MethodPost, path, in)
	require.NoError(k.t, err)
	require.Equal(k.t, status, a.status, "%s", a.body)
	return decode(k.t, a.body)
}

// out calls a method that succeeds and returns its output parameters.
func (k *kit) out(path string, in record) record {
	k.t.Helper()
	p, ok := k.post(http.StatusOK, path, in)["parameters"].(record)
	require.True(k.t, ok)
	return p
}

// ds calls a method that succeeds and returns its tableset.
func (k *kit) ds(path string, in record) record {
	k.t.Helper()
	d, ok := k.out(path, in)["ds"].(record)
	require.True(k.t, ok)
	return d
}

func rows(t *testing.T, ds record, table string) []record {
	t.Helper()
	list, ok := ds[table].([]any)
	require.True(t, ok, "no table %s", table)
	out := make([]record, len(list))
	for i, x := range list {
		out[i], ok = x.(record)
		require.True(t, ok)
	}
	return out
}

// changed returns the only row of a table with a RowMod.
func changed(t *testing.T, ds record, table string) record {
	t.Helper()
	for _, r := range rows(t, ds, table) {
		if r["RowMod"] != "" {
			return r
		}
	}
	require.Fail(t, "no changed row in "+table)
	return nil
}

// edit marks row i of a table as updated, with the old row beside, and returns it.
func edit(t *testing.T, ds record, table string, i int) record {
	t.Helper()
	list := rows(t, ds, table)
	copied := record{}
	for k, v := range list[i] {
		copied[k] = v
	}
	copied["RowMod"] = "U"
	all := make([]any, 0, len(list)+1)
	for _, r := range list {
		all = append(all, r)
	}
	ds[table] = append(all, copied)
	return copied
}

func (k *kit) group(id string) {
	k.t.Helper()
	ds := k.ds(groups+"GetNewAPInvGrpNoLock", record{"ds": record{}})
	changed(k.t, ds, "APInvGrp")["GroupID"] = id
	k.ds(groups+"Update", record{"ds": ds})
}

func master(ds record, table string) record {
	return record{
		"ds": ds, "cGroupID": "G1", "cTableName": table, "runChkCPay": false, "runChkBankRef": false,
		"runChkRevChrg": false, "suppressUserPrompts": true,
	}
}

// newHeader returns an unsaved header of ACME in group G1.
func (k *kit) newHeader(method, number, amount string) record {
	k.t.Helper()
	ds := k.ds(invoices+method, record{"ds": record{}, "cGroupID": "G1"})
	ds = k.ds(invoices+"ChangeVendorID", record{"ds": ds, "ProposedVendorID": "ACME", "confirmCheck": false})
	h := changed(k.t, ds, "APInvHed")
	h["InvoiceNum"], h["ExternalID"], h["Description"] = number, "key-"+number, "Travel"
	ds = k.ds(invoices+"ChangeInvoiceDateEx", record{"ds": ds, "ProposedInvoiceDate": "2026-10-28T00:00:00", "recalcAmts": ""})
	return k.ds(invoices+"ChangeInvoiceVendorAmt", record{"ds": ds, "ProposedInvoiceVendorAmt": json.Number(amount)})
}

// header saves a header and returns the tableset.
func (k *kit) header(method, number, amount string) record {
	k.t.Helper()
	return k.ds(invoices+"UpdateMaster", master(k.newHeader(method, number, amount), "APInvHed"))
}

// line adds a saved line and returns the tableset.
func (k *kit) line(ds record, number, amount string) record {
	k.t.Helper()
	ds = k.ds(invoices+"GetNewAPInvDtlMiscellaneous", record{"ds": ds, "iVendorNum": 42, "cInvoiceNum": number})
	changed(k.t, ds, "APInvDtl")["ScrVendorQty"] = 1
	ds = k.ds(invoices+"ChangeExtCost", record{"ds": ds, "ProposedExtCost": json.Number(amount)})
	return k.ds(invoices+"UpdateMaster", master(ds, "APInvDtl"))
}

func account(r record, a string) {
	r["GLAccount"] = a
	for i, s := range strings.Split(a, "|") {
		r["SegValue"+string(rune('1'+i))] = s
	}
}

// invoice makes a whole invoice of one line with its default expense changed.
func (k *kit) invoice(number, amount string) record {
	k.t.Helper()
	ds := k.line(k.header("GetNewAPInvHedInvoice", number, amount), number, amount)
	account(edit(k.t, ds, "APInvExpTGLC", 0), "6410|200|00")
	return k.ds(invoices+"UpdateMaster", master(ds, "APInvExpTGLC"))
}

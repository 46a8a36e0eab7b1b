package epicor_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

func TestCreateEntersAnInvoiceToTheCent(t *testing.T) {
	srv, c := pair(t, nil)
	in := meal(t)
	inv, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "133.43", inv.Amount.Value().String())
	require.Equal(t, in.Key, inv.Key)
	require.Equal(t, 10, inv.FiscalPeriod)
	require.Empty(t, in.Diff(inv))

	got, ok := srv.Invoice(company, "E1042", "CX-A1B2C3-1-E")
	require.True(t, ok)
	require.True(t, got.Balanced())
	require.Equal(t, "CX261030U", got.Group)
	require.Equal(t, "Report A1B2C3", got.Description)
	require.Equal(t, "Dinner <3 guests>", got.Lines[0].Description)
	require.True(t, got.VendorAmount.Equal(dec("133.43")))
	require.Len(t, got.Lines, 3)
	require.Equal(t, "kept", got.Column("Seen_c"))
	require.Empty(t, srv.Locks(company))
	require.Nil(t, srv.Post(company, got.Group))
}

func TestCreateEntersADebitMemoWithTheSignsThatEpicorWants(t *testing.T) {
	srv, c := pair(t, nil)
	in := meal(t)
	in.DebitMemo, in.Lines = true, []epicor.APInvoiceLineInput{
		{Description: "Refund", Amount: dec("-349.00"), Splits: []epicor.APInvoiceSplitInput{
			{Account: "6410|200|00", Amount: dec("-300.00")}, {Account: "6420|200|00", Amount: dec("-49.00")},
		}},
	}
	inv, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "-349", inv.Amount.Value().String())
	got, ok := srv.Invoice(company, "E1042", in.Number)
	require.True(t, ok)
	require.True(t, got.DebitMemo)
	require.True(t, got.Amount.Equal(dec("-349")))
	require.True(t, got.VendorAmount.Equal(dec("349")))
	require.True(t, got.Balanced())
	require.Nil(t, srv.Post(company, got.Group))
}

func TestCreateRefusesBeforeAnythingIsSentWhatWouldBeWrong(t *testing.T) {
	for name, spoil := range map[string]func(*epicor.APInvoiceInput){
		"no key":                      func(in *epicor.APInvoiceInput) { in.Key = "" },
		"a long key":                  func(in *epicor.APInvoiceInput) { in.Key = strings.Repeat("K", 51) },
		"no vendor":                   func(in *epicor.APInvoiceInput) { in.VendorID = "" },
		"no number":                   func(in *epicor.APInvoiceInput) { in.Number = "" },
		"no date":                     func(in *epicor.APInvoiceInput) { in.Date = epicor.Date{} },
		"no apply date":               func(in *epicor.APInvoiceInput) { in.ApplyDate = epicor.Date{} },
		"no lines":                    func(in *epicor.APInvoiceInput) { in.Lines = nil },
		"a debit memo above zero":     func(in *epicor.APInvoiceInput) { in.DebitMemo = true },
		"splits that do not add up":   func(in *epicor.APInvoiceInput) { in.Lines[0].Splits[0].Amount = dec("80.06") },
		"a line without splits":       func(in *epicor.APInvoiceInput) { in.Lines[0].Splits = nil },
		"a split without account":     func(in *epicor.APInvoiceInput) { in.Lines[0].Splits[0].Account = "" },
		"an account of many segments": func(in *epicor.APInvoiceInput) { in.Lines[0].Splits[0].Account = strings.Repeat("|", 20) },
	} {
		srv, c := pair(t, nil)
		in := meal(t)
		spoil(&in)
		_, err := c.APInvoices.Create(t.Context(), in)
		var ie *epicor.APInvoiceError
		require.ErrorAs(t, err, &ie, name)
		require.Equal(t, epicor.NotCommitted, ie.Outcome, name)
		require.Empty(t, srv.Calls(), name)
	}
}

func TestAnErrorOfCreateSaysTheStepAndWhatIsThere(t *testing.T) {
	for name, c := range map[string]struct {
		spoil   func(*epicor.APInvoiceInput)
		step    string
		line    int
		split   int
		outcome epicor.Outcome
	}{
		"the vendor":  {func(in *epicor.APInvoiceInput) { in.VendorID = "OLD" }, "header", 0, 0, epicor.NotCommitted},
		"an account":  {func(in *epicor.APInvoiceInput) { in.Lines[1].Splits[1].Account = "6999|200|00" }, "line 2, split 2", 2, 2, epicor.Committed},
		"the default": {func(in *epicor.APInvoiceInput) { in.Lines[0].Splits[0].Account = "1|2" }, "line 1, split 1", 1, 1, epicor.Committed},
	} {
		srv, cl := pair(t, nil)
		in := meal(t)
		c.spoil(&in)
		_, err := cl.APInvoices.Create(t.Context(), in)
		var ie *epicor.APInvoiceError
		require.ErrorAs(t, err, &ie, name)
		require.Equal(t, c.step, ie.Step, name)
		require.Equal(t, c.outcome, ie.Outcome, name)
		require.Equal(t, [2]int{c.line, c.split}, [2]int{ie.Line, ie.Split}, name)
		require.ErrorIs(t, err, epicor.ErrInvalid, name)
		require.Empty(t, srv.Locks(company), name)
	}
}

func TestCreateKeepsUserDefinedColumnsAndWritesOurKeyIntoOne(t *testing.T) {
	srv, c := pair(t, &epicor.Options{Invoices: epicor.InvoiceOptions{KeyColumn: "ConcurKey_c"}})
	in := meal(t)
	_, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	got, ok := srv.Invoice(company, in.VendorID, in.Number)
	require.True(t, ok)
	require.Equal(t, in.Key, got.Column("ConcurKey_c"))
	require.Equal(t, "kept", got.Column("Seen_c"))
	require.Empty(t, got.ExternalID)
	found, err := c.APInvoices.Find(t.Context(), in.Key)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, in.Key, found[0].Key)
	require.Contains(t, found[0].Extra, "Seen_c")
}

func TestCreateWorksWhereATenantHasNoDefaultAccount(t *testing.T) {
	srv := epicortest.New(nil)
	seed(srv)
	in := meal(t)
	inv, err := client(t, srv, nil).APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	require.True(t, inv.Balanced())
	require.Nil(t, srv.Post(company, inv.Group))
}

func TestASplitThatIsTheDefaultCostsNoFurtherCommit(t *testing.T) {
	srv, c := pair(t, nil)
	in := meal(t)
	in.Lines = []epicor.APInvoiceLineInput{{Description: "All", Amount: dec("5.00"), Splits: []epicor.APInvoiceSplitInput{{Account: "1900|000|00", Amount: dec("5.00")}}}}
	_, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, 2, count(srv, "/UpdateMaster"))
}

func count(srv *epicortest.Server, suffix string) int {
	n := 0
	for _, call := range srv.Calls() {
		if strings.HasSuffix(call.Path, suffix) {
			n++
		}
	}
	return n
}

func TestTheGroupIsOneForEachApplyDateAndCurrencyAndMadeOnce(t *testing.T) {
	srv, c := pair(t, nil)
	srv.AddCurrencies(company, epicortest.Currency{Code: "EUR"})
	srv.AddVendors(company, epicortest.Vendor{Num: 50, ID: "EURO", Currency: "EUR"})
	in := meal(t)
	groups := map[string]bool{}
	for i, change := range []func(){
		func() {}, func() {}, func() { in.ApplyDate = date(t, "2026-11-02") }, func() { in.VendorID, in.Currency = "EURO", "EUR" },
	} {
		change()
		in.Number = "N" + strconv.Itoa(i)
		inv, err := c.APInvoices.Create(t.Context(), in)
		require.NoError(t, err)
		groups[inv.Group] = true
	}
	require.Equal(t, map[string]bool{"CX261030U": true, "CX261102U": true, "CX261102E": true}, groups)
	require.Equal(t, 3, count(srv, "APInvGrpSvc/Update"))
	for _, g := range srv.Groups(company) {
		require.LessOrEqual(t, len(g.ID), 9)
		require.Empty(t, g.LockedBy)
	}
}

func TestManyAtOnceShareALockThatTheLastGivesBack(t *testing.T) {
	srv, c := pair(t, nil)
	const n = 8
	done := make(chan error)
	for i := range n {
		in := meal(t)
		in.Number = "N" + strconv.Itoa(i)
		go func() { _, err := c.APInvoices.Create(t.Context(), in); done <- err }()
	}
	for range n {
		require.NoError(t, <-done)
	}
	require.Len(t, srv.Invoices(company), n)
	for _, inv := range srv.Invoices(company) {
		require.True(t, inv.Balanced())
	}
	require.Empty(t, srv.Locks(company))
}

func TestTwoProcessesThatCreateOneInvoiceMakeOne(t *testing.T) {
	srv := epicortest.NewServer(t, options())
	seed(srv)
	in := meal(t)
	done := make(chan error)
	for range 4 {
		c, err := epicor.NewClient(srv.Root(company), credential(), &epicor.Options{AllowHTTP: true})
		require.NoError(t, err)
		go func() { _, err := c.APInvoices.Create(t.Context(), in); done <- err }()
	}
	made := 0
	for range 4 {
		err := <-done
		if err == nil {
			made++
			continue
		}
		var e *epicor.Error
		require.ErrorAs(t, err, &e)
		require.True(t, e.Duplicate(), "%v", err)
	}
	require.Equal(t, 1, made)
	whole(t, srv, in)
}

func TestResumeTouchesNothingThatIsNotAnUnfinishedOneOfOurs(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*epicortest.Server, *epicor.APInvoiceInput)
		is     error
	}{
		"without our key":     {func(_ *epicortest.Server, in *epicor.APInvoiceInput) { in.Key = "another" }, epicor.ErrDiffers},
		"other amounts":       {func(_ *epicortest.Server, in *epicor.APInvoiceInput) { shift(in) }, epicor.ErrDiffers},
		"fewer lines":         {func(_ *epicortest.Server, in *epicor.APInvoiceInput) { in.Lines = in.Lines[:2] }, epicor.ErrDiffers},
		"none of that number": {func(_ *epicortest.Server, in *epicor.APInvoiceInput) { in.Number = "none" }, epicor.ErrNotFound},
		"none of that vendor": {func(_ *epicortest.Server, in *epicor.APInvoiceInput) { in.VendorID = "none" }, epicor.ErrNotFound},
		"posted": {func(srv *epicortest.Server, in *epicor.APInvoiceInput) {
			srv.Post(company, "CX261030U")
			in.Lines[0].Splits[0].Account = "1900|000|00"
		}, epicor.ErrPosted},
		"edited": {func(srv *epicortest.Server, in *epicor.APInvoiceInput) {
			srv.EditInvoice(company, in.VendorID, in.Number, map[string]any{"DocInvoiceVendorAmt": dec("1.00")})
		}, epicor.ErrDiffers},
	} {
		srv, cl := pair(t, nil)
		in := meal(t)
		_, err := cl.APInvoices.Create(t.Context(), in)
		require.NoError(t, err)
		c.change(srv, &in)
		before := srv.Invoices(company)
		_, err = cl.APInvoices.Resume(t.Context(), in)
		require.ErrorIs(t, err, c.is, name)
		require.Equal(t, before, srv.Invoices(company), name)
		require.Empty(t, srv.Locks(company), name)
	}
}

func shift(in *epicor.APInvoiceInput) {
	one := dec("1.00")
	for i, by := range []decimal.Decimal{one, one.Neg()} {
		in.Lines[i].Amount = in.Lines[i].Amount.Add(by)
		in.Lines[i].Splits[0].Amount = in.Lines[i].Splits[0].Amount.Add(by)
	}
}

func TestResumeOfAWholeInvoiceWritesNothing(t *testing.T) {
	srv, c := pair(t, nil)
	in := meal(t)
	_, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	srv.ResetCalls()
	_, err = c.APInvoices.Resume(t.Context(), in)
	require.NoError(t, err)
	for _, call := range srv.Calls() {
		require.Equal(t, http.MethodGet, call.Method)
	}
}

func TestDeleteTouchesOnlyWhatIsOursAndNotPosted(t *testing.T) {
	srv, c := pair(t, nil)
	in := meal(t)
	_, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	require.ErrorIs(t, c.APInvoices.Delete(t.Context(), 42, in.Number, "another"), epicor.ErrConflict)
	require.ErrorIs(t, c.APInvoices.Delete(t.Context(), 42, in.Number, ""), epicor.ErrConflict)
	require.Len(t, srv.Invoices(company), 1)
	for range 2 {
		require.NoError(t, c.APInvoices.Delete(t.Context(), 42, in.Number, in.Key))
		require.Empty(t, srv.Invoices(company))
	}
	require.Empty(t, srv.Locks(company))

	_, err = c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	require.Nil(t, srv.Post(company, "CX261030U"))
	require.ErrorIs(t, c.APInvoices.Delete(t.Context(), 42, in.Number, in.Key), epicor.ErrPosted)
	require.Len(t, srv.Invoices(company), 1)
}

func TestFindByNumberFindsAnybodysInvoice(t *testing.T) {
	_, c := pair(t, nil)
	in := meal(t)
	_, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	inv, err := c.APInvoices.FindByNumber(t.Context(), "E1042", in.Number)
	require.NoError(t, err)
	require.Len(t, inv.Lines, 3)
	_, err = c.APInvoices.FindByNumber(t.Context(), "ACME", in.Number)
	require.ErrorIs(t, err, epicor.ErrNotFound)
	_, err = c.APInvoices.Find(t.Context(), "")
	require.Error(t, err)
	none, err := c.APInvoices.Find(t.Context(), "none")
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestDiffSeesEachCentAndEachAccount(t *testing.T) {
	_, c := pair(t, nil)
	in := meal(t)
	inv, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, in.Diff(inv))
	for name, change := range map[string]func(*epicor.APInvoice){
		"vendor":     func(i *epicor.APInvoice) { i.VendorID = "X" },
		"number":     func(i *epicor.APInvoice) { i.Number = "X" },
		"debit memo": func(i *epicor.APInvoice) { i.DebitMemo = true },
		"currency":   func(i *epicor.APInvoice) { i.Currency = "EUR" },
		"date":       func(i *epicor.APInvoice) { i.Date.Day++ },
		"apply date": func(i *epicor.APInvoice) { i.ApplyDate.Day++ },
		"total":      func(i *epicor.APInvoice) { i.Amount, _ = epicor.ParseDecimal("133.44") },
		"check":      func(i *epicor.APInvoice) { i.VendorAmount, _ = epicor.ParseDecimal("133.44") },
		"tax":        func(i *epicor.APInvoice) { i.Tax, _ = epicor.ParseDecimal("0.01") },
		"line":       func(i *epicor.APInvoice) { i.Lines[1].Amount, _ = epicor.ParseDecimal("-20.01") },
		"lines":      func(i *epicor.APInvoice) { i.Lines = i.Lines[:2] },
		"account":    func(i *epicor.APInvoice) { i.Lines[2].Splits[1].Account = "X" },
		"split":      func(i *epicor.APInvoice) { i.Lines[2].Splits[1].Amount, _ = epicor.ParseDecimal("22.23") },
		"splits":     func(i *epicor.APInvoice) { i.Lines[2].Splits = i.Lines[2].Splits[:1] },
	} {
		got, err := c.APInvoices.Get(t.Context(), inv.VendorNum, inv.Number)
		require.NoError(t, err)
		change(got)
		require.NotEmpty(t, in.Diff(got), name)
	}
	got, err := c.APInvoices.Get(t.Context(), inv.VendorNum, inv.Number)
	require.NoError(t, err)
	got.Lines[0].Splits[0], got.Lines[0].Splits[1] = got.Lines[0].Splits[1], got.Lines[0].Splits[0]
	got.Amount, _ = epicor.ParseDecimal("133.4300")
	require.Empty(t, in.Diff(got))
}

func TestAnInvoiceOfManyLinesSendsEachLineOnceWhereTheOptionsWantIt(t *testing.T) {
	srv := epicortest.New(nil)
	seed(srv)
	c := client(t, srv, &epicor.Options{Invoices: epicor.InvoiceOptions{LinesAtOnce: 1}})
	in := meal(t)
	in.Lines = nil
	for i := range 40 {
		in.Lines = append(in.Lines, epicor.APInvoiceLineInput{
			Description: "L" + strconv.Itoa(i), Amount: dec("1.01"),
			Splits: []epicor.APInvoiceSplitInput{{Account: "6410|200|00", Amount: dec("1.01")}},
		})
	}
	_, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	whole(t, srv, in)
	largest := 0
	for _, call := range srv.Calls() {
		largest = max(largest, len(call.Request))
	}
	require.Less(t, largest, 20_000)
}

func TestTheGroupIsLockedAtEveryCommitOfManyAtOnce(t *testing.T) {
	srv, c := pair(t, nil)
	var free atomic.Int64
	srv.Inject(epicortest.Fault{Times: -1, Path: "/UpdateMaster", Match: func(*http.Request) bool {
		if len(srv.Locks(company)) == 0 {
			free.Add(1)
		}
		return false
	}})
	const n = 6
	done := make(chan error)
	for i := range n {
		in := meal(t)
		in.Number, in.Lines = "N"+strconv.Itoa(i), in.Lines[:1+i%3]
		in.DebitMemo = in.Total().IsNegative()
		go func() { _, err := c.APInvoices.Create(t.Context(), in); done <- err }()
	}
	for range n {
		require.NoError(t, <-done)
	}
	require.Zero(t, free.Load())
	require.Empty(t, srv.Locks(company))
}

// tampering replaces text in the answers to one method.
type tampering struct {
	base       http.RoundTripper
	method     string
	from, into string
}

func (x tampering) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := x.base.RoundTrip(req)
	if err != nil || !strings.HasSuffix(req.URL.Path, "/"+x.method) {
		return res, err
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(strings.NewReader(strings.ReplaceAll(string(b), x.from, x.into)))
	res.ContentLength = -1
	return res, nil
}

func TestNothingIsCommittedWhenAMethodChangedWhatWasSet(t *testing.T) {
	for name, x := range map[string]tampering{
		"the number":     {from: `"InvoiceNum":"CX-A1B2C3-1-E"`, into: `"InvoiceNum":"CX-A1B2C3-1"`},
		"the key":        {from: `"ExternalID":"A`, into: `"ExternalID":"B`},
		"the currency":   {from: `"CurrencyCode":"USD"`, into: `"CurrencyCode":"EUR"`},
		"the apply date": {from: `"ApplyDate":"2026-10-30`, into: `"ApplyDate":"2026-11-01`},
		"the amount":     {from: `"DocInvoiceVendorAmt":133.43`, into: `"DocInvoiceVendorAmt":133.4`},
		"the kind":       {from: `"DebitMemo":false`, into: `"DebitMemo":true`},
		"the vendor":     {from: `"VendorNumVendorID":"E1042"`, into: `"VendorNumVendorID":"E1043"`},
	} {
		srv := epicortest.New(options())
		seed(srv)
		x.base, x.method = srv.Transport(), "ChangeInvoiceVendorAmt"
		c := client(t, srv, &epicor.Options{HTTP: &http.Client{Transport: x}})
		_, err := c.APInvoices.Create(t.Context(), meal(t))
		var ie *epicor.APInvoiceError
		require.ErrorAs(t, err, &ie, name)
		require.Equal(t, epicor.NotCommitted, ie.Outcome, name)
		require.Empty(t, srv.Invoices(company), name)
		require.Empty(t, srv.Locks(company), name)
	}
}

// changing is an Epicor that knows ChangeCurrency.
type changing struct{ base http.RoundTripper }

func (x changing) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(req.URL.Path, "/ChangeCurrency") {
		return x.base.RoundTrip(req)
	}
	var in struct {
		ProposedCurrencyCode string
		DS                   *epicor.Tableset `json:"ds"`
	}
	if err := json.NewDecoder(req.Body).Decode(&in); err != nil {
		return nil, err
	}
	if err := in.DS.Rows("APInvHed")[0].Set("CurrencyCode", in.ProposedCurrencyCode); err != nil {
		return nil, err
	}
	b, err := json.Marshal(map[string]any{"parameters": map[string]any{"ds": in.DS}})
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(b)), Request: req}, nil
}

func TestTheCurrencyIsChangedWhereItIsNotTheVendors(t *testing.T) {
	srv := epicortest.New(options())
	seed(srv)
	srv.AddCurrencies(company, epicortest.Currency{Code: "EUR", Rate: dec("1.1")})
	c := client(t, srv, &epicor.Options{HTTP: &http.Client{Transport: changing{srv.Transport()}}})
	in := meal(t)
	in.Currency = "EUR"
	inv, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "EUR", inv.Currency)
	require.Equal(t, "133.43", inv.Amount.Value().String())
}

func TestAVendorWithoutTermsNeedsThoseOfTheInvoice(t *testing.T) {
	srv, c := pair(t, nil)
	srv.AddVendors(company, epicortest.Vendor{Num: 43, ID: "NOTERMS", NoTerms: true})
	in := meal(t)
	in.VendorID = "NOTERMS"
	_, err := c.APInvoices.Create(t.Context(), in)
	var ie *epicor.APInvoiceError
	require.ErrorAs(t, err, &ie)
	require.Equal(t, epicor.NotCommitted, ie.Outcome)
	require.ErrorContains(t, err, "Terms code is required")
	in.Terms = "N10"
	inv, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "2026-11-07", inv.DueDate.String(), "ten days behind the invoice's date")
	got, ok := srv.Invoice(company, "NOTERMS", in.Number)
	require.True(t, ok)
	require.Equal(t, "N10", got.TermsCode)
}

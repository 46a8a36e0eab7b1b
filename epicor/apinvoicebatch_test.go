package epicor_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

// lots is an invoice of so many lines, each with its own amounts in three splits.
func lots(t testing.TB, lines int) epicor.APInvoiceInput {
	t.Helper()
	in := meal(t)
	in.Lines = nil
	for i := range lines {
		cents := strconv.Itoa(i%90 + 10)
		in.Lines = append(in.Lines, epicor.APInvoiceLineInput{
			Description: "L" + strconv.Itoa(i), Amount: dec("6." + cents),
			Splits: []epicor.APInvoiceSplitInput{
				{Account: "6410|200|00", Amount: dec("1." + cents)}, {Account: "6420|200|00", Amount: dec("2")}, {Account: "6430|300|00", Amount: dec("3")},
			},
		})
	}
	return in
}

// ruleBroken is what Epicor says to a broken rule.
func ruleBroken() epicortest.Fault {
	return epicortest.Fault{Path: "/UpdateMaster", Status: http.StatusBadRequest, Body: `{"ErrorMessage":"Something is wrong.","ErrorType":"Ice.Common.BusinessObjectException"}`}
}

// commitsOf are the calls that saved something of the invoices.
func commitsOf(srv *epicortest.Server) (n int) {
	for _, call := range srv.Calls() {
		if strings.HasSuffix(call.Path, "/UpdateMaster") {
			n++
		}
	}
	return n
}

func TestLinesAndTheirSplitsAreSavedTogether(t *testing.T) {
	srv, c := formed(t, 1, 4)
	in := lots(t, 10)
	_, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	whole(t, srv, in)
	require.Equal(t, 1+2*3, commitsOf(srv), "the header, and for 4, 4 and 2 lines one for the lines and one for their splits")
}

func TestADebitMemosLinesAreSavedTogether(t *testing.T) {
	srv, c := formed(t, 1, 4)
	in := lots(t, 5)
	in.DebitMemo = true
	for i := range in.Lines {
		l := &in.Lines[i]
		l.Amount = l.Amount.Neg()
		for j := range l.Splits {
			l.Splits[j].Amount = l.Splits[j].Amount.Neg()
		}
	}
	_, err := c.APInvoices.Create(t.Context(), in)
	require.NoError(t, err)
	whole(t, srv, in)
}

func TestTheCallsOfALargeInvoiceCarryNoMoreThanThoseOfASmallOne(t *testing.T) {
	largest := func(lines int) (most int) {
		srv, c := formed(t, 1, 4)
		_, err := c.APInvoices.Create(t.Context(), lots(t, lines))
		require.NoError(t, err)
		for _, call := range srv.Calls() {
			most = max(most, len(call.Request))
		}
		return most
	}
	small, large := largest(4), largest(40)
	require.Less(t, large, small+small/10)
}

func TestLinesThatAreRefusedTogetherAreEnteredOneByOne(t *testing.T) {
	for skip := 1; skip <= 6; skip++ {
		srv, c := formed(t, 1, 4)
		in, f := lots(t, 10), ruleBroken()
		f.Skip = skip
		srv.Inject(f)
		_, err := c.APInvoices.Create(t.Context(), in)
		require.NoError(t, err, skip)
		whole(t, srv, in)
		require.Empty(t, srv.Locks(company))
	}
}

func TestOfSplitsThatAreRefusedTogetherTheErrorNamesTheOneThatIsWrong(t *testing.T) {
	srv, c := formed(t, 1, 4)
	in := lots(t, 10)
	in.Lines[5].Splits[1].Account = "6999|200|00" // inactive
	_, err := c.APInvoices.Create(t.Context(), in)
	var ie *epicor.APInvoiceError
	require.ErrorAs(t, err, &ie)
	require.Equal(t, epicor.Committed, ie.Outcome)
	require.Equal(t, [2]int{6, 2}, [2]int{ie.Line, ie.Split})
	in.Lines[5].Splits[1].Account = "6410|200|00"
	_, err = c.APInvoices.Resume(t.Context(), in)
	require.NoError(t, err)
	whole(t, srv, in)
}

func TestWhatASaveOfSeveralLinesLeftOutIsAddedAndNothingTwice(t *testing.T) {
	// A server that keeps of several new rows the first alone, under status 200.
	for _, tables := range [][]string{{"APInvDtl"}, {"APInvExp", "APInvExpTGLC"}} {
		srv, _ := formed(t, 1, 4)
		in := lots(t, 10)
		thrifty := &thrift{base: srv.Transport(), tables: tables}
		c := client(t, srv, &epicor.Options{Tries: 1, HTTP: &http.Client{Transport: thrifty}, Invoices: epicor.InvoiceOptions{LinesAtOnce: 4}})
		_, err := c.APInvoices.Create(t.Context(), in)
		require.NoError(t, err, tables)
		whole(t, srv, in)
		require.Positive(t, thrifty.left, tables)
	}
}

func TestAnInvoiceOfSeveralLinesAtOnceIsResumedWhereverItStopped(t *testing.T) {
	// Whatever form the process that goes on was given.
	for _, form := range []int{1, 3, 4} {
		for skip := 1; skip <= 6; skip++ {
			srv, c := formed(t, 1, 4)
			in := lots(t, 10)
			srv.Inject(epicortest.Fault{Path: "/UpdateMaster", Skip: skip, Drop: true, When: epicortest.After})
			_, err := c.APInvoices.Create(t.Context(), in)
			require.Error(t, err)
			c = client(t, srv, &epicor.Options{Invoices: epicor.InvoiceOptions{LinesAtOnce: form}})
			_, err = c.APInvoices.Resume(t.Context(), in)
			require.NoError(t, err, "%d, %d", form, skip)
			whole(t, srv, in)
		}
	}
}

func TestALineThatSomebodyElseAddedBesideSeveralEndsTheCall(t *testing.T) {
	srv, _ := formed(t, 1, 4)
	in := lots(t, 10)
	other := client(t, srv, &epicor.Options{Invoices: epicor.InvoiceOptions{LinesAtOnce: 4}})
	done := false
	c := client(t, srv, &epicor.Options{Tries: 1, Invoices: epicor.InvoiceOptions{LinesAtOnce: 4}, HTTP: &http.Client{Transport: hook{srv.Transport(), func(r *http.Request) {
		if !done && strings.HasSuffix(r.URL.Path, "/UpdateMaster") && commitsOf(srv) == 3 {
			done = true
			_, err := other.APInvoices.Resume(t.Context(), in)
			require.NoError(t, err)
		}
	}}}})
	_, err := c.APInvoices.Create(t.Context(), in)
	require.True(t, done)
	require.Error(t, err)
	whole(t, srv, in)
	_, err = c.APInvoices.Resume(t.Context(), in)
	require.NoError(t, err)
	whole(t, srv, in)
}

func TestMoreLinesAtOnceThanACallShallCarryAreRefused(t *testing.T) {
	for _, n := range []int{-1, epicor.MaxLinesAtOnce + 1} {
		_, err := epicor.NewClient("https://erp.example/api/v2/odata/EPIC06", credential(), &epicor.Options{Invoices: epicor.InvoiceOptions{LinesAtOnce: n}})
		require.ErrorContains(t, err, "lines at once")
	}
}

// thrift drops all new rows of some tables but the first from what is saved.
type thrift struct {
	base   http.RoundTripper
	tables []string
	left   int
}

func (x *thrift) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/UpdateMaster") {
		return x.base.RoundTrip(r)
	}
	var body map[string]json.RawMessage
	var ds map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body["ds"], &ds); err != nil {
		return nil, err
	}
	for _, table := range x.tables {
		var rows []json.RawMessage
		if err := json.Unmarshal(ds[table], &rows); err != nil {
			return nil, err
		}
		news := 0
		rows = slices.DeleteFunc(rows, func(row json.RawMessage) bool {
			if !bytes.Contains(row, []byte(`"RowMod":"A"`)) {
				return false
			}
			if news++; news > 1 {
				x.left++
			}
			return news > 1
		})
		var err error
		if ds[table], err = json.Marshal(rows); err != nil {
			return nil, err
		}
	}
	set, err := json.Marshal(ds)
	if err != nil {
		return nil, err
	}
	body["ds"] = set
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	return x.base.RoundTrip(r)
}

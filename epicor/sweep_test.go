package epicor_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

// faults are what a network and a server do to any call.
func faults() map[string]epicortest.Fault {
	return map[string]epicortest.Fault{
		"429":               {Status: http.StatusTooManyRequests},
		"500 before":        {Status: http.StatusInternalServerError},
		"drop before":       {Drop: true},
		"drop after commit": {Drop: true, When: epicortest.After},
		"HTML of a gateway": {Status: http.StatusBadGateway, Header: html(), Body: "<html>bad gateway</html>"},
		"truncated":         {Truncate: true},
	}
}

// worse are faults that matter where something is committed.
func worse() map[string]epicortest.Fault {
	return map[string]epicortest.Fault{
		"500 after commit":   {Status: http.StatusInternalServerError, When: epicortest.After},
		"503 for a day":      {Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"86400"}}},
		"HTML 200 after":     {Status: http.StatusOK, Header: html(), Body: "<html>welcome</html>", When: epicortest.After},
		"empty 200 after":    {Status: http.StatusOK, When: epicortest.After},
		"404 of a gateway":   {Status: http.StatusNotFound, Header: html(), Body: "<html>not here</html>"},
		"400 without a body": {Status: http.StatusBadRequest, When: epicortest.After},
		"time-out":           {Delay: 2 * time.Minute},
		"401":                vendors(http.StatusUnauthorized, "System.UnauthorizedAccessException", "The security token has expired."),
		"403":                vendors(http.StatusForbidden, "System.UnauthorizedAccessException", "Not in the key's scope."),
		"409":                vendors(http.StatusConflict, "Ice.Common.DuplicateRecordException", "It exists already."),
		"410":                vendors(http.StatusGone, "Ice.Common.InvalidSessionException", "The session is no longer valid."),
	}
}

// vendors is a refusal in the vendor's own form.
func vendors(status int, kind, text string) epicortest.Fault {
	return epicortest.Fault{Status: status, Body: fmt.Sprintf(
		`{"HttpStatus":%d,"ReasonPhrase":"REST API Exception","ErrorMessage":%q,"ErrorType":%q}`, status, text, kind)}
}

func html() http.Header { return http.Header{"Content-Type": {"text/html"}} }

// commits reports whether a call changes something.
func commits(path string) bool {
	for _, m := range []string{"/Update", "/UpdateMaster", "/LockAPGroup", "/UnlockAPGroup"} {
		if strings.HasSuffix(path, m) {
			return true
		}
	}
	return false
}

// everything asks for every fault of every call, those that nothing is committed
// by among them: ML_CONNECTOR_MATRIX=1, for the long runs.
func everything() bool { return os.Getenv("ML_CONNECTOR_MATRIX") == "1" && !sampled }

// whole asserts that there is exactly one invoice and that it is right.
func whole(t *testing.T, srv *epicortest.Server, in epicor.APInvoiceInput) {
	t.Helper()
	got := srv.Invoices(company)
	require.Len(t, got, 1)
	require.True(t, got[0].Balanced())
	require.True(t, got[0].Amount.Equal(in.Total()))
	require.Len(t, got[0].Lines, len(in.Lines))
	require.Len(t, got[0].Attachments, len(in.Attachments))
	for i, l := range got[0].Lines {
		require.Len(t, l.Splits, len(in.Lines[i].Splits))
		for j, s := range l.Splits {
			require.Equal(t, in.Lines[i].Splits[j].Account, s.Account)
			require.True(t, s.Amount.Equal(in.Lines[i].Splits[j].Amount))
		}
	}
}

// mealWithImage is an invoice of three lines with two splits each and an image.
func mealWithImage(t testing.TB) epicor.APInvoiceInput {
	t.Helper()
	in := meal(t)
	in.Attachments = []epicor.APInvoiceAttachmentInput{{Name: "receipt.pdf", Data: []byte("%PDF-1.7")}}
	return in
}

func TestWhateverBefallsOneCallOfAnInvoiceItIsWholeOrAbsentAfterResume(t *testing.T) {
	for name, lines := range forms() {
		t.Run(name, func(t *testing.T) { sweepAnInvoice(t, lines) })
	}
}

// forms are the ways in which lines are saved: LinesAtOnce by what it does.
func forms() map[string]int {
	if !everything() {
		return map[string]int{"whole tablesets": 0, "two lines at once": 2}
	}
	return map[string]int{"whole tablesets": 0, "the rows of a line": 1, "two lines at once": 2}
}

// formed is a fake and a client that saves lines in one of the forms. Where the
// tableset is to go back whole the fake refuses one that does not.
func formed(t testing.TB, tries, lines int) (*epicortest.Server, *epicor.Client) {
	t.Helper()
	o := options()
	o.WholeRows = lines == 0
	srv := epicortest.New(o)
	seed(srv)
	return srv, client(t, srv, &epicor.Options{Tries: tries, Invoices: epicor.InvoiceOptions{LinesAtOnce: lines}})
}

func sweepAnInvoice(t *testing.T, lines int) {
	var calls []epicortest.Call
	synctest.Test(t, func(t *testing.T) {
		srv, c := formed(t, 0, lines)
		_, err := c.APInvoices.Create(t.Context(), mealWithImage(t))
		require.NoError(t, err)
		calls = srv.Calls()
	})
	var cells, completed, absent atomic.Int64
	struck := map[string]bool{}
	for _, call := range calls {
		struck[call.Path[strings.LastIndex(call.Path, "/")+1:]] = true
	}
	sweep := func(name string, f epicortest.Fault, tries int, want func(path string) bool) {
		t.Run(fmt.Sprintf("tries=%d/%s", tries, name), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for i, call := range calls {
					few := sampled || lines > 0 && !everything()
					if !want(call.Path) || few && (i%3 != len(name)%3 || !commits(call.Path) && name != "drop before") {
						continue
					}
					at := fmt.Sprintf("call %d (%s)", i, call.Path)
					cells.Add(1)
					f.Skip = i
					if befall(t, at, call.Path, f, tries, lines) {
						completed.Add(1)
					} else {
						absent.Add(1)
					}
				}
			})
		})
	}
	t.Cleanup(func() {
		t.Logf("%d cells (%d calls of %s): %d ended in exactly one right invoice, %d in none, 0 doubled, 0 wrong",
			cells.Load(), len(calls), strings.Join(slices.Sorted(maps.Keys(struck)), ", "), completed.Load(), absent.Load())
	})
	all := func(string) bool { return true }
	for name, f := range faults() {
		sweep(name, f, 1, all)
	}
	where := commits
	if everything() {
		where = all
	}
	for name, f := range worse() {
		sweep(name, f, 1, where)
	}
	// With the default tries most faults of a call that may be repeated pass unseen.
	sweep("truncated", epicortest.Fault{Truncate: true}, 0, commits)
	sweep("drop after commit", epicortest.Fault{Drop: true, When: epicortest.After}, 0, commits)
}

// befall lets one call of an invoice go wrong and reports whether the invoice is
// there afterwards, completed.
func befall(t *testing.T, at, path string, f epicortest.Fault, tries, lines int) bool {
	t.Helper()
	srv, c := formed(t, tries, lines)
	srv.Inject(f)
	in := mealWithImage(t)
	_, err := c.APInvoices.Create(t.Context(), in)
	srv.ClearFaults()
	synctest.Wait() // what timed out here is committed there all the same
	found, ferr := c.APInvoices.Find(t.Context(), in.Key)
	require.NoError(t, ferr, at)
	require.LessOrEqual(t, len(found), 1, at)
	var ie *epicor.APInvoiceError
	if err != nil {
		require.ErrorAs(t, err, &ie, at)
	}
	if len(found) == 0 {
		require.Error(t, err, at)
		require.NotEqual(t, epicor.Committed, ie.Outcome, at)
		require.Empty(t, srv.Invoices(company), at)
		if strings.HasSuffix(path, "/LockAPGroup") && len(srv.Locks(company)) > 0 {
			// It timed out and was locked after it had been given free: the next attempt
			// gives it free.
			_, err = c.APInvoices.Create(t.Context(), in)
			require.NoError(t, err, at)
			whole(t, srv, in)
			require.Empty(t, srv.Locks(company), at)
			return true
		}
		require.Empty(t, srv.Locks(company), at)
		return false
	}
	if err != nil {
		require.NotEqual(t, epicor.NotCommitted, ie.Outcome, at)
	}
	_, err = c.APInvoices.Resume(t.Context(), in)
	require.NoError(t, err, at)
	whole(t, srv, in)
	if strings.HasSuffix(path, "/UnlockAPGroup") {
		// The call that gives the group free is the one that failed: the next
		// invoice of the group gives it free.
		in.Number, in.Key = in.Number+"X", "Z"+in.Key[1:]
		_, err = c.APInvoices.Create(t.Context(), in)
		require.NoError(t, err, at)
	}
	require.Empty(t, srv.Locks(company), at)
	return true
}

func TestEachLineKeepsItsOwnSplitsWhenResumedTwice(t *testing.T) {
	srv, c := pair(t, nil)
	in := meal(t)
	srv.Inject(epicortest.Fault{Path: "/UpdateMaster", Skip: 4, Status: http.StatusBadRequest, Body: `{"ErrorMessage":"Something is wrong.","ErrorType":"Ice.Common.BusinessObjectException"}`})
	_, err := c.APInvoices.Create(t.Context(), in)
	var ie *epicor.APInvoiceError
	require.ErrorAs(t, err, &ie)
	require.Equal(t, epicor.Committed, ie.Outcome)
	require.Equal(t, "line 2", ie.Step)
	for range 2 {
		_, err = c.APInvoices.Resume(t.Context(), in)
		require.NoError(t, err)
		whole(t, srv, in)
	}
	require.Empty(t, srv.Locks(company))
	var e *epicor.Error
	require.True(t, errors.As(ie, &e) && e.Refused())
}

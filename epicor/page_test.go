package epicor_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/epicor/odata"
)

func TestKeyPagingMissesAndDoublesNoneOfTheRowsThatStayedWhileOthersComeAndGo(t *testing.T) {
	total := 250_000
	if sampled {
		total = 5_000
	}
	srv, c := pair(t, &epicor.Options{PageSize: 1000})
	// Every other number is taken, so that rows can come in between.
	vendors := make([]epicortest.Vendor, 0, total)
	for i := range total {
		vendors = append(vendors, epicortest.Vendor{Num: 1000 + 2*i, ID: fmt.Sprintf("V%07d", i)})
	}
	srv.AddVendors(company, vendors...)
	gone := map[int]bool{}
	seen := make(map[int]int, total)
	random := rand.New(rand.NewPCG(7, 9))
	n, added := 0, 0
	for v, err := range c.Vendors.List(t.Context(), odata.Query{Filter: odata.Ge("VendorNum", 1000), Select: []string{"VendorID"}}) {
		require.NoError(t, err)
		seen[v.VendorNum]++
		if n++; n%500 != 0 {
			continue
		}
		// While the page is being read: some go, some come, before and behind.
		for range 20 {
			num := 1000 + 2*random.IntN(total)
			srv.RemoveVendors(company, num)
			gone[num] = true
			srv.AddVendors(company, epicortest.Vendor{Num: 1001 + 2*random.IntN(total), ID: fmt.Sprintf("N%07d", n)})
			added++
		}
	}
	missed, doubled := 0, 0
	for _, v := range vendors {
		if seen[v.Num] == 0 && !gone[v.Num] {
			missed++
		}
	}
	for _, times := range seen {
		if times > 1 {
			doubled++
		}
	}
	require.Zero(t, missed)
	require.Zero(t, doubled)
	t.Logf("%d rows, %d deleted and %d inserted while %d were read: 0 of those that stayed missed, 0 doubled", total, len(gone), added, n)
}

func TestPagingBySkipDoesMissRowsWhenOthersGo(t *testing.T) {
	srv, c := pair(t, &epicor.Options{PageSize: 10, BySkip: true})
	many(srv, 50)
	seen := map[int]bool{}
	n := 0
	for v, err := range c.Vendors.List(t.Context(), odata.Query{Filter: odata.Ge("VendorNum", 1000)}) {
		require.NoError(t, err)
		seen[v.VendorNum] = true
		if n++; n == 10 {
			srv.RemoveVendors(company, 1000, 1001)
		}
	}
	require.False(t, seen[1010], "the reason why pages go by key: this one was shifted over")
}

func TestEachPageOfACompoundKeyBeginsBehindTheLastRow(t *testing.T) {
	srv, c := pair(t, &epicor.Options{PageSize: 7})
	var want []string
	for seg := 1; seg <= 3; seg++ {
		for i := range 25 {
			code := fmt.Sprintf("O'%02d", i)
			srv.AddSegments(company, epicortest.SegmentValue{Segment: seg, Code: code})
			want = append(want, fmt.Sprintf("%d %s", seg, code))
		}
	}
	srv.ResetCalls()
	var got []string
	for v, err := range c.SegmentValues.List(t.Context(), odata.Query{Filter: odata.StartsWith("SegmentCode", "O'")}) {
		require.NoError(t, err)
		got = append(got, fmt.Sprintf("%d %s", v.Segment, v.Code))
	}
	require.Equal(t, want, got)
	q, err := url.ParseQuery(srv.Calls()[1].Query)
	require.NoError(t, err)
	require.Empty(t, q.Get("$skip"))
	require.Contains(t, q.Get("$filter"), "SegmentCode gt 'O''06'")
}

func TestRowsOfAnyShapeArePagedByKey(t *testing.T) {
	srv, c := pair(t, &epicor.Options{PageSize: 10})
	many(srv, 35)
	srv.ResetCalls()
	anything := epicor.NewEntities[map[string]json.RawMessage](c, "Erp.BO.VendorSvc", "Vendors", "Company", "VendorNum")
	n := 0
	for row, err := range anything.List(t.Context(), odata.Query{}) {
		require.NoError(t, err)
		require.NotEmpty(t, (*row)["VendorID"])
		n++
	}
	require.Equal(t, 38, n)
	require.NotContains(t, srv.Calls()[2].Query, "skip")
}

func TestALinkThatCountsRowsOnlySaysThatMoreFollow(t *testing.T) {
	c, asked := mocked(t,
		`{"value":[{"Company":"EPIC06","VendorNum":1},{"Company":"EPIC06","VendorNum":2}],"@odata.nextLink":"https://inner/Vendors?$skip=2"}`,
		`{"value":[{"Company":"EPIC06","VendorNum":3}]}`)
	require.Equal(t, []int{1, 2, 3}, nums(t, c, odata.Query{}))
	u, err := url.Parse((*asked)[1])
	require.NoError(t, err)
	require.Equal(t, "gate.example", u.Host)
	require.Equal(t, "VendorNum gt 2", u.Query().Get("$filter"))
}

func TestAServerThatIgnoresTheConditionOnTheKeyIsFoundOut(t *testing.T) {
	row := `{"value":[{"Company":"EPIC06","VendorNum":1}],"@odata.nextLink":"https://inner/Vendors?$skip=1"}`
	c, _ := mocked(t, row, row)
	n := 0
	var failed error
	for _, err := range c.Vendors.List(t.Context(), odata.Query{}) {
		if failed = err; err == nil {
			n++
		}
	}
	require.ErrorContains(t, failed, "leads back")
	require.Equal(t, 1, n)
}

func TestARowIsDecodedWhenItIsTakenAndNoSooner(t *testing.T) {
	c, _ := mocked(t, `{"value":[{"Company":"EPIC06","VendorNum":1},{"Company":"EPIC06","VendorNum":"x"}]}`)
	var got []int
	var failed error
	for v, err := range c.Vendors.List(t.Context(), odata.Query{}) {
		if failed = err; err == nil {
			got = append(got, v.VendorNum)
		}
	}
	require.Equal(t, []int{1}, got)
	require.ErrorContains(t, failed, "a row is not readable")
}

func TestWhatStandsBehindTheRowsIsPartOfTheAnswer(t *testing.T) {
	for _, rest := range []string{"", "]", `],"value":[]}`, `],"@odata.nextLink":7}`, "]} ]", `],"@odata.count":"many"}`} {
		c, _ := mocked(t, `{"value":[{"Company":"EPIC06","VendorNum":1}`+rest)
		var failed error
		for _, err := range c.Vendors.List(t.Context(), odata.Query{}) {
			failed = err
		}
		require.ErrorContains(t, failed, "no list", rest)
	}
}

func TestARowThatTheCallerChangesDoesNotMisleadThePaging(t *testing.T) {
	srv, c := pair(t, &epicor.Options{PageSize: 10})
	many(srv, 35)
	n := 0
	for v, err := range c.Vendors.List(t.Context(), odata.Query{}) {
		require.NoError(t, err)
		v.VendorNum = 1 << 30
		n++
	}
	require.Equal(t, 38, n)
}

func TestAServerThatGivesMoreThanWasAskedForIsCutOff(t *testing.T) {
	c, asked := mocked(t, `{"value":[{"Company":"EPIC06","VendorNum":1},{"Company":"EPIC06","VendorNum":2},{"Company":"EPIC06","VendorNum":3}]}`)
	require.Equal(t, []int{1, 2}, nums(t, c, odata.Query{Top: 2}))
	require.Len(t, *asked, 1)
}

func TestAServerThatBeginsAnewWithEachPageDoublesNoRow(t *testing.T) {
	page := `{"value":[{"Company":"EPIC06","VendorNum":1},{"Company":"EPIC06","VendorNum":2}]}`
	c, asked := mockedPaged(t, 2, page)
	many := epicor.NewEntities[map[string]json.RawMessage](c, "Erp.BO.VendorSvc", "Vendors", "Company", "VendorNum")
	for name, list := range map[string]func() (int, error){
		"typed": func() (int, error) { return drain(t, c.Vendors) },
		"any":   func() (int, error) { return drain(t, many) },
	} {
		n, err := list()
		require.ErrorContains(t, err, "leads back", name)
		require.Equal(t, 2, n, name)
	}
	require.Len(t, *asked, 4)
}

// drain reads pages of two rows until the list ends.
func drain[T any](t *testing.T, e *epicor.Entities[T]) (n int, failed error) {
	t.Helper()
	for _, err := range e.List(t.Context(), odata.Query{}) {
		if failed = err; err == nil {
			n++
		}
	}
	return n, failed
}

func TestAServerThatSendsLinksIsReadToItsEndByKeyAndBySkip(t *testing.T) {
	for _, bySkip := range []bool{false, true} {
		o := options()
		o.NextLinks = true
		srv := epicortest.New(o)
		seed(srv)
		c := client(t, srv, &epicor.Options{PageSize: 10, BySkip: bySkip})
		many(srv, 37)
		srv.ResetCalls()
		require.Len(t, nums(t, c, odata.Query{}), 40, "a full last page bears a link, too")
		calls := srv.Calls()
		if bySkip {
			// A chain of links ends with what was asked for, not with the list.
			require.Len(t, calls, 6)
		} else {
			require.Len(t, calls, 5)
		}
		for _, call := range calls {
			require.Equal(t, "/api/v2/odata/EPIC06/Erp.BO.VendorSvc/Vendors", call.Path, "at our own address, not at the server's")
		}
		require.Equal(t, bySkip, strings.Contains(calls[2].Query, "skip"))
	}
}

package epicor_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/epicor/odata"
)

// changes reads on from a cursor until nothing more is there.
func changes[T any](t *testing.T, e *epicor.Entities[T], column, cursor string) (items []*T, next string) {
	t.Helper()
	for {
		p, err := e.Changes(t.Context(), column, odata.Query{}, cursor)
		require.NoError(t, err)
		items = append(items, p.Items...)
		if cursor = p.Next; !p.More {
			return items, cursor
		}
	}
}

func ids(vs []*epicor.Vendor) []string {
	var out []string
	for _, v := range vs {
		out = append(out, v.VendorID)
	}
	slices.Sort(out)
	return out
}

func TestChangesByRowVersionComeOnceAndInTheirOrder(t *testing.T) {
	srv, c := pair(t, &epicor.Options{PageSize: 10})
	many(srv, 35)
	vs, at := changes(t, c.Vendors, epicor.RowVersion, "")
	require.Len(t, vs, 38)
	for i := range vs[1:] {
		require.Less(t, vs[i].SysRevID, vs[i+1].SysRevID)
	}
	vs, at = changes(t, c.Vendors, epicor.RowVersion, at)
	require.Empty(t, vs)
	srv.AddVendors(company, epicortest.Vendor{Num: 1003, ID: "V00003", Name: "renamed"}, epicortest.Vendor{Num: 9, ID: "NEW"})
	vs, at = changes(t, c.Vendors, epicor.RowVersion, at)
	require.Equal(t, []string{"NEW", "V00003"}, ids(vs))
	vs, _ = changes(t, c.Vendors, epicor.RowVersion, at)
	require.Empty(t, vs)
}

func TestChangesByADayRepeatThatDayAndMissNothing(t *testing.T) {
	o := options()
	o.Companies[0].UDColumns["Vendor"] = map[string]any{"ChangedOn_c": epicortest.Date{}}
	srv := epicortest.New(o)
	c := client(t, srv, &epicor.Options{PageSize: 2})
	on := func(num int, id, day string) {
		srv.AddVendors(company, epicortest.Vendor{Num: num, ID: id, UD: map[string]any{"ChangedOn_c": date(t, day)}})
	}
	on(1, "A", "2026-10-01")
	on(2, "B", "2026-10-03")
	on(3, "C", "2026-10-03")
	on(4, "D", "2026-10-03")
	srv.AddVendors(company, epicortest.Vendor{Num: 5, ID: "NEVER"})
	vs, at := changes(t, c.Vendors, "ChangedOn_c", "")
	require.Equal(t, []string{"A", "B", "C", "D"}, ids(vs))
	on(1, "A", "2026-10-03")
	on(6, "E", "2026-10-04")
	vs, at = changes(t, c.Vendors, "ChangedOn_c", at)
	require.Equal(t, []string{"A", "B", "C", "D", "E"}, ids(vs))
	vs, _ = changes(t, c.Vendors, "ChangedOn_c", at)
	require.Equal(t, []string{"E"}, ids(vs))
	_, err := c.Vendors.Changes(t.Context(), "Name", odata.Query{}, at)
	require.Error(t, err, "a cursor of another column")
}

func TestAScanFindsWhatChangedAndWhatIsGone(t *testing.T) {
	srv, c := pair(t, &epicor.Options{PageSize: 10})
	many(srv, 25)
	some := odata.Query{Select: []string{"VendorID", "Name", "SysRevID"}}
	first, err := c.Vendors.Scan(t.Context(), some, nil)
	require.NoError(t, err)
	require.Len(t, first.Changed, 28)
	kept, err := json.Marshal(first.Hashes)
	require.NoError(t, err)
	var before epicor.Hashes
	require.NoError(t, json.Unmarshal(kept, &before))
	srv.AddVendors(company, epicortest.Vendor{Num: 1001, ID: "V00001"}, epicortest.Vendor{Num: 1002, ID: "V00002", Name: "renamed"}, epicortest.Vendor{Num: 9, ID: "NEW"})
	srv.RemoveVendors(company, 1003)
	second, err := c.Vendors.Scan(t.Context(), some, before)
	require.NoError(t, err)
	require.Equal(t, []string{"NEW", "V00002"}, ids(second.Changed), "a row version alone is no change")
	require.Equal(t, []string{"1003"}, second.Gone)
}

func TestAScanThatFailsHalfWaySaysNothing(t *testing.T) {
	srv, c := pair(t, &epicor.Options{PageSize: 10, Tries: 1})
	many(srv, 25)
	srv.Inject(epicortest.Fault{Path: "/Vendors", Skip: 2, Status: http.StatusInternalServerError})
	out, err := c.Vendors.Scan(t.Context(), odata.Query{}, epicor.Hashes{"7": "x"})
	require.Error(t, err)
	require.Nil(t, out)
}

package epicorsync_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/epicor/odata"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// objects reads a whole set, by key.
func objects[T any](t *testing.T, o connector.Original[T]) []connector.Object[T] {
	t.Helper()
	var all []connector.Object[T]
	for obj, err := range o.Objects(t.Context()) {
		require.NoError(t, err)
		all = append(all, obj)
	}
	slices.SortFunc(all, func(a, b connector.Object[T]) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
	return all
}

func failure[T any](t *testing.T, o connector.Original[T]) error {
	t.Helper()
	var last error
	for _, err := range o.Objects(t.Context()) {
		require.NoError(t, last, "an error is the last pair")
		last = err
	}
	return last
}

func on(day string) func() time.Time {
	return func() time.Time {
		at, _ := time.Parse(time.DateOnly, day)
		return at
	}
}

func TestAccountsAreActiveOnTheDaysTheyHold(t *testing.T) {
	srv := server(nil)
	c := client(t, srv, epicor.Options{PageSize: 2})
	type row struct {
		key, needs, name string
		active           bool
	}
	read := func(opts *epicorsync.AccountsOptions) (rows []row) {
		for _, o := range objects(t, epicorsync.AccountsOriginal(c, opts)) {
			rows = append(rows, row{o.Key, strings.Join(o.Needs, " "), o.Content.Name, o.Active})
		}
		return rows
	}
	require.Equal(t, []row{
		{"1900|000|00", "glaccount/1900|000|00", "Clearing", true},
		{"6410|200|00", "glaccount/6410|200|00", "Meals", true},
		{"6420|200|00", "glaccount/6420|200|00", "Travel", true},
		{"6500|200|00", "glaccount/6500|200|00", "6500|200|00", true},
		{"6999|200|00", "glaccount/6999|200|00", "Closed", false},
	}, read(&epicorsync.AccountsOptions{Now: on("2026-10-29")}))
	later := read(&epicorsync.AccountsOptions{Now: on("2026-10-30"), Prefixes: []string{"65"}})
	require.Equal(t, []row{{"6500|200|00", "glaccount/6500|200|00", "6500|200|00", false}}, later)
}

func TestCostCentresAreTheValuesOfASegment(t *testing.T) {
	srv := server(nil)
	srv.AddChart(company, epicortest.Segment{Number: 2, Name: "Cost centre"})
	srv.AddSegments(company,
		epicortest.SegmentValue{Segment: 2, Code: "CC-310", Name: "North - East"},
		epicortest.SegmentValue{Segment: 2, Code: "CC-320", Inactive: true},
	)
	c := client(t, srv, epicor.Options{})
	segments := 0
	for s, err := range c.Segments.List(t.Context(), odata.Query{}) {
		require.NoError(t, err)
		if s.Number == 2 {
			require.Equal(t, "Cost centre", s.Name)
		}
		segments++
	}
	require.Equal(t, 3, segments)
	got := objects(t, epicorsync.SegmentOriginal(c, "MAIN", 2, nil))
	require.Len(t, got, 4)
	require.Equal(t, got, objects(t, epicorsync.SegmentOriginal(c, "", 2, nil)), "the company has one chart")
	require.Equal(t, connector.Object[document.ListItem]{
		Key: "CC-310", Active: true, Content: document.ListItem{Code: "CC-310", Name: "North - East"},
	}, got[2])
	require.False(t, got[3].Active)
}

func TestAMistypedChartIsNotAnEmptySet(t *testing.T) {
	c := client(t, server(nil), epicor.Options{})
	require.ErrorContains(t, failure(t, epicorsync.SegmentOriginal(c, "MIAN", 2, nil)), "MIAN")
	require.ErrorContains(t, failure(t, epicorsync.AccountsOriginal(c, &epicorsync.AccountsOptions{COACode: "MIAN"})), "MIAN")
}

func TestAnEmployeesVendorIsAlsoWhatTheEmployeesDocumentsWaitFor(t *testing.T) {
	srv := server(nil)
	srv.AddVendors(company, epicortest.Vendor{Num: 11, ID: "ACME", Name: "Acme", Country: "Germany", City: "Ulm", Email: "ap@acme.example"})
	c := client(t, srv, epicor.Options{})
	got := objects(t, epicorsync.VendorsOriginal(c, &epicorsync.VendorsOptions{
		EmployeeColumn: "EmpID_c", RefuseHold: true, IgnoreApproval: true, Countries: map[string]string{"germany": "DE"}, TermsDays: map[string]int{"N30": 30},
	}))
	type row struct {
		needs    string
		active   bool
		employee string
	}
	rows := map[string]row{}
	for _, o := range got {
		rows[o.Key] = row{strings.Join(o.Needs, " "), o.Active, o.Content.EmployeeID}
	}
	require.Equal(t, map[string]row{
		"E1042":   {"vendor/E1042 employee/1042", true, "1042"},
		"CARDCO":  {"vendor/CARDCO", true, ""},
		"OLD":     {"vendor/OLD", false, ""},
		"NOTERMS": {"vendor/NOTERMS", true, ""},
		"HELD":    {"vendor/HELD", false, ""},
		"ACME":    {"vendor/ACME", true, ""},
	}, rows)
	require.Equal(t, document.Vendor{
		ID: "ACME", Name: "Acme", Currency: "USD", Email: "ap@acme.example", TermsDays: 30,
		Address: document.Address{City: "Ulm", Country: "DE"},
	}, got[0].Content)
}

func TestVendorsAreReadForReconciling(t *testing.T) {
	c := client(t, server(nil), epicor.Options{PageSize: 2})
	vs, err := epicorsync.Vendors(t.Context(), c, &epicorsync.VendorsOptions{EmployeeColumn: "EmpID_c"})
	require.NoError(t, err)
	require.Len(t, vs, 5)
}

func TestAnOriginalThatMayNotReadNeedsMending(t *testing.T) {
	srv := server(nil)
	c := client(t, srv, epicor.Options{})
	srv.Inject(epicortest.Fault{Times: -1, Status: 403, Body: `{"HttpStatus":403,"ErrorMessage":"Forbidden"}`})
	require.ErrorIs(t, failure(t, epicorsync.AccountsOriginal(c, nil)), connector.ErrConnection)
	require.ErrorIs(t, failure(t, epicorsync.VendorsOriginal(c, nil)), connector.ErrConnection)
}

func TestAVendorThatIsNotApprovedIsNotThereYet(t *testing.T) {
	srv := server(nil)
	srv.AddVendors(company, epicortest.Vendor{Num: 12, ID: "FRESH", Unapproved: true})
	c := client(t, srv, epicor.Options{})
	for _, ignore := range []bool{false, true} {
		for _, o := range objects(t, epicorsync.VendorsOriginal(c, &epicorsync.VendorsOptions{IgnoreApproval: ignore})) {
			if o.Key == "FRESH" {
				require.Equal(t, ignore, o.Active)
			}
		}
	}
}

package epicor_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/odata"
)

// wide is a row as lists of reference data have them.
type wide struct {
	Company      string
	VendorNum    int
	VendorID     string
	Name         string
	CurrencyCode string
	TermsCode    string
	City         string
	Balance      epicor.Decimal
	Inactive     bool
	SysRevID     int64
}

// rowServer answers a list of so many rows from a counter, as cheaply as it can,
// so that what is measured is the reading.
func rowServer(b *testing.B, total int) *httptest.Server {
	b.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		from := 0
		if _, n, ok := strings.Cut(q.Get("$filter"), "VendorNum gt "); ok {
			from, _ = strconv.Atoi(n)
		}
		size, _ := strconv.Atoi(q.Get("$top"))
		out := append(make([]byte, 0, 220*size), `{"@odata.context":"x","value":[`...)
		for n := from + 1; n <= min(from+size, total); n++ {
			if n > from+1 {
				out = append(out, ',')
			}
			out = append(out, `{"Company":"EPIC06","VendorNum":`...)
			out = strconv.AppendInt(out, int64(n), 10)
			out = append(out, `,"VendorID":"V`...)
			out = strconv.AppendInt(out, int64(n), 10)
			out = append(out, `","Name":"A supplier of some length","CurrencyCode":"USD","TermsCode":"N30","City":"Springfield","Balance":1234.50,"Inactive":false,"SysRevID":987654321}`...)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(append(out, "]}"...))
	}))
	b.Cleanup(srv.Close)
	return srv
}

// reading is what one way through all rows cost.
type reading struct {
	took   time.Duration
	allocs uint64
	growth int64 // live bytes from row 10,000 to the last
}

func live() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func measure(b *testing.B, total int, read func(row func())) reading {
	b.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n, paused := 0, time.Duration(0)
	var early, late int64
	began := time.Now()
	read(func() {
		if n++; n == min(10_000, total/2) || n == total {
			stop := time.Now()
			if n == total {
				late = live()
			} else {
				early = live()
			}
			paused += time.Since(stop)
		}
	})
	took := time.Since(began) - paused
	runtime.ReadMemStats(&after)
	require.Equal(b, total, n)
	return reading{took: took, allocs: after.Mallocs - before.Mallocs, growth: late - early}
}

// BenchmarkReadAMillionRows compares a list with net/http and encoding/json into
// the same struct, alternating, medians of five:
//
//	go test ./epicor -run '^$' -bench ReadAMillionRows -benchtime 1x
func BenchmarkReadAMillionRows(b *testing.B) {
	const total, size, runs = 1_000_000, 1000, 5
	srv := rowServer(b, total)
	c, err := epicor.NewClient(srv.URL+"/api/v2/odata/EPIC06", credential(), &epicor.Options{AllowHTTP: true, PageSize: size})
	require.NoError(b, err)
	set := epicor.NewEntities[wide](c, "Erp.BO.VendorSvc", "Vendors", "Company", "VendorNum")
	ours := func(row func()) {
		for v, err := range set.List(b.Context(), odata.Query{}) {
			require.NoError(b, err)
			if v.VendorNum == 0 {
				b.Fatal("a row without its number")
			}
			row()
		}
	}
	hc := &http.Client{}
	plain := func(row func()) {
		for last := 0; ; {
			q := url.Values{"$top": {strconv.Itoa(size)}, "$orderby": {"Company,VendorNum"}}
			if last > 0 {
				q.Set("$filter", fmt.Sprintf("VendorNum gt %d", last))
			}
			req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, srv.URL+"/api/v2/odata/EPIC06/Erp.BO.VendorSvc/Vendors?"+q.Encode(), nil)
			require.NoError(b, err)
			res, err := hc.Do(req)
			require.NoError(b, err)
			var page struct {
				Value []*wide `json:"value"`
			}
			err = json.NewDecoder(res.Body).Decode(&page)
			_ = res.Body.Close()
			require.NoError(b, err)
			for _, v := range page.Value {
				last = v.VendorNum
				row()
			}
			if len(page.Value) < size {
				return
			}
		}
	}
	for b.Loop() {
		var us, them []reading
		for range runs {
			us = append(us, measure(b, total, ours))
			them = append(them, measure(b, total, plain))
		}
		mid := func(rs []reading) reading {
			slices.SortFunc(rs, func(x, y reading) int { return int(x.took - y.took) })
			return rs[len(rs)/2]
		}
		u, t := mid(us), mid(them)
		rate := float(t.took) / float(u.took)
		allocs := float(int64(u.allocs)) / float(int64(t.allocs))
		growth := float(u.growth) / (1 << 20)
		b.ReportMetric(rate, "rate/plain")
		b.ReportMetric(allocs, "allocs/plain")
		b.ReportMetric(growth, "MiB-growth")
		b.Logf("%d rows: %v, with net/http and encoding/json %v: rate %.3f of it (0.95 wanted), allocations %.3f of its (1.1 allowed), live memory from row 10,000 to the last %+.2f MiB (16 allowed)",
			total, u.took.Round(time.Millisecond), t.took.Round(time.Millisecond), rate, allocs, growth)
	}
}

// float is for figures about time and memory alone.
func float[N ~int64](n N) float64 { return float64(n) } //nolint:forbidigo // no money: seconds and bytes

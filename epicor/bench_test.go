//go:build unix

package epicor_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
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
	busy   time.Duration // of all processors, of server and client
	allocs uint64
	growth int64 // live bytes from row 10,000 to the last
}

func live() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// busy is the processor time of the process. A machine that does other things
// makes a reading long, not busy.
func busy(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func measure(b *testing.B, total int, read func(row func())) reading {
	b.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n, paused, idle := 0, time.Duration(0), time.Duration(0)
	var early, late int64
	began, beganBusy := time.Now(), busy(b)
	read(func() {
		if n++; n == min(10_000, total/2) || n == total {
			stop, stopBusy := time.Now(), busy(b)
			if n == total {
				late = live()
			} else {
				early = live()
			}
			paused += time.Since(stop)
			idle += busy(b) - stopBusy
		}
	})
	took, worked := time.Since(began)-paused, busy(b)-beganBusy-idle
	runtime.ReadMemStats(&after)
	require.Equal(b, total, n)
	return reading{took: took, busy: worked, allocs: after.Mallocs - before.Mallocs, growth: late - early}
}

// BenchmarkReadAMillionRows compares a list with net/http and encoding/json into
// the same struct, in pairs, of which the median counts:
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
			if err != nil || v.VendorNum == 0 { // as cheap as the other's check
				b.Fatal("a row without its number", err)
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
		// Each pair runs back to back, whichever first in turn, so that what else the
		// machine does falls on both.
		pairs := make([]pairing, runs)
		for i := range pairs {
			if i%2 == 0 {
				pairs[i].us = measure(b, total, ours)
			}
			pairs[i].them = measure(b, total, plain)
			if i%2 == 1 {
				pairs[i].us = measure(b, total, ours)
			}
		}
		slices.SortFunc(pairs, func(x, y pairing) int { return cmp.Compare(x.rate(), y.rate()) })
		mid := pairs[runs/2]
		allocs := float(int64(mid.us.allocs)) / float(int64(mid.them.allocs))
		growth := float(mid.us.growth) / (1 << 20)
		work := float(mid.them.busy) / float(mid.us.busy)
		b.ReportMetric(float64(mid.rate()), "rate/plain") //nolint:forbidigo // no money: a rate
		b.ReportMetric(work, "cpu-rate/plain")
		b.ReportMetric(allocs, "allocs/plain")
		b.ReportMetric(growth, "MiB-growth")
		b.Logf("%d rows: %v, with net/http and encoding/json %v: rate %.3f of it (0.95 wanted; of %d pairs the slowest %.3f, the fastest %.3f; by processor time, server and all, %.3f), allocations %.3f of its (1.1 allowed), live memory from row 10,000 to the last %+.2f MiB (16 allowed)",
			total, mid.us.took.Round(time.Millisecond), mid.them.took.Round(time.Millisecond), mid.rate(), runs, pairs[0].rate(), pairs[runs-1].rate(), work, allocs, growth)
	}
}

// pairing is one reading beside the other.
type pairing struct{ us, them reading }

func (p pairing) rate() ratio { return ratio(p.them.took) / ratio(p.us.took) }

// ratio compares times.
type ratio float64 //nolint:forbidigo // no money: seconds by seconds

// float is for figures about time and memory alone.
func float[N ~int64](n N) float64 { return float64(n) } //nolint:forbidigo // no money: seconds and bytes

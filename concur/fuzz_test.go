package concur

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
)

func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(`{"id":"e","eventType":"statusChanged","topic":"public.concur.expense.report","timeStamp":"2026-10-30T10:00:00.000+0000","facts":{"reportId":"A","href":"https://x/users/32c2fcc3-b2e8-4907-9672-5b3f49b1c643/y"}}`))
	f.Add([]byte(`{"eventType":"x","facts":"text"}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := ParseEvent(body)
		if err != nil {
			return
		}
		if e.EventType == "" {
			t.Fatal("an event without a type was taken")
		}
		_ = e.Company()
		if r, err := e.Report(); err == nil {
			if o := r.Owner(); o != "" && !itemID.MatchString(o) {
				t.Fatalf("owner %q is no id", o)
			}
		}
		_, _ = e.Financial()
	})
}

func FuzzErrorBody(f *testing.F) {
	for _, s := range []string{
		`{"Error":{"Message":"m","Id":"i"}}`, `{"errorMessage":"m","validationErrors":[{"id":"a"}]}`, `<Error><Message>m</Message></Error>`,
		`<title>x`, "{\"error\":\"\u2028x\"}", `{"urn:x:Error":{"messages":[{}]}}`, "a@b.c Bearer eyJa.b.c", "\xff\xfe",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		text := errorFrom("Op", 400, http.Header{}, body, 0).Error()
		if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) }) {
			t.Fatalf("error text has control characters: %q", text)
		}
		_ = tokenErrorFrom(400, http.Header{}, body, 0).Error()
	})
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2026-10-30T10:00:00Z", "2026-10-30T10:00:00.000+0000", "2026-10-30 10:00:00.0", "10/30/2026", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseTime(s)
		if err != nil {
			return
		}
		if v.IsZero() {
			return
		}
		again, err := ParseTime(v.String())
		if err != nil || !again.Time().Equal(v.Time()) {
			t.Fatalf("%q read back as %q, %v", s, again, err)
		}
	})
}

func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"2026-10-30", "2026-10-30T10:00:00Z", "2026-10-30 00:00:00.0", "10/30/2026", "0000-00-00", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDate(s)
		if err != nil || d.IsZero() {
			return
		}
		again, err := ParseDate(d.String())
		if err != nil || again != d {
			t.Fatalf("%q read back as %q, %v", s, again, err)
		}
		if !d.Time().Equal(d.Time().UTC()) || d.Time().Hour() != 0 {
			t.Fatalf("%q moved to %v", s, d.Time())
		}
	})
}

func FuzzDecimalOfAnAnswer(f *testing.F) {
	for _, s := range []string{`12.50`, `"480.00000000"`, `0E-8`, `-1e+3`, `""`, `null`, `"1e999999999"`, `"NaN"`, `[1]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var d Decimal
		if json.Unmarshal(b, &d) != nil || !d.Present() {
			return
		}
		out, err := json.Marshal(d)
		if err != nil {
			t.Fatalf("%q does not encode: %v", b, err)
		}
		var back Decimal
		if err := json.Unmarshal(out, &back); err != nil || !back.Equal(d) {
			t.Fatalf("%q became %q, %v", b, out, err)
		}
	})
}

func FuzzPositionOfAccountingPages(f *testing.F) {
	for _, s := range []string{`{"next":{"href":"/x?next=50"}}`, `[{"rel":"next","href":"https://evil.example/?next=1"}]`, `{"next":{"href":"?next=%zz"}}`, `[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if next, err := nextPosition(b); err != nil && next != "" {
			t.Fatalf("%q leads to %q and is an error", b, next)
		}
	})
}

func FuzzNextPage(f *testing.F) {
	for _, s := range []string{
		"https://www.concursolutions.com/api/v3.0/expense/reports?offset=a", "https://evil@x/api/v3.0/expense/reports?o", "//x/api/v3.0/expense/reports?o",
		"/api/v3.0/expense/reports?a=%zz", "?a", `\\x`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, link string) {
		q, err := nextPage(link, reportsV3Path)
		if err != nil || q == "" {
			return
		}
		u, err := url.Parse("https://us2.api.concursolutions.com" + reportsV3Path)
		if err != nil {
			t.Fatal(err)
		}
		u.RawQuery = q
		back, err := url.Parse(u.String())
		if err != nil {
			t.Fatalf("query %q makes no URL: %v", q, err)
		}
		if back.Host != "us2.api.concursolutions.com" || back.Path != reportsV3Path {
			t.Fatalf("query %q leads to %s", q, back)
		}
	})
}

func FuzzGeolocation(f *testing.F) {
	for _, s := range []string{"https://us2.api.concursolutions.com", "https://us2.api.concursolutions.com@evil.example", `https://a\.api.concursolutions.com`, "https://us.api.Concursolutions.com/oauth2/v0/token"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		base, err := hosts{}.base(s)
		if err != nil {
			return
		}
		u, err := url.Parse(base + "/oauth2/v0/token")
		if err != nil {
			t.Fatal(err)
		}
		if u.Scheme != "https" || u.User != nil || u.Port() != "" || (!strings.HasSuffix(u.Hostname(), ".api.concursolutions.com") && !chinaHosts[u.Hostname()]) {
			t.Fatalf("%q became %q", s, base)
		}
	})
}

func FuzzPaymentRequest(f *testing.F) {
	for _, s := range []string{
		`{"ID":"A","LineItems":{"LineItem":[{"Allocations":{"Allocation":{"Percentage":"100"}}}]}}`, `{"LineItems":[{"Allocations":[]}]}`,
		`{"LineItems":{"LineItem":{"LineItem":{}}}}`, `{"LineItems":"","Custom1":1,"OrgUnit01":null}`, `{"InvoiceAmount":"1e9999999"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var r PaymentRequest
		if json.Unmarshal(body, &r) != nil {
			return
		}
		for name := range r.Custom {
			if !strings.HasPrefix(name, "custom") && !strings.HasPrefix(name, "orgUnit") {
				t.Fatalf("custom field %q", name)
			}
		}
		if _, err := json.Marshal(r); err != nil {
			t.Fatal(err)
		}
		var v ReportV3
		_ = json.Unmarshal(body, &v)
	})
}

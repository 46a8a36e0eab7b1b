package concurtest_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
)

func invoice(number string) concurtest.PaymentRequest {
	amount := concurtest.Amount
	return concurtest.PaymentRequest{
		InvoiceNumber: number, Owner: "ada@acme.example", InvoiceDate: "2026-10-29",
		Vendor:   concurtest.Vendor{Code: "V100", AddressCode: "MAIN", Name: "Steel & Sons", City: "Bellevue"},
		Shipping: amount("5"), Custom: map[string]string{"Custom3": "P7"},
		Lines: []concurtest.Line{
			{Description: "Beams", ExpenseType: "MATER", Quantity: amount("3"), Amount: amount("99.99"), Tax: amount("8"), AccountCode: "6410"},
			{Description: "Bolts", Amount: amount("10.01"), Allocations: []concurtest.LineAllocation{
				{AccountCode: "6410", Percentage: amount("60")}, {AccountCode: "6420", Percentage: amount("40")},
			}},
		},
	}
}

func TestPaymentRequestIsStringsWithEightDecimals(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	p := co.AddApprovedPaymentRequest(invoice("INV-1"))
	o := get(t, s, co, "/api/v3.0/invoice/paymentrequest/"+p.ID).object(t)
	require.Equal(t, "123.00000000", o["InvoiceAmount"])
	require.Equal(t, "5.00000000", o["ShippingAmount"])
	require.Equal(t, "2026-10-29", o["InvoiceDate"])
	require.Equal(t, "30", o["PaymentTermsDays"])
	require.Equal(t, "P7", o["Custom3"])
	require.Nil(t, o["Custom4"])
	require.Equal(t, "A_APPR", o["ApprovalStatus"])
	require.Regexp(t, `^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.0$`, o["LastSubmitDate"])
	for name, v := range o {
		switch v.(type) {
		case string, nil, map[string]any:
		default:
			require.Failf(t, "scalar that is no string", "%s: %T", name, v)
		}
	}
	require.Equal(t, "Steel & Sons", fields(o["VendorRemitAddress"])["Name"])
	require.Equal(t, "V100", fields(o["VendorRemitAddress"])["VendorCode"])
	require.Equal(t, "MAIN", fields(o["VendorRemitAddress"])["AddressCode"])
}

func TestPaymentRequestWrapsLinesAndAllocations(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	p := co.AddPaymentRequest(invoice("INV-1"))
	o := get(t, s, co, "/api/v3.0/invoice/paymentrequest/"+p.ID).object(t)
	lines := rows(fields(o["LineItems"])["LineItem"])
	require.Len(t, lines, 2)
	first, second := fields(lines[0]), fields(lines[1])
	require.Equal(t, "99.99000000", first["TotalPrice"])
	require.Equal(t, "33.33000000", first["UnitPrice"])
	implicit := rows(fields(first["Allocations"])["Allocation"])
	require.Len(t, implicit, 1)
	require.Equal(t, "100.00000000", fields(implicit[0])["Percentage"])
	require.Equal(t, "6410", fields(implicit[0])["AllocationAccountCode"])
	require.Len(t, fields(second["Allocations"])["Allocation"], 2)
	require.NotContains(t, implicit[0], "Amount")
}

func TestPaymentRequestHasBareArraysAndNoVendorCodeByOption(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, &concurtest.Options{BareArrays: true, NoVendorCode: true})
	co, _ := acme(s)
	p := co.AddPaymentRequest(invoice("INV-1"))
	o := get(t, s, co, "/api/v3.0/invoice/paymentrequest/"+p.ID).object(t)
	require.Len(t, rows(fields(rows(o["LineItems"])[1])["Allocations"]), 2)
	require.NotContains(t, o["VendorRemitAddress"], "VendorCode")
}

func TestUnknownPaymentRequestIs400WithoutABody(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	a := get(t, s, co, "/api/v3.0/invoice/paymentrequest/nothing")
	require.Equal(t, 400, a.status)
	require.Empty(t, a.body)
}

func TestDigestsFilterByWholeDays(t *testing.T) {
	t.Parallel()
	clk := newClock(time.Date(2026, 10, 28, 23, 0, 0, 0, time.UTC))
	s := concurtest.NewServer(t, &concurtest.Options{Now: clk.now})
	co, _ := acme(s)
	for i := range 3 {
		co.AddApprovedPaymentRequest(invoice(fmt.Sprintf("INV-%d", i)))
		clk.forward(24 * time.Hour)
	}
	co.AddPaymentRequest(invoice("INV-3"))
	for query, want := range map[string]string{
		"":                                 "INV-0 INV-1 INV-2 INV-3",
		"lastModifiedDateAfter=2026-10-28": "INV-1 INV-2 INV-3",
		"lastModifiedDateAfter=2026-10-28&lastModifiedDateBefore=2026-10-30": "INV-1",
		"paymentStatus=P_PEND":       "INV-0 INV-1 INV-2",
		"approvalStatus=A_NOTF":      "INV-3",
		"vendorInvoiceNumber=INV-2":  "INV-2",
		"submitDateAfter=2026-10-29": "INV-2",
		"paidDateAfter=2026-10-01":   "",
	} {
		var got []string
		for _, d := range rows(get(t, s, co, "/api/v3.0/invoice/paymentrequestdigests?"+query).object(t)["PaymentRequestDigest"]) {
			got = append(got, text(fields(d)["InvoiceNumber"]))
		}
		require.Equal(t, want, strings.Join(got, " "), query)
	}
	require.Equal(t, 400, get(t, s, co, "/api/v3.0/invoice/paymentrequestdigests?lastModifiedDateAfter=2026-10-28T00:00:00").status)
}

func TestDigestNamesNoVendorCode(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	p := co.AddApprovedPaymentRequest(invoice("INV-1"))
	d := fields(rows(get(t, s, co, "/api/v3.0/invoice/paymentrequestdigests").object(t)["PaymentRequestDigest"])[0])
	require.Equal(t, p.ID, d["PaymentRequestId"])
	require.Equal(t, "123.00000000", d["Total"])
	require.Equal(t, "false", d["IsDeleted"])
	require.Equal(t, "2026-10-29 00:00:00.0", d["UserDefinedDate"])
	require.NotContains(t, d, "VendorCode")
	require.Equal(t, d, get(t, s, co, "/api/v3.0/invoice/paymentrequestdigests/"+p.ID).object(t))
}

func TestDigestPagesCoverAllOnce(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	for i := range 5 {
		co.AddPaymentRequest(invoice(fmt.Sprint(i)))
	}
	var got []string
	next := "/api/v3.0/invoice/paymentrequestdigests?limit=2"
	for next != "" {
		page := get(t, s, co, next).object(t)
		require.Equal(t, json.Number("5"), page["TotalCount"])
		for _, d := range rows(page["PaymentRequestDigest"]) {
			got = append(got, text(fields(d)["InvoiceNumber"]))
		}
		next = ""
		if v, more := page["NextPage"].(string); more {
			u, err := url.Parse(v)
			require.NoError(t, err)
			require.Equal(t, "www.concursolutions.com", u.Host)
			next = u.RequestURI()
		}
	}
	require.Equal(t, []string{"0", "1", "2", "3", "4"}, got)
}

func TestLocalizedDataNamesTheInvoiceStatuses(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co := s.AddCompany("Acme", &concurtest.CompanyOptions{Invoice: &concurtest.InvoiceCodes{PendingPayment: "X_READY"}})
	o := get(t, s, co, "/api/v3.0/invoice/localizeddata?type=paymentStatus&langCode=en").object(t)
	require.Contains(t, o["LocalizationData"], map[string]any{"Code": "X_READY", "LangCode": "en", "LocalizedValue": "Pending Payment"})
	require.Contains(t, o["LocalizationData"], map[string]any{"Code": "P_NOTP", "LangCode": "en", "LocalizedValue": "Not Paid"})
	require.Equal(t, 400, get(t, s, co, "/api/v3.0/invoice/localizeddata?type=colour").status)
}

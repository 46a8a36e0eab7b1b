package concur

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAChangeIsWrittenAndAllElseStaysAsItCame(t *testing.T) {
	t.Parallel()
	const came = `{"PurchaseOrderNumber":"PO1","Tomorrow":{"a":[1.50,null]},"Tax":null,"Status":"Transmitted","LineItem":[{"LineNumber":"1","Quantity":"2.00","New":0E-8},{"LineNumber":"2"}]}`
	var o PurchaseOrder
	require.NoError(t, json.Unmarshal([]byte(came), &o))
	o.Status = "Closed"
	o.LineItems[1].Quantity = "7"
	o.Description = "more"
	b, err := json.Marshal(o)
	require.NoError(t, err)
	require.JSONEq(t, `{"PurchaseOrderNumber":"PO1","Tomorrow":{"a":[1.50,null]},"Tax":null,"Status":"Closed","Description":"more",
		"LineItem":[{"LineNumber":"1","Quantity":"2.00","New":0E-8},{"LineNumber":"2","Quantity":"7"}]}`, string(b))
	require.Contains(t, string(b), `"New":0E-8`)
	require.Contains(t, string(b), `[1.50,null]`)
}

func TestAValueThatWasNotReadIsWrittenByItsFields(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(PurchaseOrderReceipt{PurchaseOrderNumber: "PO1", LineItemExternalID: "L"})
	require.NoError(t, err)
	require.JSONEq(t, `{"PurchaseOrderNumber":"PO1","LineItemExternalID":"L"}`, string(b))
}

func TestAFieldThatWasEmptiedIsWrittenAsEmpty(t *testing.T) {
	t.Parallel()
	var e ReportException
	require.NoError(t, json.Unmarshal([]byte(`{"exceptionCode":"A","message":"m","x":1}`), &e))
	e.Message = ""
	b, err := json.Marshal(e)
	require.NoError(t, err)
	require.JSONEq(t, `{"exceptionCode":"A","message":"","x":1}`, string(b))
}

// members and elements see what encoding/json sees, in every text that it takes.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `{"a":1,"b":[{"c":"]}"}],"d":"\\\"","e":null}`, ` { "a" : "\u00e4\"," , "a\u0062" : -0E-8 } `, `[1,"x",[],{},true]`, `{"a":1,}`, `{"a"}`, `[1 2]`,
		`{"a":"`, `{"a":"\\`, `[[[`, `{"a":1}x`, `{"":{}}`, "[\"\\\\\"]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var object map[string]json.RawMessage
		var array []json.RawMessage
		seen := map[string][]byte{}
		err := members(b, func(name, _, value []byte) error {
			seen[string(name)] = value
			return nil
		})
		if json.Unmarshal(b, &object) == nil && object != nil {
			if err != nil {
				t.Fatalf("%q is an object and was refused", b)
			}
			if len(seen) != len(object) {
				t.Fatalf("%q: %d members, want %d", b, len(seen), len(object))
			}
			for k, v := range object {
				if !bytes.Equal(seen[k], v) {
					t.Fatalf("%q: %q is %q, want %q", b, k, seen[k], v)
				}
			}
		}
		n := 0
		err = elements(b, func(value []byte) error {
			n++
			return nil
		})
		if json.Unmarshal(b, &array) == nil && array != nil && (err != nil || n != len(array)) {
			t.Fatalf("%q: %d elements, want %d: %v", b, n, len(array), err)
		}
	})
}

func FuzzFinancialDocument(f *testing.F) {
	for _, s := range []string{
		`{"content":[{"id":"a","document":{"report":{"reportCustom1Code":"x"},"expenseEntry":[{"allocation":[{"journal":[{"amountGross":0E-8}]}]}]}}],"page":{"totalPages":9}}`,
		`{"fIDocuments":[{"id":"a","document":"{\"requestHeader\":{}}"}]}`, `{"id":"a","document":"{THE_FINANCIAL_DOCUMENT}"}`, `{"content":[null]}`, `[]`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var a financialAnswer
		if a.decode(b) != nil {
			return
		}
		for _, d := range a.documents {
			d.DocType = ""
			if e, err := d.Expense(); err == nil {
				for _, entry := range e.Entries {
					for _, al := range entry.Allocations {
						for _, line := range al.Journal {
							_ = al.Ties(line)
						}
					}
				}
				if _, err := json.Marshal(e); err != nil {
					t.Fatal(err)
				}
			}
			_, _ = d.Invoice()
			_, _ = d.CashAdvance()
			_ = d.revision()
			if _, err := json.Marshal(d); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzCommonName(f *testing.F) {
	for _, s := range []string{`CN=webhook.api.concursolutions.com,O=SAP SE`, `O=a\,CN=x,CN=y`, `CN=a+CN=b`, `CN=\C3\A4`, `CN=\`, `=`, `CN=,`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, dn string) {
		name, err := commonName(dn)
		if err == nil && (name == "" || strings.Count(strings.ToUpper(dn), "CN") == 0 && !strings.Contains(dn, "2.5.4.3")) {
			t.Fatalf("%q has the name %q", dn, name)
		}
	})
}

// pageOf100 is a page of entries as the vendor prints them.
func pageOf100() []byte {
	custom := strings.Builder{}
	for i := 1; i <= 40; i++ {
		if i%8 == 0 {
			fmt.Fprintf(&custom, `"Custom%d":{"Type":"List","Value":"Cost Center %d","Code":"CC%d","ListItemID":"gWqWg2EhcUKBsottpx8eODvjn1pWvWfG15A"},`, i, i, i)
			continue
		}
		fmt.Fprintf(&custom, `"Custom%d":null,`, i)
	}
	var b strings.Builder
	b.WriteString(`{"Items":[`)
	for i := range 100 {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, `{"ReportID":"39BD9F7C5C3F4986A6A5","ExpenseTypeCode":"LODTX","ExpenseTypeName":"Hotel Tax","SpendCategoryCode":"LODGA",
			"SpendCategoryName":"Lodging - Track Room Rate Spending","PaymentTypeID":"gWuT0oX4FNnukaeUcpOO3WSub9p5tY","PaymentTypeName":"Cash",
			"TransactionDate":"2026-04-21T00:00:00","TransactionCurrencyCode":"USD","TransactionAmount":%d.25,"ExchangeRate":1,"PostedAmount":%d.25,
			"ApprovedAmount":%d.25,"VendorDescription":"Hotel %d","VendorListItemID":null,"VendorListItemName":null,"LocationID":"gWqWg2EhcUKB$sottpx8eODvjn1$pWvWfG15A",
			"LocationName":"Bellevue, Washington","LocationSubdivision":"Washington","LocationCountry":"US","Description":null,"IsPersonal":false,"IsBillable":false,
			"IsPersonalCardCharge":false,"HasImage":true,"IsImageRequired":false,"ReceiptReceived":true,"TaxReceiptType":"R","ElectronicReceiptID":null,
			"CompanyCardTransactionID":null,"TripID":null,"HasItemizations":false,"AllocationType":"N","HasAttendees":false,"HasVAT":false,"HasAppliedCashAdvance":false,
			"HasComments":false,"HasExceptions":false,"IsPaidByExpensePay":false,"EmployeeBankAccountID":null,"Journey":null,"LastModified":"2026-04-22T22:19:55.213",
			"FormID":"gWk9YHQMzhXW0HHFWuNBM1RbYFHnsFP6o4g","OrgUnit1":null,"OrgUnit2":null,"OrgUnit3":null,"OrgUnit4":null,"OrgUnit5":null,"OrgUnit6":null,%s
			"ReportOwnerID":"jim@concur.example","ExpenseID":"84FCBB92BD4E5342B849DAC29FD163A1","ID":"gWidFO7ikXV6$sQxTtWGQsIhawC4KoyssTCg%d",
			"URI":"https://www.concursolutions.com/api/v3.0/expense/entries/gWidFO7ikXV6$sQxTtWGQsIhawC4KoyssTCg"}`, i, i, i, i, custom.String(), i)
	}
	b.WriteString(`],"NextPage":null}`)
	return []byte(b.String())
}

// canned answers every request with the same bytes.
type canned []byte

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(c)), ContentLength: int64(len(c)), Request: r,
	}, nil
}

type fixedToken struct{}

func (fixedToken) get(context.Context, time.Duration, Secret) (Token, error) {
	return Token{AccessToken: "a", Geolocation: "https://us2.api.concursolutions.com"}, nil
}

func (fixedToken) refuse(Secret) {}

// plainEntry is EntryV3 without its methods: what encoding/json does by itself,
// without the custom fields and without what has no field.
type plainEntry EntryV3

// Reading a page of 100 entries: the client with its round trip, encoding/json
// into the same struct, and encoding/json into the struct without its methods,
// which leaves custom fields and unknown ones out. Each reads the answer's body.
func BenchmarkPageOfEntries(b *testing.B) {
	page := pageOf100()
	httpClient := &http.Client{Transport: canned(page)}
	c := newClient(fixedToken{}, httpClient, &Options{})
	s := &EntriesV3Service{service{c}}
	fetch := func(into any) error {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "https://us2.api.concursolutions.com"+entriesV3Path, nil)
		if err != nil {
			return err
		}
		res, err := httpClient.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		return json.Unmarshal(body, into)
	}
	for _, bb := range []struct {
		name string
		read func() (int, error)
	}{
		{"client", func() (int, error) {
			p, err := s.ListPage(b.Context(), EntryV3Query{}, "")
			if err != nil {
				return 0, err
			}
			return len(p.Items), nil
		}},
		{"json-same-struct", func() (int, error) {
			var p struct{ Items []*EntryV3 }
			err := fetch(&p)
			return len(p.Items), err
		}},
		{"json-without-methods", func() (int, error) {
			var p struct{ Items []*plainEntry }
			err := fetch(&p)
			return len(p.Items), err
		}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				n, err := bb.read()
				if err != nil || n != 100 {
					b.Fatal(n, err)
				}
			}
		})
	}
}

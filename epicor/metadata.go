package epicor

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// Schema is what $metadata says about the tenant's tables: names of columns, with
// user-defined ones, and lengths of text. Client.Verify names tables as the vendor
// does, Entities.Verify by their set. It never changes.
type Schema struct {
	tables map[string]map[string]int // table to column to length; 0: not said
}

// Has reports whether a table has a column; a table that was not read has none.
func (s *Schema) Has(table, column string) bool {
	_, ok := s.tables[table][column]
	return ok
}

// Length is how many characters a column holds; 0 when $metadata does not say.
func (s *Schema) Length(table, column string) int {
	if s == nil {
		return 0
	}
	return s.tables[table][column]
}

// ErrMissing says that the tenant lacks columns that are used.
var ErrMissing = errors.New("epicor: the tenant has no such column")

// needed are the columns that this package reads or writes, by service and set.
type needed struct {
	service, set, table string
	columns             []string
}

// needs lists what is read and written of AP invoices, the parts that only some
// invoices have among it.
func (s *APInvoiceService) needs() []needed {
	return []needed{
		{groupService, "APInvGrps", tableGroup, []string{"GroupID", "CreatedBy", "ActiveUserID", "ApplyDate", "PostErrorLog", "PostInProcess"}},
		{invoiceService, "APInvoices", tableHeader, []string{
			"VendorNum", "InvoiceNum", "VendorNumVendorID", "DebitMemo", "CurrencyCode", "InvoiceDate", "ApplyDate", "Description",
			"TermsCode", "GroupID", "Posted", "RefCancelledby", "CancellationInv", "DocInvoiceAmt", "DocInvoiceVendorAmt", "DocTaxAmt",
			"DueDate", "FiscalYear", "FiscalPeriod", "InvoiceRef", "REFPONum", s.opts.KeyColumn,
		}},
		{invoiceService, "APInvDtls", tableLine, []string{
			"InvoiceLine", "Description", "DocExtCost", "VendorQty", "PONum", "POLine", "PORelNum", "PackSlip", "PackLine",
		}},
		{invoiceService, "APInvTaxes", tableTax, []string{"TaxCode", "RateCode", "DocTaxAmt", "Manual"}},
		{invoiceService, "APInvHedAttches", tableFile, []string{"DrawingSeq", "XFileRefNum", "FileName", "DrawDesc", "DocTypeID"}},
		{invoiceService, "APInvExps", tableExpense, []string{"InvoiceLine", "InvExpSeq", "DocExpAmt"}},
		{invoiceService, "APInvExpTGLCs", tableAccount, []string{"InvoiceLine", "InvExpSeq", "GLAccount", "COACode", "SegValue1", "SegValue20"}},
		{vendorService, "Vendors", "Vendor", []string{"VendorNum", "VendorID", "Name", "CurrencyCode", "Inactive"}},
		{glAccountService, "GLAccounts", "GLAccount", []string{"COACode", "GLAccount1", "Active", "EffFrom", "EffTo"}},
	}
}

// others are the tables that some flows read beside. They are verified where a
// column of them is named, since a key's scope need not hold their services.
func (c *Client) others() []needed {
	return []needed{
		{coaService, "COAs", "COA", columnsOf[Chart]()},
		{coaService, "COASegments", "COASegment", columnsOf[Segment]()},
		{segmentService, "COASegValues", "COASegValues", columnsOf[SegmentValue]()},
		{currencyService, "Currencies", "Currency", columnsOf[Currency]()},
		{rateService, "CurrExRates", "CurrExRate", columnsOf[ExchangeRate]()},
		{fiscalService, "FiscalCals", "FiscalCal", columnsOf[FiscalCalendar]()},
		{fiscalService, "FiscalYrs", "FiscalYr", columnsOf[FiscalYear]()},
		{fiscalService, "FiscalPers", "FiscalPer", columnsOf[FiscalPeriod]()},
		{orderService, "POes", "POHeader", columnsOf[PurchaseOrder]()},
		{orderService, "PODetails", "PODetail", columnsOf[PurchaseOrderLine]()},
		{orderService, "PORels", "PORel", columnsOf[PurchaseOrderRelease]()},
		{paymentService, "PaymentEntries", "CheckHed", columnsOf[Payment]()},
		{paymentService, "APTrans", "APTran", columnsOf[PaymentLine]()},
	}
}

// Verify reads $metadata of the services that AP invoices are entered with and
// checks that every column that is used exists, our key's among them, and that
// the key fits into it. What is missing is ErrMissing, all of it at once, by table
// and column. further are columns of the caller's own settings, as
// Table.Column, such as Vendor.EmpID_c; naming one of a table that not every flow
// reads, such as POHeader or APTran, has all of it verified.
//
// It is to be called once at the start. The client remembers the lengths: an
// invoice number or a group's name that is too long is refused from then on before
// anything is sent.
//
// Follows the page about metadata of the REST guide. Names of types differ between
// versions, so a set's own type is followed.
func (c *Client) Verify(ctx context.Context, further ...string) (*Schema, error) {
	needs := c.APInvoices.needs()
	for _, f := range further {
		table, column, ok := strings.Cut(f, ".")
		is := func(n needed) bool { return n.table == table }
		i := slices.IndexFunc(needs, is)
		if i < 0 {
			if o := slices.IndexFunc(c.others(), is); o >= 0 {
				needs, i = append(needs, c.others()[o]), len(needs)
			}
		}
		if !ok || i < 0 {
			return nil, fmt.Errorf("epicor: %.60q is no column of a table that is read: %s", f, strings.Join(tablesOf(append(needs, c.others()...)), ", "))
		}
		needs[i].columns = append(slices.Clip(needs[i].columns), column)
	}
	schema := &Schema{tables: map[string]map[string]int{}}
	read := map[string]map[string]map[string]int{}
	var missing []error
	for _, n := range needs {
		sets, ok := read[n.service]
		if !ok {
			var err error
			if sets, err = c.metadata(ctx, n.service); err != nil {
				return nil, err
			}
			read[n.service] = sets
		}
		columns, ok := sets[n.set]
		if !ok {
			missing = append(missing, fmt.Errorf("%w: %s has no set %s", ErrMissing, n.service, n.set))
			continue
		}
		schema.tables[n.table] = columns
		for _, col := range n.columns {
			if _, ok := columns[col]; !ok {
				missing = append(missing, fmt.Errorf("%w: %s.%s", ErrMissing, n.table, col))
			}
		}
	}
	key := c.APInvoices.opts.KeyColumn
	if n := schema.Length(tableHeader, key); n > 0 && n < keyLength {
		missing = append(missing, fmt.Errorf("%w: %s.%s holds %d characters, a key has %d", ErrMissing, tableHeader, key, n, keyLength))
	}
	if len(missing) > 0 {
		return nil, errors.Join(missing...)
	}
	c.schema.Store(schema)
	return schema, nil
}

// Verify reads $metadata of the set's service and checks that every column that T
// has a field for exists, the key and the further columns that are named. What is
// missing is ErrMissing, all of it at once. It is to be called once, before a set
// that a flow lives on is read: a column that a tenant lacks would else come as
// an empty value, and a wrong name in a condition as a refusal in the night. A
// query (BAQ) has no metadata of its own; its columns show in its rows.
//
// A T that is no struct has only its key and the named columns checked.
func (e *Entities[T]) Verify(ctx context.Context, further ...string) (*Schema, error) {
	if e.service == queryService || e.service == "" {
		return nil, &Error{Operation: e.op(), err: errors.New("a query has no metadata")}
	}
	sets, err := e.c.metadata(ctx, e.service)
	if err != nil {
		return nil, err
	}
	columns, ok := sets[e.set]
	if !ok {
		return nil, fmt.Errorf("%w: %s has no set %s", ErrMissing, e.service, e.set)
	}
	var missing []error
	for _, name := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(e.key, columnsOf[T](), further)))) {
		if name == "GLAccount1" && hasColumn(columns, "GLAccount") {
			continue
		}
		if !hasColumn(columns, name) {
			missing = append(missing, fmt.Errorf("%w: %s.%s", ErrMissing, e.set, name))
		}
	}
	if len(missing) > 0 {
		return nil, errors.Join(missing...)
	}
	return &Schema{tables: map[string]map[string]int{e.set: columns}}, nil
}

func hasColumn(columns map[string]int, name string) bool { _, ok := columns[name]; return ok }

// columnsOf are the columns that a row type has fields for.
func columnsOf[T any]() []string {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct {
		return nil
	}
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case !f.IsExported() || f.Anonymous || name == "-":
			continue
		case name == "":
			name = f.Name
		}
		out = append(out, name)
	}
	return out
}

// keyLength is how long the keys of deliveries are.
const keyLength = 32

func tablesOf(ns []needed) []string {
	var out []string
	for _, n := range ns {
		out = append(out, n.table)
	}
	return out
}

// length is a column's length as Verify found it, 0 when it is not known.
func (c *Client) length(table, column string) int { return c.schema.Load().Length(table, column) }

// NumberLength is how many characters an invoice number may have, as Verify found
// it; 0 when it is not known.
func (c *Client) NumberLength() int { return c.length(tableHeader, "InvoiceNum") }

// schemaPointer lets a client remember what it found.
type schemaPointer = atomic.Pointer[Schema]

// metadata reads the columns of each set of a service, with their lengths.
func (c *Client) metadata(ctx context.Context, service string) (map[string]map[string]int, error) {
	op := service + "/$metadata"
	res, err := c.do(ctx, call{op: op, method: http.MethodGet, path: op, accept: "application/xml"})
	if err != nil {
		return nil, err
	}
	var doc struct {
		Schemas []struct {
			Namespace string `xml:"Namespace,attr"`
			Types     []struct {
				Name       string `xml:"Name,attr"`
				Base       string `xml:"BaseType,attr"`
				Properties []struct {
					Name   string `xml:"Name,attr"`
					Length string `xml:"MaxLength,attr"`
				} `xml:"Property"`
			} `xml:"EntityType"`
			Sets []struct {
				Name string `xml:"Name,attr"`
				Type string `xml:"EntityType,attr"`
			} `xml:"EntityContainer>EntitySet"`
		} `xml:"DataServices>Schema"`
	}
	if err := xml.NewDecoder(bytes.NewReader(res.Body)).Decode(&doc); err != nil || len(doc.Schemas) == 0 {
		return nil, &Error{Operation: op, Status: res.Status, Message: "the answer is no metadata"}
	}
	types, bases := map[string]map[string]int{}, map[string]string{}
	for _, s := range doc.Schemas {
		for _, t := range s.Types {
			columns := map[string]int{}
			for _, p := range t.Properties {
				n, err := strconv.Atoi(p.Length)
				if err != nil {
					n = 0 // absent, or "max"
				}
				columns[p.Name] = n
			}
			types[s.Namespace+"."+t.Name], bases[s.Namespace+"."+t.Name] = columns, t.Base
		}
	}
	for name := range types { // user-defined columns may stand in a derived type
		for base, depth := bases[name], 0; base != "" && depth < 4; base, depth = bases[base], depth+1 {
			for col, n := range types[base] {
				if _, ok := types[name][col]; !ok {
					types[name][col] = n
				}
			}
		}
	}
	sets := map[string]map[string]int{}
	for _, s := range doc.Schemas {
		for _, set := range s.Sets {
			if columns, ok := types[set.Type]; ok {
				sets[set.Name] = maps.Clone(columns)
			}
		}
	}
	return sets, nil
}

package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicorsync"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/examples/connector/internal/sample"
	"github.com/ml-connector/ml-connector/mapping/rules"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
	"github.com/ml-connector/ml-connector/sync/engine"
	"github.com/ml-connector/ml-connector/sync/storage"
)

var money = decimal.RequireFromString

// trials are the remedies of the catalogue, each tried as its page says. Where a
// code names what neither simulator does, what Concur says is changed on its way.
func trials() []trial {
	out := append(ruleTrials(), sumTrials()...)
	out = append(out, epicorTrials()...)
	return append(out, engineTrials()...)
}

// ruleTrials are of faults in rules and in master data.
func ruleTrials() []trial {
	const legacy = "  ledgers:\n    DEFAULT: EPIC06"
	foreign := report(func(_ *workbench, r *concurtest.Report) { r.Ledger = "UK-GAAP" })
	parking := expense(func(_ *workbench, e *concurtest.Expense) { e.Type = "PARKG" })
	cards := expense(func(_ *workbench, e *concurtest.Expense) { e.PaymentType = "WIRE" })
	private := report(func(b *workbench, r *concurtest.Report) {
		r.Expenses[0].PaymentType = "IBCP"
		spa := b.taxi()
		spa.PaymentType, spa.Personal = "IBCP", true
		r.Expenses = append(r.Expenses, spa)
	})
	projects := rewrite(`      when: {expense_type: [AIRFR, HOTEL, TAXI, TRAIN, RENTC]}
      natural: "6410"`, `      when: {expense_type: [AIRFR, HOTEL, TAXI, TRAIN, RENTC]}
      account: "6410|{cost_centre}|{custom7}"`)
	project := func(code string) func(*workbench) {
		return saying(func(d *document.Document) {
			for i := range d.Entries {
				d.Entries[i].Custom["custom7"] = document.Value{Code: code}
				for j := range d.Entries[i].Allocations {
					d.Entries[i].Allocations[j].Custom["custom7"] = document.Value{Code: code}
				}
			}
		})
	}
	both := func(fs ...func(*workbench)) func(*workbench) {
		return func(b *workbench) {
			for _, f := range fs {
				f(b)
			}
		}
	}
	account := func(a epicortest.GLAccount) func(*workbench) {
		return func(b *workbench) {
			a.Account, a.Desc = "6410|200|00", "Travel"
			b.epicor.RemoveAccounts(sample.EpicorCompany, a.Account)
			b.epicor.AddAccounts(sample.EpicorCompany, a)
		}
	}
	return []trial{
		{code: rules.CompanyUnknown, doc: foreign, mend: rewrite("    DEFAULT: EPIC06", "    DEFAULT: EPIC06\n    UK-GAAP: EPIC06")},
		{code: rules.CompanyForeign, prep: rewrite("    DEFAULT: EPIC06", "    DEFAULT: EPIC06\n    UK-GAAP: EPIC99"), doc: foreign, mend: rewrite("UK-GAAP: EPIC99", "UK-GAAP: EPIC06")},
		{code: rules.TestDocument, prep: saying(func(d *document.Document) { d.Test = true }), doc: report(nil), mend: rewrite(legacy, legacy+"\n  test: EPIC06")},
		{code: rules.PaymentTypeUnknown, doc: cards, mend: rewrite("  CASH: employee", "  CASH: employee\n  WIRE: employee")},
		{code: rules.PersonalUnmapped, prep: rewrite("    code: C\n    personal: skip", "    code: C"), doc: private, mend: rewrite("    code: C\n", "    code: C\n    personal: skip\n")},
		{code: rules.EmployeeIDMissing, prep: saying(func(d *document.Document) { d.Owner.EmployeeID = "" }), doc: report(nil), mend: truth},
		{
			code: rules.SupplierCodeMissing, doc: invoice(func(p *concurtest.PaymentRequest) { p.Vendor.Code = "" }),
			mend: func(b *workbench) {
				b.editInvoice(func(p *concurtest.PaymentRequest) { p.Vendor.Code = "DELTA" })
			},
		},
		{
			code: rules.SupplierUnlisted, prep: rewrite("suppliers:\n", "suppliers:\n  unlisted: refuse\n"),
			doc:  invoice(func(p *concurtest.PaymentRequest) { p.Vendor.Code = "DELTA2" }),
			mend: rewrite("    DELTA: V0211", "    DELTA: V0211\n    DELTA2: V0211"),
		},
		{
			code: rules.VendorMissing, doc: invoice(func(p *concurtest.PaymentRequest) { p.Vendor.Code = "NORDWIND" }),
			mend: func(b *workbench) {
				b.epicor.AddVendors(sample.EpicorCompany, epicortest.Vendor{ID: "NORDWIND", Name: "Nordwind Logistik"})
			},
		},
		{
			code: rules.VendorMissing, by: byItself, doc: invoice(func(p *concurtest.PaymentRequest) { p.Vendor.Code = "NORDWIND" }),
			mend: func(b *workbench) {
				b.epicor.AddVendors(sample.EpicorCompany, epicortest.Vendor{ID: "NORDWIND", Name: "Nordwind Logistik"})
			},
		},
		{
			code: rules.VendorAmbiguous, doc: report(nil),
			prep: func(b *workbench) {
				b.edit("match: [pattern]", "match: [column, pattern]")
				b.tweak = func(c *Config) { c.Tenants[0].Epicor.Tables.EmployeeColumn = "ExternalId" }
				for _, id := range []string{"V0901", "V0902"} {
					b.epicor.AddVendors(sample.EpicorCompany, epicortest.Vendor{ID: id, UD: map[string]any{"ExternalId": "1042"}})
				}
			},
			mend: rewrite("  pattern: \"E{employee_id}\"", "  pattern: \"E{employee_id}\"\n  vendors: {\"1042\": V0901}"),
		},
		{code: rules.VendorInactive, prep: vendor(epicortest.Vendor{Inactive: true}), doc: invoice(nil), mend: vendor(epicortest.Vendor{})},
		{code: rules.VendorUnapproved, prep: vendor(epicortest.Vendor{Unapproved: true}), doc: invoice(nil), mend: vendor(epicortest.Vendor{})},
		{code: rules.VendorHold, prep: both(vendor(epicortest.Vendor{PayHold: true}), rewrite("netting: net", "netting: net\npay_hold: refuse")), doc: invoice(nil), mend: vendor(epicortest.Vendor{})},
		{
			code: rules.CostCentreMissing, doc: expense(func(_ *workbench, e *concurtest.Expense) { e.Custom = nil }),
			mend: func(b *workbench) {
				on := b.centre("200")
				b.editReport(func(r *concurtest.Report) { r.Expenses[0].Custom = on })
			},
		},
		{
			code: rules.CostCentreUnknown, doc: expense(func(b *workbench, e *concurtest.Expense) { e.Custom = b.centre(sample.UnknownCentre) }),
			mend: rewrite(`    "420": "420"`, `    "4711": "200"
    "420": "420"`),
		},
		{code: rules.AccountUnmapped, doc: parking, mend: rewrite("TAXI, TRAIN", "TAXI, PARKG, TRAIN")},
		{
			code: rules.TableRowMissing, doc: report(nil), mend: rewrite("rows: {GONE: ", "rows: {CASH: "),
			prep: both(
				rewrite(`template: "{natural}|{cost_centre}|00"`, `template: "{natural}|{cost_centre}|{part}"`),
				rewrite("accounts:\n", "tables:\n  part: {key: payment_type, rows: {GONE: \"00\"}}\naccounts:\n"),
			),
		},
		{code: rules.SegmentMissing, prep: projects, doc: report(nil), mend: project("00")},
		{code: rules.SegmentInvalid, prep: both(projects, project("0|0")), doc: report(nil), mend: project("00")},
		{code: rules.AccountUnknown, prep: func(b *workbench) { b.epicor.RemoveAccounts(sample.EpicorCompany, "6410|200|00") }, doc: report(nil), mend: account(epicortest.GLAccount{})},
		{code: rules.AccountUnknown, by: byItself, prep: func(b *workbench) { b.epicor.RemoveAccounts(sample.EpicorCompany, "6410|200|00") }, doc: report(nil), mend: account(epicortest.GLAccount{})},
		{code: rules.AccountInactive, prep: account(epicortest.GLAccount{Inactive: true}), doc: report(nil), mend: account(epicortest.GLAccount{})},
		{
			code: rules.PeriodClosed, doc: report(nil), mend: rewrite("closed_period: refuse", "closed_period: next_open"),
			prep: func(b *workbench) {
				b.edit("closed_period: next_open", "closed_period: refuse")
				b.tweak = func(c *Config) { c.Tenants[0].Epicor.Tables.FirstOpen = "2000-02-01" }
			},
		},
		{code: rules.PurchaseOrder, doc: invoice(func(p *concurtest.PaymentRequest) { p.Lines[0].PONumber = "4500017" }), mend: rewrite("netting: net", "netting: net\npurchase_orders: expense")},
	}
}

// book gives a report the journal of its own amounts. It returns the first line.
func book(d *document.Document) *document.Journal {
	d.Journaled, d.Settlement = true, nil
	for i := range d.Entries {
		e := &d.Entries[i]
		a := document.Allocation{Amount: e.Amount, Journal: []document.Journal{{Payer: document.OwnCompany, Payee: "CASH", Gross: e.Amount, NetOfTax: e.Amount, NetOfReclaim: e.Amount}}}
		if len(e.Allocations) > 0 {
			a.Custom = e.Allocations[0].Custom
		}
		e.Allocations = []document.Allocation{a}
	}
	return &d.Entries[0].Allocations[0].Journal[0]
}

// financial switches the flow of financial documents on.
func financial(b *workbench) {
	b.tweak = func(c *Config) { c.Tenants[0].Concur.Financial = &concursync.FinancialOptions{} }
}

// sumTrials are of faults in documents.
func sumTrials() []trial {
	said := func(code string, change func(*document.Document)) trial {
		return trial{code: code, prep: saying(change), doc: report(nil), mend: truth}
	}
	number := func(wrong string) func(*workbench) string {
		return invoice(func(p *concurtest.PaymentRequest) { p.InvoiceNumber = wrong })
	}
	right := func(b *workbench) {
		b.editInvoice(func(p *concurtest.PaymentRequest) { p.InvoiceNumber = "INV-2" })
		b.number = "INV-2"
	}
	return []trial{
		said(rules.DocumentKindUnknown, func(d *document.Document) { d.Kind = "memo" }),
		said(rules.CurrencyUnknown, func(d *document.Document) { d.Currency = "QQQ" }),
		said(rules.DateInvalid, func(d *document.Document) { d.Date = "2026-02-30" }),
		said(rules.EntryRepeated, func(d *document.Document) { d.Entries = append(d.Entries, d.Entries[0]) }),
		said(rules.ItemisationDoubled, func(d *document.Document) {
			child := d.Entries[0]
			child.ID, child.Parent = "CHILD", d.Entries[0].ID
			d.Entries = append(d.Entries, child)
		}),
		said(rules.AllocationMismatch, func(d *document.Document) {
			d.Entries[0].Allocations = []document.Allocation{{Amount: money("61.39"), Custom: d.Entries[0].Custom}}
		}),
		said(rules.TotalMismatch, func(d *document.Document) { d.Total = d.Total.Add(money("0.01")) }),
		{
			code: rules.CashAdvance, ends: engine.WordOpen, doc: report(nil), mend: func(*workbench) {},
			prep: saying(func(d *document.Document) { d.Settlement = &document.Settlement{Advance: true} }),
		},
		{
			code: rules.SettlementMismatch, doc: report(nil), mend: rewrite("  CASH: employee", "  CASH: {vendor: V0088, code: C, personal: skip}"),
			prep: saying(func(d *document.Document) {
				owed := decimal.NullDecimal{Decimal: d.Total, Valid: true}
				d.Settlement = &document.Settlement{ToEmployee: decimal.NullDecimal{Valid: true}, FromEmployee: decimal.NullDecimal{Valid: true}, ToCard: owed}
			}),
		},
		{
			code: rules.ExpensePay, doc: report(nil), mend: rewrite("netting: net", "netting: net\nexpense_pay: {vendor: V0340, code: X}"),
			prep: saying(func(d *document.Document) { d.Entries[0].SourcePays = true }),
		},
		{
			code: rules.PayrollPay, doc: report(nil), mend: rewrite("netting: net", "netting: net\npayroll: {vendor: V0340, code: R}"),
			prep: saying(func(d *document.Document) { book(d); d.Payroll = true }),
		},
		{
			code: rules.TaxUnmapped, doc: report(nil), mend: rewrite("netting: net", "netting: net\ntaxes: {reclaim: {VA: \"6410|200|00\"}}"),
			prep: saying(func(d *document.Document) {
				j := book(d)
				j.NetOfTax, j.NetOfReclaim = j.Gross.Sub(money("9.80")), j.Gross.Sub(money("9.80"))
				j.Taxes = []document.TaxPart{{Authority: "VAT", ReclaimCode: "VA", Amount: money("9.80"), Reclaim: money("9.80")}}
			}),
		},
		said(rules.TaxMismatch, func(d *document.Document) { j := book(d); j.NetOfTax = j.NetOfTax.Sub(money("0.01")) }),
		said(rules.RateMismatch, func(d *document.Document) {
			d.Entries[0].Spent, d.Entries[0].Rate = &document.Money{Amount: money("50"), Currency: "EUR"}, &document.Rate{Value: money("1.1")}
		}),
		{
			code: concursync.FinancialUnreadable, ends: engine.WordRecalled, prep: financial,
			doc: func(b *workbench) string {
				broken, err := json.Marshal(`{"report": {"reportId": "4D1E5C0F1A2B3C4D5E6F" "isTest": "N"}}`)
				require.NoError(b.t, err)
				f := b.company.AddFinancialDocument(concurtest.FinancialDocument{Kind: concurtest.FinancialExpense, BusinessID: "4D1E5C0F1A2B3C4D5E6F", Document: broken})
				require.NoError(b.t, b.a.Engine.Sweep(b.t.Context(), tenantName, FinancialFlow))
				return "report/" + f.ID
			},
			mend: func(b *workbench) { b.company.RecallDocument("4D1E5C0F1A2B3C4D5E6F") },
		},
		{
			code: concursync.FinancialStateUnknown, prep: financial,
			doc: func(b *workbench) string {
				b.company.AddFinancialDocument(concurtest.FinancialDocument{
					Kind: concurtest.FinancialExpense, BusinessID: "4D1E5C0F1A2B3C4D5E6F", Status: "HALF_BAKED", Document: json.RawMessage(`{
						"employee": {"employeeId": "1042"}, "report": {"reportId": "4D1E5C0F1A2B3C4D5E6F", "reportNumber": "TRIAL1", "ledgerCode": "DEFAULT",
						"employeeCurrencyAlphaCode": "USD", "reportUserDefinedDate": "2000-01-01T00:00:00.000Z", "reportPaymentProcessingDate": "2000-01-01T10:00:00.000Z", "revisionNumber": "1"},
						"expenseEntry": [{"entryId": "E1", "expenseTypeCode": "TAXI", "entryApprovedAmount": 61.40, "entryCustom5Code": "200",
						"allocation": [{"allocationPercentage": 100, "journal": [{"journalAccountCode": "474230", "journalPayer": "COMP", "journalPayee": "CASH", "amountGross": 61.40}]}]}]}`),
				})
				b.number = "TRIAL1"
				b.ref = connector.Ref{Kind: "report", ID: "4D1E5C0F1A2B3C4D5E6F"}
				require.NoError(b.t, b.a.Engine.Notify(b.t.Context(), connector.Notice{Tenant: tenantName, Flow: FinancialFlow, Ref: b.ref}))
				return "report/" + b.ref.ID
			},
			mend: func(b *workbench) { b.company.SetDocument(b.ref.ID, concurtest.FinancialReady) },
		},
		said(rules.InvoiceDateMissing, func(d *document.Document) { d.Date = "" }),
		said(rules.ApplyDateMissing, func(d *document.Document) { d.Approved = "" }),
		{code: rules.PostingMismatch, none: "it would be a defect of the rules: what they made is added up before anything is sent, and no document that they take is known for which they make something else; Epicor's end checks it again, which is tried below"},
		said(rules.AmountTooFine, func(d *document.Document) {
			d.Total, d.Entries[0].Amount, d.Entries[0].Allocations = money("61.405"), money("61.405"), nil
		}),
		{
			code: concursync.AllocationPercent,
			doc: invoice(func(p *concurtest.PaymentRequest) {
				p.Lines[0].Allocations = []concurtest.LineAllocation{{Percentage: money("50"), Custom: p.Lines[0].Custom}, {Percentage: money("40"), Custom: p.Lines[0].Custom}}
			}),
			mend: func(b *workbench) {
				b.editInvoice(func(p *concurtest.PaymentRequest) { p.Lines[0].Allocations[1].Percentage = money("50") })
			},
		},
		{code: concursync.ExpenseCurrency, none: "the simulator approves all expenses of a report in its currency, as SAP Concur does"},
		{
			code: concursync.ReportForbidden, doc: report(nil), mend: allowed,
			prep: func(b *workbench) {
				b.company.Approve(b.company.Reports[0].ID) // another one, which may be read
				b.forbid("/reports/")
			},
		},
		{code: concursync.InvoiceForbidden, prep: func(b *workbench) { b.forbid("/paymentrequest/") }, doc: invoice(nil), mend: allowed},
		{
			code: concursync.ReportOwnerUnknown, mend: allowed,
			prep: func(b *workbench) {
				b.concur.Inject(concurtest.Fault{Path: "/.search", Times: -1, Status: http.StatusOK, Body: `{"Resources":[]}`})
			},
			doc: report(func(b *workbench, _ *concurtest.Report) { b.strange = true }),
		},
		{code: rules.NumberMissing, prep: saying(func(d *document.Document) { d.Number = "" }), doc: invoice(nil), mend: truth},
		{code: rules.NumberTooLong, doc: number(strings.Repeat("9", 60)), mend: right},
		{code: rules.NumberInvalid, doc: number("INV\x011"), mend: right},
		{
			code: rules.ChargeUnspreadable,
			prep: saying(func(d *document.Document) {
				d.Entries[0].Amount, d.Entries[0].Allocations = decimal.Zero, nil
				d.Charges = []document.Charge{{Kind: document.Shipping, Amount: money("5")}}
				d.Total = money("5")
			}),
			doc: invoice(nil), mend: rewrite("  shipping: spread", "  shipping: {account: \"6510|420|00\", description: Shipping}"),
		},
		{
			code: rules.ChargeUnknown,
			prep: saying(func(d *document.Document) {
				d.Charges = []document.Charge{{Kind: "toll", Amount: money("5")}}
				d.Total = d.Total.Add(money("5"))
			}),
			doc: invoice(nil), mend: truth,
		},
	}
}

// forbid lets Concur refuse the document that is made, wherever it is part of a
// path behind what is given.
func (b *workbench) forbid(before string) {
	b.concur.Inject(concurtest.Fault{Times: -1, Status: http.StatusForbidden, Match: func(r *http.Request) bool {
		return b.ref.ID != "" && strings.Contains(r.URL.Path, before+b.ref.ID)
	}})
}

func allowed(b *workbench) { b.concur.ClearFaults() }

// change lets somebody change the invoice in Epicor, once, before the connector
// looks for it after a lost answer.
func (b *workbench) change(columns map[string]any) {
	done := false
	b.watch = func(r *http.Request) {
		lost := slices.ContainsFunc(b.epicor.Calls(), func(c epicortest.Call) bool { return c.Faulted && c.Committed })
		if made := b.made(); !done && lost && r.Method == http.MethodGet && len(made) == 1 {
			done = true
			b.epicor.EditInvoice(sample.EpicorCompany, made[0].VendorID, made[0].Number, columns)
		}
	}
}

// bpm changes an invoice in Epicor when its own reading back is about to begin.
func (b *workbench) bpm(columns map[string]any) {
	done := false
	b.watch = func(r *http.Request) {
		if !done && strings.HasSuffix(r.URL.Path, "/UpdateMaster") && len(b.made()) == 1 && len(b.made()[0].Lines) == 1 && len(b.made()[0].Lines[0].Splits) == 1 {
			done = true
		}
		if done && len(b.made()) == 1 && !strings.HasSuffix(r.URL.Path, "/UpdateMaster") {
			inv := b.made()[0]
			b.epicor.EditInvoice(sample.EpicorCompany, inv.VendorID, inv.Number, columns)
		}
	}
}

// ordered is an order of ten plates.
func ordered(price string, receipts ...epicortest.Receipt) epicortest.Order {
	return epicortest.Order{Num: 4500017, VendorID: "V0211", Lines: []epicortest.OrderLine{{PartNum: "PLATE", Quantity: money("10"), UnitCost: money(price), Receipts: receipts}}}
}

// epicorTrials are of what Epicor refuses.
func epicorTrials() []trial {
	replace := func(o *epicortest.Options) func(*workbench) {
		return func(b *workbench) {
			b.epicor = epicortest.New(o)
			sample.Epicor(b.epicor)
		}
	}
	return []trial{
		{
			code: epicorsync.PostingMismatch, doc: report(nil),
			prep: func(b *workbench) {
				b.deliver = func(d *connector.Delivery[document.Posting]) error {
					d.Posting.Invoices[0].Amount = d.Posting.Invoices[0].Amount.Add(money("0.01"))
					return nil
				}
			},
			mend: func(b *workbench) { b.deliver = nil },
		},
		{
			code: epicorsync.InvoiceNumberTaken, doc: invoice(nil),
			prep: func(b *workbench) {
				c, err := epicor.NewClient(b.epicor.Root(sample.EpicorCompany), epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword),
					&epicor.Options{HTTP: b.epicor.Client(), AllowHTTP: true, Invoices: epicor.InvoiceOptions{GroupPrefix: "HA"}})
				require.NoError(b.t, err)
				_, err = c.APInvoices.Create(b.t.Context(), epicor.APInvoiceInput{
					Key: "BY HAND", VendorID: "V0211", Number: "INV-1", Currency: "USD", Date: epicor.Date{Year: 2000, Month: 1, Day: 1}, ApplyDate: epicor.Date{Year: 2000, Month: 1, Day: 1},
					Lines: []epicor.APInvoiceLineInput{{Description: "by hand", Amount: money("7"), Splits: []epicor.APInvoiceSplitInput{{Account: "5100|420|01", Amount: money("7")}}}},
				})
				require.NoError(b.t, err)
			},
			mend: func(b *workbench) {
				b.editInvoice(func(p *concurtest.PaymentRequest) { p.InvoiceNumber = "INV-2" })
				b.number = "INV-2"
			},
		},
		{
			code: epicorsync.SupplierDuplicate, doc: invoice(nil),
			prep: func(b *workbench) {
				b.tweak = func(c *Config) { c.Tenants[0].Epicor.Invoices.DuplicateDays = 90 }
				c, err := epicor.NewClient(b.epicor.Root(sample.EpicorCompany), epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword),
					&epicor.Options{HTTP: b.epicor.Client(), AllowHTTP: true, Invoices: epicor.InvoiceOptions{GroupPrefix: "HA"}})
				require.NoError(b.t, err)
				_, err = c.APInvoices.Create(b.t.Context(), epicor.APInvoiceInput{
					Key: "BY HAND", VendorID: "V0211", Number: "inv 001", Currency: "USD", Date: epicor.Date{Year: 2000, Month: 1, Day: 1}, ApplyDate: epicor.Date{Year: 2000, Month: 1, Day: 1},
					Lines: []epicor.APInvoiceLineInput{{Description: "by hand", Amount: money("100"), Splits: []epicor.APInvoiceSplitInput{{Account: "5100|420|01", Amount: money("100")}}}},
				})
				require.NoError(b.t, err)
			},
			mend: func(b *workbench) {
				b.editInvoice(func(p *concurtest.PaymentRequest) { p.InvoiceNumber = "INV-2" })
				b.number = "INV-2"
			},
		},
		{
			code: epicorsync.POVariance, doc: invoice(nil),
			prep: func(b *workbench) {
				b.edit("netting: net", "netting: net\npurchase_orders: match")
				b.epicor.AddOrders(sample.EpicorCompany, ordered("9.00", epicortest.Receipt{PackSlip: "PS-9", Quantity: money("10")}))
				saying(func(d *document.Document) {
					d.Entries[0].PO, d.Entries[0].POLine, d.Entries[0].Quantity = "4500017", "1", money("10")
				})(b)
			},
			mend: func(b *workbench) { b.epicor.AddOrders(sample.EpicorCompany, ordered("10.00")) },
		},
		{
			code: epicorsync.ReceiptMissing, doc: invoice(nil),
			prep: func(b *workbench) {
				b.edit("netting: net", "netting: net\npurchase_orders: match")
				b.epicor.AddOrders(sample.EpicorCompany, ordered("10.00"))
				saying(func(d *document.Document) {
					d.Entries[0].PO, d.Entries[0].POLine, d.Entries[0].Quantity = "4500017", "1", money("10")
				})(b)
			},
			mend: func(b *workbench) {
				b.epicor.AddOrders(sample.EpicorCompany, ordered("10.00", epicortest.Receipt{PackSlip: "PS-9", Quantity: money("10")}))
			},
		},
		{code: epicorsync.TermsMissing, prep: vendor(epicortest.Vendor{NoTerms: true}), doc: invoice(nil), mend: vendor(epicortest.Vendor{})},
		{
			code: epicorsync.CurrencyNotInEpicor, doc: report(func(_ *workbench, r *concurtest.Report) { r.Currency = "GBP" }),
			mend: func(b *workbench) {
				b.epicor.AddCurrencies(sample.EpicorCompany, epicortest.Currency{Code: "GBP", Name: "Pound"})
			},
		},
		{
			code: epicorsync.ValueTooLong, prep: replace(&epicortest.Options{MaxLength: map[string]int{"APInvDtl.Description": 12}}), doc: report(nil),
			mend: rewrite("netting: net", "netting: net\ndescriptions:\n  line: {text: \"{expense_type}\", max: 12}"),
		},
		{
			code: epicorsync.GroupForeign, doc: report(nil),
			prep: func(b *workbench) {
				b.epicor.AddGroups(sample.EpicorCompany, epicortest.Group{ID: "CX000101U", CreatedBy: "finance"})
			},
			mend: func(b *workbench) { b.epicor.Post(sample.EpicorCompany, "CX000101U") },
		},
		{code: epicorsync.EpicorQuestion, prep: func(b *workbench) { b.epicor.Prompt(epicortest.Prompt{RequiresUserInput: true, Message: "Continue?"}) }, doc: report(nil), mend: func(*workbench) {}},
		{
			code: epicorsync.InvoiceDiffers, prep: func(b *workbench) { b.number = "none yet"; b.bpm(map[string]any{"DocInvoiceAmt": money("61.41")}) }, doc: report(nil),
			mend: func(b *workbench) { b.watch = nil },
		},
		{
			code: epicorsync.PostedNeedsCancellation, doc: report(nil), ends: engine.WordRecalled,
			then: func(b *workbench) {
				require.Len(b.t, b.made(), 1)
				b.epicor.Post(sample.EpicorCompany, b.made()[0].Group)
				b.recall()
				b.knock()
			},
			mend: func(b *workbench) {
				inv := b.made()[0]
				b.epicor.EditInvoice(sample.EpicorCompany, inv.VendorID, inv.Number, map[string]any{"RefCancelledby": inv.Number + "-C"})
			},
		},
		{
			code: epicorsync.EpicorRefused, doc: report(nil),
			prep: func(b *workbench) {
				b.epicor.Inject(epicortest.Fault{
					Path: "/UpdateMaster", Times: -1, Status: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/json"}},
					Body: `{"HttpStatus":400,"ReasonPhrase":"REST API Exception","ErrorMessage":"Approval by the plant is required.","ErrorType":"Ice.BLException","ErrorDetails":[{"Message":"Approval by the plant is required.","Type":"Error","Program":"BPM","Method":"Check"}],"CorrelationId":"c"}`,
				})
			},
			mend: func(b *workbench) { b.epicor.ClearFaults() },
		},
	}
}

// recall takes an approved report back to its owner.
func (b *workbench) recall() {
	b.company.SetStatus(b.ref.ID, concurtest.Status{Approval: concurtest.SentBack, Payment: concurtest.NotPaid, StepCode: "RECALL"})
}

// row is the document's row.
func (b *workbench) row() storage.Transfer {
	t, err := b.store.Get(b.t.Context(), b.id)
	require.NoError(b.t, err)
	return t
}

// engineTrials are of what the engine finds itself.
func engineTrials() []trial {
	down := func(b *workbench) {
		b.epicor.Inject(epicortest.Fault{Times: -1, Status: http.StatusInternalServerError})
	}
	slow := func(b *workbench) {
		b.epicor.Inject(epicortest.Fault{Times: -1, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"60"}}})
	}
	up := func(b *workbench) { b.epicor.ClearFaults() }
	bare := fmt.Errorf("no reason given: %w", connector.ErrRejected)
	amount := func(text string) func(*workbench) {
		return func(b *workbench) {
			inv := b.made()[0]
			b.epicor.EditInvoice(sample.EpicorCompany, inv.VendorID, inv.Number, map[string]any{"DocInvoiceAmt": money(text)})
		}
	}
	postedOnly := func(b *workbench) {
		b.tweak = func(c *Config) { c.Tenants[0].Epicor.Invoices.Final = epicorsync.Posted }
	}
	fare := func(text string) func(*workbench) {
		return func(b *workbench) {
			b.editReport(func(r *concurtest.Report) {
				r.Expenses[0].Amount = money(text)
				r.Expenses[0].Posted = decimal.NullDecimal{}
				r.Expenses[0].Approved = decimal.NullDecimal{}
			})
			b.knock()
		}
	}
	var kept []byte
	return []trial{
		{code: engine.CodeExhausted, prep: down, doc: report(nil), mend: up},
		{
			code: engine.CodeDiffers, doc: report(nil),
			prep: func(b *workbench) {
				sample.LoseAnswer(b.epicor, "CX-")
				b.change(map[string]any{"DocInvoiceAmt": money("61.41"), "Posted": true})
			},
			mend: amount("61.40"),
		},
		{code: engine.CodeDrift, prep: postedOnly, doc: report(nil), then: amount("61.41"), ends: engine.WordSaved, mend: amount("61.40")},
		{code: engine.CodeSecondRevision, prep: rewrite("netting: net", "netting: net\nrevisions: park"), doc: report(nil), then: fare("70.00"), by: byChange, mend: fare("61.40")},
		{code: engine.CodeRefused, prep: func(b *workbench) { b.deliver = func(*connector.Delivery[document.Posting]) error { return bare } }, doc: report(nil), mend: func(b *workbench) { b.deliver = nil }},
		{
			code: engine.CodeReversalRefused, doc: report(nil), ends: engine.WordRecalled,
			then: func(b *workbench) { b.reverse = bare; b.recall(); b.knock() },
			mend: func(b *workbench) { b.reverse = nil },
		},
		{code: engine.CodeSourceRefused, prep: func(b *workbench) { b.refuse = bare }, doc: report(nil), mend: truth},
		{code: engine.CodeUntold, none: "only the flow of financial documents tells its source anything, and what the service refuses for good is tested with that source"},
		{
			code: engine.CodePhaseUnknown, doc: report(nil), mend: truth,
			prep: func(b *workbench) {
				b.mutate = func(s *connector.Snapshot[document.Document]) { s.Phase = "perhaps" }
			},
		},
		{
			code: engine.CodeContentGone, doc: report(nil),
			prep: func(b *workbench) {
				b.epicor.Inject(epicortest.Fault{Path: "/GetNewAPInvHedInvoice", Times: -1, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"60"}}})
			},
			then: func(b *workbench) {
				require.Equal(b.t, engine.Delivering, b.status().State)
				b.lose()
			},
			mend: func(b *workbench) { up(b); b.restore() },
		},
		{
			code: engine.CodeUnreadable, doc: report(nil), by: byChange,
			prep: slow,
			then: func(b *workbench) {
				row := b.row()
				kept = row.Data
				row.Data, row.Due = []byte("{"), time.Now()
				_, err := b.store.Update(b.t.Context(), row)
				require.NoError(b.t, err)
			},
			mend: func(b *workbench) {
				b.epicor.ClearFaults()
				row := b.row()
				row.Data, row.State, row.Cause, row.Due = kept, string(engine.Pending), "", time.Now()
				_, err := b.store.Update(b.t.Context(), row)
				require.NoError(b.t, err)
			},
		},
		{code: engine.CodeUnknown, none: "rules never give issues without one; only another mapper that does not keep to its contract can"},
	}
}

package epicortest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

const (
	asInvoice   = "GetNewAPInvHedInvoice"
	asDebitMemo = "GetNewAPInvHedDebitMemo"
)

// ready is a kit with the group G1.
func ready(t *testing.T, opts *epicortest.Options) *kit {
	t.Helper()
	k := newKit(t, opts)
	k.group("G1")
	return k
}

// refused expects a broken rule and returns its message and field.
func (k *kit) refused(path string, in record) (message, field string) {
	k.t.Helper()
	e := k.post(http.StatusBadRequest, path, in)
	require.Equal(k.t, "Ice.Common.BusinessObjectException", e["ErrorType"])
	d := rows(k.t, e, "ErrorDetails")[0]
	require.Equal(k.t, e["ErrorMessage"], d["Message"])
	require.Equal(k.t, path[strings.Index(path, "/")+1:], d["Method"])
	message, ok := e["ErrorMessage"].(string)
	require.True(k.t, ok)
	table, ok := d["Table"].(string)
	require.True(k.t, ok)
	col, ok := d["Field"].(string)
	require.True(k.t, ok)
	return message, table + "." + col
}

func TestInvoiceIsKeptAsItWasEntered(t *testing.T) {
	k := ready(t, nil)
	k.invoice("INV-1", "12.10")
	list := k.srv.Invoices(co)
	require.Len(t, list, 1)
	i := list[0]
	require.Equal(t, "ACME", i.VendorID)
	require.Equal(t, "key-INV-1", i.ExternalID)
	require.Equal(t, "EUR", i.Currency)
	require.Equal(t, "N30", i.TermsCode)
	require.Equal(t, "12.1", i.Amount.String())
	require.Equal(t, "12.1", i.VendorAmount.String())
	require.Equal(t, date(2026, 10, 28), i.Date)
	require.Len(t, i.Lines, 1)
	require.Equal(t, []epicortest.Split{{Seq: 1, Account: "6410|200|00", Amount: i.Lines[0].Splits[0].Amount}}, i.Lines[0].Splits)
	require.True(t, i.Balanced())
	require.False(t, i.Posted)
}

func TestAmountsTravelWithoutBinaryNoise(t *testing.T) {
	k := ready(t, nil)
	k.invoice("INV-1", "12345678901234.10")
	a, err := k.do(http.MethodGet, invoices+"GetByID?vendorNum=42&invoiceNum=INV-1", nil)
	require.NoError(t, err)
	require.Contains(t, string(a.body), `"DocInvoiceVendorAmt":12345678901234.10,`)
	require.Contains(t, string(a.body), `"returnObj":{`)
}

func TestUserDefinedColumnsAreKept(t *testing.T) {
	k := ready(t, nil)
	ds := k.newHeader(asInvoice, "INV-1", "1")
	changed(t, ds, "APInvHed")["ConcurID_c"] = "R-77"
	k.ds(invoices+"UpdateMaster", master(ds, "APInvHed"))
	require.Equal(t, "R-77", k.srv.Invoices(co)[0].Column("ConcurID_c"))
	require.Equal(t, "R-77", k.get(200, invoices+"APInvoices('EPIC06',42,'INV-1')")["ConcurID_c"])
}

func TestNewRowsAndChangesCommitNothing(t *testing.T) {
	k := ready(t, nil)
	k.newHeader(asInvoice, "INV-1", "1")
	require.Empty(t, k.srv.Invoices(co))
}

func TestATablesetWithAColumnMissingIsRefused(t *testing.T) {
	k := ready(t, nil)
	ds := k.newHeader(asInvoice, "INV-1", "1")
	delete(changed(t, ds, "APInvHed"), "ConcurID_c")
	msg, field := k.refused(invoices+"UpdateMaster", master(ds, "APInvHed"))
	require.Contains(t, msg, "ConcurID_c")
	require.Equal(t, "APInvHed.ConcurID_c", field)
	require.Empty(t, k.srv.Invoices(co))
}

func TestATablesetWithATableMissingIsRefused(t *testing.T) {
	k := ready(t, nil)
	ds := k.newHeader(asInvoice, "INV-1", "1")
	delete(ds, "APInvTax")
	msg, _ := k.refused(invoices+"UpdateMaster", master(ds, "APInvHed"))
	require.Contains(t, msg, "APInvTax")
}

func TestAMissingColumnIsLostWhereTheRealOneWouldLoseIt(t *testing.T) {
	k := ready(t, &epicortest.Options{LoseMissing: true})
	ds := k.header(asInvoice, "INV-1", "1")
	delete(edit(t, ds, "APInvHed", 0), "ExternalID")
	k.ds(invoices+"UpdateMaster", master(ds, "APInvHed"))
	require.Empty(t, k.srv.Invoices(co)[0].ExternalID)
}

func TestAnUpdatedRowNeedsTheOldOneBesideIt(t *testing.T) {
	for _, lone := range []bool{false, true} {
		k := ready(t, &epicortest.Options{LoneUpdates: lone})
		ds := k.header(asInvoice, "INV-1", "1")
		h := edit(t, ds, "APInvHed", 0)
		h["Description"] = "alone"
		ds["APInvHed"] = []any{h}
		if !lone {
			_, field := k.refused(invoices+"UpdateMaster", master(ds, "APInvHed"))
			require.Equal(t, "APInvHed.RowMod", field)
			continue
		}
		k.ds(invoices+"UpdateMaster", master(ds, "APInvHed"))
		require.Equal(t, "alone", k.srv.Invoices(co)[0].Description)
	}
}

func TestAnUnmarkedRowIsNotSaved(t *testing.T) {
	k := ready(t, nil)
	ds := k.header(asInvoice, "INV-1", "1")
	rows(t, ds, "APInvHed")[0]["Description"] = "unmarked"
	out := k.out(invoices+"UpdateMaster", master(ds, "APInvHed"))
	require.Equal(t, false, out["lUpdateRan"])
	require.Equal(t, "Travel", k.srv.Invoices(co)[0].Description)
}

func TestASavedLineBringsItsDefaultExpense(t *testing.T) {
	k := ready(t, nil)
	ds := k.line(k.header(asInvoice, "INV-1", "10"), "INV-1", "10")
	exp := rows(t, ds, "APInvExp")
	require.Len(t, exp, 1)
	require.Equal(t, json.Number("10"), exp[0]["DocExpAmt"])
	tglc := rows(t, ds, "APInvExpTGLC")
	require.Len(t, tglc, 1)
	require.Equal(t, "9999|000|00", tglc[0]["GLAccount"])
	require.Equal(t, "000", tglc[0]["SegValue2"])
}

func TestAnExpenseAddedInsteadOfChangedDoublesTheExpense(t *testing.T) {
	k := ready(t, nil)
	ds := k.line(k.header(asInvoice, "INV-1", "10"), "INV-1", "10")
	k.split(ds, "10", "6410|200|00")
	i := k.srv.Invoices(co)[0]
	require.Len(t, i.Lines[0].Splits, 2)
	require.False(t, i.Balanced())
	line := value(t, k.get(200, invoices+"APInvDtls"))[0]
	require.Equal(t, json.Number("20"), line["DocLineExpenses"])
	require.Equal(t, json.Number("-10"), line["DocVariance"])
}

// split adds an expense with its account to line 1 of INV-1 and saves both.
func (k *kit) split(ds record, amount, glAccount string) record {
	k.t.Helper()
	key := record{"ds": ds, "vendorNum": 42, "invoiceNum": "INV-1", "invoiceLine": 1}
	ds = k.ds(invoices+"GetNewAPInvExp", key)
	seq := changed(k.t, ds, "APInvExp")["InvExpSeq"]
	ds = k.ds(invoices+"ChangeExpLineAmt", record{"ds": ds, "ProposedAmt": json.Number(amount)})
	ds = k.ds(invoices+"GetNewAPInvExpTGLC", record{"ds": ds, "vendorNum": 42, "invoiceNum": "INV-1", "invoiceLine": 1, "invExpSeq": seq})
	account(changed(k.t, ds, "APInvExpTGLC"), glAccount)
	return k.ds(invoices+"UpdateMaster", master(ds, "APInvExp"))
}

func TestALineIsSplitByChangingTheFirstAndAddingTheSecond(t *testing.T) {
	k := ready(t, nil)
	ds := k.line(k.header(asInvoice, "INV-1", "10"), "INV-1", "10")
	edit(t, ds, "APInvExp", 0)["DocExpAmt"] = json.Number("7.50")
	account(edit(t, ds, "APInvExpTGLC", 0), "6410|200|00")
	ds = k.ds(invoices+"UpdateMaster", master(ds, "APInvExp"))
	k.split(ds, "2.50", "6420|200|00")
	i := k.srv.Invoices(co)[0]
	require.True(t, i.Balanced())
	require.Equal(t, "6410|200|00", i.Lines[0].Splits[0].Account)
	require.Equal(t, "6420|200|00", i.Lines[0].Splits[1].Account)
	require.Equal(t, "2.5", i.Lines[0].Splits[1].Amount.String())
}

func TestASecondAccountForOneExpenseIsRefused(t *testing.T) {
	k := ready(t, nil)
	ds := k.line(k.header(asInvoice, "INV-1", "10"), "INV-1", "10")
	ds = k.ds(invoices+"GetNewAPInvExpTGLC", record{"ds": ds, "vendorNum": 42, "invoiceNum": "INV-1", "invoiceLine": 1, "invExpSeq": 1})
	account(changed(t, ds, "APInvExpTGLC"), "6410|200|00")
	_, field := k.refused(invoices+"UpdateMaster", master(ds, "APInvExpTGLC"))
	require.Equal(t, "APInvExpTGLC.GLAcctContext", field)
}

func TestADebitMemoIsEnteredPositiveAndStoredNegative(t *testing.T) {
	k := ready(t, nil)
	ds := k.line(k.header(asDebitMemo, "DM-1", "10"), "DM-1", "10")
	line := rows(t, ds, "APInvDtl")[0]
	require.Equal(t, json.Number("10"), line["ScrDocExtCost"])
	require.Equal(t, json.Number("-10"), line["DocExtCost"])
	require.Equal(t, json.Number("-10"), rows(t, ds, "APInvExp")[0]["DocExpAmt"])
	i := k.srv.Invoices(co)[0]
	require.True(t, i.DebitMemo)
	require.Equal(t, "-10", i.Amount.String())
	require.Equal(t, "10", i.VendorAmount.String())
	require.Empty(t, k.srv.Post(co, "G1"))
}

func TestADebitMemoIsEnteredNegativeWhereTheTenantWantsItSo(t *testing.T) {
	k := ready(t, &epicortest.Options{TrueSignLines: true})
	ds := k.line(k.header(asDebitMemo, "DM-1", "10"), "DM-1", "-10")
	require.Equal(t, json.Number("-10"), rows(t, ds, "APInvDtl")[0]["DocExtCost"])
	require.Equal(t, "-10", k.srv.Invoices(co)[0].Amount.String())
	require.Empty(t, k.srv.Post(co, "G1"))
}

func TestTheTypeOfADocumentCannotChange(t *testing.T) {
	k := ready(t, nil)
	ds := k.header(asInvoice, "INV-1", "1")
	edit(t, ds, "APInvHed", 0)["DebitMemo"] = true
	_, field := k.refused(invoices+"UpdateMaster", master(ds, "APInvHed"))
	require.Equal(t, "APInvHed.DebitMemo", field)
}

func TestAnAnswerOf200MayHaveCommittedNothing(t *testing.T) {
	for _, c := range []struct {
		prompt epicortest.Prompt
		ran    bool
		asks   bool
	}{
		{epicortest.Prompt{RequiresUserInput: true, Message: "Legal number?"}, false, true},
		{epicortest.Prompt{NotRun: true}, false, false},
		{epicortest.Prompt{Message: "a warning", BankReference: "bank", ReverseCharge: "charge"}, true, false},
	} {
		k := ready(t, nil)
		k.srv.Prompt(c.prompt)
		ds := k.newHeader(asInvoice, "INV-1", "1")
		out := k.out(invoices+"UpdateMaster", master(ds, "APInvHed"))
		require.Equal(t, c.ran, out["lUpdateRan"])
		require.Equal(t, c.asks, out["requiresUserInput"])
		require.Equal(t, c.prompt.Message, out["opMessage"])
		require.Equal(t, c.prompt.BankReference, out["opMsgChkBankRef"])
		require.Equal(t, c.prompt.ReverseCharge, out["opChkRevMsg"])
		require.Equal(t, c.ran, len(k.srv.Invoices(co)) == 1)
		if !c.ran {
			k.ds(invoices+"UpdateMaster", master(ds, "APInvHed"))
			require.Len(t, k.srv.Invoices(co), 1)
		}
	}
}

func TestAPromptStrikesTheTableAndTheTurnThatItNames(t *testing.T) {
	k := ready(t, nil)
	k.srv.Prompt(epicortest.Prompt{Table: "APInvDtl", Skip: 1, NotRun: true})
	k.invoice("INV-1", "10")
	ds := k.header(asInvoice, "INV-2", "10")
	ds = k.ds(invoices+"GetNewAPInvDtlMiscellaneous", record{"ds": ds, "iVendorNum": 42, "cInvoiceNum": "INV-2"})
	out := k.out(invoices+"UpdateMaster", master(ds, "APInvDtl"))
	require.Equal(t, false, out["lUpdateRan"])
	require.Empty(t, k.srv.Invoices(co)[1].Lines)
}

func TestPreUpdateTellsThatAUserWouldBeAsked(t *testing.T) {
	k := ready(t, nil)
	k.srv.Prompt(epicortest.Prompt{Method: "PreUpdate", RequiresUserInput: true})
	ds := k.newHeader(asInvoice, "INV-1", "1")
	require.Equal(t, true, k.out(invoices+"PreUpdate", record{"ds": ds})["requiresUserInput"])
	require.Equal(t, false, k.out(invoices+"PreUpdate", record{"ds": ds})["requiresUserInput"])
}

func TestTheSameVendorAndNumberIsRefusedInEitherForm(t *testing.T) {
	for form, want := range map[epicortest.Duplicate]struct {
		status int
		kind   string
	}{
		"":                           {409, "Ice.Common.DuplicateRecordException"},
		epicortest.DuplicateConflict: {409, "Ice.Common.DuplicateRecordException"},
		epicortest.DuplicateBusiness: {400, "Ice.Common.BusinessObjectException"},
	} {
		k := ready(t, &epicortest.Options{Duplicate: form})
		k.invoice("INV-1", "10")
		e := k.post(want.status, invoices+"UpdateMaster", master(k.newHeader(asInvoice, "INV-1", "99"), "APInvHed"))
		require.Equal(t, want.kind, e["ErrorType"])
		if want.status == 400 {
			require.Contains(t, e["ErrorMessage"], "Duplicate")
		}
		require.Len(t, k.srv.Invoices(co), 1)
		require.Equal(t, "10", k.srv.Invoices(co)[0].VendorAmount.String())
		e = k.post(want.status, groups+"Update", record{"ds": k.newGroup("G1")})
		require.Equal(t, want.kind, e["ErrorType"])
	}
}

func TestALostAnswerAfterTheCommitLeavesTheInvoiceThere(t *testing.T) {
	for _, c := range []struct {
		fault epicortest.Fault
		there bool
	}{
		{epicortest.Fault{Path: "/UpdateMaster", When: epicortest.After, Drop: true}, true},
		{epicortest.Fault{Path: "/UpdateMaster", When: epicortest.After, Status: 500, Body: "boom"}, true},
		{epicortest.Fault{Path: "/UpdateMaster", Truncate: true}, true},
		{epicortest.Fault{Path: "/UpdateMaster", When: epicortest.Before, Drop: true}, false},
		{epicortest.Fault{Path: "/UpdateMaster", When: epicortest.Before, Status: 500}, false},
	} {
		k := ready(t, nil)
		ds := k.newHeader(asInvoice, "INV-1", "10")
		k.srv.Inject(c.fault)
		a, err := k.do(http.MethodPost, invoices+"UpdateMaster", master(ds, "APInvHed"))
		if c.fault.Status != 0 {
			require.NoError(t, err)
			require.Equal(t, 500, a.status)
		} else {
			require.Error(t, err)
		}
		require.Equal(t, c.there, len(k.srv.Invoices(co)) == 1)
		calls := k.srv.Calls()
		last := calls[len(calls)-1]
		require.Equal(t, c.there, last.Committed)
		require.True(t, last.Faulted)
		if c.there {
			k.get(200, invoices+"APInvoices('EPIC06',42,'INV-1')")
			k.post(409, invoices+"UpdateMaster", master(ds, "APInvHed"))
		}
	}
}

func TestADroppedAnswerIsAClosedConnection(t *testing.T) {
	k := ready(t, nil)
	k.srv.Inject(epicortest.Fault{Path: "/Update", When: epicortest.After, Drop: true})
	_, err := k.do(http.MethodPost, groups+"Update", record{"ds": k.newGroup("G2")})
	require.True(t, errors.Is(err, io.EOF) || strings.Contains(err.Error(), "reset"), "%v", err)
	require.Len(t, k.srv.Groups(co), 2)
}

func TestParametersAreNamedToTheLetter(t *testing.T) {
	k := ready(t, nil)
	e := k.post(400, invoices+asInvoice, record{"ds": record{}})
	require.Equal(t, "Parameter cGroupID is not found in the input object", e["ErrorMessage"])
	e = k.post(400, invoices+asInvoice, record{"ds": record{}, "cGroupID": "G1", "groupID": "G1"})
	require.Contains(t, e["ErrorMessage"], "groupID")
	k.post(404, invoices+"GetNewAPInvoice", record{"ds": record{}})
	ds := k.newHeader(asInvoice, "INV-1", "1")
	changed(t, ds, "APInvHed")["ExternalId"] = "x"
	e = k.post(400, invoices+"UpdateMaster", master(ds, "APInvHed"))
	require.Contains(t, e["ErrorMessage"], "ExternalId")
}

func TestReadMethodsTakeGetAndPost(t *testing.T) {
	k := ready(t, nil)
	k.invoice("INV-1", "10")
	got := k.get(200, invoices+"GetByID", "vendorNum", "42", "invoiceNum", "INV-1")
	require.Equal(t, got, k.post(200, invoices+"GetByID", record{"vendorNum": 42, "invoiceNum": "INV-1"}))
	k.get(404, invoices+"GetByID", "vendorNum", "42", "invoiceNum", "INV-9")
	k.get(405, invoices+"UpdateMaster")
}

func TestAnUnpostedInvoiceCanBeDeletedByEveryRoad(t *testing.T) {
	roads := map[string]func(*kit, record){
		"DeleteByID": func(k *kit, _ record) {
			require.Empty(k.t, k.post(200, invoices+"DeleteByID", record{"vendorNum": 42, "invoiceNum": "INV-1"}))
		},
		"DeleteMaster": func(k *kit, ds record) {
			out := k.out(invoices+"DeleteMaster", record{"ds": ds, "cGroupID": "G1", "keyValue": "42", "keyValue2": "INV-1"})
			require.Equal(k.t, json.Number("0"), out["grpTotalInvAmt"])
		},
		"RowMod D": func(k *kit, ds record) {
			edit(k.t, ds, "APInvHed", 0)["RowMod"] = "D"
			k.ds(invoices+"Update", record{"ds": ds})
		},
		"DELETE": func(k *kit, _ record) {
			a, err := k.do(http.MethodDelete, invoices+"APInvoices('EPIC06',42,'INV-1')", nil)
			require.NoError(k.t, err)
			require.Equal(k.t, 204, a.status)
		},
	}
	for name, road := range roads {
		t.Run(name, func(t *testing.T) {
			k := ready(t, nil)
			road(k, k.invoice("INV-1", "10"))
			require.Empty(t, k.srv.Invoices(co))
			k.get(404, invoices+"GetByID", "vendorNum", "42", "invoiceNum", "INV-1")
		})
	}
}

func TestAPostedInvoiceCannotBeDeletedOrChanged(t *testing.T) {
	k := ready(t, nil)
	ds := k.invoice("INV-1", "10")
	require.Empty(t, k.srv.Post(co, "G1"))
	require.True(t, k.srv.Invoices(co)[0].Posted)
	msg, _ := k.refused(invoices+"DeleteByID", record{"vendorNum": 42, "invoiceNum": "INV-1"})
	require.Equal(t, "Invoice INV-1 is posted and cannot be deleted.", msg)
	edit(t, ds, "APInvHed", 0)["Description"] = "late"
	msg, _ = k.refused(invoices+"Update", record{"ds": ds})
	require.Equal(t, "Invoice INV-1 is posted and cannot be changed.", msg)
}

func TestADeletedLineTakesItsExpensesAlong(t *testing.T) {
	k := ready(t, nil)
	ds := k.invoice("INV-1", "10")
	edit(t, ds, "APInvDtl", 0)["RowMod"] = "D"
	ds = k.ds(invoices+"UpdateMaster", master(ds, "APInvDtl"))
	require.Empty(t, rows(t, ds, "APInvExp"))
	require.Empty(t, rows(t, ds, "APInvExpTGLC"))
	require.True(t, k.srv.Invoices(co)[0].Amount.IsZero())
}

func TestOfManyWhoSaveTheSameNumberAtOnceOneSucceeds(t *testing.T) {
	k := ready(t, nil)
	ds := k.newHeader(asInvoice, "INV-1", "10")
	answers := make(chan int)
	for range 8 {
		go func() {
			a, err := k.do(http.MethodPost, invoices+"UpdateMaster", master(ds, "APInvHed"))
			if err != nil {
				a.status = 0
			}
			answers <- a.status
		}()
	}
	got := map[int]int{}
	for range 8 {
		got[<-answers]++
	}
	require.Equal(t, map[int]int{200: 1, 409: 7}, got)
	require.Len(t, k.srv.Invoices(co), 1)
}

func TestADocumentEditedByAClerkStaysReadable(t *testing.T) {
	k := ready(t, nil)
	k.invoice("INV-1", "10")
	k.srv.EditInvoice(co, "ACME", "INV-1", map[string]any{"InvoiceHeld": true, "ApplyDate": date(2026, 10, 2), "DocInvoiceVendorAmt": decimal.New(99, 0)})
	i, ok := k.srv.Invoice(co, "ACME", "INV-1")
	require.True(t, ok)
	require.True(t, i.Held)
	require.Equal(t, date(2026, 10, 2), i.Column("ApplyDate"))
	require.Equal(t, "99", i.VendorAmount.String())
	require.Empty(t, k.srv.Post(co, "G1"))
	require.False(t, k.srv.Invoices(co)[0].Posted)
}

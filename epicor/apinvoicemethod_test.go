package epicor_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
	"github.com/ml-connector/ml-connector/epicor/odata"
)

// newGroup makes an entry group by the methods of its service.
func newGroup(t *testing.T, c *epicor.Client, id string) *epicor.Tableset {
	t.Helper()
	ds, err := c.APInvoiceGroups.GetNewAPInvGrpNoLock(t.Context(), epicor.NewTableset())
	require.NoError(t, err)
	row := ds.Current("APInvGrp")[0]
	require.NoError(t, row.Set("GroupID", id))
	require.NoError(t, row.Set("ApplyDate", date(t, "2026-10-30")))
	ds, err = c.APInvoiceGroups.Update(t.Context(), ds)
	require.NoError(t, err)
	return ds
}

// draft is an invoice of one line, made method by method in group G.
func draft(t *testing.T, c *epicor.Client, number string) *epicor.Tableset {
	t.Helper()
	ctx, s := t.Context(), c.APInvoices
	ds, err := s.GetNewAPInvHedInvoice(ctx, epicor.NewTableset(), "G")
	require.NoError(t, err)
	ds, _, err = s.ChangeVendorID(ctx, ds, "E1042")
	require.NoError(t, err)
	require.NoError(t, ds.Current("APInvHed")[0].Set("InvoiceNum", number))
	ds, err = s.ChangeTermsCode(ctx, ds, "N10")
	require.NoError(t, err)
	ds, err = s.ChangeInvoiceVendorAmt(ctx, ds, decimalOf(t, "75.00"))
	require.NoError(t, err)
	ds, asks, err := s.PreUpdate(ctx, ds)
	require.NoError(t, err)
	require.False(t, asks)
	ds, err = s.Update(ctx, ds)
	require.NoError(t, err)
	ds, err = s.GetNewAPInvDtlMiscellaneous(ctx, ds, 42, number)
	require.NoError(t, err)
	ds, err = s.ChangePartNum(ctx, ds, "WIDGET")
	require.NoError(t, err)
	ds, err = s.ChangeVendorQty(ctx, ds, decimalOf(t, "10"))
	require.NoError(t, err)
	ds, err = s.ChangeUnitCost(ctx, ds, decimalOf(t, "7.50"))
	require.NoError(t, err)
	ds, err = s.Update(ctx, ds)
	require.NoError(t, err)
	return ds
}

func decimalOf(t *testing.T, s string) epicor.Decimal {
	t.Helper()
	d, err := epicor.ParseDecimal(s)
	require.NoError(t, err)
	return d
}

func TestAGroupIsMadeLockedFreedAndDeletedMethodByMethod(t *testing.T) {
	srv, c := pair(t, nil)
	ctx, groups := t.Context(), c.APInvoiceGroups
	ds := newGroup(t, c, "G")
	ds, err := groups.LockAPGroup(ctx, "G", ds)
	require.NoError(t, err)
	g, err := groups.Get(ctx, "G")
	require.NoError(t, err)
	require.Equal(t, epicortest.DefaultUser, g.ActiveUser)
	require.Equal(t, "2026-10-30", g.ApplyDate.String())
	require.Equal(t, 10, g.FiscalPeriod)

	require.NoError(t, ds.Change("APInvGrp", ds.Current("APInvGrp")[0]))
	ds, _, err = groups.OnChangeofApplyDate(ctx, ds, "G", date(t, "2026-11-02"))
	require.NoError(t, err)
	ds, err = groups.Update(ctx, ds)
	require.NoError(t, err)
	require.EqualValues(t, 11, ds.Current("APInvGrp")[0].Int("FiscalPeriod"))

	_, err = groups.UnlockAPGroup(ctx, "G", ds)
	require.NoError(t, err)
	require.Empty(t, srv.Locks(company))
	srv.LockGroup(company, "G", epicortest.DefaultUser)
	require.NoError(t, groups.UnlockGroup(ctx, "G"))
	require.Empty(t, srv.Locks(company))
	require.NoError(t, groups.DeleteByID(ctx, "G"))
	_, err = groups.GetByID(ctx, "G")
	require.ErrorIs(t, err, epicor.ErrNotFound)
}

func TestAGroupIsMadeLockedByTheOtherMethod(t *testing.T) {
	srv, c := pair(t, nil)
	ds, err := c.APInvoiceGroups.GetNewAPInvGrp(t.Context(), epicor.NewTableset())
	require.NoError(t, err)
	require.NoError(t, ds.Current("APInvGrp")[0].Set("GroupID", "G"))
	_, err = c.APInvoiceGroups.Update(t.Context(), ds)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"G": epicortest.DefaultUser}, srv.Locks(company))
}

func TestAGroupLikeAnotherTakesItsApplyDate(t *testing.T) {
	_, c := pair(t, nil)
	newGroup(t, c, "G")
	require.NoError(t, c.APInvoices.CreateAPInvGrp(t.Context(), "G", "H"))
	var ids []string
	for g, err := range c.APInvoiceGroups.List(t.Context(), odata.Query{}) {
		require.NoError(t, err)
		require.Equal(t, "2026-10-30", g.ApplyDate.String())
		ids = append(ids, g.ID)
	}
	require.Equal(t, []string{"G", "H"}, ids)
}

func TestAnInvoiceIsMadeAndDeletedMethodByMethod(t *testing.T) {
	srv, c := pair(t, nil)
	newGroup(t, c, "G")
	draft(t, c, "M-1")
	draft(t, c, "M-2")
	got, ok := srv.Invoice(company, "E1042", "M-1")
	require.True(t, ok)
	require.Equal(t, "75", got.Amount.String())
	require.Equal(t, "N10", got.TermsCode)
	require.Equal(t, "10", got.Lines[0].Quantity.String())
	left, err := c.APInvoices.DeleteMaster(t.Context(), epicor.NewTableset(), "G", 42, "M-1")
	require.NoError(t, err)
	require.Equal(t, "75", left.Value().String(), "what is left in the group")
	require.Len(t, srv.Invoices(company), 1)
}

func TestPreUpdateTellsThatTheUserWouldBeAsked(t *testing.T) {
	srv, c := pair(t, nil)
	newGroup(t, c, "G")
	srv.Prompt(epicortest.Prompt{Method: "PreUpdate", RequiresUserInput: true})
	ds, err := c.APInvoices.GetNewAPInvHedInvoice(t.Context(), epicor.NewTableset(), "G")
	require.NoError(t, err)
	_, asks, err := c.APInvoices.PreUpdate(t.Context(), ds)
	require.NoError(t, err)
	require.True(t, asks)
}

func TestUpdateMasterSaysWhatTheGroupAddsUpTo(t *testing.T) {
	_, c := pair(t, nil)
	newGroup(t, c, "G")
	ds := draft(t, c, "M-1")
	require.NoError(t, ds.Change("APInvHed", ds.Current("APInvHed")[0]))
	_, u, err := c.APInvoices.UpdateMaster(t.Context(), ds, "G", "APInvHed")
	require.NoError(t, err)
	require.True(t, u.Committed)
	require.Equal(t, "75", u.GroupTotal.Value().String())
}

func TestACorrectionBeginsWithTheSourceTakenBackAndEnteredAgain(t *testing.T) {
	srv, c, inv := posted(t, nil)
	newGroup(t, c, "G")
	err := c.APInvoices.CreateCorrectionInvoice(t.Context(), "G", inv.Number, inv.VendorNum, "N-CORR", date(t, "2026-11-02"), "")
	require.NoError(t, err)
	got, err := c.APInvoices.Get(t.Context(), inv.VendorNum, "N-CORR")
	require.NoError(t, err)
	require.Len(t, got.Lines, 2*len(inv.Lines))
	require.True(t, got.Amount.Value().IsZero())
	require.True(t, got.Balanced())
	require.Equal(t, inv.Number, got.Reference)
	require.False(t, got.Cancels)
	for i, l := range inv.Lines {
		require.True(t, got.Lines[i].Amount.Value().Equal(l.Amount.Value().Neg()))
		require.True(t, got.Lines[i+len(inv.Lines)].Amount.Value().Equal(l.Amount.Value()))
		require.Equal(t, l.Splits[0].Account, got.Lines[i+len(inv.Lines)].Splits[0].Account)
	}
	require.Nil(t, srv.Post(company, "G"))
	src, err := c.APInvoices.Get(t.Context(), inv.VendorNum, inv.Number)
	require.NoError(t, err)
	require.Empty(t, src.Cancelled, "a corrected invoice stays")
}

func TestWhatIsNotPostedIsNotCorrected(t *testing.T) {
	srv, c := pair(t, nil)
	newGroup(t, c, "G")
	draft(t, c, "M-1")
	err := c.APInvoices.CreateCorrectionInvoice(t.Context(), "G", "M-1", 42, "M-2", date(t, "2026-11-02"), "")
	require.ErrorIs(t, err, epicor.ErrInvalid)
	require.Len(t, srv.Invoices(company), 1)
}

func TestANumberIsOnlyKnownToValidationWhenItWasLogged(t *testing.T) {
	srv, c := pair(t, nil)
	srv.LogInvoice(company, "E1042", "L-1")
	newGroup(t, c, "G")
	draft(t, c, "M-1")
	for number, want := range map[string]bool{"L-1": true, "M-1": false, "N-1": false} {
		num, logged, err := c.APInvoices.ValidateInvoiceID(t.Context(), "E1042", number)
		require.NoError(t, err)
		require.Equal(t, 42, num)
		require.Equal(t, want, logged, number)
	}
}

// gateway is the 404 of something in front of Epicor.
func gateway(path string) epicortest.Fault {
	return epicortest.Fault{Path: path, Status: http.StatusNotFound, Header: html(), Body: "<html>not here</html>", Times: -1}
}

func TestAGatewaysNotFoundDoesNotMakeAnInvoiceDeleted(t *testing.T) {
	srv, c := pair(t, nil)
	inv, err := c.APInvoices.Create(t.Context(), meal(t))
	require.NoError(t, err)
	for _, path := range []string{"Erp.BO.APInvoiceSvc/GetByID", "/DeleteByID"} {
		srv.Inject(gateway(path))
		err = c.APInvoices.Delete(t.Context(), inv.VendorNum, inv.Number, inv.Key)
		srv.ClearFaults()
		require.Error(t, err, path)
		require.NotErrorIs(t, err, epicor.ErrNotFound, path)
		var e *epicor.Error
		require.ErrorAs(t, err, &e, path)
		require.True(t, e.Retryable(), path)
		require.Len(t, srv.Invoices(company), 1, path)
	}
	require.Empty(t, srv.Locks(company))
	require.NoError(t, c.APInvoices.Delete(t.Context(), inv.VendorNum, inv.Number, inv.Key))
}

func TestAGatewaysNotFoundOfAnInvoiceThatIsGoneIsBelievedWhenTheListSaysSo(t *testing.T) {
	srv, c := pair(t, nil)
	srv.Inject(gateway("/GetByID"))
	require.NoError(t, c.APInvoices.Delete(t.Context(), 42, "NEVER", "K"))
}

func TestAGatewaysNotFoundLeavesNoGroupLockedUnseen(t *testing.T) {
	srv, c := pair(t, nil)
	newGroup(t, c, "G")
	srv.LockGroup(company, "G", epicortest.DefaultUser)
	srv.Inject(gateway("/GetByID"))
	err := c.APInvoices.Release(t.Context(), "G")
	require.Error(t, err)
	require.NotErrorIs(t, err, epicor.ErrNotFound)
	srv.ClearFaults()
	require.NoError(t, c.APInvoices.Release(t.Context(), "G"))
	require.Empty(t, srv.Locks(company))
	require.NoError(t, c.APInvoices.Release(t.Context(), "ABSENT"))
}

func TestAGatewaysNotFoundOfOneRowIsLookedIntoByTheList(t *testing.T) {
	srv, c := pair(t, nil)
	srv.Inject(gateway("/Vendors('EPIC06',42)"))
	_, err := c.Vendors.Get(t.Context(), 42)
	require.Error(t, err)
	require.NotErrorIs(t, err, epicor.ErrNotFound)
	srv.Inject(gateway("/Vendors('EPIC06',4711)"))
	_, err = c.Vendors.Get(t.Context(), 4711)
	require.ErrorIs(t, err, epicor.ErrNotFound)
}

func TestAmountsLeaveAsNumbersToTheDigitAndDatesWithoutAZone(t *testing.T) {
	srv, c := pair(t, nil)
	_, err := c.APInvoices.Create(t.Context(), meal(t))
	require.NoError(t, err)
	sent := map[string][]string{}
	for _, call := range srv.Calls() {
		var in map[string]json.RawMessage
		if json.Unmarshal(call.Request, &in) != nil {
			continue
		}
		for name, raw := range in {
			if name != "ds" {
				sent[name] = append(sent[name], string(raw))
			}
		}
	}
	require.Equal(t, []string{"133.43"}, sent["ProposedInvoiceVendorAmt"])
	require.Equal(t, []string{"120.10", "-20.00", "33.33"}, sent["ProposedExtCost"])
	require.Equal(t, []string{"80.07", "40.03", "-15.00", "-5.00", "11.11", "22.22"}, sent["ProposedAmt"])
	require.Equal(t, []string{`"2026-10-28T00:00:00"`}, sent["ProposedInvoiceDate"])
	require.Equal(t, []string{`"2026-10-30T00:00:00"`}, sent["NewApplyDate"])
}

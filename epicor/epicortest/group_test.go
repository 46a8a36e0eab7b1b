package epicortest_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

// newGroup returns an unsaved group's tableset.
func (k *kit) newGroup(id string) record {
	k.t.Helper()
	ds := k.ds(groups+"GetNewAPInvGrpNoLock", record{"ds": record{}})
	changed(k.t, ds, "APInvGrp")["GroupID"] = id
	return ds
}

func TestAGroupIsMadeInTwoSteps(t *testing.T) {
	k := newKit(t, nil)
	ds := k.newGroup("G1")
	require.Empty(t, k.srv.Groups(co))
	g := changed(t, ds, "APInvGrp")
	g["ApplyDate"] = "2026-09-15T00:00:00"
	delete(g, "SysRevID")
	delete(g, "SysRowID")
	saved := rows(t, k.ds(groups+"Update", record{"ds": ds}), "APInvGrp")[0]
	require.Equal(t, json.Number("9"), saved["FiscalPeriod"])
	require.Equal(t, []epicortest.Group{{ID: "G1", CreatedBy: epicortest.DefaultUser, ApplyDate: date(2026, 9, 15)}}, k.srv.Groups(co))
}

func TestAGroupIsMadeByAPlainCreate(t *testing.T) {
	k := newKit(t, nil)
	require.Equal(t, "G1", k.post(201, groups+"APInvGrps", record{"Company": co, "GroupID": "G1"})["GroupID"])
	k.post(409, groups+"APInvGrps", record{"Company": co, "GroupID": "G1"})
	k.post(400, groups+"APInvGrps", record{"Company": "EPIC07", "GroupID": "G2"})
	k.post(400, groups+"APInvGrps", record{"Company": co, "GroupId": "G2"})
	require.Len(t, k.srv.Groups(co), 1)
}

func TestANewGroupIsLockedOnlyWhereTheMethodSaysSo(t *testing.T) {
	k := newKit(t, nil)
	k.group("FREE")
	ds := k.ds(groups+"GetNewAPInvGrp", record{"ds": record{}})
	changed(t, ds, "APInvGrp")["GroupID"] = "HELD"
	k.ds(groups+"Update", record{"ds": ds})
	require.Equal(t, map[string]string{"HELD": epicortest.DefaultUser}, k.srv.Locks(co))
}

func TestALockOfAnotherUserIsLeftWhereItIsWithoutAnError(t *testing.T) {
	k := newKit(t, nil)
	k.srv.AddUsers(epicortest.User{Name: "anna", Password: "pw"})
	k.group("G1")
	k.ds(groups+"LockAPGroup", record{"groupID": "G1", "ds": record{}})
	anna := *k
	anna.user, anna.password = "anna", "pw"
	ds := anna.ds(groups+"LockAPGroup", record{"groupID": "G1", "ds": record{}})
	require.Equal(t, epicortest.DefaultUser, rows(t, ds, "APInvGrp")[0]["ActiveUserID"])
	require.Equal(t, map[string]string{"G1": epicortest.DefaultUser}, k.srv.Locks(co))
}

func TestALockKeepsOtherUsersOutUntilItIsReleased(t *testing.T) {
	k := newKit(t, &epicortest.Options{LockRefuses: true})
	k.srv.AddUsers(epicortest.User{Name: "anna", Password: "pw"})
	k.group("G1")
	ds := k.ds(groups+"LockAPGroup", record{"groupID": "G1", "ds": record{}})
	require.Equal(t, epicortest.DefaultUser, rows(t, ds, "APInvGrp")[0]["ActiveUserID"])
	k.ds(groups+"LockAPGroup", record{"groupID": "G1", "ds": ds})

	anna := *k
	anna.user, anna.password = "anna", "pw"
	for path, in := range map[string]record{
		groups + "LockAPGroup": {"groupID": "G1", "ds": record{}},
		groups + "UnlockGroup": {"InGroupID": "G1"},
		groups + "DeleteByID":  {"groupID": "G1"},
		invoices + asInvoice:   {"ds": record{}, "cGroupID": "G1"},
	} {
		msg, _ := anna.refused(path, in)
		require.Equal(t, "Group G1 is locked by user integration.", msg)
	}
	k.post(200, groups+"UnlockGroup", record{"InGroupID": "G1"})
	require.Empty(t, k.srv.Locks(co))
	ds = anna.ds(groups+"LockAPGroup", record{"groupID": "G1", "ds": record{}})
	require.Equal(t, map[string]string{"G1": "anna"}, k.srv.Locks(co))
	anna.ds(groups+"UnlockAPGroup", record{"groupID": "G1", "ds": ds})
	require.Empty(t, k.srv.Locks(co))
}

func TestALockedGroupKeepsItsInvoicesFromBeingDeleted(t *testing.T) {
	k := ready(t, nil)
	k.invoice("INV-1", "10")
	k.srv.LockGroup(co, "G1", "anna")
	k.refused(invoices+"DeleteByID", record{"vendorNum": 42, "invoiceNum": "INV-1"})
	require.Len(t, k.srv.Invoices(co), 1)
}

func TestAGroupWithInvoicesCannotBeDeleted(t *testing.T) {
	k := ready(t, nil)
	k.header(asInvoice, "INV-1", "1")
	k.refused(groups+"DeleteByID", record{"groupID": "G1"})
	k.post(200, invoices+"DeleteByID", record{"vendorNum": 42, "invoiceNum": "INV-1"})
	k.post(200, groups+"DeleteByID", record{"groupID": "G1"})
	require.Empty(t, k.srv.Groups(co))
}

func TestTheGroupsTotalIsTheSumOfItsInvoices(t *testing.T) {
	k := ready(t, nil)
	k.invoice("INV-1", "10.25")
	ds := k.invoice("INV-2", "2.50")
	edit(t, ds, "APInvHed", 0)["Description"] = "again"
	require.Equal(t, json.Number("12.75"), k.out(invoices+"UpdateMaster", master(ds, "APInvHed"))["grpTotalInvAmt"])
	obj, ok := k.get(200, groups+"GetByID", "groupID", "G1")["returnObj"].(record)
	require.True(t, ok)
	require.Equal(t, json.Number("12.75"), rows(t, obj, "APInvGrp")[0]["BaseTotal"])
}

func TestPostingLeavesWhatCannotBePostedWithItsReason(t *testing.T) {
	k := ready(t, nil)
	k.invoice("GOOD", "10")
	k.header(asInvoice, "EMPTY", "5")
	k.line(k.header(asInvoice, "WRONG", "11"), "WRONG", "10")
	want := []string{"Invoice EMPTY: Invoice with no detail", "Invoice WRONG: Invoice Total does not agree with vendor 's total"}
	require.Equal(t, want, k.srv.Post(co, "G1"))
	for _, i := range k.srv.Invoices(co) {
		require.Equal(t, i.Number == "GOOD", i.Posted, i.Number)
	}
	require.Contains(t, k.srv.Groups(co)[0].Errors, "no detail")
}

func TestPostingBySubmittingToTheAgentPostsTheWholeGroup(t *testing.T) {
	k := ready(t, nil)
	k.invoice("INV-1", "10")
	ds, ok := k.get(200, "Erp.PROC.APInvoicePostSvc/GetNewParameters")["returnObj"].(record)
	require.True(t, ok)
	rows(t, ds, "APInvoicePostParam")[0]["GroupID"] = "G1"
	k.post(200, "Erp.PROC.APInvoicePostSvc/SubmitToAgent", record{
		"ds": ds, "agentID": "SystemTaskAgent", "agentSchedNum": 0, "agentTaskNum": 0, "maintProgram": "Erp.UIRpt.APInvoicePost",
	})
	require.Equal(t, true, k.get(200, invoices+"APInvoices('EPIC06',42,'INV-1')")["Posted"])
	require.Empty(t, k.srv.Groups(co))
}

func TestAnInvoiceWhosePeriodWasClosedSinceIsNotPostedUntilItIsOpenedAgain(t *testing.T) {
	k := ready(t, nil)
	k.invoice("INV-1", "10")
	k.srv.ClosePeriod(co, 2026, 10)
	require.Equal(t, []string{"Invoice INV-1: Fiscal period 2026/10 is closed"}, k.srv.Post(co, "G1"))
	require.False(t, k.srv.Invoices(co)[0].Posted)
	k.srv.OpenPeriod(co, 2026, 10)
	require.Nil(t, k.srv.Post(co, "G1"))
	require.True(t, k.srv.Invoices(co)[0].Posted)
}

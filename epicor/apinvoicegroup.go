package epicor

import (
	"context"
	"encoding/json"
	"net/http"
)

const (
	groupService = "Erp.BO.APInvGrpSvc"
	tableGroup   = "APInvGrp"
)

// APInvoiceGroup is an entry group: unposted AP invoices that are posted together,
// and the lock of whoever works in them.
//
// Follows the table APInvGrp of the service Erp.BO.APInvGrpSvc. It has no change
// stamp, only SysRevID. A group goes away once all of it is posted; that is an
// assumption to check on a live tenant.
type APInvoiceGroup struct {
	Company          string `json:"Company"`
	ID               string `json:"GroupID"`
	CreatedBy        string `json:"CreatedBy"`    // Epicor user
	ActiveUser       string `json:"ActiveUserID"` // who holds the lock; "" is nobody
	ApplyDate        Date   `json:"ApplyDate"`    // default of its invoices
	FiscalYear       int    `json:"FiscalYear"`
	FiscalYearSuffix string `json:"FiscalYearSuffix"`
	FiscalPeriod     int    `json:"FiscalPeriod"`
	FiscalCalendar   string `json:"FiscalCalendarID"`
	PostErrors       string `json:"PostErrorLog"`  // why invoices were not posted, in Epicor's words
	Posting          bool   `json:"PostInProcess"` // the process runs, or waits for its agent
	BillOfExchange   bool   `json:"IsBOE"`
	SysRevID         int64  `json:"SysRevID"`
	SysRowID         string `json:"SysRowID"`

	// Extra holds the columns that have no field here, as they came.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row of APInvGrps.
func (g *APInvoiceGroup) UnmarshalJSON(b []byte) error {
	type plain APInvoiceGroup
	var p plain
	extra, err := decodeRow(b, &p)
	if err != nil {
		return err
	}
	*g = APInvoiceGroup(p)
	g.Extra = extra
	return nil
}

// APInvoiceGroupService reads the entry groups of AP invoices, as [Entities] reads
// any set, and calls the methods of their service, each with its documented
// inputs. Whoever enters invoices by [APInvoiceService.Create] needs none of the
// methods: Create makes groups, locks them and gives them free by itself. It is
// safe for concurrent use.
//
// Follows the service Erp.BO.APInvGrpSvc. A group can also be made by a plain
// POST: Client.Call(ctx, "Erp.BO.APInvGrpSvc", "APInvGrps", Params{"Company": …,
// "GroupID": …}), which fills the defaults.
type APInvoiceGroupService struct {
	*Entities[APInvoiceGroup]
}

// GetByID returns a group as a tableset. No such group: ErrNotFound, which a
// gateway's 404 is not.
func (s *APInvoiceGroupService) GetByID(ctx context.Context, groupID string) (*Tableset, error) {
	const op = groupService + "/GetByID"
	res, err := s.c.Read(ctx, groupService, "GetByID", map[string]string{"groupID": groupID})
	if err != nil {
		return nil, s.absent(ctx, err, groupID)
	}
	ds, err := decodeTableset(orObject(res.Value))
	if err != nil {
		return nil, &Error{Operation: op, err: err}
	}
	if len(ds.Rows(tableGroup)) == 0 {
		return nil, &Error{Operation: op, Status: http.StatusNotFound, Message: "no such group"}
	}
	return ds, nil
}

// GetNewAPInvGrp adds a new group that is locked for the caller's user when it is saved.
func (s *APInvoiceGroupService) GetNewAPInvGrp(ctx context.Context, ds *Tableset) (*Tableset, error) {
	ds, _, err := s.c.computed(ctx, groupService, "GetNewAPInvGrp", Params{"ds": ds})
	return ds, err
}

// GetNewAPInvGrpNoLock adds a new group that nobody holds. GroupID and ApplyDate
// are to be set; SysRevID and SysRowID may be left out, as integrations in the
// field do.
func (s *APInvoiceGroupService) GetNewAPInvGrpNoLock(ctx context.Context, ds *Tableset) (*Tableset, error) {
	ds, _, err := s.c.computed(ctx, groupService, "GetNewAPInvGrpNoLock", Params{"ds": ds})
	return ds, err
}

// OnChangeofApplyDate sets the apply date of a group, and with it the fiscal
// period that its new invoices begin with. message is what Epicor says about the date.
func (s *APInvoiceGroupService) OnChangeofApplyDate(ctx context.Context, ds *Tableset, groupID string, date Date) (out *Tableset, message string, err error) {
	out, res, err := s.c.computed(ctx, groupService, "OnChangeofApplyDate", Params{
		"GroupID": groupID, "NewApplyDate": date.String() + "T00:00:00", "ds": ds,
	})
	if err != nil {
		return nil, "", err
	}
	return out, res.Text("DateMessage"), nil
}

// Update commits the marked rows of a tableset. It is sent once.
func (s *APInvoiceGroupService) Update(ctx context.Context, ds *Tableset) (*Tableset, error) {
	res, err := s.c.Call(ctx, groupService, "Update", Params{"ds": ds})
	if err != nil {
		return nil, err
	}
	out, err := res.Tableset("ds")
	if err != nil {
		return nil, &Error{Operation: groupService + "/Update", err: err}
	}
	return out, nil
}

// LockAPGroup locks a group for the caller's user, "only if the group is not
// locked already": ActiveUserID in the answer says who holds it then. Taking a
// lock that one has changes nothing, so it is repeated after passing failures.
func (s *APInvoiceGroupService) LockAPGroup(ctx context.Context, groupID string, ds *Tableset) (*Tableset, error) {
	ds, _, err := s.c.computed(ctx, groupService, "LockAPGroup", Params{"groupID": groupID, "ds": ds})
	return ds, err
}

// UnlockAPGroup gives a group free that the caller's own user holds. It is
// repeated after passing failures.
func (s *APInvoiceGroupService) UnlockAPGroup(ctx context.Context, groupID string, ds *Tableset) (*Tableset, error) {
	ds, _, err := s.c.computed(ctx, groupService, "UnlockAPGroup", Params{"groupID": groupID, "ds": ds})
	return ds, err
}

// UnlockGroup gives a group free. Whether it also takes the lock of another user
// away is written nowhere, so nothing else in this package calls it.
func (s *APInvoiceGroupService) UnlockGroup(ctx context.Context, groupID string) error {
	_, err := s.c.Compute(ctx, groupService, "UnlockGroup", Params{"InGroupID": groupID})
	return err
}

// DeleteByID deletes a group in which no invoice is left. It is sent once.
func (s *APInvoiceGroupService) DeleteByID(ctx context.Context, groupID string) error {
	_, err := s.c.Call(ctx, groupService, "DeleteByID", Params{"groupID": groupID})
	return err
}

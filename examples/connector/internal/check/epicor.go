package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/odata"
	"github.com/ml-connector/ml-connector/examples/connector/internal/app"
)

// Services of Epicor that the connector works with.
const (
	groupService    = "Erp.BO.APInvGrpSvc"
	invoiceService  = "Erp.BO.APInvoiceSvc"
	calendarService = "Erp.BO.FiscalCalSvc"
)

// epicor looks at one tenant's side in Epicor and reports whether it could be
// read.
func (c *checker) epicor(ctx context.Context, conn *app.Connection) bool {
	_, err := conn.Epicor.Vendors.ListPage(ctx, odata.Query{Top: 1}, "")
	if !c.door(conn, err) {
		return false
	}
	c.ok(Epicor, "credentials", "API key and user %s are accepted", conn.Tenant.Epicor.Entry.User)
	c.ok(Epicor, "company", "%s", conn.Epicor.Company())
	if !c.rights(ctx, conn) {
		return false
	}
	c.keyColumn(ctx, conn)
	c.columns(ctx, conn)
	c.period(ctx, conn)
	c.group(ctx, conn)
	return true
}

// door says how the first call was received.
func (c *checker) door(conn *app.Connection, err error) bool {
	company, address := conn.Epicor.Company(), conn.Tenant.Epicor.URL
	var e *epicor.Error
	switch {
	case err == nil:
		return true
	case c.shut(Epicor, err):
	case !errors.As(err, &e):
		c.bad(Wrong, Epicor, "credentials", Operator, "mend the reference, or store the secret again", err.Error())
	case e.BadPassword():
		c.bad(Wrong, Epicor, "credentials", EpicorAdmin, "check epicor.user and the secret that epicor.password refers to; the account may be locked or its password expired", "Epicor does not accept user name and password")
	case e.BadKey():
		c.bad(Wrong, Epicor, "x-api-key", EpicorAdmin, "check the secret that epicor.api_key refers to, and that the key was made for company "+company, "Epicor does not accept the API key for company "+company)
	case e.AccessDenied():
		c.bad(Missing, Epicor, "rights", EpicorAdmin, "add it to the access scope of the API key and to the user's security", "neither vendors nor anything else may be read: "+e.Operation)
	case errors.Is(err, epicor.ErrNotFound):
		c.bad(Wrong, Epicor, "company", Operator, "write epicor.url as your Epicor admin knows it: instance and company are parts of it, with the right letter case", fmt.Sprintf("company %s, or the instance, does not exist at this address", company))
	case e.Status == 0:
		c.unreachable(Epicor, address, err)
	default:
		c.bad(Wrong, Epicor, "address", EpicorAdmin, "try again; if it stays, give your Epicor admin the correlation id", err.Error())
	}
	return false
}

// probe is one thing that the connector does in Epicor. What a probe asks for
// changes nothing and often makes no sense: that Epicor says so is enough, since
// it looks at rights first.
type probe struct {
	name string
	try  func(context.Context) error
}

// unprobed are the methods that postings need and that no probe calls: they
// write, or work on an invoice that is there. A test group tries those of groups.
const (
	unprobedGroup   = groupService + ": Update, LockAPGroup, UnlockAPGroup, DeleteByID"
	unprobedInvoice = invoiceService + ": ChangeInvoiceDateEx, OnChangeofApplyDateWithDateCheck, ChangeDueDate, ChangeCurrency, ChangeExpLineAmt, UpdateMaster, DeleteByID"
)

// answered reports whether an answer shows that the method may be called: it
// worked, or Epicor itself refused what was asked. Any other failure tells
// nothing about rights.
func answered(err error) bool {
	var e *epicor.Error
	switch {
	case err == nil:
		return true
	case !errors.As(err, &e) || !e.Refused():
		return false
	default:
		return !errors.Is(err, epicor.ErrUnauthorized) && !errors.Is(err, epicor.ErrForbidden) && !errors.Is(err, epicor.ErrRateLimited)
	}
}

// rights tries what reads and what only computes, names what it does not try, and
// reports whether Epicor still answers.
func (c *checker) rights(ctx context.Context, conn *app.Connection) bool {
	const name = "rights"
	client := conn.Epicor
	first := odata.Query{Top: 1}
	compute := func(service, method string, in epicor.Params) probe {
		return probe{service + "/" + method, func(ctx context.Context) error {
			if in == nil {
				in = epicor.Params{}
			}
			in["ds"] = epicor.NewTableset()
			_, err := client.Compute(ctx, service, method, in)
			return err
		}}
	}
	probes := []probe{
		{"Erp.BO.VendorSvc/Vendors", func(ctx context.Context) error { _, err := client.Vendors.ListPage(ctx, first, ""); return err }},
		{"Erp.BO.GLAccountSvc/GLAccounts", func(ctx context.Context) error { _, err := client.GLAccounts.ListPage(ctx, first, ""); return err }},
		{invoiceService + "/APInvoices", func(ctx context.Context) error { _, err := client.APInvoices.ListPage(ctx, first, ""); return err }},
		{groupService + "/GetByID", func(ctx context.Context) error {
			_, err := client.Read(ctx, groupService, "GetByID", map[string]string{"groupID": "~check"})
			return err
		}},
		{invoiceService + "/GetByID", func(ctx context.Context) error { _, err := client.APInvoices.GetByID(ctx, 0, "~check"); return err }},
		compute(groupService, "GetNewAPInvGrpNoLock", nil),
		compute(invoiceService, "GetNewAPInvHedInvoice", epicor.Params{"cGroupID": "~check"}),
		compute(invoiceService, "GetNewAPInvHedDebitMemo", epicor.Params{"cGroupID": "~check"}),
		compute(invoiceService, "ChangeVendorID", epicor.Params{"ProposedVendorID": "~check", "confirmCheck": false}),
		compute(invoiceService, "ChangeInvoiceVendorAmt", epicor.Params{"ProposedInvoiceVendorAmt": 0}),
		compute(invoiceService, "GetNewAPInvDtlMiscellaneous", epicor.Params{"iVendorNum": 0, "cInvoiceNum": "~check"}),
		compute(invoiceService, "ChangeExtCost", epicor.Params{"ProposedExtCost": 0}),
		compute(invoiceService, "GetNewAPInvExp", epicor.Params{"vendorNum": 0, "invoiceNum": "~check", "invoiceLine": 1}),
		compute(invoiceService, "GetNewAPInvExpTGLC", epicor.Params{"vendorNum": 0, "invoiceNum": "~check", "invoiceLine": 1, "invExpSeq": 1}),
	}
	if conn.Tenant.Mirrors.CentreList != "" {
		probes = append(probes, probe{"Erp.BO.COASegValuesSvc/COASegValues", func(ctx context.Context) error {
			_, err := client.SegmentValues.ListPage(ctx, first, "")
			return err
		}})
	}
	allowed := 0
	for i, p := range probes {
		err := p.try(ctx)
		var e *epicor.Error
		switch {
		case answered(err):
			allowed++
		case errors.As(err, &e) && e.AccessDenied():
			c.bad(Missing, Epicor, name, EpicorAdmin, "add it to the access scope of the API key, and to the security of user "+conn.Tenant.Epicor.Entry.User, p.name+" is not allowed")
		case errors.As(err, &e) && e.Status == 0:
			c.unreachable(Epicor, conn.Tenant.Epicor.URL, err)
			var left []string
			for _, p := range probes[i:] {
				left = append(left, p.name)
			}
			c.untried(Epicor, name, "Epicor stopped answering: "+strings.Join(left, ", "))
			return false
		default:
			c.untried(Epicor, name, oneLine(p.name+": "+err.Error()))
		}
	}
	if allowed == len(probes) {
		c.ok(Epicor, name, "access scope allows %d of %d services that read and compute", allowed, len(probes))
	}
	if c.opts.Write {
		c.untried(Epicor, name, "the test group holds no invoice: "+unprobedInvoice)
	} else {
		c.untried(Epicor, name, "read-only check: "+unprobedGroup+"; "+unprobedInvoice)
	}
	return true
}

// keyColumn looks whether the column for our key is there: by reading it, since a
// column that does not exist is refused.
func (c *checker) keyColumn(ctx context.Context, conn *app.Connection) {
	c.column(ctx, conn, "key column", "epicor.key_column", "APInvHed", conn.Epicor.APInvoices.KeyColumn(),
		epicor.NewEntities[map[string]json.RawMessage](conn.Epicor, invoiceService, "APInvoices", "Company", "VendorNum", "InvoiceNum"))
	if column := conn.Tenant.Epicor.Tables.EmployeeColumn; column != "" {
		c.column(ctx, conn, "employee column", "epicor.employee_column", "Vendor", column,
			epicor.NewEntities[map[string]json.RawMessage](conn.Epicor, "Erp.BO.VendorSvc", "Vendors", "Company", "VendorNum"))
	}
}

func (c *checker) column(ctx context.Context, _ *app.Connection, name, key, table, column string, rows *epicor.Entities[map[string]json.RawMessage]) {
	_, err := rows.ListPage(ctx, odata.Query{Select: []string{"Company", column}, Filter: odata.Eq(column, "~check"), Top: 1}, "")
	var e *epicor.Error
	switch {
	case err == nil:
		c.ok(Epicor, name, "%s.%s", table, column)
	case errors.As(err, &e) && e.AccessDenied():
		// Said among the rights.
	case errors.Is(err, epicor.ErrInvalid):
		c.bad(Missing, Epicor, name, EpicorAdmin, "make the column (Extended UD Table Maintenance, then regenerate the data model), or name another as "+key, fmt.Sprintf("%s has no column %s", table, column))
	default:
		c.bad(Wrong, Epicor, name, EpicorAdmin, "try again; if it stays, give your Epicor admin the correlation id", err.Error())
	}
}

// columns looks whether every column that is used exists in this tenant, and how
// long an invoice number may be.
func (c *checker) columns(ctx context.Context, conn *app.Connection) {
	const name = "columns"
	schema, err := conn.Epicor.Verify(ctx)
	switch {
	case errors.Is(err, epicor.ErrMissing):
		c.bad(Missing, Epicor, name, EpicorAdmin, "regenerate the data model, or choose another key_column; a column of Epicor's own that is missing is a version this connector was not built for",
			strings.ReplaceAll(err.Error(), "\n", "; "))
	case err != nil:
		c.untried(Epicor, name, "the tenant's $metadata cannot be read: "+err.Error())
	default:
		number, key := schema.Length("APInvHed", "InvoiceNum"), schema.Length("APInvHed", conn.Epicor.APInvoices.KeyColumn())
		c.ok(Epicor, name, "all that are used exist%s%s", characters("invoice numbers", number), characters("our keys", key))
	}
}

func characters(what string, n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %s may have %d characters", what, n)
}

// fiscalPeriod is a row of FiscalPers. Whether it is closed for accounts payable
// is no column of that table.
type fiscalPeriod struct {
	Company string      `json:"Company"`
	Year    int         `json:"FiscalYear"`
	Number  int         `json:"FiscalPeriod"`
	Start   epicor.Date `json:"StartDate"`
	End     epicor.Date `json:"EndDate"`
}

// today is the calendar day here.
func (c *checker) today() epicor.Date {
	y, m, d := c.now().Date()
	return epicor.Date{Year: y, Month: m, Day: d}
}

// period looks for the fiscal period of today.
func (c *checker) period(ctx context.Context, conn *app.Connection) {
	const name = "fiscal period"
	rows := epicor.NewEntities[fiscalPeriod](conn.Epicor, calendarService, "FiscalPers", "Company", "FiscalCalendarID", "FiscalYear", "FiscalYearSuffix", "FiscalPeriod")
	today, seen := c.today(), 0
	for p, err := range rows.List(ctx, odata.Query{}) {
		if err != nil {
			c.untried(Epicor, name, "the fiscal calendar cannot be read; --write finds out whether today's period is open")
			return
		}
		seen++
		if !today.Before(p.Start) && !p.End.Before(today) {
			c.ok(Epicor, name, "today lies in %d/%d, to %s; --write finds out whether it is open", p.Year, p.Number, p.End)
			return
		}
	}
	if seen == 0 {
		c.untried(Epicor, name, "the fiscal calendar shows no periods; --write finds out whether today's is open")
		return
	}
	c.bad(Missing, Epicor, name, Finance, "set up the fiscal year in Epicor", fmt.Sprintf("no fiscal period holds today, %s", today))
}

// groupWithin bounds taking the test group away again.
const groupWithin = time.Minute

// group makes, locks and deletes an entry group, as every posting needs one.
func (c *checker) group(ctx context.Context, conn *app.Connection) {
	const name = "AP invoice"
	if !c.opts.Write {
		c.untried(Epicor, name, "read-only check; --write creates and deletes a test group")
		return
	}
	id := "CHK" + c.now().UTC().Format("150405")
	err := testGroup(ctx, conn.Epicor, id, c.today())
	var e *epicor.Error
	switch {
	case err == nil:
		c.ok(Epicor, name, "test group %s was created, locked, unlocked and deleted; today's period is open", id)
	case errors.As(err, &e) && e.AccessDenied():
		c.bad(Missing, Epicor, "rights", EpicorAdmin, "add it to the access scope of the API key, and to the security of user "+conn.Tenant.Epicor.Entry.User, e.Operation+" is not allowed")
	case errors.As(err, &e) && strings.Contains(strings.ToLower(e.Message), "period"):
		c.bad(Wrong, Epicor, "fiscal period", Finance, "open the period in Epicor; until then documents of today wait", e.Message)
	default:
		c.bad(Wrong, Epicor, name, EpicorAdmin, "mend what Epicor says; look whether group "+id+" is still there and delete it", err.Error())
	}
}

// testGroup makes a group, locks it, and takes everything back.
func testGroup(ctx context.Context, client *epicor.Client, id string, apply epicor.Date) (err error) {
	res, err := client.Compute(ctx, groupService, "GetNewAPInvGrpNoLock", epicor.Params{"ds": epicor.NewTableset()})
	if err != nil {
		return err
	}
	ds, err := res.Tableset("ds")
	if err != nil {
		return err
	}
	rows := ds.Current("APInvGrp")
	if len(rows) != 1 {
		return fmt.Errorf("a new group came with %d rows", len(rows))
	}
	if err := errors.Join(rows[0].Set("GroupID", id), rows[0].Set("ApplyDate", apply)); err != nil {
		return err
	}
	if _, err := client.Call(ctx, groupService, "Update", epicor.Params{"ds": ds}); err != nil {
		var e *epicor.Error
		if errors.As(err, &e) && e.Refused() {
			return err
		}
		// It may be there all the same, so it is taken back as well.
		return errors.Join(err, deleteGroup(ctx, client, id))
	}
	return errors.Join(lockGroup(ctx, client, id), deleteGroup(ctx, client, id))
}

func lockGroup(ctx context.Context, client *epicor.Client, id string) error {
	res, err := client.Read(ctx, groupService, "GetByID", map[string]string{"groupID": id})
	if err != nil {
		return err
	}
	ds := epicor.NewTableset()
	if err := json.Unmarshal(res.Value, ds); err != nil {
		return err
	}
	in := epicor.Params{"groupID": id, "ds": ds}
	if _, err := client.Compute(ctx, groupService, "LockAPGroup", in); err != nil {
		return err
	}
	_, err = client.Compute(ctx, groupService, "UnlockAPGroup", in)
	return err
}

// deleteGroup takes the test group away, also when the caller was told to stop.
func deleteGroup(ctx context.Context, client *epicor.Client, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), groupWithin)
	defer cancel()
	_, err := client.Call(ctx, groupService, "DeleteByID", epicor.Params{"groupID": id})
	if errors.Is(err, epicor.ErrNotFound) {
		return nil
	}
	return err
}

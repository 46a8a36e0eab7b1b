package epicortest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/internal/wire"
)

// method is one operation of a service, with the names of its parameters.
type method struct {
	service string
	name    string
	read    bool     // GET with query parameters works too
	in      []string // all required
	out     []string
	run     func(*call) (results, *fault)
}

// results holds output parameters by name; "returnObj" is what the method returns.
type results map[string]any

// newMethods lists the operations. Names of parameters are the vendor's, to the letter.
func newMethods() map[string]*method {
	list := []*method{
		{service: svcGroup, name: "GetByID", read: true, in: names("groupID"), out: names("returnObj"), run: groupGet},
		{service: svcGroup, name: "GetNewAPInvGrp", in: names("ds"), out: names("ds"), run: groupNew(true)},
		{service: svcGroup, name: "GetNewAPInvGrpNoLock", in: names("ds"), out: names("ds"), run: groupNew(false)},
		{service: svcGroup, name: "OnChangeofApplyDate", in: names("GroupID NewApplyDate ds"), out: names("DateMessage ds"), run: groupApplyDate},
		{service: svcGroup, name: "Update", in: names("ds"), out: names("ds"), run: groupUpdate},
		{service: svcGroup, name: "LockAPGroup", in: names("groupID ds"), out: names("ds"), run: groupLock},
		{service: svcGroup, name: "UnlockAPGroup", in: names("groupID ds"), out: names("ds"), run: groupUnlock},
		{service: svcGroup, name: "UnlockGroup", in: names("InGroupID"), run: groupUnlockPlain},
		{service: svcGroup, name: "DeleteByID", in: names("groupID"), run: groupDelete},

		{service: svcInvoice, name: "GetByID", read: true, in: names("vendorNum invoiceNum"), out: names("returnObj"), run: invoiceGet},
		{service: svcInvoice, name: "GetNewAPInvHedInvoice", in: names("ds cGroupID"), out: names("ds"), run: newHeader(false)},
		{service: svcInvoice, name: "GetNewAPInvHedDebitMemo", in: names("ds cGroupID"), out: names("ds"), run: newHeader(true)},
		{service: svcInvoice, name: "ChangeVendorID", in: names("ProposedVendorID confirmCheck ds"), out: names("confirmMsg ds"), run: changeVendor},
		{service: svcInvoice, name: "ChangeInvoiceDateEx", in: names("ProposedInvoiceDate recalcAmts ds"), out: names("cMessageText ds"), run: changeInvoiceDate},
		{
			service: svcInvoice, name: "OnChangeofApplyDateWithDateCheck",
			in: names("VendorNum InvoiceNum recalcAmts NewApplyDate ds"), out: names("DateMessage ds"), run: changeApplyDate,
		},
		{service: svcInvoice, name: "ChangeInvoiceVendorAmt", in: names("ProposedInvoiceVendorAmt ds"), out: names("ds"), run: changeVendorAmount},
		{service: svcInvoice, name: "ChangeTermsCode", in: names("ProposedTermsCode ds"), out: names("ds"), run: changeTerms},
		{service: svcInvoice, name: "GetNewAPInvDtlMiscellaneous", in: names("ds iVendorNum cInvoiceNum"), out: names("ds"), run: newLine(lineMisc, "Miscellaneous")},
		{service: svcInvoice, name: "GetNewAPInvDtlUnreceived", in: names("ds iVendorNum cInvoiceNum"), out: names("ds"), run: newLine(lineUnreceived, "Unreceived")},
		{service: svcInvoice, name: "ChangePONum", in: names("ProposedPONum ds"), out: names("ds"), run: changeOrder},
		{service: svcInvoice, name: "ChangePOLine", in: names("ProposedPOLine ds"), out: names("ds"), run: changeOrderLine},
		{service: svcInvoice, name: "ChangePORelNum", in: names("ProposedPORelNum ds"), out: names("ds"), run: changeOrderRelease},
		{service: svcInvoice, name: "ChangeRefPONum", in: names("ProposedRefPONum confirmCheck ds"), out: names("confirmMsg ds"), run: changeRefOrder},
		{service: svcInvoice, name: "ChangeCurrency", in: names("ProposedCurrencyCode ds"), out: names("ds"), run: changeCurrency},
		{service: svcInvoice, name: "ChangeDueDate", in: names("ProposedDueDate ds"), out: names("ds"), run: changeDueDate},
		{service: svcInvoice, name: "GetAPUninvoicedReceipts", in: names("ds InVendorNum InInvoiceNum InPONum"), out: names("ds"), run: uninvoicedReceipts},
		{
			service: svcInvoice, name: "SelectUninvoicedRcptLines",
			in: names("ds InVendorNum InPurPoint InPONum InPackSlip InDropShip InvoiceNum InGRNIClearing"), out: names("ds"), run: selectReceiptLines,
		},
		{service: svcInvoice, name: "InvoiceSelectedLines", in: names("ds"), out: names("ds opLOCMsg"), run: invoiceReceiptLines},
		{service: svcInvoice, name: "GetNewAPInvTax", in: names("ds vendorNum invoiceNum taxCode rateCode"), out: names("ds"), run: newTax},
		{service: svcInvoice, name: "ChangeManualTaxCalculation", in: names("ds"), out: names("ds"), run: changeManualTax},
		{service: svcInvoice, name: "ChangeTaxAmt", in: names("ProposedTaxAmt ds"), out: names("ds"), run: changeTax},
		{service: svcInvoice, name: "GetNewAPInvHedAttch", in: names("ds vendorNum invoiceNum"), out: names("ds"), run: newAttachment},
		{
			service: svcInvoice, name: "CreateCancellationInvoice",
			in:  names("groupID sourceInvoiceNum sourceVendorNum newInvoiceNum newInvoiceDate newDocType ds"),
			out: names("grpTotalInvAmt lEnableGenLegalNum"), run: cancelInvoice,
		},
		{
			service: svcInvoice, name: "CreateCorrectionInvoice",
			in:  names("groupID sourceInvoiceNum sourceVendorNum newInvoiceNum newInvoiceDate newDocType ds"),
			out: names("grpTotalInvAmt lEnableGenLegalNum"), run: correctInvoice,
		},
		{service: svcInvoice, name: "CreateAPInvGrp", in: names("sFromGroupID sToGrouID"), run: groupLike},
		{service: svcInvoice, name: "ValidateInvoiceID", in: names("txtVendorID txtInvoiceNum"), out: names("intVendorNum logAPInvFound"), run: validateNumber},
		{service: svcFiles, name: "UploadFile", in: names("docTypeID parentTable fileName data"), out: names("returnObj"), run: uploadFile},
		{service: svcFiles, name: "DownloadFile", in: names("xFileRefNum"), out: names("returnObj"), run: downloadFile},
		{service: svcInvoice, name: "ChangePartNum", in: names("ProposedPartNum ds"), out: names("ds"), run: changePart},
		{service: svcInvoice, name: "ChangeVendorQty", in: names("ProposedVendorQty ds"), out: names("ds"), run: changeQuantity},
		{service: svcInvoice, name: "ChangeUnitCost", in: names("ProposedUnitCost ds"), out: names("ds"), run: changeUnitCost},
		{service: svcInvoice, name: "ChangeExtCost", in: names("ProposedExtCost ds"), out: names("ds"), run: changeExtCost},
		{service: svcInvoice, name: "GetNewAPInvExp", in: names("ds vendorNum invoiceNum invoiceLine"), out: names("ds"), run: newExpense},
		{service: svcInvoice, name: "ChangeExpLineAmt", in: names("ProposedAmt ds"), out: names("ds"), run: changeExpense},
		{
			service: svcInvoice, name: "GetNewAPInvExpTGLC",
			in: names("ds vendorNum invoiceNum invoiceLine invExpSeq"), out: names("ds"), run: newTGLC,
		},
		{service: svcInvoice, name: "PreUpdate", in: names("ds"), out: names("ds requiresUserInput"), run: preUpdate},
		{service: svcInvoice, name: "Update", in: names("ds"), out: names("ds"), run: update},
		{
			service: svcInvoice, name: "UpdateMaster",
			in:  names("ds cGroupID cTableName runChkCPay runChkBankRef runChkRevChrg suppressUserPrompts"),
			out: names("ds grpTotalInvAmt requiresUserInput opMessage opMsgChkBankRef opChkRevMsg lEnableGenLegalNum lUpdateRan opDUAMsg"),
			run: updateMaster,
		},
		{
			service: svcInvoice, name: "DeleteMaster", in: names("ds cGroupID keyValue keyValue2"),
			out: names("ds grpTotalInvAmt lEnableGenLegalNum"), run: deleteMaster,
		},
		{service: svcInvoice, name: "DeleteByID", in: names("vendorNum invoiceNum"), run: deleteByID},

		{service: svcPost, name: "GetNewParameters", read: true, out: names("returnObj"), run: postParameters},
		{
			service: svcPost, name: "SubmitToAgent",
			in: names("ds agentID agentSchedNum agentTaskNum maintProgram"), run: postSubmit,
		},
		{service: svcPost, name: "RunDirect", in: names("ds"), run: postSubmit},
	}
	m := make(map[string]*method, len(list))
	for _, x := range list {
		m[x.service+"/"+x.name] = x
	}
	return m
}

func names(s string) []string { return strings.Fields(s) }

// call is one method call under way.
type call struct {
	s    *Server
	co   *company
	user User
	m    *method
	in   map[string]json.RawMessage
	bad  *fault // the first parameter that could not be read
}

// call reads the parameters, runs the method and wraps its results: what it
// returns as returnObj, in/out parameters under parameters.
func (s *Server) call(r *http.Request, co *company, u User, m *method) (any, *fault) {
	c := &call{s: s, co: co, user: u, m: m, in: map[string]json.RawMessage{}}
	switch {
	case r.Method == http.MethodPost:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, badArgument("The request body cannot be read: %v.", err)
		}
		if len(bytes.TrimSpace(body)) > 0 {
			if err := json.Unmarshal(body, &c.in); err != nil {
				return nil, badArgument("The request body is not a JSON object of the method's parameters: %v.", err)
			}
		}
	case r.Method == http.MethodGet && m.read:
		for k, v := range r.URL.Query() {
			b, err := json.Marshal(v[0])
			if err != nil {
				return nil, badArgument("Parameter %s cannot be read.", k)
			}
			c.in[k] = b
		}
	default:
		return nil, &fault{
			status: http.StatusMethodNotAllowed, kind: typeOData,
			message: fmt.Sprintf("The requested resource does not support http method '%s'.", r.Method),
		}
	}
	known := map[string]bool{}
	for _, n := range m.in {
		known[n] = true
		if _, ok := c.in[n]; !ok {
			return nil, badArgument("Parameter %s is not found in the input object", n)
		}
	}
	for n := range c.in {
		// A live system may ignore these; a fake that does would hide a typing mistake.
		if !known[n] {
			return nil, badArgument("Parameter %.80s is not a parameter of %s.%s", n, m.service, m.name)
		}
	}
	out, f := m.run(c)
	if f == nil {
		f = c.bad
	}
	if f != nil {
		for i := range f.details {
			f.details[i].Method = m.name
		}
		return nil, f
	}
	if len(out) != len(m.out) {
		panic(fmt.Sprintf("epicortest: %s.%s gave %d outputs of %d", m.service, m.name, len(out), len(m.out)))
	}
	for _, n := range m.out {
		if _, ok := out[n]; !ok {
			panic(fmt.Sprintf("epicortest: %s.%s gave no %s", m.service, m.name, n))
		}
	}
	if obj, ok := out["returnObj"]; ok {
		return map[string]any{"returnObj": obj}, nil
	}
	if len(out) == 0 {
		return map[string]any{}, nil
	}
	return map[string]any{"parameters": out}, nil
}

func (c *call) value(name string) any {
	d := json.NewDecoder(bytes.NewReader(c.in[name]))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil && c.bad == nil {
		c.bad = badArgument("Parameter %s cannot be read: %v", name, err)
	}
	return v
}

func (c *call) typed(name string, k kind) any {
	v, err := k.read(c.value(name))
	if err != nil {
		if c.bad == nil {
			c.bad = badArgument("Parameter %s: %v", name, err)
		}
		return k.zero()
	}
	return v
}

func (c *call) str(name string) string {
	s, ok := c.typed(name, text).(string)
	if !ok {
		return ""
	}
	return s
}

func (c *call) int(name string) int64 {
	n, ok := c.typed(name, integer).(int64)
	if !ok {
		return 0
	}
	return n
}

func (c *call) num(name string) decimal.Decimal {
	n, ok := c.typed(name, number).(wire.Decimal)
	if !ok {
		return decimal.Zero
	}
	return n.Value()
}

func (c *call) day(name string) Date {
	d, ok := c.typed(name, date).(day)
	if !ok {
		return Date{}
	}
	return Date(d)
}

// bools reads boolean parameters for their types alone.
func (c *call) bools(names ...string) *fault {
	for _, n := range names {
		v := c.value(n)
		if _, ok := v.(bool); ok {
			continue
		}
		if s, ok := v.(string); ok {
			if _, err := strconv.ParseBool(s); err == nil {
				continue
			}
		}
		return badArgument("Parameter %s must be true or false", n)
	}
	return nil
}

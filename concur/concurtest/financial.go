package concurtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Kinds of financial documents.
const (
	FinancialExpense     = "expense"
	FinancialInvoice     = "invoice"
	FinancialCashAdvance = "cashadvance"
	FinancialPayroll     = "payroll"
)

// States of financial documents.
const (
	FinancialReady        = "READY"
	FinancialAcknowledged = "ACKNOWLEDGED"
	FinancialPosted       = "POSTING_CONFIRMED_SUCCESS"
	FinancialFailed       = "POSTING_CONFIRMED_FAILURE"
	FinancialRecalled     = "RECALLED"
	FinancialDelayed      = "DELAYED"
	FinancialPaid         = "PAYMENT_CONFIRMED_SUCCESS"
	FinancialReversed     = "PAYMENT_CONFIRMED_REVERSED"
	FinancialObsolete     = "PAYMENT_CONFIRMED_OBSOLETE"
)

// FinancialDocument is a document in the queue of the Financial Integration
// Service.
type FinancialDocument struct {
	ID         string // the service's own, 32 hexadecimal digits
	Kind       string // expense, invoice …
	BusinessID string // of the report, payment request or cash advance
	Revision   int
	Status     string
	// SystemID is what the document was acknowledged with.
	SystemID string
	// ERPSystemID is which ERP it is meant for, "" for any.
	ERPSystemID string
	Document    json.RawMessage
	// Posted holds what was confirmed, Messages what was said about a failure, and
	// Payments the payments.
	Posted   []PostedDocument
	Messages []string
	Payments []string // paymentRef
}

// PostedDocument is a document of the ERP that a posting confirmation named.
type PostedDocument struct{ Company, Number, FiscalYear, Date string }

// FinancialDocuments returns the documents in the order in which they became
// ready.
func (c *Company) FinancialDocuments() []FinancialDocument {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	out := make([]FinancialDocument, 0, len(c.financial))
	for _, d := range c.financial {
		out = append(out, d.clone())
	}
	return out
}

func (d *FinancialDocument) clone() FinancialDocument {
	out := *d
	out.Posted, out.Messages, out.Payments = slices.Clone(d.Posted), slices.Clone(d.Messages), slices.Clone(d.Payments)
	return out
}

// AddFinancialDocument puts a document made by hand into the queue, such as a
// cash advance, and announces it. Kind, BusinessID and Document are required.
func (c *Company) AddFinancialDocument(d FinancialDocument) FinancialDocument {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if d.Kind == "" || d.BusinessID == "" || !json.Valid(d.Document) {
		panic("concurtest: AddFinancialDocument: kind, business id and a JSON document are needed")
	}
	return c.queue(d).clone()
}

// queue makes a document ready and announces it.
func (c *Company) queue(d FinancialDocument) *FinancialDocument {
	d.ID = orElse(d.ID, c.s.ids.hex("financial", 32))
	d.Status = orElse(d.Status, FinancialReady)
	d.Revision = max(d.Revision, 1)
	c.financial = append(c.financial, &d)
	c.announceReady(d.Kind, d.BusinessID)
	return &d
}

// RecallDocument takes the newest document of a business id out of the queue, as a
// processor does to correct it: acknowledging answers 102 from then on, confirming
// 112. The vendor lets nobody recall what is acknowledged; a test may.
func (c *Company) RecallDocument(businessID string) { c.SetDocument(businessID, FinancialRecalled) }

// SetDocument puts the newest document of a business id into any state.
func (c *Company) SetDocument(businessID, status string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	d := c.newest(businessID)
	if d == nil {
		panic(fmt.Sprintf("concurtest: %s has no financial document of %q", c.Name, businessID))
	}
	d.Status = status
}

func (c *Company) newest(businessID string) *FinancialDocument {
	for _, d := range slices.Backward(c.financial) {
		if strings.EqualFold(d.BusinessID, businessID) {
			return d
		}
	}
	return nil
}

// withdraw recalls what is still in the queue of a document that went back.
func (c *Company) withdraw(businessID string) {
	if d := c.newest(businessID); d != nil && d.Status == FinancialReady {
		d.Status = FinancialRecalled
	}
}

// RefuseFinancial lets the next n documents that are acknowledged or confirmed be
// refused with a service code, whatever they are, such as 199. Nothing is changed.
func (s *Server) RefuseFinancial(n, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.financialRefusals, s.financialCode = n, code
}

func financialRoutes() []route {
	const base = "/financialintegration/fi/v4/companies/transactiontypes/{kind}/transactions"
	scopes := []string{scopeFinancial}
	return []route{
		{"GET " + base, financial4, scopes, companyOnly(serveFinancial)},
		{"POST " + base + "/acknowledgements", financial4, scopes, companyOnly(serveAcknowledge)},
		{"POST " + base + "/postingconfirmations", financial4, scopes, companyOnly(servePostings)},
		{"POST " + base + "/paymentconfirmations", financial4, scopes, companyOnly(servePayments)},
	}
}

type financialWire struct {
	ID          string          `json:"id"`
	DocType     string          `json:"docType"`
	CompanyID   string          `json:"companyId"`
	EntityID    string          `json:"entityId"`
	CompanyUUID string          `json:"companyUuid"`
	ERPSystemID string          `json:"erpSystemId"`
	Document    json.RawMessage `json:"document"`
	DocStatus   string          `json:"docStatus"`
	Links       []link4         `json:"links"`
}

type financialPage struct {
	Links   []financialLink `json:"links"`
	Content []financialWire `json:"content"`
	Page    struct {
		Size          int `json:"size"`
		TotalElements int `json:"totalElements"`
		TotalPages    int `json:"totalPages"`
		Number        int `json:"number"`
	} `json:"page"`
}

type financialLink struct {
	Rel         string  `json:"rel"`
	Href        string  `json:"href"`
	Hreflang    *string `json:"hreflang"`
	Media       *string `json:"media"`
	Title       *string `json:"title"`
	Type        *string `json:"type"`
	Deprecation *string `json:"deprecation"`
}

func serveFinancial(c *call) reply {
	q, kind := c.r.URL.Query(), c.r.PathValue("kind")
	if !slices.Contains([]string{"expense", "invoice", "cashadvance", "payroll", "requestobligation", "reportobligation"}, kind) {
		return c.refuse(http.StatusBadRequest, "unknown transaction type")
	}
	page, limit := 0, 25
	for name, into := range map[string]*int{"page": &page, "limit": &limit} {
		if v := q.Get(name); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil || n < 0 || name == "limit" && n == 0 {
				return c.refuse(http.StatusBadRequest, name+" is not a number")
			}
			*into = n
		}
	}
	limit = min(limit, 1000)
	docID, system := q.Get("docId"), q.Get("systemId")
	anyStatus := docID != "" && q.Get("ignoreDocumentStatus") == "yes"
	var hits []*FinancialDocument
	for _, d := range c.company.financial {
		if d.Kind != kind || docID != "" && !strings.EqualFold(d.BusinessID, docID) || !anyStatus && d.Status != FinancialReady ||
			system != "" && d.ERPSystemID != "" && d.ERPSystemID != system {
			continue
		}
		hits = append(hits, d)
	}
	if docID != "" && len(hits) > 1 {
		hits = hits[len(hits)-1:] // one document: the newest revision
	}
	var out financialPage
	out.Page.Size, out.Page.Number, out.Page.TotalElements = limit, page, len(hits)
	out.Page.TotalPages = (len(hits) + limit - 1) / limit
	out.Content = []financialWire{}
	if page < out.Page.TotalPages {
		for _, d := range hits[page*limit : min(len(hits), (page+1)*limit)] {
			out.Content = append(out.Content, c.financialWire(d))
		}
	}
	out.Links = c.financialLinks(q, page, limit, out.Page.TotalPages)
	return ok(out)
}

func (c *call) financialWire(d *FinancialDocument) financialWire {
	w := financialWire{
		ID: d.ID, DocType: d.Kind, CompanyID: c.company.opts.EntityID, EntityID: c.company.opts.EntityID, CompanyUUID: c.company.ID,
		ERPSystemID: d.ERPSystemID, Document: d.Document, DocStatus: d.Status, Links: []link4{},
	}
	if strings.EqualFold(c.r.Header.Get("DocumentFormatAs"), "text") {
		w.Document = encodeJSON(string(d.Document))
	}
	return w
}

// financialLinks name a host and a path that do not lead here, as the samples do.
func (c *call) financialLinks(q url.Values, page, limit, pages int) []financialLink {
	link := func(rel string, number int) financialLink {
		v := url.Values{"page": {strconv.Itoa(number)}, "limit": {strconv.Itoa(limit)}, "size": {strconv.Itoa(limit)}}
		if id := q.Get("docId"); id != "" {
			v.Set("docId", id)
		}
		path := strings.TrimPrefix(c.r.URL.Path, "/financialintegration")
		return financialLink{Rel: rel, Href: "https://fiserviceurlhere" + path + "?" + v.Encode()}
	}
	links := []financialLink{link("first", 0), link("self", page)}
	if page+1 < pages {
		links = append(links, link("next", page+1))
	}
	return append(links, link("last", max(0, pages-1)))
}

type acknowledged struct {
	Code         int     `json:"code"`
	DocID        string  `json:"docId"`
	SystemID     *string `json:"systemId"`
	Result       string  `json:"acknowledgeResult"`
	ErrorMessage string  `json:"errorMessage"`
}

type confirmed struct {
	Code          int     `json:"code"`
	DocID         string  `json:"docId"`
	SystemID      *string `json:"systemId"`
	Posting       string  `json:"postingConfirmationResult,omitempty"`
	Payment       string  `json:"paymentConfirmationResult,omitempty"`
	ErrorMessage  string  `json:"errorMessage"`
	PaymentRef    string  `json:"paymentRef,omitempty"`
	DetailMessage string  `json:"detailMessage"`
}

// forced is a code that RefuseFinancial asks for.
func (c *call) forced() (code int, forced bool) {
	if c.s.financialRefusals <= 0 {
		return 0, false
	}
	c.s.financialRefusals--
	return c.s.financialCode, true
}

func (c *call) byID(id string) *FinancialDocument {
	i := slices.IndexFunc(c.company.financial, func(d *FinancialDocument) bool { return d.ID == id })
	if i < 0 {
		return nil
	}
	return c.company.financial[i]
}

func financialWords(code int) string {
	switch code {
	case 0:
		return ""
	case 99:
		return "The systemId does not match the stored one."
	case 101:
		return "This document was previously acknowledged by SystemId: null."
	case 102, 112:
		return "This document was recalled."
	case 103:
		return "This document is not ready."
	case 104, 116:
		return "This document does not exist."
	case 105, 115:
		return "This document is of another type."
	case 111:
		return "This document is not yet acknowledged."
	case 113:
		return "A posting confirmation already exists."
	case 114:
		return "This document is not in a known state."
	case 198:
		return "Invalid request."
	case 213:
		return "The payment of this document is already confirmed."
	case 298:
		return "Invalid payment confirmation."
	default:
		return "Unknown error, please try later."
	}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func serveAcknowledge(c *call) reply {
	var in struct {
		IDs      []string `json:"ids"`
		SystemID string   `json:"systemId"`
	}
	if err := c.decode(&in); err != nil || len(in.IDs) == 0 {
		return c.refuse(http.StatusBadRequest, "ids are required")
	}
	rows := []acknowledged{}
	for _, id := range in.IDs {
		d, code := c.byID(id), 0
		forced, isForced := c.forced()
		switch {
		case isForced:
			code = forced
		case d == nil:
			code = 104
		case d.Kind != c.r.PathValue("kind"):
			code = 105
		case d.Status == FinancialRecalled:
			code = 102
		case d.Status == FinancialReady:
			d.Status, d.SystemID = FinancialAcknowledged, in.SystemID
		case d.Status == FinancialDelayed:
			code = 103
		default:
			code = 101
		}
		row := acknowledged{Code: code, DocID: id, SystemID: optional(in.SystemID), Result: "SUCCESS", ErrorMessage: financialWords(code)}
		if code != 0 {
			row.Result = "FAILURE"
		}
		rows = append(rows, row)
	}
	return ok(rows)
}

package concurtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

func servePostings(c *call) reply {
	var in struct {
		SystemID      *string `json:"systemId"`
		Confirmations []struct {
			DocID  string `json:"docId"`
			Status string `json:"overallPostingStatusCode"`
			Docs   []struct {
				CompanyID  string          `json:"companyId"`
				Number     string          `json:"documentNumber"`
				FiscalYear json.RawMessage `json:"fiscalYear"`
				Lines      []any           `json:"paymentRelevantLineItems"`
				Date       string          `json:"postingDate"`
			} `json:"postingDocs"`
			Messages []struct {
				LineItemID string `json:"concurTransactionLineItemId"`
				ID         string `json:"messageId"`
				Language   string `json:"messageLanguage"`
				Long       string `json:"messageLongText"`
				Short      string `json:"messageShortText"`
			} `json:"systemMessages"`
		} `json:"postingConfirmations"`
	}
	if err := c.decode(&in); err != nil || in.SystemID == nil {
		return c.refuse(http.StatusBadRequest, "systemId and postingConfirmations are required")
	}
	rows := []confirmed{}
	for _, p := range in.Confirmations {
		d, code, result := c.byID(p.DocID), 0, "FAILURE"
		forced, isForced := c.forced()
		switch {
		case isForced:
			code = forced
		case d == nil:
			code, result = 116, "DOCUMENT_NOT_FOUND"
		case d.Kind != c.r.PathValue("kind"):
			code = 115
		case d.Status == FinancialRecalled:
			code, result = 112, "WAS_RECALLED"
		case d.Status == FinancialReady || d.Status == FinancialDelayed:
			code, result = 111, "NOT_YET_ACKNOWLEDGED"
		case d.SystemID != "" && *in.SystemID != d.SystemID:
			code = 99
		case strings.HasPrefix(d.Status, "POSTING_CONFIRMED") || strings.HasPrefix(d.Status, "PAYMENT_CONFIRMED"):
			code = 113
		case d.Status != FinancialAcknowledged:
			code = 114
		case p.Status != "success" && p.Status != "error", p.Status == "success" && len(p.Docs) == 0:
			code = 198
		default:
			result = "SUCCESS"
			for _, posted := range p.Docs {
				d.Posted = append(d.Posted, PostedDocument{
					Company: posted.CompanyID, Number: posted.Number, FiscalYear: strings.Trim(string(posted.FiscalYear), `"`), Date: posted.Date,
				})
			}
			for _, m := range p.Messages {
				d.Messages = append(d.Messages, m.Short)
			}
			c.company.settle(d, p.Status == "success")
		}
		if isForced && code == 199 {
			result = "SYSTEM_ERROR_OCCURRED"
		}
		rows = append(rows, confirmed{Code: code, DocID: p.DocID, SystemID: optional(*in.SystemID), Posting: result, ErrorMessage: financialWords(code)})
	}
	return ok(rows)
}

// PostingFailed is the payment status of a report whose posting failed. The code
// is made up: the vendor shows the name alone, "Financial Posting Failed".
const PostingFailed = "P_FAIL"

// settle moves a document and what it is of, as the guide's matrix has it.
func (c *Company) settle(d *FinancialDocument, posted bool) {
	d.Status = FinancialFailed
	if posted {
		d.Status = FinancialPosted
	}
	now := c.s.now()
	if r := c.report(d.BusinessID); r != nil && d.Kind == FinancialExpense {
		before := Status{Approval: r.ApprovalStatus, Payment: r.PaymentStatus}
		to := Status{Approval: r.ApprovalStatus, Payment: PostingFailed, StepCode: "POSTING"}
		if posted {
			to.Payment, to.StepCode, r.PaidDate = Paid, "PAIDREPORT", now
		}
		r.PaymentStatus, r.LastModified = to.Payment, now
		c.announceStatus(r, before, to)
	}
	if p := c.request(d.BusinessID); p != nil && d.Kind == FinancialInvoice {
		p.PaymentStatus, p.LastModified = PostingFailed, now
		if posted {
			p.PaymentStatus, p.ExtractDate = c.opts.Invoice.Extracted, now
		}
	}
}

func servePayments(c *call) reply {
	var in struct {
		SystemID      *string `json:"systemId"`
		Confirmations []struct {
			DocID    string `json:"docId"`
			Status   string `json:"processingStatusCode"`
			Message  string `json:"additionalMessage"`
			Clearing []struct {
				Date      string          `json:"clearingDate"`
				Amount    json.RawMessage `json:"clearingAmount"`
				Currency  string          `json:"clearingCurrency"`
				Receiver  map[string]any  `json:"receiver"`
				Reference struct {
					Company    string `json:"companyCode"`
					DocumentID string `json:"financialDocumentId"`
					FiscalYear string `json:"fiscalYear"`
					Ref        string `json:"paymentRef"`
					Method     string `json:"paymentMethod"`
				} `json:"clearingReference"`
			} `json:"clearingDetails"`
		} `json:"processingConfirmation"`
	}
	if err := c.decode(&in); err != nil || in.SystemID == nil {
		return c.refuse(http.StatusBadRequest, "systemId and processingConfirmation are required")
	}
	rows := []confirmed{}
	for _, p := range in.Confirmations {
		for _, clearing := range p.Clearing {
			d, code, result := c.byID(p.DocID), 0, "FAILURE"
			forced, isForced := c.forced()
			ref := clearing.Reference.Ref
			switch {
			case isForced:
				code = forced
			case d == nil:
				code, result = 116, "DOCUMENT_NOT_FOUND"
			case d.Kind != FinancialExpense || c.r.PathValue("kind") != FinancialExpense:
				code = 115
			case slices.Contains(d.Payments, ref):
				code, result = 298, "NOOP"
			case d.Status == FinancialPaid:
				code = 213
			case d.Status != FinancialPosted:
				code, result = 114, "NOT_POSTING_CONFIRMED"
			case !clearingDate(clearing.Date), ref == "", !slices.Contains([]string{"CP", "PP", "RE", "OB"}, p.Status):
				code = 298
			default:
				result = "SUCCESS"
				d.Payments = append(d.Payments, ref)
				c.company.clear(d, p.Status)
			}
			rows = append(rows, confirmed{
				Code: code, DocID: p.DocID, SystemID: in.SystemID, Payment: result, ErrorMessage: financialWords(code), PaymentRef: ref,
			})
		}
	}
	return ok(rows)
}

// clear moves a posted report on by its payment.
func (c *Company) clear(d *FinancialDocument, how string) {
	switch how {
	case "CP":
		d.Status = FinancialPaid
		if r := c.report(d.BusinessID); r != nil {
			before := Status{Approval: r.ApprovalStatus, Payment: r.PaymentStatus}
			r.PaymentStatus, r.LastModified = PaymentConfirmed, c.s.now()
			c.announceStatus(r, before, Status{Approval: r.ApprovalStatus, Payment: PaymentConfirmed, StepCode: "PAYMENT"})
		}
	case "RE":
		d.Status = FinancialReversed
	case "OB":
		d.Status = FinancialObsolete
	}
}

// clearingDate takes the two forms that the page names.
func clearingDate(s string) bool {
	for _, layout := range []string{"2006-01-02T15:04:05.000Z", "20060102"} {
		if len(s) == len(layout) && parses(layout, s) {
			return true
		}
	}
	return false
}

package concursync

import (
	"context"
	"encoding/json"
	"net/url"
	"path"
	"strings"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// Notify returns the function of concur.NewEventHandler that turns events into
// notices of a tenant's documents. It returns nil once the notice is durable.
//
// Events of expense reports become notices of kind "report"; the owner's id is
// taken from the event's link, which is never called. The vendor documents no
// event of supplier invoices; where a customer has one, its topics are named as
// invoiceTopics and their events become notices of kind "invoice". Every other
// event, and one that names no document, is let go: the sweep finds what changed.
func Notify(n connector.Notifier, tenant string, invoiceTopics ...string) func(context.Context, concur.Event) error {
	return func(ctx context.Context, e concur.Event) error {
		ref, ok := refOf(e, invoiceTopics)
		if !ok {
			return nil
		}
		correlation := concur.Correlation(ctx)
		if correlation == "" {
			correlation = string(e.CorrelationID)
		}
		return n.Notify(ctx, connector.Notice{Tenant: tenant, Ref: ref, Correlation: correlation})
	}
}

// NotifyFinancial returns the function that turns events of the Financial
// Integration Service into notices for a tenant's flow of them. The flow is named,
// since another flow may take documents of the same kinds. Events of other topics,
// and of documents that are none, are let go, so it may be called beside Notify.
func NotifyFinancial(n connector.Notifier, tenant, flow string) func(context.Context, concur.Event) error {
	return func(ctx context.Context, e concur.Event) error {
		if !concur.SameTopic(e.Topic, concur.TopicFinancialIntegration) {
			return nil
		}
		f, err := e.Financial()
		kind := kindOf(concur.FinancialType(strings.ToLower(strings.TrimSuffix(string(e.EventType), ".readyForIntegration"))))
		if err != nil || f.DocumentID == "" || len(f.DocumentID) > maxID || kind == "" {
			return nil //nolint:nilerr // the sweep finds what an event does not name
		}
		correlation := concur.Correlation(ctx)
		if correlation == "" {
			correlation = string(e.CorrelationID)
		}
		return n.Notify(ctx, connector.Notice{
			Tenant: tenant, Flow: flow, Ref: connector.Ref{Kind: string(kind), ID: f.DocumentID}, Correlation: correlation,
		})
	}
}

// maxID bounds an id so that a transfer's row takes it.
const maxID = 100

func refOf(e concur.Event, invoiceTopics []string) (connector.Ref, bool) {
	if concur.SameTopic(e.Topic, concur.TopicExpenseReport) {
		f, err := e.Report()
		if err != nil || f.ReportID == "" || len(f.ReportID) > maxID {
			return connector.Ref{}, false
		}
		owner := f.Owner()
		if owner == "" && e.EventType == concur.ReportDeleted && len(f.UserID) <= maxID {
			owner = f.UserID // there is no link to what is gone
		}
		return connector.Ref{Kind: string(document.Report), ID: f.ReportID, Hint: owner}, true
	}
	for _, t := range invoiceTopics {
		if concur.SameTopic(e.Topic, t) {
			id := invoiceOf(e.Facts)
			return connector.Ref{Kind: string(document.Invoice), ID: id}, id != ""
		}
	}
	return connector.Ref{}, false
}

// invoiceOf looks for a payment request's id where an event could have it.
func invoiceOf(facts json.RawMessage) string {
	var f map[string]json.RawMessage
	if json.Unmarshal(facts, &f) != nil {
		return ""
	}
	for _, name := range []string{"paymentRequestId", "requestId", "invoiceId", "documentId", "id", "href"} {
		var text concur.Text
		if raw, ok := f[name]; !ok || json.Unmarshal(raw, &text) != nil {
			continue
		}
		id := string(text)
		if name == "href" {
			u, err := url.Parse(id)
			if err != nil {
				continue
			}
			id = path.Base(u.Path)
		}
		if id = strings.TrimSpace(id); strings.Trim(id, "./") != "" && len(id) <= maxID {
			return id
		}
	}
	return ""
}

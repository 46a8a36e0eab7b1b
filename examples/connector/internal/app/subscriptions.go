package app

import (
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/concur"
)

// Subscriptions are what Concur has to deliver to an endpoint so that the flows
// of tenants in one data centre hear of their documents: expense reports, financial
// documents where a tenant takes them, and the topics of supplier invoices that are
// configured. The first has the id given; the others have ids made of it.
func Subscriptions(id, endpoint string, tenants ...Tenant) []concur.SubscriptionInput {
	out := []concur.SubscriptionInput{{
		ID: id, Topic: concur.TopicExpenseReport, Filter: "^" + string(concur.StatusChanged) + "$", Endpoint: endpoint,
	}}
	add := func(topic, filter string) {
		if slices.ContainsFunc(out, func(in concur.SubscriptionInput) bool { return concur.SameTopic(in.Topic, topic) }) {
			return
		}
		out = append(out, concur.SubscriptionInput{ID: subscriptionID(id, topic), Topic: topic, Filter: filter, Endpoint: endpoint})
	}
	for i := range tenants {
		if c := &tenants[i].Concur; c.Financial != nil {
			add(concur.TopicFinancialIntegration, "")
		}
	}
	for i := range tenants {
		if c := &tenants[i].Concur; c.Invoices != nil {
			for _, topic := range c.InvoiceTopics {
				add(topic, "")
			}
		}
	}
	return out
}

// subscriptionID is the id of a topic's subscription beside that of reports. An
// id has small letters, digits, dots and dashes.
func subscriptionID(id, topic string) string {
	const last = "-expense-report"
	tail := strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(topic), "public."), "concur.")
	return strings.TrimSuffix(id, last) + "-" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, tail)
}

// Delivers reports whether a subscription delivers the events of a company.
func Delivers(s concur.Subscription, company string) bool {
	return slices.ContainsFunc(s.CompanyIDs, func(id string) bool { return strings.EqualFold(id, company) })
}

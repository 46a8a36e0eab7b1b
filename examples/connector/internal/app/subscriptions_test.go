package app

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
)

func TestATenantIsSubscribedToWhatItsFlowsNeedAndToNothingElse(t *testing.T) {
	invoices := &concursync.PaymentRequestsOptions{}
	for name, x := range map[string]struct {
		tenants []Tenant
		want    map[string]string // topics by id
	}{
		"reports alone":             {[]Tenant{{}}, nil},
		"topics without a flow":     {[]Tenant{{Concur: Concur{InvoiceTopics: []string{"public.concur.invoice"}}}}, nil},
		"financial documents":       {[]Tenant{{}, {Concur: Concur{Financial: &concursync.FinancialOptions{}}}}, map[string]string{"ml-connector-financialintegration": concur.TopicFinancialIntegration}},
		"topics of invoices, twice": {[]Tenant{{Concur: Concur{Invoices: invoices, InvoiceTopics: []string{"public.concur.Spend_Invoice", "concur.Spend_Invoice"}}}}, map[string]string{"ml-connector-spend-invoice": "public.concur.Spend_Invoice"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			for _, in := range Subscriptions("ml-connector-expense-report", "https://here.example/events", x.tenants...) {
				require.Equal(t, "https://here.example/events", in.Endpoint)
				got[in.ID] = in.Topic
			}
			require.Equal(t, concur.TopicExpenseReport, got["ml-connector-expense-report"])
			delete(got, "ml-connector-expense-report")
			if x.want == nil {
				x.want = map[string]string{}
			}
			require.Equal(t, x.want, got)
		})
	}
}

func TestIDsOfSubscriptionsAreMadeOfTheOneThatIsConfigured(t *testing.T) {
	require.Equal(t, "acme.reports-financialintegration", subscriptionID("acme.reports", concur.TopicFinancialIntegration))
}

package concur_test

import (
	"fmt"
	"iter"
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur"
)

// walked counts the items of a list and returns the error that ended it.
func walked[T any](list iter.Seq2[*T, error]) (n int, err error) {
	for _, e := range list {
		if e != nil {
			return n, e
		}
		n++
	}
	return n, nil
}

func TestAListThatLeadsInACircleIsAnError(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	mock.RegisterResponder(http.MethodGet, us2+"/api/v3.0/expense/entries", func(r *http.Request) (*http.Response, error) {
		next := "A"
		if r.URL.Query().Get("offset") == "A" {
			next = "B"
		}
		return httpmock.NewStringResponse(200, fmt.Sprintf(`{"Items":[],"NextPage":"https://x/api/v3.0/expense/entries?offset=%s"}`, next)), nil
	})
	_, err := walked(c.EntriesV3.List(t.Context(), concur.EntryV3Query{}))
	require.ErrorContains(t, err, "circle")
	require.LessOrEqual(t, mock.GetTotalCallCount(), 4)
}

func TestTheReceiptsOfAnOrderThatLeadInACircleAreAnError(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	mock.RegisterResponder(http.MethodGet, us2+"/api/v3.0/invoice/purchaseorderreceipts", func(r *http.Request) (*http.Response, error) {
		next := "A"
		if r.URL.Query().Get("offset") == "A" {
			next = "B"
		}
		if mock.GetTotalCallCount() > 10 {
			next = ""
		}
		return httpmock.NewStringResponse(200, fmt.Sprintf(`{"Items":[],"NextPage":"https://x/api/v3.0/invoice/purchaseorderreceipts?offset=%s"}`, next)), nil
	})
	_, err := c.PurchaseOrderReceipts.List(t.Context(), "PO1", "", "")
	require.ErrorContains(t, err, "circle")
}

func TestAPageThatDoesNotSayWhetherTheListGoesOnIsNoEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url, body string
		list      func(c *concur.Client) (int, error)
	}{
		"lists": {us2 + "/list/v4/lists", `{"content":[{"id":"1"}],"links":[{"rel":"next","href":"x?page=2"}]}`, func(c *concur.Client) (int, error) {
			return walked(c.Lists.List(t.Context(), concur.ListQuery{}))
		}},
		"payments without a total": {us2 + "/invoice/payment-confirmation/v4/payments", `{"payments":[{"requestId":"1"}],"pageLimit":100}`, func(c *concur.Client) (int, error) {
			return walked(c.PaymentConfirmations.List(t.Context(), concur.InvoicePaymentQuery{}))
		}},
		"payments without a limit": {us2 + "/invoice/payment-confirmation/v4/payments", `{"payments":[{"requestId":"1"}],"totalRecordCount":900}`, func(c *concur.Client) (int, error) {
			return walked(c.PaymentConfirmations.List(t.Context(), concur.InvoicePaymentQuery{}))
		}},
		"accounts": {us2 + "/accountingintegration/v4/companies/c/erps/e/accounts", `{"data":[{"id":"1"}],"links":{"next":{"href":"/x?cursor=2"}}}`, func(c *concur.Client) (int, error) {
			return walked(c.AccountingIntegration.Accounts(t.Context(), "c", "e"))
		}},
		"spend users": {us2 + "/profile/spend/v4.1/Users", `{"Resources":[{"id":"1"}]}`, func(c *concur.Client) (int, error) {
			return walked(c.SpendUsers.List(t.Context(), ""))
		}},
		"spend users, too few": {us2 + "/profile/spend/v4.1/Users", `{"Resources":[],"totalResults":7}`, func(c *concur.Client) (int, error) {
			return walked(c.SpendUsers.List(t.Context(), ""))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, mock := wired(t)
			answer(mock, http.MethodGet, c.url, 200, c.body)
			_, err := c.list(client)
			require.Error(t, err)
		})
	}
}

func TestPaymentsWithoutALimitGoOnByTheOneThatWasAskedFor(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	mock.RegisterResponder(http.MethodGet, us2+"/invoice/payment-confirmation/v4/payments", func(r *http.Request) (*http.Response, error) {
		return httpmock.NewStringResponse(200, fmt.Sprintf(`{"payments":[{"requestId":%q}],"totalRecordCount":3}`, r.URL.Query().Get("page"))), nil
	})
	n, err := walked(c.PaymentConfirmations.List(t.Context(), concur.InvoicePaymentQuery{Limit: 1}))
	require.NoError(t, err)
	require.Equal(t, 3, n)
}

func TestTheLastUserAtTheEdgeOfAPageIsRead(t *testing.T) {
	t.Parallel()
	c, mock := wired(t)
	mock.RegisterResponder(http.MethodGet, us2+"/profile/spend/v4.1/Users", func(r *http.Request) (*http.Response, error) {
		rows := `{"id":"last"}`
		if r.URL.Query().Get("startIndex") == "1" {
			rows = `{"id":"a"},{"id":"b"}`
		}
		return httpmock.NewStringResponse(200, `{"totalResults":3,"Resources":[`+rows+`]}`), nil
	})
	n, err := walked(c.SpendUsers.List(t.Context(), ""))
	require.NoError(t, err)
	require.Equal(t, 3, n)
}

func TestALogInNameIsNotUnknownWhereTheAnswerSaysNothing(t *testing.T) {
	t.Parallel()
	for body, missing := range map[string]bool{`{}`: false, `{"totalResults":0}`: true, `{"Resources":[]}`: true} {
		c, mock := wired(t)
		answer(mock, http.MethodPost, us2+"/profile/identity/v4.1/Users/.search", 200, body)
		_, err := c.Users.ByLogin(t.Context(), "ada@acme.example")
		require.Error(t, err)
		if missing {
			require.ErrorIs(t, err, concur.ErrNotFound, body)
		} else {
			require.NotErrorIs(t, err, concur.ErrNotFound, body)
		}
	}
}

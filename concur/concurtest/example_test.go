package concurtest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// A test puts a report into the state that it is about, lets the program under
// test read it, and looks at what was asked.
func Example() {
	ctx, s := context.Background(), concurtest.New(nil) // NewServer(t, nil) listens, and closes with the test
	defer s.Close()
	co := s.AddCompany("Acme", nil)
	ada := co.AddUser(concurtest.User{Login: "ada@acme.example"})
	co.AddApprovedReport(concurtest.Report{Owner: ada.Login, Expenses: []concurtest.Expense{{Type: "LUNCH", Amount: concurtest.Amount("12.50")}}})
	app := concur.App{ClientID: s.App().ClientID, ClientSecret: concur.Secret(s.App().ClientSecret)}
	tokens, _ := concur.NewTokenSource(app, concur.NewMemoryTokenStore(), &concur.TokenOptions{HTTP: s.Client()})
	_, _ = tokens.Connect(ctx, co.ID, concur.Secret(co.RequestToken()))
	for r, err := range concur.NewClient(tokens, nil).ReportsV3.List(ctx, concur.ReportV3Query{User: concur.AllUsers}) {
		fmt.Println(r.OwnerLoginID, r.TotalApprovedAmount, r.PaymentStatusCode, err, len(s.CallsTo("/expense/reports")))
	}

	// Output:
	// ada@acme.example 12.5 P_PROC <nil> 1
}

// The server is plain HTTP: whatever speaks it can be tested.
func ExampleServer_Client() {
	s := concurtest.New(nil) // NewServer(t, nil) in a test
	defer s.Close()
	co := s.AddCompany("Acme", nil)
	co.AddUser(concurtest.User{Login: "ada@acme.example"})
	co.AddApprovedReport(concurtest.Report{
		Owner:    "ada@acme.example",
		Expenses: []concurtest.Expense{{Type: "LUNCH", Amount: concurtest.Amount("12.50")}},
	})

	req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, co.BaseURL()+"/list/v4/lists", nil)
	req.Header.Set("Authorization", "Bearer "+co.AccessToken())
	res, err := s.Client().Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(res.Body)
	fmt.Println(res.Status, string(body))
	fmt.Println(len(s.CallsTo("/list/v4/lists")), "call")

	// Output:
	// 200 OK {"links":[],"content":[],"page":{"size":100,"totalElements":0,"totalPages":0,"number":1}}
	// 1 call
}

package concursync_test

import (
	"context"
	"fmt"
	"time"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/storage/memstore"
)

// Reports reads a company's reports as documents; an engine does what the loop
// here does.
func ExampleReports() {
	ctx, server := context.Background(), concurtest.New(nil)
	defer server.Close()
	company := server.AddCompany("Acme", nil)
	company.AddUser(concurtest.User{Login: "ada@acme.example", EmployeeNumber: "1042"})
	company.AddApprovedReport(concurtest.Report{Owner: "ada@acme.example", Name: "Trade fair", Expenses: []concurtest.Expense{
		{Type: "HOTEL", PaymentType: "CBCP", Amount: concurtest.Amount("250.00")},
		{Type: "LUNCH", Amount: concurtest.Amount("12.50")},
	}})
	app := concur.App{ClientID: server.App().ClientID, ClientSecret: concur.Secret(server.App().ClientSecret)}
	store := concursync.TokenStore(memstore.New(), "acme", nil)
	tokens, err := concur.NewTokenSource(app, store, &concur.TokenOptions{HTTP: server.Client()})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := tokens.Connect(ctx, company.ID, concur.Secret(company.RequestToken())); err != nil {
		fmt.Println(err)
		return
	}

	// Without From it would see only what changes from now on.
	source := concursync.Reports(concur.NewClient(tokens, nil), &concursync.ReportsOptions{From: time.Now().AddDate(0, -1, 0)})
	page, err := source.Changes(ctx, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, change := range page.Changes {
		s, err := source.Fetch(ctx, change.Ref)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(s.Phase, s.Content.Name, s.Content.Owner.EmployeeID, s.Content.Total.StringFixed(2), s.Content.Currency)
		for _, e := range s.Content.Entries {
			fmt.Println(e.Type.Code, e.Payment.Code, e.Amount.StringFixed(2))
		}
	}
	// Output:
	// ready Trade fair 1042 262.50 USD
	// HOTEL CBCP 250.00
	// LUNCH CASH 12.50
}

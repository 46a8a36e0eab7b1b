package main

import (
	"context"
	"io"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// offline makes the same call to a Concur in memory.
func offline(ctx context.Context, out io.Writer) error {
	server := concurtest.New(nil)
	defer server.Close()
	company := server.AddCompany("Acme", nil)
	company.AddUser(concurtest.User{Login: "ada@acme.example"})
	report := company.AddApprovedReport(concurtest.Report{
		Number: "A1B2C3", Owner: "ada@acme.example", Name: "Trade fair", Date: "2026-10-30",
		Expenses: []concurtest.Expense{
			{Type: "HOTEL", TypeName: "Hotel", Date: "2026-10-28", Amount: concurtest.Amount("250.00")},
			{Type: "LUNCH", TypeName: "Lunch", Date: "2026-10-29", Amount: concurtest.Amount("12.50")},
		},
	})
	app := concur.App{ClientID: server.App().ClientID, ClientSecret: concur.Secret(server.App().ClientSecret)}
	tokens, err := concur.NewTokenSource(app, concur.NewMemoryTokenStore(), &concur.TokenOptions{HTTP: server.Client()})
	if err != nil {
		return err
	}
	if _, err := tokens.Connect(ctx, company.ID, concur.Secret(company.RequestToken())); err != nil {
		return err
	}
	return show(ctx, concur.NewClient(tokens, nil), "ada@acme.example", report.ID, out)
}

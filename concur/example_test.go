package concur_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// connect returns a client of a company of a Concur in memory. A real program
// has its app's id and secret, a store of its own and no options.
func connect(ctx context.Context, s *concurtest.Server, co *concurtest.Company) *concur.Client {
	app := concur.App{ClientID: s.App().ClientID, ClientSecret: concur.Secret(s.App().ClientSecret)}
	tokens, err := concur.NewTokenSource(app, concur.NewMemoryTokenStore(), &concur.TokenOptions{HTTP: s.Client()})
	if err != nil {
		panic(err)
	}
	if _, err := tokens.Connect(ctx, co.ID, concur.Secret(co.RequestToken())); err != nil {
		panic(err)
	}
	return concur.NewClient(tokens, nil)
}

func ExampleReportsV3Service_List() {
	ctx, server := context.Background(), concurtest.New(nil)
	defer server.Close()
	company := server.AddCompany("Acme", nil)
	company.AddUser(concurtest.User{Login: "ada@acme.example"})
	company.AddApprovedReport(concurtest.Report{Owner: "ada@acme.example", Name: "Trade fair", Expenses: []concurtest.Expense{
		{Type: "LUNCH", Amount: concurtest.Amount("12.50")},
	}})
	client := connect(ctx, server, company)

	for report, err := range client.ReportsV3.List(ctx, concur.ReportV3Query{User: concur.AllUsers}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(report.Name, report.PaymentStatusCode, report.TotalApprovedAmount, report.CurrencyCode)
	}
	// Output: Trade fair P_PROC 12.5 USD
}

// The queue of the Financial Integration Service is read from its head until it is
// empty: what is safely stored is acknowledged, and leaves it.
func ExampleFinancialService() {
	ctx, server := context.Background(), concurtest.New(nil)
	defer server.Close()
	company := server.AddCompany("Acme", &concurtest.CompanyOptions{FinancialIntegration: true})
	company.AddUser(concurtest.User{Login: "ada@acme.example"})
	company.AddApprovedReport(concurtest.Report{Owner: "ada@acme.example", Name: "Trade fair", Expenses: []concurtest.Expense{
		{Type: "LUNCH", Amount: concurtest.Amount("12.50"), AccountCode: "6410"},
	}})
	financial := connect(ctx, server, company).Financial

	for {
		page, err := financial.ListPage(ctx, concur.FinancialExpense, concur.FinancialQuery{}, "")
		if err != nil || len(page.Items) == 0 {
			break
		}
		for _, d := range page.Items {
			document, err := d.Expense()
			if err != nil {
				fmt.Println(err)
				return
			}
			for _, entry := range document.Entries {
				for _, share := range entry.Allocations {
					for _, line := range share.Journal {
						fmt.Println(document.Report.ReportName, line.AccountCode, line.Payer, line.Payee, line.Gross, share.Ties(line))
					}
				}
			}
			results, err := financial.Acknowledge(ctx, d.DocType, []string{d.ID}, "") // after it is stored
			if err != nil {
				fmt.Println(err)
				return
			}
			if err := results[0].Err(); err != nil { // under an answer of 200
				fmt.Println(err)
				return
			}
		}
	}
	fmt.Println(company.FinancialDocuments()[0].Status)
	// Output:
	// Trade fair 6410 COMP EMPL 12.5 true
	// ACKNOWLEDGED
}

func ExampleNewEventHandler() {
	server := concurtest.New(&concurtest.Options{ManualDelivery: true})
	defer server.Close()
	company := server.AddCompany("Acme", nil)
	company.AddUser(concurtest.User{Login: "ada@acme.example"})

	verifier, err := concur.NewSignatureVerifier(concur.SignaturePSS, server.SigningKey())
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := concur.NewEventHandler(func(_ context.Context, e concur.Event) error {
		if facts, err := e.Report(); err == nil { // else it is of another topic
			fmt.Println(e.EventType, facts.ReportID != "") // make it durable here
		}
		return nil
	}, &concur.EventOptions{Verifier: verifier, Companies: []string{company.ID}})

	webhook := httptest.NewServer(http.StripPrefix("/concur/events", handler))
	defer webhook.Close()
	server.Subscribe(concurtest.TopicReports, webhook.URL+"/concur/events", nil)
	company.AddReport(concurtest.Report{Owner: "ada@acme.example", Expenses: []concurtest.Expense{{Type: "LUNCH", Amount: concurtest.Amount("12.50")}}})
	if _, err := server.Flush(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: reportCreated true
}

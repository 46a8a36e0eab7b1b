package concursync_test

import (
	"context"
	"fmt"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concursync"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/document"
)

// A cost centre with a hyphen goes into one of Concur's lists. An engine.Mirror
// does this with what its original has.
func ExampleListCopy() {
	ctx := context.Background()
	server := concurtest.New(nil)
	defer server.Close()
	company := server.AddCompany("Acme", nil)
	list := company.AddList("Cost centres")
	app := concur.App{ClientID: server.App().ClientID, ClientSecret: concur.Secret(server.App().ClientSecret)}
	tokens, err := concur.NewTokenSource(app, concur.NewMemoryTokenStore(), &concur.TokenOptions{HTTP: server.Client()})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := tokens.Connect(ctx, company.ID, concur.Secret(company.RequestToken())); err != nil {
		fmt.Println(err)
		return
	}

	cost := document.ListItem{Code: "CC-100", Name: "North - East"}
	each, err := concursync.ListCopy(concur.NewClient(tokens, nil), list.ID(), nil).
		Apply(ctx, []connector.Edit[document.ListItem]{{Key: cost.Key(), Content: cost}})
	fmt.Println(each, err)
	for code, name := range list.Names() {
		fmt.Println(code, name, "is", concursync.DecodeCode(code))
	}
	// Output:
	// [<nil>] <nil>
	// CC~1100 North – East is CC-100
}

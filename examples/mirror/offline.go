package main

import (
	"context"

	"github.com/ml-connector/ml-connector/concur"
	"github.com/ml-connector/ml-connector/concur/concurtest"
	"github.com/ml-connector/ml-connector/epicor"
	"github.com/ml-connector/ml-connector/epicor/epicortest"
)

// sides are both systems in memory with a client each.
type sides struct {
	kinetic  *epicortest.Server
	server   *concurtest.Server
	company  *concurtest.Company
	accounts *concurtest.List
	centres  *concurtest.List
	epicor   *epicor.Client
	concur   *concur.Client
}

func (s *sides) close() {
	s.kinetic.Close()
	s.server.Close()
}

func (s *sides) at() places {
	return places{accountList: s.accounts.ID(), centreList: s.centres.ID(), country: "DE"}
}

// open makes a company on either side: three accounts, two cost centres with
// hyphens and two vendors in Epicor, empty lists in Concur.
func open(ctx context.Context) (*sides, error) {
	s := &sides{
		kinetic: epicortest.New(&epicortest.Options{Companies: []epicortest.Company{{ID: epicortest.DefaultCompany}}}),
		server:  concurtest.New(nil),
	}
	s.kinetic.AddSegments(epicortest.DefaultCompany,
		epicortest.SegmentValue{Segment: 2, Code: "CC-100", Name: "North - East"},
		epicortest.SegmentValue{Segment: 2, Code: "CC-200", Name: "South"},
	)
	s.kinetic.AddAccounts(epicortest.DefaultCompany,
		epicortest.GLAccount{Account: "6410|CC-100|00", Desc: "Travel"},
		epicortest.GLAccount{Account: "6420|CC-100|00", Desc: "Meals"},
		epicortest.GLAccount{Account: "6410|CC-200|00", Desc: "Travel"},
	)
	s.kinetic.AddVendors(epicortest.DefaultCompany,
		epicortest.Vendor{Num: 1, ID: "ACME", Name: "Acme Paints", Country: "DE"},
		epicortest.Vendor{Num: 2, ID: "WIND", Name: "Wind & Co"},
	)
	s.company = s.server.AddCompany("Acme", nil)
	s.accounts, s.centres = s.company.AddList("GL accounts"), s.company.AddList("Cost centres")

	var err error
	s.epicor, err = epicor.NewClient(s.kinetic.Root(epicortest.DefaultCompany),
		epicor.Basic(epicortest.DefaultAPIKey, epicortest.DefaultUser, epicortest.DefaultPassword),
		&epicor.Options{HTTP: s.kinetic.Client(), AllowHTTP: true})
	if err != nil {
		return nil, err
	}
	app := concur.App{ClientID: s.server.App().ClientID, ClientSecret: concur.Secret(s.server.App().ClientSecret)}
	tokens, err := concur.NewTokenSource(app, concur.NewMemoryTokenStore(), &concur.TokenOptions{HTTP: s.server.Client()})
	if err != nil {
		return nil, err
	}
	if _, err := tokens.Connect(ctx, s.company.ID, concur.Secret(s.company.RequestToken())); err != nil {
		return nil, err
	}
	s.concur = concur.NewClient(tokens, nil)
	return s, nil
}

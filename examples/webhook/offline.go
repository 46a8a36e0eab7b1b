package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"

	"github.com/ml-connector/ml-connector/concur/concurtest"
)

// offline receives from a Concur in memory.
func offline(ctx context.Context, out io.Writer) error {
	// httptest lends its certificate, which is for 127.0.0.1.
	lender := httptest.NewTLSServer(nil)
	pair, authority := lender.TLS.Certificates[0], lender.Certificate()
	lender.Close()
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	server := concurtest.New(&concurtest.Options{ManualDelivery: true, EndpointRoots: roots})
	defer server.Close()
	company := server.AddCompany("Acme", &concurtest.CompanyOptions{FinancialIntegration: true})
	company.AddUser(concurtest.User{Login: "ada@acme.example", ID: "32c2fcc3-b2e8-4907-9672-5b3f49b1c643"})

	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair},
		ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: server.ClientAuthority(),
	}
	go func() { served <- serve(ctx, l, config, []string{company.ID}, out) }()

	for _, topic := range []string{concurtest.TopicReports, concurtest.TopicFinancial} {
		server.Subscribe(topic, "https://"+l.Addr().String()+"/concur/events", nil)
	}
	company.AddApprovedReport(concurtest.Report{
		ID: "764428DD6A664AF0BFCB", Owner: "ada@acme.example", Name: "Trade fair",
		Expenses: []concurtest.Expense{{Type: "LUNCH", Amount: concurtest.Amount("12.50")}},
	})
	left, err := server.Flush(ctx)
	if err == nil && left > 0 {
		err = fmt.Errorf("%d events were not taken", left)
	}
	cancel()
	return errors.Join(err, <-served)
}

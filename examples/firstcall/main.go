// Firstcall reads one expense report from SAP Concur and prints its
// head and its expenses.
//
//	go run ./examples/firstcall -offline
//
// reads from a Concur in memory. Without -offline it reads from a real company:
// set CONCUR_CLIENT_ID, CONCUR_CLIENT_SECRET, CONCUR_COMPANY (the company's
// UUID) and CONCUR_REQUEST_TOKEN (made under Administration > Company >
// Authentication Admin > Company Request Token), and give the owner's log-in
// name and the report's id.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/concur"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "firstcall:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if slices.Contains(args, "-offline") {
		return offline(ctx, out)
	}
	if len(args) != 2 {
		return errors.New("usage: firstcall -offline | firstcall OWNER-LOGIN REPORT-ID")
	}
	if missing := unset("CONCUR_CLIENT_ID", "CONCUR_CLIENT_SECRET", "CONCUR_COMPANY", "CONCUR_REQUEST_TOKEN"); missing != "" {
		return errors.New("not set in the environment: " + missing)
	}
	app := concur.App{ClientID: os.Getenv("CONCUR_CLIENT_ID"), ClientSecret: concur.Secret(os.Getenv("CONCUR_CLIENT_SECRET"))}
	// A program that runs longer than a day keeps the token in a store of its own.
	tokens, err := concur.NewTokenSource(app, concur.NewMemoryTokenStore(), nil)
	if err != nil {
		return err
	}
	if _, err := tokens.Connect(ctx, os.Getenv("CONCUR_COMPANY"), concur.Secret(os.Getenv("CONCUR_REQUEST_TOKEN"))); err != nil {
		return err
	}
	return show(ctx, concur.NewClient(tokens, nil), args[0], args[1], out)
}

// unset names those environment variables that are missing or empty.
func unset(names ...string) string {
	return strings.Join(slices.DeleteFunc(names, func(name string) bool { return os.Getenv(name) != "" }), ", ")
}

// show is the first call itself.
func show(ctx context.Context, client *concur.Client, login, reportID string, out io.Writer) error {
	owner, err := client.Users.ByLogin(ctx, login)
	if err != nil {
		return err
	}
	report, err := client.Reports.Get(ctx, owner.ID, reportID)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s %q, %s: %s %s\n", report.ReportNumber, report.Name, report.PaymentStatusID,
		report.ApprovedAmount.Value.Value().StringFixed(2), report.CurrencyCode)
	expenses, err := client.Expenses.List(ctx, owner.ID, reportID)
	if err != nil {
		return err
	}
	for _, e := range expenses {
		fmt.Fprintf(out, "  %s  %-16s %10s\n", e.TransactionDate, e.ExpenseType.Name, e.ApprovedAmount.Value.Value().StringFixed(2))
	}
	return nil
}

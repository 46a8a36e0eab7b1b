// Postinvoice enters an AP invoice with two lines and an image into Epicor
// Kinetic, finds it again by its key, and has its entry group posted.
//
//	go run ./examples/postinvoice -offline
//
// enters it into a Kinetic in memory. Without -offline it goes to a real company,
// of a test system, please: set EPICOR_URL (the OData root, ending in
// /odata/<Company>), EPICOR_API_KEY, EPICOR_USER and EPICOR_PASSWORD, and give a
// vendor's id and a GL account.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/epicor"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "postinvoice:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if slices.Contains(args, "-offline") {
		return offline(ctx, out)
	}
	if len(args) != 2 {
		return errors.New("usage: postinvoice -offline | postinvoice VENDOR-ID GL-ACCOUNT")
	}
	if missing := unset("EPICOR_URL", "EPICOR_API_KEY", "EPICOR_USER", "EPICOR_PASSWORD"); missing != "" {
		return errors.New("not set in the environment: " + missing)
	}
	cred := epicor.Basic(os.Getenv("EPICOR_API_KEY"), os.Getenv("EPICOR_USER"), os.Getenv("EPICOR_PASSWORD"))
	client, err := epicor.NewClient(os.Getenv("EPICOR_URL"), cred, nil)
	if err != nil {
		return err
	}
	return post(ctx, client, args[0], args[1], epicor.DateOf(time.Now()), out)
}

// unset names those environment variables that are missing or empty.
func unset(names ...string) string {
	return strings.Join(slices.DeleteFunc(names, func(name string) bool { return os.Getenv(name) != "" }), ", ")
}

// invoice is what is entered. Key is our own mark: made once for the document and
// kept with it, so that whatever happens, the invoice can be found again.
func invoice(vendor, account string, on epicor.Date) epicor.APInvoiceInput {
	line := func(text, amount string) epicor.APInvoiceLineInput {
		d := decimal.RequireFromString(amount)
		return epicor.APInvoiceLineInput{
			Description: text, Amount: d,
			Splits: []epicor.APInvoiceSplitInput{{Account: account, Amount: d}},
		}
	}
	return epicor.APInvoiceInput{
		Key: "EXAMPLE-" + on.String(), VendorID: vendor, Number: "EX-" + strings.ReplaceAll(on.String(), "-", ""),
		Date: on, ApplyDate: on, Description: "An example",
		Lines:       []epicor.APInvoiceLineInput{line("Hotel", "250.00"), line("Lunch", "12.50")},
		Attachments: []epicor.APInvoiceAttachmentInput{{Name: "receipt.txt", Data: []byte("Hotel 250.00, lunch 12.50\n")}},
	}
}

// post is the example itself.
func post(ctx context.Context, client *epicor.Client, vendor, account string, on epicor.Date, out io.Writer) error {
	// Columns and lengths of this tenant, before anything is sent.
	if _, err := client.Verify(ctx); err != nil {
		return err
	}
	in := invoice(vendor, account, on)
	inv, err := client.APInvoices.Create(ctx, in)
	// A failure says what is there: nothing, a part, or nobody knows. What may be
	// there is looked for and completed, never entered a second time.
	var failed *epicor.APInvoiceError
	if errors.As(err, &failed) && failed.Outcome != epicor.NotCommitted {
		fmt.Fprintln(out, "failed at", failed.Step+", so it is looked for and completed")
		inv, err = client.APInvoices.Resume(ctx, in)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "saved: %s of vendor %s, %s %s in group %s\n", inv.Number, inv.VendorID, inv.Amount.Value().StringFixed(2), inv.Currency, inv.Group)
	for _, l := range inv.Lines {
		fmt.Fprintf(out, "  %-8s %8s  %s\n", l.Description, l.Amount.Value().StringFixed(2), l.Splits[0].Account)
	}
	fmt.Fprintf(out, "  with %d file\n", len(inv.Attachments))

	same, err := client.APInvoices.Find(ctx, in.Key)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "found by its key: %d\n", len(same))

	// Epicor posts a group whole, with whatever else stands in it. So it is said what
	// may be posted: the invoice that was entered, to the cent, and nothing else. A
	// group that somebody else made, or in which somebody works, never is.
	group, err := client.APInvoices.PostGroup(ctx, inv.Group, epicor.PostInputs(in), nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if err := client.APInvoices.WaitPosted(ctx, group, 5*time.Second); err != nil {
		return err
	}
	fmt.Fprintf(out, "posted: %d invoice\n", len(group.Invoices))
	return nil
}

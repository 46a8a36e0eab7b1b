package app

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/ml-connector/ml-connector/sync/document"
)

// Booking is an AP invoice or debit memo as it stands in Epicor, by account.
type Booking struct {
	Number    string          `json:"number"`
	Vendor    string          `json:"vendor"` // id and name
	Group     string          `json:"group"`
	Currency  string          `json:"currency"`
	Amount    decimal.Decimal `json:"amount"`
	DebitMemo bool            `json:"debit_memo,omitempty"`
	Accounts  []AccountAmount `json:"accounts"` // in the order of the lines
}

// AccountAmount is what a Booking books to one GL account.
type AccountAmount struct {
	Account string          `json:"account"`
	Name    string          `json:"name,omitempty"` // as Epicor's chart has it
	Amount  decimal.Decimal `json:"amount"`
}

// Bookings reads out of Epicor, line by line, what bears a delivery's key.
func (a *App) Bookings(ctx context.Context, name, key string) ([]Booking, error) {
	t, err := a.find(name)
	if err != nil {
		return nil, err
	}
	ctx = a.scope(ctx, name, "read back")
	chart, err := t.tables.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the chart of accounts: %w", err)
	}
	invoices, err := t.epicor.APInvoices.Find(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("read AP invoices back: %w", err)
	}
	out := make([]Booking, 0, len(invoices))
	for _, inv := range invoices {
		b := Booking{
			Number: inv.Number, Vendor: inv.VendorID + " " + inv.VendorName, Group: inv.Group, Currency: inv.Currency,
			Amount: inv.Amount.Value(), DebitMemo: inv.DebitMemo,
		}
		for _, line := range inv.Lines {
			for _, split := range line.Splits {
				b.book(split.Account, split.Amount.Value(), chart)
			}
		}
		out = append(out, b)
	}
	return out, nil
}

func (b *Booking) book(account string, amount decimal.Decimal, chart *document.Tables) {
	for i := range b.Accounts {
		if b.Accounts[i].Account == account {
			b.Accounts[i].Amount = b.Accounts[i].Amount.Add(amount)
			return
		}
	}
	row := AccountAmount{Account: account, Amount: amount}
	if known, ok := chart.Account(account); ok {
		row.Name = known.Description
	}
	b.Accounts = append(b.Accounts, row)
}

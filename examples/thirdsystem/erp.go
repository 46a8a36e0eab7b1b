package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/shopspring/decimal"
)

// Tally is the toy ERP: supplier bills in memory, behind the four calls that it
// has. Like most ERPs it refuses a second bill of one supplier and number, keeps
// a cancelled bill and its number, and has a free field for a reference.
type Tally struct {
	mu        sync.Mutex
	suppliers []string
	bills     []Bill
	// fault is asked before a change, and again once it is done; tests set it.
	fault func(done bool) error
}

// Bill is a supplier's bill; Amount is negative for a credit.
type Bill struct {
	ID        int
	Supplier  string
	Number    string
	Reference string // free for others to use
	Date      string
	Currency  string
	Amount    decimal.Decimal
	Lines     []BillLine
	Cancelled bool
}

// BillLine books a part of a bill to an account.
type BillLine struct {
	Text, Account string
	Amount        decimal.Decimal
}

// What Tally refuses, as opposed to failing.
var (
	errNumberTaken = errors.New("tally: the supplier has a bill of this number")
	errSupplier    = errors.New("tally: no such supplier")
)

// Create enters a bill and returns it with its ID.
func (t *Tally) Create(ctx context.Context, b Bill) (Bill, error) {
	err := t.change(ctx, func() error {
		if !slices.Contains(t.suppliers, b.Supplier) {
			return fmt.Errorf("%w: %s", errSupplier, b.Supplier)
		}
		if slices.ContainsFunc(t.bills, func(o Bill) bool { return o.Supplier == b.Supplier && o.Number == b.Number }) {
			return fmt.Errorf("%w: %s of %s", errNumberTaken, b.Number, b.Supplier)
		}
		b.ID = len(t.bills) + 1
		t.bills = append(t.bills, b)
		return nil
	})
	return b, err
}

// Cancel takes a bill back; a cancelled one stays so.
func (t *Tally) Cancel(ctx context.Context, id int) error {
	return t.change(ctx, func() error {
		t.bills[id-1].Cancelled = true
		return nil
	})
}

// ByReference returns the bills that bear a reference, cancelled ones too.
func (t *Tally) ByReference(ctx context.Context, reference string) ([]Bill, error) {
	return t.search(ctx, func(b Bill) bool { return b.Reference == reference })
}

// ByNumber returns a supplier's bill, or none.
func (t *Tally) ByNumber(ctx context.Context, supplier, number string) ([]Bill, error) {
	return t.search(ctx, func(b Bill) bool { return b.Supplier == supplier && b.Number == number })
}

func (t *Tally) search(ctx context.Context, like func(Bill) bool) (found []Bill, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range t.bills {
		if like(b) {
			found = append(found, b)
		}
	}
	return found, ctx.Err()
}

func (t *Tally) change(ctx context.Context, do func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.fault == nil {
		return do()
	}
	if err := t.fault(false); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return t.fault(true)
}

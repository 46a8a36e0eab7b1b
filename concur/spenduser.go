package concur

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// ReimbursementType is how an employee is paid.
type ReimbursementType string

// The ways to pay an employee. Only ReimbursedByAccountsPayable is a matter of
// the ERP's accounts payable.
const (
	ReimbursedByAccountsPayable ReimbursementType = "ACCOUNTS_PAYABLE"
	ReimbursedByADP             ReimbursementType = "ADP_PAYROLL"
	ReimbursedByConcurPay       ReimbursementType = "CONCUR_PAY"
	ReimbursedOtherwise         ReimbursementType = "OTHER"
)

// SpendUser is what Concur Expense knows about a person. Follows the Spend User
// Retrieval v4.1 page.
type SpendUser struct {
	ID    string       `json:"id"` // UUID, the same as User.ID
	Spend SpendProfile `json:"urn:ietf:params:scim:schemas:extension:spend:2.0:User"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (u *SpendUser) UnmarshalJSON(b []byte) error {
	type plain SpendUser
	return readObject(b, (*plain)(u), &u.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (u SpendUser) MarshalJSON() ([]byte, error) {
	type plain SpendUser
	return writeObject(plain(u), u.Raw)
}

// SpendProfile is a person's settings for expenses.
type SpendProfile struct {
	ReimbursementCurrency string            `json:"reimbursementCurrency"`
	ReimbursementType     ReimbursementType `json:"reimbursementType"`
	LedgerCode            string            `json:"ledgerCode"`
	Country               string            `json:"country"`
	StateProvince         string            `json:"stateProvince"`
	Locale                string            `json:"locale"`
	CashAdvanceAccount    string            `json:"cashAdvanceAccountCode"`
	TestEmployee          Flag              `json:"testEmployee"`
	NonEmployee           Flag              `json:"nonEmployee"`
	// CustomData holds "custom1" to "custom22" and "orgUnit1" to "orgUnit6". Of a
	// list it is the item's code, where Reports v4 has the item's id.
	CustomData []CustomFieldInput `json:"customData"`
}

// Custom returns a custom field, such as "custom21".
func (p SpendProfile) Custom(id string) string {
	for _, f := range p.CustomData {
		if f.ID == id {
			return f.Value
		}
	}
	return ""
}

// SpendUsersService reads people's settings for expenses. Follows the Spend User
// Retrieval v4.1 page. It takes a company's token. Scope: spend.user.general.read.
type SpendUsersService struct{ service }

const spendUsersPath = "/profile/spend/v4.1/Users"

// MaxSpendUsers is how many a page holds at most.
const MaxSpendUsers = 100

// Get returns one person's settings. No such person: ErrNotFound.
func (s *SpendUsersService) Get(ctx context.Context, userID string) (*SpendUser, error) {
	const operation = "SpendUsers.Get"
	p, err := path(operation, spendUsersPath, userID)
	if err != nil {
		return nil, err
	}
	return fetch[SpendUser](ctx, s.client, request{operation: operation, path: p, safe: true})
}

// List walks over the people that a SCIM filter selects, "" for all. Filters
// compare by eq and ne: `reimbursementType eq "ACCOUNTS_PAYABLE"`.
func (s *SpendUsersService) List(ctx context.Context, filter string) iter.Seq2[*SpendUser, error] {
	return all(ctx, func(ctx context.Context, after string) (*Page[SpendUser], error) {
		return s.ListPage(ctx, filter, after)
	})
}

// ListPage returns one page: the first one when after is "", else the one at
// Page.Next of the page before, with the same filter.
func (s *SpendUsersService) ListPage(ctx context.Context, filter, after string) (*Page[SpendUser], error) {
	const operation = "SpendUsers.List"
	start := 1
	if after != "" {
		var err error
		if start, err = strconv.Atoi(after); err != nil || start < 2 || start > 1_000_000_000 {
			return nil, &Error{Operation: operation, Status: http.StatusBadRequest, Message: "the page position is malformed; nothing was sent"}
		}
	}
	v := url.Values{"startIndex": {strconv.Itoa(start)}, "count": {strconv.Itoa(MaxSpendUsers)}}
	if filter != "" {
		v.Set("filter", filter)
	}
	a, err := fetch[struct {
		Total     *int `json:"totalResults"`
		Resources []*SpendUser
	}](ctx, s.client, request{operation: operation, path: spendUsersPath, query: v.Encode(), safe: true})
	if err != nil {
		return nil, err
	}
	// SCIM lets an empty list leave its array out.
	if a.Resources == nil && (a.Total == nil || *a.Total != 0) {
		return nil, &Error{Operation: operation, Err: errNoList}
	}
	p := &Page[SpendUser]{Items: a.Resources}
	if a.Total == nil {
		if len(p.Items) > 0 {
			return nil, &Error{Operation: operation, Err: errNoEnd}
		}
		return p, nil
	}
	if next := start + len(p.Items); next <= *a.Total {
		if len(p.Items) == 0 {
			return nil, &Error{Operation: operation, Err: fmt.Errorf("the page from %d of %d is empty", start, *a.Total)}
		}
		p.Next = strconv.Itoa(next)
	}
	return p, nil
}

package concur

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
)

// ERP is the registration of a company's ERP. Follows the Accounting Integration
// v4 pages.
type ERP struct {
	ERPID          string          `json:"erpId,omitempty"` // given by the vendor
	PartnerAppName string          `json:"partnerAppName,omitempty"`
	ERPName        string          `json:"erpName,omitempty"`
	ExternalERPID  string          `json:"externalErpId,omitempty"`
	Features       []string        `json:"features,omitempty"` // SUPPORTS_RECEIPT_POSTING …
	PostingOptions json.RawMessage `json:"postingOptions,omitempty"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (e *ERP) UnmarshalJSON(b []byte) error {
	type plain ERP
	return readObject(b, (*plain)(e), &e.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (e ERP) MarshalJSON() ([]byte, error) {
	type plain ERP
	return writeObject(plain(e), e.Raw)
}

// ERPAccount is a GL account of the ERP.
type ERPAccount struct {
	ID        string `json:"id"`
	Number    string `json:"number,omitempty"`
	Name      string `json:"name,omitempty"`
	Type      string `json:"type,omitempty"` // one of 18, such as ACCOUNTS_PAYABLE
	IsDeleted bool   `json:"isDeleted,omitempty"`
}

// ERPVendor is a vendor of the ERP. It does not appear in Concur Invoice; one of
// type EMPLOYEE is forgotten after 150 days unless it is sent again.
type ERPVendor struct {
	ID            string          `json:"id"`
	Type          string          `json:"type,omitempty"` // EMPLOYEE or ACCOUNTING
	CurrencyCode  string          `json:"currencyCode,omitempty"`
	Name          string          `json:"name,omitempty"`
	LastName      string          `json:"lastName,omitempty"`
	FirstName     string          `json:"firstName,omitempty"`
	Email         string          `json:"email,omitempty"`
	EmployeeID    string          `json:"employeeId,omitempty"`
	CompanyName   string          `json:"companyName,omitempty"`
	TaxID         string          `json:"taxId,omitempty"`
	Phone         string          `json:"phone,omitempty"`
	AccountNumber string          `json:"accountNumber,omitempty"`
	Address       json.RawMessage `json:"address,omitempty"`
	IsDeleted     bool            `json:"isDeleted,omitempty"`
}

// ERPList is the name of a list of the ERP.
type ERPList struct {
	ID        string `json:"id"`
	Name      string `json:"name,omitempty"`
	IsDeleted bool   `json:"isDeleted,omitempty"`
}

// ERPRequest is a change that is worked on: its end comes as an event, or is
// asked for.
type ERPRequest struct {
	RequestID string `json:"requestId"`
	Status    string `json:"status"` // PROCESSING, SUCCESS, PARTIAL, ERROR

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (r *ERPRequest) UnmarshalJSON(b []byte) error {
	type plain ERPRequest
	return readObject(b, (*plain)(r), &r.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (r ERPRequest) MarshalJSON() ([]byte, error) {
	type plain ERPRequest
	return writeObject(plain(r), r.Raw)
}

// ERPRequestError is one record that a change failed for.
type ERPRequestError struct {
	CompanyID        string          `json:"companyId"`
	ERPID            string          `json:"erpId"`
	RequestID        string          `json:"requestId"`
	ErrorCode        string          `json:"errorCode"`
	ErrorMessage     string          `json:"errorMessage"`
	ObjectType       string          `json:"objectType"`
	Values           Text            `json:"values"` // the record, as JSON in a text
	ValidationErrors json.RawMessage `json:"validationErrors"`
}

// AccountingIntegrationService gives an ERP's master data to Concur, so that an
// administrator can map it. It is pre-release: for selected partners in North
// America, and for a company's token. Writes are accepted first and worked on
// later; one call a second. Follows the Accounting Integration v4 pages. Scope:
// spend.accountingintegration.read, .write.
type AccountingIntegrationService struct{ service }

func erpPath(operation, companyID string, more ...string) (string, error) {
	return path(operation, "/accountingintegration/v4/companies", append([]string{companyID, "erps"}, more...)...)
}

// Register makes an ERP known; one call a minute. It is sent once.
func (s *AccountingIntegrationService) Register(ctx context.Context, companyID string, in ERP) (*ERP, error) {
	const operation = "AccountingIntegration.Register"
	p, err := erpPath(operation, companyID)
	if err != nil {
		return nil, err
	}
	return fetch[ERP](ctx, s.client, request{operation: operation, method: http.MethodPost, path: p, body: in})
}

// ERPs returns the company's registrations.
func (s *AccountingIntegrationService) ERPs(ctx context.Context, companyID string) ([]*ERP, error) {
	const operation = "AccountingIntegration.ERPs"
	p, err := erpPath(operation, companyID)
	if err != nil {
		return nil, err
	}
	page, err := erpPage[ERP](ctx, s.client, operation, p, "")
	if err != nil {
		return nil, err
	}
	return page.Items, nil
}

// Get returns one registration.
func (s *AccountingIntegrationService) Get(ctx context.Context, companyID, erpID string) (*ERP, error) {
	const operation = "AccountingIntegration.Get"
	p, err := erpPath(operation, companyID, erpID)
	if err != nil {
		return nil, err
	}
	return fetch[ERP](ctx, s.client, request{operation: operation, path: p, safe: true})
}

// Update changes a registration; all features have to be repeated. It is sent once.
func (s *AccountingIntegrationService) Update(ctx context.Context, companyID, erpID string, in ERP) (*ERP, error) {
	const operation = "AccountingIntegration.Update"
	p, err := erpPath(operation, companyID, erpID)
	if err != nil {
		return nil, err
	}
	return fetch[ERP](ctx, s.client, request{operation: operation, method: http.MethodPatch, path: p, body: in})
}

// Delete removes a registration with all data that was given. It is sent once.
func (s *AccountingIntegrationService) Delete(ctx context.Context, companyID, erpID string) error {
	const operation = "AccountingIntegration.Delete"
	p, err := erpPath(operation, companyID, erpID)
	if err != nil {
		return err
	}
	return s.client.do(ctx, request{operation: operation, method: http.MethodDelete, path: p}, nil)
}

// Accounts walks over the accounts that Concur holds.
func (s *AccountingIntegrationService) Accounts(ctx context.Context, companyID, erpID string) iter.Seq2[*ERPAccount, error] {
	return erpList[ERPAccount](ctx, s.client, "AccountingIntegration.Accounts", companyID, erpID, "accounts")
}

// Vendors walks over the vendors that Concur holds.
func (s *AccountingIntegrationService) Vendors(ctx context.Context, companyID, erpID string) iter.Seq2[*ERPVendor, error] {
	return erpList[ERPVendor](ctx, s.client, "AccountingIntegration.Vendors", companyID, erpID, "vendors")
}

// Lists walks over the names of lists that Concur holds.
func (s *AccountingIntegrationService) Lists(ctx context.Context, companyID, erpID string) iter.Seq2[*ERPList, error] {
	return erpList[ERPList](ctx, s.client, "AccountingIntegration.Lists", companyID, erpID, "lists")
}

// PutAccounts gives accounts to Concur; deleteAll forgets all others first. It is
// sent once, at most 4 MB.
func (s *AccountingIntegrationService) PutAccounts(ctx context.Context, companyID, erpID string, deleteAll bool, data []ERPAccount) (*ERPRequest, error) {
	return erpPatch(ctx, s.client, "AccountingIntegration.PutAccounts", companyID, erpID, "accounts", deleteAll, data)
}

// PutVendors gives vendors to Concur, as PutAccounts does.
func (s *AccountingIntegrationService) PutVendors(ctx context.Context, companyID, erpID string, deleteAll bool, data []ERPVendor) (*ERPRequest, error) {
	return erpPatch(ctx, s.client, "AccountingIntegration.PutVendors", companyID, erpID, "vendors", deleteAll, data)
}

// PutLists gives the names of lists to Concur, as PutAccounts does; mappings stay.
func (s *AccountingIntegrationService) PutLists(ctx context.Context, companyID, erpID string, deleteAll bool, data []ERPList) (*ERPRequest, error) {
	return erpPatch(ctx, s.client, "AccountingIntegration.PutLists", companyID, erpID, "lists", deleteAll, data)
}

// TaxData walks over the tax codes that Concur holds, one row for each country.
func (s *AccountingIntegrationService) TaxData(ctx context.Context, companyID, erpID string) iter.Seq2[*ERPTaxData, error] {
	return erpList[ERPTaxData](ctx, s.client, "AccountingIntegration.TaxData", companyID, erpID, "taxData")
}

// AddTaxData gives further tax codes to Concur. It is sent once, at most 4 MB.
func (s *AccountingIntegrationService) AddTaxData(ctx context.Context, companyID, erpID string, data []ERPTaxData) (*ERPRequest, error) {
	return erpWrite(ctx, s.client, "AccountingIntegration.AddTaxData", http.MethodPost, companyID, erpID, "taxData", false, data)
}

// ReplaceTaxData gives tax codes to Concur in place of all others; none deletes
// all. It is sent once, at most 4 MB.
func (s *AccountingIntegrationService) ReplaceTaxData(ctx context.Context, companyID, erpID string, data []ERPTaxData) (*ERPRequest, error) {
	return erpWrite(ctx, s.client, "AccountingIntegration.ReplaceTaxData", http.MethodPut, companyID, erpID, "taxData", len(data) == 0, data)
}

// Mappings returns what the administrator mapped, as it came: its shape is a tree
// that the vendor is still changing.
func (s *AccountingIntegrationService) Mappings(ctx context.Context, companyID, erpID string) (json.RawMessage, error) {
	const operation = "AccountingIntegration.Mappings"
	p, err := erpPath(operation, companyID, erpID, "mappings")
	if err != nil {
		return nil, err
	}
	var raw json.RawMessage
	if err := s.client.do(ctx, request{operation: operation, path: p, safe: true}, &raw); err != nil {
		return nil, err
	}
	if !json.Valid(raw) {
		return nil, &Error{Operation: operation, Err: errors.New("the answer is not JSON")}
	}
	return raw, nil
}

// Request returns where a change stands.
func (s *AccountingIntegrationService) Request(ctx context.Context, companyID, erpID, requestID string) (*ERPRequest, error) {
	const operation = "AccountingIntegration.Request"
	p, err := erpPath(operation, companyID, erpID, "requests", requestID)
	if err != nil {
		return nil, err
	}
	return fetch[ERPRequest](ctx, s.client, request{operation: operation, path: p, safe: true})
}

// RequestErrors walks over the records that a change failed for.
func (s *AccountingIntegrationService) RequestErrors(ctx context.Context, companyID, erpID, requestID string) iter.Seq2[*ERPRequestError, error] {
	return erpList[ERPRequestError](ctx, s.client, "AccountingIntegration.RequestErrors", companyID, erpID, "requests", requestID, "errors")
}

func erpPatch[T any](ctx context.Context, c *Client, operation, companyID, erpID, what string, deleteAll bool, data []T) (*ERPRequest, error) {
	return erpWrite(ctx, c, operation, http.MethodPatch, companyID, erpID, what, deleteAll, data)
}

type erpBody[T any] struct {
	DeleteAll bool `json:"deleteAll,omitempty"`
	Data      []T  `json:"data,omitempty"`
}

func erpWrite[T any](ctx context.Context, c *Client, operation, method, companyID, erpID, what string, deleteAll bool, data []T) (*ERPRequest, error) {
	p, err := erpPath(operation, companyID, erpID, what)
	if err != nil {
		return nil, err
	}
	body := erpBody[T]{deleteAll, data}
	return fetch[ERPRequest](ctx, c, request{operation: operation, method: method, path: p, body: body})
}

func erpList[T any](ctx context.Context, c *Client, operation, companyID string, more ...string) iter.Seq2[*T, error] {
	p, err := erpPath(operation, companyID, more...)
	return all(ctx, func(ctx context.Context, after string) (*Page[T], error) {
		if err != nil {
			return nil, err
		}
		return erpPage[T](ctx, c, operation, p, after)
	})
}

// erpPage reads a page and takes from the link to the next its position: the
// link itself is printed in two forms and never called.
func erpPage[T any](ctx context.Context, c *Client, operation, p, after string) (*Page[T], error) {
	var q string
	if after != "" {
		q = url.Values{"next": {after}}.Encode()
	}
	a, err := fetch[struct {
		Data       *[]*T           `json:"data"`
		Links      json.RawMessage `json:"links"`
		Underlined json.RawMessage `json:"_links"`
	}](ctx, c, request{operation: operation, path: p, query: q, safe: true})
	if err != nil {
		return nil, err
	}
	if a.Data == nil {
		return nil, &Error{Operation: operation, Err: errNoList}
	}
	page := &Page[T]{Items: *a.Data}
	for _, raw := range []json.RawMessage{a.Links, a.Underlined} {
		if page.Next == "" {
			if page.Next, err = nextPosition(raw); err != nil {
				return nil, &Error{Operation: operation, Err: err}
			}
		}
	}
	if page.Next != "" && page.Next == after {
		return nil, &Error{Operation: operation, Err: errors.New("links.next leads to the same page again")}
	}
	return page, nil
}

// nextPosition reads {"next":{"href":…}} of the samples and [{"rel":"next",…}] of
// the specification. A link that is there and cannot be read is an error: its page
// would be lost.
func nextPosition(raw json.RawMessage) (string, error) {
	var link Link
	switch raw = bytes.TrimSpace(raw); kind(raw) {
	case 0, 'n':
		return "", nil
	case '[':
		var links []Link
		if err := json.Unmarshal(raw, &links); err != nil {
			return "", fmt.Errorf("links: %w", shape(err))
		}
		for _, l := range links {
			if l.Rel == "next" {
				link = l
			}
		}
	default:
		var named struct {
			Next Link `json:"next"`
		}
		if err := json.Unmarshal(raw, &named); err != nil {
			return "", fmt.Errorf("links: %w", shape(err))
		}
		link = named.Next
	}
	if link.Href == "" {
		return "", nil
	}
	u, err := url.Parse(link.Href)
	if err != nil || len(link.Href) > maxNext || u.Query().Get("next") == "" {
		return "", errors.New("links.next has no position that can be read")
	}
	return u.Query().Get("next"), nil
}

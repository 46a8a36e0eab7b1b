package concur

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

// User is a person's identity. Follows the Identity v4.1 page. It holds
// personal data.
type User struct {
	ID                string         `json:"id"`       // UUID, the owner's id of reports
	UserName          string         `json:"userName"` // the log-in name
	ExternalID        string         `json:"externalId"`
	Active            Flag           `json:"active"`
	DisplayName       string         `json:"displayName"`
	Name              UserName       `json:"name"`
	Emails            []UserEmail    `json:"emails"`
	PreferredLanguage string         `json:"preferredLanguage"`
	Timezone          string         `json:"timezone"`
	Enterprise        UserEnterprise `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`

	// Raw is the object as it came, with the fields that have none here. Encoding
	// gives it back, with what was changed in the fields above.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (u *User) UnmarshalJSON(b []byte) error {
	type plain User
	return readObject(b, (*plain)(u), &u.Raw)
}

// MarshalJSON writes the object as it came, with what was changed since.
func (u User) MarshalJSON() ([]byte, error) {
	type plain User
	return writeObject(plain(u), u.Raw)
}

// UserName is a person's name in its parts.
type UserName struct {
	GivenName  string `json:"givenName"`
	FamilyName string `json:"familyName"`
	Formatted  string `json:"formatted"`
}

// UserEnterprise is what the employer says about a person. CostCenter is not
// the cost centre of expenses.
type UserEnterprise struct {
	EmployeeNumber string `json:"employeeNumber"`
	CompanyID      string `json:"companyId"`
	CostCenter     string `json:"costCenter"`
	Department     string `json:"department"`
	StartDate      Time   `json:"startDate"`
	// TerminationDate is null for who still works there.
	TerminationDate Time        `json:"terminationDate"`
	Manager         UserManager `json:"manager"`
}

// UserEmail is an address of a person.
type UserEmail struct {
	Value    string `json:"value"`
	Type     string `json:"type"` // work, home
	Verified bool   `json:"verified"`
}

// UserManager is a person's superior.
type UserManager struct {
	Value          string `json:"value,omitempty"` // UUID
	EmployeeNumber string `json:"employeeNumber,omitempty"`
}

// UserSearch selects users by a SCIM filter.
type UserSearch struct {
	// Filter is such as `active eq true`; "" is all. Texts from outside must be
	// written as JSON, so that none leaves its literal: see FilterText.
	Filter string `json:"filter,omitempty"`
	// Attributes are the parts of a user that are wanted, ExcludedAttributes those
	// that are not; none of both is all that the scopes allow.
	Attributes         []string `json:"attributes,omitempty"`
	ExcludedAttributes []string `json:"excludedAttributes,omitempty"`
	Count              int      `json:"count,omitempty"` // of a page, at most 1000; 0 leaves it to the vendor
}

// FilterText writes a text as a literal of a SCIM filter (RFC 7644).
func FilterText(s string) string {
	b, _ := json.Marshal(s) // a string always encodes
	return string(b)
}

// userSearch is the body of a search.
type userSearch struct {
	Schemas []string `json:"schemas"`
	UserSearch
	Cursor string `json:"cursor,omitempty"`
}

const searchSchema = "urn:ietf:params:scim:api:messages:concur:2.0:SearchRequest"

// UsersService reads identities. Follows the Identity v4.1 page. It takes a
// company's token. Scope: identity.user.core.read, and
// identity.user.enterprise.read for the employee number.
type UsersService struct{ service }

const usersPath = "/profile/identity/v4.1/Users"

// Get returns the user with a UUID. No such user: ErrNotFound.
func (s *UsersService) Get(ctx context.Context, id string) (*User, error) {
	const operation = "Users.Get"
	p, err := path(operation, usersPath, id)
	if err != nil {
		return nil, err
	}
	var u User
	if err := s.client.do(ctx, request{operation: operation, path: p, safe: true}, &u); err != nil {
		return nil, err
	}
	return &u, nil
}

// ByLogin returns the user with a log-in name, compared without regard to
// letter case. No such user: ErrNotFound.
func (s *UsersService) ByLogin(ctx context.Context, login string) (*User, error) {
	const operation = "Users.ByLogin"
	if strings.TrimSpace(login) == "" || len(login) > 300 {
		return nil, &Error{Operation: operation, Status: http.StatusBadRequest, Message: "the log-in name is missing or too long; nothing was sent"}
	}
	body := userSearch{Schemas: []string{searchSchema}, UserSearch: UserSearch{Filter: "userName eq " + FilterText(login), Count: 10}}
	var a struct {
		Total     *int    `json:"totalResults"`
		Resources []*User `json:"Resources"`
	}
	// The search is a POST that changes nothing.
	r := request{operation: operation, method: http.MethodPost, path: usersPath + "/.search", body: body, safe: true}
	if err := s.client.do(ctx, r, &a); err != nil {
		return nil, err
	}
	// SCIM lets an empty list leave its array out; an answer that says nothing is no
	// word that there is nobody.
	if a.Resources == nil && (a.Total == nil || *a.Total != 0) {
		return nil, &Error{Operation: operation, Err: errNoList}
	}
	for _, u := range a.Resources {
		if u != nil && strings.EqualFold(u.UserName, login) {
			return u, nil
		}
	}
	return nil, &Error{Operation: operation, Status: http.StatusNotFound, Message: "no user has that log-in name"}
}

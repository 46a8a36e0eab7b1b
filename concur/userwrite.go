package concur

import (
	"context"
	"encoding/json"
	"net/http"
)

const (
	userSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
	patchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// UserInput is an identity to be made, or what one becomes. UserName, a family
// name, one address and the employer's number and company are what the page's
// samples send. It holds personal data.
type UserInput struct {
	UserName          string              `json:"userName,omitempty"` // the log-in name
	ExternalID        string              `json:"externalId,omitempty"`
	Active            *bool               `json:"active,omitempty"` // nil is not sent
	DisplayName       string              `json:"displayName,omitempty"`
	Name              UserNameInput       `json:"name,omitzero"`
	Emails            []UserEmail         `json:"emails,omitempty"`
	PreferredLanguage string              `json:"preferredLanguage,omitempty"` // en-US
	Timezone          string              `json:"timezone,omitempty"`          // America/New_York
	Enterprise        UserEnterpriseInput `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User,omitzero"`

	// Other holds further attributes by their SCIM names.
	Other map[string]any `json:"-"`
}

// UserNameInput is a person's name in its parts.
type UserNameInput struct {
	GivenName  string `json:"givenName,omitempty"`
	FamilyName string `json:"familyName,omitempty"`
	MiddleName string `json:"middleName,omitempty"`
}

// UserEnterpriseInput is what the employer says about a person.
type UserEnterpriseInput struct {
	EmployeeNumber string       `json:"employeeNumber,omitempty"`
	CompanyID      string       `json:"companyId,omitempty"`
	CostCenter     string       `json:"costCenter,omitempty"` // not the cost centre of expenses
	Department     string       `json:"department,omitempty"`
	StartDate      Time         `json:"startDate,omitzero"`
	Manager        *UserManager `json:"manager,omitempty"`
}

// MarshalJSON writes the identity with its schemas and its other attributes.
func (in UserInput) MarshalJSON() ([]byte, error) {
	type plain UserInput
	b, err := json.Marshal(plain(in))
	if err != nil {
		return nil, err
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	m["schemas"] = []string{userSchema} // the samples name no other, whatever else they send
	for name, v := range in.Other {
		m[name] = v
	}
	return json.Marshal(m)
}

// UserOperation changes one attribute of an identity.
type UserOperation struct {
	Op    string `json:"op"`   // add, replace, remove
	Path  string `json:"path"` // "active", "name.familyName", or the extension's name, a colon and an attribute
	Value any    `json:"value,omitempty"`
}

// Create makes an identity: a user of neither Expense nor Invoice, who needs
// spend data beside it. It is sent once: where the answer is lost, look for the
// log-in name before making another. Scope:
// identity.user.coreenterprise.writeonly.
func (s *UsersService) Create(ctx context.Context, in UserInput) (*User, error) {
	const operation = "Users.Create"
	if in.UserName == "" {
		return nil, notSent(operation, "a log-in name is required")
	}
	return fetch[User](ctx, s.client, request{operation: operation, method: http.MethodPost, path: usersPath, body: in})
}

// Update changes attributes of an identity and leaves all others. It is sent once.
// Scope: identity.user.coreenterprise.writeonly.
func (s *UsersService) Update(ctx context.Context, id string, operations ...UserOperation) (*User, error) {
	const operation = "Users.Update"
	if len(operations) == 0 {
		return nil, notSent(operation, "something to change is required")
	}
	p, err := path(operation, usersPath, id)
	if err != nil {
		return nil, err
	}
	return fetch[User](ctx, s.client, request{operation: operation, method: http.MethodPatch, path: p, body: scimPatch{[]string{patchSchema}, operations}})
}

// scimPatch changes attributes of a SCIM resource.
type scimPatch struct {
	Schemas    []string        `json:"schemas"`
	Operations []UserOperation `json:"Operations"`
}

// Replace makes an identity what in says and clears whatever in does not say:
// Update is nearly always what is meant. It is sent once. Scope:
// identity.user.coreenterprise.writeonly.
func (s *UsersService) Replace(ctx context.Context, id string, in UserInput) (*User, error) {
	const operation = "Users.Replace"
	p, err := path(operation, usersPath, id)
	if err != nil {
		return nil, err
	}
	return fetch[User](ctx, s.client, request{operation: operation, method: http.MethodPut, path: p, body: in})
}

// Delete deletes an identity. It is sent once. Scope:
// identity.user.coreenterprise.writeonly.
func (s *UsersService) Delete(ctx context.Context, id string) error {
	const operation = "Users.Delete"
	p, err := path(operation, usersPath, id)
	if err != nil {
		return err
	}
	return s.client.do(ctx, request{operation: operation, method: http.MethodDelete, path: p}, nil)
}

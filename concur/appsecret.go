package concur

import (
	"context"
	"encoding/json"
	"net/http"
)

// AppSecret is one of an app's secrets, without its text. Follows the Rotating
// Secrets page, which is marked as pre-release.
type AppSecret struct {
	ID        string `json:"id"`
	Status    string `json:"status"` // Active or Inactive
	CreatedAt Time   `json:"createdAt"`
	UpdatedAt Time   `json:"updatedAt"`
	// Secret is the text, in the answer that makes a secret alone. The page does not
	// show that answer: the member's name is an assumption. Where it is another one
	// this is empty, and the text stands in Raw.
	Secret Secret `json:"-"`

	// Raw is the object as it came, with the fields that have none here. It is empty
	// where Secret is not, so that the text is not encoded by accident.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the object and keeps it in Raw.
func (a *AppSecret) UnmarshalJSON(b []byte) error {
	type plain AppSecret
	var p plain
	if err := readObject(b, &p, &p.Raw); err != nil {
		return err
	}
	var text struct {
		Secret       Text `json:"secret"`
		ClientSecret Text `json:"clientSecret"`
		Snake        Text `json:"client_secret"`
	}
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	if p.Secret = Secret(text.Secret + text.ClientSecret + text.Snake); p.Secret != "" {
		p.Raw = nil
	}
	*a = AppSecret(p)
	return nil
}

// MarshalJSON writes the object as it came, with what was changed since.
func (a AppSecret) MarshalJSON() ([]byte, error) {
	type plain AppSecret
	return writeObject(plain(a), a.Raw)
}

// AppSecretsService rotates the app's secrets: make a second one, activate it,
// put it into App.OtherSecret everywhere, then deactivate and delete the first.
// Follows the Rotating Secrets page.
type AppSecretsService struct {
	service
	appID string
}

func (s *AppSecretsService) path(operation string, more ...string) (string, error) {
	return path(operation, "/app-mgmt/v4", append([]string{s.appID, "secrets"}, more...)...)
}

// List returns the app's secrets.
func (s *AppSecretsService) List(ctx context.Context) ([]*AppSecret, error) {
	const operation = "Secrets.List"
	p, err := s.path(operation)
	if err != nil {
		return nil, err
	}
	var as []*AppSecret
	return as, s.client.do(ctx, request{operation: operation, path: p, safe: true}, &as)
}

// Create makes a secret. It is sent once; what comes back is shown once.
func (s *AppSecretsService) Create(ctx context.Context) (*AppSecret, error) {
	const operation = "Secrets.Create"
	p, err := s.path(operation)
	if err != nil {
		return nil, err
	}
	return fetch[AppSecret](ctx, s.client, request{operation: operation, method: http.MethodPost, path: p, body: struct{}{}})
}

// SetActive activates or deactivates a secret. It is sent once.
func (s *AppSecretsService) SetActive(ctx context.Context, secretID string, active bool) error {
	const operation = "Secrets.SetActive"
	p, err := s.path(operation, secretID)
	if err != nil {
		return err
	}
	value := "inactive"
	if active {
		value = "active"
	}
	body := scimPatch{[]string{patchSchema}, []UserOperation{{"replace", "/status", value}}}
	return s.client.do(ctx, request{operation: operation, method: http.MethodPatch, path: p, body: body}, nil)
}

// Delete removes a secret; one that is still active: ErrInvalid. It is sent once.
func (s *AppSecretsService) Delete(ctx context.Context, secretID string) error {
	const operation = "Secrets.Delete"
	p, err := s.path(operation, secretID)
	if err != nil {
		return err
	}
	return s.client.do(ctx, request{operation: operation, method: http.MethodDelete, path: p}, nil)
}

package concur

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/internal/rest"
)

// ask calls the token endpoint, follows code 16 and tries the app's other secret
// where one is refused. A token that comes back with an error is whole but for
// its geolocation, which is not allowed.
func (s *TokenSource) ask(ctx context.Context, base string, form url.Values) (Token, error) {
	if len(s.scopes) > 0 && !form.Has("scope") {
		form.Set("scope", strings.Join(s.scopes, " "))
	}
	var t Token
	err := s.attempt(ctx, base, form, func(base string) error {
		var err error
		t, err = s.post(ctx, base, form)
		return err
	})
	return t, err
}

// attempt calls an endpoint of OAuth2 with the app's credentials in the form:
// where code 16 leads, and with the other secret where one is refused.
func (s *TokenSource) attempt(ctx context.Context, base string, form url.Values, call func(base string) error) error {
	form.Set("client_id", s.app.ClientID)
	defer form.Del("client_secret")
	return s.secrets.try(ctx, func(secret Secret) (bool, error) {
		form.Set("client_secret", string(secret))
		err := s.follow(base, call)
		var refused *TokenError
		return !errors.As(err, &refused) || refused.Code != 64 && refused.Code != 115, err
	})
}

func (s *TokenSource) follow(base string, call func(base string) error) error {
	for hop := 0; ; hop++ {
		err := call(base)
		var refused *TokenError
		if !errors.As(err, &refused) || refused.Code != 16 || hop == maxHops {
			return err
		}
		next, hostErr := s.hosts.base(refused.geolocation)
		if hostErr != nil {
			return fmt.Errorf("concur: token endpoint sends elsewhere: %w (%w)", hostErr, err)
		}
		base = next
	}
}

func (s *TokenSource) post(ctx context.Context, base string, form url.Values) (Token, error) {
	const operation = "token"
	asked := time.Now()
	// It may be repeated: an answer that was lost leaves nothing else to try than
	// the same refresh token again.
	res, err := s.endpoint(ctx, operation, base+"/oauth2/v0/token", form, s.rest.Safe)
	if err != nil {
		return Token{}, err
	}
	var a tokenAnswer
	if err := json.Unmarshal(res.Body, &a); err != nil {
		return Token{}, &Error{
			Operation: operation, Correlation: correlationOf(res.Header),
			Err: errors.New("the token endpoint's answer is not the JSON it should be"),
		}
	}
	t, err := a.token(asked)
	if err != nil {
		return Token{}, err
	}
	if t.Geolocation == "" && base != BootstrapURL {
		t.Geolocation = base // where the answer came from
	}
	checked, err := s.hosts.base(t.Geolocation)
	if err != nil {
		return t, fmt.Errorf("concur: token endpoint: %w", err)
	}
	t.Geolocation = checked
	return t, nil
}

// endpoint sends a form to an endpoint of OAuth2 and returns its answer of 200.
func (s *TokenSource) endpoint(ctx context.Context, operation, address string, form url.Values, send func(*http.Request) (*rest.Response, error)) (*rest.Response, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, &Error{Operation: operation, Err: err}
	}
	// The endpoint refuses a charset in the content type.
	req, err := rest.NewRequest(ctx, http.MethodPost, u, "application/x-www-form-urlencoded", []byte(form.Encode()))
	if err != nil {
		return nil, &Error{Operation: operation, Err: err}
	}
	req.Header.Set("Accept", "application/json")
	if id := Correlation(ctx); id != "" {
		req.Header.Set(correlationHeader, id)
	}
	res, err := send(req)
	if err != nil {
		return nil, &Error{Operation: operation, Err: err}
	}
	if res.Status != http.StatusOK {
		return nil, tokenErrorFrom(res.Status, res.Header, res.Body, rest.RetryAfter(res.Header, time.Now()))
	}
	return res, nil
}

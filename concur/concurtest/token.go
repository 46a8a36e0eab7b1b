package concurtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"
)

type requestToken struct {
	company *Company
	app     *App
	expires time.Time
}

type refreshToken struct {
	company *Company
	user    *User // whose it is; nil for the company's own
	app     *App
	scopes  []string
	expires time.Time
}

type accessToken struct {
	app     *App
	company *Company // nil for an app's own token
	user    *User    // nil for an app's or a company's own token
	center  *center
	scopes  []string
	expires time.Time
}

type tokens struct {
	request map[string]*requestToken
	refresh map[string]*refreshToken
	access  map[string]*accessToken
	consent map[string]*consent // authorization codes
	otps    []*otp

	refuse, refuseCode int // RefuseTokens
}

func newTokens() tokens {
	return tokens{
		request: map[string]*requestToken{}, refresh: map[string]*refreshToken{}, access: map[string]*accessToken{},
		consent: map[string]*consent{},
	}
}

// claims are those of the decoded access tokens that the vendor shows.
type claims struct {
	Audience string    `json:"aud"`
	Issuer   string    `json:"iss"`
	Subject  string    `json:"sub"`
	Expires  int64     `json:"exp"`
	NotUntil int64     `json:"nbf"`
	Issued   int64     `json:"iat"`
	Scopes   []string  `json:"concur.scopes"`
	Type     principal `json:"concur.type"`
	Version  int       `json:"concur.version"`
	AppID    string    `json:"concur.appId"`
	Company  string    `json:"concur.company,omitempty"`
}

// newAccessToken gives out a JSON web token. The vendor's are signed with RS256;
// nobody but the vendor checks them, so these are signed with HS256, which
// needs no key pair in every test.
func (s *Server) newAccessToken(a *App, c *Company, u *User, at *center, scopes []string) string {
	now := s.now()
	t := &accessToken{app: a, company: c, user: u, center: at, scopes: scopes, expires: now.Add(s.opts.AccessTokenLifetime)}
	cl := claims{
		Audience: "*", Issuer: at.url(), Subject: a.ClientID, Expires: t.expires.Unix(), NotUntil: now.Unix(),
		Issued: now.Unix(), Scopes: scopes, Type: principalApp, Version: 3, AppID: a.ClientID,
	}
	if c != nil {
		cl.Subject, cl.Type, cl.Company = c.ID, principalCompany, c.ID
	}
	if u != nil {
		cl.Subject, cl.Type = u.ID, principalUser
	}
	// A claim set is strings and numbers: it always encodes.
	b, _ := json.Marshal(cl)
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"HS256"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(b)
	mac := hmac.New(sha256.New, []byte(s.ids.hex("token", 32)))
	mac.Write([]byte(head))
	token := head + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	s.tokens.access[token] = t
	return token
}

func (s *Server) newRefreshToken(a *App, c *Company, u *User, scopes []string) (string, *refreshToken) {
	t := &refreshToken{company: c, user: u, app: a, scopes: scopes, expires: s.now().Add(s.opts.RefreshTokenLifetime)}
	id := s.ids.uuid("refresh")
	s.tokens.refresh[id] = t
	return id, t
}

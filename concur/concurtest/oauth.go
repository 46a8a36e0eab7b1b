package concurtest

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// tokenError is the error body of the token endpoint.
type tokenError struct {
	status      int
	Code        int    `json:"code"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Geolocation string `json:"geolocation,omitempty"`
	Correlation string `json:"concur-correlationid"`
}

// tokenAnswer is the body of a token response; the fields that a grant does not
// give are left out.
type tokenAnswer struct {
	ExpiresIn        any    `json:"expires_in"` // "3600" or 3600
	Scope            string `json:"scope"`
	TokenType        string `json:"token_type"`
	AccessToken      string `json:"access_token"`
	RefreshToken     string `json:"refresh_token,omitempty"`
	RefreshExpiresIn int64  `json:"refresh_expires_in,omitempty"` // absolute, in epoch seconds
	Geolocation      string `json:"geolocation"`
}

// tokenCall is one call of the token endpoint, under the server's lock.
type tokenCall struct {
	s      *Server
	r      *http.Request
	center *center
	form   url.Values
	app    *App
}

// serveToken follows the "Authentication" pages: POST /oauth2/v0/token.
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	c := &tokenCall{s: s, r: r, center: s.centerLocked(r.Host)}
	answer, refused := c.grant()
	s.mu.Unlock()
	status, body := http.StatusOK, any(answer)
	if refused != nil {
		refused.Correlation = correlation(r)
		status, body = refused.status, refused
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(encodeJSON(body))
}

func (c *tokenCall) grant() (*tokenAnswer, *tokenError) {
	if c.center == nil || c.center == c.s.legacy {
		return nil, deny(61)
	}
	if c.s.tokens.refuse > 0 {
		c.s.tokens.refuse--
		return nil, deny(c.s.tokens.refuseCode)
	}
	if e := c.readForm(); e != nil {
		return nil, e
	}
	if e := c.authenticate(); e != nil {
		return nil, e
	}
	switch c.form.Get("grant_type") {
	case "":
		return nil, deny(65)
	case "password":
		return c.password()
	case "refresh_token":
		return c.refresh()
	case "client_credentials":
		return c.clientCredentials()
	case "authorization_code":
		return c.authorizationCode()
	case "otp":
		return c.oneTimePassword()
	default:
		return nil, deny(60)
	}
}

// readForm takes parameters from the body alone: those in the query string are
// rejected, as is a Content-Type with a charset.
func (c *tokenCall) readForm() *tokenError {
	if c.r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return deny(135)
	}
	body, err := io.ReadAll(c.r.Body)
	if err == nil {
		c.form, err = url.ParseQuery(string(body))
	}
	if err != nil {
		return deny(135)
	}
	return nil
}

func (c *tokenCall) authenticate() *tokenError {
	id, secret := c.form.Get("client_id"), c.form.Get("client_secret")
	if id == "" {
		return deny(62)
	}
	if secret == "" {
		return deny(63)
	}
	i := slices.IndexFunc(c.s.apps, func(a *App) bool { return a.ClientID == id })
	if i < 0 {
		return deny(61)
	}
	c.app = c.s.apps[i]
	if !c.app.takes(secret) {
		return deny(64)
	}
	if c.app.Disabled {
		return deny(59)
	}
	return nil
}

// password is the company's first token: credtype authtoken, at the global
// landing zone. Another data centre sends there who does not live in it.
func (c *tokenCall) password() (*tokenAnswer, *tokenError) {
	name, password := c.form.Get("username"), c.form.Get("password")
	if name == "" {
		return nil, deny(51)
	}
	if password == "" {
		return nil, deny(52)
	}
	switch c.form.Get("credtype") {
	case "authtoken":
	case "", "password":
		// Without credtype the words are taken for a user's.
		return c.userPassword(name, password)
	default:
		return nil, deny(120)
	}
	co := c.s.companyByID(name)
	if co == nil {
		return nil, deny(100)
	}
	t := c.s.tokens.request[password]
	switch {
	case t == nil || t.company != co || !c.s.now().Before(t.expires):
		return nil, deny(5)
	case t.app != c.app:
		return nil, deny(136)
	}
	if e := c.elsewhere(co); e != nil {
		return nil, e
	}
	scopes, e := c.scopes(c.app.Scopes)
	if e != nil {
		return nil, e
	}
	id, refresh := c.s.newRefreshToken(c.app, co, nil, scopes)
	return c.answer(co, nil, co.center, scopes, id, refresh), nil
}

func (c *tokenCall) refresh() (*tokenAnswer, *tokenError) {
	id := c.form.Get("refresh_token")
	if id == "" {
		return nil, deny(106)
	}
	t := c.s.tokens.refresh[id]
	switch {
	case t == nil || !c.s.now().Before(t.expires):
		e := deny(108)
		e.Geolocation = c.center.base(c.r)
		return nil, e
	case t.app != c.app:
		return nil, deny(105)
	}
	if e := c.elsewhere(t.company); e != nil {
		return nil, e
	}
	scopes, e := c.scopes(t.scopes)
	if e != nil {
		return nil, e
	}
	if c.s.opts.KeepRefreshToken {
		// A refresh begins the six months anew.
		t.expires = c.s.now().Add(c.s.opts.RefreshTokenLifetime)
	} else {
		delete(c.s.tokens.refresh, id)
		id, t = c.s.newRefreshToken(t.app, t.company, t.user, t.scopes)
	}
	return c.answer(t.company, t.user, t.company.center, scopes, id, t), nil
}

func (c *tokenCall) clientCredentials() (*tokenAnswer, *tokenError) {
	scopes, e := c.scopes(c.app.Scopes)
	if e != nil {
		return nil, e
	}
	at := c.center
	if at.name == GlobalLandingZone {
		at = c.s.centers[1]
	}
	return c.answer(nil, nil, at, scopes, "", nil), nil
}

// elsewhere is code 16. The global landing zone answers for every data centre,
// but only for the first token: a refresh belongs to the geolocation.
func (c *tokenCall) elsewhere(co *Company) *tokenError {
	if co.center == c.center || c.center.name == GlobalLandingZone && slices.Contains([]string{"password", "authorization_code", "otp"}, c.form.Get("grant_type")) {
		return nil
	}
	e := deny(16)
	e.Geolocation = co.center.base(c.r)
	return e
}

// scopes narrows what was granted to what the call asks for.
func (c *tokenCall) scopes(granted []string) ([]string, *tokenError) {
	asked := strings.Fields(c.form.Get("scope"))
	if len(asked) == 0 {
		return granted, nil
	}
	for _, s := range asked {
		if !slices.Contains(granted, s) {
			return nil, deny(54)
		}
	}
	return asked, nil
}

func (c *tokenCall) answer(co *Company, u *User, at *center, scopes []string, id string, refresh *refreshToken) *tokenAnswer {
	if co != nil && u == nil {
		c.s.events.connect(c.app, co)
	}
	a := &tokenAnswer{
		Scope: strings.Join(scopes, " "), TokenType: "Bearer", Geolocation: at.base(c.r),
		AccessToken: c.s.newAccessToken(c.app, co, u, at, scopes), RefreshToken: id,
	}
	if refresh != nil {
		a.RefreshExpiresIn = refresh.expires.Unix()
	}
	seconds := int64(c.s.opts.AccessTokenLifetime.Seconds())
	a.ExpiresIn = strconv.FormatInt(seconds, 10)
	if c.s.opts.NumericExpiresIn {
		a.ExpiresIn = seconds
	}
	return a
}

func (s *Server) companyByID(id string) *Company {
	for _, c := range s.companies {
		if strings.EqualFold(c.ID, id) {
			return c
		}
	}
	return nil
}

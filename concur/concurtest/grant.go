package concurtest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// consent is what an authorization code stands for.
type consent struct {
	app      *App
	company  *Company
	user     *User
	redirect string
	scopes   []string
	expires  time.Time
}

// otp is a one-time password that was sent.
type otp struct {
	app     *App
	email   string
	text    string
	facts   map[string]string // further parameters, to be repeated unchanged
	expires time.Time
}

const (
	consentLife = 10 * time.Minute
	otpLife     = 15 * time.Minute
	maxOTPs     = 5 // open at a time and address: not documented
)

// Authorize is a user's consent in the browser: it returns the query that the
// redirect URI gets, with a code for the default app.
func (c *Company) Authorize(login, redirectURI, state string, scopes ...string) url.Values {
	a := c.s.App()
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if len(scopes) == 0 {
		scopes = a.Scopes
	}
	code := c.s.ids.uuid("code")
	c.s.tokens.consent[code] = &consent{
		app: a, company: c, user: c.mustUser(login), redirect: redirectURI, scopes: scopes, expires: c.s.now().Add(consentLife),
	}
	return url.Values{"code": {code}, "geolocation": {c.center.url()}, "state": {state}}
}

// OTP returns the one-time password that was sent to an address last, "" for
// none.
func (s *Server) OTP(email string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range slices.Backward(s.tokens.otps) {
		if strings.EqualFold(o.email, email) {
			return o.text
		}
	}
	return ""
}

// userNamed finds a user of any company by login, id or address.
func (s *Server) userNamed(name string) (*Company, *User) {
	for _, c := range s.companies {
		for _, u := range c.users {
			if strings.EqualFold(u.Login, name) || strings.EqualFold(u.ID, name) || strings.EqualFold(u.Email, name) {
				return c, u
			}
		}
	}
	return nil, nil
}

// userPassword follows "Password grant": the user's own data centre gives the token.
func (c *tokenCall) userPassword(name, password string) (*tokenAnswer, *tokenError) {
	co, u := c.s.userNamed(name)
	switch {
	case u == nil || u.Password == "":
		return nil, deny(5)
	case u.SSO:
		return nil, deny(21)
	case u.Inactive:
		return nil, deny(10)
	}
	if e := c.elsewhereAlways(co); e != nil {
		return nil, e
	}
	if u.Password != password {
		return nil, deny(5)
	}
	return c.forUser(co, u, c.app.Scopes)
}

// elsewhereAlways is code 16 also at the global landing zone, which gives no
// tokens to users by password.
func (c *tokenCall) elsewhereAlways(co *Company) *tokenError {
	if co.center == c.center {
		return nil
	}
	e := deny(16)
	e.Geolocation = co.center.base(c.r)
	return e
}

func (c *tokenCall) forUser(co *Company, u *User, granted []string) (*tokenAnswer, *tokenError) {
	scopes, e := c.scopes(granted)
	if e != nil {
		return nil, e
	}
	id, refresh := c.s.newRefreshToken(c.app, co, u, scopes)
	return c.answer(co, u, co.center, scopes, id, refresh), nil
}

func (c *tokenCall) authorizationCode() (*tokenAnswer, *tokenError) {
	code, redirect := c.form.Get("code"), c.form.Get("redirect_uri")
	switch {
	case code == "":
		return nil, deny(101)
	case redirect == "":
		return nil, deny(102)
	}
	t := c.s.tokens.consent[code]
	switch {
	case t == nil || !c.s.now().Before(t.expires):
		return nil, deny(103)
	case t.redirect != redirect:
		return nil, deny(104)
	case t.app != c.app:
		return nil, deny(105)
	}
	if e := c.elsewhere(t.company); e != nil {
		return nil, e
	}
	delete(c.s.tokens.consent, code)
	return c.forUser(t.company, t.user, t.scopes)
}

// serveOTP follows "One-Time Password grant": POST /oauth2/v0/otp.
func (s *Server) serveOTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	c := &tokenCall{s: s, r: r, center: s.centerLocked(r.Host)}
	refused := c.sendOTP()
	s.mu.Unlock()
	status, body := http.StatusOK, any(map[string]string{"message": "otp sent"})
	if refused != nil {
		refused.Correlation = correlation(r)
		status, body = refused.status, refused
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encodeJSON(body))
}

func (c *tokenCall) sendOTP() *tokenError {
	if c.center == nil || c.center == c.s.legacy {
		return deny(61)
	}
	if e := c.readForm(); e != nil {
		return e
	}
	if e := c.authenticate(); e != nil {
		return e
	}
	email, e := c.channel()
	if e != nil {
		return e
	}
	co, u := c.s.userNamed(email)
	if u == nil {
		return deny(81)
	}
	if e := c.elsewhereAlways(co); e != nil {
		return e
	}
	open := 0
	for _, o := range c.s.tokens.otps {
		if strings.EqualFold(o.email, email) && c.s.now().Before(o.expires) {
			open++
		}
	}
	if open >= maxOTPs {
		return deny(82)
	}
	c.s.tokens.otps = append(c.s.tokens.otps, &otp{
		app: c.app, email: email, text: fmt.Sprintf("%06s", c.s.ids.hex("otp", 6)), facts: c.facts(), expires: c.s.now().Add(otpLife),
	})
	return nil
}

func (c *tokenCall) channel() (email string, refused *tokenError) {
	switch {
	case c.form.Get("channel_type") == "":
		return "", deny(57)
	case c.form.Get("channel_type") != "email":
		return "", deny(80)
	case c.form.Get("channel_handle") == "":
		return "", deny(58)
	}
	return c.form.Get("channel_handle"), nil
}

// facts are the parameters of the client's own, which both steps have to bear.
func (c *tokenCall) facts() map[string]string {
	own := []string{
		"client_id", "client_secret", "channel_type", "channel_handle", "name", "company", "link", "scope", "grant_type", "otp",
	}
	facts := map[string]string{}
	for k := range c.form {
		if !slices.Contains(own, k) {
			facts[k] = c.form.Get(k)
		}
	}
	return facts
}

func (c *tokenCall) oneTimePassword() (*tokenAnswer, *tokenError) {
	if c.form.Get("otp") == "" {
		return nil, deny(56)
	}
	email, e := c.channel()
	if e != nil {
		return nil, e
	}
	co, u := c.s.userNamed(email)
	if u == nil {
		return nil, deny(55)
	}
	if e := c.elsewhereAlways(co); e != nil {
		return nil, e
	}
	mine := slices.DeleteFunc(slices.Clone(c.s.tokens.otps), func(o *otp) bool {
		return !strings.EqualFold(o.email, email) || o.app != c.app || !c.s.now().Before(o.expires)
	})
	i := slices.IndexFunc(mine, func(o *otp) bool { return o.text == c.form.Get("otp") })
	switch {
	case len(mine) == 0:
		return nil, deny(83)
	case i < 0:
		return nil, deny(85)
	case !maps.Equal(mine[i].facts, c.facts()):
		return nil, deny(84)
	}
	c.s.tokens.otps = slices.DeleteFunc(c.s.tokens.otps, func(o *otp) bool { return o == mine[i] })
	return c.forUser(co, u, c.app.Scopes)
}

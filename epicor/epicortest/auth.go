package epicortest

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Right names what an API key may reach or a user may not: an empty field means all.
type Right struct {
	Company string // "EPIC06"
	Service string // "Erp.BO.APInvoiceSvc"
	Method  string // "UpdateMaster", or an entity set such as "Vendors"
}

func (r Right) covers(companyID, service, method string) bool {
	return (r.Company == "" || r.Company == companyID) &&
		(r.Service == "" || r.Service == service) &&
		(r.Method == "" || r.Method == method)
}

// User is an account that can log in.
type User struct {
	Name     string
	Password string
	Denied   []Right // answered 401 "Access denied (…)."
}

// APIKey is a key for the x-api-key header.
type APIKey struct {
	Key string
	// Companies the key was made for; none is all. Elsewhere it is answered 401
	// "Invalid API Key …".
	Companies []string
	// Scope is what the key may reach; none is everything. The rest is answered 403.
	Scope []Right
}

// Client is an application that the identity provider knows.
type Client struct {
	ID, Secret string
	User       string // the Kinetic user that it acts as
	Scope      string // that it has to ask for; "" is none
	Audience   string // that it has to name; "" is none
}

type token struct {
	user    string
	expires time.Time
	dead    bool // its session was ended
}

// AddUsers adds users, or replaces those that exist.
func (s *Server) AddUsers(users ...User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range users {
		s.users[u.Name] = u
	}
}

// AddKeys adds API keys, or replaces those that exist.
func (s *Server) AddKeys(keys ...APIKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range keys {
		s.keys[k.Key] = k
	}
}

// RemoveKey revokes an API key.
func (s *Server) RemoveKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, key)
}

// ExpireTokens makes every bearer that was given out run out now: they are
// answered 401 until a new one is taken.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tokens {
		t.expires = s.opts.Now()
	}
}

// EndSessions ends the session of every bearer that was given out: they are
// answered 410 until a new one is taken.
func (s *Server) EndSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tokens {
		t.dead = true
	}
}

// isTokenPath knows both addresses of the Token Resource that occur.
func isTokenPath(p string) bool {
	p = strings.TrimSuffix(p, "/")
	return p == "/TokenResource.svc" || p == "/api/v2/TokenResource.svc/token"
}

// tokenAnswer is the Token Resource's answer; the case of its fields is from guides.
type tokenAnswer struct {
	AccessToken  string `json:"AccessToken"`
	ExpiresIn    int64  `json:"ExpiresIn"`
	RefreshToken string `json:"RefreshToken"`
	TokenType    string `json:"TokenType"`
}

// serveToken gives out a bearer for credentials in headers or in a form with
// grant_type=password; without Accept: application/json it answers XML.
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
		return
	}
	name, password := r.Header.Get("username"), r.Header.Get("password")
	id, secret := r.Header.Get("clientid"), r.Header.Get("clientsecret")
	form := false
	if err := r.ParseForm(); err == nil {
		switch r.PostForm.Get("grant_type") {
		case "password":
			name, password = r.PostForm.Get("username"), r.PostForm.Get("password")
		case "client_credentials":
			form, id, secret = true, r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
		}
	}
	if c, ok := s.clients[id]; ok && equal(c.Secret, secret) {
		name, password = c.User, s.users[c.User].Password
	}
	if f := s.login(name, password); f != nil {
		s.refuse(w, f)
		return
	}
	if form {
		t := s.give(name)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(oauthAnswer{t, int64(s.opts.TokenLife / time.Second), "bearer"})
		return
	}
	a := tokenAnswer{AccessToken: s.give(name), ExpiresIn: int64(s.opts.TokenLife / time.Second), TokenType: "Bearer"}
	a.RefreshToken = strings.Replace(a.AccessToken, "bearer", "refresh", 1)
	if !strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/xml; charset=utf-8")
		_, _ = fmt.Fprintf(w, "<Token><AccessToken>%s</AccessToken><ExpiresIn>%d</ExpiresIn><TokenType>Bearer</TokenType></Token>",
			a.AccessToken, a.ExpiresIn)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(a)
}

// give makes a bearer for a user.
func (s *Server) give(user string) string {
	s.tokenNum++
	t := fmt.Sprintf("bearer-%s-%d", s.boot, s.tokenNum)
	s.tokens[t] = &token{user: user, expires: s.opts.Now().Add(s.opts.TokenLife)}
	return t
}

// oauthAnswer is the answer of a token address of OAuth2.
type oauthAnswer struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"`
	TokenType   string `json:"token_type"`
}

// identityPath is the token address of the identity provider.
const identityPath = "/identity/connect/token"

// AddClients adds applications to the identity provider, or replaces those that exist.
func (s *Server) AddClients(clients ...Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range clients {
		s.clients[c.ID] = c
	}
}

// serveIdentity gives out a bearer by OAuth2 client credentials, whose id and
// secret come in the form or by HTTP Basic.
func (s *Server) serveIdentity(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	refuse := func(status int, code, text string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": text})
	}
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.PostForm.Get("grant_type") != "client_credentials" {
		refuse(http.StatusBadRequest, "unsupported_grant_type", "only client_credentials is served")
		return
	}
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	c, known := s.clients[id]
	switch {
	case !known || !equal(c.Secret, secret):
		refuse(http.StatusUnauthorized, "invalid_client", "the client "+id+" with the secret "+secret+" is not known")
	case c.Scope != "" && !slices.Contains(strings.Fields(r.PostForm.Get("scope")), c.Scope):
		refuse(http.StatusBadRequest, "invalid_scope", "the scope is not allowed")
	case c.Audience != "" && r.PostForm.Get("audience") != c.Audience:
		refuse(http.StatusBadRequest, "invalid_request", "the audience is not known")
	default:
		_ = json.NewEncoder(w).Encode(oauthAnswer{s.give(c.User), int64(s.opts.TokenLife / time.Second), "Bearer"})
	}
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func (s *Server) login(name, password string) *fault {
	u, ok := s.users[name]
	if !ok || !equal(u.Password, password) {
		return unauthorized("Invalid username or password.")
	}
	return nil
}

// authorize says who calls. The texts of its refusals are those of live systems:
// only the text tells a wrong key, a wrong password and a missing right apart.
func (s *Server) authorize(r *http.Request, companyID, service, name string) (User, *fault) {
	u, f := s.authenticate(r)
	if f != nil {
		return User{}, f
	}
	given := r.Header.Get("x-api-key")
	key, ok := s.keys[given]
	if !ok || len(key.Companies) > 0 && !slices.Contains(key.Companies, companyID) {
		return User{}, unauthorized("Invalid API Key %s.\r\nCompany %s.", given, companyID)
	}
	bo := strings.TrimSuffix(service, "Svc")
	if len(key.Scope) > 0 && !slices.ContainsFunc(key.Scope, func(r Right) bool { return r.covers(companyID, service, name) }) {
		return User{}, &fault{
			status: http.StatusForbidden, kind: typeUnauthorized,
			message: fmt.Sprintf("The access scope of the API key does not allow %s.%s.", bo, name),
		}
	}
	if slices.ContainsFunc(u.Denied, func(r Right) bool { return r.covers(companyID, service, name) }) {
		return User{}, unauthorized("Access denied (%s.%s).", bo, name)
	}
	return u, nil
}

func (s *Server) authenticate(r *http.Request) (User, *fault) {
	if name, password, ok := r.BasicAuth(); ok {
		if f := s.login(name, password); f != nil {
			return User{}, f
		}
		return s.users[name], nil
	}
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return User{}, unauthorized("Authorization is required.")
	}
	t, ok := s.tokens[bearer]
	switch {
	case !ok:
		return User{}, unauthorized("The security token is not valid.")
	case t.dead:
		return User{}, &fault{status: http.StatusGone, kind: typeSession, message: "The session is no longer valid."}
	case !s.opts.Now().Before(t.expires):
		return User{}, unauthorized("The security token has expired.")
	}
	return s.users[t.user], nil
}

// unescape decodes one path segment.
func unescape(s string) (string, *fault) {
	u, err := url.PathUnescape(s)
	if err != nil {
		return "", badQuery("The path is not valid: %v.", err)
	}
	return u, nil
}

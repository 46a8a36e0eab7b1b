package concurtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CorrelationHeader is on every answer; a caller may set it on a request.
const CorrelationHeader = "concur-correlationid"

// service tells the families of APIs apart that refuse in different words.
type service int

const (
	gateway     service = iota // no body at all
	expense4                   // Reports v4
	version3                   // v3, JSON or XML
	list4                      // List v4
	scim                       // Identity v4.1
	events4                    // Event Subscription Service v4, and what else takes an app's token
	financial4                 // Financial Integration v4
	payment4                   // Invoice Payment Confirmation v4
	spend4                     // Spend Documents v4
	accounting4                // Accounting Integration v4
)

// principal is whom a token speaks for.
type principal string

const (
	principalApp     principal = "app"
	principalCompany principal = "company"
	principalUser    principal = "user"
)

// call is one request on its way through a handler, which runs under the
// server's lock.
type call struct {
	s       *Server
	r       *http.Request
	center  *center
	service service
	token   *accessToken // nil for the token endpoint
	company *Company     // whose token it is; nil for an app's token
	user    *User        // whose token it is; nil for an app's or a company's
}

// reply is what a handler answers. A nil body is no body.
type reply struct {
	status int
	header http.Header
	body   any
	root   string // name of the XML root for the v3 services
}

func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

// logHeader carries the correlation id through the log of calls, which shows the
// headers of the request and not those of the answer.
const logHeader = "X-Concurtest-Correlationid"

// correlate gives each call its correlation id, outside of the faults, so that
// an injected answer bears one too.
func (s *Server) correlate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(CorrelationHeader)
		if id == "" {
			s.mu.Lock()
			id = s.ids.uuid("correlation")
			s.mu.Unlock()
		}
		w.Header().Set(CorrelationHeader, id)
		r = r.Clone(r.Context())
		r.Header.Set(logHeader, id)
		next.ServeHTTP(w, r)
	})
}

func correlation(r *http.Request) string { return r.Header.Get(logHeader) }

// route is a resource with the scopes that open it: one of them is enough.
type route struct {
	pattern string
	service service
	scopes  []string
	handle  func(*call) reply
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth2/v0/token", s.serveToken)
	mux.HandleFunc("POST /oauth2/v0/otp", s.serveOTP)
	mux.HandleFunc("GET "+imagePath+"{image}", s.serveImageBytes)
	for _, table := range [][]route{
		reportRoutes(), report3Routes(), listRoutes(), userRoutes(), paymentRequestRoutes(),
		listWriteRoutes(), vendorRoutes(), subscriptionRoutes(), connectionRoutes(), financialRoutes(), entry3Routes(),
		reportWriteRoutes(), remarkRoutes(), paymentRoutes(), orderRoutes(), spendUserRoutes(), rateRoutes(), imageRoutes(),
		accountingRoutes(), invoiceWriteRoutes(), entry3WriteRoutes(), expense4Routes(), userWriteRoutes(),
	} {
		for _, rt := range table {
			mux.Handle(rt.pattern, s.resource(rt))
		}
	}
	return mux
}

// resource checks the token and calls the handler under the server's lock.
func (s *Server) resource(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		c := &call{s: s, r: r, service: rt.service, center: s.centerLocked(r.Host)}
		rep, admitted := c.admit(rt.scopes)
		if admitted {
			rep = rt.handle(c)
		}
		// Encoded under the lock: a body may share memory with the state.
		header, body := c.encode(rep)
		s.mu.Unlock()
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(rep.status)
		_, _ = w.Write(body)
	})
}

// admit checks token, data centre, principal and scope.
func (c *call) admit(scopes []string) (reply, bool) {
	o := &c.s.opts
	switch {
	case c.center == nil:
		return reply{status: http.StatusMisdirectedRequest}, false
	case c.center.name == GlobalLandingZone:
		return reply{status: http.StatusNotFound}, false
	case c.center == c.s.legacy:
		return c.refuse(http.StatusUnauthorized, "tokens of OAuth2 are not accepted by this host"), false
	}
	auth := c.r.Header.Get("Authorization")
	if auth == "" {
		return c.refuse(http.StatusUnauthorized, "Authorization header is missing"), false
	}
	scheme, value, _ := strings.Cut(auth, " ")
	t := c.s.tokens.access[value]
	switch {
	case !strings.EqualFold(scheme, "Bearer"), t == nil, !c.s.now().Before(t.expires):
		status := http.StatusUnauthorized
		if c.service == version3 {
			status = http.StatusForbidden
		}
		return c.refuse(orElse(o.InvalidTokenStatus, status), "the access token is invalid or has expired"), false
	case t.center != c.center:
		return c.refuse(o.WrongDataCenterStatus, "the access token is not known in this data center"), false
	case t.company == nil && c.service != events4:
		return c.refuse(http.StatusForbidden, "a company token is required"), false
	case t.company != nil && c.service == events4:
		return c.refuse(http.StatusForbidden, "a token of the application is required"), false
	case len(scopes) > 0 && !slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(t.scopes, s) }):
		return c.refuse(http.StatusForbidden, "the access token lacks the scope "+strings.Join(scopes, " or ")), false
	}
	c.token, c.company, c.user = t, t.company, t.user
	return c.limit()
}

// limit counts the call; one too many is refused.
func (c *call) limit() (reply, bool) {
	if c.s.opts.CallsPerMinute <= 0 {
		return reply{}, true
	}
	now := c.s.now()
	if minute := now.Truncate(time.Minute); !minute.Equal(c.s.minute) {
		c.s.minute, c.s.counted = minute, map[string]int{}
	}
	who := c.token.app.ClientID
	if c.company != nil {
		who = c.company.ID
	}
	if c.user != nil {
		who = c.user.ID
	}
	if c.s.counted[who]++; c.s.counted[who] <= c.s.opts.CallsPerMinute {
		return reply{}, true
	}
	rep := c.refuseAs(http.StatusTooManyRequests, "security.rate.limit.reached", "Too many requests")
	wait := "0"
	if c.service != list4 {
		wait = strconv.Itoa(60 - now.Second())
	}
	rep.header = http.Header{"Retry-After": {wait}}
	return rep, false
}

// companyOnly refuses a user's token.
func companyOnly(handle func(*call) reply) func(*call) reply {
	return func(c *call) reply {
		if c.user != nil {
			return c.refuse(http.StatusForbidden, "a company token is required")
		}
		return handle(c)
	}
}

// base returns the address of the data centre in the words of the caller.
func (c *call) base() string { return c.center.base(c.r) }

// encode writes the body as JSON, or as XML where a v3 service is not asked for JSON.
func (c *call) encode(rep reply) (http.Header, []byte) {
	h := rep.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if rep.body == nil {
		return h, nil
	}
	if m, other := rep.body.(markup); other {
		h.Set("Content-Type", m.contentType)
		return h, m.body
	}
	b := encodeJSON(rep.body)
	if c.service == version3 && !strings.Contains(c.r.Header.Get("Accept"), "json") {
		h.Set("Content-Type", "application/xml; charset=utf-8")
		return h, xmlFromJSON(orElse(rep.root, "Response"), b)
	}
	h.Set("Content-Type", "application/json;charset=UTF-8")
	return h, b
}

func encodeJSON(v any) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		// All bodies are types of this package, so this is a mistake of its author.
		panic("concurtest: " + err.Error())
	}
	return bytes.TrimRight(buf.Bytes(), "\n")
}

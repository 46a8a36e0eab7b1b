package concurtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const enterpriseSchema = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// User is an employee of a company.
type User struct {
	Login          string // user name, such as ada@acme.example; required
	ID             string // UUID; default made up
	FirstName      string
	LastName       string
	EmployeeNumber string // often the employee's vendor id in the ERP; default made up
	Email          string // default the login
	CostCenter     string // of the identity profile: not the expense cost centre
	Manager        string // login of the default approver
	Inactive       bool

	// Password lets the user's token be asked for; without one code 5 is answered.
	// SSO answers code 21 instead.
	Password string
	SSO      bool

	Spend Spend // settings for expenses
}

func (u *User) name() string { return strings.TrimSpace(u.FirstName + " " + u.LastName) }

// AddUser adds an employee and returns it with what was made up.
func (c *Company) AddUser(u User) User {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if u.Login == "" || c.userByLogin(u.Login) != nil {
		panic(fmt.Sprintf("concurtest: AddUser: the login %q is empty or taken", u.Login))
	}
	u.ID = strings.ToLower(orElse(u.ID, c.s.ids.uuid("user")))
	u.EmployeeNumber = orElse(u.EmployeeNumber, strconv.Itoa(1001+len(c.users)))
	u.Email = orElse(u.Email, u.Login)
	if u.FirstName == "" && u.LastName == "" {
		u.LastName, _, _ = strings.Cut(u.Login, "@")
	}
	c.users = append(c.users, &u)
	return u
}

// User returns the employee with the login.
func (c *Company) User(login string) (User, bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if u := c.userByLogin(login); u != nil {
		return *u, true
	}
	return User{}, false
}

func (c *Company) userByLogin(login string) *User {
	i := slices.IndexFunc(c.users, func(u *User) bool { return strings.EqualFold(u.Login, login) })
	if i < 0 {
		return nil
	}
	return c.users[i]
}

func (c *Company) userByID(id string) *User {
	i := slices.IndexFunc(c.users, func(u *User) bool { return strings.EqualFold(u.ID, id) })
	if i < 0 {
		return nil
	}
	return c.users[i]
}

func (c *Company) mustUser(login string) *User {
	u := c.userByLogin(login)
	if u == nil {
		panic(fmt.Sprintf("concurtest: %s has no user %q", c.Name, login))
	}
	return u
}

func userRoutes() []route {
	scopes := []string{scopeUserCore, scopeUserIDs, scopeUserCompany, scopeUserCoreMore}
	return []route{
		{"GET /profile/identity/v4.1/Users", scim, scopes, companyOnly(serveUsers)},
		{"POST /profile/identity/v4.1/Users/.search", scim, scopes, companyOnly(serveUserSearch)},
		{"GET /profile/identity/v4.1/Users/{id}", scim, scopes, companyOnly(serveUser)},
	}
}

// userWire is a user as the Identity v4.1 page shows it. It is a map because
// callers choose the attributes.
func (c *call) userWire(u *User, attributes []string) map[string]any {
	all := map[string]any{
		"schemas":     []string{"urn:ietf:params:scim:schemas:core:2.0:User", enterpriseSchema},
		"userName":    u.Login,
		"externalId":  nil,
		"active":      !u.Inactive,
		"displayName": u.name(),
		"name":        map[string]any{"familyName": u.LastName, "givenName": u.FirstName, "honorificSuffix": nil, "familyNamePrefix": nil},
		"emails":      []any{map[string]any{"verified": false, "type": "work", "value": u.Email, "notifications": true}},
		"timezone":    "America/New_York", "preferredLanguage": "en-US",
		"meta": map[string]any{"resourceType": "User", "version": 1, "location": c.base() + "/profile/identity/v4.1/Users/" + u.ID},
	}
	// What a scope opens attribute by attribute is an assumption: the page only names the scopes.
	if slices.Contains(c.token.scopes, scopeUserCompany) {
		ext := map[string]any{
			"companyId": c.company.ID, "employeeNumber": u.EmployeeNumber, "terminationDate": nil,
			"startDate": "2021-11-17T00:00:00.000", "costCenter": nil, "manager": nil,
		}
		if u.CostCenter != "" {
			ext["costCenter"] = u.CostCenter
		}
		if m := c.company.userByLogin(u.Manager); m != nil {
			ext["manager"] = map[string]any{"value": m.ID, "employeeNumber": m.EmployeeNumber}
		}
		all[enterpriseSchema] = ext
	}
	if len(attributes) > 0 {
		for k := range all {
			if !slices.ContainsFunc(attributes, func(a string) bool { return a == k || strings.HasPrefix(a, k+".") || strings.HasPrefix(a, k+":") }) {
				delete(all, k)
			}
		}
	}
	all["id"] = u.ID
	return all
}

type userList struct {
	Schemas      []string         `json:"schemas"`
	TotalResults int              `json:"totalResults"`
	ItemsPerPage int              `json:"itemsPerPage"`
	Resources    []map[string]any `json:"Resources"`
	NextCursor   string           `json:"nextCursor,omitempty"`
}

type userSearch struct {
	Schemas    []string `json:"schemas"`
	Filter     string   `json:"filter"`
	Attributes []string `json:"attributes"`
	Count      int      `json:"count"`
	Cursor     string   `json:"cursor"`
}

const searchSchema = "urn:ietf:params:scim:api:messages:concur:2.0:SearchRequest"

func serveUsers(c *call) reply {
	q := c.r.URL.Query()
	in := userSearch{Cursor: q.Get("cursor")}
	if v := q.Get("attributes"); v != "" {
		in.Attributes = strings.Split(v, ",")
	}
	if v := q.Get("count"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			return c.refuseAs(http.StatusBadRequest, "invalidValue", "count must be a number")
		}
		in.Count = n
	}
	return c.search(in)
}

func serveUserSearch(c *call) reply {
	var in userSearch
	if err := json.NewDecoder(c.r.Body).Decode(&in); err != nil {
		return c.refuseAs(http.StatusBadRequest, "invalidSyntax", "the request body is not JSON")
	}
	if !slices.Contains(in.Schemas, searchSchema) {
		return c.refuseAs(http.StatusBadRequest, "invalidValue", "schemas must hold "+searchSchema)
	}
	return c.search(in)
}

func (c *call) search(in userSearch) reply {
	keep, err := userFilter(in.Filter)
	if err != nil {
		return c.refuseAs(http.StatusBadRequest, "invalidFilter", err.Error())
	}
	if in.Count == 0 {
		in.Count = 100
	}
	if in.Count < 1 || in.Count > 1000 {
		return c.refuseAs(http.StatusBadRequest, "invalidValue", "count must be between 1 and 1000")
	}
	var found []*User
	for _, u := range c.company.users {
		if keep(u) {
			found = append(found, u)
		}
	}
	from := 0
	if in.Cursor != "" {
		if from, err = openCursor(in.Cursor); err != nil || from > len(found) {
			return c.refuseAs(http.StatusBadRequest, "invalidValue", "cursor is invalid")
		}
	}
	to := min(from+in.Count, len(found))
	out := userList{
		Schemas:      []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"},
		TotalResults: len(found), ItemsPerPage: to - from, Resources: []map[string]any{},
	}
	for _, u := range found[from:to] {
		out.Resources = append(out.Resources, c.userWire(u, in.Attributes))
	}
	if to < len(found) {
		out.NextCursor = sealCursor(to)
	}
	return ok(out)
}

func serveUser(c *call) reply {
	u := c.company.userByID(c.r.PathValue("id"))
	if u == nil {
		return c.refuse(http.StatusNotFound, "Resource "+c.r.PathValue("id")+" not found")
	}
	return ok(c.userWire(u, nil))
}

var userTerm = regexp.MustCompile(`^(\S+) (eq|ne) (?:"((?:[^"\\]|\\.)*)"|(\S+))$`)

// userFilter understands what look-ups need: attribute eq "value" and ne,
// joined by and. Everything else is refused, as a mistake is.
func userFilter(filter string) (func(*User) bool, error) {
	keep := func(*User) bool { return true }
	if strings.TrimSpace(filter) == "" {
		return keep, nil
	}
	for term := range strings.SplitSeq(filter, " and ") {
		m := userTerm.FindStringSubmatch(strings.TrimSpace(term))
		if m == nil {
			return nil, fmt.Errorf("filter %q is not understood", term)
		}
		get := userAttribute(m[1])
		if get == nil {
			return nil, fmt.Errorf("attribute %q cannot be filtered", m[1])
		}
		want := m[4]
		if m[3] != "" {
			var err error
			if want, err = strconv.Unquote(`"` + m[3] + `"`); err != nil {
				return nil, fmt.Errorf("filter %q is not understood", term)
			}
		}
		before, equal := keep, m[2] == "eq"
		keep = func(u *User) bool { return before(u) && strings.EqualFold(get(u), want) == equal }
	}
	return keep, nil
}

func userAttribute(name string) func(*User) string {
	switch strings.TrimPrefix(name, enterpriseSchema+":") {
	case "id":
		return func(u *User) string { return u.ID }
	case "userName":
		return func(u *User) string { return u.Login }
	case "employeeNumber":
		return func(u *User) string { return u.EmployeeNumber }
	case "emails.value":
		return func(u *User) string { return u.Email }
	case "active":
		return func(u *User) string { return strconv.FormatBool(!u.Inactive) }
	default:
		return nil
	}
}

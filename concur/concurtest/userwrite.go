package concurtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func userWriteRoutes() []route {
	scopes := []string{scopeUserWrite}
	const base = "/profile/identity/v4.1/Users"
	one := func(handle func(*call, *User) reply) func(*call) reply {
		return companyOnly(func(c *call) reply {
			u := c.company.userByID(c.r.PathValue("id"))
			if u == nil {
				return c.refuse(http.StatusNotFound, "Resource "+c.r.PathValue("id")+" not found")
			}
			return handle(c, u)
		})
	}
	return []route{
		{"POST " + base, scim, scopes, companyOnly(serveCreateUser)},
		{"PATCH " + base + "/{id}", scim, scopes, one(servePatchUser)},
		{"PUT " + base + "/{id}", scim, scopes, one(serveReplaceUser)},
		{"DELETE " + base + "/{id}", scim, scopes, one(serveDeleteUser)},
	}
}

// userBody is what is understood of an identity; other attributes are taken and
// forgotten.
type userBody struct {
	Schemas  []string `json:"schemas"`
	UserName string   `json:"userName"`
	Active   bool     `json:"active"`
	Name     struct {
		FamilyName string `json:"familyName"`
		GivenName  string `json:"givenName"`
	} `json:"name"`
	Emails []struct {
		Value string `json:"value"`
	} `json:"emails"`
	Enterprise struct {
		EmployeeNumber string `json:"employeeNumber"`
		CompanyID      string `json:"companyId"`
		CostCenter     string `json:"costCenter"`
	} `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`
}

// userBody reads an identity; the log-in name must be nobody else's.
func (c *call) userBody(id string) (User, *reply) {
	var in userBody
	refuse := func(status int, kind, message string) (User, *reply) {
		rep := c.refuseAs(status, kind, message)
		return User{}, &rep
	}
	m, raw, readable := c.fields()
	if !readable || json.Unmarshal(raw, &in) != nil {
		return refuse(http.StatusBadRequest, "invalidSyntax", "the request body is not readable")
	}
	other := c.company.userByLogin(in.UserName)
	switch {
	case !slices.Contains(in.Schemas, "urn:ietf:params:scim:schemas:core:2.0:User") || m["userName"] == nil || in.UserName == "":
		return refuse(http.StatusBadRequest, "invalidValue", "schemas and userName are required")
	case in.Enterprise.CompanyID != "" && !strings.EqualFold(in.Enterprise.CompanyID, c.company.ID):
		return refuse(http.StatusBadRequest, "invalidValue", "companyId is another company's")
	case other != nil && other.ID != id:
		return refuse(http.StatusConflict, "uniqueness", "userName is taken")
	}
	u := User{
		ID: id, Login: in.UserName, FirstName: in.Name.GivenName, LastName: in.Name.FamilyName, EmployeeNumber: in.Enterprise.EmployeeNumber,
		CostCenter: in.Enterprise.CostCenter, Inactive: !in.Active, Email: in.UserName,
	}
	if len(in.Emails) > 0 {
		u.Email = in.Emails[0].Value
	}
	return u, nil
}

func serveCreateUser(c *call) reply {
	u, refused := c.userBody("")
	if refused != nil {
		return *refused
	}
	u.ID = c.s.ids.uuid("user")
	c.company.users = append(c.company.users, &u)
	return reply{status: http.StatusOK, body: c.userWire(&u, nil)}
}

// serveReplaceUser clears what is not sent.
func serveReplaceUser(c *call, u *User) reply {
	next, refused := c.userBody(u.ID)
	if refused != nil {
		return *refused
	}
	next.Password, next.SSO, next.Spend = u.Password, u.SSO, u.Spend // not of the identity
	c.renamed(u.Login, next.Login)
	*u = next
	return ok(c.userWire(u, nil))
}

// renamed lets documents follow a log-in name.
func (c *call) renamed(from, to string) {
	for _, r := range c.company.reports {
		if r.Owner == from {
			r.Owner = to
		}
		if r.Approver == from {
			r.Approver = to
		}
	}
	for _, p := range c.company.requests {
		if p.Owner == from {
			p.Owner = to
		}
	}
	for _, u := range c.company.users {
		if u.Manager == from {
			u.Manager = to
		}
	}
}

func servePatchUser(c *call, u *User) reply {
	var in struct {
		Schemas    []string `json:"schemas"`
		Operations []struct {
			Op    string `json:"op"`
			Path  string `json:"path"`
			Value any    `json:"value"`
		} `json:"Operations"`
	}
	if err := c.decode(&in); err != nil || !slices.Contains(in.Schemas, "urn:ietf:params:scim:api:messages:2.0:PatchOp") || len(in.Operations) == 0 {
		return c.refuseAs(http.StatusBadRequest, "invalidSyntax", "a PatchOp with operations is required")
	}
	next := *u
	texts := map[string]*string{
		"userName": &next.Login, "name.givenName": &next.FirstName, "name.familyName": &next.LastName,
		enterpriseSchema + ":employeeNumber": &next.EmployeeNumber, enterpriseSchema + ":costCenter": &next.CostCenter,
	}
	for _, o := range in.Operations {
		op := strings.ToLower(o.Op)
		if !slices.Contains([]string{"add", "replace", "remove"}, op) {
			return c.refuseAs(http.StatusBadRequest, "invalidSyntax", "op "+strconv.Quote(o.Op)+" is not known")
		}
		text, _ := o.Value.(string)
		active, isBool := o.Value.(bool)
		into := texts[o.Path]
		switch {
		case into != nil && op == "remove":
			*into = ""
		case into != nil:
			*into = text
		case o.Path == "active" && isBool:
			next.Inactive = !active
		case o.Path == "nickName" || o.Path == "displayName":
			// Taken and forgotten.
		default:
			return c.refuseAs(http.StatusBadRequest, "invalidPath", "path "+strconv.Quote(o.Path)+" cannot be changed")
		}
	}
	if other := c.company.userByLogin(next.Login); next.Login == "" || other != nil && other != u {
		return c.refuseAs(http.StatusConflict, "uniqueness", "userName is missing or taken")
	}
	c.renamed(u.Login, next.Login)
	*u = next
	return ok(c.userWire(u, nil))
}

func serveDeleteUser(c *call, u *User) reply {
	if slices.ContainsFunc(c.company.reports, func(r *Report) bool { return r.Owner == u.Login }) {
		// What the vendor does is not documented; documents without an owner would
		// be of no use to a test.
		return c.refuseAs(http.StatusConflict, "mutability", "the user owns reports")
	}
	c.company.users = slices.DeleteFunc(c.company.users, func(o *User) bool { return o == u })
	return none()
}

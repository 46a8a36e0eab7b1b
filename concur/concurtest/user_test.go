package concurtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/concur/concurtest"
)

func search(t *testing.T, s *concurtest.Server, co *concurtest.Company, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, co.BaseURL()+"/profile/identity/v4.1/Users/.search", strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+co.AccessToken())
	return do(t, s.Client(), r)
}

const searchSchema = `"schemas":["urn:ietf:params:scim:api:messages:concur:2.0:SearchRequest"]`

func TestUserSearchFilters(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	co.AddUser(concurtest.User{Login: "bob@acme.example", FirstName: "Bob", Inactive: true})
	for filter, want := range map[string]int{
		`userName eq \"ada@acme.example\"`:                    1,
		`userName eq \"ADA@acme.example\"`:                    1,
		`userName eq \"nobody@acme.example\"`:                 0,
		`active eq true`:                                      2,
		`active ne true`:                                      1,
		`active eq true and userName eq \"bob@acme.example\"`: 0,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq \"E100\"`: 1,
		``: 3,
	} {
		a := search(t, s, co, `{`+searchSchema+`,"filter":"`+filter+`"}`)
		require.Equal(t, 200, a.status, a.body)
		require.Len(t, a.object(t)["Resources"], want, filter)
	}
	for name, body := range map[string]string{
		"unknown operator":  `{` + searchSchema + `,"filter":"userName like \"a\""}`,
		"unknown attribute": `{` + searchSchema + `,"filter":"shoeSize eq \"44\""}`,
		"no schema":         `{"filter":"active eq true"}`,
		"no JSON":           `{`,
		"too many":          `{` + searchSchema + `,"count":1001}`,
	} {
		a := search(t, s, co, body)
		require.Equal(t, 400, a.status, name)
		require.NotEmpty(t, a.object(t)["detail"], name)
	}
}

func TestUserListEndsWithoutACursor(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co := s.AddCompany("Acme", nil)
	for i := range 5 {
		co.AddUser(concurtest.User{Login: fmt.Sprintf("u%d@acme.example", i)})
	}
	var got []string
	query := "?count=2"
	for {
		o := get(t, s, co, "/profile/identity/v4.1/Users"+query).object(t)
		require.NotContains(t, o, "startIndex")
		for _, u := range rows(o["Resources"]) {
			got = append(got, text(fields(u)["userName"]))
		}
		next, more := o["nextCursor"]
		if !more {
			break
		}
		query = "?count=2&cursor=" + text(next)
	}
	require.Equal(t, []string{"u0@acme.example", "u1@acme.example", "u2@acme.example", "u3@acme.example", "u4@acme.example"}, got)
}

func TestUserBearsTheEmployeeNumberInTheEnterpriseExtension(t *testing.T) {
	t.Parallel()
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	path := "/profile/identity/v4.1/Users/" + userID(t, s, co, "ada@acme.example")
	ext := fields(get(t, s, co, path).object(t)[enterprise])
	require.Equal(t, "E100", ext["employeeNumber"])
	require.Equal(t, co.ID, ext["companyId"])
	require.Equal(t, userID(t, s, co, "max@acme.example"), fields(ext["manager"])["value"])
	require.NotContains(t, getWith(t, s, co.BaseURL()+path, co.AccessToken("identity.user.core.read")).object(t), enterprise)
}

func TestUnknownUserIsASCIMError(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	a := get(t, s, co, "/profile/identity/v4.1/Users/3b241101-e2bb-4255-8caf-4136c566a962")
	require.Equal(t, 404, a.status)
	require.Equal(t, "404", a.object(t)["status"])
	require.Equal(t, []any{"urn:ietf:params:scim:api:messages:2.0:Error"}, a.object(t)["schemas"])
}

func TestUserAttributesCanBeChosen(t *testing.T) {
	t.Parallel()
	s := concurtest.NewServer(t, nil)
	co, _ := acme(s)
	o := search(t, s, co, `{`+searchSchema+`,"attributes":["userName"]}`).object(t)
	u := fields(rows(o["Resources"])[0])
	require.Len(t, u, 2)
	require.Contains(t, u, "id")
	require.Contains(t, u, "userName")
}

func TestUserIsFoundByLogin(t *testing.T) {
	t.Parallel()
	s := concurtest.New(nil)
	defer s.Close()
	co, _ := acme(s)
	u, found := co.User("ADA@acme.example")
	require.True(t, found)
	require.Equal(t, "E100", u.EmployeeNumber)
	_, found = co.User("nobody@acme.example")
	require.False(t, found)
}

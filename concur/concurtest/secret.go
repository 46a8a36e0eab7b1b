package concurtest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// appSecret is a further secret of an app.
type appSecret struct {
	id, text         string
	active           bool
	created, updated time.Time
}

// takes reports whether a secret opens the token endpoint.
func (a *App) takes(secret string) bool {
	if secret == a.ClientSecret {
		return !a.retired
	}
	return slices.ContainsFunc(a.secrets, func(s appSecret) bool { return s.active && s.text == secret })
}

// AddSecret gives an app a second secret, active at once, and returns it.
func (s *Server) AddSecret(a *App) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addSecret(a, true).text
}

// RetireSecret ends an app's first secret, App.ClientSecret.
func (s *Server) RetireSecret(a *App) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.retired = true
}

func (s *Server) addSecret(a *App, active bool) *appSecret {
	now := s.now()
	a.secrets = append(a.secrets, appSecret{id: s.ids.uuid("secretid"), text: s.ids.hex("secret", 32), active: active, created: now, updated: now})
	return &a.secrets[len(a.secrets)-1]
}

func connectionRoutes() []route {
	const secrets = "/app-mgmt/v4/{app}/secrets"
	return []route{
		{"DELETE /app-mgmt/v0/connections", gateway, nil, serveRevoke},
		{"GET " + secrets, events4, nil, ownApp(serveSecrets)},
		{"POST " + secrets, events4, nil, ownApp(serveAddSecret)},
		{"PATCH " + secrets + "/{secret}", events4, nil, ownApp(servePatchSecret)},
		{"DELETE " + secrets + "/{secret}", events4, nil, ownApp(serveDeleteSecret)},
	}
}

// serveRevoke ends all refresh tokens that the app has of the token's principal.
func serveRevoke(c *call) reply {
	for k, t := range c.s.tokens.refresh {
		if t.company == c.company && t.user == c.user && t.app == c.token.app {
			delete(c.s.tokens.refresh, k)
		}
	}
	return reply{status: http.StatusOK}
}

func ownApp(handle func(*call, *App) reply) func(*call) reply {
	return func(c *call) reply {
		if c.r.PathValue("app") != c.token.app.ClientID {
			return c.refuse(http.StatusForbidden, "another app's secrets")
		}
		return handle(c, c.token.app)
	}
}

func secretWire(id string, active bool, created, updated time.Time) map[string]any {
	status := "Inactive"
	if active {
		status = "Active"
	}
	return map[string]any{"id": id, "status": status, "createdAt": instant(created), "updatedAt": instant(updated)}
}

// firstSecret is the id of App.ClientSecret.
const firstSecret = "00000000-0000-4000-8000-000000000001"

func serveSecrets(c *call, a *App) reply {
	out := []map[string]any{secretWire(firstSecret, !a.retired, time.Time{}, time.Time{})}
	for _, s := range a.secrets {
		out = append(out, secretWire(s.id, s.active, s.created, s.updated))
	}
	return ok(out)
}

// serveAddSecret makes an inactive secret. How the vendor shows its text is not
// documented: it stands in "secret" here.
func serveAddSecret(c *call, a *App) reply {
	s := c.s.addSecret(a, false)
	w := secretWire(s.id, s.active, s.created, s.updated)
	w["secret"] = s.text
	return ok(w)
}

func servePatchSecret(c *call, a *App) reply {
	var in struct {
		Schemas    []string
		Operations []struct{ Op, Path, Value string } `json:"Operations"`
	}
	if err := c.decode(&in); err != nil {
		return c.refuse(http.StatusBadRequest, err.Error())
	}
	id := c.r.PathValue("secret")
	for _, op := range in.Operations {
		active := strings.EqualFold(op.Value, "active")
		if op.Op != "replace" || op.Path != "/status" || !active && !strings.EqualFold(op.Value, "inactive") {
			return c.refuse(http.StatusBadRequest, "only the status can be replaced, by active or inactive")
		}
		i := slices.IndexFunc(a.secrets, func(s appSecret) bool { return s.id == id })
		switch {
		case id == firstSecret:
			a.retired = !active
		case i < 0:
			return c.refuse(http.StatusNotFound, "no such secret")
		default:
			a.secrets[i].active, a.secrets[i].updated = active, c.s.now()
		}
	}
	return reply{status: http.StatusOK}
}

func serveDeleteSecret(c *call, a *App) reply {
	id := c.r.PathValue("secret")
	i := slices.IndexFunc(a.secrets, func(s appSecret) bool { return s.id == id })
	switch {
	case id == firstSecret && !a.retired || i >= 0 && a.secrets[i].active:
		return c.refuse(http.StatusBadRequest, "the secret is active")
	case id == firstSecret:
		return reply{status: http.StatusNoContent}
	case i < 0:
		return c.refuse(http.StatusNotFound, "no such secret")
	}
	a.secrets = slices.Delete(a.secrets, i, i+1)
	return reply{status: http.StatusNoContent}
}

package concurtest

import (
	"net/http"
	"strings"

	"github.com/ml-connector/ml-connector/internal/fake"
)

// GlobalLandingZone is the name of the data centre that only gives out tokens.
const GlobalLandingZone = "glz"

// legacyHost stands in the vendor's samples of NextPage and URI; it takes no
// OAuth2 token.
const legacyHost = "www.concursolutions.com"

// DataCenter is one data centre of a Server.
type DataCenter struct {
	Name string // glz, us2, eu2 …
	URL  string // base of its API: the loopback address when the server listens, else the vendor's host
}

// DataCenters lists the data centres, the global landing zone first. Follows
// the "Base URIs" page.
func (s *Server) DataCenters() []DataCenter {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []DataCenter
	for _, c := range s.centers {
		out = append(out, DataCenter{Name: c.name, URL: c.url()})
	}
	return out
}

type center struct {
	name     string
	listener *fake.Listener
}

func newCenters(names []string) []*center {
	cs := []*center{{name: GlobalLandingZone}}
	for _, n := range names {
		if n = strings.ToLower(n); n != GlobalLandingZone {
			cs = append(cs, &center{name: n})
		}
	}
	return cs
}

func (c *center) host() string { return c.name + ".api.concursolutions.com" }

func (c *center) url() string {
	if c.listener != nil {
		return c.listener.URL
	}
	return "https://" + c.host()
}

func (c *center) close() {
	if c.listener != nil {
		c.listener.Close()
	}
}

// center finds the data centre that answers at host, nil if none does.
func (s *Server) center(host string) *center {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.centerLocked(host)
}

func (s *Server) centerLocked(host string) *center {
	host = strings.TrimSuffix(strings.ToLower(host), ":443")
	if host == legacyHost {
		return s.legacy
	}
	for _, c := range s.centers {
		if host == c.host() || host == "www-"+c.host() && c.name != GlobalLandingZone {
			return c
		}
		if c.listener != nil && c.listener.URL == "http://"+host {
			return c
		}
	}
	return nil
}

func (s *Server) centerNamed(name string) *center {
	for _, c := range s.centers {
		if c.name == name {
			return c
		}
	}
	return nil
}

// base returns the address of c as the caller of r can reach it: someone who
// called a real host through Transport is sent to real hosts.
func (c *center) base(r *http.Request) string {
	if r != nil && strings.HasSuffix(strings.ToLower(r.Host), ".concursolutions.com") {
		return "https://" + c.host()
	}
	return c.url()
}

package concur

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
)

// BootstrapURL is the host at which a company's first token is asked for, the
// Global Landing Zone; it answers with the company's geolocation. Follows the
// Authentication page ("Base URIs for Obtaining a Token"), which requires
// third-party applications to use it.
const BootstrapURL = "https://glz.api.concursolutions.com"

// ErrHost says that a call was not made because its host is none that a token
// may be sent to; see TokenOptions.AllowHosts.
var ErrHost = errors.New("concur: host is not allowed")

// hosts decides where a bearer token may be sent. The vendor gives the base URL
// of every call in an answer, so an answer that was tampered with could
// otherwise carry the token anywhere.
type hosts struct {
	allowed map[string]bool // "https://api.example.test", "http://127.0.0.1:8080"
}

// chinaHosts are the bases of the China data centre, which has its own domains.
var chinaHosts = map[string]bool{
	"cn.api.concurcdc.cn":     true,
	"www-cn.api.concurcdc.cn": true,
	"cn.api.cnqr-cn.com":      true,
}

func newHosts(allow []string) (hosts, error) {
	h := hosts{allowed: make(map[string]bool, len(allow))}
	for _, a := range allow {
		text := a
		if !strings.Contains(text, "://") {
			text = "https://" + text
		}
		base, err := normalise(text)
		if err != nil {
			return hosts{}, fmt.Errorf("concur: AllowHosts: %w", err)
		}
		h.allowed[base] = true
	}
	return h, nil
}

// with returns h with more bases; what is no URL is left out, so nothing is
// allowed by it.
func (h hosts) with(allow []string) hosts {
	wider := hosts{allowed: maps.Clone(h.allowed)}
	if wider.allowed == nil {
		wider.allowed = make(map[string]bool, len(allow))
	}
	for _, a := range allow {
		if more, err := newHosts([]string{a}); err == nil {
			maps.Copy(wider.allowed, more.allowed)
		}
	}
	return wider
}

// base normalises a geolocation and checks it.
func (h hosts) base(geolocation string) (string, error) {
	base, err := normalise(geolocation)
	if err != nil {
		return "", err
	}
	if h.allowed[base] {
		return base, nil
	}
	host, secure := strings.CutPrefix(base, "https://")
	if secure && (chinaHosts[host] || concurHost(host)) {
		return base, nil
	}
	return "", fmt.Errorf("%w: %q is none of SAP Concur's: add it to AllowHosts if it is yours", ErrHost, base)
}

// concurHost reports whether host is one label below api.concursolutions.com:
// us2.api.…, www-eu2.api.…, glz.api.…
func concurHost(host string) bool {
	label, ok := strings.CutSuffix(host, ".api.concursolutions.com")
	if !ok || label == "" {
		return false
	}
	for _, r := range label {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}

// normalise keeps scheme and lower-case host with its port; published samples
// print mixed-case hosts and append a path.
func normalise(geolocation string) (string, error) {
	bad := func(why string) (string, error) {
		return "", fmt.Errorf("%w: geolocation %.80q %s", ErrHost, geolocation, why)
	}
	u, err := url.Parse(strings.TrimSpace(geolocation))
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return bad("is not a URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return bad("is not https")
	case u.User != nil:
		return bad("holds user information")
	case strings.ContainsAny(u.Host, "\\%@ "):
		return bad("has a malformed host")
	}
	return u.Scheme + "://" + strings.TrimSuffix(strings.ToLower(u.Host), ":443"), nil
}

package concur

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// WebhookName is the common name of the client certificate that Concur delivers
// events with. Follows the Event Subscription Service v4 page, which recommends
// to check it.
const WebhookName = "webhook.api.concursolutions.com"

// CertificateOptions configure a CertificateVerifier. Nil, and each field's zero
// value, mean the defaults.
type CertificateOptions struct {
	// Names are the common names that are taken. Default: WebhookName.
	Names []string
	// Roots are the authorities that the certificate has to lead to, checked here.
	// Nil: the server has checked, with tls.Config.ClientAuth
	// VerifyClientCertIfGiven or RequireAndVerifyClientCert; a certificate that it
	// only asked for does not count. Do not pin Concur's own certificate: it is
	// replaced every autumn, and its authority may be.
	Roots *x509.CertPool
	// Forwarded takes the subject from a header instead, behind a proxy that ends
	// TLS.
	Forwarded *ForwardedSubject
}

// ForwardedSubject says how a proxy that ends TLS and verifies client
// certificates passes their subject on. The proxy has to remove the headers where
// a caller sends them.
type ForwardedSubject struct {
	// Header holds the subject as RFC 4514 writes it (RFC 2253 before):
	// "CN=webhook.api.concursolutions.com,O=SAP SE,L=Walldorf,C=DE". Required.
	Header string
	// Verified is a header that has to hold VerifiedValue, where the proxy passes
	// on subjects that it did not verify, such as "X-Client-Verify" and "SUCCESS".
	Verified, VerifiedValue string
	// Trusted are the proxy's addresses: a call from another one is refused.
	// Required.
	Trusted []netip.Prefix
}

// CertificateVerifier verifies that a delivery was made with Concur's client
// certificate: a verified chain and its common name. Create one with
// NewCertificateVerifier; it is safe for concurrent use.
type CertificateVerifier struct {
	opts CertificateOptions
}

// NewCertificateVerifier returns a verifier of the client certificate.
func NewCertificateVerifier(opts *CertificateOptions) *CertificateVerifier {
	v := &CertificateVerifier{}
	if opts != nil {
		v.opts = *opts
		v.opts.Names = slices.Clone(opts.Names)
	}
	if len(v.opts.Names) == 0 {
		v.opts.Names = []string{WebhookName}
	}
	return v
}

// VerifyEvent implements EventVerifier.
func (v *CertificateVerifier) VerifyEvent(r *http.Request, _ []byte) error {
	if v.opts.Forwarded != nil {
		return v.forwarded(r, v.opts.Forwarded)
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return errors.New("concur: delivery has no client certificate: let the server ask for one (tls.Config.ClientAuth), or set EventOptions.Verifier")
	}
	leaf := r.TLS.PeerCertificates[0]
	if v.opts.Roots != nil {
		between := x509.NewCertPool()
		for _, c := range r.TLS.PeerCertificates[1:] {
			between.AddCert(c)
		}
		if _, err := leaf.Verify(x509.VerifyOptions{
			Roots: v.opts.Roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}); err != nil {
			return fmt.Errorf("concur: client certificate of delivery: %w", err)
		}
	} else if len(r.TLS.VerifiedChains) == 0 {
		return errors.New("concur: the client certificate of the delivery was not verified: set tls.Config.ClientAuth to RequireAndVerifyClientCert, or CertificateOptions.Roots")
	}
	return v.named(leaf.Subject.CommonName)
}

func (v *CertificateVerifier) named(name string) error {
	for _, n := range v.opts.Names {
		if sameName(n, name) {
			return nil
		}
	}
	return fmt.Errorf("concur: client certificate of delivery is for %.80q: want %s", oneLine(name), strings.Join(v.opts.Names, " or "))
}

// sameName compares host names: letter case of ASCII does not count, and nothing
// else is folded, so that no letter of another alphabet passes for one.
func sameName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	lower := func(c byte) byte {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func (v *CertificateVerifier) forwarded(r *http.Request, f *ForwardedSubject) error {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return errors.New("concur: delivery comes from an address that is not readable")
	}
	if !slices.ContainsFunc(f.Trusted, func(p netip.Prefix) bool { return p.Contains(from.Addr().Unmap()) }) {
		return fmt.Errorf("concur: delivery comes from %s, which is no trusted proxy", from.Addr())
	}
	if f.Verified != "" {
		if got := r.Header.Values(f.Verified); len(got) != 1 || got[0] != f.VerifiedValue {
			return fmt.Errorf("concur: header %s does not say that the client certificate was verified", f.Verified)
		}
	}
	// Two headers, of which one could be the caller's own, say nothing.
	got := r.Header.Values(f.Header)
	if f.Header == "" || len(got) != 1 {
		return fmt.Errorf("concur: delivery has %d headers %q with the subject of a client certificate: want 1", len(got), f.Header)
	}
	name, err := commonName(got[0])
	if err != nil {
		return err
	}
	return v.named(name)
}

var errSubject = errors.New("concur: forwarded subject is not readable: want RFC 4514, CN=…,O=…,C=…")

// commonName reads the one common name of a distinguished name as RFC 4514 writes
// it. Anything ambiguous is an error.
func commonName(dn string) (string, error) {
	if len(dn) > 1000 {
		return "", errSubject
	}
	name, found := "", 0
	for rest := dn; ; {
		key, after, ok := strings.Cut(rest, "=")
		if !ok || strings.ContainsAny(key, `,;+"\/`) {
			return "", errSubject
		}
		value, end, err := attribute(after)
		if err != nil {
			return "", err
		}
		if key = strings.TrimSpace(key); strings.EqualFold(key, "CN") || key == "2.5.4.3" {
			name, found = value, found+1
		}
		if end == len(after) {
			break
		}
		rest = after[end+1:]
	}
	if found != 1 || name == "" {
		return "", errSubject
	}
	return name, nil
}

// attribute reads the value of an attribute and returns where it ends.
func attribute(s string) (value string, end int, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\':
			if i+2 < len(s) {
				// "Baden-W\C3\BCrttemberg"
				if octet, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
					b.Write(octet)
					i += 2
					continue
				}
			}
			if i+1 >= len(s) || !strings.ContainsRune(`,+"\<>;=# `, rune(s[i+1])) {
				return "", 0, errSubject
			}
			i++
			b.WriteByte(s[i])
		case '"', '<', '>', 0, '\n', '\r':
			return "", 0, errSubject
		case ',', ';', '+':
			return strings.TrimSpace(b.String()), i, nil
		default:
			b.WriteByte(c)
		}
	}
	return strings.TrimSpace(b.String()), len(s), nil
}

// AllOf returns a verifier that takes what all of the given take, such as a
// client certificate and a signature. Without any it takes nothing.
func AllOf(verifiers ...EventVerifier) EventVerifier { return allOf(slices.Clone(verifiers)) }

type allOf []EventVerifier

// VerifyEvent implements EventVerifier.
func (a allOf) VerifyEvent(r *http.Request, body []byte) error {
	if len(a) == 0 {
		return errors.New("concur: AllOf has no verifier")
	}
	for _, v := range a {
		if err := v.VerifyEvent(r, body); err != nil {
			return err
		}
	}
	return nil
}

package concurtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"sync"
	"time"
)

// WebhookName is the common name of the certificate that deliveries are made
// with, as the vendor's is.
const WebhookName = "webhook.api.concursolutions.com"

// identity is the client certificate of the deliveries with the authority that
// issued it. It is made when it is first asked for.
type identity struct {
	once sync.Once
	name string
	ca   *x509.Certificate
	leaf tls.Certificate
}

func (i *identity) make() {
	i.once.Do(func() {
		caKey, ca := certify(&x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "concurtest authority"}, IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign,
		}, nil, nil)
		key, leaf := certify(&x509.Certificate{
			SerialNumber: big.NewInt(2),
			Subject: pkix.Name{
				Country: []string{"DE"}, Province: []string{"Baden-Württemberg"}, Locality: []string{"Walldorf"}, Organization: []string{"SAP SE"},
				CommonName: i.name,
			},
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}, ca, caKey)
		i.ca = ca
		i.leaf = tls.Certificate{Certificate: [][]byte{leaf.Raw, ca.Raw}, PrivateKey: key, Leaf: leaf}
	})
}

// certify makes a key and a certificate by an authority, or by itself.
func certify(c, by *x509.Certificate, byKey *ecdsa.PrivateKey) (*ecdsa.PrivateKey, *x509.Certificate) {
	c.NotBefore, c.NotAfter = time.Now().Add(-24*time.Hour), time.Now().Add(10*365*24*time.Hour)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err == nil {
		if by == nil {
			by, byKey = c, key
		}
		var der []byte
		if der, err = x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, byKey); err == nil {
			if c, err = x509.ParseCertificate(der); err == nil {
				return key, c
			}
		}
	}
	// The system's source of randomness does not fail on supported systems.
	panic("concurtest: " + err.Error())
}

// ClientAuthority is the authority of the certificate that deliveries are made
// with: for tls.Config.ClientCAs of a receiver, or CertificateOptions.Roots.
func (s *Server) ClientAuthority() *x509.CertPool {
	s.identity.make()
	pool := x509.NewCertPool()
	pool.AddCert(s.identity.ca)
	return pool
}

// ClientCertificate returns the certificate that deliveries are made with.
func (s *Server) ClientCertificate() tls.Certificate {
	s.identity.make()
	return s.identity.leaf
}

// deliverer carries deliveries with the client certificate where the endpoint asks
// for one.
func (s *Server) deliverer() http.RoundTripper {
	return &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: s.opts.EndpointRoots, MinVersion: tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if s.opts.NoClientCertificate {
				return &tls.Certificate{}, nil // none
			}
			c := s.ClientCertificate()
			return &c, nil
		},
	}}
}

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/examples/connector/internal/config"
)

// certificate writes a certificate for loopback with its key, and returns a pool
// that trusts it.
func certificate(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	keyDER, err := x509.MarshalECPrivateKey(private)
	require.NoError(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(t, os.WriteFile(cert, certPEM, 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), 0o600))
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return cert, key, pool
}

func TestServeWithACertificateSpeaksTLSFromVersion12OnAndNothingElse(t *testing.T) {
	cert, key, pool := certificate(t)
	l, err := listen(t.Context(), &config.Config{File: config.File{Listen: "127.0.0.1:0", TLS: config.TLS{Cert: cert, Key: key}}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("hello"))
			_ = c.Close()
		}
	}()
	dial := func(version uint16) error {
		d := tls.Dialer{Config: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS10, MaxVersion: version}}
		c, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	require.NoError(t, dial(tls.VersionTLS13))
	require.NoError(t, dial(tls.VersionTLS12))
	require.Error(t, dial(tls.VersionTLS11))
}

func TestServeRefusesACertificateThatCannotBeRead(t *testing.T) {
	_, err := listen(t.Context(), &config.Config{File: config.File{Listen: "127.0.0.1:0", TLS: config.TLS{Cert: "nowhere.pem", Key: "nowhere.key"}}})
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Go's server counts such a connection as busy for its first seconds.
func TestAConnectionOnWhichNothingIsAskedDoesNotMakeTheStopFail(t *testing.T) {
	accepted := make(chan struct{})
	server := &http.Server{ReadHeaderTimeout: time.Hour, ConnState: func(net.Conn, http.ConnState) {
		select {
		case accepted <- struct{}{}:
		case <-t.Context().Done():
		}
	}}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	<-accepted
	go func() { <-accepted }() // its end
	require.NoError(t, shut(t.Context(), server, 10*time.Millisecond))
	require.ErrorIs(t, <-served, http.ErrServerClosed)
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

package concurtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"sync"
)

// SignatureHeader bears the signature of a delivery.
const SignatureHeader = "Concur-Signature"

// signer makes its key when it is first asked: most tests deliver no events,
// and a key costs a tenth of a second.
type signer struct {
	once sync.Once
	key  *rsa.PrivateKey
}

func (s *signer) private() *rsa.PrivateKey {
	s.once.Do(func() {
		if s.key != nil {
			return
		}
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			// The system's source of randomness does not fail on supported systems.
			panic("concurtest: " + err.Error())
		}
		s.key = k
	})
	return s.key
}

// SigningKey returns the public key that verifies Concur-Signature: base64 of an
// RSA-PSS signature with SHA-256 and the longest salt over the raw body. The
// vendor publishes such keys but not the algorithm, so that is an assumption.
func (s *Server) SigningKey() *rsa.PublicKey { return &s.signer.private().PublicKey }

// Sign returns the Concur-Signature of a body, for events made by hand.
func (s *Server) Sign(body []byte) string {
	sum := sha256.Sum256(body)
	sig, err := rsa.SignPSS(rand.Reader, s.signer.private(), crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto})
	if err != nil {
		panic("concurtest: " + err.Error())
	}
	return base64.StdEncoding.EncodeToString(sig)
}

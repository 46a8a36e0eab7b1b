package concur

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// EventVerifier decides whether a delivery comes from Concur. It is given the
// request and its body as it came, before anything reads it. Nil means that it
// does. It is called concurrently.
type EventVerifier interface {
	VerifyEvent(r *http.Request, body []byte) error
}

// SignatureAlgorithm is how Concur signs deliveries. The vendor publishes the
// keys but not the algorithm.
type SignatureAlgorithm string

// The algorithms that SignatureVerifier knows. PSS, with SHA-256 and any salt
// length, is what a public tester of webhooks is seen to verify; check it with
// the first events of a live tenant.
const (
	SignaturePSS      SignatureAlgorithm = "RSASSA-PSS-SHA256"
	SignaturePKCS1v15 SignatureAlgorithm = "RSASSA-PKCS1-v1_5-SHA256"
)

// SignatureHeader carries the signature of a delivery, in base64.
const SignatureHeader = "Concur-Signature"

// SignatureVerifier verifies the Concur-Signature header over the raw body.
// Create one with NewSignatureVerifier.
type SignatureVerifier struct {
	keys      func() ([]*rsa.PublicKey, error)
	algorithm SignatureAlgorithm
}

// NewSignatureVerifier returns a verifier that takes a signature by any of the
// keys, so that one may be added before the vendor turns to it. The empty
// algorithm is SignaturePSS. It is an error to give no key, or an unknown
// algorithm.
func NewSignatureVerifier(algorithm SignatureAlgorithm, keys ...*rsa.PublicKey) (*SignatureVerifier, error) {
	if err := checkKeys(keys); err != nil {
		return nil, err
	}
	fixed := append([]*rsa.PublicKey(nil), keys...)
	return NewRotatingVerifier(algorithm, func() ([]*rsa.PublicKey, error) { return fixed, nil })
}

// NewRotatingVerifier is NewSignatureVerifier for keys that change while the
// program runs: keys is asked at each delivery for those that hold, and called
// concurrently, so it should answer from memory. While it fails, deliveries are
// answered 401, which Concur repeats.
func NewRotatingVerifier(algorithm SignatureAlgorithm, keys func() ([]*rsa.PublicKey, error)) (*SignatureVerifier, error) {
	if algorithm == "" {
		algorithm = SignaturePSS
	}
	if algorithm != SignaturePSS && algorithm != SignaturePKCS1v15 {
		return nil, fmt.Errorf("concur: signature algorithm %.40q: want %s or %s", string(algorithm), SignaturePSS, SignaturePKCS1v15)
	}
	if keys == nil {
		return nil, errors.New("concur: a signature verifier needs the vendor's public keys")
	}
	return &SignatureVerifier{keys: keys, algorithm: algorithm}, nil
}

func checkKeys(keys []*rsa.PublicKey) error {
	if len(keys) == 0 {
		return errors.New("concur: a signature verifier needs at least one of the vendor's public keys")
	}
	for _, k := range keys {
		if k == nil || k.Size() < 256 {
			return errors.New("concur: a signature verifier needs RSA keys of at least 2048 bits")
		}
	}
	return nil
}

var errUnsigned = errors.New("concur: delivery has no " + SignatureHeader + " header")

// VerifyEvent implements EventVerifier.
func (v *SignatureVerifier) VerifyEvent(r *http.Request, body []byte) error {
	header := strings.TrimSpace(r.Header.Get(SignatureHeader))
	if header == "" {
		return errUnsigned
	}
	signature, err := base64.StdEncoding.DecodeString(header)
	if err != nil {
		if signature, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(header, "=")); err != nil {
			return errors.New("concur: " + SignatureHeader + " is not base64")
		}
	}
	keys, err := v.keys()
	if err != nil {
		return fmt.Errorf("concur: keys of signatures: %w", err)
	}
	if err := checkKeys(keys); err != nil {
		return err
	}
	digest := sha256.Sum256(body)
	for _, k := range keys {
		if v.algorithm == SignaturePKCS1v15 {
			err = rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], signature)
		} else {
			err = rsa.VerifyPSS(k, crypto.SHA256, digest[:], signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto})
		}
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("concur: %s is by none of the %d keys given", SignatureHeader, len(keys))
}

// ParseSignatureKeys reads RSA public keys from PEM text: public keys, or
// certificates whose keys are taken without judging the certificate. The vendor
// publishes them with its Event Subscription Service documentation and changes
// them every autumn.
func ParseSignatureKeys(text []byte) ([]*rsa.PublicKey, error) {
	var keys []*rsa.PublicKey
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		var key any
		var err error
		switch block.Type {
		case "CERTIFICATE":
			var c *x509.Certificate
			if c, err = x509.ParseCertificate(block.Bytes); err == nil {
				key = c.PublicKey
			}
		case "RSA PUBLIC KEY":
			key, err = x509.ParsePKCS1PublicKey(block.Bytes)
		default:
			key, err = x509.ParsePKIXPublicKey(block.Bytes)
		}
		if err != nil {
			return nil, fmt.Errorf("concur: signature key %d: %w", len(keys)+1, err)
		}
		k, ok := key.(*rsa.PublicKey)
		if !ok {
			return nil, fmt.Errorf("concur: signature key %d is no RSA key", len(keys)+1)
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, errors.New("concur: the text holds no PEM block of a public key or certificate")
	}
	return keys, nil
}

package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"strings"
)

// Sealer encrypts what a record holds of persons. person may be empty: whose
// data it is, is then not known. It is safe for concurrent use.
type Sealer interface {
	Seal(ctx context.Context, tenant, person string, plain []byte) ([]byte, error)
	Open(ctx context.Context, tenant, person string, sealed []byte) ([]byte, error)
}

// Exchange is what Transport seals of one direction of a call, when the Trail
// has a Sealer: everything that may be personal, without secrets. Headers are
// never kept. Of a form nothing is kept, since that is how credentials travel;
// of JSON the values of every key that names a token, a secret, a password or
// an API key are replaced.
type Exchange struct {
	Person string `json:"-"` // of the scope the call was made in
	Query  string `json:"query,omitempty"`
	Body   string `json:"body,omitempty"`
	// Left says why Body is not whole: "form", "too large", "not JSON".
	Left string `json:"left,omitempty"`
}

// maxKept bounds what is kept of one body.
const maxKept = 256 << 10

// removed stands where a secret stood.
const removed = "[removed]"

// sealedEnvelope tells Open whose key it is under.
type sealedEnvelope struct {
	Person string `json:"person,omitempty"`
	Data   []byte `json:"data"`
}

// seal puts an exchange into a record.
func (t *Trail) seal(ctx context.Context, r *Record, person string, x Exchange) error {
	if t.sealer == nil || (x.Query == "" && x.Body == "" && x.Left == "") {
		return nil
	}
	plain, err := json.Marshal(x)
	if err != nil {
		return fmt.Errorf("audit: encode an exchange: %w", err)
	}
	data, err := t.sealer.Seal(ctx, r.Tenant, person, plain)
	if err != nil {
		return fmt.Errorf("audit: seal an exchange: %w", err)
	}
	r.Sealed, err = json.Marshal(sealedEnvelope{Person: person, Data: data})
	return err
}

// Exchange opens what Transport sealed into a record. A record without: ErrNotFound.
// The Sealer's own error comes when its key was destroyed.
func (t *Trail) Exchange(ctx context.Context, r Record) (Exchange, error) {
	if len(r.Sealed) == 0 {
		return Exchange{}, ErrNotFound
	}
	if t.sealer == nil {
		return Exchange{}, errors.New("audit: the record is sealed, and this trail has no Sealer")
	}
	var e sealedEnvelope
	if err := json.Unmarshal(r.Sealed, &e); err != nil {
		return Exchange{}, fmt.Errorf("audit: record %d: what is sealed cannot be read: %w", r.Seq, err)
	}
	plain, err := t.sealer.Open(ctx, r.Tenant, e.Person, e.Data)
	if err != nil {
		return Exchange{}, fmt.Errorf("audit: record %d: %w", r.Seq, err)
	}
	x := Exchange{Person: e.Person}
	if err := json.Unmarshal(plain, &x); err != nil {
		return Exchange{}, fmt.Errorf("audit: record %d: what was sealed cannot be read: %w", r.Seq, err)
	}
	return x, nil
}

// kept returns what may be kept of a body.
func kept(contentType string, body []byte) (text, left string) {
	kind, _, err := mime.ParseMediaType(contentType)
	switch {
	case len(body) == 0:
		return "", ""
	case err == nil && kind == "application/x-www-form-urlencoded":
		return "", "form"
	case len(body) > maxKept:
		return "", "too large"
	}
	trimmed := bytes.TrimSpace(body)
	if len(trimmed) == 0 || (trimmed[0] != '{' && trimmed[0] != '[') {
		return "", "not JSON"
	}
	d := json.NewDecoder(bytes.NewReader(trimmed))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "", "not JSON"
	}
	b, err := json.Marshal(withoutSecrets(v))
	if err != nil {
		return "", "not JSON"
	}
	return string(b), ""
}

func withoutSecrets(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if namesSecret(k) {
				v[k] = removed
				continue
			}
			v[k] = withoutSecrets(x)
		}
	case []any:
		for i, x := range v {
			v[i] = withoutSecrets(x)
		}
	}
	return v
}

var secretNames = [...]string{"token", "secret", "password", "passwd", "apikey", "authorization", "credential", "otp"}

// namesSecret reports whether a key's name says that its value is a secret.
// Taking one too many away is harmless, the hash of the whole body is kept.
func namesSecret(key string) bool {
	k := strings.ToLower(strings.NewReplacer("_", "", "-", "", ".", "").Replace(key))
	for _, n := range secretNames {
		if strings.Contains(k, n) {
			return true
		}
	}
	return false
}

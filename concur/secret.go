package concur

import (
	"errors"
	"log/slog"
)

// Secret is a text that must not be printed: a client secret, a token. It
// prints and logs as "[redacted]", and encoding it as JSON or text is an error,
// so that it cannot reach a log or a file by accident. Convert it with
// string(s) where it is really needed; Token.MarshalBinary is how a TokenStore
// writes one.
type Secret string

const redacted = "[redacted]"

var errSecret = errors.New("concur: a Secret is not encoded; a TokenStore uses Token.MarshalBinary")

// String returns "[redacted]", and "" for no secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString keeps %#v from showing the secret.
func (s Secret) GoString() string { return `concur.Secret("` + s.String() + `")` }

// LogValue keeps log/slog from showing the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText refuses.
func (s Secret) MarshalText() ([]byte, error) { return nil, errSecret }

// MarshalJSON refuses.
func (s Secret) MarshalJSON() ([]byte, error) { return nil, errSecret }

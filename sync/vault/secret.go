package vault

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a value that must not be printed: a password, an API key, a token.
// However it is printed, logged or encoded, alone or inside of something else,
// it shows as "[redacted]", and as "" when it holds nothing; [Secret.Reveal] is
// the only way to the value. The zero Secret holds nothing. Copies share the
// value. It is safe for concurrent use, except for Wipe.
type Secret struct {
	// A function, because printers and comparers that walk through memory by
	// reflection do not honour methods of a field that is not exported, but
	// none of them can look into a closure.
	bytes func() []byte
}

// NewSecret returns a Secret that holds a copy of value.
func NewSecret(value []byte) Secret {
	if len(value) == 0 {
		return Secret{}
	}
	b := append([]byte(nil), value...)
	return Secret{bytes: func() []byte { return b }}
}

func (s Secret) value() []byte {
	if s.bytes == nil {
		return nil
	}
	return s.bytes()
}

// Reveal returns the value itself. Call it in the statement that needs it.
func (s Secret) Reveal() string { return string(s.value()) }

// IsZero says whether the Secret holds nothing.
func (s Secret) IsZero() bool { return len(s.value()) == 0 }

// Equal compares in a time that does not depend on where the values differ.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare(s.value(), other.value()) == 1
}

// Wipe overwrites the value with zeros, in all copies of this Secret. Nothing
// may use them at the same time or afterwards. What Reveal returned stays.
func (s Secret) Wipe() { clear(s.value()) }

// String returns "[redacted]", and "" for no value.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// GoString keeps %#v from showing the value.
func (s Secret) GoString() string { return "vault.Secret(" + s.String() + ")" }

// Format implements fmt.Formatter, so that no verb, fitting or not, shows the value.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'v' && f.Flag('#') {
		text = s.GoString()
	}
	fmt.Fprint(f, text)
}

// LogValue keeps log/slog from showing the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText shows "[redacted]"; nothing reads that back as a value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON shows "[redacted]"; nothing reads that back as a value.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

package vault

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Credential is what one system wants to see, field by field: "client_id" and
// "client_secret", or "api_key", "user" and "password". Which fields there are
// is a matter between those who store and those who open it.
type Credential map[string]Secret

// Wipe overwrites all values with zeros. Nothing may use them at the same time
// or afterwards; what Reveal returned stays.
func (c Credential) Wipe() {
	for _, s := range c {
		s.Wipe()
	}
}

func (c Credential) names() []string { return slices.Sorted(maps.Keys(c)) }

const timeSize = 8

// encode writes the time in microseconds in 8 bytes, then each name and value
// in order of the names. It is not JSON, whose strings could not be overwritten.
func (c Credential) encode(now time.Time) ([]byte, error) {
	if len(c) == 0 {
		return nil, errors.New("it has no fields")
	}
	parts := make([][]byte, 0, 2*len(c))
	size := timeSize
	for _, name := range c.names() {
		value := c[name].value()
		if name == "" {
			return nil, errors.New("one of its fields has no name")
		}
		if len(value) == 0 {
			return nil, fmt.Errorf("its field %q is empty", name)
		}
		parts = append(parts, []byte(name), value)
		size += 16 + len(name) + len(value)
	}
	if size > maxPlain {
		return nil, fmt.Errorf("it has %d bytes, %d are possible", size, maxPlain)
	}
	fields := pack(parts...)
	defer clear(fields)
	b := make([]byte, timeSize, size)
	binary.BigEndian.PutUint64(b, uint64(now.UnixMicro()))
	return append(b, fields...), nil
}

var errCredential = errors.New("it was sealed by a newer version: its form is not known")

func decodeCredential(plain []byte) (stored time.Time, c Credential, err error) {
	if len(plain) < timeSize {
		return time.Time{}, nil, errCredential
	}
	parts, ok := unpack(plain[timeSize:])
	if !ok || len(parts) == 0 || len(parts)%2 != 0 {
		return time.Time{}, nil, errCredential
	}
	c = make(Credential, len(parts)/2)
	for pair := range slices.Chunk(parts, 2) {
		c[string(pair[0])] = NewSecret(pair[1])
	}
	return time.UnixMicro(int64(binary.BigEndian.Uint64(plain))).UTC(), c, nil
}

package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// chainDomain stands in front of everything that is hashed, so that the hash
// of a record cannot be passed off as the hash of something else, and so that
// another encoding can be told apart one day.
const chainDomain = "ml-connector/audit/record/1"

// verifyPage is how many records Verify reads at a time.
const verifyPage = 1000

// ChainHash returns the hash that belongs into r.Hash: the SHA-256, in lower
// case hexadecimal, of the fields one after another, each written as its length
// in bytes (8 bytes, big endian) followed by its bytes:
//
//	"ml-connector/audit/record/1", Tenant, Seq, Time, ID, Actor, Action,
//	Subject, Outcome, Reason, Detail, Sealed, Prev
//
// Seq and Time are 8 bytes, big endian, two's complement; Time is microseconds
// since 1970-01-01T00:00:00Z. Detail and Sealed are taken as they are; absent
// and empty are the same. The lengths make the encoding unambiguous: bytes
// cannot move from one field to the next without changing the hash. r.Hash
// itself is not read. Whoever verifies an export with other means needs nothing
// but this paragraph.
func ChainHash(r Record) string {
	h := sha256.New()
	var number [8]byte
	field := func(b []byte) {
		binary.BigEndian.PutUint64(number[:], uint64(len(b)))
		_, _ = h.Write(number[:]) // a hash never fails
		_, _ = h.Write(b)
	}
	integer := func(n int64) {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(n))
		field(b[:])
	}
	field([]byte(chainDomain))
	field([]byte(r.Tenant))
	integer(r.Seq)
	integer(r.Time.UnixMicro())
	for _, s := range []string{r.ID, r.Actor, r.Action, r.Subject, r.Outcome, r.Reason} {
		field([]byte(s))
	}
	field(r.Detail)
	field(r.Sealed)
	field([]byte(r.Prev))
	return hex.EncodeToString(h.Sum(nil))
}

// Verify reads all records of a tenant and checks the chain. It returns the
// number of the last record that is right, 0 if there is none; compare it with
// a number noted outside, since a chain does not show that its newest records
// were cut off. An error that wraps ErrBroken names the first wrong record; any
// other means that the log could not be read.
func (t *Trail) Verify(ctx context.Context, tenant string) (last int64, err error) {
	previous := Record{Tenant: tenant}
	q := Query{Tenant: tenant, Limit: verifyPage}
	for {
		rs, next, err := t.log.Read(ctx, q)
		if err != nil {
			return previous.Seq, fmt.Errorf("audit: verify tenant %q after record %d: %w", tenant, previous.Seq, err)
		}
		for _, r := range rs {
			if fault := linkFault(previous, r); fault != "" {
				return previous.Seq, fmt.Errorf("%w: record %d of tenant %q %s", ErrBroken, previous.Seq+1, tenant, fault)
			}
			previous = r
		}
		if next == 0 {
			return previous.Seq, nil
		}
		if next <= q.After {
			return previous.Seq, fmt.Errorf("audit: verify tenant %q: the log goes round in circles at record %d", tenant, next)
		}
		q.After = next
	}
}

// linkFault says what is wrong with r as the successor of previous, or "".
func linkFault(previous, r Record) string {
	switch want := previous.Seq + 1; {
	case r.Tenant != previous.Tenant:
		return fmt.Sprintf("bears the tenant %q", r.Tenant)
	case r.Seq > want:
		return fmt.Sprintf("is missing: the next one is %d", r.Seq)
	case r.Seq < want:
		return fmt.Sprintf("is out of order: %d stands in its place", r.Seq)
	case r.Prev != previous.Hash:
		return fmt.Sprintf("does not follow record %d: its Prev is not that one's hash, so one of the two was changed or replaced", previous.Seq)
	case r.Hash != ChainHash(r):
		return "was changed: its hash does not match"
	case r.Time.Before(previous.Time):
		return "is earlier than the one before it: " + r.Time.Format(time.RFC3339Nano)
	}
	return ""
}

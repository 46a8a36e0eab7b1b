package audit_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/ml-connector/ml-connector/audit"
)

// chainHashByHand follows the paragraph at ChainHash, written a second time.
func chainHashByHand(r audit.Record) string {
	number := func(n int64) string {
		raw, _ := hex.DecodeString(fmt.Sprintf("%016x", uint64(n)))
		return string(raw)
	}
	var b strings.Builder
	for _, field := range []string{
		"ml-connector/audit/record/1", r.Tenant, number(r.Seq), number(r.Time.UnixMicro()), r.ID, r.Actor, r.Action,
		r.Subject, r.Outcome, r.Reason, string(r.Detail), string(r.Sealed), r.Prev,
	} {
		b.WriteString(number(int64(len(field))) + field)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

package concurtest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// idSource makes identifiers that are the same in every run, so that a test's
// output can be compared. It is guarded by the server's lock.
type idSource struct{ n int }

func (s *idSource) hex(kind string, digits int) string {
	s.n++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", kind, s.n))
	return hex.EncodeToString(sum[:])[:digits]
}

// uuid returns a lower-case dashed identifier as companies, users, lists and
// list items have.
func (s *idSource) uuid(kind string) string { return dashed(s.hex(kind, 32)) }

// upper returns upper-case hexadecimal digits as reports (20) and expenses (32) have.
func (s *idSource) upper(kind string, digits int) string {
	return strings.ToUpper(s.hex(kind, digits))
}

// dashed turns 32 hexadecimal digits into the form of a UUID.
func dashed(h string) string {
	h = strings.ToLower(h)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// undashed turns a UUID into the 32 upper-case digits that Reports v4 prints.
func undashed(id string) string { return strings.ToUpper(strings.ReplaceAll(id, "-", "")) }

// isUUID reports whether id has the dashed form.
func isUUID(id string) bool {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return false
	}
	h := strings.ReplaceAll(id, "-", "")
	if len(h) != 32 {
		return false
	}
	_, err := hex.DecodeString(h)
	return err == nil
}

//go:build !linux

package proof

import "net/http"

const nobody = -1

func (p *parent) asNobody(string) { p.t.Skip("users are Linux's here") }

// limit is known on Linux alone.
func limit(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "not on this system", http.StatusNotImplemented)
}

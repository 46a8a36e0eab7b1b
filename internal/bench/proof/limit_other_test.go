//go:build !linux

package proof

import "net/http"

// limit is known on Linux alone.
func limit(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "not on this system", http.StatusNotImplemented)
}

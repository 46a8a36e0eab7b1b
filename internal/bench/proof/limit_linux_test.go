package proof

import (
	"net/http"
	"os/signal"
	"strconv"
	"syscall"
)

// limit bounds the size of this process's files, as a disk does that is full, or
// lifts the bound: ?bytes=.
func limit(w http.ResponseWriter, r *http.Request) {
	signal.Ignore(syscall.SIGXFSZ)
	var was syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was)
	if err == nil {
		was.Cur = was.Max
		if v := r.URL.Query().Get("bytes"); v != "" {
			was.Cur, err = strconv.ParseUint(v, 10, 64)
		}
	}
	if err == nil {
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

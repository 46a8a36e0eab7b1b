package proof

import (
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/stretchr/testify/require"
)

// nobody is the user that a connector runs as where the tests run as root, which
// nothing is read-only for.
const nobody = 65534

// asNobody runs the connector from a copy of this program that everybody may read.
func (p *parent) asNobody(dir string) {
	p.t.Helper()
	data, err := os.ReadFile(os.Args[0])
	require.NoError(p.t, err)
	p.program = filepath.Join(dir, "connector")
	require.NoError(p.t, os.WriteFile(p.program, data, 0o755))
	p.attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

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

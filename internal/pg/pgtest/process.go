package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// programs are the two that a private server needs.
type programs struct{ server, initdb string }

// locate finds PostgreSQL on the path or where distributions put it; of several
// versions it takes the newest.
func locate() (programs, error) {
	var folders []string
	if path, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	newest := 0
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"} {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			return programs{}, err
		}
		for _, folder := range matches {
			digits := filepath.Base(filepath.Dir(folder))
			for len(digits) > 0 && (digits[0] < '0' || digits[0] > '9') {
				digits = digits[1:]
			}
			if version, err := strconv.Atoi(digits); err == nil && version > newest {
				newest = version
				folders = append([]string{folder}, folders...)
			}
		}
	}
	for _, folder := range folders {
		p := programs{filepath.Join(folder, "postgres"), filepath.Join(folder, "initdb")}
		if isFile(p.server) && isFile(p.initdb) {
			return p, nil
		}
	}
	return programs{}, errors.New("PostgreSQL is not installed (Debian: postgresql)")
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// makeFolder makes a folder whose path is short, because the path of a socket
// may have hardly more than a hundred bytes, and that the server's user may enter.
func makeFolder() (string, error) {
	base := os.TempDir()
	if info, err := os.Stat("/tmp"); err == nil && info.IsDir() {
		base = "/tmp"
	}
	folder, err := os.MkdirTemp(base, "pg")
	if err != nil {
		return "", err
	}
	if err := handOver(folder); err != nil {
		return "", errors.Join(err, os.RemoveAll(folder))
	}
	return folder, nil
}

func dataFolder(folder string) string { return filepath.Join(folder, "d") }

func logFile(folder string) string { return filepath.Join(folder, "log") }

// initialize makes a cluster. Its locale sorts unlike bytes do where the
// server was built so, because that is what a customer's database may do.
func (p programs) initialize(folder string) error {
	args := []string{"-D", dataFolder(folder), "-U", "test", "-A", "trust", "-E", "UTF8", "--no-sync"}
	out, err := p.run(folder, append(args, "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"))
	if err != nil { // older than 15, or built without ICU
		_ = os.RemoveAll(dataFolder(folder)) // initdb removes it by itself, as a rule
		out, err = p.run(folder, args)
	}
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

func (p programs) run(folder string, args []string) ([]byte, error) {
	cmd := exec.Command(p.initdb, args...) //nolint:noctx // it ends by itself within a second
	cmd.Dir = folder
	if err := asServerUser(cmd); err != nil {
		return nil, err
	}
	return cmd.CombinedOutput()
}

// process is a running server.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// startServer starts a server on the socket in its folder.
func startServer(folder string, options []string) (*process, error) {
	log, err := os.OpenFile(logFile(folder), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	args := append([]string{
		"-D", dataFolder(folder), "-k", folder, "-h", "",
		"-c", "max_connections=200", "-c", "shared_buffers=32MB", "-c", "autovacuum_naptime=5s",
	}, options[1:]...)
	cmd := exec.Command(options[0], args...) //nolint:noctx // it lives until it is stopped
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, log, log
	if err := asServerUser(cmd); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The server is told to end when the thread that started it does, so that
		// thread must live as long as the server.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- errors.Join(err, log.Close()) // the server has a handle of its own
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	return p, nil
}

// signal is a way to stop a server.
type signal struct{ os.Signal }

// stop tells the server to end and waits until it has.
func (p *process) stop(how signal) error {
	if err := p.cmd.Process.Signal(how.Signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	patience := time.NewTimer(readyTime)
	defer patience.Stop()
	select {
	case <-p.done:
		return nil
	case <-patience.C:
		return errors.Join(errors.New("the server does not end; it is killed"), p.cmd.Process.Kill())
	}
}

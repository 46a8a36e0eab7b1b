package pgtest

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// The server's own meanings of these signals.
var (
	fast      = signal{syscall.SIGINT}
	immediate = signal{syscall.SIGQUIT}
)

// serverUser returns the user that the server runs as: PostgreSQL refuses root.
func serverUser() (uid, gid uint32, other bool, err error) {
	if os.Geteuid() != 0 {
		return 0, 0, false, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return 0, 0, false, fmt.Errorf("PostgreSQL refuses to run as root: %w", err)
	}
	id, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return 0, 0, false, err
	}
	group, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return 0, 0, false, err
	}
	return uint32(id), uint32(group), true, nil
}

// asServerUser makes the command run as that user and end with this process.
func asServerUser(cmd *exec.Cmd) error {
	uid, gid, other, err := serverUser()
	if err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if other {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	return nil
}

// handOver gives the folder to that user.
func handOver(folder string) error {
	uid, gid, other, err := serverUser()
	if err != nil || !other {
		return err
	}
	return os.Chown(folder, int(uid), int(gid))
}

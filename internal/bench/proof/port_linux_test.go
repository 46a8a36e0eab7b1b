package proof

import (
	"errors"
	"net"
	"os"
	"strconv"
	"syscall"
)

// reserve keeps a port on loopback for a program that listens on it by its number,
// now and again after it was stopped: a socket that is bound and never listens
// leaves that free, and the kernel gives the port to nobody who asks for any.
func reserve() (addr string, free func() error, err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", nil, os.NewSyscallError("socket", err)
	}
	err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	var bound syscall.Sockaddr
	if err == nil {
		bound, err = syscall.Getsockname(fd)
	}
	at, ok := bound.(*syscall.SockaddrInet4)
	if err != nil || !ok {
		return "", nil, errors.Join(err, errors.New("no port could be reserved"), syscall.Close(fd))
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(at.Port)), func() error { return syscall.Close(fd) }, nil
}

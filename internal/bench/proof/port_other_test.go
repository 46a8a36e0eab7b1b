//go:build !linux

package proof

import "net"

// reserve finds a port that is free now. Only Linux keeps it free.
func reserve() (addr string, free func() error, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		return "", nil, err
	}
	return l.Addr().String(), func() error { return nil }, l.Close()
}

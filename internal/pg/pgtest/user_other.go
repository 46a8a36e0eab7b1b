//go:build !linux

package pgtest

import (
	"os"
	"os/exec"
)

// Elsewhere the server runs as whoever runs the tests, and outlives a test
// process that is killed.
var (
	fast      = signal{os.Interrupt}
	immediate = signal{os.Kill}
)

func asServerUser(*exec.Cmd) error { return nil }

func handOver(string) error { return nil }

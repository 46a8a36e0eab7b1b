//go:build !race

package epicorsync_test

const sampled = false

//go:build !race

package epicor_test

const sampled = false

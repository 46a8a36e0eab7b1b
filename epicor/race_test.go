//go:build race

package epicor_test

// sampled: under the race detector, which makes everything several times slower,
// the sweeps leave out most faults of the calls that only read or compute. Without
// it they take all.
const sampled = true

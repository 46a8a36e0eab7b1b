// Package proof puts the whole connector under everything that may go wrong and
// counts, cent by cent, what then stands in the ERP. It holds tests only.
//
// Each proof wires what a program wires: the engine, both clients, both ends and
// the rules, over a store and an audit log, towards both vendors' fakes. What
// must stand in the ERP is counted by a model of its own (paper_test.go), in
// whole cents, which shares no code with what it judges.
//
//   - year_test.go: a simulated year, drawn from a seed, in virtual time.
//   - matrix_test.go: every fault at every call of a document's way.
//   - kill_test.go: a real process that is killed under load.
//   - trouble_test.go: a full disk, a locked or read-only file, a database that
//     restarts, a clock that jumps.
//
// In the normal suite each runs briefly; docs/proofs.md has the commands of the
// long lanes and their last figures.
package proof

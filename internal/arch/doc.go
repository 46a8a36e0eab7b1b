// Package arch keeps the shape of this repository true. It holds no code, only tests, and needs nothing but Go:
// whoever runs "go test ./..." learns that a package imports what its layer forbids, that a link in the documents
// leads nowhere, or that a file stands where none should.
//
// The layer rules are read from .golangci.yml, so that there is one table and two guards.
package arch

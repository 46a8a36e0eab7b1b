package connector

// Code is one entry of a catalogue: what a code means in general, who can mend
// it most of the time, and how. Every package that makes issues has a function
// Codes that lists all of its codes; screens, texts to the source and the pages
// of docs/errors read from them.
type Code struct {
	Code    string
	Meaning string // what happened, one sentence
	Owner   Owner
	Remedy  string // what to do, one or two sentences
}

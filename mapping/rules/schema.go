package rules

import (
	_ "embed"
	"slices"
)

//go:embed mapping.schema.json
var schema []byte // read, never written

// Schema returns the JSON Schema of rule files, for editors: they show what a key
// means and mark what is wrong while it is written. It knows one key at a time;
// what must agree between sections, such as codes that are used once, only Load
// says.
func Schema() []byte { return slices.Clone(schema) }

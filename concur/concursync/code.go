package concursync

import (
	"slices"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// AllocationPercent is the code of an issue: the percentages of an entry's
// allocations do not add up to 100, so that they cannot be turned into amounts.
const AllocationPercent = "allocation_percent"

// Codes lists the codes of the issues that this package makes.
func Codes() []connector.Code { return slices.Clone(catalogue) }

// catalogue is read, never written.
var catalogue = []connector.Code{
	{
		Code: AllocationPercent, Owner: connector.ConcurAdmin,
		Meaning: "The percentages of an entry's allocations do not add up to 100, so they cannot be turned into amounts.",
		Remedy:  "Correct the allocations in Concur so that they add up to 100 %, then replay this document.",
	},
}

package engine

import (
	"slices"

	"github.com/ml-connector/ml-connector/sync/connector"
)

// The codes of issues that the engine makes and that no other constant names. An
// end or a mapper that says more than that it refuses gives codes of its own.
const (
	// CodeRefused: the target refused a posting and did not say by which rule.
	CodeRefused = "refused"
	// CodeReversalRefused: the target refused to take a posting back.
	CodeReversalRefused = "reversal_refused"
	// CodeSourceRefused: the source refused to hand a document out.
	CodeSourceRefused = "source_refused"
	// CodePhaseUnknown: the source gave a phase that this version does not know.
	CodePhaseUnknown = "phase_unknown"
	// CodeUnknown: a document was parked without an issue that says why.
	CodeUnknown = "unknown"
)

// Codes returns the catalogue: every code that the engine may give a document,
// beside those of its ends and of its mapper.
func Codes() []connector.Code { return slices.Clone(catalogue) }

// catalogue is read, never written.
var catalogue = []connector.Code{
	{
		Code: CodeExhausted, Owner: connector.IT,
		Meaning: "The same step failed many times in a row with errors that looked passing.",
		Remedy:  "Mend what the message names, then replay this document.",
	},
	{
		Code: CodeDiffers, Owner: connector.Finance,
		Meaning: "Something else than what was to be posted stands in the ERP under this document's key or number. Nothing was sent.",
		Remedy:  "Compare the document with what stands in the ERP; remove or correct what is in the way, then replay this document.",
	},
	{
		Code: CodeDrift, Owner: connector.Finance,
		Meaning: "Somebody changed or removed in the ERP what had been delivered, before it was final.",
		Remedy:  "Put it back in the ERP, then replay this document; it is never delivered a second time.",
	},
	{
		Code: CodeSecondRevision, Owner: connector.Finance,
		Meaning: "The document was approved anew with other content after it had been posted.",
		Remedy:  "Correct the posted AP invoices in the ERP by hand; this revision is never posted beside them.",
	},
	{
		Code: CodeRefused, Owner: connector.Finance,
		Meaning: "The ERP refused the posting and did not say by which rule. What it had taken of it was taken back.",
		Remedy:  "Mend what the message names, then replay this document.",
	},
	{
		Code: CodeReversalRefused, Owner: connector.Finance,
		Meaning: "The document has to be taken back, and the ERP refuses that.",
		Remedy:  "Take the AP invoices back in the ERP, then replay this document.",
	},
	{
		Code: CodeSourceRefused, Owner: connector.ConcurAdmin,
		Meaning: "The source refused to hand the document out.",
		Remedy:  "Mend what the message names at the source, then replay this document.",
	},
	{
		Code: CodeUntold, Owner: connector.ConcurAdmin,
		Meaning: "The source refused to take note of what became of the document. What stands in the ERP stays.",
		Remedy:  "Mend what the message names at the source, then replay this document.",
	},
	{
		Code: CodePhaseUnknown, Owner: connector.IT,
		Meaning: "The source gave a phase that this version does not know.",
		Remedy:  "Upgrade the connector, then replay this document.",
	},
	{
		Code: CodeContentGone, Owner: connector.IT,
		Meaning: "What was stored of the document is gone, or the key that opens it is.",
		Remedy:  "Restore the stored contents or the key from a backup, or settle this document in the ERP by hand; then replay it.",
	},
	{
		Code: CodeUnreadable, Owner: connector.IT,
		Meaning: "The document's row in the ledger is damaged. Its data is kept as it is, and nothing is sent for it.",
		Remedy:  "Restore the row from a backup of the ledger; look in the ERP before anything else is done about this document.",
	},
	{
		Code: CodeUnknown, Owner: connector.IT,
		Meaning: "The document was set aside without a reason, by an end or a mapper that keeps not to its contract.",
		Remedy:  "Report it as a defect with the document's history, then replay this document.",
	},
}

package engine

// State says where a transfer stands. The table of states with their
// successors is in docs/architecture.md.
type State string

// The states of a transfer.
const (
	Received   State = "received"   // knocked, not yet fetched
	Waiting    State = "waiting"    // seen, not finally approved yet
	Pending    State = "pending"    // approved and stored, to be mapped
	Delivering State = "delivering" // the intent is written; something may have been sent
	Delivered  State = "delivered"  // stands in the target, not final yet
	Confirmed  State = "confirmed"  // final in the target and told to the source, or nothing to post
	Parked     State = "parked"     // a person must act
	Returned   State = "returned"   // the source was told that it failed
	Reversing  State = "reversing"  // being taken back
	Reversed   State = "reversed"   // was delivered, has been taken back
	Void       State = "void"       // withdrawn or replaced before it had any effect
)

// Effect says what stands in the target because of a revision.
type Effect string

// The effects of a revision.
const (
	None      Effect = "none"    // certainly nothing
	Unknown   Effect = "unknown" // something may have been sent: look first
	Effective Effect = "made"    // delivered
)

// Word is the word that screens use for a state.
type Word string

// The words on screens. Waiting documents are not approved and stand outside
// the tie-out: approved = posted + saved + open + recalled + skipped.
const (
	WordPosted   Word = "posted"   // delivered and final, or confirmed
	WordSaved    Word = "saved"    // delivered, not final
	WordOpen     Word = "open"     // on its way, or a person must act
	WordRecalled Word = "recalled" // void or reversed
	WordSkipped  Word = "skipped"  // nothing to post
	WordWaiting  Word = "waiting"  // not approved yet
)

// CauseNothing is the cause of a transfer that is confirmed because every line
// of its document is zero.
const CauseNothing = "nothing_to_post"

// wordOf gives a state its word; cause tells skipped from posted.
func wordOf(s State, cause string) Word {
	switch s {
	case Confirmed:
		if cause == CauseNothing {
			return WordSkipped
		}
		return WordPosted
	case Delivered:
		return WordSaved
	case Void, Reversed:
		return WordRecalled
	case Waiting:
		return WordWaiting
	case Received, Pending, Delivering, Parked, Returned, Reversing:
		return WordOpen
	}
	return WordOpen
}

package engine

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// The shapes of row that this version writes. It reads all of them, and an older
// one those that it knows: a row is of the first unless it holds something that a
// version which knows only that would lose.
const (
	formatPlain   = 1
	formatWanting = 2 // a revision bears wanting
	format        = formatWanting
)

// Bounds that keep a row small whatever happens to its document.
const (
	maxHistory   = 60
	maxRevisions = 6
	maxIssues    = 40
	maxText      = 500 // bytes of each text that comes from outside
)

// clip bounds a text that comes from outside.
func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}

// row is what the engine keeps in Transfer.Data.
type row struct {
	// Lease and Owner are read by intake in every format: they never change
	// their meaning.
	Lease time.Time `json:"lease,omitzero"`  // until when a worker holds the row
	Owner string    `json:"owner,omitempty"` // flow that first saw the document ready

	Fence       int64              `json:"fence"`
	Seen        int64              `json:"seen"` // Wakes that has been acted on
	Version     string             `json:"version,omitempty"`
	Hint        string             `json:"hint,omitempty"` // last one that said anything
	Correlation string             `json:"correlation,omitempty"`
	Since       time.Time          `json:"since,omitzero"`
	Tries       int                `json:"tries,omitempty"`    // failures in a row of the present step
	Failing     time.Time          `json:"failing,omitzero"`   // since when the present step fails
	Missing     int                `json:"missing,omitempty"`  // times in a row that the source did not find the document
	Attempts    int                `json:"attempts,omitempty"` // calls that may have had an effect
	Why         string             `json:"why,omitempty"`
	Revisions   []revision         `json:"revisions,omitempty"`
	Outbox      []connector.Signal `json:"outbox,omitempty"`
	History     []Moment           `json:"history,omitempty"`
	Audited     int                `json:"audited,omitempty"` // moments of History that the trail has
	// Returned is the newest revision of which the source was told that it failed.
	Returned *int64 `json:"returned,omitempty"`
	// ReturnedAs are the handles that were returned under that number.
	ReturnedAs []string `json:"returned_as,omitempty"`
	// Dropped is when contents were dropped for the last time.
	Dropped time.Time `json:"dropped,omitzero"`
	// Back are the last deliveries that were taken back. A version that does not know
	// them may lose them: they are a second look, no state.
	Back []takenBack `json:"back,omitempty"`
	// Payments are those that the source was told of, or is being told of.
	Payments []connector.Payment `json:"payments,omitempty"`
}

// takenBack is a delivery that was taken back.
type takenBack struct {
	Revision   int64 `json:"revision"` // as in the key
	Generation int   `json:"generation"`
}

// maxBack is how many deliveries that were taken back a row remembers.
const maxBack = 8

// revision is one approved version of the document.
type revision struct {
	Number     int64              `json:"number"`
	Handle     string             `json:"handle,omitempty"`
	Period     string             `json:"period,omitempty"`
	Person     string             `json:"person,omitempty"`
	Totals     []connector.Total  `json:"totals,omitempty"`
	State      State              `json:"state"`
	Effect     Effect             `json:"effect"`
	Generation int                `json:"generation"`
	Content    string             `json:"content,omitempty"` // names of contents
	Posting    string             `json:"posting,omitempty"`
	Whole      string             `json:"whole,omitempty"`   // content with the whole posting, where Posting is a delta
	Sealed     string             `json:"sealed,omitempty"`  // whose key seals the posting, where it is not Person's
	Details    string             `json:"details,omitempty"` // content with the issues whole, where values are personal
	Reasons    string             `json:"reasons,omitempty"`
	Mapping    string             `json:"mapping,omitempty"` // version
	Cause      string             `json:"cause,omitempty"`
	Issues     []connector.Issue  `json:"issues,omitempty"`
	Receipt    *connector.Receipt `json:"receipt,omitempty"`
	// Then is the state after a reversal; while it is set one is to be done.
	Then State `json:"then,omitempty"`
	// Keyed is the revision whose key the target's documents bear, where it is
	// not this one.
	Keyed int64 `json:"keyed,omitempty"`
	// Only, with Then: it is taken back to be replaced, and what earlier revisions
	// have standing stays.
	Only bool `json:"only,omitempty"`
	// Wanting, where set: something that belongs to it is missing and is to be added.
	Wanting *wanting `json:"wanting,omitempty"`
	// ReturnAt is when a parked revision is given back by itself.
	ReturnAt time.Time `json:"return_at,omitzero"`
}

// sealer returns whose key seals the posting and its reasons.
func (v *revision) sealer() string {
	if v.Sealed != "" {
		return v.Sealed
	}
	return v.Person
}

// whole returns the name of the content that holds the whole posting.
func (v *revision) whole() string {
	if v.Whole != "" {
		return v.Whole
	}
	return v.Posting
}

// key returns the revision whose key the target's documents bear.
func (v *revision) key() int64 {
	if v.Keyed != 0 {
		return v.Keyed
	}
	return v.Number
}

// Moment is one line of a transfer's history.
type Moment struct {
	Time  time.Time `json:"time"`
	What  string    `json:"what"`
	Text  string    `json:"text,omitempty"`
	Actor string    `json:"actor,omitempty"`
}

// current returns the revision that is being worked on, nil when none was seen.
func (r *row) current() *revision {
	if len(r.Revisions) == 0 {
		return nil
	}
	return &r.Revisions[len(r.Revisions)-1]
}

// empty reports whether no document of the transfer was ever stored.
func (r *row) empty() bool {
	for i := range r.Revisions {
		if r.Revisions[i].Content != "" {
			return false
		}
	}
	return true
}

// effective returns the newest earlier revision that stands in the target.
func (r *row) effective() *revision {
	for i := len(r.Revisions) - 2; i >= 0; i-- {
		if r.Revisions[i].Effect == Effective {
			return &r.Revisions[i]
		}
	}
	return nil
}

// standing counts the earlier revisions that stand in the target.
func (r *row) standing() int {
	n := 0
	for i := range r.Revisions[:max(0, len(r.Revisions)-1)] {
		if r.Revisions[i].Effect == Effective {
			n++
		}
	}
	return n
}

// back remembers that the delivery of a revision was taken back.
func (r *row) back(rev *revision) {
	b := takenBack{rev.key(), rev.Generation}
	r.Back = append(slices.DeleteFunc(r.Back, func(have takenBack) bool { return have == b }), b)
	r.Back = r.Back[max(0, len(r.Back)-maxBack):]
}

// bears reports whether something that stands, or may stand, is of that delivery.
func (r *row) bears(b takenBack) bool {
	return slices.ContainsFunc(r.Revisions, func(rev revision) bool {
		return rev.Effect != None && rev.key() == b.Revision && rev.Generation == b.Generation
	})
}

// recovered forgets the failures of the step that now went well.
func (r *row) recovered() { r.Tries, r.Failing = 0, time.Time{} }

// raise makes the revision that stands in the target the current one again.
func (r *row) raise() *revision {
	for i := len(r.Revisions) - 2; i >= 0; i-- {
		if e := r.Revisions[i]; e.Effect == Effective {
			r.Revisions = append(append(r.Revisions[:i:i], r.Revisions[i+1:]...), e)
			break
		}
	}
	return r.current()
}

// generation returns the generation of a new revision: the highest so far, so
// that no number that we make up is used again after a reversal.
func (r *row) generation() int {
	g := 1
	for i := range r.Revisions {
		g = max(g, r.Revisions[i].Generation)
	}
	return g
}

// unused returns the generation of a delivery of the current revision whose key
// nothing bears that stands: a source may change what it calls the same revision.
func (r *row) unused() int {
	rev := r.current()
	g := rev.Generation
	for i := range r.Revisions[:len(r.Revisions)-1] {
		if have := &r.Revisions[i]; have.Effect == Effective && have.key() == rev.key() {
			g = max(g, have.Generation+1)
		}
	}
	return g
}

func (r *row) note(at time.Time, what, text string) {
	r.remember(Moment{Time: at, What: what, Text: text})
}

func (r *row) remember(m Moment) {
	m.Text = clip(m.Text)
	r.History = append(r.History, m)
	if cut := len(r.History) - maxHistory; cut > 0 {
		r.History = append([]Moment(nil), r.History[cut:]...)
		r.Audited = max(0, r.Audited-cut)
	}
}

// push adds a revision and forgets the oldest ones that have no effect.
func (r *row) push(rev revision) {
	r.Revisions = append(r.Revisions, rev)
	for i := 0; len(r.Revisions) > maxRevisions && i < len(r.Revisions)-1; {
		if r.Revisions[i].Effect == None {
			r.Revisions = append(r.Revisions[:i], r.Revisions[i+1:]...)
			continue
		}
		i++
	}
}

// summary copies what List and people search for from the row onto the transfer.
func summary(t *storage.Transfer, r *row) {
	rev := r.current()
	if rev == nil {
		t.State, t.Cause = string(Received), ""
		return
	}
	t.State, t.Cause, t.Period = string(rev.State), rev.Cause, rev.Period
}

func encode(t *storage.Transfer, r *row) error {
	r.Why = clip(r.Why)
	for i := range r.Revisions {
		rev := &r.Revisions[i]
		if len(rev.Issues) > maxIssues {
			rev.Issues = rev.Issues[:maxIssues]
		}
		for j := range rev.Issues {
			is := &rev.Issues[j]
			is.Field, is.Value, is.Message, is.Remedy = clip(is.Field), clip(is.Value), clip(is.Message), clip(is.Remedy)
		}
	}
	// What identifies and decides is small. The rest gives way, the least missed first,
	// because a row that cannot be written would stop its document for ever.
	for _, shed := range []func(){
		func() {},
		func() {
			cut := max(0, len(r.History)-10)
			r.History, r.Audited = append([]Moment(nil), r.History[cut:]...), max(0, r.Audited-cut)
		},
		func() {
			for i := range r.Revisions {
				rev := &r.Revisions[i]
				rev.Issues = rev.Issues[:min(3, len(rev.Issues))]
				if i < len(r.Revisions)-1 && rev.Effect != Effective {
					rev.Receipt, rev.Totals = nil, nil
				}
			}
		},
		func() {
			for i := range r.Revisions {
				r.Revisions[i].Receipt = shorten(r.Revisions[i].Receipt)
			}
			for i := range r.Outbox {
				r.Outbox[i].Receipt = shorten(r.Outbox[i].Receipt)
			}
		},
	} {
		shed()
		b, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("engine: encode row: %w", err)
		}
		t.Data, t.Format = b, r.format()
		if len(b) <= storage.MaxData {
			return nil
		}
	}
	return fmt.Errorf("engine: transfer %s: its row has %d bytes, more than %d", t.Document, len(t.Data), storage.MaxData)
}

// shorten keeps the beginning of a receipt that is too long for a row. All of it
// is in the audit trail.
func shorten(r *connector.Receipt) *connector.Receipt {
	const most = 50
	if r == nil || len(r.Made) <= most {
		return r
	}
	s := *r
	s.Made = r.Made[:most:most]
	s.Notes = []string{fmt.Sprintf("the first %d of %d; the audit trail has all", most, len(r.Made))}
	return &s
}

// errNewer says that a newer version of the engine wrote the row.
type errNewer struct {
	id     storage.ID
	format int
}

func (e *errNewer) Error() string {
	return fmt.Sprintf("engine: transfer %s has format %d, this version reads up to %d: upgrade this process", e.id.Document, e.format, format)
}

func decode(t storage.Transfer) (row, error) {
	var r row
	if t.Format > format {
		return r, &errNewer{id: t.ID, format: t.Format}
	}
	if len(t.Data) == 0 {
		return r, nil
	}
	if err := json.Unmarshal(t.Data, &r); err != nil {
		return r, fmt.Errorf("engine: transfer %s: decode row: %w", t.ID.Document, err)
	}
	if len(r.Revisions) == 0 && len(r.Outbox) > 0 {
		return r, fmt.Errorf("engine: transfer %s: its row has signals and no revision", t.ID.Document)
	}
	for i := range r.Revisions {
		if rev := &r.Revisions[i]; !rev.sound() {
			return r, fmt.Errorf("engine: transfer %s: revision %d has state %q, effect %q and then %q, which is none of this version's rows",
				t.ID.Document, rev.Number, rev.State, rev.Effect, rev.Then)
		}
	}
	r.Audited = min(max(r.Audited, 0), len(r.History))
	return r, nil
}

// sound reports whether a revision stands where this version can go on from.
func (v *revision) sound() bool {
	if v.Wanting != nil && v.Receipt == nil {
		return false
	}
	switch v.Effect {
	case None, Unknown, Effective:
	default:
		return false
	}
	switch v.State {
	case Received, Waiting, Pending, Confirmed, Returned, Reversed, Void, Delivering, Delivered:
		return v.Then == ""
	case Parked:
		return v.Then == "" || v.Then == Parked || v.Then == Reversed
	case Reversing:
		return v.Then == Parked || v.Then == Reversed
	default:
		return false
	}
}

// held is the part of a row that intake reads, in every format.
type held struct {
	Lease time.Time `json:"lease"`
	Owner string    `json:"owner"`
}

// knock is what Transfer.Hint holds: what the last knock said.
type knock struct {
	Hint        string `json:"h,omitempty"`
	Correlation string `json:"c,omitempty"`
	Version     string `json:"v,omitempty"`
}

// encode keeps within the bound of Hint: the hint itself is needed, the
// correlation and the version only help.
func (k knock) encode() string {
	if len(k.Version) > 64 {
		k.Version = digest(k.Version)
	}
	if len(k.Correlation) > 64 {
		k.Correlation = k.Correlation[:64]
	}
	if s := k.text(); len(s) <= storage.MaxHint {
		return s
	}
	if s := (knock{Hint: k.Hint, Version: k.Version}).text(); len(s) <= storage.MaxHint {
		return s
	}
	if s := (knock{Hint: k.Hint}).text(); len(s) <= storage.MaxHint {
		return s
	}
	return ""
}

// text is k as JSON; the ampersands of a hint that is an address stay one byte.
func (k knock) text() string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(k) != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func decodeKnock(s string) knock {
	var k knock
	if s == "" || json.Unmarshal([]byte(s), &k) != nil {
		return knock{}
	}
	return k
}

// documentOf and refOf turn a Ref into the ledger's document and back. A kind
// holds no slash, so the first one ends it.
func documentOf(r connector.Ref) string { return r.Kind + "/" + r.ID }

func refOf(document string) connector.Ref {
	kind, id, _ := strings.Cut(document, "/")
	return connector.Ref{Kind: kind, ID: id}
}

// digest is a short name for any text: 26 characters of A–Z and 2–7.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return base32.StdEncoding.EncodeToString(h.Sum(nil))[:26]
}

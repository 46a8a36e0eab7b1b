package sqlitestore

import (
	"database/sql"
	"sync"

	"github.com/ml-connector/ml-connector/sync/storage"
)

// maxKnown bounds what is remembered of rows, to about a megabyte.
const maxKnown = 4096

// indexed are the columns of a transfer that indexes hold.
type indexed struct {
	queue                string
	due                  sql.NullInt64
	state, cause, period string
}

// row is a transfer at one Rev.
type row struct {
	id storage.ID
	indexed
}

// known remembers what this process committed, so that an update need not read
// first which indexes it touches. A Rev is given out once for the whole file, so
// what was committed under it is what stands there for as long as it is the row's
// Rev, whoever else writes to the file; whether it still is, the update itself
// asks. Nothing is remembered of a write whose outcome is not certain.
type known struct {
	mu   sync.Mutex
	rows map[int64]row
}

// at returns what was committed under a Rev, and false where this process does
// not know or it was another transfer.
func (k *known) at(rev int64, id storage.ID) (indexed, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := k.rows[rev]
	return r.indexed, ok && r.id == id
}

func (k *known) put(rev int64, t storage.Transfer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.rows) >= maxKnown {
		clear(k.rows) // those that are still worked on come again with their next update
	}
	k.rows[rev] = row{t.ID, indexed{t.Queue, micros(t.Due), t.State, t.Cause, t.Period}}
}

// replace forgets the Rev that a row had before.
func (k *known) replace(old, rev int64, t storage.Transfer) {
	k.mu.Lock()
	delete(k.rows, old)
	k.mu.Unlock()
	k.put(rev, t)
}

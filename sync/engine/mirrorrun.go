package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/sync/connector"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// shards is how many values the hashes of one mirror are spread over: one
// compare-and-set per object would take a minute for 50,000 objects.
const shards = 256

// known is what the engine remembers of a mirrored object.
type known struct {
	Hash  string   `json:"h,omitempty"` // empty: an edit is under way, or its answer was lost
	Needs []string `json:"n,omitempty"`
	Gone  bool     `json:"g,omitempty"` // the edit under way is a retirement
}

// shard is one value's worth of known objects, by key.
type shard struct {
	value storage.Value
	known map[string]known
	dirty bool
}

func shardOf(key string) int { return int(sha256.Sum256([]byte(key))[0]) }

// mirrorClaim is the value that holds other processes off and keeps the report.
type mirrorClaim struct {
	Lease  time.Time    `json:"lease,omitzero"`
	Report MirrorReport `json:"report"`
}

// mirrorRun is one run.
type mirrorRun[T any] struct {
	e      *Engine
	m      *typedMirror[T]
	claim  storage.Value
	shards [shards]*shard
	report MirrorReport
	batch  int // number of the batch, for the audit
}

func (m *typedMirror[T]) run(ctx context.Context, e *Engine, approve bool) (MirrorReport, error) {
	r := &mirrorRun[T]{e: e, m: m, report: MirrorReport{Name: m.m.Name, Started: e.clock()}}
	if err := r.hold(ctx); err != nil {
		return r.report, err
	}
	err := r.all(scope(ctx, m.m.Tenant, "mirror/"+m.m.Name, 0), approve)
	r.report.Ended = e.clock()
	if err != nil {
		r.report.Error = err.Error()
	}
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = errors.Join(err, r.saveClaim(back, mirrorClaim{Report: r.report}))
	if f := e.opts.Observer.Mirrored; f != nil {
		f(m.m.Tenant, r.report)
	}
	return r.report, err
}

// hold claims the mirror for this process.
func (r *mirrorRun[T]) hold(ctx context.Context) error {
	name := mirrorPrefix(r.m.m.Name) + "run"
	v, err := r.e.store.Load(ctx, r.m.m.Tenant, name)
	if errors.Is(err, storage.ErrNotFound) {
		v, err = storage.Value{Tenant: r.m.m.Tenant, Name: name}, nil
	}
	if err != nil {
		return ours("read mirror", err)
	}
	var c mirrorClaim
	if len(v.Data) > 0 {
		if err := json.Unmarshal(v.Data, &c); err != nil {
			return fmt.Errorf("engine: mirror %q: %w", r.m.m.Name, err)
		}
	}
	if c.Lease.After(r.e.clock()) {
		return ErrMirrorBusy
	}
	r.claim = v
	c.Lease = r.e.clock().Add(r.m.p.Lease)
	return r.saveClaim(ctx, c)
}

func (r *mirrorRun[T]) saveClaim(ctx context.Context, c mirrorClaim) error {
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("engine: encode mirror: %w", err)
	}
	r.claim.Data = b
	v, err := r.e.store.Save(ctx, r.claim)
	if errors.Is(err, storage.ErrConflict) {
		return ErrMirrorBusy
	}
	if err != nil {
		return ours("save mirror", err)
	}
	r.claim = v
	return nil
}

// all reads the set, sends what is new or changed, then retires.
func (r *mirrorRun[T]) all(ctx context.Context, approve bool) error {
	if err := r.load(ctx); err != nil {
		return err
	}
	seen := map[string]bool{}
	var edits []edit[T]
	var appeared []string
	for o, err := range r.m.m.Original.Objects(ctx) {
		if err != nil {
			return fmt.Errorf("engine: mirror %q: read the original: %w", r.m.m.Name, err)
		}
		if o.Key == "" || len(o.Key) > storage.MaxIDPart {
			return fmt.Errorf("engine: mirror %q: an object's key must have 1 to %d bytes", r.m.m.Name, storage.MaxIDPart)
		}
		if seen[o.Key] {
			return fmt.Errorf("engine: mirror %q: the original gave %q twice", r.m.m.Name, o.Key)
		}
		if !o.Active {
			continue
		}
		seen[o.Key] = true
		r.report.Read++
		hash, err := hashOf(o.Content)
		if err != nil {
			return err
		}
		was, isKnown := r.shards[shardOf(o.Key)].known[o.Key]
		news := false
		for _, need := range o.Needs {
			if !slices.Contains(was.Needs, need) {
				appeared, news = append(appeared, need), true
			}
		}
		if isKnown && was.Hash == hash && !news {
			r.report.Unchanged++
			continue
		}
		edits = append(edits, edit[T]{
			Edit: connector.Edit[T]{Key: o.Key, Content: o.Content, Known: isKnown && !was.Gone}, hash: hash, needs: o.Needs,
		})
	}
	// Told before anything is remembered: after a crash it is told again.
	if err := r.tell(ctx, appeared); err != nil {
		return err
	}
	if err := r.send(ctx, edits, &r.report.Sent); err != nil {
		return err
	}
	return r.retire(ctx, seen, approve)
}

// edit is an Edit with what is remembered once it has effect.
type edit[T any] struct {
	connector.Edit[T]
	hash  string
	needs []string
}

func hashOf(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("engine: encode object: %w", err)
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:12]), nil
}

func (r *mirrorRun[T]) load(ctx context.Context) error {
	for i := range r.shards {
		r.shards[i] = &shard{
			value: storage.Value{Tenant: r.m.m.Tenant, Name: mirrorPrefix(r.m.m.Name) + "s/" + strconv.Itoa(i)},
			known: map[string]known{},
		}
	}
	after := ""
	prefix := mirrorPrefix(r.m.m.Name) + "s/"
	for {
		vs, next, err := r.e.store.Scan(ctx, r.m.m.Tenant, prefix, after, shards)
		if err != nil {
			return ours("read mirror", err)
		}
		for _, v := range vs {
			i, err := strconv.Atoi(v.Name[len(prefix):])
			if err != nil || i < 0 || i >= shards {
				return fmt.Errorf("engine: mirror %q: value %q is not one of its own", r.m.m.Name, v.Name)
			}
			if err := json.Unmarshal(v.Data, &r.shards[i].known); err != nil {
				return fmt.Errorf("engine: mirror %q: value %q: %w", r.m.m.Name, v.Name, err)
			}
			r.shards[i].value = v
		}
		if next == "" {
			return nil
		}
		after = next
	}
}

func (r *mirrorRun[T]) tell(ctx context.Context, appeared []string) error {
	if len(appeared) == 0 {
		return nil
	}
	if r.m.m.Appeared != nil {
		if err := r.m.m.Appeared(ctx, appeared); err != nil {
			return fmt.Errorf("engine: mirror %q: refresh the tables: %w", r.m.m.Name, err)
		}
	}
	for _, needs := range appeared {
		n, err := r.e.Appeared(ctx, r.m.m.Tenant, needs)
		r.report.Woken += n
		if err != nil {
			return err
		}
	}
	return nil
}

// retire takes back what the original has no more, unless it is too much at once.
func (r *mirrorRun[T]) retire(ctx context.Context, seen map[string]bool, approve bool) error {
	var edits []edit[T]
	total := 0
	for _, s := range r.shards {
		total += len(s.known)
		for key := range s.known {
			if !seen[key] {
				edits = append(edits, edit[T]{Edit: connector.Edit[T]{Key: key, Known: true, Retire: true}})
			}
		}
	}
	slices.SortFunc(edits, func(a, b edit[T]) int { return compareKeys(a.Key, b.Key) })
	if len(edits) > r.m.p.cap(total) && !approve {
		for _, x := range edits {
			r.report.Held = append(r.report.Held, x.Key)
		}
		return nil
	}
	return r.send(ctx, edits, &r.report.Retired)
}

func compareKeys(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// send applies edits in batches and remembers each batch once it has effect.
func (r *mirrorRun[T]) send(ctx context.Context, edits []edit[T], done *int) error {
	limit := watchLimit
	if r.m.m.Copy != nil {
		limit = max(1, r.m.m.Copy.Limit())
	}
	for batch := range slices.Chunk(edits, limit) {
		r.batch++
		if err := r.record(ctx, "attempt", map[string]any{"batch": r.batch, "edits": len(batch), "retire": batch[0].Retire}); err != nil {
			return err
		}
		plain := make([]connector.Edit[T], len(batch))
		for i, x := range batch {
			plain[i] = x.Edit
		}
		// Before it is sent: what the copy holds is in doubt until it has answered,
		// also when the original goes back to what was sent before.
		if err := r.doubt(ctx, batch); err != nil {
			return err
		}
		each, err := r.apply(ctx, plain)
		if err == nil && len(each) != len(batch) {
			err = fmt.Errorf("the copy answered %d of %d edits", len(each), len(batch))
		}
		if err != nil {
			err = fmt.Errorf("engine: mirror %q: send to the copy: %w", r.m.m.Name, err)
			return errors.Join(err, r.record(ctx, "unknown", map[string]any{"batch": r.batch}))
		}
		taken := 0
		for i, x := range batch {
			if each[i] != nil {
				if len(r.report.Failed) < maxFails {
					r.report.Failed = append(r.report.Failed, MirrorFail{Key: x.Key, Error: each[i].Error()})
				}
				continue
			}
			s := r.shards[shardOf(x.Key)]
			s.dirty = true
			if x.Retire {
				delete(s.known, x.Key)
			} else {
				s.known[x.Key] = known{Hash: x.hash, Needs: x.needs}
			}
			taken++
		}
		*done += taken
		if err := r.record(ctx, "done", map[string]any{"batch": r.batch, "taken": taken, "refused": len(batch) - taken}); err != nil {
			return err
		}
		if err := r.remember(ctx); err != nil {
			return err
		}
	}
	return nil
}

// doubt forgets what the copy is known to hold of the objects of a batch.
func (r *mirrorRun[T]) doubt(ctx context.Context, batch []edit[T]) error {
	if r.m.m.Copy == nil {
		return nil
	}
	for _, x := range batch {
		s := r.shards[shardOf(x.Key)]
		was, ok := s.known[x.Key]
		if !ok && x.Retire {
			continue
		}
		was.Hash, was.Gone = "", x.Retire || (!x.Known && ok && was.Gone)
		if !ok {
			was.Gone = true // nobody has it yet: it is new however often it is sent
		}
		s.known[x.Key], s.dirty = was, true
	}
	return r.remember(ctx)
}

// watchLimit is how many objects of a set that is only watched are remembered
// at once.
const watchLimit = 1000

// apply hands edits to the copy; a set that is only watched takes all of them.
func (r *mirrorRun[T]) apply(ctx context.Context, edits []connector.Edit[T]) ([]error, error) {
	if r.m.m.Copy == nil {
		return make([]error, len(edits)), nil
	}
	return r.m.m.Copy.Apply(ctx, edits)
}

// remember saves the shards that changed, and with them a sign of life.
func (r *mirrorRun[T]) remember(ctx context.Context) error {
	for _, s := range r.shards {
		if !s.dirty {
			continue
		}
		b, err := json.Marshal(s.known)
		if err != nil {
			return fmt.Errorf("engine: encode mirror: %w", err)
		}
		s.value.Data = b
		v, err := r.e.store.Save(ctx, s.value)
		if errors.Is(err, storage.ErrConflict) {
			return ErrMirrorBusy
		}
		if err != nil {
			return ours("save mirror", err)
		}
		s.value, s.dirty = v, false
	}
	return r.saveClaim(ctx, mirrorClaim{Lease: r.e.clock().Add(r.m.p.Lease), Report: r.report})
}

func (r *mirrorRun[T]) record(ctx context.Context, outcome string, detail map[string]any) error {
	b, err := marshal(detail)
	if err != nil {
		return err
	}
	return ours("record mirror", r.e.trail.Append(ctx, audit.Record{
		Tenant: r.m.m.Tenant, Actor: "engine", Action: "mirror", Subject: "mirror/" + r.m.m.Name, Outcome: outcome, Detail: b,
		ID: digest(r.m.m.Name, r.report.Started.String(), strconv.Itoa(r.batch), outcome),
	}))
}

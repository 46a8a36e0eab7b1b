package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/sync/storage"
)

// Act says who does something and why, for the audit.
type Act struct {
	Actor  string
	Reason string
}

// pauses knows which flows a person has paused. What another process paused is
// seen within a few seconds.
type pauses struct {
	store storage.Values
	now   func() time.Time
	mu    sync.Mutex
	known map[string]pauseState
}

type pauseState struct {
	paused bool
	at     time.Time
}

const pauseAge = 2 * time.Second

func pauseName(flow string) string { return "pause/" + digest(flow) }

func (p *pauses) paused(ctx context.Context, f *flow) (bool, error) {
	key := queueOf(f.tenant, f.name)
	p.mu.Lock()
	s, ok := p.known[key]
	p.mu.Unlock()
	// A clock that was set back makes an age negative.
	if age := p.now().Sub(s.at); ok && age >= 0 && age < pauseAge {
		return s.paused, nil
	}
	_, err := p.store.Load(ctx, f.tenant, pauseName(f.name))
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return false, ours("read pause", err)
	}
	p.set(key, err == nil)
	return err == nil, nil
}

func (p *pauses) set(key string, paused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = map[string]pauseState{}
	}
	p.known[key] = pauseState{paused: paused, at: p.now()}
}

// Pause stops work on a flow's transfers, also across restarts and in other
// processes; intake goes on. Pausing a paused flow is nil.
func (e *Engine) Pause(ctx context.Context, tenant, flow string, by Act) error {
	f := e.flow(tenant, flow)
	if f == nil {
		return fmt.Errorf("engine: tenant %q has no flow %q", tenant, flow)
	}
	if err := e.acted(ctx, tenant, "flow/"+flow, "pause", by); err != nil {
		return err
	}
	b, err := json.Marshal(by)
	if err != nil {
		return fmt.Errorf("engine: pause: %w", err)
	}
	_, err = e.store.Save(ctx, storage.Value{Tenant: tenant, Name: pauseName(flow), Data: b})
	if err != nil && !errors.Is(err, storage.ErrConflict) {
		return ours("pause", err)
	}
	e.pauses.set(queueOf(tenant, flow), true)
	return nil
}

// Resume takes a pause back and forgets what was held against the flow's
// systems, so that they are asked again at once. Resuming a flow that runs is nil.
func (e *Engine) Resume(ctx context.Context, tenant, flow string, by Act) error {
	f := e.flow(tenant, flow)
	if f == nil {
		return fmt.Errorf("engine: tenant %q has no flow %q", tenant, flow)
	}
	if err := e.acted(ctx, tenant, "flow/"+flow, "resume", by); err != nil {
		return err
	}
	v, err := e.store.Load(ctx, tenant, pauseName(flow))
	if err == nil {
		err = e.store.Delete(ctx, tenant, v.Name, v.Rev)
	}
	if err != nil && !errors.Is(err, storage.ErrNotFound) && !errors.Is(err, storage.ErrConflict) {
		return ours("resume", err)
	}
	e.pauses.set(queueOf(tenant, flow), false)
	e.gates.pass(f.sourceSystem())
	e.gates.pass(f.targetSystem())
	e.kick()
	return nil
}

// Drain pauses a flow and returns when nothing is worked on for it: no pass is
// under way in this process, and no transfer that is on its way is held by
// another one. What was begun is finished, not cut off. Resume lets it go on.
func (e *Engine) Drain(ctx context.Context, tenant, flow string, by Act) error {
	if err := e.Pause(ctx, tenant, flow, by); err != nil {
		return err
	}
	f := e.flow(tenant, flow)
	for {
		busy := e.quotas.busy(f)
		if !busy {
			var err error
			if busy, err = e.held(ctx, tenant, flow); err != nil {
				return err
			}
		}
		if !busy {
			return nil
		}
		sleep(ctx, 100*time.Millisecond)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// held reports whether a transfer of a flow that is not at rest is held.
func (e *Engine) held(ctx context.Context, tenant, flow string) (bool, error) {
	for _, state := range moving() {
		for t, err := range storage.All(ctx, e.store, storage.Query{Tenant: tenant, State: string(state)}) {
			if err != nil {
				return false, ours("list transfers", err)
			}
			if h, _ := e.holding(t, ""); t.Flow == flow && h.Lease.After(e.clock()) {
				return true, nil
			}
		}
	}
	return false, nil
}

// acted records an act of a person at once.
func (e *Engine) acted(ctx context.Context, tenant, subject, action string, by Act) error {
	if by.Actor == "" {
		return fmt.Errorf("engine: %s: say who acts (Act.Actor)", action)
	}
	return ours("record act", e.trail.Append(ctx, audit.Record{
		Tenant: tenant, ID: digest(subject, action, e.clock().String()),
		Actor: by.Actor, Action: action, Subject: subject, Outcome: "asked", Reason: by.Reason,
	}))
}

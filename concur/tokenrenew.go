package concur

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// renew runs in the flight: at most one at a time.
func (s *TokenSource) renew(ctx context.Context, margin time.Duration, refused Secret) (Token, error) {
	wanted := func(t Token) bool { return t.AccessToken != refused && t.fresh(time.Now(), margin) }
	if t, ok := s.cached(margin, refused); ok {
		return t, nil // another flight landed between the look and the start
	}
	if t, rev, unsaved := s.state(); unsaved {
		// The store failed after the vendor had issued t, which is the only one
		// that still works: it goes into the store before anything else.
		saved, err := s.save(ctx, t, rev)
		if err != nil || wanted(saved) {
			return saved, err
		}
	}
	for range maxConflicts {
		t, rev, err := s.store.Load(ctx)
		if err != nil {
			if errors.Is(err, ErrNoToken) {
				return Token{}, err
			}
			return Token{}, fmt.Errorf("concur: load token: %w", err)
		}
		if wanted(t) {
			s.set(t, rev, false)
			return t, nil // another process refreshed
		}
		if t.RefreshToken == "" || t.Geolocation == "" {
			return Token{}, fmt.Errorf("%w (what is stored has no refresh token)", ErrNoToken)
		}
		if t.Claimed.After(time.Now()) && !s.ownClaim(rev) {
			if other, otherRev, ok := s.other(ctx, rev, wanted); ok {
				s.set(other, otherRev, false)
				return other, nil
			}
			return Token{}, &claimedError{until: t.Claimed}
		}
		// A refresh token may be good for one exchange only, so that it is claimed
		// before it is spent.
		claimed := t
		claimed.Claimed = time.Now().Add(claimTime)
		next, err := s.store.Save(ctx, claimed, rev)
		if errors.Is(err, ErrTokenConflict) {
			continue
		}
		if err != nil {
			return Token{}, fmt.Errorf("concur: claim token: %w", err)
		}
		s.claims(next)
		return s.exchange(ctx, t, next, wanted)
	}
	return Token{}, fmt.Errorf("concur: claim token: %w", ErrTokenConflict)
}

// claimedError says that another process is exchanging the refresh token.
type claimedError struct{ until time.Time }

func (e *claimedError) Error() string {
	return "concur: another process is exchanging the refresh token; this is tried again when it has or has given up"
}

// Retryable reports that another try may succeed.
func (e *claimedError) Retryable() bool { return true }

// RetryAfter returns when to look again: an exchange takes a moment, and the
// claim only ends by itself where a process died.
func (e *claimedError) RetryAfter() time.Duration {
	return min(otherSoon, max(0, time.Until(e.until)))
}

func (s *TokenSource) claims(rev string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claim = rev
}

func (s *TokenSource) ownClaim(rev string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return rev == s.claim
}

// exchange spends the refresh token that this process has claimed; rev is the
// claim's revision.
func (s *TokenSource) exchange(ctx context.Context, t Token, rev string, wanted func(Token) bool) (Token, error) {
	// A call that outlived the claim could spend what another process spends.
	call, cancel := context.WithTimeout(ctx, claimTime-5*time.Second)
	defer cancel()
	s.spending(t.AccessToken)
	next, err := s.spend(call, t)
	if err != nil && deadRefresh(err) {
		// Another process may have spent the same refresh token a moment ago and be
		// about to save what it got for it.
		if other, otherRev, ok := s.other(ctx, rev, wanted); ok {
			s.set(other, otherRev, false)
			return other, nil
		}
	}
	if next.RefreshToken == "" {
		var refused *TokenError
		if errors.As(err, &refused) {
			// Certainly not spent: others need not wait. If this fails the claim runs out.
			t.Claimed = time.Time{}
			_, _ = s.store.Save(context.WithoutCancel(ctx), t, rev)
		}
		return Token{}, err
	}
	next.Claimed = time.Time{}
	saved, saveErr := s.save(ctx, next, rev)
	if saveErr != nil {
		return Token{}, saveErr
	}
	return saved, err
}

// spend exchanges t's refresh token. With an error it may still return a token
// that has to be saved because its refresh token is the only one that works now.
func (s *TokenSource) spend(ctx context.Context, t Token) (Token, error) {
	base, err := s.hosts.base(t.Geolocation)
	if err != nil {
		return Token{}, fmt.Errorf("concur: stored token: %w", err)
	}
	next, err := s.ask(ctx, base, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {string(t.RefreshToken)}})
	if next.AccessToken == "" {
		return Token{}, err
	}
	next.Company = t.Company
	if next.RefreshToken == "" {
		next.RefreshToken, next.RefreshExpiry = t.RefreshToken, t.RefreshExpiry
	}
	if len(next.Scopes) == 0 {
		next.Scopes = t.Scopes
	}
	if err != nil {
		// The answer named a host that no token may go to. Its refresh token is kept
		// with the old geolocation, its access token is not used.
		next.Geolocation, next.Expiry = base, time.Time{}
	}
	return next, err
}

// save writes t before anybody uses it. When somebody else saved meanwhile and
// theirs lives, theirs is used and returned.
func (s *TokenSource) save(ctx context.Context, t Token, rev string) (Token, error) {
	for range maxConflicts {
		next, err := s.store.Save(ctx, t, rev)
		if err == nil {
			s.set(t, next, false)
			return t, nil
		}
		if !errors.Is(err, ErrTokenConflict) {
			s.set(t, rev, true)
			return Token{}, fmt.Errorf("concur: save token: %w", err)
		}
		theirs, theirRev, err := s.store.Load(ctx)
		if errors.Is(err, ErrNoToken) {
			s.set(Token{}, "", false)
			return Token{}, fmt.Errorf("%w (it was removed meanwhile)", ErrNoToken)
		}
		if err != nil {
			s.set(t, rev, true)
			return Token{}, fmt.Errorf("concur: load token: %w", err)
		}
		// The token that was just exchanged, written once more (sealed again by
		// another key), is no news: its refresh token may be dead, and ours is the
		// only one that lives.
		if theirs.AccessToken == t.AccessToken || (!s.wasSpent(theirs.AccessToken) && theirs.fresh(time.Now(), readMargin)) {
			s.set(theirs, theirRev, false)
			return theirs, nil
		}
		rev = theirRev
	}
	s.set(t, rev, true)
	return Token{}, fmt.Errorf("concur: save token: %w", ErrTokenConflict)
}

// other waits a moment for the store to show a wanted token of another revision.
func (s *TokenSource) other(ctx context.Context, rev string, wanted func(Token) bool) (Token, string, bool) {
	deadline := time.Now().Add(otherWait)
	for {
		t, theirs, err := s.store.Load(ctx)
		if err == nil && theirs != rev && wanted(t) {
			return t, theirs, true
		}
		if !time.Now().Before(deadline) {
			return Token{}, "", false
		}
		timer := time.NewTimer(otherPoll)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return Token{}, "", false
		}
	}
}

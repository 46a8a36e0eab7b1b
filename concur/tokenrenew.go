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
		t, rev, err := s.load(ctx)
		if err != nil {
			return Token{}, err
		}
		if wanted(t) {
			s.set(t, rev, false)
			return t, nil // another process refreshed
		}
		if t.RefreshToken == "" || t.Geolocation == "" {
			return Token{}, fmt.Errorf("%w (what is stored has no refresh token)", ErrNoToken)
		}
		if err := s.refusedBefore(t.RefreshToken); err != nil {
			return Token{}, err
		}
		foreign := !t.Claimed.IsZero() && !s.ownClaim(rev)
		if foreign {
			s.doubts(t)
		}
		if foreign && t.Claimed.After(time.Now()) {
			if other, otherRev, ok := s.other(ctx, rev, wanted); ok {
				s.set(other, otherRev, false)
				return other, nil
			}
			return Token{}, &claimedError{until: t.Claimed}
		}
		// A refresh token may be good for one exchange only, so that it is claimed
		// before it is spent.
		claimed := t
		claimed.Claimed = time.Now().Add(claimTime) // the save takes its time out of it
		next, err := s.store.Save(ctx, claimed, rev)
		if errors.Is(err, ErrTokenConflict) {
			continue
		}
		if err != nil {
			return Token{}, fmt.Errorf("concur: claim token: %w", err)
		}
		s.claims(next)
		return s.exchange(ctx, t, claimed.Claimed, next, wanted)
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

// refusedBefore returns what the vendor said about a refresh token that it refused
// for good a moment ago.
func (s *TokenSource) refusedBefore(refresh Secret) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if refresh != s.dead.refresh || !time.Now().Before(s.dead.until) {
		return nil
	}
	return s.dead.err
}

func (s *TokenSource) died(refresh Secret, until time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = deadToken{refresh: refresh, until: until, err: err}
}

// doubts notes that another process claimed t's refresh token and did not say what
// came of it: it may hold the only one that lives.
func (s *TokenSource) doubts(t Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doubt.refresh != t.RefreshToken {
		s.doubt = doubtedToken{refresh: t.RefreshToken, until: t.Claimed.Add(doubtTime)}
	}
}

func (s *TokenSource) doubted(refresh Secret) (until time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.doubt.until, s.doubt.refresh == refresh && time.Now().Before(s.doubt.until)
}

// doubtError says that a refresh token is spent and that another process may hold
// what it was exchanged for.
type doubtError struct{ until time.Time }

func (e *doubtError) Error() string {
	return "concur: the refresh token was exchanged by another process that has not saved what it got; if this lasts, see whether that process can write to the store"
}

// Retryable reports that another try may succeed.
func (e *doubtError) Retryable() bool { return true }

// RetryAfter returns when to look again.
func (e *doubtError) RetryAfter() time.Duration {
	return min(otherSoon, max(0, time.Until(e.until)))
}

// exchange spends the refresh token that this process has claimed until a time;
// rev is the claim's revision.
func (s *TokenSource) exchange(ctx context.Context, t Token, claimed time.Time, rev string, wanted func(Token) bool) (Token, error) {
	// A call that outlived the claim could spend what another process spends.
	end := claimed.Add(-claimMargin)
	if !time.Now().Before(end) {
		return Token{}, fmt.Errorf("%w; the store took too long to save the claim", &claimedError{until: claimed})
	}
	call, cancel := context.WithDeadline(ctx, end)
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
		// Nobody is asked to connect the company anew while another process may hold
		// what the refresh token was exchanged for.
		until, ok := s.doubted(t.RefreshToken)
		if ok {
			err = &doubtError{until: until}
		} else {
			until = time.Now().Add(deadTime)
		}
		s.died(t.RefreshToken, until, err)
		t.Claimed = time.Time{}
		_, _ = s.store.Save(context.WithoutCancel(ctx), t, rev)
		return Token{}, err
	}
	if next.RefreshToken == "" {
		var refused *TokenError
		if errors.As(err, &refused) && refused.certain() {
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
		theirs, theirRev, err := s.load(ctx)
		if errors.Is(err, ErrNoToken) {
			s.set(Token{}, "", false)
			return Token{}, fmt.Errorf("%w (it was removed meanwhile)", ErrNoToken)
		}
		if err != nil {
			s.set(t, rev, true)
			return Token{}, err
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
		t, theirs, err := s.load(ctx)
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

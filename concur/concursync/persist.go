package concursync

import (
	"context"
	"errors"
	"time"

	"github.com/ml-connector/ml-connector/concur"
)

const (
	// firstWait is how long a call that met a limit waits at least: the vendor's
	// own retry-after is 0 where it says anything. It doubles with each try.
	firstWait = time.Second
	// longestWait is the longest retry-after that is waited for here; a longer one
	// goes back to the engine.
	longestWait = 30 * time.Second
	waits       = 4
)

// persist repeats a write that the vendor certainly did not carry out: one that
// met a limit, after a wait, and one whose token was refused, once, with a new
// token. Only writes that may be repeated anyway are called through it, since
// the older services say 403 also for what is not allowed at all.
func persist[T any](ctx context.Context, c *concur.Client, call func() (T, error)) (T, error) {
	wait, refreshed := firstWait, false
	for try := 0; ; try++ {
		got, err := call()
		var refused *concur.Error
		switch {
		case err == nil || !errors.As(err, &refused):
			return got, err
		case !refreshed && (errors.Is(err, concur.ErrUnauthorized) || errors.Is(err, concur.ErrForbidden)):
			refreshed = true
			if _, tokenErr := c.Tokens().Refresh(ctx); tokenErr != nil {
				return got, tokenErr
			}
			continue
		case !errors.Is(err, concur.ErrRateLimited) || try >= waits || refused.RetryAfter() > longestWait:
			return got, err
		}
		timer := time.NewTimer(max(wait, refused.RetryAfter()))
		select {
		case <-ctx.Done():
			timer.Stop()
			return got, ctx.Err()
		case <-timer.C:
		}
		wait *= 2
	}
}

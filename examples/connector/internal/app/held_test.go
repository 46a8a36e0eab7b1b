package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/sync/engine"
)

func TestADocumentIsHeldWhileItIsClaimedAndNotWhileItWaitsForAnotherTry(t *testing.T) {
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	later := now.Add(2 * time.Minute)
	require.True(t, held(engine.Status{State: engine.Delivering, Due: later}, now))
	require.True(t, held(engine.Status{State: engine.Received, Due: later}, now))
	require.False(t, held(engine.Status{State: engine.Delivering, Due: later, Tries: 2}, now))
	require.False(t, held(engine.Status{State: engine.Delivering, Due: now}, now))
	require.False(t, held(engine.Status{State: engine.Waiting, Due: later}, now))
}

func TestADocumentInDeliverySaysWhenItIsTakenUpAgain(t *testing.T) {
	due := time.Date(2026, 11, 24, 10, 2, 3, 0, time.UTC)
	require.Equal(t, "in delivery, taken up again at 10:02:03", (&Transfer{Status: engine.Status{State: engine.Delivering, Due: due}}).Again())
	require.Empty(t, (&Transfer{Status: engine.Status{State: engine.Parked, Due: due}}).Again())
}

package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestContendersTakeTurnsAndMediansAreReturned(t *testing.T) {
	var order []string
	times := map[string][]time.Duration{"a": {9, 1, 5}, "b": {100, 300, 200}}
	contend := func(name string) contender {
		n := 0
		return contender{name, func(context.Context) (sample, error) {
			order = append(order, name)
			n++
			return sample{per: times[name][n-1]}, nil
		}}
	}
	var out bytes.Buffer
	got, err := compare(t.Context(), &out, 3, contend("a"), contend("b"))
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "b", "a", "a", "b"}, order)
	require.EqualValues(t, 5, got[0].per)
	require.EqualValues(t, 200, got[1].per)
}

func TestAVerdictSaysOnWhichSideOfTheGoalAFigureIs(t *testing.T) {
	for _, tc := range []struct {
		a, b, goal int64
		atLeast    bool
		reached    bool
		text       string
	}{
		{80, 100, 80, true, true, "P    x: 0.80 (at least 0.80) reached\n"},
		{79, 100, 80, true, false, "P    x: 0.79 (at least 0.80) MISSED\n"},
		{240, 200, 120, false, true, "P    x: 1.20 (at most 1.20) reached\n"},
		{250, 200, 120, false, false, "P    x: 1.25 (at most 1.20) MISSED\n"},
		{1, 0, 120, false, false, "P    x: nothing to compare with\n"},
	} {
		var out bytes.Buffer
		require.Equal(t, tc.reached, verdict(&out, "P", "x", tc.a, tc.b, tc.goal, tc.atLeast))
		require.Equal(t, tc.text, out.String())
	}
}

func TestPercentile(t *testing.T) {
	values := []time.Duration{5, 1, 4, 2, 3}
	require.EqualValues(t, 3, percentile(values, 50))
	require.EqualValues(t, 5, percentile(values, 99))
	require.Zero(t, percentile(nil, 50))
}

package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whether a figure is reached says nothing at these sizes; that each command
// comes to its verdicts does.
func TestEveryCommandComesToItsVerdict(t *testing.T) {
	for point, args := range map[string]string{
		"P1":  "webhook --events 20 --runs 1",
		"P2":  "documents --reports 4 --runs 1",
		"P4":  "scale --transfers 300 --records 2000 --documents 5 --runs 1",
		"P7":  "report --small 2 --large 4 --allocations 2 --runs 1 --together",
		"P8":  "chain --records 50 --runs 1",
		"P11": "year --documents 12",
	} {
		t.Run(point, func(t *testing.T) {
			var out bytes.Buffer
			if err := run(t.Context(), strings.Fields(args), &out); !errors.Is(err, errMissed) {
				require.NoError(t, err)
			}
			require.Regexp(t, point+` .*\((at least|at most) `, out.String())
		})
	}
}

func TestAnUnknownCommandIsAnError(t *testing.T) {
	require.Error(t, run(t.Context(), []string{"walk"}, &bytes.Buffer{}))
}

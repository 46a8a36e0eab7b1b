package main

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func Example() {
	if err := run(context.Background(), []string{"-offline"}, os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// A1B2C3 "Trade fair", P_PROC: 262.50 USD
	//   2026-10-28  Hotel                250.00
	//   2026-10-29  Lunch                 12.50
}

func TestWithoutArgumentsItSaysWhatItWants(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, run(t.Context(), nil, os.Stdout), "usage")
}

func TestMissingEnvironmentVariablesAreNamed(t *testing.T) {
	for _, name := range []string{"CONCUR_CLIENT_ID", "CONCUR_COMPANY", "CONCUR_REQUEST_TOKEN"} {
		t.Setenv(name, "")
	}
	t.Setenv("CONCUR_CLIENT_SECRET", "given")
	require.EqualError(t, run(t.Context(), []string{"ada@acme.example", "R1"}, os.Stdout), "not set in the environment: CONCUR_CLIENT_ID, CONCUR_COMPANY, CONCUR_REQUEST_TOKEN")
}

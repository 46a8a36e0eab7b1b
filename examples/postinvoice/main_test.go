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
	// failed at line 1, so it is looked for and completed
	// saved: EX-20261030 of vendor E1042, 262.50 USD in group CX261030X
	//   Hotel      250.00  6410|200|00
	//   Lunch       12.50  6410|200|00
	//   with 1 file
	// found by its key: 1
	// posted: 1 invoice
}

func TestWithoutArgumentsItSaysWhatItWants(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, run(t.Context(), nil, os.Stdout), "usage")
}

func TestMissingEnvironmentVariablesAreNamed(t *testing.T) {
	for _, name := range []string{"EPICOR_URL", "EPICOR_API_KEY", "EPICOR_PASSWORD"} {
		t.Setenv(name, "")
	}
	t.Setenv("EPICOR_USER", "given")
	require.EqualError(t, run(t.Context(), []string{"E1042", "6410|200|00"}, os.Stdout), "not set in the environment: EPICOR_URL, EPICOR_API_KEY, EPICOR_PASSWORD")
}

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

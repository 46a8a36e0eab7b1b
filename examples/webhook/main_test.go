package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEventsAreReceivedOverTLSWithTheClientCertificate(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-offline"}, &out))
	require.Equal(t, []string{
		"reportCreated: report 764428DD6A664AF0BFCB of 32c2fcc3-b2e8-4907-9672-5b3f49b1c643, payment ",
		"statusChanged: report 764428DD6A664AF0BFCB of 32c2fcc3-b2e8-4907-9672-5b3f49b1c643, payment P_NOTP",
		"statusChanged: report 764428DD6A664AF0BFCB of 32c2fcc3-b2e8-4907-9672-5b3f49b1c643, payment P_PROC",
		"expense.readyForIntegration: document 764428DD6A664AF0BFCB",
	}, strings.Split(strings.TrimRight(out.String(), "\n"), "\n"))
}

func TestServingNeedsACertificate(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, run(t.Context(), nil, &bytes.Buffer{}), "-cert and -key")
}

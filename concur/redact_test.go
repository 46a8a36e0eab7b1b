package concur

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestATextForALogHoldsNoSecretAndNoAddress(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`bad client_secret=hush&x=1`:              `bad client_secret=` + redacted + `&x=1`,
		`{"refresh_token": "hush","a":1}`:         `{"refresh_token": "` + redacted + `","a":1}`,
		`access_token=hush`:                       `access_token=` + redacted,
		`password=hush next`:                      `password=` + redacted + ` next`,
		`user=ada%40acme.example is unknown`:      `[address] is unknown`,
		`ada@acme.example is unknown`:             `[address] is unknown`,
		`Bearer hush and more`:                    redacted + ` and more`,
		"password: must be changed":               "password: must be changed",
		"two\nlines\u2028of\ttext":                "two lines of text",
		`no client_secret given, no access_token`: `no client_secret given, no access_token`,
	} {
		require.Equal(t, want, oneLine(in))
	}
}

func TestALongTextForALogIsCutBeforeItIsWorkedOn(t *testing.T) {
	t.Parallel()
	require.Empty(t, oneLine(strings.Repeat(" ", maxErrorInput)+"tail"))
	require.LessOrEqual(t, len(oneLine(strings.Repeat("a ", 2<<20))), maxErrorText+len("…"))
}

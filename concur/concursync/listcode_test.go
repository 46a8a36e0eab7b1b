package concursync_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ml-connector/ml-connector/concur/concursync"
)

// texts draws what is hard to encode: the marks themselves, close together.
func texts() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringOf(rapid.RuneFrom([]rune("-~–012aB| /ü"))), rapid.String())
}

func TestCodesAndNamesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := texts().Draw(t, "text")
		require.Equal(t, s, concursync.DecodeCode(concursync.EncodeCode(s)))
		require.Equal(t, s, concursync.DecodeName(concursync.EncodeName(s)))
	})
}

func TestNoHyphenGoesOut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := texts().Draw(t, "text")
		require.NotContains(t, concursync.EncodeCode(s), "-")
		require.NotContains(t, concursync.EncodeName(s), "-")
	})
}

func TestNoTwoCodesBecomeOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := texts().Draw(t, "a"), texts().Draw(t, "b")
		if a == b {
			t.Skip("the same")
		}
		require.NotEqual(t, concursync.EncodeCode(a), concursync.EncodeCode(b))
		require.NotEqual(t, concursync.EncodeName(a), concursync.EncodeName(b))
	})
}

func TestCodesWithoutMarksStayAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"", "6410|200|00", "CC_100", "A B", "Zürich"} {
		require.Equal(t, code, concursync.EncodeCode(code))
		require.Equal(t, code, concursync.DecodeCode(code))
	}
}

func TestDecodeLeavesAloneWhatSomebodyElseMade(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"A~B", "~", "1~", "~2", "CC-1", "~1-"} {
		require.Equal(t, code, concursync.DecodeCode(code))
	}
	require.Equal(t, "A-1/B", concursync.DecodeLongCode("A~11-B", "/"))
}

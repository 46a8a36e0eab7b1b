package wire_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/internal/wire"
)

func TestDecimalKeepsItsTextOnTheWire(t *testing.T) {
	for in, out := range map[string]string{
		`10.00000000`: `10.00000000`, `12.10`: `12.10`, `"12.10"`: `12.10`, `0E-8`: `0E-8`, `-0.5`: `-0.5`, `1e3`: `1e3`,
		`"+1.50"`: `1.50`, `".5"`: `0.5`, `null`: `0`, `""`: `0`, `99999999999999999999.99`: `99999999999999999999.99`,
	} {
		var d wire.Decimal
		require.NoError(t, json.Unmarshal([]byte(in), &d), in)
		b, err := json.Marshal(d)
		require.NoError(t, err)
		require.Equal(t, out, string(b), in)
	}
}

func TestDecimalRefusesWhatIsNoNumberOrTooLong(t *testing.T) {
	for _, in := range []string{`"12,10"`, `"abc"`, `true`, `{}`, `1e99999`, `"` + string(make([]byte, 70)) + `"`, `"NaN"`} {
		var d wire.Decimal
		require.Error(t, json.Unmarshal([]byte(in), &d), in)
	}
}

func TestDecimalOfKeepsTrailingZeros(t *testing.T) {
	require.Equal(t, "12.10", wire.DecimalOf(decimal.RequireFromString("12.10")).String())
}

func TestDateDoesNotMoveWithTheZone(t *testing.T) {
	for _, in := range []string{"2018-02-17", "2018-02-17T00:00:00.000Z", "2018-02-17T23:59:59-08:00", "2018-02-17 00:00:00.0"} {
		d, err := wire.ParseDate(in)
		require.NoError(t, err, in)
		require.Equal(t, wire.Date{Year: 2018, Month: time.February, Day: 17}, d, in)
	}
}

func TestDateRefusesOtherOrders(t *testing.T) {
	for _, in := range []string{"08/08/2018", "2018-13-01", "20180217", "2018-02-17x"} {
		_, err := wire.ParseDate(in)
		require.Error(t, err, in)
	}
}

func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"1", "0E-8", `"1.5"`, "1e40", "null"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var d wire.Decimal
		if d.UnmarshalJSON(b) != nil {
			return
		}
		out, err := json.Marshal(d)
		require.NoError(t, err)
		var again wire.Decimal
		require.NoError(t, json.Unmarshal(out, &again))
		require.True(t, d.Equal(again), "%s became %s", b, out)
	})
}

func TestOmitzeroLeavesOutAnAbsentDecimalAlone(t *testing.T) {
	type row struct {
		Absent wire.Decimal `json:"absent,omitzero"`
		Zero   wire.Decimal `json:"zero,omitzero"`
	}
	zero, err := wire.ParseDecimal("0.00")
	require.NoError(t, err)
	b, err := json.Marshal(row{Zero: zero})
	require.NoError(t, err)
	require.JSONEq(t, `{"zero":0.00}`, string(b))
}

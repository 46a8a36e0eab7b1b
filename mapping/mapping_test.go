package mapping_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ml-connector/ml-connector/mapping"
)

func TestIssuesAreOneLineWithoutPersonalData(t *testing.T) {
	var err error = mapping.Issues{
		{Code: "vendor_missing", Field: "supplier", Value: "NORDWIND"},
		{Code: "name_odd", Field: "owner", Value: "Ana Ruiz", Personal: true},
	}
	err = fmt.Errorf("report A1B2C3: %w", err)
	require.EqualError(t, err, `report A1B2C3: mapping: vendor_missing: supplier "NORDWIND"; name_odd: owner`)
	var issues mapping.Issues
	require.ErrorAs(t, err, &issues)
	require.Len(t, issues, 2)
}

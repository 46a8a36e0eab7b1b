package rules_test

import (
	"testing"

	"github.com/ml-connector/ml-connector/mapping/mappingtest"
)

func TestGoldenCases(t *testing.T) {
	mappingtest.Run(t, "testdata/cases", mapper(t))
}

package memlog_test

import (
	"testing"

	"github.com/ml-connector/ml-connector/audit"
	"github.com/ml-connector/ml-connector/audit/audittest"
	"github.com/ml-connector/ml-connector/audit/memlog"
)

func TestLogKeepsTheContract(t *testing.T) {
	audittest.Run(t, func(*testing.T) audit.Log { return memlog.New() }, nil)
}

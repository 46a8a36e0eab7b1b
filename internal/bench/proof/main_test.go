package proof

import (
	"testing"

	"github.com/ml-connector/ml-connector/internal/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

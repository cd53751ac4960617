package cache_test

import (
	"testing"

	"go.uber.org/goleak"
)

// B56, B80: no goroutine outlives the calls of these tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

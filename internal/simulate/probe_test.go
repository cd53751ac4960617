package simulate_test

import (
	"os"
	"testing"
	"time"
)

func TestProbe(t *testing.T) {
	start := time.Now()
	r := simulated(t, trouble, 30000, chain)
	t.Log(time.Since(start))
	r.Print(os.Stdout)
}

package ledger_test

import (
	"math"
	"testing"

	"github.com/adk-fallback/adk-fallback/internal/ledger"
)

func TestToNano(t *testing.T) {
	for _, test := range []struct {
		dollars float64
		want    ledger.Nano
		ok      bool
	}{
		{0, 0, true},
		{1, 1_000_000_000, true},
		{1.4e-9, 1, true},
		{1.6e-9, 2, true},
		{1_000_000, 1e15, true},
		{1_000_001, 0, false},
		{-1e-9, 0, false},
		{math.NaN(), 0, false},
		{math.Inf(1), 0, false},
	} {
		if got, ok := ledger.ToNano(test.dollars); got != test.want || ok != test.ok {
			t.Errorf("ToNano(%v) = %d, %t; want %d, %t", test.dollars, got, ok, test.want, test.ok)
		}
	}
}

// A limit is at least a billionth of a dollar, because 0 is none; infinity is none too.
func TestLimitOfAnAccount(t *testing.T) {
	for _, test := range []struct {
		limit float64
		want  ledger.Nano
	}{
		{0, 0},
		{math.Inf(1), 0},
		{1e10, 0}, // more than 64 bits hold
		{float64(math.MaxInt64) / 1e9, 0},
		{9e9, 9_000_000_000_000_000_000},
		{1, 1_000_000_000},
		{1.6e-9, 2},
		{1e-12, 1},
	} {
		l := ledger.New(test.limit, nil, nil)
		l.Spent("acme") // opens the account
		if got := l.Accounts()[0].Limit; got != test.want {
			t.Errorf("limit %v: %d, want %d", test.limit, got, test.want)
		}
	}
}

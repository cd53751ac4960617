package ledger_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/internal/ledger"
	"github.com/adk-fallback/adk-fallback/internal/statetest"
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

const dollar ledger.Nano = 1e9

// reserve makes a reservation that must not be refused.
func reserve(t *testing.T, l *ledger.Ledger, tenant string, amount ledger.Nano) ledger.Reservation {
	t.Helper()
	r, refused, err := l.Reserve(t.Context(), tenant, amount, true)
	if refused != nil || err != nil {
		t.Fatalf("%s: %+v, error %v; want a reservation", tenant, refused, err)
	}
	return r
}

// B78: reservations count like spending.
func TestAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ledger.New(10, map[string]float64{"small": 1, "free": 0}, nil)
		l.Settle(reserve(t, l, "free", 5*dollar), 30*dollar, 1)
		l.Settle(reserve(t, l, "large", 5*dollar), 2*dollar, 1)
		l.Settle(reserve(t, l, "none", 0), dollar, 1)
		reserve(t, l, "large", 2*dollar)
		reserve(t, l, "small", dollar/2)
		want := []ledger.Entry{
			{Tenant: "small", Reserved: dollar / 2, Limit: dollar},
			{Tenant: "large", Spent: 2 * dollar, Reserved: 2 * dollar, Limit: 10 * dollar},
			{Tenant: "none", Spent: dollar, Limit: 10 * dollar},
			{Tenant: "free", Spent: 30 * dollar},
		}
		if diff := cmp.Diff(want, l.Accounts()); diff != "" {
			t.Errorf("accounts (-want +got):\n%s", diff)
		}
		if small, large, free := l.Share("small"), l.Share("large"), l.Share("free"); small != 0.5 || large != 0.4 || free != 0 {
			t.Errorf("shares of the limits: small %v, large %v, free %v; want 0.5, 0.4, 0", small, large, free)
		}
		_, refused, _ := l.Reserve(t.Context(), "small", dollar, true)
		if diff := cmp.Diff(&ledger.Refusal{Limit: dollar, Until: time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC)}, refused); diff != "" {
			t.Errorf("refusal (-want +got):\n%s", diff)
		}
		l.SetLimits(1, map[string]float64{"small": 3})
		reserve(t, l, "small", dollar)
		if got := l.Share("large"); got != 1 {
			t.Errorf("%v of a limit below what is spent, want all", got)
		}
		time.Sleep(24 * time.Hour)
		if got := l.Accounts(); len(got) != 0 {
			t.Errorf("on the next day: %+v", got)
		}
	})
}

// Setting the same state again, as a reload of the same file does, changes nothing.
func TestSpendingIsSharedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := statetest.NewStore().Replica(t)
		l := ledger.New(10, nil, nil)
		l.SetState(s)
		l.Settle(reserve(t, l, "acme", dollar), dollar, 1)
		l.SetState(s)
		if got := l.Spent("acme"); got != dollar {
			t.Errorf("%v dollars are spent, want 1", got.Dollars())
		}
	})
}

// A reservation is released in the state in which it was made. Its cost counts in the new state.
func TestReservationOfAnEarlierState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before, now := statetest.NewStore().Replica(t), statetest.NewStore().Replica(t)
		l := ledger.New(10, nil, nil)
		l.SetState(before)
		early := reserve(t, l, "acme", 2*dollar)
		l.SetState(now)
		reserve(t, l, "acme", 3*dollar)
		l.Settle(early, dollar, 1)
		if diff := cmp.Diff([]ledger.Entry{{Tenant: "acme", Spent: dollar, Reserved: 3 * dollar, Limit: 10 * dollar}}, l.Accounts()); diff != "" {
			t.Errorf("now (-want +got):\n%s", diff)
		}
		l.SetState(before)
		if diff := cmp.Diff([]ledger.Entry{{Tenant: "acme", Spent: dollar, Limit: 10 * dollar}}, l.Accounts()); diff != "" {
			t.Errorf("before (-want +got):\n%s", diff)
		}
	})
}

// A reservation that is refused or given up reserves nothing.
func TestSharedRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		l, other := ledger.New(10, nil, nil), ledger.New(10, nil, nil)
		l.SetState(store.Replica(t))
		other.SetState(store.Replica(t))
		time.Sleep(2 * time.Second)
		other.Settle(reserve(t, other, "acme", 9*dollar), 9*dollar, 1)
		time.Sleep(3 * time.Second)

		_, refused, err := l.Reserve(t.Context(), "acme", 2*dollar, true)
		if diff := cmp.Diff(&ledger.Refusal{Limit: 10 * dollar, Until: time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC)}, refused); diff != "" || err != nil {
			t.Errorf("beyond the limit: error %v, refusal (-want +got):\n%s", err, diff)
		}
		_, refused, err = l.Reserve(t.Context(), "acme", 0, false)
		if diff := cmp.Diff(&ledger.Refusal{Unknown: true}, refused); diff != "" || err != nil {
			t.Errorf("of an unknown amount: error %v, refusal (-want +got):\n%s", err, diff)
		}
		store.Trip(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, refused, err = l.Reserve(ctx, "acme", dollar, true); refused != nil || err != context.Canceled {
			t.Errorf("of a caller that has left: %+v, error %v", refused, err)
		}
		l.SetState(nil)
		if got := l.Share("acme"); got != 0 {
			t.Errorf("%v of the limit is spent or reserved here, want nothing", got)
		}
	})
}

func TestPreparedReservationWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := statetest.NewStore()
		l := ledger.New(10, nil, nil)
		l.SetState(store.Replica(t))
		time.Sleep(time.Second)
		store.Trip(time.Millisecond)
		l.Prepare(t.Context(), "acme", dollar)
		began := time.Now()
		if reserve(t, l, "acme", dollar); time.Since(began) != 0 {
			t.Errorf("it waited for %v", time.Since(began))
		}
	})
}

// The current day keeps its account if a time zone makes it longer or shorter. An account that is
// shared again is the one of the other replicas.
func TestSharedDayInAnotherTimeZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, tokyo := statetest.NewStore(), time.FixedZone("Tokyo", 9*3600)
		l := ledger.New(10, nil, nil)
		l.SetState(store.Replica(t))
		l.Settle(reserve(t, l, "acme", dollar), dollar, 1)
		l.SetLocation(tokyo)
		l.SetLimits(5, nil)
		if got := l.Spent("acme"); got != dollar {
			t.Errorf("%v dollars are spent, want 1", got.Dollars())
		}
		l.SetState(store.Replica(t))
		other := ledger.New(5, nil, tokyo)
		other.SetState(store.Replica(t))
		other.Spent("acme") // it must know the tenant to learn of it
		time.Sleep(3 * time.Second)
		if got := other.Spent("acme"); got != dollar {
			t.Errorf("another replica knows of %v dollars, want 1", got.Dollars())
		}
	})
}

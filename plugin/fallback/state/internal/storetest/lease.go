package storetest

import (
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// change is a call of Lease: of an account with a limit of 100, with a TTL of 4 s, unless limit
// is set.
type change struct {
	after              time.Duration
	limit              int64 // -1 for none
	by                 string
	spent, least, most int64
	want               state.Balance
}

// given, when and then of accounts: each row is an account's life.
var changes = map[string][]change{
	"as much as is wanted at most": {
		{by: "a", least: 10, most: 30, want: state.Balance{Leased: 30}},
		{by: "b", least: 10, most: 30, want: state.Balance{Leased: 30, Others: 30}},
		{by: "c", least: 10, most: 60, want: state.Balance{Leased: 40, Others: 60}},
	},
	"nothing more if there is less than needed": {
		{by: "a", most: 90, want: state.Balance{Leased: 90}},
		{by: "b", least: 5, most: 5, want: state.Balance{Leased: 5, Others: 90}},
		{by: "b", least: 11, most: 20, want: state.Balance{Leased: 5, Others: 90}},
		{by: "b", least: 10, most: 20, want: state.Balance{Leased: 10, Others: 90}},
	},
	"said again": {
		{by: "a", spent: 10, least: 20, most: 30, want: state.Balance{Leased: 30, Spent: 10}},
		{by: "a", spent: 10, least: 20, most: 30, want: state.Balance{Leased: 30, Spent: 10}},
		{by: "a", spent: 4, least: 20, most: 30, want: state.Balance{Leased: 30, Spent: 10}},
	},
	"spent from the lease": {
		{by: "a", most: 60, want: state.Balance{Leased: 60}},
		{by: "b", most: 40, want: state.Balance{Leased: 40, Others: 60}},
		{by: "a", spent: 25, least: 36, most: 36, want: state.Balance{Leased: 35, Others: 40, Spent: 25}},
		{by: "a", spent: 60, least: 1, most: 1, want: state.Balance{Others: 40, Spent: 60}},
	},
	"spent more than leased": {
		{by: "a", most: 50, want: state.Balance{Leased: 50}},
		{by: "a", spent: 70, want: state.Balance{Spent: 70}},
		{by: "b", most: 100, want: state.Balance{Leased: 30, Spent: 70}},
		{by: "a", spent: 120, want: state.Balance{Others: 30, Spent: 120}},
		{by: "b", least: 31, most: 100, want: state.Balance{Spent: 120}},
	},
	"given back": {
		{by: "a", most: 100, want: state.Balance{Leased: 100}},
		{by: "a", spent: 1, most: 10, want: state.Balance{Leased: 10, Spent: 1}},
		{by: "b", most: 100, want: state.Balance{Leased: 89, Others: 10, Spent: 1}},
		{by: "a", spent: 1, want: state.Balance{Others: 89, Spent: 1}},
	},
	"run out": {
		{by: "a", spent: 7, most: 93, want: state.Balance{Leased: 93, Spent: 7}},
		{after: 3 * time.Second, by: "b", least: 1, most: 100, want: state.Balance{Others: 93, Spent: 7}},
		{after: 2 * time.Second, by: "b", least: 1, most: 100, want: state.Balance{Leased: 93, Spent: 7}},
		{by: "a", spent: 9, want: state.Balance{Leased: 0, Others: 93, Spent: 9}},
	},
	"renewed": {
		{by: "a", most: 90, want: state.Balance{Leased: 90}},
		{after: 3 * time.Second, by: "a", most: 90, want: state.Balance{Leased: 90}},
		{after: 3 * time.Second, by: "b", most: 100, want: state.Balance{Leased: 10, Others: 90}},
	},
	"a lower limit": {
		{by: "a", most: 60, want: state.Balance{Leased: 60}},
		{by: "b", spent: 20, most: 20, want: state.Balance{Leased: 20, Others: 60, Spent: 20}},
		{limit: 50, by: "a", most: 60, want: state.Balance{Leased: 10, Others: 20, Spent: 20}},
		{limit: 15, by: "b", spent: 20, least: 5, most: 20, want: state.Balance{Others: 10, Spent: 20}},
	},
	"a higher limit": {
		{by: "a", spent: 100, want: state.Balance{Spent: 100}},
		{limit: 150, by: "b", most: 200, want: state.Balance{Leased: 50, Spent: 100}},
	},
	"no limit": {
		{limit: -1, by: "a", spent: 500, want: state.Balance{Spent: 500}},
		{limit: -1, by: "b", spent: 700, want: state.Balance{Spent: 1200}},
	},
	"amounts that no float holds": {
		{limit: 1<<53 + 10, by: "a", spent: 1<<53 + 1, most: 100, want: state.Balance{Leased: 9, Spent: 1<<53 + 1}},
		{limit: 1<<53 + 10, by: "a", spent: 1<<53 + 4, most: 100, want: state.Balance{Leased: 6, Spent: 1<<53 + 4}},
	},
}

func lease(t *testing.T, with With) {
	for name, changes := range changes {
		t.Run(name, func(t *testing.T) {
			with(t, func(t *testing.T, s state.Store, advance func(time.Duration)) {
				for i, c := range changes {
					if c.after > 0 {
						advance(c.after)
					}
					if c.limit == 0 {
						c.limit = 100
					}
					a := state.Account{Key: "account", Limit: max(c.limit, 0), Ends: time.Hour}
					got, err := s.Lease(t.Context(), a, state.Change{Replica: c.by, Spent: c.spent, Least: c.least, Most: c.most, TTL: 4 * time.Second})
					if err != nil || got != c.want {
						t.Fatalf("call %d: %+v, %v, want %+v", i+1, got, err, c.want)
					}
				}
			})
		})
	}
	t.Run("an account ends", func(t *testing.T) {
		with(t, func(t *testing.T, s state.Store, advance func(time.Duration)) {
			a := state.Account{Key: "account", Limit: 100, Ends: 3 * time.Second}
			all := state.Change{Replica: "a", Spent: 100, TTL: time.Minute}
			if got, err := s.Lease(t.Context(), a, all); err != nil || got.Spent != 100 {
				t.Fatalf("%+v, %v, want 100 spent", got, err)
			}
			advance(4 * time.Second)
			want := state.Balance{Leased: 100}
			if got, err := s.Lease(t.Context(), a, state.Change{Replica: "b", Most: 100, TTL: time.Minute}); err != nil || got != want {
				t.Errorf("after its end: %+v, %v, want %+v", got, err, want)
			}
		})
	})
}

package storetest

import (
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// taking is a call of Take: of a bucket of 60 tokens, one a second, unless perMinute is set.
type taking struct {
	after       time.Duration
	perMinute   int
	least, most int
	want        state.Tokens
}

// given, when and then of buckets: each row is a bucket's life.
var takings = map[string][]taking{
	"a bucket that is not known is full": {
		{least: 1, most: 1, want: state.Tokens{Taken: 1, Left: 59}},
	},
	"all or nothing": {
		{least: 60, most: 60, want: state.Tokens{Taken: 60}},
		{least: 1, most: 1, want: state.Tokens{Wait: time.Second}},
		{least: 10, most: 10, want: state.Tokens{Wait: 10 * time.Second}},
	},
	"as many as there are": {
		{least: 55, most: 55, want: state.Tokens{Taken: 55, Left: 5}},
		{least: 2, most: 20, want: state.Tokens{Taken: 5}},
		{least: 0, most: 20, want: state.Tokens{}},
	},
	"nothing taken tells what is left": {
		{least: 20, most: 20, want: state.Tokens{Taken: 20, Left: 40}},
		{least: 0, most: 0, want: state.Tokens{Left: 40}},
	},
	"a refused call takes nothing": {
		{least: 50, most: 50, want: state.Tokens{Taken: 50, Left: 10}},
		{least: 11, most: 11, want: state.Tokens{Left: 10, Wait: time.Second}},
		{least: 10, most: 10, want: state.Tokens{Taken: 10}},
	},
	"refilled evenly": {
		{least: 60, most: 60, want: state.Tokens{Taken: 60}},
		{after: 2 * time.Second, least: 3, most: 3, want: state.Tokens{Left: 2, Wait: time.Second}},
		{least: 2, most: 2, want: state.Tokens{Taken: 2}},
	},
	"never more than full": {
		{least: 1, most: 1, want: state.Tokens{Taken: 1, Left: 59}},
		{after: 3 * time.Second, least: 0, most: 100, want: state.Tokens{Taken: 60}},
	},
	"put back": {
		{least: 60, most: 60, want: state.Tokens{Taken: 60}},
		{most: -7, want: state.Tokens{Left: 7}},
		{least: 8, most: 8, want: state.Tokens{Left: 7, Wait: time.Second}},
		{least: 7, most: 7, want: state.Tokens{Taken: 7}},
	},
	"put back more than was taken": {
		{least: 5, most: 5, want: state.Tokens{Taken: 5, Left: 55}},
		{most: -50, want: state.Tokens{Left: 60}},
		{least: 60, most: 60, want: state.Tokens{Taken: 60}},
	},
	"put back into a full bucket": {
		{most: -50, want: state.Tokens{Left: 60}},
		{least: 0, most: 100, want: state.Tokens{Taken: 60}},
	},
	"a rate that divides nothing": {
		{perMinute: 7, least: 3, most: 3, want: state.Tokens{Taken: 3, Left: 4}},
		{perMinute: 7, least: 4, most: 4, want: state.Tokens{Taken: 4}},
	},
	"a large bucket": {
		{perMinute: 40_000_000, least: 39_000_000, most: 39_000_000, want: state.Tokens{Taken: 39_000_000, Left: 1_000_000}},
		{perMinute: 40_000_000, least: 40_000_000, most: 40_000_000, want: state.Tokens{Left: 1_000_000, Wait: 58500 * time.Millisecond}},
	},
}

func take(t *testing.T, with With) {
	for name, takings := range takings {
		t.Run(name, func(t *testing.T) {
			with(t, func(t *testing.T, s state.Store, advance func(time.Duration)) {
				for i, c := range takings {
					if c.after > 0 {
						advance(c.after)
					}
					size := c.perMinute
					if size == 0 {
						size = 60
					}
					got, err := s.Take(t.Context(), state.Bucket{Key: "bucket", PerMinute: size}, c.least, c.most)
					refilled := got.Left - c.want.Left // a real clock goes on
					if err != nil || got.Taken != c.want.Taken || !about(got.Wait, c.want.Wait) || refilled < 0 || refilled > size/120 {
						t.Fatalf("call %d: Take(%d, %d) = %+v, %v, want %+v", i+1, c.least, c.most, got, err, c.want)
					}
				}
				if got, err := s.Take(t.Context(), state.Bucket{Key: "another", PerMinute: 9}, 9, 9); err != nil || got.Taken != 9 {
					t.Errorf("another bucket: %+v, %v, want 9", got, err)
				}
			})
		})
	}
}

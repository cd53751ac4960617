package delay

import (
	"math"
	"testing"
	"time"
	_ "time/tzdata" // the reference for pacificOffset
)

// B29
func TestDurations(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"34s": 34 * time.Second, "34.074824224s": 34074824224, "900ms": 900 * time.Millisecond, "1h2m3s": 3723 * time.Second, "48m": 48 * time.Minute,
		"0s": 0, "17": 17 * time.Second, "161h39m41.300432511s": 581981300432511, "2 minutes and 3 seconds": 123 * time.Second, "1 day": 24 * time.Hour, "8m38.4s": 518400 * time.Millisecond,
	} {
		if got, ok := parse(in); !ok || got.Round(time.Microsecond) != want.Round(time.Microsecond) {
			t.Errorf("parse(%q) = %v, %v; want %v", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "-5s", "abc", "NaNs", "1e30s", "Inf", "s", "5 apples", "1.2.3s", "99999999999999999999s", "9223372036854775807h", "9e18", "+3s"} {
		if got, ok := parse(in); ok {
			t.Errorf("parse(%q) = %v, want it refused", in, got)
		}
	}
}

// B29
func TestDurationsInJSON(t *testing.T) {
	for name, tt := range map[string]struct {
		in   any
		want time.Duration
		ok   bool
	}{
		"seconds and nanos": {map[string]any{"seconds": 34.0, "nanos": 74824224.0}, 34074824224, true},
		"int64 as a string": {map[string]any{"seconds": "34"}, 34 * time.Second, true},
		"nanos only":        {map[string]any{"nanos": 5e8}, 500 * time.Millisecond, true},
		"Go ints":           {map[string]any{"seconds": 3, "nanos": int64(5e8)}, 3500 * time.Millisecond, true},
		"number":            {2.5, 2500 * time.Millisecond, true},
		"empty object":      {map[string]any{}, 0, false},
		"negative":          {map[string]any{"seconds": -1.0}, 0, false},
		"not a number":      {map[string]any{"seconds": "NaN"}, 0, false},
		"infinite":          {map[string]any{"seconds": math.Inf(1)}, 0, false},
		"overflow":          {map[string]any{"seconds": 1e30}, 0, false},
		"null":              {nil, 0, false},
		"list":              {[]any{1}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := OfJSON(tt.in, time.Second); ok != tt.ok || ok && got.Round(time.Microsecond) != tt.want.Round(time.Microsecond) {
				t.Errorf("OfJSON(%v) = %v, %v; want %v, %v", tt.in, got, ok, tt.want, tt.ok)
			}
		})
	}
}

// B25: the computed zone agrees with the zone database, hour by hour over thirty years.
func TestPacificOffsetAgreesWithTheZoneDatabase(t *testing.T) {
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	for at := time.Date(2010, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() < 2037; at = at.Add(time.Hour) {
		_, seconds := at.In(zone).Zone()
		if got := pacificOffset(at); got != time.Duration(seconds)*time.Second {
			t.Fatalf("offset at %v is %v, want %ds", at, got, seconds)
		}
		y, m, d := at.In(zone).Date()
		if got, want := UntilPacificMidnight(at), time.Date(y, m, d+1, 0, 0, 0, 0, zone).Sub(at); got != want {
			t.Fatalf("midnight after %v is in %v, want %v", at, got, want)
		}
	}
}

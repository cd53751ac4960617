package quota_test

import (
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/prose"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure/internal/quota"
)

// B23, B26, B27
func TestWindow(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"generaterequestsperdayperprojectpermodel": day, "requests per minute, 20 per day": day, "50 per 86400s": day, "10 calls / hour": time.Hour, "tpm": time.Minute,
		"您的每月额度": 30 * day, "50 per 99999999 days": 31 * day, "5-hour limit": time.Hour,
		"what a super day": 0, "rate limit per minimal effort": 0, "$2 per 1m tokens": 0, "10/20": 0, "https://x/docs/day": 0, "": 0,
	} {
		t.Run(text, func(t *testing.T) {
			text := prose.Of(text)
			if got := quota.Window(&text); got != want {
				t.Errorf("Window = %v, want %v", got, want)
			}
		})
	}
}

// B30
func TestLimits(t *testing.T) {
	for text, want := range map[string][2]bool{
		"limit: 0, model: m": {true, false}, "limit 0, used 0": {true, false}, "limit=0": {true, false}, "limit: 0/1min": {true, false},
		"limit: 10": {false, true}, "limit: 0.5": {false, true}, "limit: 0; limit: 10": {true, true},
		"limit: 0 remaining": {false, true}, "limit: 0 / 1600 tokens": {false, true}, "limits 0": {}, "limit": {},
	} {
		if zero, positive := quota.Limits(text); zero != want[0] || positive != want[1] {
			t.Errorf("Limits(%q) = %v, %v; want %v, %v", text, zero, positive, want[0], want[1])
		}
	}
}

func TestNeverFits(t *testing.T) {
	for text, want := range map[string]bool{
		"limit 30000, requested 30601": true, "limit 30000, used 29000, requested 1200": false, "requested 30601": false, "limit ~5, requested ~6": true,
	} {
		if got := quota.NeverFits(text); got != want {
			t.Errorf("NeverFits(%q) = %v, want %v", text, got, want)
		}
	}
}

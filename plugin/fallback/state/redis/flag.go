package redis

import (
	"encoding/json"
	"fmt"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/state"
)

// wireFlag is a flag as text, on the channel and in the hash.
type wireFlag struct {
	Key    string `json:"key"`
	Micros int64  `json:"for_us,omitempty"` // from the moment when it was pushed
	Reason string `json:"reason,omitempty"`
	From   string `json:"from,omitempty"`
}

func encode(f state.Flag) (string, error) {
	text, err := json.Marshal(wireFlag{f.Key, max(0, f.For.Microseconds()), f.Reason, f.From})
	if err != nil {
		return "", fmt.Errorf("state/redis: flag: %w", err)
	}
	return string(text), nil
}

func decode(text string) (state.Flag, error) {
	var w wireFlag
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		return state.Flag{}, fmt.Errorf("state/redis: flag: %w", err)
	}
	return state.Flag{Key: w.Key, For: micros(max(0, w.Micros)), Reason: w.Reason, From: w.From}, nil
}

//go:build race

package request_test

func init() { raceEnabled = true }

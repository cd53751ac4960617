package spec_test

import (
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

func TestConditionIsSureAfter(t *testing.T) {
	const never = time.Duration(0)
	for when, want := range map[string]time.Duration{
		"error || latency > 3000ms || cost > 0.05": 3 * time.Second,
		"latency >= 2s":                                        2 * time.Second,
		"latency > 5s || latency > 2s":                         2 * time.Second,
		"(latency > 5s || latency > 2s)":                       2 * time.Second,
		"latency > 1s && latency < 900ms || latency > 4s":      4 * time.Second,
		"latency > 1s && ttft == 0s":                           time.Second,
		"error":                                                never,
		"true":                                                 never, // it is asked at no time
		"latency > 1s && error":                                never,
		"latency > 1s && cost > 0.05":                          never, // depends on the request
		`priority == "free" && latency > 1s`:                   never, // and on the caller
		`(priority == "free" || latency > 1s) && cost < 1.0`:   never,
		`priority == "free" ? latency > 1s : latency > 2s`:     never,
		`tenant == "a || latency > 1s || b"`:                   never,
		`tenant == 'a || latency > 1s || b' || latency > 3s`:   3 * time.Second,
		`error_kind in ["quota", "capacity"] || latency > 1ms`: time.Millisecond,
		`tenant == r"\" || latency > 1s`:                       time.Second,
		`error ? latency > 1s : latency > 2s || latency > 3s`:  2 * time.Second,
	} {
		c, err := spec.ParseCondition(when)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := c.SureAfter(); got != want || ok != (want != never) {
			t.Errorf("%q: SureAfter() = %v, %t; want %v", when, got, ok, want)
		}
	}
}

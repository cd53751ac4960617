package spec_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy/spec"
)

func TestValuesAreReadInTheirUnits(t *testing.T) {
	for _, test := range []struct {
		value string
		read  func(*spec.Policy) any
		want  any
	}{
		{"timeouts: {primary: 3000ms}", func(p *spec.Policy) any { return p.Timeouts.Primary }, 3 * time.Second},
		{"timeouts: {primary: 5m}", func(p *spec.Policy) any { return p.Timeouts.Primary }, 5 * time.Minute},
		{"timeouts: {total: 1h30m}", func(p *spec.Policy) any { return p.Timeouts.Total }, 90 * time.Minute},
		{"timeouts: {primary: \"1.5s\"}", func(p *spec.Policy) any { return p.Timeouts.Primary }, 1500 * time.Millisecond},
		{"retry: {budget: 80%}", func(p *spec.Policy) any { return p.Retry.Budget }, spec.Share(0.8)},
		{"retry: {budget: 0.8}", func(p *spec.Policy) any { return p.Retry.Budget }, spec.Share(0.8)},
		{"retry: {budget: 12.5%}", func(p *spec.Policy) any { return p.Retry.Budget }, spec.Share(0.125)},
		{"budgets: {usd_per_day: 25}", func(p *spec.Policy) any { return p.Budgets.USDPerDay }, spec.USD(25)},
		{"budgets: {usd_per_day: $0.05}", func(p *spec.Policy) any { return p.Budgets.USDPerDay }, spec.USD(0.05)},
		{"cache: {max_bytes: 64MiB}", func(p *spec.Policy) any { return p.Cache.MaxBytes }, spec.Bytes(64 << 20)},
		{"cache: {max_bytes: 500kB}", func(p *spec.Policy) any { return p.Cache.MaxBytes }, spec.Bytes(500_000)},
		{"cache: {max_bytes: 1.5GiB}", func(p *spec.Policy) any { return p.Cache.MaxBytes }, spec.Bytes(3 << 29)},
		{"cache: {max_bytes: 1000000}", func(p *spec.Policy) any { return p.Cache.MaxBytes }, spec.Bytes(1_000_000)},
		{"errors: {codes: [429, \"503\", overloaded_error]}", func(p *spec.Policy) any { return p.Errors.Codes }, []spec.Code{"429", "503", "overloaded_error"}},
		{"fallbacks: [{name: gpt-4o, condition: true}]", func(p *spec.Policy) any { return p.Fallbacks[0].Condition.String() }, "true"},
		{"budgets: {tenants: {4711: {usd_per_day: 1e2}}}", func(p *spec.Policy) any { return p.Budgets.Tenants["4711"].USDPerDay }, spec.USD(100)},
		{"models: {gemini-2.5-flash: {config: {temperature: 0}}}", func(p *spec.Policy) any { return *p.Models["gemini-2.5-flash"].Config.Temperature }, 0.0},
	} {
		t.Run(test.value, func(t *testing.T) {
			got := test.read(parse(t, "primary: gemini-2.5-flash\n"+test.value))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValuesAreWrittenAsAFileHasThem(t *testing.T) {
	got := []string{
		spec.Share(0.8).String(), spec.Share(0.125).String(), spec.Share(0.07).String(), spec.USD(0.05).String(), spec.USD(25).String(),
		spec.Bytes(64 << 20).String(), spec.Bytes(500_000).String(), spec.Bytes(0).String(), spec.Condition{}.String(),
	}
	want := []string{"80%", "12.5%", "7%", "$0.05", "$25", "64MiB", "500kB", "0B", "error"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

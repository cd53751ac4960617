package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShowableSpansHaveTheTypesOfADKWeb(t *testing.T) {
	for name, c := range map[string]struct{ given, want string }{
		"no spans": {`[]`, `[]`},
		"a failed call has an event id": {
			`[{"attributes":{"gen_ai.operation.name":"generate_content"},"logs":[{"body":{"content":"<elided>"}}]}]`,
			`[{"attributes":{"gcp.vertex.agent.event_id":"","gen_ai.operation.name":"generate_content"}}]`,
		},
		"an event id is kept": {
			`[{"attributes":{"gcp.vertex.agent.event_id":"e1","gen_ai.operation.name":"generate_content"}}]`,
			`[{"attributes":{"gcp.vertex.agent.event_id":"e1","gen_ai.operation.name":"generate_content"}}]`,
		},
		"counts and reasons are no texts": {
			`[{"attributes":{"gen_ai.response.finish_reasons":"[\"STOP\"]","gen_ai.usage.input_tokens":"18"}}]`,
			`[{"attributes":{"gen_ai.response.finish_reasons":["STOP"],"gen_ai.usage.input_tokens":18}}]`,
		},
		"times keep their nanoseconds, other attributes their type": {
			`[{"attributes":{"fallback.attempt":"1","gen_ai.conversation.id":"7"},"logs":null,"start_time":1795296092247428445}]`,
			`[{"attributes":{"fallback.attempt":"1","gen_ai.conversation.id":"7"},"start_time":1795296092247428445}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := showable([]byte(c.given))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
		})
	}
}

func TestShowableRefusesWhatIsNoListOfSpans(t *testing.T) {
	for _, body := range []string{``, `{}`, `event not found`, `[{"attributes":{"gen_ai.usage.input_tokens":"many"}}]`} {
		if got, err := showable([]byte(body)); err == nil {
			t.Errorf("showable(%q) = %s, want an error", body, got)
		}
	}
}

package anthropic_test

import (
	"testing"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
)

// B56: nothing is yielded after the consumer has stopped, even if the event that it
// stopped at turns out to be broken.
func TestBrokenDeltaAfterTheConsumerStopped(t *testing.T) {
	srv := serve(t, reply{body: "data: {\"type\":\"message_start\",\"message\":{\"type\":\"message\",\"model\":\"m\",\"content\":[]}}\n\n" +
		"data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"text\":\"hello\", broken}}\n\n"})
	partial := 0
	for _, err := range newModel(t, srv, "claude-sonnet-5", anthropic.Config{}).GenerateContent(t.Context(), says("hi"), true) {
		if err != nil {
			t.Fatal(err)
		}
		partial++
		break
	}
	if partial != 1 {
		t.Errorf("%d partial responses, want 1", partial)
	}
}

// A server that quotes a key that came in a header does not make it appear.
func TestErrorRedactsKeys(t *testing.T) {
	const key = "sk-ant-api03-abcdefghijklmnop1234567890"
	srv := serve(t, reply{status: 401, body: `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key: ` + key + `"}}`})
	_, _, err := ask(t, newModel(t, srv, "claude-sonnet-5", anthropic.Config{Header: map[string][]string{"X-Api-Key": {key}}}), says("hi"), false)
	if want := "anthropic: the server answered 401 authentication_error: invalid x-api-key: [redacted]"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// A query of a base URL is refused.
func TestBaseURLWithAQuery(t *testing.T) {
	if _, err := anthropic.New("claude-sonnet-5", anthropic.Config{BaseURL: "https://gateway.example?key=1"}); err == nil {
		t.Error("no error")
	}
}

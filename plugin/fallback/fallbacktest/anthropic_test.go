package fallbacktest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

const opus = "claude-opus-5"

// The events of a stream are those of the documents.
func TestAnthropicEvents(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		srv.Script(opus, ft.Parts(&genai.Part{Text: "Hm.", Thought: true}, &genai.Part{Text: "Hi."},
			&genai.Part{FunctionCall: &genai.FunctionCall{ID: "t1", Name: "f", Args: map[string]any{"a": "b"}}}))
		_, answer := send(t, srv, "/v1/messages", claude("", opus, `"stream":true`, "").body, nil)
		var got []string
		for event := range strings.SplitSeq(strings.TrimSpace(answer), "\n\n") {
			name, data, _ := strings.Cut(strings.TrimPrefix(event, "event: "), "\ndata: ")
			var body struct {
				Type  string
				Delta struct{ Type string }
				Block struct{ Type string } `json:"content_block"`
			}
			if err := json.Unmarshal([]byte(data), &body); err != nil || body.Type != name {
				t.Errorf("event %s holds %s (%v)", name, data, err)
			}
			got = append(got, strings.TrimSpace(name+" "+body.Delta.Type+body.Block.Type))
		}
		want := []string{
			"message_start", "ping",
			"content_block_start thinking", "content_block_delta thinking_delta", "content_block_delta signature_delta", "content_block_stop",
			"content_block_start text", "content_block_delta text_delta", "content_block_stop",
			"content_block_start tool_use", "content_block_delta input_json_delta", "content_block_delta input_json_delta",
			"content_block_delta input_json_delta", "content_block_delta input_json_delta", "content_block_stop",
			"message_delta", "message_stop",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestAnthropicUnreadableBody(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		for _, body := range []string{`{`, `null`, `{"messages":[]}`} {
			code, answer := send(t, srv, "/v1/messages", body, nil)
			if code != http.StatusBadRequest || !strings.Contains(answer, "invalid_request_error") {
				t.Errorf("%s: status = %d %s", body, code, answer)
			}
		}
		code, answer := send(t, srv, "/v1/messages", claude("", "unknown", "", "").body, nil)
		if code != http.StatusNotFound || !strings.Contains(answer, "not_found_error") {
			t.Errorf("unknown model: status = %d %s", code, answer)
		}
	})
}

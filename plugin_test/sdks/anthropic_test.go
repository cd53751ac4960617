package sdks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"
	"google.golang.org/genai"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

const opus = "claude-opus-5"

// patience is how long a client waits for a response.
const patience = time.Minute

// inBubble runs f with a server whose connections and clock are virtual.
func inBubble(t *testing.T, f func(t *testing.T, srv *ft.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := ft.NewPipeServer()
		defer srv.Close()
		f(t, srv)
	})
}

func claudeClient(srv *ft.Server) anthropic.Client {
	return anthropic.NewClient(option.WithoutEnvironmentDefaults(), option.WithBaseURL(srv.URL), option.WithAPIKey("secret"),
		option.WithHTTPClient(srv.Client()), option.WithMaxRetries(0))
}

// askClaude asks through the official SDK, and returns the message as far as it came.
func askClaude(t *testing.T, srv *ft.Server, params anthropic.MessageNewParams, stream bool) (anthropic.Message, error) {
	t.Helper()
	client := claudeClient(srv)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if !stream {
		m, err := client.Messages.New(ctx, params)
		if err != nil {
			return anthropic.Message{}, err
		}
		return *m, nil
	}
	var m anthropic.Message
	s := client.Messages.NewStreaming(ctx, params)
	defer func() { _ = s.Close() }()
	for s.Next() {
		if err := m.Accumulate(s.Current()); err != nil {
			return m, err
		}
	}
	return m, s.Err()
}

func question(model string, msgs ...anthropic.MessageParam) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: anthropic.Model(model), MaxTokens: 1000,
		Messages: append([]anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("how are you"))}, msgs...),
	}
}

// summary writes a message in a line.
func summary(m anthropic.Message) string {
	var out []string
	for _, b := range m.Content {
		switch b.Type {
		case "text":
			out = append(out, b.Text)
		case "thinking":
			signed := ""
			if b.Signature == "" {
				signed = "unsigned "
			}
			out = append(out, signed+"("+b.Thinking+")")
		case "tool_use":
			out = append(out, b.Name+string(b.Input))
		}
	}
	u := m.Usage
	out = append(out, string(m.StopReason), fmt.Sprintf("%d+%d", u.InputTokens, u.OutputTokens))
	return strings.Join(out, "|")
}

func claudeError(err error) string {
	var api *anthropic.Error
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &api):
		return fmt.Sprintf("%d %s", api.StatusCode, api.Type())
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected EOF"
	case errors.As(err, &syntax):
		return "bad JSON"
	case strings.HasSuffix(err.Error(), "EOF"):
		return "EOF"
	}
	return err.Error()
}

// What the official SDK makes of each step, unary and streamed.
func TestAnthropicClientSees(t *testing.T) {
	sunny := ft.Text("It is sunny today")
	both := func(s string) [2]string { return [2]string{s, s} }
	call := ft.Parts(&genai.Part{Text: "I look"}, &genai.Part{Text: " it up."},
		&genai.Part{FunctionCall: &genai.FunctionCall{Name: "weather", Args: map[string]any{"city": "Zürich", "days": 3}}},
		&genai.Part{FunctionCall: &genai.FunctionCall{Name: "time"}})
	for _, tt := range []struct {
		name string
		step ft.Step
		want [2]string // unary and streamed: what came, or the error; both if the stream broke
	}{
		{"text", sunny, both("It is sunny today|end_turn|3+4")},
		{"calls", call, both(`I look it up.|weather{"city":"Zürich","days":3}|time{}|tool_use|3+6`)},
		{"thought before text", ft.Parts(&genai.Part{Text: "Hm. ", Thought: true}, &genai.Part{Text: "Well.", Thought: true}, &genai.Part{Text: "Hi."}), both("(Hm. Well.)|Hi.|end_turn|3+3")},
		{"omitted thought", ft.Parts(&genai.Part{Thought: true}, &genai.Part{Text: "Hi."}), both("()|Hi.|end_turn|3+1")},
		{"given usage", sunny.Usage(40, 8), both("It is sunny today|end_turn|40+8")},
		{"limit", sunny.Finish(genai.FinishReasonMaxTokens), both("It is sunny today|max_tokens|3+4")},
		{"refusal half way", sunny.Finish(genai.FinishReasonSafety), both("It is sunny today|refusal|3+4")},
		{"refusal", ft.Blocked(genai.BlockedReasonSafety), both("refusal|3+0")},
		{"unknown reason", sunny.Finish(genai.FinishReasonOther), both("It is sunny today|other|3+4")},
		{"empty", ft.Empty(), both("end_turn|3+0")},
		{"frame first", sunny.MetadataFirst(), both("It is sunny today|end_turn|3+4")},
		{"no end", sunny.NoFinish(), [2]string{"It is sunny today||3+4", "It is sunny today||3+1"}},
		{"daily quota", ft.DailyQuota(), both("429 rate_limit_error")},
		{"minute quota", ft.MinuteQuota(2 * time.Second), both("429 rate_limit_error")},
		{"exhausted", ft.Exhausted(), both("429 rate_limit_error")},
		{"overloaded", ft.Overloaded(), both("529 overloaded_error")},
		{"capacity", ft.Capacity(), both("529 overloaded_error")},
		{"internal", ft.Internal(), both("500 api_error")},
		{"deadline", ft.Deadline(), both("504 timeout_error")},
		{"context length", ft.ContextLength(), both("400 invalid_request_error")},
		{"invalid key", ft.InvalidKey(), both("401 authentication_error")},
		{"not found", ft.NotFound(), both("404 not_found_error")},
		{"location", ft.Location(), both("403 permission_error")},
		{"abort", sunny.AbortAfter(2), [2]string{"unexpected EOF", "It is ||3+1 unexpected EOF"}},
		{"cut", sunny.CutAfter(2), [2]string{"unexpected EOF", "It is ||3+1"}},
		{"error in the stream", sunny.ErrorAt(3, ft.Overloaded()), [2]string{"529 overloaded_error", "It is ||3+1 200 overloaded_error"}},
	} {
		for i, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/stream=%v", tt.name, stream), func(t *testing.T) {
				inBubble(t, func(t *testing.T, srv *ft.Server) {
					srv.Strict()
					srv.Script(opus, tt.step)
					m, err := askClaude(t, srv, question(opus), stream)
					got := summary(m)
					switch {
					case err != nil && m.ID == "":
						got = claudeError(err)
					case err != nil:
						got += " " + claudeError(err)
					}
					if got != tt.want[i] {
						t.Errorf("client saw %q, want %q (%v)", got, tt.want[i], err)
					}
					if v := srv.Violations(); v != nil {
						t.Errorf("violations = %q", v)
					}
				})
			})
		}
	}
}

// A tool loop through the official SDK: what the model says comes back to it and is
// accepted, as is its own thought, and the request is read in genai's terms. B100
func TestAnthropicToolLoop(t *testing.T) {
	// fable-5-2 binds its thoughts to the conversation.
	for _, model := range []string{opus, "claude-fable-5-2"} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/stream=%v", model, stream), func(t *testing.T) {
				inBubble(t, func(t *testing.T, srv *ft.Server) {
					srv.Strict()
					srv.Script(model, ft.Func(func(r ft.Request) ft.Step {
						if f := r.FunctionResponse("weather"); f != nil {
							return ft.Text("It is " + f.Response["sky"].(string) + ". " + r.System.Parts[0].Text + " " + r.Tools[0].FunctionDeclarations[0].Name)
						}
						return ft.Parts(&genai.Part{Text: "Hm.", Thought: true}, &genai.Part{Text: r.Text()},
							&genai.Part{FunctionCall: &genai.FunctionCall{Name: "weather", Args: map[string]any{"city": "Paris"}}})
					}))
					params := question(model)
					params.System = []anthropic.TextBlockParam{{Text: "Be brief."}}
					params.Tools = []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{Name: "weather", InputSchema: anthropic.ToolInputSchemaParam{Properties: map[string]any{}}}}}
					first, err := askClaude(t, srv, params, stream)
					if err != nil {
						t.Fatal(err)
					}
					if got, want := summary(first), `(Hm.)|how are you|weather{"city":"Paris"}|tool_use|3+5`; got != want {
						t.Fatalf("first answer = %q, want %q", got, want)
					}
					id := first.Content[2].ID
					if !strings.HasPrefix(id, "toolu_") {
						t.Errorf("id = %q, want one that begins with toolu_", id)
					}
					params.Messages = append(params.Messages, first.ToParam(), anthropic.NewUserMessage(anthropic.NewToolResultBlock(id, `{"sky":"blue"}`, false)))
					second, err := askClaude(t, srv, params, stream)
					if err != nil {
						t.Fatal(err)
					}
					if got, want := second.Content[0].Text, "It is blue. Be brief. weather"; got != want {
						t.Errorf("answer = %q, want %q", got, want)
					}
					if v := srv.Violations(); v != nil {
						t.Errorf("violations = %q", v)
					}
				})
			})
		}
	}
}

// A thinking block is accepted as it was made, by any model of the vendor; changed it
// is refused, and by some models also after a change of what came before it.
func TestAnthropicThoughtsAreChecked(t *testing.T) {
	for _, tt := range []struct {
		name, model string
		change      func(*anthropic.MessageNewParams)
		want        string
	}{
		{"unchanged", "claude-fable-5-2", func(*anthropic.MessageNewParams) {}, ""},
		{"other model", opus, func(*anthropic.MessageNewParams) {}, ""},
		{"cache mark", "claude-fable-5-2", func(p *anthropic.MessageNewParams) {
			p.Messages[0].OfUser.Content[0].OfText.CacheControl = anthropic.NewCacheControlEphemeralParam()
		}, ""},
		{"changed thought", opus, func(p *anthropic.MessageNewParams) { p.Messages[1].OfAssistant.Content[0].OfThinking.Thinking = "Ha." }, "Invalid `signature`"},
		{"changed question", opus, func(p *anthropic.MessageNewParams) { p.Messages[0].OfUser.Content[0].OfText.Text = "who are you" }, ""},
		{"changed question", "claude-fable-5-2", func(p *anthropic.MessageNewParams) { p.Messages[0].OfUser.Content[0].OfText.Text = "who are you" }, "bound to a different conversation"},
		{"changed system prompt", "claude-mythos-5-2", func(p *anthropic.MessageNewParams) { p.System = []anthropic.TextBlockParam{{Text: "Be long."}} }, "bound to a different conversation"},
		{"thought left out", "claude-fable-5-2", func(p *anthropic.MessageNewParams) {
			p.Messages[1].OfAssistant.Content = p.Messages[1].OfAssistant.Content[1:]
			p.System = []anthropic.TextBlockParam{{Text: "Be long."}}
		}, ""},
	} {
		t.Run(tt.name+"/"+tt.model, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *ft.Server) {
				srv.Strict()
				srv.Script("claude-fable-5-2", ft.Parts(&genai.Part{Text: "Hm.", Thought: true}, &genai.Part{Text: "Hi."}))
				srv.Script(tt.model, ft.Parts(&genai.Part{Text: "Hm.", Thought: true}, &genai.Part{Text: "Hi."}))
				first, err := askClaude(t, srv, question("claude-fable-5-2"), true)
				if err != nil {
					t.Fatal(err)
				}
				params := question(tt.model, first.ToParam(), anthropic.NewUserMessage(anthropic.NewTextBlock("and now?")))
				tt.change(&params)
				_, err = askClaude(t, srv, params, false)
				if got := strings.Join(srv.Violations(), " "); (err == nil) != (tt.want == "") || !strings.Contains(got, tt.want) {
					t.Errorf("violation %q, want %q (%v)", got, tt.want, err)
				}
			})
		})
	}
}

// Waits are told as Anthropic tells them: a quota with retry-after, a spend limit
// without. A malformed event is one that the SDK cannot read.
func TestAnthropicErrorsTellWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		srv.Script(opus, ft.MinuteQuota(1500*time.Millisecond), ft.DailyQuota(), ft.Text("It is sunny").MalformedAt(2))
		for i, want := range []string{"2", ""} {
			_, err := askClaude(t, srv, question(opus), true)
			var api *anthropic.Error
			if !errors.As(err, &api) || api.Response.Header.Get("Retry-After") != want || api.RequestID == "" {
				t.Errorf("error %d: %v, want a 429 with an id and retry-after %q", i, err, want)
			}
		}
		m, err := askClaude(t, srv, question(opus), true)
		if err == nil || len(m.Content) == 0 || m.Content[0].Text != "It " {
			t.Errorf("malformed event: %q, %v", summary(m), err)
		}
	})
}

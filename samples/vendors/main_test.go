package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"
)

// played returns the transcript and the servers that were asked, which are closed.
func played(t *testing.T) (string, vendors) {
	t.Helper()
	v := startVendors()
	defer v.close()
	var out bytes.Buffer
	if err := play(t.Context(), &out, v); err != nil {
		t.Fatal(err)
	}
	return out.String(), v
}

func fileText(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// block returns what a file has between two lines.
func block(t *testing.T, text, begin, end string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, begin)
	inner, _, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("nothing between %q and %q", begin, end)
	}
	return inner
}

// B100, B101, B105
func TestConversationGoesThroughAllVendorsAndBack(t *testing.T) {
	printed, _ := played(t)
	if diff := cmp.Diff(fileText(t, "testdata/transcript.txt"), printed); diff != "" {
		t.Errorf("transcript (-want +got):\n%s", diff)
	}
}

// B100
func TestStrictServersRefuseNothing(t *testing.T) {
	_, v := played(t)
	if refused := v.violations(); len(refused) > 0 {
		t.Errorf("refused: %q", refused)
	}
	for model, want := range map[string]string{
		flash: "/v1beta/models/" + flash + ":generateContent",
		gpt:   "/v1/responses",
		haiku: "/v1/messages",
		llama: "/v1/chat/completions",
	} {
		requests := v[model].RequestsFor(model)
		if len(requests) == 0 || requests[0].Path != want {
			t.Errorf("%s was asked %d times, want some at %s", model, len(requests), want)
		}
	}
}

func TestARefusedRequestIsCountedAndFailsTheRun(t *testing.T) {
	v := startVendors()
	defer v.close()
	resp, err := v.client(haiku).Post("https://api.anthropic.com/v1/messages", "application/json", strings.NewReader(`{"model":"`+haiku+`","messages":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	var out bytes.Buffer
	if err := play(t.Context(), &out, v); err == nil || !strings.Contains(err.Error(), haiku) {
		t.Errorf("err = %v, want one that names %s", err, haiku)
	}
	if want := "refused by the strict servers: 1\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("the transcript does not end with %q", want)
	}
}

// B64, B100
func TestGeminiGetsTheWholeConversationBack(t *testing.T) {
	_, v := played(t)
	requests := v[flash].Requests()
	var questions, calls, results, thoughts int
	for _, content := range requests[len(requests)-1].Contents {
		for _, part := range content.Parts {
			switch {
			case part.Thought:
				thoughts++
			case part.FunctionCall != nil:
				calls++
			case part.FunctionResponse != nil:
				results++
			case content.Role == genai.RoleUser:
				questions++
			}
		}
	}
	// Its own thoughts are those of turns 1, 2 and 6; ADK keeps them in the history.
	got := map[string]int{"questions": questions, "calls": calls, "results": results, "thoughts": thoughts}
	want := map[string]int{"questions": len(turns), "calls": 2 * len(turns), "results": 2 * len(turns), "thoughts": 4}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the last request to Gemini (-want +got):\n%s", diff)
	}
}

func TestREADMEShowsTheTranscriptAndTheCode(t *testing.T) {
	readme := fileText(t, "README.md")
	if diff := cmp.Diff(fileText(t, "testdata/transcript.txt"), block(t, readme, "```text\n", "```")); diff != "" {
		t.Errorf("README.md shows another transcript (-want +readme):\n%s", diff)
	}
	source := fileText(t, "main.go")
	for line := range strings.Lines(block(t, readme, "```go\n", "```")) {
		if !strings.Contains(source, strings.TrimSpace(line)) && !strings.Contains(line, "// …") {
			t.Errorf("README.md shows a line that main.go does not have: %s", line)
		}
	}
}

func TestClosedOutputEndsTheRun(t *testing.T) {
	closed := errors.New("closed")
	if err := run(t.Context(), failingWriter{closed}); !errors.Is(err, closed) {
		t.Errorf("err = %v, want %v", err, closed)
	}
}

func TestInterruptEndsTheConversation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, &bytes.Buffer{}); err == nil {
		t.Error("no error, want that of the context")
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

package plugin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/anthropic"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

// B54, B108: responses recorded from real servers are decoded correctly, however the
// network splits them. The recordings are not part of the project.
func TestRecorded(t *testing.T) {
	recordings := readRecordings(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The path begins with /INDEX/SIZE, which stand in the base URL.
		steps := strings.SplitN(r.URL.Path, "/", 4)
		index, _ := strconv.Atoi(steps[1])
		size, _ := strconv.Atoi(steps[2])
		recordings[index].serve(w, size)
	}))
	t.Cleanup(server.Close)
	for i, recording := range recordings {
		t.Run(recording.name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{1, 7, 97, 0} {
				m := recording.model(t, fmt.Sprintf("%s/%d/%d", server.URL, i, size))
				if problems := recording.compare(recording.ask(t, m)); problems != nil {
					t.Errorf("in writes of %d bytes (0: whole):\n%s", size, strings.Join(problems, "\n"))
				}
			}
		})
	}
}

// recording is a response of a real server with what is in it.
type recording struct {
	name string // of the file, without .json

	Protocol    string `json:"protocol"` // chat, responses, messages or gemini
	Provider    string `json:"provider"`
	Streamed    bool   `json:"streamed"`
	HTTPStatus  int    `json:"http_status"`
	ContentType string `json:"content_type"`
	Body        string `json:"body"`
	Expected    struct {
		Text      string          `json:"text"`
		Thoughts  string          `json:"thoughts"`
		Refusal   string          `json:"refusal"`
		ToolCalls []recordedCall  `json:"tool_calls"`
		Finish    *string         `json:"finish"` // nil if the server sent none
		Usage     *recordedUsage  `json:"usage"`  // nil if the server sent none
		Error     json.RawMessage `json:"error"`
	} `json:"expected"`
	Extra struct {
		Usage struct {
			TotalTokens int32 `json:"total_tokens"`
		} `json:"usage_raw"`
		Done bool `json:"saw_done_marker"`
	} `json:"expected_extra"`
}

// recordedCall is a function call. ID is "" if the server sent none. Arguments
// that are cut off stand as text under the key of invalidArguments.
type recordedCall struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments"`
}

const invalidArguments = "__invalid__"

// recordedUsage counts tokens. Cached ones are part of the input, those of
// reasoning of the output.
type recordedUsage struct {
	Input     int32 `json:"input"`
	Output    int32 `json:"output"`
	Cached    int32 `json:"cached"`
	Reasoning int32 `json:"reasoning"`
}

// readRecordings reads the folder named by WIRE_CORPUS, or shared/wire beside the
// checkout. Without the folder, the test is skipped.
func readRecordings(t *testing.T) []*recording {
	t.Helper()
	folder := os.Getenv("WIRE_CORPUS")
	if folder == "" {
		folder = filepath.Join("..", "..", "shared", "wire")
		if _, err := os.Stat(folder); err != nil {
			t.Skip("no recordings: put their folder at shared/wire beside the checkout, or name it in WIRE_CORPUS")
		}
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatalf("%s holds no recordings (*.json); correct WIRE_CORPUS", folder)
	}
	var all []*recording
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r := &recording{name: strings.TrimSuffix(filepath.Base(path), ".json")}
		if err := json.Unmarshal(data, r); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, r)
	}
	return all
}

// serve writes the response, each time as many bytes as size says; 0 means all.
func (r *recording) serve(w http.ResponseWriter, size int) {
	if r.ContentType != "" {
		w.Header().Set("Content-Type", r.ContentType)
	}
	w.WriteHeader(r.HTTPStatus)
	if size == 0 {
		size = len(r.Body)
	}
	flush := w.(http.Flusher).Flush
	for piece := range slices.Chunk([]byte(r.Body), max(size, 1)) {
		if _, err := w.Write(piece); err != nil {
			return // the client has all that it wants
		}
		flush()
	}
}

// model returns the model of the recording's protocol at a base URL.
func (r *recording) model(t *testing.T, url string) model.LLM {
	t.Helper()
	var m model.LLM
	var err error
	switch r.Protocol {
	case "chat":
		m, err = openai.New("recorded", openai.Config{BaseURL: url, API: openai.Chat})
	case "responses":
		m, err = openai.New("recorded", openai.Config{BaseURL: url, API: openai.Responses})
	case "messages":
		m, err = anthropic.New("claude-recorded", anthropic.Config{BaseURL: url})
	case "gemini":
		config := genai.ClientConfig{APIKey: "key", Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: url}}
		if r.Provider == "vertex" {
			config.Backend = genai.BackendVertexAI
		}
		m, err = gemini.New(t.Context(), "gemini-recorded", gemini.Config{Client: &config})
	default:
		t.Fatalf("unknown protocol %q", r.Protocol)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// recordedAnswer is what a model yielded.
type recordedAnswer struct {
	text, thoughts string // of the partial responses
	finals         []*model.LLMResponse
	err            error
	problems       []string // of the order of responses
}

// ask asks m, which has the tools that the recording calls.
func (r *recording) ask(t *testing.T, m model.LLM) (a recordedAnswer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req := &model.LLMRequest{
		Contents: []*genai.Content{genai.NewContentFromText("What is the weather?", genai.RoleUser)},
		Config:   &genai.GenerateContentConfig{},
	}
	var tools genai.Tool
	for _, call := range r.Expected.ToolCalls {
		known := func(d *genai.FunctionDeclaration) bool { return d.Name == call.Name }
		if !slices.ContainsFunc(tools.FunctionDeclarations, known) {
			tools.FunctionDeclarations = append(tools.FunctionDeclarations, &genai.FunctionDeclaration{Name: call.Name})
		}
	}
	if len(tools.FunctionDeclarations) > 0 {
		req.Config.Tools = []*genai.Tool{&tools}
	}
	for resp, err := range m.GenerateContent(ctx, req, r.Streamed) {
		if a.err != nil || len(a.finals) > 0 {
			a.problems = append(a.problems, "there is something behind the end")
		}
		switch {
		case err != nil:
			a.err = err
		case !resp.Partial:
			a.finals = append(a.finals, resp)
		default:
			if !r.Streamed {
				a.problems = append(a.problems, "a partial response without a stream")
			}
			text, thoughts, calls := readParts(resp)
			a.text, a.thoughts = a.text+text, a.thoughts+thoughts
			if calls != nil {
				a.problems = append(a.problems, "a partial response with a function call")
			}
		}
	}
	return a
}

// readParts returns what a response holds.
func readParts(resp *model.LLMResponse) (text, thoughts string, calls []recordedCall) {
	if resp.Content == nil {
		return "", "", nil
	}
	for _, part := range resp.Content.Parts {
		switch {
		case part.FunctionCall != nil:
			calls = append(calls, recordedCall{part.FunctionCall.ID, part.FunctionCall.Name, part.FunctionCall.Args})
		case part.Thought:
			thoughts += part.Text
		default:
			text += part.Text
		}
	}
	return text, thoughts, calls
}

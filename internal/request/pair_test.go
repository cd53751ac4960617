package request_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"
	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/internal/race"
	"github.com/adk-fallback/adk-fallback/internal/request"
)

// history reads a history from lines such as "model: hi | call f a | result f a=1":
// the call of f with id a, and its result 1. An id may be missing.
func history(lines ...string) []*genai.Content {
	var contents []*genai.Content
	for _, line := range lines {
		role, rest, _ := strings.Cut(line, ":")
		content := &genai.Content{Role: role}
		for item := range strings.SplitSeq(rest, "|") {
			item = strings.TrimSpace(item)
			word, rest, _ := strings.Cut(item, " ")
			name, id, _ := strings.Cut(rest, " ")
			switch word {
			case "":
			case "empty":
				content.Parts = append(content.Parts, &genai.Part{})
			case "call":
				content.Parts = append(content.Parts, &genai.Part{FunctionCall: &genai.FunctionCall{Name: name, ID: id}})
			case "result":
				id, value, _ := strings.Cut(id, "=")
				content.Parts = append(content.Parts, &genai.Part{FunctionResponse: &genai.FunctionResponse{
					Name: name, ID: id, Response: map[string]any{"output": value},
				}})
			default:
				content.Parts = append(content.Parts, &genai.Part{Text: item})
			}
		}
		contents = append(contents, content)
	}
	return contents
}

// lines is the opposite of history.
func lines(contents []*genai.Content) []string {
	var out []string
	for _, content := range contents {
		var items []string
		for _, part := range content.Parts {
			switch {
			case part.FunctionCall != nil:
				items = append(items, strings.TrimSpace("call "+part.FunctionCall.Name+" "+part.FunctionCall.ID))
			case part.FunctionResponse != nil:
				items = append(items, fmt.Sprintf("result %s %s=%v", part.FunctionResponse.Name, part.FunctionResponse.ID, part.FunctionResponse.Response["output"]))
			default:
				items = append(items, part.Text)
			}
		}
		out = append(out, content.Role+": "+strings.Join(items, " | "))
	}
	return out
}

// B64: whatever history a session has, each call is followed by its response.
func TestPair(t *testing.T) {
	for _, test := range []struct {
		name     string
		in, want []string
	}{
		{"parallel calls whose results come in several contents, in another order",
			[]string{"user: q", "model: on it | call f a | call g b", "user: result g b=2", "user: result f a=1"},
			[]string{"user: q", "model: on it | call f a | call g b", "user: result f a=1 | result g b=2"}},
		{"no ids, as ADK leaves those that it made itself",
			[]string{"user: q", "model: call f | call g | call f", "user: result f =1 | result g =2 | result f =3"},
			[]string{"user: q", "model: call f call_0 | call g call_1 | call f call_2", "user: result f call_0=1 | result g call_1=2 | result f call_2=3"}},
		{"ids of one side",
			[]string{"model: call f a | call g", "user: result f =1 | result g b=2"},
			[]string{"model: call f a | call g call_1", "user: result f a=1 | result g call_1=2"}},
		{"an id before a name, whatever comes first",
			[]string{"model: call f a | call f b", "user: result f =2 | result f a=1"},
			[]string{"model: call f a | call f b", "user: result f a=1 | result f b=2"}},
		{"the same id in every turn",
			[]string{"model: call f a", "user: result f a=1", "model: call f a", "user: result f a=2"},
			[]string{"model: call f a", "user: result f a=1", "model: call f call_1", "user: result f call_1=2"}},
		{"the same id twice in one turn",
			[]string{"model: call f a | call f a", "user: result f a=1 | result f a=2"},
			[]string{"model: call f a | call f call_1", "user: result f a=1 | result f call_1=2"}},
		{"an id that was made up for another",
			[]string{"model: call f", "user: result f =1", "model: call f call_0", "user: result f call_0=2"},
			[]string{"model: call f call_0", "user: result f call_0=1", "model: call f call_1", "user: result f call_1=2"}},
		{"what the user says between call and result",
			[]string{"model: call f a", "user: hurry", "user: result f a=1 | please"},
			[]string{"model: call f a", "user: result f a=1", "user: hurry", "user: please"}},
		{"a long-running tool, first and last result",
			[]string{"model: call f a | call g b", "user: result f a=pending | result g b=2", "user: result f a=1"},
			[]string{"model: call f a | call g b", "user: result f a=1 | result g b=2"}},
		{"and without ids",
			[]string{"model: call f", "user: result f =pending", "user: result f =1"},
			[]string{"model: call f call_0", "user: result f call_0=1"}},
		{"a result after the model has gone on",
			[]string{"model: call f a", "user: result f a=pending", "model: it takes a while", "user: result f a=1"},
			[]string{"model: call f a", "user: result f a=pending", "model: it takes a while", `user: Result of the tool f: {"output":"1"}`}},
		{"a call without a result",
			[]string{"model: call f a | call g b", "user: result g b=2", "model: call f c", "user: never mind"},
			[]string{"model: call f a | call g b", "user: result f a=no result available | result g b=2", "model: call f c", "user: result f c=no result available", "user: never mind"}},
		{"and at the end",
			[]string{"user: q", "model: call f a"},
			[]string{"user: q", "model: call f a", "user: result f a=no result available"}},
		{"a result without a call, as history that was cut short begins",
			[]string{"user: result f a=1 | go on", "model: done"},
			[]string{`user: Result of the tool f: {"output":"1"} | go on`, "model: done"}},
		{"a result of another call of the same name",
			[]string{"model: call f a", "user: result f a=1 | result f b=2"},
			[]string{"model: call f a", "user: result f a=1", `user: Result of the tool f: {"output":"2"}`}},
		{"calls in several contents of one step",
			[]string{"user: q", "model: let me see", "model: call f a", "model: call g b", "user: result f a=1", "user: result g b=2"},
			[]string{"user: q", "model: let me see | call f a | call g b", "user: result f a=1 | result g b=2"}},
		{"roles of other APIs",
			[]string{"user: q", "assistant: call f a", "tool: result f a=1"},
			[]string{"user: q", "model: call f a", "user: result f a=1"}},
		{"calls and results in one content",
			[]string{"user: q", "model: call f a | result f a=1 | done"},
			[]string{"user: q", "model: call f a | done", "user: result f a=1"}},
		{"empty parts and contents",
			[]string{"user: q | empty", "model:", "model: empty", "user: r"},
			[]string{"user: q", "user: r"}},
		{"a result with the name of another",
			[]string{"model: call f a", "user: result g a=1"},
			[]string{"model: call f a", "user: result f a=1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, lines(request.Pair(history(test.in...), nil))); diff != "" {
				t.Errorf("paired (-want +got):\n%s", diff)
			}
		})
	}
}

// B64: an adapter's rule for ids holds on both sides of a pair, and what the rule
// makes equal stays apart.
func TestPairRewritesIDs(t *testing.T) {
	short := func(id string, _ int) string { return id[:min(len(id), 6)] }
	in := history("model: call f toolong1 | call f toolong2 | call g ok", "user: result f toolong2=2 | result f toolong1=1 | result g ok=3")
	got := lines(request.Pair(in, short))
	want := []string{"model: call f toolon | call f call_1 | call g ok", "user: result f toolon=1 | result f call_1=2 | result g ok=3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paired (-want +got):\n%s", diff)
	}
	same := func(string, int) string { return "x" }
	if got := lines(request.Pair(in, same)); strings.Count(got[0], "call f x ") != 1 {
		t.Errorf("a rule that makes all ids equal gives %q", got[0])
	}
}

// What is in order is returned as it is, without an allocation but for what the
// race detector takes from pools.
func TestPairKeepsWhatIsInOrder(t *testing.T) {
	in := history("user: q", "model: call f a | call g b", "user: result f a=1 | result g b=2 | and text", "model: x", "model: y", "user: z")
	if got := request.Pair(in, nil); &got[0] != &in[0] {
		t.Error("a history in order was copied")
	}
	if n := testing.AllocsPerRun(100, func() { request.Pair(in, nil) }); n >= 1 && !race.Enabled { // with the race detector, pools forget
		t.Errorf("%v allocations, want none", n)
	}
	broken := append(in, history("model: call f", "user: result f =1")...)
	if got := request.Pair(broken, nil); got[1] != in[1] || got[2] != in[2] {
		t.Error("contents in order were copied")
	}
}

func TestPairKeepsMediaOfLateResults(t *testing.T) {
	in := []*genai.Content{{Role: "user", Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{Name: "shot", Parts: []*genai.FunctionResponsePart{
		{InlineData: &genai.FunctionResponseBlob{MIMEType: "image/png", Data: []byte("png")}}, nil,
		{FileData: &genai.FunctionResponseFileData{MIMEType: "image/png", FileURI: "gs://b/o"}},
	}}}}}}
	want := []*genai.Content{{Role: "user", Parts: []*genai.Part{{Text: "Result of the tool shot: {}"},
		{InlineData: &genai.Blob{MIMEType: "image/png", Data: []byte("png")}}, {FileData: &genai.FileData{MIMEType: "image/png", FileURI: "gs://b/o"}}}}}
	if diff := cmp.Diff(want, request.Pair(in, nil)); diff != "" {
		t.Errorf("paired (-want +got):\n%s", diff)
	}
}

// drawHistory makes a history of any order, roles, ids and names.
func drawHistory(t *rapid.T) []*genai.Content {
	var contents []*genai.Content
	for range rapid.IntRange(0, 12).Draw(t, "contents") {
		if rapid.IntRange(0, 15).Draw(t, "kind") == 0 {
			contents = append(contents, nil)
			continue
		}
		content := &genai.Content{Role: rapid.SampledFrom([]string{"user", "user", "model", "model", "model", "tool", ""}).Draw(t, "role")}
		for range rapid.IntRange(0, 4).Draw(t, "parts") {
			name := rapid.SampledFrom([]string{"f", "g"}).Draw(t, "name")
			id := rapid.SampledFrom([]string{"", "", "a", "b", "c", "call_0", "call_1", "call_1_2"}).Draw(t, "id")
			var part *genai.Part
			switch rapid.IntRange(0, 7).Draw(t, "part") {
			case 0, 1:
				part = &genai.Part{FunctionCall: &genai.FunctionCall{Name: name, ID: id, Args: map[string]any{"n": 1.0}}, ThoughtSignature: []byte("s")}
			case 2, 3, 4:
				part = &genai.Part{FunctionResponse: &genai.FunctionResponse{Name: name, ID: id, Response: map[string]any{"output": "o"}}}
			case 5:
				part = &genai.Part{}
			case 6:
				part = nil
			default:
				part = &genai.Part{Text: rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "text")}
			}
			content.Parts = append(content.Parts, part)
		}
		contents = append(contents, content)
	}
	return contents
}

// B64: for any history at all, what comes out is paired, and a longer history
// begins like a shorter one.
func TestPairAnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawHistory(t)
		before, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		out := request.Pair(in, nil)
		if after, _ := json.Marshal(in); string(before) != string(after) {
			t.Fatalf("the input changed from %s to %s", before, after)
		}
		checkPaired(t, in, out)
		if again := request.Pair(out, nil); len(out) > 0 && &again[0] != &out[0] {
			t.Fatalf("pairing again changes %q to %q", lines(out), lines(again))
		}
		for n := range in {
			// A shorter history that ends where the user has spoken.
			if n == 0 || in[n] == nil || in[n].Role != "model" || !hasText(in[n]) || in[n-1] == nil || in[n-1].Role != "user" || !hasText(in[n-1]) || hasCall(in[n-1]) {
				continue
			}
			if prefix := request.Pair(in[:n], nil); len(prefix) > len(out) || !cmp.Equal(prefix, out[:len(prefix)]) {
				t.Fatalf("of %d contents %q, of all %q", n, lines(prefix), lines(out))
			}
		}
	})
}

func hasText(c *genai.Content) bool {
	return slices.ContainsFunc(c.Parts, func(p *genai.Part) bool { return p != nil && p.Text != "" })
}

func hasCall(c *genai.Content) bool {
	return slices.ContainsFunc(c.Parts, func(p *genai.Part) bool { return p != nil && p.FunctionCall != nil })
}

func checkPaired(t *rapid.T, in, out []*genai.Content) {
	ids := map[string]bool{}
	for i, content := range out {
		if content == nil || len(content.Parts) == 0 {
			t.Fatalf("content %d is empty", i)
		}
		var calls []*genai.FunctionCall
		for _, part := range content.Parts {
			if call := part.FunctionCall; call != nil {
				if call.ID == "" || ids[call.ID] || content.Role != "model" {
					t.Fatalf("content %d of %q has a call with the id %q, as used before %t", i, lines(out), call.ID, ids[call.ID])
				}
				ids[call.ID] = true
				calls = append(calls, call)
			}
			if part.FunctionResponse != nil && (i == 0 || !hasCall(out[i-1])) {
				t.Fatalf("content %d of %q answers nothing", i, lines(out))
			}
		}
		if len(calls) == 0 {
			continue
		}
		if i > 0 && out[i-1].Role == "model" {
			t.Fatalf("calls in content %d of %q follow a content of the model", i, lines(out))
		}
		if i+1 == len(out) || out[i+1].Role != "user" {
			t.Fatalf("calls of content %d of %q have no response", i, lines(out))
		}
		for n, part := range out[i+1].Parts {
			response := part.FunctionResponse
			if n < len(calls) != (response != nil) {
				t.Fatalf("%d calls, other responses: %q", len(calls), lines(out[i:i+2]))
			}
			if response != nil && (response.ID != calls[n].ID || response.Name != calls[n].Name) {
				t.Fatalf("response %d belongs to another call: %q", n, lines(out[i:i+2]))
			}
		}
	}
	for _, of := range []func(*genai.Part) string{
		func(p *genai.Part) string { return p.Text },
		func(p *genai.Part) string {
			if p.FunctionCall == nil {
				return ""
			}
			return p.FunctionCall.Name
		},
	} {
		if want, got := collect(in, of), collect(out, of); !slices.Equal(want, got) {
			t.Fatalf("texts or calls %q became %q", want, got)
		}
	}
}

// collect returns what of says of each part, without what results became.
func collect(contents []*genai.Content, of func(*genai.Part) string) []string {
	var all []string
	for _, content := range contents {
		if content == nil {
			continue
		}
		for _, part := range content.Parts {
			if part == nil {
				continue
			}
			if s := of(part); s != "" && !strings.HasPrefix(s, "Result of the tool") {
				all = append(all, s)
			}
		}
	}
	return all
}

// BenchmarkPair: the time per content stays the same however long a history is.
func BenchmarkPair(b *testing.B) {
	for _, turns := range []int{10, 100, 1000} {
		var tidy, bare []*genai.Content
		for i := range turns {
			tidy = append(tidy, history("user: q", fmt.Sprint("model: call f id", i), fmt.Sprint("user: result f id", i, "=1"), "model: done")...)
			bare = append(bare, history("user: q", "model: call f", "user: result f =1", "model: done")...)
		}
		for name, contents := range map[string][]*genai.Content{"in order": tidy, "without ids": bare} {
			b.Run(fmt.Sprint(name, " ", 4*turns), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					request.Pair(contents, nil)
				}
			})
		}
	}
}

package gemini_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// events returns a stream of documents as Google sends it.
func events(documents ...string) string {
	var b strings.Builder
	for _, document := range documents {
		b.WriteString("data: " + document + "\r\n\r\n")
	}
	return b.String()
}

// parts returns a document whose candidate has parts and more fields.
func parts(parts string, more ...string) string {
	return `{"candidates":[{"content":{"role":"model","parts":[` + parts + `]}` + strings.Join(more, "") + `}],"modelVersion":"v1"}`
}

const stop = `,"finishReason":"STOP"`

// answered is what a test looks at in a final response.
type answered struct {
	Parts   []*genai.Part
	Finish  genai.FinishReason
	Code    string
	Message string
}

func ofFinal(resp *model.LLMResponse) answered {
	a := answered{Finish: resp.FinishReason, Code: resp.ErrorCode, Message: resp.ErrorMessage}
	if resp.Content != nil {
		a.Parts = resp.Content.Parts
	}
	return a
}

func call(id, name, args string) *genai.Part {
	p := &genai.Part{FunctionCall: &genai.FunctionCall{ID: id, Name: name}}
	if err := json.Unmarshal([]byte(args), &p.FunctionCall.Args); err != nil {
		panic(err)
	}
	return p
}

func signed(p *genai.Part, signature string) *genai.Part {
	p.ThoughtSignature = []byte(signature)
	return p
}

func TestStreams(t *testing.T) {
	noEnvironment(t)
	text := func(s string) *genai.Part { return &genai.Part{Text: s} }
	thought := func(s string) *genai.Part { return &genai.Part{Text: s, Thought: true} }
	for _, test := range []struct {
		name      string
		documents []string
		want      answered
	}{
		{"texts and thoughts become one part each",
			[]string{parts(`{"text":"h","thought":true}`), parts(`{"text":"m","thought":true},{"text":"a"}`), parts(`{"text":"b"}`), parts(`{"text":"","thought":true},{"text":""}`, stop)},
			answered{Parts: []*genai.Part{thought("hm"), text("ab")}, Finish: "STOP"}},
		{"a signature stays with its part, also on an empty text",
			[]string{parts(`{"text":"a"}`), parts(`{"text":"b","thoughtSignature":"czE="}`), parts(`{"text":"c"}`), parts(`{"text":"","thoughtSignature":"czI="}`, stop)},
			answered{Parts: []*genai.Part{text("a"), signed(text("b"), "s1"), text("c"), signed(text(""), "s2")}, Finish: "STOP"}},
		{"parallel calls, of which the first is signed",
			[]string{parts(`{"text":"ok"}`), parts(`{"functionCall":{"id":"1","name":"f","args":{"x":1}},"thoughtSignature":"czE="},{"functionCall":{"name":"g"}}`, stop)},
			answered{Parts: []*genai.Part{text("ok"), signed(call("1", "f", `{"x":1}`), "s1"), call("", "g", `{}`)}, Finish: "STOP"}},
		{"arguments in pieces, at any depth",
			[]string{parts(`{"functionCall":{"name":"f","id":"1","willContinue":true},"thoughtSignature":"czE="}`),
				parts(`{"functionCall":{"partialArgs":[{"jsonPath":"$.a.b[0].c","stringValue":"x","willContinue":true}],"willContinue":true}}`),
				parts(`{"functionCall":{"partialArgs":[{"jsonPath":"$.a.b[0].c","stringValue":"yz","willContinue":true}],"willContinue":true}}`),
				parts(`{"functionCall":{"partialArgs":[{"jsonPath":"$.a.b[0].c","stringValue":""},{"jsonPath":"$.a.b[1]","numberValue":0.5},{"jsonPath":"$['odd name'][0][1]","boolValue":false}],"willContinue":true}}`),
				parts(`{"functionCall":{"partialArgs":[{"jsonPath":"$.none","nullValue":null},{"jsonPath":"$.word","nullValue":"NULL_VALUE"},{"jsonPath":"$.empty","stringValue":""},{"jsonPath":"$.zero","numberValue":0}]}}`),
				parts(`{"text":""}`, stop)},
			answered{Parts: []*genai.Part{signed(call("1", "f", `{"a":{"b":[{"c":"xyz"},0.5]},"odd name":[[null,false]],"none":null,"word":null,"empty":"","zero":0}`), "s1")}, Finish: "STOP"}},
		{"a string that goes on after another argument",
			[]string{parts(`{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.a","stringValue":"x"},{"jsonPath":"$.n","numberValue":1},{"jsonPath":"$.a","stringValue":"y"}]}}`, stop)},
			answered{Parts: []*genai.Part{call("", "f", `{"a":"xy","n":1}`)}, Finish: "STOP"}},
		{"several calls in pieces, with and without an end mark",
			[]string{parts(`{"functionCall":{"name":"f","willContinue":true}}`), parts(`{"functionCall":{"partialArgs":[{"jsonPath":"$.x","numberValue":1}],"willContinue":true}}`), parts(`{"functionCall":{}}`),
				parts(`{"functionCall":{"name":"f","willContinue":true}}`), parts(`{"functionCall":{"name":"g","args":{"y":2}}}`), parts(`{"functionCall":{"name":"h","willContinue":true}}`, stop)},
			answered{Parts: []*genai.Part{call("", "f", `{"x":1}`), call("", "f", `{}`), call("", "g", `{"y":2}`), call("", "h", `{}`)}, Finish: "STOP"}},
		{"a call that the limit cuts off is left out",
			[]string{parts(`{"text":"so"}`), parts(`{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.x","stringValue":"1","willContinue":true}],"willContinue":true}}`, `,"finishReason":"MAX_TOKENS"`)},
			answered{Parts: []*genai.Part{text("so")}, Finish: "MAX_TOKENS"}},
		{"arguments that are no object are not passed on, nor are calls beside them",
			[]string{parts(`{"text":"so"},{"functionCall":{"name":"g","args":{}}},{"functionCall":{"name":"f","args":"{\"x\":"}}`, stop)},
			answered{Parts: []*genai.Part{text("so")}, Finish: "MALFORMED_FUNCTION_CALL", Code: "MALFORMED_FUNCTION_CALL", Message: "the arguments of a function call are no JSON object"}},
		{"nor are pieces that contradict each other",
			[]string{parts(`{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.x","numberValue":1},{"jsonPath":"$.x.y","numberValue":1}]}}`, stop)},
			answered{Finish: "MALFORMED_FUNCTION_CALL", Code: "MALFORMED_FUNCTION_CALL", Message: "the arguments of a function call are no JSON object"}},
		{"nor is an index out of all bounds",
			[]string{parts(`{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.x[1000000000]","numberValue":1}]}}`, stop)},
			answered{Finish: "MALFORMED_FUNCTION_CALL", Code: "MALFORMED_FUNCTION_CALL", Message: "the arguments of a function call are no JSON object"}},
		{"nor is a call without a name",
			[]string{parts(`{"functionCall":{"args":{"x":1}}}`, stop)},
			answered{Finish: "MALFORMED_FUNCTION_CALL", Code: "MALFORMED_FUNCTION_CALL", Message: "the arguments of a function call are no JSON object"}},
		{"media and code keep their place",
			[]string{parts(`{"text":"see "}`), parts(`{"inlineData":{"mimeType":"image/png","data":"cG5n"}}`), parts(`{"executableCode":{"code":"1","language":"PYTHON"}},{"text":"done"}`, stop)},
			answered{Parts: []*genai.Part{text("see "), {InlineData: &genai.Blob{MIMEType: "image/png", Data: []byte("png")}}, {ExecutableCode: &genai.ExecutableCode{Code: "1", Language: "PYTHON"}}, text("done")}, Finish: "STOP"}},
		{"an empty answer is well formed",
			[]string{`{"candidates":[{"content":{"role":"model"},"finishReason":"STOP"}]}`}, answered{Finish: "STOP"}},
		{"the first of several candidates counts",
			[]string{`{"candidates":[{"index":1,"content":{"parts":[{"text":"no"}]}},{"index":0,"content":{"parts":[{"text":"yes"}]}}]}`, `{"candidates":[{"index":1,"finishReason":"SAFETY"}]}`, `{"candidates":[{"finishReason":"STOP"}]}`},
			answered{Parts: []*genai.Part{text("yes")}, Finish: "STOP"}},
		{"a blocked prompt",
			[]string{`{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT","blockReasonMessage":"no"}}`}, answered{Finish: "PROHIBITED_CONTENT", Code: "PROHIBITED_CONTENT", Message: "no"}},
		{"a blocked prompt for a reason that is no finish reason",
			[]string{`{"promptFeedback":{"blockReason":"JAILBREAK"}}`, `{"usageMetadata":{"promptTokenCount":3}}`}, answered{Finish: "SAFETY", Code: "JAILBREAK"}},
		{"a block after text",
			[]string{parts(`{"text":"so"}`), `{"candidates":[{"finishReason":"SAFETY","finishMessage":"why"}]}`}, answered{Parts: []*genai.Part{text("so")}, Finish: "SAFETY", Code: "SAFETY", Message: "why"}},
		{"a reason that genai does not list",
			[]string{`{"candidates":[{"finishReason":"MODEL_ARMOR","finishMessage":"why"}]}`}, answered{Finish: "SAFETY", Code: "MODEL_ARMOR", Message: "why"}},
		{"a reason that nobody knows",
			[]string{parts(`{"text":"so"}`, `,"finishReason":"BORED"`)}, answered{Parts: []*genai.Part{text("so")}, Finish: "OTHER", Code: "BORED"}},
		{"a limit that leaves nothing",
			[]string{`{"candidates":[{"finishReason":"MAX_TOKENS"}]}`}, answered{Finish: "MAX_TOKENS", Code: "MAX_TOKENS"}},
		{"an end mark of other servers", []string{parts(`{"text":"a"}`, stop), "[DONE]"}, answered{Parts: []*genai.Part{text("a")}, Finish: "STOP"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for how, body := range map[string]string{
				"events": events(test.documents...), "unterminated": strings.TrimRight(events(test.documents...), "\r\n"),
				"list": "[" + strings.Join(test.documents, "\n,\r\n") + "\n]",
			} {
				if strings.Contains(body, "[DONE]") && how == "list" {
					continue
				}
				for _, size := range []int{1, 7, len(body)} {
					partials, final, err := ask(asFitted(t), serve(t, sending("text/event-stream", body, size)), hello(), true)
					if err != nil {
						t.Fatalf("%s in writes of %d: %v", how, size, err)
					}
					if diff := cmp.Diff(test.want, ofFinal(final)); diff != "" {
						t.Errorf("%s in writes of %d (-want +got):\n%s", how, size, diff)
					}
					if !final.TurnComplete || final.Partial {
						t.Errorf("%s: final response complete %t, partial %t", how, final.TurnComplete, final.Partial)
					}
					checkPartials(t, partials, final)
				}
			}
		})
	}
}

// checkPartials: what was shown adds up to the texts and thoughts of the answer,
// and nothing empty was shown (B108).
func checkPartials(t *testing.T, partials []*model.LLMResponse, final *model.LLMResponse) {
	t.Helper()
	var shown, whole [2]string
	add := func(to *[2]string, content *genai.Content) {
		if content == nil {
			return
		}
		for _, part := range content.Parts {
			if part.Thought {
				to[1] += part.Text
			} else {
				to[0] += part.Text
			}
		}
	}
	for _, partial := range partials {
		before := shown
		add(&shown, partial.Content)
		if shown == before || partial.Content.Role != genai.RoleModel {
			t.Errorf("a partial response has nothing to show: %+v", partial.Content)
		}
	}
	if add(&whole, final.Content); shown != whole {
		t.Errorf("shown %q, answered %q", shown, whole)
	}
}

// An answer that is no stream is put together in the same way.
func TestWholeAnswers(t *testing.T) {
	noEnvironment(t)
	for _, test := range []struct {
		name, body string
		want       answered
	}{
		{"text and a call", " " + parts(`{"text":"a"},{"text":"b"},{"functionCall":{"name":"f"}}`, stop) + "\n", answered{Parts: []*genai.Part{{Text: "ab"}, call("", "f", `{}`)}, Finish: "STOP"}},
		{"a prompt blocked for another reason", `{"promptFeedback":{"blockReason":"OTHER"}}`, answered{Finish: "SAFETY", Code: "OTHER"}},
		{"a blocked prompt", `{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":3}}`, answered{Finish: "SAFETY", Code: "SAFETY"}},
		{"a list", "[" + parts(`{"text":"a"}`) + "," + parts(`{"text":"b"}`, stop) + "]", answered{Parts: []*genai.Part{{Text: "ab"}}, Finish: "STOP"}},
		{"a byte order mark", "\ufeff" + parts(`{"text":"a"}`, stop), answered{Parts: []*genai.Part{{Text: "a"}}, Finish: "STOP"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			partials, final, err := ask(asFitted(t), serve(t, sending("application/json", test.body, len(test.body))), hello(), false)
			if err != nil || len(partials) > 0 {
				t.Fatalf("error %v, %d partial responses", err, len(partials))
			}
			if diff := cmp.Diff(test.want, ofFinal(final)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMetadataOfStreams(t *testing.T) {
	noEnvironment(t)
	body := events(
		`{"candidates":[{"content":{"parts":[{"text":"a"}]},"citationMetadata":{"citationSources":[{"uri":"u1","endIndex":1}]},"logprobsResult":{"chosenCandidates":[{"token":"a","logProbability":-1}]}}],"usageMetadata":{"promptTokenCount":5,"totalTokenCount":5,"trafficType":"ON_DEMAND"},"modelVersion":"v1"}`,
		`{"candidates":[{"content":{"parts":[{"text":"b"}]},"citationMetadata":{"citations":[{"uri":"u1","endIndex":1},{"uri":"u2"}]},"logprobsResult":{"chosenCandidates":[{"token":"b","logProbability":-3}]}}],"usageMetadata":{"trafficType":"ON_DEMAND"}}`,
		`{"candidates":[{"finishReason":"STOP","groundingMetadata":{"webSearchQueries":["q"]}}],"usageMetadata":{"promptTokenCount":5,"cachedContentTokenCount":2,"candidatesTokenCount":2,"thoughtsTokenCount":7,"totalTokenCount":14,"promptTokensDetails":[{"modality":"TEXT","tokenCount":5}]}}`,
		`{"usageMetadata":{"trafficType":"ON_DEMAND"}}`)
	partials, final, err := ask(asFitted(t), serve(t, sending("text/event-stream", body, 97)), hello(), true)
	if err != nil {
		t.Fatal(err)
	}
	if len(partials) != 2 || partials[0].ModelVersion != "v1" || partials[0].UsageMetadata.PromptTokenCount != 5 {
		t.Errorf("partial responses %+v, want two with version and usage", partials)
	}
	want := &model.LLMResponse{
		Content: genai.NewContentFromText("ab", genai.RoleModel), FinishReason: "STOP", TurnComplete: true, ModelVersion: "v1",
		UsageMetadata: &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 5, CachedContentTokenCount: 2, CandidatesTokenCount: 2, ThoughtsTokenCount: 7, TotalTokenCount: 14,
			PromptTokensDetails: []*genai.ModalityTokenCount{{Modality: "TEXT", TokenCount: 5}}},
		CitationMetadata:  &genai.CitationMetadata{Citations: []*genai.Citation{{URI: "u1", EndIndex: 1}, {URI: "u2"}}},
		GroundingMetadata: &genai.GroundingMetadata{WebSearchQueries: []string{"q"}},
		LogprobsResult:    &genai.LogprobsResult{ChosenCandidates: []*genai.LogprobsResultCandidate{{Token: "a", LogProbability: -1}, {Token: "b", LogProbability: -3}}}, AvgLogprobs: -2,
	}
	if diff := cmp.Diff(want, final); diff != "" {
		t.Errorf("final response (-want +got):\n%s", diff)
	}
	_, final, err = ask(asFitted(t), serve(t, sending("application/json", `{"candidates":[{"finishReason":"STOP","avgLogprobs":-0.5}],"usageMetadata":{"trafficType":"ON_DEMAND"}}`, 999)), hello(), false)
	if err != nil || final.UsageMetadata != nil || final.AvgLogprobs != -0.5 {
		t.Errorf("error %v, usage %+v, average %v; want no usage and -0.5", err, final.UsageMetadata, final.AvgLogprobs)
	}
}

// A model that stops at its limit per request is asked to go on, a bounded number
// of times.
func TestContinuation(t *testing.T) {
	noEnvironment(t)
	var tokens []string
	forever := false
	m := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var body struct{ ContinuationToken []byte }
		_ = json.NewDecoder(r.Body).Decode(&body)
		tokens = append(tokens, string(body.ContinuationToken))
		finish := `,"finishReason":"STOP"`
		if forever || len(tokens) < 3 {
			finish = fmt.Sprintf(`,"finishReason":"CONTINUATION","continuationToken":%q`, []string{"dDE=", "dDI="}[len(tokens)%2])
		}
		_, _ = io.WriteString(w, events(strings.Replace(parts(fmt.Sprintf(`{"text":"%d"}`, len(tokens)), finish), `"modelVersion"`,
			`"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":1,"totalTokenCount":11},"modelVersion"`, 1)))
	})
	_, final, err := ask(asFitted(t), m, hello(), true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(answered{Parts: []*genai.Part{{Text: "123"}}, Finish: "STOP"}, ofFinal(final)); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"", "t2", "t1"}, tokens); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
	if u := final.UsageMetadata; u.PromptTokenCount != 30 || u.TotalTokenCount != 33 {
		t.Errorf("usage %+v, want that of all requests", u)
	}
	tokens, forever = nil, true
	if _, final, err = ask(asFitted(t), m, hello(), true); err != nil || final.FinishReason != genai.FinishReasonMaxTokens || len(tokens) != 8 {
		t.Errorf("%d requests, error %v, response %+v; want 8 and MAX_TOKENS", len(tokens), err, final)
	}
	tokens = nil
	req := hello()
	req.Config = &genai.GenerateContentConfig{AutomaticContinuation: genai.Ptr(false)}
	if _, final, err = ask(asFitted(t), m, req, true); err != nil || final.FinishReason != genai.FinishReasonMaxTokens || len(tokens) != 1 {
		t.Errorf("%d requests, error %v, response %+v; want one and MAX_TOKENS", len(tokens), err, final)
	}
}

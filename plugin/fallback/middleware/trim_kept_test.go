package middleware_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/internal/tokens"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// What must be kept is the instruction, the tools, the first message and the current
// turn. If one of them alone, or all together, do not fit, the model is not called.
func TestTrimRefusesWhatMustBeKept(t *testing.T) {
	long := strings.Repeat("word ", 1000) // more than the window
	half := long[:len(long)*6/10]         // of the window
	for name, change := range map[string]func(req *model.LLMRequest){
		"the instruction":           func(req *model.LLMRequest) { req.Config.SystemInstruction = genai.NewContentFromText(long, "") },
		"the first message":         func(req *model.LLMRequest) { req.Contents[0] = user(long) },
		"the question":              func(req *model.LLMRequest) { req.Contents[len(req.Contents)-3] = user(long) },
		"the result of a tool":      func(req *model.LLMRequest) { toolResult(req)["hit"] = long },
		"both ends":                 func(req *model.LLMRequest) { req.Contents[0] = user(half); toolResult(req)["hit"] = half },
		"the declaration of a tool": func(req *model.LLMRequest) { req.Config.Tools = tool(long) },
	} {
		for _, only := range []bool{false, true} {
			flash := counting("flash", 1000, 1)
			req := history(20)
			change(req)
			_, err := sendOnce(t, middleware.MustTrim(middleware.TrimConfig{Window: 1000, OnlyOverflow: only})(flash), req)
			v := failure.Classify(err)
			if v.Action != failure.Fallback || v.Code != "trim" || !strings.Contains(fmt.Sprint(err), "does not fit its window of 1000 tokens") {
				t.Errorf("%s is too long: error %v, want a refusal", name, err)
			}
			if n := len(flash.Requests()); n != 0 {
				t.Errorf("%s is too long: %d calls, want none", name, n)
			}
		}
	}
}

// toolResult returns the result of the tool at the end of a history.
func toolResult(req *model.LLMRequest) map[string]any {
	return req.Contents[len(req.Contents)-1].Parts[0].FunctionResponse.Response
}

func tool(description string) []*genai.Tool {
	return []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "search", Description: description}}}}
}

// B64: a trimmed request has each call of functions with all its responses, or without
// any: parallel calls, responses in later contents, nil parts and contents among them.
func TestTrimNeverPartsACallFromItsResponse(t *testing.T) {
	words := strings.Repeat("word ", 40)
	call := func(id string) *genai.Part {
		return &genai.Part{FunctionCall: &genai.FunctionCall{ID: id, Name: "search", Args: map[string]any{"q": words}}}
	}
	response := func(id string) *genai.Part {
		return &genai.Part{FunctionResponse: &genai.FunctionResponse{ID: id, Name: "search", Response: map[string]any{"hit": words}}}
	}
	of := func(role string, parts ...*genai.Part) *genai.Content {
		return &genai.Content{Role: role, Parts: parts}
	}
	whole := &model.LLMRequest{}
	for i := range 12 {
		a, b := fmt.Sprint("a", i), fmt.Sprint("b", i)
		whole.Contents = append(whole.Contents, user(fmt.Sprint("question ", i, " ", words)),
			of(genai.RoleModel, nil, call(a), nil, call(b)), of(genai.RoleUser, nil, response(a)), nil,
			of(genai.RoleModel, &genai.Part{Text: "one is there"}), of(genai.RoleUser, response(b), nil),
			of(genai.RoleModel, &genai.Part{Text: fmt.Sprint("answer ", i)}))
	}
	places := map[int]bool{}
	all := tokens.Estimate(whole)
	for window := all / 5; window < all; window += 20 {
		flash := counting("flash", window, 1)
		if _, err := sendOnce(t, middleware.MustTrim(middleware.TrimConfig{Window: window})(flash), &model.LLMRequest{Contents: whole.Contents}); err != nil {
			t.Fatalf("window %d: %v", window, err)
		}
		sent := flash.Requests()[0].Contents
		places[len(sent)] = true
		found := map[string]int{}
		for _, c := range sent {
			if c == nil {
				continue
			}
			for _, p := range c.Parts {
				switch {
				case p == nil:
				case p.FunctionCall != nil:
					found[p.FunctionCall.ID]++
				case p.FunctionResponse != nil:
					found[p.FunctionResponse.ID] += 10
				}
			}
		}
		for id, n := range found {
			if n != 11 {
				t.Fatalf("window %d: call %s is parted from its response (%d)", window, id, n)
			}
		}
	}
	if len(places) < 5 {
		t.Errorf("the history was cut at %d places, want more", len(places))
	}
}

// The cut stays where it is for some turns, so that the provider's prompt cache is of use:
// up to the newest messages, the requests are the same.
func TestTrimKeepsTheCutForSomeTurns(t *testing.T) {
	flash := counting("flash", 4000, 1)
	m := middleware.MustTrim(middleware.TrimConfig{Window: 4000})(flash)
	for turns := 40; turns < 100; turns++ {
		if _, err := sendOnce(t, m, history(turns)); err != nil {
			t.Fatal(err)
		}
	}
	cuts := map[string]int{} // by the first message after the mark
	for _, req := range flash.Requests() {
		if !isTrimmed(req) {
			t.Fatal("a request is not trimmed")
		}
		cuts[request.Text(req.Contents[2])]++
	}
	// An eighth of the window holds about five turns.
	if n := len(cuts); n < 8 || n > 20 {
		t.Errorf("the cut was at %d places in 60 turns, want it to stay for about five", n)
	}
}

func user(text string) *genai.Content { return genai.NewContentFromText(text, genai.RoleUser) }

package main

import (
	"strings"
	"testing"

	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"
)

func TestTranscriptTellsWhyThereIsNoAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		resp model.LLMResponse
		want string
	}{
		"an error code": {
			model.LLMResponse{ModelVersion: rootModel, ErrorCode: "SAFETY", ErrorMessage: "blocked"},
			"agent  (no text) SAFETY blocked\n",
		},
		"the attempt of an error code": {
			model.LLMResponse{ModelVersion: rootModel, ErrorCode: "SAFETY", ErrorMessage: "blocked"},
			rootModel + "  failed   0s    SAFETY: blocked\n",
		},
		"nothing at all": {
			model.LLMResponse{ModelVersion: rootModel},
			"agent  (no text)",
		},
		"thoughts alone": {
			model.LLMResponse{Content: &genai.Content{Parts: []*genai.Part{{Text: "hm", Thought: true}}}},
			"agent  (no text)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := transcript("Why?", []*session.Event{{LLMResponse: c.resp}})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("transcript lacks %q:\n%s", c.want, got)
			}
		})
	}
}

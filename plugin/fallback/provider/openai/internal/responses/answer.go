package responses

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/openaiwire"
	"github.com/adk-fallback/adk-fallback/internal/plainjson"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/api"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai/internal/responses/wire"
)

// whole converts r into the final response, or returns its error.
func (d *decoder) whole(r *wire.Response) (*model.LLMResponse, error) {
	switch {
	case r.Error != nil:
		return nil, d.failed([]byte(`{"error":` + string(r.Error) + `}`))
	case r.Status == wire.StatusFailed:
		return nil, d.failed([]byte(`{"error":{"code":"server_error","message":"the response failed, without a reason"}}`))
	case r.Status == wire.StatusCancelled:
		return nil, d.failed([]byte(`{"error":{"code":"cancelled","message":"the response was cancelled"}}`))
	case r.Status == wire.StatusInProgress || r.Status == wire.StatusQueued:
		return nil, fmt.Errorf("openai: the answer is not there yet (status %s): %w", r.Status, failure.ErrTruncated)
	}
	a := answer{d: d, cut: r.Status == wire.StatusIncomplete, response: &model.LLMResponse{
		ModelVersion: r.Model, UsageMetadata: usage(r.Usage), TurnComplete: true, FinishReason: genai.FinishReasonStop,
	}}
	for i := range r.Output {
		var next *wire.Item
		if i+1 < len(r.Output) {
			next = &r.Output[i+1]
		}
		a.add(&r.Output[i], next)
	}
	a.finish(r)
	return a.response, nil
}

// failed returns the error that body describes within an answer. An error without
// a code is a fault of the server, because it had accepted the request.
func (d *decoder) failed(body []byte) error {
	err := d.m.server.Error(nil, body[:min(len(body), openaiwire.MaxErrorBody)])
	if err.Code() != "" || err.Type() != "" && err.Type() != wire.EventError {
		return err
	}
	type words struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	coded, _ := plainjson.Marshal(map[string]words{"error": {"server_error", err.Message()}}) // strings only
	return d.m.server.Error(nil, coded)
}

// answer builds a final response from output items.
type answer struct {
	d        *decoder
	response *model.LLMResponse
	cut      bool // the answer is not complete

	parts     []*genai.Part
	refusal   strings.Builder
	malformed string // name of a call that cannot be run
	length    int    // characters of text so far
	logprobs  []openaiwire.Logprob
}

// add takes an item in. Those of tools that the server runs are not the
// model's words.
func (a *answer) add(item, next *wire.Item) {
	switch item.Type {
	case wire.ItemMessage:
		for i := range item.Content {
			a.addText(&item.Content[i])
		}
	case wire.ItemReasoning:
		a.parts = append(a.parts, a.d.m.seal(item, next)...)
	case wire.ItemFunctionCall:
		a.addCall(item)
	case wire.ItemImageGeneration:
		a.addImage(item)
	}
}

func (a *answer) addText(part *wire.Part) {
	if part.Type == wire.PartRefusal || part.Refusal != "" {
		a.refusal.WriteString(cmp.Or(part.Refusal, part.Text))
		return
	}
	if part.Text == "" {
		return
	}
	for _, source := range part.Annotations {
		if source.URL == "" {
			continue
		}
		if a.response.CitationMetadata == nil {
			a.response.CitationMetadata = &genai.CitationMetadata{}
		}
		a.response.CitationMetadata.Citations = append(a.response.CitationMetadata.Citations, &genai.Citation{
			StartIndex: api.Int32(int64(a.length + source.StartIndex)), EndIndex: api.Int32(int64(a.length + source.EndIndex)),
			Title: source.Title, URI: source.URL,
		})
	}
	a.length += utf8.RuneCountInString(part.Text)
	a.logprobs = append(a.logprobs, part.Logprobs...)
	a.parts = append(a.parts, &genai.Part{Text: part.Text})
}

// addCall adds a call. Arguments that are no object are never run.
func (a *answer) addCall(item *wire.Item) {
	name := a.d.names.Original(item.Name)
	args, ok := api.Arguments([]byte(item.Arguments))
	if item.Arguments == "" && a.cut && item.Status != wire.StatusCompleted {
		ok = false // cut off before the first argument
	}
	switch {
	case ok && name != "":
		id := cmp.Or(item.CallID, item.ID)
		if slices.ContainsFunc(a.parts, func(p *genai.Part) bool { return p.FunctionCall != nil && p.FunctionCall.ID == id }) {
			id = "" // ADK gives it one: two calls with the same id cannot be told apart
		}
		a.parts = append(a.parts, &genai.Part{FunctionCall: &genai.FunctionCall{ID: id, Name: name, Args: args}})
	case !a.cut && a.malformed == "":
		a.malformed = cmp.Or(name, "without a name")
	}
}

func (a *answer) addImage(item *wire.Item) {
	image, err := base64.StdEncoding.DecodeString(item.Result)
	if err != nil || len(image) == 0 {
		return
	}
	a.parts = append(a.parts, &genai.Part{InlineData: &genai.Blob{MIMEType: "image/" + cmp.Or(item.OutputFormat, "png"), Data: image}})
}

// finish sets why the answer ended.
func (a *answer) finish(r *wire.Response) {
	a.response.Content = &genai.Content{Role: genai.RoleModel, Parts: a.parts}
	a.response.LogprobsResult, a.response.AvgLogprobs = api.Logprobs(a.logprobs)
	reason, message := genai.FinishReasonStop, ""
	if a.cut {
		why := ""
		if r.IncompleteDetails != nil {
			why = r.IncompleteDetails.Reason
		}
		switch why {
		case "max_output_tokens", "max_tokens", "length":
			reason = genai.FinishReasonMaxTokens
		case "content_filter":
			reason, message = genai.FinishReasonSafety, "the provider's content filter stopped the answer"
		default:
			reason, message = genai.FinishReasonOther, cmp.Or(why, "the answer is incomplete, without a reason")
		}
	}
	switch {
	case a.refusal.Len() > 0:
		reason, message = genai.FinishReasonSafety, a.refusal.String()
	case a.malformed != "":
		reason, message = genai.FinishReasonMalformedFunctionCall, "the arguments of the call "+a.malformed+" are no JSON object"
	}
	a.response.FinishReason = reason
	if message != "" {
		a.response.ErrorCode, a.response.ErrorMessage = string(reason), message
	}
}

// usage returns the tokens as genai counts them; nil if none were reported.
func usage(u *wire.Usage) *genai.GenerateContentResponseUsageMetadata {
	if u == nil {
		return nil
	}
	reasoning := u.OutputTokensDetails.ReasoningTokens
	total, answer := u.TotalTokens, u.OutputTokens-reasoning
	if answer < 0 || reasoning > 0 && total == u.InputTokens+u.OutputTokens+reasoning {
		answer = u.OutputTokens // a server that counts the reasoning apart
	}
	if total == 0 {
		total = u.InputTokens + answer + reasoning
	}
	return &genai.GenerateContentResponseUsageMetadata{
		PromptTokenCount: api.Int32(u.InputTokens), CachedContentTokenCount: api.Int32(u.InputTokensDetails.CachedTokens),
		CandidatesTokenCount: api.Int32(answer), ThoughtsTokenCount: api.Int32(reasoning), TotalTokenCount: api.Int32(total),
	}
}

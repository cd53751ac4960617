package llmtest

import (
	"context"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// Chunk is a piece of a streamed answer.
func Chunk(text string) *model.LLMResponse {
	return &model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), Partial: true}
}

// Counted is a piece of an answer that tells so many tokens.
func Counted(text string, tokens int32) *model.LLMResponse {
	piece := Chunk(text)
	piece.UsageMetadata = &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: tokens, TotalTokenCount: tokens}
	return piece
}

// Send yields responses as they are.
func Send(responses ...*model.LLMResponse) Step {
	return func(_ context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		for _, resp := range responses {
			if !yield(resp, nil) {
				return
			}
		}
	}
}

// Pieces streams them, then the final response, which has text alone.
func Pieces(text string, pieces ...string) Step {
	responses := []*model.LLMResponse{}
	for _, piece := range pieces {
		responses = append(responses, Chunk(piece))
	}
	return Send(append(responses, &model.LLMResponse{Content: Chunk(text).Content, FinishReason: genai.FinishReasonStop})...)
}

// Within follows step after d, or ends with the context, as a model does.
func Within(d time.Duration, step Step) Step {
	return func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		select {
		case <-time.After(d):
			step(ctx, req, streamed, yield)
		case <-ctx.Done():
			yield(nil, ctx.Err())
		}
	}
}

// Words streams n words, one every gap, then the final response. It ends with the context.
func Words(n int, gap time.Duration) Step {
	return func(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
		text := ""
		for range n {
			select {
			case <-time.After(gap):
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			}
			text += "word "
			if !yield(Chunk("word "), nil) {
				return
			}
		}
		yield(&model.LLMResponse{Content: genai.NewContentFromText(text, genai.RoleModel), FinishReason: genai.FinishReasonStop}, nil)
	}
}

// Silent yields nothing until the context ends.
func Silent(ctx context.Context, _ *model.LLMRequest, _ bool, yield func(*model.LLMResponse, error) bool) {
	<-ctx.Done()
	yield(nil, ctx.Err())
}

// Deaf follows step after d, whatever becomes of the context.
func Deaf(d time.Duration, step Step) Step {
	return func(ctx context.Context, req *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		time.Sleep(d) // in a synctest bubble
		step(ctx, req, streamed, yield)
	}
}

// Mute ends its turn with an empty answer, after thoughts if it has any.
func Mute(reason genai.FinishReason, thoughts ...string) Step {
	return func(_ context.Context, _ *model.LLMRequest, streamed bool, yield func(*model.LLMResponse, error) bool) {
		content := &genai.Content{Role: genai.RoleModel}
		for _, thought := range thoughts {
			part := &genai.Part{Text: thought, Thought: true}
			content.Parts = append(content.Parts, part)
			if streamed && !yield(&model.LLMResponse{Content: &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{part}}, Partial: true}, nil) {
				return
			}
		}
		yield(&model.LLMResponse{Content: content, FinishReason: reason}, nil)
	}
}

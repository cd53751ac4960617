package cache

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/digest"
)

// rich is an answer with a bit of everything.
func rich() *model.LLMResponse {
	return &model.LLMResponse{
		Content: &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{
			{Text: "because", Thought: true},
			{Text: "an “answer” \u2028 <b>with</b> & signs"},
			{InlineData: &genai.Blob{Data: []byte{0, 1, 255}, MIMEType: "image/png"}},
			{FileData: &genai.FileData{FileURI: "gs://b/o", MIMEType: "video/mp4"}, VideoMetadata: &genai.VideoMetadata{StartOffset: 2 * time.Second, FPS: genai.Ptr(2.5)}},
			{ExecutableCode: &genai.ExecutableCode{Code: "print(1)", Language: genai.LanguagePython}},
			{CodeExecutionResult: &genai.CodeExecutionResult{Outcome: genai.OutcomeOK, Output: "1"}},
		}},
		CitationMetadata: &genai.CitationMetadata{Citations: []*genai.Citation{{URI: "https://example.com", StartIndex: 1, EndIndex: 3}}},
		GroundingMetadata: &genai.GroundingMetadata{
			WebSearchQueries: []string{"q"}, GroundingChunks: []*genai.GroundingChunk{{Web: &genai.GroundingChunkWeb{URI: "https://example.com", Title: "t"}}},
		},
		LogprobsResult: &genai.LogprobsResult{ChosenCandidates: []*genai.LogprobsResultCandidate{{Token: "an", LogProbability: -0.25}}},
		CustomMetadata: map[string]any{"mine": "kept", "n": 2.5, "list": []any{"a", true}}, ModelVersion: "flash-001", TurnComplete: true,
		FinishReason: genai.FinishReasonStop, AvgLogprobs: -0.5,
	}
}

// Whatever an answer has is the same in another replica, with its age.
func TestAnswerIsTheSameInAnotherReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := digest.Sum{1, 2, 3}
		for name, resp := range map[string]*model.LLMResponse{
			"rich": rich(),
			"text": {Content: genai.NewContentFromText("hello", genai.RoleModel), FinishReason: genai.FinishReasonStop},
		} {
			for _, front := range []bool{true, false} {
				a := pack(resp, front, time.Now())
				value := encode(key, a)
				time.Sleep(time.Minute)
				b := decode(key, value)
				if b == nil {
					t.Fatalf("%s: no answer", name)
				}
				if diff := cmp.Diff(a.response(), b.response()); diff != "" {
					t.Errorf("%s (-kept +found):\n%s", name, diff)
				}
				if b.front != front || !b.at.Equal(a.at) || b.weight != a.weight {
					t.Errorf("%s: front %t, %v, %d bytes; want %t, %v, %d", name, b.front, b.at, b.weight, front, a.at, a.weight)
				}
			}
		}
	})
}

// A value that is damaged, for another request, too large or from the future is no answer.
func TestWhatIsNoAnswerIsAMiss(t *testing.T) {
	key := digest.Sum{1}
	good := encode(key, pack(rich(), true, time.Now()))
	if decode(key, good) == nil {
		t.Fatal("a good value is no answer")
	}
	for i := range good {
		damaged := append([]byte(nil), good...)
		damaged[i] ^= 1
		if decode(key, damaged) != nil {
			t.Errorf("a value with a wrong byte %d is an answer", i)
		}
	}
	for i := range good {
		if decode(key, good[:i]) != nil {
			t.Errorf("the first %d bytes are an answer", i)
		}
	}
	if decode(digest.Sum{2}, good) != nil {
		t.Error("the answer to another request is one to this")
	}
	if decode(key, encode(key, pack(rich(), true, time.Now().Add(time.Hour)))) != nil {
		t.Error("an answer from the future is one")
	}
	if a := decode(key, encode(key, pack(rich(), true, time.Now().Add(10*time.Second)))); a == nil || time.Since(a.at) < 0 {
		t.Error("an answer of a replica whose clock is a little ahead is none, or younger than now")
	}
	rounded := rich()
	rounded.Content.Parts[3].VideoMetadata.StartOffset = 1500 * time.Millisecond
	if value := encode(key, pack(rounded, true, time.Now())); value != nil {
		t.Error("an answer that JSON does not keep as it is is shared")
	}
	if value := encode(key, pack(&model.LLMResponse{Content: genai.NewContentFromText(strings.Repeat("x", MaxSharedBytes), genai.RoleModel), FinishReason: genai.FinishReasonStop}, true, time.Now())); value != nil {
		t.Errorf("an answer of %d bytes is shared", len(value))
	}
}

// Whatever another program has put in the place of an answer, with a valid tag too, is no
// answer that must not be kept, and no panic. B85
func FuzzDecode(f *testing.F) {
	key := digest.Sum{7}
	f.Add(encode(key, pack(rich(), true, time.Now())), false)
	for _, body := range []string{
		``, `{}`, `null`, `[]`, `{"At":1e99}`, `{"At":1,"Front":true,"Response":null}`, `{"Response":{"content":{"parts":[null]},"finishReason":"STOP"}}`,
		`{"Response":{"content":{"parts":[{"functionCall":{"name":"pay"}}]},"finishReason":"STOP"}}`, `{"Response":{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP","partial":true}}`,
		`{"At":-9223372036854775808,"Response":{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}}`,
	} {
		f.Add([]byte(body), true)
	}
	f.Fuzz(func(t *testing.T, value []byte, signed bool) {
		if signed {
			value = append(tag(key, value), value...)
		}
		a := decode(key, value)
		if a == nil {
			return
		}
		resp := a.response()
		if resp == nil || resp.Partial || resp.ErrorCode != "" || resp.FinishReason != genai.FinishReasonStop || time.Since(a.at) < 0 {
			t.Fatalf("%q is the answer %+v of %v", value, resp, a.at)
		}
		for _, part := range resp.Content.Parts {
			if part == nil || part.FunctionCall != nil || part.FunctionResponse != nil {
				t.Fatalf("%q is an answer with the part %+v", value, part)
			}
		}
	})
}

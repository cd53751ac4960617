package provider

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/internal/modelname"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/internal/wrap"
)

// targetsOfRows returns one target for each API of each row of the tables, made
// to be one that the row is for.
func targetsOfRows(t *testing.T) []Target {
	t.Helper()
	var targets []Target
	concrete := strings.NewReplacer("*:", "localhost:", "*.", "east.", "#", "3", "*", "")
	for _, table := range tables {
		for i := range table {
			r := &table[i]
			name := "unknown"
			if r.before > 0 || r.since > 0 {
				v := max(r.since, r.before-1)
				family, _, _ := strings.Cut(strings.TrimSuffix(r.model, "*"), "*")
				if r.model == "" {
					family = "grok-"
				}
				name = fmt.Sprintf("%s%d.%d", family, v/100, v%100)
			} else if r.model != "" {
				first, _, _ := strings.Cut(r.model, " ")
				name = concrete.Replace(first)
			}
			host, _, _ := strings.Cut(r.host, " ")
			for _, api := range r.apis {
				target := Target{API: api, Model: name, Endpoint: concrete.Replace(host)}
				if parsed, v := modelname.Parse(name); !r.matches(target, parsed, v) {
					t.Errorf("a row for %q at %q (%d to %d) is not for %+v", r.model, r.host, r.since, r.before, target)
				}
				targets = append(targets, target)
			}
		}
	}
	return append(targets, Target{}, Target{API: Chat, Model: "llama"}, Target{Takes: Takes{Tools: no(), System: no(), Media: list("")}})
}

func anyConfig(t *rapid.T) *genai.GenerateContentConfig {
	if rapid.IntRange(0, 9).Draw(t, "no config") == 0 {
		return nil
	}
	c := &genai.GenerateContentConfig{}
	some := func(label string, set func()) {
		if rapid.IntRange(0, 2).Draw(t, label) == 0 {
			set()
		}
	}
	some("system", func() {
		c.SystemInstruction = genai.NewContentFromText("be brief", genai.RoleUser)
		some("media", func() {
			c.SystemInstruction.Parts = append(c.SystemInstruction.Parts, genai.NewPartFromBytes([]byte("png"), "image/png"))
		})
	})
	some("temperature", func() { c.Temperature = genai.Ptr[float32](0.5) })
	some("top_p", func() { c.TopP = genai.Ptr[float32](0.5) })
	some("top_k", func() { c.TopK = genai.Ptr(rapid.SampledFrom([]float32{5, 5.5}).Draw(t, "k")) })
	some("penalty", func() { c.PresencePenalty = genai.Ptr[float32](1) })
	some("seed", func() { c.Seed = genai.Ptr[int32](1) })
	some("logprobs", func() { c.ResponseLogprobs, c.Logprobs = true, genai.Ptr[int32](2) })
	some("candidates", func() { c.CandidateCount = 2 })
	some("max tokens", func() { c.MaxOutputTokens = rapid.SampledFrom([]int32{100, 1024, 2000, 100000}).Draw(t, "tokens") })
	some("stop", func() {
		c.StopSequences = rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", " ", ""}), 1, 7).Draw(t, "stops")
	})
	some("safety", func() {
		c.SafetySettings = []*genai.SafetySetting{{Category: genai.HarmCategoryJailbreak}, {Category: genai.HarmCategoryHarassment, Method: genai.HarmBlockMethodSeverity}}
	})
	some("labels", func() { c.Labels = map[string]string{"a": "b", "long": strings.Repeat("x", 600)} })
	some("cache", func() {
		c.CachedContent = rapid.SampledFrom([]string{"cachedContents/a", "projects/p/locations/l/cachedContents/a"}).Draw(t, "name")
	})
	some("modalities", func() {
		c.ResponseModalities = rapid.SliceOfN(rapid.SampledFrom([]string{"TEXT", "IMAGE", "AUDIO"}), 1, 2).Draw(t, "modality")
	})
	some("thinking", func() {
		c.ThinkingConfig = &genai.ThinkingConfig{IncludeThoughts: rapid.Bool().Draw(t, "include")}
		some("level", func() {
			c.ThinkingConfig.ThinkingLevel = genai.ThinkingLevel(rapid.SampledFrom([]string{"NONE", "MINIMAL", "low", "HIGH", "MAX", "ULTRA", "THINKING_LEVEL_UNSPECIFIED"}).Draw(t, "level name"))
		})
		some("budget", func() {
			c.ThinkingConfig.ThinkingBudget = genai.Ptr(rapid.SampledFrom([]int32{-1, 0, 1, 600, 9000, 1 << 20}).Draw(t, "tokens"))
		})
	})
	some("functions", func() {
		c.Tools = append(c.Tools, &genai.Tool{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "weather"}}})
	})
	some("answer tool", func() {
		c.Tools = append(c.Tools, &genai.Tool{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: wrap.Tool}}})
	})
	some("search", func() { c.Tools = append(c.Tools, &genai.Tool{GoogleSearch: &genai.GoogleSearch{}}) })
	some("tool config", func() {
		mode := rapid.SampledFrom([]genai.FunctionCallingConfigMode{"ANY", "AUTO", "NONE", "VALIDATED"}).Draw(t, "mode")
		c.ToolConfig = &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: mode}}
		some("names", func() { c.ToolConfig.FunctionCallingConfig.AllowedFunctionNames = []string{"weather"} })
		some("streamed", func() { c.ToolConfig.FunctionCallingConfig.StreamFunctionCallArguments = genai.Ptr(true) })
		some("server side", func() { c.ToolConfig.IncludeServerSideToolInvocations = genai.Ptr(true) })
		some("retrieval", func() { c.ToolConfig.RetrievalConfig = &genai.RetrievalConfig{LanguageCode: "en"} })
	})
	some("json", func() {
		c.ResponseMIMEType = rapid.SampledFrom([]string{jsonType, enumType, "text/plain"}).Draw(t, "mime")
	})
	some("schema", func() {
		c.ResponseSchema = rapid.SampledFrom([]*genai.Schema{{Type: genai.TypeObject}, {Type: genai.TypeArray, Items: &genai.Schema{Type: genai.TypeString}}, {Type: genai.TypeString, Enum: []string{"a"}}}).Draw(t, "kind")
	})
	if c.ResponseSchema == nil {
		some("json schema", func() {
			c.ResponseJsonSchema = map[string]any{"type": "array", "items": map[string]any{"type": "string"}}
		})
	}
	some("tier", func() { c.ServiceTier = genai.ServiceTierFlex })
	some("store", func() { c.Store = genai.Ptr(true) })
	some("armor", func() { c.ModelArmorConfig = &genai.ModelArmorConfig{} })
	return c
}

func anyContents(t *rapid.T) []*genai.Content {
	part := rapid.Custom(func(t *rapid.T) *genai.Part {
		switch rapid.IntRange(0, 13).Draw(t, "kind") {
		case 0:
			return &genai.Part{Text: "thought", Thought: true}
		case 1:
			return &genai.Part{Text: "thought", Thought: true, ThoughtSignature: request.Seal("anthropic", []byte("s"))}
		case 2:
			return &genai.Part{Text: "signed", ThoughtSignature: []byte("gemini's")}
		case 3:
			return &genai.Part{FunctionCall: &genai.FunctionCall{ID: rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "id"), Name: "weather", Args: map[string]any{"city": "Rome"}}, ThoughtSignature: request.Seal("openai", nil)}
		case 4:
			return &genai.Part{FunctionCall: &genai.FunctionCall{Name: "weather"}}
		case 5:
			return &genai.Part{FunctionResponse: &genai.FunctionResponse{ID: rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "id"), Name: "weather", Response: map[string]any{"sky": "blue"},
				Parts: []*genai.FunctionResponsePart{{InlineData: &genai.FunctionResponseBlob{MIMEType: "image/png", Data: []byte("png")}}, {FileData: &genai.FunctionResponseFileData{MIMEType: "application/pdf", FileURI: "https://example.com/a.pdf"}}}}}
		case 6:
			return &genai.Part{InlineData: &genai.Blob{MIMEType: rapid.SampledFrom([]string{"image/png", "image/jpg", "image/gif", "audio/mp3", "text/csv", "application/json", "video/mp4", "application/pdf", ""}).Draw(t, "mime"), Data: rapid.SampledFrom([][]byte{[]byte("data"), nil}).Draw(t, "data")}}
		case 7:
			return &genai.Part{FileData: &genai.FileData{MIMEType: "image/png", FileURI: rapid.SampledFrom([]string{"gs://bucket/a", "https://example.com/a.png", "https://generativelanguage.googleapis.com/v1beta/files/a", "https://www.youtube.com/watch?v=a", "files/a", "::"}).Draw(t, "uri")}}
		case 8:
			return &genai.Part{ExecutableCode: &genai.ExecutableCode{Code: "1+1", Language: genai.LanguagePython}}
		case 9:
			return &genai.Part{ToolCall: &genai.ToolCall{}}
		case 10:
			return &genai.Part{Text: "with metadata", PartMetadata: map[string]any{"a": "b"}}
		case 11:
			return nil
		case 12:
			return &genai.Part{}
		}
		return &genai.Part{Text: "hello"}
	})
	content := rapid.Custom(func(t *rapid.T) *genai.Content {
		if rapid.IntRange(0, 19).Draw(t, "nil") == 0 {
			return nil
		}
		return &genai.Content{Role: rapid.SampledFrom([]string{genai.RoleUser, genai.RoleModel}).Draw(t, "role"), Parts: rapid.SliceOfN(part, 0, 3).Draw(t, "parts")}
	})
	return rapid.SliceOfN(content, 0, 6).Draw(t, "contents")
}

// B100, B101, B102, B104, B105: for every row of the tables and whatever is
// asked, what Fit returns has nothing in it that the target is said to refuse,
// fitting again changes nothing, and the caller's request is as it was.
func TestFitLeavesNothingThatIsRefused(t *testing.T) {
	targets := targetsOfRows(t)
	rapid.Check(t, func(t *rapid.T) {
		target := rapid.SampledFrom(targets).Draw(t, "target")
		target.Drop = rapid.Bool().Draw(t, "drop")
		original := &model.LLMRequest{Contents: anyContents(t), Config: anyConfig(t)}
		before := clone.Request(original)

		first := *original
		fitted, err := target.Fit(&first)
		if diff := cmp.Diff(before, original); diff != "" {
			t.Fatalf("Fit wrote to the caller's request (-before +after):\n%s", diff)
		}
		if err != nil {
			if unfit, ok := err.(*UnfitError); !ok || target.Drop || unfit.Setting == "" || unfit.Reason == "" {
				t.Fatalf("error %v with Drop %v, want an UnfitError without Drop only", err, target.Drop)
			}
			if !reflect.DeepEqual(first, *original) {
				t.Fatal("an unfit request was changed")
			}
			return
		}
		if refused := refusedBy(target, &first); refused != "" {
			t.Errorf("%s is left in a request to %+v", refused, target)
		}
		if len(fitted.Adapted) > maxAdapted || slices.ContainsFunc(fitted.Adapted, func(s string) bool { return len(s) > maxAdaptedText }) {
			t.Errorf("adapted is not bounded: %q", fitted.Adapted)
		}

		second := first
		again, err := target.Fit(&second)
		if err != nil {
			t.Fatalf("fitting again: %v", err)
		}
		if diff := cmp.Diff(&first, &second); diff != "" || len(again.Adapted) > 0 {
			t.Errorf("fitting again for %+v adapted %q (-first +second):\n%s", target, again.Adapted, diff)
		}
	})
}

// refusedBy returns something in req that target is said to refuse, in words of
// its own: what Fit does is not asked.
func refusedBy(target Target, req *model.LLMRequest) string {
	takes := target.Accepts()
	if c := req.Config; c != nil {
		functions, provided := 0, 0
		for _, tool := range c.Tools {
			functions += len(tool.FunctionDeclarations)
			if tool.GoogleSearch != nil {
				provided++
			}
		}
		schema := c.ResponseSchema != nil || c.ResponseJsonSchema != nil
		for name, refused := range map[string]bool{
			"temperature":      isNo(takes.Temperature) && c.Temperature != nil,
			"top_p":            isNo(takes.TopP) && c.TopP != nil,
			"top_k":            isNo(takes.TopK) && c.TopK != nil,
			"penalty":          isNo(takes.Penalties) && c.PresencePenalty != nil,
			"seed":             isNo(takes.Seed) && c.Seed != nil,
			"logprobs":         isNo(takes.Logprobs) && (c.ResponseLogprobs || c.Logprobs != nil),
			"candidates":       isNo(takes.Candidates) && c.CandidateCount > 1,
			"safety":           isNo(takes.Safety) && c.SafetySettings != nil,
			"labels":           isNo(takes.Labels) && c.Labels != nil,
			"stop":             takes.StopSequences != nil && len(c.StopSequences) > *takes.StopSequences,
			"functions":        isNo(takes.Tools) && functions > 0,
			"search":           takes.ProviderTools != nil && !slices.Contains(takes.ProviderTools, "google_search") && provided > 0,
			"search+functions": isNo(takes.MixedTools) && provided > 0 && functions > 0,
			"forced":           isNo(takes.ForcedTool) && c.ToolConfig != nil && c.ToolConfig.FunctionCallingConfig != nil && c.ToolConfig.FunctionCallingConfig.Mode == "ANY",
			"json":             isNo(takes.JSON) && !schema && c.ResponseMIMEType == jsonType,
			"schema":           isNo(takes.Schema) && schema,
			"schema+tools":     isNo(takes.SchemaWithTools) && (schema || c.ResponseMIMEType == jsonType) && len(c.Tools) > 0,
			"cache":            isNo(takes.CachedContent) && c.CachedContent != "",
			"system":           isNo(takes.System) && c.SystemInstruction != nil,
			"system's media":   target.API != "" && c.SystemInstruction != nil && slices.ContainsFunc(c.SystemInstruction.Parts, func(p *genai.Part) bool { return p.InlineData != nil }),
			"half a top_k":     target.isGemini() && c.TopK != nil && *c.TopK == 5.5,
			"store":            target.API != "" && target.API != Gemini && c.Store != nil,
			"armor":            target.API != "" && target.API != Vertex && c.ModelArmorConfig != nil,
		} {
			if refused {
				return name
			}
		}
		for _, modality := range c.ResponseModalities {
			if takes.Modalities != nil && !slices.Contains(takes.Modalities, modality) {
				return modality
			}
		}
		if refused := refusedThinking(takes, c, functions > 0); refused != "" {
			return refused
		}
	}
	for _, content := range req.Contents {
		if content == nil {
			continue
		}
		for _, part := range content.Parts {
			if refused := refusedPart(target, takes, part); refused != "" {
				return refused
			}
		}
	}
	if n := len(req.Contents); n > 0 && isNo(takes.Prefill) && req.Contents[n-1] != nil && req.Contents[n-1].Role == genai.RoleModel {
		return "a model's turn at the end"
	}
	return ""
}

func refusedThinking(takes Takes, c *genai.GenerateContentConfig, functions bool) string {
	thinking := c.ThinkingConfig
	if isNo(takes.ThinkingWithTools) && functions && (thinking == nil || thinking.ThinkingLevel != "NONE") {
		return "thinking with tools"
	}
	if thinking == nil {
		return ""
	}
	if thinking.ThinkingLevel != "" && thinking.ThinkingBudget != nil {
		return "level and budget"
	}
	if thinking.ThinkingLevel != "" && takes.ThinkingLevels != nil && !slices.Contains(takes.ThinkingLevels, string(thinking.ThinkingLevel)) {
		return "level " + string(thinking.ThinkingLevel)
	}
	if budget := takes.ThinkingBudget; budget != nil && thinking.ThinkingBudget != nil {
		n := int(*thinking.ThinkingBudget)
		if ok := n == 0 && budget.Off || n == -1 && budget.Auto || n >= budget.Min && n <= budget.Max && *budget != (Budget{}); !ok {
			return fmt.Sprint("budget ", n)
		}
	}
	return ""
}

func refusedPart(target Target, takes Takes, part *genai.Part) string {
	if part == nil {
		return ""
	}
	vendor, known := target.vendor()
	switch from := request.VendorOf(part.ThoughtSignature); {
	case part.Thought && known && from != vendor, part.Thought && !known && from != "":
		return "a thought of " + from
	case len(part.ThoughtSignature) > 0 && known && from != vendor:
		return "a signature of " + from
	case isNo(takes.Tools) && (part.FunctionCall != nil || part.FunctionResponse != nil):
		return "a call"
	case part.InlineData != nil && takes.Media != nil && part.InlineData.MIMEType != "" &&
		!slices.ContainsFunc(takes.Media, func(p string) bool { return match(p, mimeType(part.InlineData.MIMEType)) }):
		return part.InlineData.MIMEType
	case target.API != "" && part.InlineData != nil && (len(part.InlineData.Data) == 0 || part.InlineData.MIMEType == "image/jpg"):
		return "no data, or a type with another name"
	case part.FunctionResponse != nil && isNo(takes.ToolMedia) && len(part.FunctionResponse.Parts) > 0:
		return "media in a result"
	}
	return ""
}

package provider_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/clone"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider"
)

var (
	gpt4o     = provider.Target{API: provider.Responses, Model: "gpt-4o"}
	gpt4oChat = provider.Target{API: provider.Chat, Model: "gpt-4o", Endpoint: "api.openai.com"}
	sonnet    = provider.Target{API: provider.Anthropic, Model: "claude-sonnet-5"}
	flash25   = provider.Target{API: provider.Gemini, Model: "gemini-2.5-flash"}
	flash3    = provider.Target{API: provider.Gemini, Model: "gemini-3-flash-preview"}
	gemma     = provider.Target{API: provider.Gemini, Model: "gemma-3-27b-it"}
)

func ask(parts ...*genai.Part) []*genai.Content {
	return []*genai.Content{{Role: genai.RoleUser, Parts: parts}}
}

func weather() *genai.Tool {
	return &genai.Tool{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "weather"}}}
}

// fit returns what target gets of config and contents.
func fit(t *testing.T, target provider.Target, config *genai.GenerateContentConfig, contents []*genai.Content) (*model.LLMRequest, provider.Fitted) {
	t.Helper()
	req := &model.LLMRequest{Config: config, Contents: contents}
	fitted, err := target.Fit(req)
	if err != nil {
		t.Fatalf("Fit for %s: %v", target.Model, err)
	}
	return req, fitted
}

func full() *genai.GenerateContentConfig {
	return &genai.GenerateContentConfig{
		Temperature: genai.Ptr[float32](0.5), TopP: genai.Ptr[float32](0.9), TopK: genai.Ptr[float32](40), Seed: genai.Ptr[int32](1),
		PresencePenalty: genai.Ptr[float32](1), ResponseLogprobs: true, CandidateCount: 2, StopSequences: []string{"1", "2", "3", "4", "5", "6"},
		SafetySettings: []*genai.SafetySetting{{Category: genai.HarmCategoryHarassment, Threshold: genai.HarmBlockThresholdBlockNone, Method: genai.HarmBlockMethodSeverity}, {Category: genai.HarmCategoryImageHate}},
		Labels:         map[string]string{"team": "a"}, MaxOutputTokens: 100, ServiceTier: genai.ServiceTierFlex, AudioTimestamp: true, Store: genai.Ptr(true),
	}
}

// B101: every setting that the target cannot take is left out of its request and
// named; the others stay.
func TestSettings(t *testing.T) {
	for _, test := range []struct {
		target provider.Target
		want   string
	}{
		{gpt4o, "top_k penalties seed candidate_count safety_settings stop_sequences audio_timestamp store service_tier"},
		{gpt4oChat, "top_k safety_settings labels stop_sequences: 4 of 6 audio_timestamp store service_tier"},
		{provider.Target{API: provider.Responses, Model: "gpt-6-astra"}, "top_logprobs temperature top_p top_k penalties seed candidate_count safety_settings stop_sequences audio_timestamp store service_tier"},
		{sonnet, "top_logprobs temperature top_p top_k penalties seed candidate_count safety_settings labels audio_timestamp store service_tier"},
		{flash25, "top_logprobs penalties candidate_count labels stop_sequences: 5 of 6 safety_settings: categories of Vertex AI safety_settings: method audio_timestamp"},
		{provider.Target{API: provider.Vertex, Model: "gemini-2.0-flash"}, "stop_sequences: 5 of 6 store"},
		{provider.Target{API: provider.Chat, Model: "grok-4.5", Endpoint: "api.x.ai"}, "top_k penalties safety_settings labels stop_sequences audio_timestamp store service_tier"},
		{provider.Target{}, ""},
	} {
		given := full()
		req, fitted := fit(t, test.target, given, ask(genai.NewPartFromText("hi")))
		if got := strings.Join(fitted.Adapted, " "); got != test.want {
			t.Errorf("%s %s: adapted\n\t%q, want\n\t%q", test.target.API, test.target.Model, got, test.want)
		}
		if req.Config.MaxOutputTokens != 100 {
			t.Errorf("%s: the token limit is gone", test.target.Model)
		}
		if diff := cmp.Diff(full(), given); diff != "" {
			t.Errorf("%s: the caller's configuration changed (-want +got):\n%s", test.target.Model, diff)
		}
	}
	req, _ := fit(t, gpt4oChat, full(), ask(genai.NewPartFromText("hi")))
	if diff := cmp.Diff([]string{"1", "2", "3", "4"}, req.Config.StopSequences); diff != "" {
		t.Errorf("stop sequences (-want +got):\n%s", diff)
	}
}

// B101: of labels Anthropic gets the user's id, which is not named in what was
// left out.
func TestLabelsAtAnthropic(t *testing.T) {
	for _, test := range []struct {
		name         string
		labels, want map[string]string
		adapted      string
	}{
		{"an id", map[string]string{"user_id": "u"}, map[string]string{"user_id": "u"}, ""},
		{"an id among others", map[string]string{"user_id": "u", "team": "a"}, map[string]string{"user_id": "u"}, "labels: user_id only"},
		{"no id", map[string]string{"team": "a"}, nil, "labels"},
		{"an empty id", map[string]string{"user_id": ""}, nil, "labels"},
		{"an id that is too long", map[string]string{"user_id": strings.Repeat("ü", 257)}, nil, "labels"},
		{"the longest id", map[string]string{"user_id": strings.Repeat("ü", 256)}, map[string]string{"user_id": strings.Repeat("ü", 256)}, ""},
	} {
		req, fitted := fit(t, sonnet, &genai.GenerateContentConfig{Labels: test.labels}, ask(genai.NewPartFromText("hi")))
		if diff := cmp.Diff(test.want, req.Config.Labels); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if got := strings.Join(fitted.Adapted, " "); got != test.adapted {
			t.Errorf("%s: adapted %q, want %q", test.name, got, test.adapted)
		}
	}
}

// Metadata of a part is for the Gemini API; Anthropic's adapter reads one key.
func TestPartMetadata(t *testing.T) {
	for _, test := range []struct {
		target      provider.Target
		given, want map[string]any
	}{
		{flash3, map[string]any{"cache_control": "5m", "a": 1}, map[string]any{"a": 1}},
		{flash3, map[string]any{"cache_control": "5m"}, nil},
		{flash3, map[string]any{"a": 1}, map[string]any{"a": 1}},
		{sonnet, map[string]any{"cache_control": "5m"}, map[string]any{"cache_control": "5m"}},
		{sonnet, map[string]any{"cache_control": "5m", "a": 1}, map[string]any{"cache_control": "5m"}},
		{sonnet, map[string]any{"a": 1}, nil},
		{gpt4o, map[string]any{"cache_control": "5m"}, nil},
		{provider.Target{API: provider.Vertex, Model: "gemini-3-flash"}, map[string]any{"cache_control": "5m"}, nil},
	} {
		given := len(test.given)
		req, _ := fit(t, test.target, nil, ask(&genai.Part{Text: "hi", PartMetadata: test.given}))
		if diff := cmp.Diff(test.want, req.Contents[0].Parts[0].PartMetadata); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.target.Model, diff)
		}
		if len(test.given) != given {
			t.Errorf("%s: the caller's metadata changed", test.target.Model)
		}
	}
}

// Of two schemas for one answer, which Gemini refuses, the JSON Schema counts.
func TestTwoSchemasBecomeOne(t *testing.T) {
	for _, target := range []provider.Target{gpt4o, gpt4oChat, sonnet, flash25, flash3, {API: provider.Vertex, Model: "gemini-2.5-pro"}} {
		json := map[string]any{"type": "object", "properties": map[string]any{"a": map[string]any{"type": "string"}}}
		given := &genai.GenerateContentConfig{ResponseMIMEType: "application/json", ResponseSchema: &genai.Schema{Type: genai.TypeInteger}, ResponseJsonSchema: json}
		req, fitted := fit(t, target, given, ask(genai.NewPartFromText("hi")))
		if diff := cmp.Diff(any(json), req.Config.ResponseJsonSchema); diff != "" || req.Config.ResponseSchema != nil {
			t.Errorf("%s: the other schema is %v (-want +got):\n%s", target.Model, req.Config.ResponseSchema, diff)
		}
		if got := strings.Join(fitted.Adapted, " "); got != "response_schema: response_json_schema is set" {
			t.Errorf("%s: adapted %q", target.Model, got)
		}
		if given.ResponseSchema == nil {
			t.Errorf("%s: the caller's configuration changed", target.Model)
		}
	}
}

// B102: what would change the answer is refused with the reason, and left out
// when the user says so.
func TestUnfit(t *testing.T) {
	image := genai.NewPartFromBytes([]byte("png"), "image/png")
	tools := func(tools ...*genai.Tool) *genai.GenerateContentConfig {
		return &genai.GenerateContentConfig{Tools: tools}
	}
	many := func(n int) *genai.GenerateContentConfig {
		return tools(&genai.Tool{FunctionDeclarations: slices.Repeat(weather().FunctionDeclarations, n-1)}, weather())
	}
	search := &genai.Tool{GoogleSearch: &genai.GoogleSearch{}}
	text := genai.NewPartFromText("hi")
	for _, test := range []struct {
		name    string
		target  provider.Target
		config  *genai.GenerateContentConfig
		part    *genai.Part
		setting string
	}{
		{"search at OpenAI", gpt4o, tools(search), text, "google_search"},
		{"search with functions on 2.5", flash25, tools(search, weather()), text, "google_search"},
		{"file search on Vertex AI", provider.Target{API: provider.Vertex, Model: "gemini-3-flash"}, tools(&genai.Tool{FileSearch: &genai.FileSearch{}}), text, "file_search"},
		{"129 functions at OpenAI", gpt4oChat, many(129), text, "function_declarations"},
		{"129 functions at Azure", provider.Target{API: provider.Responses, Model: "gpt-5", Endpoint: "name.openai.azure.com"}, many(129), text, "function_declarations"},
		{"functions at gemma", gemma, tools(weather()), text, "function_declarations"},
		{"functions at gpt-6-astra in chat completions", provider.Target{API: provider.Chat, Model: "gpt-6-astra"}, tools(weather()), text, "function_declarations"},
		{"a cache at Anthropic", sonnet, &genai.GenerateContentConfig{CachedContent: "cachedContents/a"}, text, "cached_content"},
		{"a cache of Vertex AI at the Gemini API", flash25, &genai.GenerateContentConfig{CachedContent: "projects/p/locations/l/cachedContents/a"}, text, "cached_content"},
		{"a cache at Gemini 4", provider.Target{API: provider.Gemini, Model: "gemini-4-neon"}, &genai.GenerateContentConfig{CachedContent: "cachedContents/a"}, text, "cached_content"},
		{"images out", gpt4o, &genai.GenerateContentConfig{ResponseModalities: []string{"TEXT", "IMAGE"}}, text, "response_modalities"},
		{"a schema at gemma", gemma, &genai.GenerateContentConfig{ResponseSchema: &genai.Schema{Type: genai.TypeObject}}, text, "response_schema"},
		{"an image at a text model", provider.Target{API: provider.Responses, Model: "o3-mini"}, nil, image, "image/png"},
		{"a video at OpenAI", gpt4o, nil, genai.NewPartFromBytes([]byte("v"), "video/mp4"), "video/mp4"},
		{"a gif at Gemini", flash25, nil, genai.NewPartFromBytes([]byte("g"), "image/gif"), "image/gif"},
		{"a bucket at the Gemini API", flash25, nil, genai.NewPartFromURI("gs://b/a.png", "image/png"), "image/png"},
		{"a file of the Gemini API at Anthropic", sonnet, nil, genai.NewPartFromURI("https://generativelanguage.googleapis.com/v1beta/files/a", "image/png"), "image/png"},
		{"an address at Ollama", provider.Target{API: provider.Chat, Model: "llama", Endpoint: "localhost:11434"}, nil, genai.NewPartFromURI("https://example.com/a.png", "image/png"), "image/png"},
		{"a type that a user made up", gpt4o, nil, genai.NewPartFromBytes([]byte("v"), "secret words/of a user"), "media"},
	} {
		t.Run(test.name, func(t *testing.T) {
			req := &model.LLMRequest{Config: test.config, Contents: ask(text, test.part)}
			_, err := test.target.Fit(req)
			var unfit *provider.UnfitError
			if !errors.As(err, &unfit) || unfit.Setting != test.setting || unfit.Model != test.target.Model {
				t.Fatalf("error %v, want an UnfitError for %s", err, test.setting)
			}
			if !strings.Contains(err.Error(), test.target.Model+" does not take "+test.setting) {
				t.Errorf("message %q", err)
			}
			if v := failure.Classify(err); v.Action != failure.Fallback || v.Kind != "refused" || v.Scope != failure.ScopeRequest {
				t.Errorf("verdict %+v, want a fallback for this request alone", v)
			}
			dropping := test.target
			dropping.Drop = true
			_, fitted := fit(t, dropping, test.config, ask(text, test.part))
			if len(fitted.Adapted) == 0 || !strings.Contains(strings.Join(fitted.Adapted, " "), test.setting) {
				t.Errorf("adapted %q, want %s", fitted.Adapted, test.setting)
			}
		})
	}
}

// B105: one of level and budget, in the form that the target takes.
func TestThinking(t *testing.T) {
	level := func(s string) *genai.ThinkingConfig {
		return &genai.ThinkingConfig{ThinkingLevel: genai.ThinkingLevel(s), IncludeThoughts: true}
	}
	budget := func(n int32) *genai.ThinkingConfig {
		return &genai.ThinkingConfig{ThinkingBudget: &n, IncludeThoughts: true}
	}
	both := level("HIGH")
	both.ThinkingBudget = genai.Ptr[int32](2000)
	opus45 := provider.Target{API: provider.Anthropic, Model: "claude-opus-4-5"}
	for _, test := range []struct {
		name        string
		target      provider.Target
		given, want *genai.ThinkingConfig
		adapted     string
	}{
		{"both where levels are taken", flash3, both, level("HIGH"), "thinking_budget: level is set"},
		{"both where budgets are taken", flash25, both, budget(2000), "thinking_level: budget is set"},
		{"both where nothing is known", provider.Target{}, both, level("HIGH"), "thinking_budget: level is set"},
		{"neither is taken", gpt4o, both, nil, "thinking"},
		{"the nearest level", provider.Target{API: provider.Gemini, Model: "gemini-3.8-flash"}, level("MINIMAL"), level("LOW"), "thinking_level: MINIMAL to LOW"},
		{"the higher of two near ones", provider.Target{API: provider.Gemini, Model: "gemini-3-pro"}, level("MEDIUM"), level("HIGH"), "thinking_level: MEDIUM to HIGH"},
		{"minimal is not off", provider.Target{API: provider.Responses, Model: "gpt-5.1"}, level("MINIMAL"), level("LOW"), "thinking_level: MINIMAL to LOW"},
		{"a level becomes a budget", flash25, level("MEDIUM"), budget(8192), "thinking_level: MEDIUM to budget 8192"},
		{"a budget becomes a level", sonnet, budget(9000), level("HIGH"), "thinking_budget: 9000 to level HIGH"},
		{"off is off", sonnet, budget(0), level("NONE"), "thinking_budget: 0 to level NONE"},
		{"off where it cannot be", provider.Target{API: provider.Gemini, Model: "gemini-2.5-pro"}, budget(0), budget(128), "thinking_budget: 0 to 128"},
		{"too much", flash25, budget(30000), budget(24576), "thinking_budget: 30000 to 24576"},
		{"the model's own", sonnet, budget(-1), &genai.ThinkingConfig{IncludeThoughts: true}, "thinking_budget"},
		{"as it is", flash25, budget(-1), budget(-1), ""},
		{"not below max_tokens", opus45, budget(6000), budget(3999), "thinking_budget: below max_output_tokens"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := &genai.GenerateContentConfig{ThinkingConfig: test.given, MaxOutputTokens: 4000}
			req, fitted := fit(t, test.target, config, ask(genai.NewPartFromText("hi")))
			if diff := cmp.Diff(test.want, req.Config.ThinkingConfig); diff != "" {
				t.Errorf("thinking (-want +got):\n%s", diff)
			}
			if got := strings.Join(fitted.Adapted, ", "); got != test.adapted {
				t.Errorf("adapted %q, want %q", got, test.adapted)
			}
		})
	}
}

// B105: gpt-5.6 takes functions in chat completions only without thinking.
func TestThinkingIsOffWithTools(t *testing.T) {
	target := provider.Target{API: provider.Chat, Model: "gpt-5.6"}
	req, fitted := fit(t, target, &genai.GenerateContentConfig{Tools: []*genai.Tool{weather()}}, ask(genai.NewPartFromText("hi")))
	if req.Config.ThinkingConfig == nil || req.Config.ThinkingConfig.ThinkingLevel != "NONE" || len(fitted.Adapted) != 1 {
		t.Errorf("thinking %+v, adapted %q, want it off and named", req.Config.ThinkingConfig, fitted.Adapted)
	}
	req, _ = fit(t, target, &genai.GenerateContentConfig{}, ask(genai.NewPartFromText("hi")))
	if req.Config.ThinkingConfig != nil {
		t.Error("thinking is off without tools")
	}
}

// B104: thoughts and signatures go to their own vendor alone, and never as text.
func TestThoughtsOfOthers(t *testing.T) {
	sealed := func(vendor string) *genai.Part {
		return &genai.Part{Text: vendor, Thought: true, ThoughtSignature: request.Seal(vendor, []byte("s"))}
	}
	contents := append(ask(genai.NewPartFromText("hi")), &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{
		{Text: "gemini", Thought: true}, sealed("anthropic"), sealed("openai"), sealed("chat:api.groq.com"), {Text: "hello", ThoughtSignature: []byte("gemini's")},
	}}, genai.NewContentFromText("go on", genai.RoleUser))
	for _, test := range []struct {
		target provider.Target
		want   string
	}{
		{flash3, "gemini hello+"},
		{provider.Target{API: provider.Vertex, Model: "gemini-3-flash"}, "gemini hello+"},
		{sonnet, "anthropic hello"},
		{gpt4o, "openai hello"},
		{provider.Target{API: provider.Chat, Model: "llama", Endpoint: "api.groq.com"}, "chat:api.groq.com hello"},
		{gpt4oChat, "hello"},
		{provider.Target{}, "gemini hello+"},
	} {
		before := clone.Contents(contents)
		req, fitted := fit(t, test.target, nil, contents)
		var got []string
		for _, part := range req.Contents[1].Parts {
			text := part.Text
			if !part.Thought && len(part.ThoughtSignature) > 0 {
				text += "+"
			}
			got = append(got, text)
		}
		if got := strings.Join(got, " "); got != test.want || len(fitted.Adapted) > 0 {
			t.Errorf("%s %s gets %q, want %q; adapted %q", test.target.API, test.target.Endpoint, got, test.want, fitted.Adapted)
		}
		if diff := cmp.Diff(before, contents); diff != "" {
			t.Errorf("the session's history changed:\n%s", diff)
		}
	}
}

// B63, B100: a tool loop that another vendor began goes on with Gemini 3.
func TestPlaceholderForForeignCalls(t *testing.T) {
	contents := append(ask(genai.NewPartFromText("weather?")),
		&genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{ID: "a", Name: "weather"}, ThoughtSignature: request.Seal("openai", nil)}}},
		&genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{Name: "weather"}}}})
	req, _ := fit(t, flash3, nil, contents)
	if got := string(req.Contents[1].Parts[0].ThoughtSignature); got != request.SkipSignature {
		t.Errorf("signature %q, want the placeholder", got)
	}
	if got := req.Contents[2].Parts[0].FunctionResponse.ID; got != "a" {
		t.Errorf("the response has the id %q, want its call's", got)
	}
	if contents[2].Parts[0].FunctionResponse.ID != "" || request.VendorOf(contents[1].Parts[0].ThoughtSignature) != "openai" {
		t.Error("the session's history changed")
	}
}

// A fast path that overlooks a field would send what a target refuses.
func TestEveryFieldOfTheConfigurationIsLookedAt(t *testing.T) {
	harmless := map[string]bool{"HTTPOptions": true, "MaxOutputTokens": true, "SystemInstruction": true} // Fit itself looks at the last
	kind := reflect.TypeFor[genai.GenerateContentConfig]()
	for i := range kind.NumField() {
		config := &genai.GenerateContentConfig{}
		field := reflect.ValueOf(config).Elem().Field(i)
		switch field.Kind() {
		case reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		case reflect.Map:
			field.Set(reflect.MakeMap(field.Type()))
			field.SetMapIndex(reflect.ValueOf("a"), reflect.ValueOf("b"))
		case reflect.Interface:
			field.Set(reflect.ValueOf(map[string]any{"type": "object"}))
		case reflect.String:
			field.SetString("x")
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Int32:
			field.SetInt(3)
		}
		name := kind.Field(i).Name
		if provider.IsPlainConfig(config) != harmless[name] {
			t.Errorf("a configuration with %s counts as plain: %v", name, !harmless[name])
		}
	}
}

// B102: a tool that a newer genai adds must not pass as harmless.
func TestEveryProviderToolIsKnown(t *testing.T) {
	kind := reflect.TypeFor[genai.Tool]()
	for i := range kind.NumField() {
		tool := &genai.Tool{}
		if kind.Field(i).Name == "FunctionDeclarations" {
			continue
		}
		field := reflect.ValueOf(tool).Elem().Field(i)
		if field.Kind() == reflect.Slice {
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		} else {
			field.Set(reflect.New(field.Type().Elem()))
		}
		req := &model.LLMRequest{Contents: ask(genai.NewPartFromText("hi")), Config: &genai.GenerateContentConfig{Tools: []*genai.Tool{tool}}}
		if _, err := sonnet.Fit(req); err == nil {
			t.Errorf("Anthropic takes %s", kind.Field(i).Name)
		}
	}
}

// An ordinary conversation is not copied for a target that takes system instructions. A target
// that takes none gets the instruction as a user's text.
func TestConversationWithSystemInstruction(t *testing.T) {
	chat := func() *model.LLMRequest {
		return &model.LLMRequest{
			Config:   &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText("be brief", genai.RoleUser)},
			Contents: []*genai.Content{genai.NewContentFromText("hello", genai.RoleUser)},
		}
	}
	for _, target := range []provider.Target{{}, {API: provider.Gemini, Model: "gemini-2.5-flash"}, {API: provider.Chat, Model: "gpt-5.1"}, sonnet} {
		target = target.Resolved()
		req := chat()
		allocations := testing.AllocsPerRun(100, func() {
			if _, err := target.Fit(req); err != nil {
				t.Fatal(err)
			}
		})
		if allocations != 0 || req.Config.SystemInstruction == nil {
			t.Errorf("%+v: %v allocations, system instruction %v", target.Model, allocations, req.Config.SystemInstruction)
		}
	}
	req := chat()
	if _, err := (provider.Target{API: provider.Gemini, Model: "gemma-3-27b-it"}).Fit(req); err != nil {
		t.Fatal(err)
	}
	if req.Config.SystemInstruction != nil || len(req.Contents) != 1 || len(req.Contents[0].Parts) != 2 {
		t.Errorf("a target without system instructions gets %+v, %+v", req.Config, req.Contents)
	}
}

// A system instruction that says nothing leaves no empty turn behind.
func TestEmptySystemInstructionMovesNowhere(t *testing.T) {
	req := &model.LLMRequest{
		Config:   &genai.GenerateContentConfig{SystemInstruction: &genai.Content{Parts: []*genai.Part{nil, {}}}},
		Contents: []*genai.Content{genai.NewContentFromText("answer", genai.RoleModel), genai.NewContentFromText("hello", genai.RoleUser)},
	}
	if _, err := (provider.Target{API: provider.Gemini, Model: "gemma-3-27b-it"}).Fit(req); err != nil {
		t.Fatal(err)
	}
	if len(req.Contents) != 2 || req.Config.SystemInstruction != nil {
		t.Errorf("%d contents, system instruction %v; want the two turns alone", len(req.Contents), req.Config.SystemInstruction)
	}
}

// B101: Gemini takes one safety setting for each category.
func TestSafetySettingsOfOneCategory(t *testing.T) {
	of := func(category genai.HarmCategory, threshold genai.HarmBlockThreshold) *genai.SafetySetting {
		return &genai.SafetySetting{Category: category, Threshold: threshold}
	}
	first, other, last := of(genai.HarmCategoryHarassment, "OFF"), of(genai.HarmCategoryHateSpeech, "OFF"), of(genai.HarmCategoryHarassment, "BLOCK_NONE")
	for _, api := range []provider.API{provider.Gemini, provider.Vertex} {
		given := []*genai.SafetySetting{first, nil, other, last, last}
		req, _ := fit(t, provider.Target{API: api, Model: "gemini-3-flash"}, &genai.GenerateContentConfig{SafetySettings: given}, ask(genai.NewPartFromText("hi")))
		if diff := cmp.Diff([]*genai.SafetySetting{other, last}, req.Config.SafetySettings); diff != "" || given[0] != first {
			t.Errorf("%s (-want +got):\n%s", api, diff)
		}
	}
}

// B102: OpenAI takes 128 functions, other servers take more. With Drop, the functions after
// these are omitted.
func TestManyFunctions(t *testing.T) {
	for _, test := range []struct {
		endpoint    string
		drop        bool
		given, want int
	}{
		{"api.openai.com", false, 128, 128}, {"api.openai.com", true, 130, 128}, {"localhost:8000", false, 130, 130}, {"api.x.ai", false, 130, 130},
	} {
		given := &genai.GenerateContentConfig{Tools: []*genai.Tool{{FunctionDeclarations: slices.Repeat(weather().FunctionDeclarations, 100)}, {FunctionDeclarations: slices.Repeat(weather().FunctionDeclarations, test.given-100)}}}
		req, fitted := fit(t, provider.Target{API: provider.Chat, Model: "gpt-4o", Endpoint: test.endpoint, Drop: test.drop}, given, ask(genai.NewPartFromText("hi")))
		n := 0
		for _, tool := range req.Config.Tools {
			n += len(tool.FunctionDeclarations)
		}
		if n != test.want || slices.Contains(fitted.Adapted, "function_declarations") != (test.want < test.given) {
			t.Errorf("%s, %d functions: %d are left, adapted %q; want %d", test.endpoint, test.given, n, fitted.Adapted, test.want)
		}
	}
}

// Functions that may not be called do not count: they are not declared.
func TestFewOfManyFunctionsAreAllowed(t *testing.T) {
	declarations := slices.Repeat(weather().FunctionDeclarations, 200)
	declarations[150] = &genai.FunctionDeclaration{Name: "allowed"}
	for _, mode := range []genai.FunctionCallingConfigMode{genai.FunctionCallingConfigModeAny, genai.FunctionCallingConfigModeAuto} {
		given := &genai.GenerateContentConfig{
			Tools:      []*genai.Tool{{FunctionDeclarations: declarations}},
			ToolConfig: &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: mode, AllowedFunctionNames: []string{"allowed"}}},
		}
		req, _ := fit(t, provider.Target{API: provider.Chat, Model: "gpt-4o", Endpoint: "api.openai.com"}, given, ask(genai.NewPartFromText("hi")))
		if left := req.Config.Tools[0].FunctionDeclarations; len(left) != 1 || left[0].Name != "allowed" {
			t.Errorf("mode %s: %d functions are left, want the allowed one", mode, len(left))
		}
	}
}

// B101: top_k is an integer for Gemini.
func TestFractionOfTopK(t *testing.T) {
	for given, want := range map[float32]float32{40.5: 40, 40: 40, 0.5: 1} {
		config := &genai.GenerateContentConfig{TopK: &given}
		req, fitted := fit(t, flash25, config, ask(genai.NewPartFromText("hi")))
		if *req.Config.TopK != want || len(fitted.Adapted) != 0 != (given != want) || *config.TopK != given {
			t.Errorf("%v became %v, adapted %q; the caller's is %v", given, *req.Config.TopK, fitted.Adapted, *config.TopK)
		}
	}
}

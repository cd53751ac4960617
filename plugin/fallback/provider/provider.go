package provider

import "github.com/adk-fallback/adk-fallback/plugin/fallback/provider/internal/modelname"

// API is the wire protocol of a model.
type API string

// The APIs that this module speaks. The empty API is unknown: requests to such a
// target stay unchanged, except that other vendors' thoughts and signatures are
// omitted.
const (
	Gemini    API = "gemini"      // Gemini API: generativelanguage.googleapis.com
	Vertex    API = "vertexai"    // Gemini models on Vertex AI
	Responses API = "openai"      // OpenAI Responses
	Chat      API = "openai_chat" // OpenAI chat completions, and every server that speaks them
	Anthropic API = "anthropic"   // Anthropic Messages
)

// ByName returns the API of a model by its name alone, such as Gemini for
// "gemini-3-flash" or "publishers/google/models/gemini-3-flash", Responses for
// "gpt-5" and Anthropic for "claude-sonnet-5". It returns "" for a name that it
// does not know.
func ByName(model string) API {
	name, _ := modelname.Parse(model)
	switch {
	case matchesAny("gemini-* gemma-*", name):
		return Gemini
	case matchesAny("gpt-oss*", name):
		return "" // open weights: every server has them
	case matchesAny("gpt-* chatgpt-* o# o#-*", name):
		return Responses
	case matchesAny("claude-*", name):
		return Anthropic
	}
	return ""
}

// Target describes the model that receives a request. The zero value describes an
// unknown model. Methods do not change a Target, so it is safe for concurrent use.
type Target struct {
	API      API
	Model    string // the provider's name for the model, such as "gpt-4o"
	Endpoint string // host and, if not the default, port that serves it, such as "api.openai.com"; "" if not known

	// Takes overrides the tables of this package, field by field, for models that
	// this release does not know.
	Takes Takes
	// Drop omits parts that affect the answer and that the model does not accept
	// (see [Target.Fit]), instead of refusing the request.
	Drop bool

	accepts *Takes // what Accepts returns, once it has been looked up; see Resolved
}

// Described is a model that describes its own target. The models of the packages
// below provider implement it.
type Described interface {
	Target() Target
}

// Takes says what a target accepts. For a nil field the tables decide, and a
// setting that they do not mention is accepted. An empty list that is not nil
// accepts nothing.
type Takes struct {
	Temperature *bool
	TopP        *bool
	TopK        *bool
	Penalties   *bool // presence and frequency penalty
	Seed        *bool
	Logprobs    *bool
	Candidates  *bool // more than one
	Safety      *bool // safety settings
	Labels      *bool

	StopSequences *int // how many at most; 0 for none

	// ThinkingLevels are the levels accepted, in any order, of NONE MINIMAL LOW
	// MEDIUM HIGH XHIGH MAX. NONE means that thinking can be switched off.
	ThinkingLevels    []string
	ThinkingBudget    *Budget
	ThinkingWithTools *bool // thinking together with function declarations; if not, it is switched off

	Tools           *bool    // function declarations
	ForcedTool      *bool    // a tool choice that makes the model call (mode ANY)
	ProviderTools   []string // tools that the provider runs, by their genai names: google_search, code_execution, url_context, …
	MixedTools      *bool    // provider tools together with function declarations
	JSON            *bool    // JSON output without a schema
	Schema          *bool    // a response schema
	SchemaWithTools *bool    // a response schema, or JSON output, together with function declarations
	CachedContent   *bool
	Modalities      []string // of the answer, such as TEXT, IMAGE, AUDIO
	Media           []string // MIME types of input beside text, such as image/png or audio/*
	MediaURL        *bool    // media by a public URL instead of inline
	ToolMedia       *bool    // media inside tool results
	PartResolution  *bool    // a media resolution of a single part
	Prefill         *bool    // a request that ends with a model turn
	System          *bool    // a system instruction
}

// Budget is a range of thinking budgets in tokens. The zero Budget accepts
// none.
type Budget struct {
	Min, Max int
	Off      bool // 0 is accepted and switches thinking off
	Auto     bool // -1 is accepted and leaves the budget to the model
}

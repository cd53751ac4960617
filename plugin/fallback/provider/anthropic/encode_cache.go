package anthropic

import (
	"cmp"
	"slices"

	"google.golang.org/genai"
)

// maxBreakpoints is how many cache breakpoints a request takes, the automatic one
// included.
// https://platform.claude.com/docs/en/build-with-claude/prompt-caching
const maxBreakpoints = 4

// partCache returns the breakpoint that a part asks for, or nil.
func partCache(part *genai.Part) *cacheControl {
	if ttl, ok := part.PartMetadata[CacheControlKey].(string); ok && isTTL(ttl) {
		return breakpoint(ttl)
	}
	return nil
}

func breakpoint(ttl string) *cacheControl { return &cacheControl{Type: "ephemeral", TTL: ttl} }

// CachedTool is a value in LLMRequest.Tools, under the name of a function. It sets a
// cache breakpoint after the declaration of the function.
type CachedTool interface {
	// CacheControl returns a duration, [Cache5Minutes] or [CacheHour]; "" for no breakpoint.
	CacheControl() string
}

// toolCache returns the breakpoint that a tool asks for, or nil.
func toolCache(tool any) *cacheControl {
	if cached, ok := tool.(CachedTool); ok {
		if ttl := cached.CacheControl(); isTTL(ttl) {
			return breakpoint(ttl)
		}
	}
	return nil
}

// cache sets the breakpoints that the configuration asks for. If there are too many, it
// removes the first ones of parts and tools. The API refuses a longer duration behind a
// shorter one, so the configured duration also applies to parts and tools.
func (e *encoder) cache() {
	left := maxBreakpoints
	tools, system := e.to.Tools, e.to.System // without those that the configuration marks
	if ttl := e.config.CacheControl; ttl != "" {
		e.to.CacheControl = breakpoint(ttl) // on the last block of the conversation
		left--
		if n := len(tools); n > 0 {
			tools[n-1].CacheControl, tools = breakpoint(ttl), tools[:n-1]
			left--
		}
		if n := len(system); n > 0 {
			system[n-1].CacheControl, system = breakpoint(ttl), system[:n-1]
			left--
		}
	}
	keep := func(mark **cacheControl) {
		switch {
		case *mark == nil:
		case left > 0:
			left--
			(*mark).TTL = cmp.Or(e.config.CacheControl, (*mark).TTL)
		default:
			*mark = nil
		}
	}
	for _, message := range slices.Backward(e.to.Messages) {
		for i := range slices.Backward(message.Content) {
			keep(&message.Content[i].CacheControl)
		}
	}
	for i := range slices.Backward(system) {
		keep(&system[i].CacheControl)
	}
	for i := range slices.Backward(tools) {
		keep(&tools[i].CacheControl)
	}
}

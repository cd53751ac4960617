package anthropic

import (
	"cmp"

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

// cache sets the breakpoints that the configuration asks for, and takes away
// those of parts that are too many. The API refuses a longer duration behind a
// shorter one, so parts follow the configuration in that.
func (e *encoder) cache() {
	left := maxBreakpoints
	if ttl := e.config.CacheControl; ttl != "" {
		e.to.CacheControl = breakpoint(ttl) // on the last block of the conversation
		left--
		if n := len(e.to.Tools); n > 0 {
			e.to.Tools[n-1].CacheControl = breakpoint(ttl)
			left--
		}
		if n := len(e.to.System); n > 0 {
			e.to.System[n-1].CacheControl = breakpoint(ttl)
			left--
		}
	}
	for i := len(e.to.Messages) - 1; i >= 0; i-- {
		left = e.keepLast(e.to.Messages[i].Content, left)
	}
	others := e.to.System
	if n := len(others); n > 0 && e.config.CacheControl != "" {
		others = others[:n-1]
	}
	e.keepLast(others, left)
}

// keepLast leaves the last breakpoints of blocks, at most left, and returns how
// many more there may be.
func (e *encoder) keepLast(blocks []block, left int) int {
	for i := len(blocks) - 1; i >= 0; i-- {
		switch b := &blocks[i]; {
		case b.CacheControl == nil:
		case left > 0:
			left--
			b.CacheControl.TTL = cmp.Or(e.config.CacheControl, b.CacheControl.TTL)
		default:
			b.CacheControl = nil
		}
	}
	return left
}

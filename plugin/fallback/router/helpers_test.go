package router_test

import (
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// armsOf returns the state of the arms of the split in m.
func armsOf(m model.LLM) []inspect.Arm {
	for n := range inspect.Of(m).All() {
		if n.Split != nil {
			return n.Split.Arms
		}
	}
	return nil
}

// Short names for helpers of llmtest.
var (
	chunk       = llmtest.Chunk
	counted     = llmtest.Counted
	send        = llmtest.Send
	pieces      = llmtest.Pieces
	within      = llmtest.Within
	deaf        = llmtest.Deaf
	mute        = llmtest.Mute
	userSays    = llmtest.UserSays
	inTurn      = llmtest.InTurn
	inBubble    = llmtest.InBubble
	openBreaker = llmtest.OpenBreaker
)

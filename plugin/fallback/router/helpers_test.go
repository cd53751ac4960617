package router_test

import (
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/suite"
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

// Helpers of the suite under the names that they have in these tests.
var (
	chunk       = suite.Chunk
	counted     = suite.Counted
	send        = suite.Send
	pieces      = suite.Pieces
	within      = suite.Within
	deaf        = suite.Deaf
	mute        = suite.Mute
	userSays    = suite.UserSays
	inTurn      = suite.InTurn
	inBubble    = suite.InBubble
	openBreaker = suite.OpenBreaker
)

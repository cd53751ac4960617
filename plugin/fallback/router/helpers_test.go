package router_test

import "github.com/adk-fallback/adk-fallback/internal/suite"

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

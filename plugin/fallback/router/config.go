package router

import (
	"errors"
	"fmt"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/guard"
)

// MidStream says what to do when a model fails after part of its answer was shown.
// It does not apply before (such a failure is invisible) or after a final response
// (then nothing is tried again).
type MidStream string

const (
	// Restart is the default. It tells the consumer to discard the part (with a
	// partial response whose metadata has "fallback_restart"), and the next model
	// answers from the start. The final response is that model's alone. This suits
	// ADK, which stores and acts on final responses only.
	Restart MidStream = "restart"
	// Resume continues the text that was shown; see [Config.MidStream].
	Resume MidStream = "resume"
	// FailMidStream returns the error to the consumer.
	FailMidStream MidStream = "fail"
)

// Defaults of Config.
const (
	DefaultMaxTurns = 1000
	DefaultStayFor  = 10 * time.Minute
)

// Config says how a Fallback goes through its targets. The zero value is ready to use.
type Config struct {
	// MidStream is what to do when a model fails in the middle of its answer. Empty
	// means Restart.
	//
	// With Resume, the consumer sees one continuous text. If the next model's
	// [Traits] have Prefill, and the request has no tools and asks for plain text, the
	// model is given the text so far to continue; such models come first. Otherwise, or
	// if it refuses, it answers from the start, and only the text beyond the text so far
	// is passed on. If its answer differs, the next model is called, or, if part of that
	// answer was shown, the call ends with [ErrDiverged]. When no other model is left,
	// the one that was cut off is called once more. The usage of the final response
	// covers all attempts.
	MidStream MidStream

	// Guards run in order before each call of a target; see [guard.All]. Each may
	// replace the request that the target gets. The first error skips the target and is
	// recorded as the reason. What they know of a target is its name and its [Traits].
	//
	// If a target is itself a router (a Fallback, Hedge or Split), also inside a
	// middleware of this module, the guards run for each of its members instead.
	Guards []guard.Guard

	// Judge, if set, replaces the verdict of each failed attempt at a target before the
	// router acts on it, so that other failures end the call or move on. It is called once
	// for each failed attempt, on the goroutine of the attempt, and must be safe for
	// concurrent use. It is also called for the members of a [NewHedge], but not for
	// attempts within other nested routers, nor for skipped targets.
	Judge func(v failure.Verdict) failure.Verdict

	// Gate keeps fallbacks from using tools whose effects cannot be undone, or asks your
	// function first. The zero value lets them use all tools. A target is a fallback if
	// the turn, or outside of ADK the call, began with another target, also in a later
	// call of the turn. If the request names the target to start at, that target is not a
	// fallback. Of a Cascade, the strong model is not a fallback; of a Hedge, the second
	// model is. The gate applies to the members of nested routers too.
	//
	// An answer that the gate rejects is recorded with [failure.KindRejected], and the
	// next target is called. MidStream says what happens to text that was shown before. A
	// final response with function calls is held back until the model's answer is
	// whole and accepted; partial responses with function calls are not passed on.
	Gate guard.Gate

	// Notice tells the user that a fallback, as for Gate, answers. The zero value shows
	// nothing. Of nested routers, the outermost one with a Notice shows its own.
	Notice Notice

	// FallbackOnContentPolicy calls the next target after one refused by content
	// policy. False means that the refusal is the answer.
	FallbackOnContentPolicy bool

	// Sticky says which later calls stay with a fallback that has answered. Empty means
	// StickyTurn.
	Sticky Sticky
	// MaxTurns bounds the turns, or with StickySession the sessions, whose target is
	// remembered; the least recently used are dropped first. It also bounds the
	// conversations whose cached tokens are remembered (CachedTokensLost of
	// [call.Attempt]). 0 means DefaultMaxTurns. See [NewFallback].
	MaxTurns int
	// StayFor is how long the target is remembered after the latest call of its turn.
	// A tool may run for hours; by then the first target may have recovered. With
	// StickySession it also bounds how long a session stays after the switch; a turn
	// that has begun by then ends at the fallback. A target that has not answered for
	// this time counts as having lost its prompt cache. 0 means DefaultStayFor.
	StayFor time.Duration

	// Hooks report what calls do. The zero value reports nothing.
	call.Hooks
}

// check sets the defaults of MidStream and Sticky, and returns what is wrong.
func (c *Config) check() (problems []error) {
	switch c.MidStream {
	case "":
		c.MidStream = Restart
	case Restart, Resume, FailMidStream:
	default:
		problems = append(problems, fmt.Errorf("router: Config.MidStream: %q is unknown; must be %q, %q or %q", c.MidStream, Restart, Resume, FailMidStream))
	}
	switch c.Sticky {
	case "":
		c.Sticky = StickyTurn
	case StickyTurn, StickySession, StickyNone:
	default:
		problems = append(problems, fmt.Errorf("router: Config.Sticky: %q is unknown; must be %q, %q or %q", c.Sticky, StickyTurn, StickySession, StickyNone))
	}
	for i, g := range c.Guards {
		if g == nil {
			problems = append(problems, fmt.Errorf("router: Config.Guards[%d] is nil; must be a function", i))
		}
	}
	if c.Gate.Approve != nil && len(c.Gate.Tools) == 0 {
		problems = append(problems, errors.New("router: Config.Gate: Approve is set, but Tools is empty; name the tools that need approval"))
	}
	if c.MaxTurns < 0 {
		problems = append(problems, fmt.Errorf("router: Config.MaxTurns: %d is negative; must be 0 (default: %d) or more", c.MaxTurns, DefaultMaxTurns))
	}
	if c.StayFor < 0 {
		problems = append(problems, fmt.Errorf("router: Config.StayFor: %v is negative; must be 0 (default: %v) or more", c.StayFor, DefaultStayFor))
	}
	return problems
}

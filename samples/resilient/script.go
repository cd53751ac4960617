package main

import (
	"context"
	"io"
	"time"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

const (
	flash = "gemini-2.5-flash"
	pro   = "gemini-2.5-pro"
	lite  = "gemini-2.5-flash-lite"
)

// questions of the conversation, one for each state of the primary.
var questions = []string{
	"What is a circuit breaker?",
	"What is a retry budget?",
	"What is a hedge?",
}

const (
	breakerAnswer = "A circuit breaker stops calling a service that keeps failing, and looks from time to time whether it is back."
	budgetAnswer  = "A retry budget bounds retries to a share of all calls, so that they cannot multiply the load on a service that is down."
	hedgeAnswer   = "A hedge asks a second server when the first is slow, and takes the answer that comes first."
)

// play runs the conversation against a server whose first model answers the first
// question, is cut off in the answer to the second, and is silent at the third.
func play(ctx context.Context, out io.Writer, server *ft.Server) error {
	say := func(text string) ft.Step { return ft.Text(text).Pace(40 * time.Millisecond) }
	server.Script(flash,
		say(breakerAnswer),
		say(budgetAnswer).AbortAfter(10),
		say(hedgeAnswer).FirstAfter(time.Minute),
	)
	server.Script(pro, say(budgetAnswer), say(hedgeAnswer))
	m, err := newModel(ctx, server.ClientConfig(), 2*time.Second)
	if err != nil {
		return err
	}
	return converse(ctx, out, m)
}

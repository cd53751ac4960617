package main

import (
	"context"
	"io"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/jobs"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/policy"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/gemini"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/provider/openai"
)

// The models of the policy.
const (
	primary  = "gemini-3.5-flash"
	fallback = "gpt-4.1"
)

// phases are what happens, in order.
var phases = []struct {
	name              string
	primary, fallback ft.Step
}{
	{"all is well", answer, answer},
	{primary + " is overloaded", ft.Overloaded(), answer},
	{fallback + " is down too", ft.Overloaded(), ft.Status(500, "")},
	{fallback + " is back", ft.Overloaded(), answer},
	{"all is well again", answer, answer},
}

// answer is that of a healthy model.
var answer = ft.Text("We open at nine, from Monday to Saturday.").Usage(20, 10).After(20 * time.Millisecond)

// pause is the time between two questions.
const pause = 50 * time.Millisecond

// models returns the models of the policy, at a server that fails on purpose.
func (d *desk) models(ctx context.Context) (policy.Models, error) {
	flash, err := gemini.New(ctx, primary, gemini.Config{Client: d.server.ClientConfig()})
	if err != nil {
		return nil, err
	}
	gpt, err := openai.New(fallback, openai.Config{APIKey: "none", BaseURL: d.server.URL + "/v1", HTTPClient: d.server.Client()})
	if err != nil {
		return nil, err
	}
	return policy.Models{primary: flash, fallback: gpt}, nil
}

// play plays the outage, while customers ask questions, and prints what the metrics show of
// each phase.
func (d *desk) play(ctx context.Context, out io.Writer, phase time.Duration) error {
	r, err := newReadout(d.registry)
	if err != nil {
		return err
	}
	r.head(out)
	for _, p := range phases {
		d.server.Script(primary, p.primary)
		d.server.Script(fallback, p.fallback)
		for end := time.Now().Add(phase); time.Now().Before(end) && ctx.Err() == nil; {
			d.ask(ctx)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		if err := r.print(out, p.name); err != nil {
			return err
		}
	}
	return nil
}

// ask asks one question. What became of it is in the metrics.
func (d *desk) ask(ctx context.Context) {
	ctx = call.With(ctx, call.Info{Tenant: "acme"})
	for _, err := range d.model.GenerateContent(ctx, &model.LLMRequest{Contents: genai.Text("When do you open?")}, false) {
		_ = err
	}
}

// deliver takes the answer to a deferred question. An application would send it to its user.
func deliver(context.Context, jobs.Tx, jobs.Delivery) error { return nil }

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/inspect"
)

// The models of the policy.
const primary, fallback = "gemini-2.5-flash", "gpt-4o-mini"

// stage plays scenes with three replicas, and prints their results.
type stage struct {
	out      io.Writer
	provider *ft.Server
	replicas []*replica
	seen     map[string]int // calls to the provider until the end of the last scene, by model
}

// scene is a behaviour of the provider, and the calls during it.
type scene struct {
	title string
	step  ft.Step // of the primary from now on
	calls string  // names of the replicas that are called, in order
	until inspect.BreakerState
}

var scenes = []scene{
	{"all is well", ft.Text("Hello."), "abcabc", inspect.Closed},
	{"the primary is overloaded, and a finds out", ft.Overloaded(), "aaa", inspect.Open},
	{"b and c have learnt it from a", ft.Overloaded(), "bc", inspect.Open},
	{"the primary is back: a probe by each", ft.Text("Hello."), "bca", inspect.Closed},
	{"it fails again, and c finds out", ft.Overloaded(), "ccc", inspect.Open},
	{"8 a minute is the fallback's limit, for all three", ft.Overloaded(), "abc", inspect.Open},
}

// play plays all scenes.
func (s *stage) play(ctx context.Context) error {
	s.seen = map[string]int{}
	s.provider.Script(fallback, ft.Text("Hello from the fallback."))
	const row = "%-50s %-7s %8v %9v %8v   %s\n"
	fmt.Fprintf(s.out, row, "", "calls", "sent to", "sent to", "", "breakers")
	fmt.Fprintf(s.out, row, "what happens", "of", "primary", "fallback", "refused", "of a, b, c")
	for i, scene := range scenes {
		if scene.until == inspect.Closed && i > 0 && scenes[i-1].until == inspect.Open {
			s.rest(ctx)
		}
		s.provider.Script(primary, scene.step)
		refused := 0
		for _, name := range scene.calls {
			answer, err := s.replicas[name-'a'].ask(ctx)
			if err != nil {
				return fmt.Errorf("replicas: %w", err)
			}
			if answer != primary && answer != fallback {
				refused++
			}
		}
		breakers, err := s.agree(ctx, scene.until)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, row, scene.title, scene.calls, s.sent(primary), s.sent(fallback), refused, strings.Join(breakers, " "))
	}
	return nil
}

// sent returns how many calls of the scene a model has had.
func (s *stage) sent(model string) int {
	all := len(s.provider.RequestsFor(model))
	n := all - s.seen[model]
	s.seen[model] = all
	return n
}

// rest waits until the cooldown is over.
func (s *stage) rest(ctx context.Context) {
	select {
	case <-time.After(2200 * time.Millisecond):
	case <-ctx.Done():
	}
}

// agree waits until the breakers of all replicas have a state, and returns them.
func (s *stage) agree(ctx context.Context, want inspect.BreakerState) ([]string, error) {
	for range 200 {
		var states []string
		same := true
		for _, r := range s.replicas {
			state := r.breaker()
			same = same && state == want
			states = append(states, string(state))
		}
		if same {
			return states, nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, fmt.Errorf("replicas: the breakers are not all %s after 10 seconds", want)
}

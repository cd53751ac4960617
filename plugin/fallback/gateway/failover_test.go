package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// proxied routes any name to one server, with two retries, and 10 s to the first content and
// between chunks.
const proxied = `
primary: unused
models:
  "*": {provider: anthropic, base_url: "http://pipe.test/v1"}
retry: {max_attempts: 3}
stream: {first_content: 10s, idle: 10s}
circuit_breaker: {backoff: 20s}
`

var (
	answer = words(60)
	whole  = fallbacktest.Text(answer).Pace(20 * time.Millisecond)
	other  = words(30) + " from the backup"
)

func words(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("word%02d", i+1)
	}
	return strings.Join(all, " ")
}

// failover is one way for a provider to fail, and what has to come of it.
type failover struct {
	name            string
	primary, backup fallbacktest.Step
	then            *fallbacktest.Step // the primary's second answer; nil means the first again
	asked           []string           // the models that are called; nil for any
	want            string             // text of the answer
	finish          string
	fails           int // the status of the error, or 200 for one in band
	took            time.Duration
	check           func(*testing.T, reply)
	play            func(t *testing.T, srv *fallbacktest.Server, c *http.Client)
}

func failovers() []failover {
	standIn := fallbacktest.Text(other).Pace(20*time.Millisecond).Usage(7, 33)
	full, p, b := &whole, "primary", "backup"
	return []failover{
		{name: "429 with Retry-After 2 s, once", primary: fallbacktest.Exhausted().Header("Retry-After", "2"), then: full, backup: standIn, asked: []string{p, p}, want: answer, took: 2 * time.Second},
		{name: "persistent 429 without Retry-After", primary: fallbacktest.Exhausted(), backup: standIn, asked: []string{p, p, p, b}, want: other},
		{name: "500 once", primary: fallbacktest.Internal(), then: full, backup: standIn, asked: []string{p, p}, want: answer},
		{name: "persistent 503", primary: fallbacktest.Overloaded(), backup: standIn, asked: []string{p, p, p, b}, want: other},
		{name: "reset before headers, once", primary: fallbacktest.Reset(), then: full, backup: standIn, asked: []string{p, p}, want: answer},
		{name: "total silence", primary: fallbacktest.Silence(), backup: standIn, asked: []string{p, b}, want: other, took: 10 * time.Second},
		{name: "headers at once, first token after 20 s", primary: whole.FirstAfter(20 * time.Second), backup: standIn, asked: []string{p, b}, want: other, took: 10 * time.Second},
		{name: "cut after 40 of 60 words, without terminator", primary: whole.AbortAfter(40), backup: whole, asked: []string{p, b}, want: answer},
		{name: "stall after 20 words", primary: whole.StallAfter(20), backup: whole, asked: []string{p, b}, want: answer, took: 10 * time.Second},
		{name: "malformed tenth event", primary: whole.MalformedAt(10), backup: whole, asked: []string{p, b}, want: answer},
		{name: "complete stream without its closing sentinel", primary: whole.NoFinish(), backup: whole, asked: []string{p, b}, want: answer},
		{name: "context length exceeded", primary: fallbacktest.ContextLength(), backup: standIn, asked: []string{p, b}, want: other},
		{name: "rejected by content policy", primary: fallbacktest.Blocked(genai.BlockedReasonProhibitedContent), backup: standIn, asked: []string{p}, finish: "content_filter", check: saysWhyItRefuses},
		{name: "cut, with a fallback that does not continue it", primary: whole.AbortAfter(40), backup: standIn, asked: []string{p, b, p, p, p}, want: strings.Join(strings.SplitAfter(answer, " ")[:40], ""), fails: http.StatusOK},
		{name: "down for 60 s, a request every 4 s", primary: fallbacktest.For(time.Minute, fallbacktest.Overloaded()), then: full, backup: standIn, play: outage},
		{name: "persistent 503, model and usage of the answer", primary: fallbacktest.Overloaded(), backup: standIn, asked: []string{p, p, p, b}, want: other, check: tellsModelAndUsage},
		{name: "an empty answer", primary: fallbacktest.Empty(), backup: standIn, want: other},
		{name: "an answer without candidates", primary: fallbacktest.NoCandidates(), backup: standIn, want: other},
		{name: "malformed first event", primary: whole.MalformedAt(1), backup: standIn, want: other},
		{name: "429 with Retry-After 1 h", primary: fallbacktest.Exhausted().Header("Retry-After", "3600"), backup: standIn, want: other},
	}
}

// The sixteen scenarios over the wire, and more like them, streamed: any name by a pattern, one fallback in the
// request. B144, B53
func TestFailoverOverTheWire(t *testing.T) {
	for _, s := range failovers() {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := fallbacktest.NewPipeServer()
				t.Cleanup(srv.Close)
				script := []fallbacktest.Step{s.primary}
				if s.then != nil {
					script = append(script, *s.then)
				}
				srv.Script("primary", script...)
				srv.Script("backup", s.backup)
				c := serve(t, newGateway(t, live(t, proxied, through(srv))))
				if s.play != nil {
					s.play(t, srv, c)
					return
				}
				s.once(t, srv, c)
			})
		})
	}
}

const streamedBody = `{"model": "primary", "fallbacks": ["backup"], "stream": true, "stream_options": {"include_usage": true}, "messages": [{"role": "user", "content": "a question"}]}`

// once makes one request.
func (s *failover) once(t *testing.T, srv *fallbacktest.Server, c *http.Client) {
	began := time.Now()
	got := post(t, c, "/v1/chat/completions", streamedBody)
	took := time.Since(began)
	var asked []string
	for _, r := range srv.Requests() {
		asked = append(asked, r.Model)
	}
	if diff := cmp.Diff(s.asked, asked); s.asked != nil && diff != "" {
		t.Errorf("the provider was asked (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(s.want, got.text); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	finish := s.finish
	if finish == "" && s.fails == 0 {
		finish = "stop"
	}
	if failed := got.failed != nil; failed != (s.fails > 0) || got.done == failed || got.finish != finish {
		t.Errorf("error %v, done %v, finish reason %q; want finish reason %q and an error: %v", got.failed, got.done, got.finish, finish, s.fails > 0)
	}
	if got.status != http.StatusOK {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if s.fails == 0 && got.metadata["model_name"] != asked[len(asked)-1] {
		t.Errorf("metadata %v, want model_name %s", got.metadata, asked[len(asked)-1])
	}
	if took < s.took || took > s.took+8*time.Second {
		t.Errorf("it took %v, want %v or little more", took, s.took)
	}
	if s.check != nil {
		s.check(t, got)
	}
}

func saysWhyItRefuses(t *testing.T, got reply) {
	refusal := ""
	for _, event := range got.events {
		choice := event["choices"].([]any)
		if len(choice) > 0 {
			text, _ := choice[0].(map[string]any)["delta"].(map[string]any)["refusal"].(string)
			refusal += text
		}
	}
	if !strings.Contains(refusal, "can't assist") {
		t.Errorf("refusal %q, want the model's own", refusal)
	}
}

func tellsModelAndUsage(t *testing.T, got reply) {
	if got.model != "backup" || got.usage["prompt_tokens"] != 7.0 || got.usage["completion_tokens"] != 33.0 || got.usage["total_tokens"] != 40.0 {
		t.Errorf("model %s, usage %v; want backup and 7 + 33 = 40 tokens", got.model, got.usage)
	}
	if got.header.Get("X-Fallback-Model") != "backup" || got.metadata["original_model"] != "primary" || got.metadata["error_code"] != "503" {
		t.Errorf("headers %v, metadata %v; want backup in place of primary after 503", got.header, got.metadata)
	}
}

// outage asks every 4 s, through an outage of the primary and after it.
func outage(t *testing.T, srv *fallbacktest.Server, c *http.Client) {
	began := time.Now()
	for time.Since(began) < 2*time.Minute {
		next := time.Now().Add(4 * time.Second)
		got := post(t, c, "/v1/chat/completions", streamedBody)
		if !got.done || got.text != map[string]string{"primary": answer, "backup": other}[got.model] {
			t.Errorf("after %v: %q by %s, error %v", time.Since(began), got.text, got.model, got.failed)
		}
		time.Sleep(time.Until(next))
	}
	during, after := 0, 0
	for _, r := range srv.RequestsFor("primary") {
		switch at := r.Time.Sub(began); {
		case at < time.Minute:
			during++
		case at < 90*time.Second:
			after++
		}
	}
	if during > 8 || after == 0 {
		t.Errorf("the primary was called %d times in the outage and %d times in the half minute after it; want at most 8, and at least 1", during, after)
	}
}

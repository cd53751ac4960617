package providertest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// bubble runs f in virtual time with a server in memory. A goroutine that is left
// when f has returned fails the test.
func (c *contract) bubble(t *testing.T, step fallbacktest.Step, f func(t *testing.T, srv *fallbacktest.Server, m model.LLM)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := fallbacktest.NewPipeServer()
		defer srv.Close()
		srv.Strict()
		srv.Script(c.Model, step)
		f(t, srv, c.New(t, srv))
		clean(t, srv)
	})
}

// gone reports a server whose client has not left it.
func gone(t *testing.T, srv *fallbacktest.Server) {
	t.Helper()
	synctest.Wait()
	requests := srv.Requests()
	if len(requests) != 1 || requests[0].Outcome != fallbacktest.ClientGone {
		t.Errorf("the server saw %d requests, the last one ended %q; want one that the client left", len(requests), requests[len(requests)-1].Outcome)
	}
}

// silence: a call to a model that goes silent ends at the caller's deadline, and its
// request is cancelled. B55.
func (c *contract) silence(t *testing.T) {
	const limit = 20 * time.Second
	late := ruling{failure.Fallback, failure.KindTimeout}
	for name, at := range map[string]struct {
		step  fallbacktest.Step
		shown string // if streamed
	}{
		"without a header":        {fallbacktest.Silence(), ""},
		"after the header":        {fallbacktest.Text(sentence).StallAfter(0), ""},
		"in the middle":           {fallbacktest.Text(sentence).StallAfter(2), "one two "},
		"before the last event":   {fallbacktest.Text(sentence).StallAfter(3), "one two three "},
		"headers after the limit": {fallbacktest.Text(sentence).After(2 * limit), ""},
		"content after the limit": {fallbacktest.Text(sentence).FirstAfter(2 * limit), ""},
		"keep-alives only":        {fallbacktest.Text(sentence).KeepAlive(1000).Pace(time.Second), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "keep-alives only" && (!c.stream || c.Protocol == ADKGemini) {
				t.Skip("a document has no keep-alives, and genai takes one for a broken event")
			}
			c.bubble(t, at.step, func(t *testing.T, srv *fallbacktest.Server, m model.LLM) {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				started := time.Now()
				x := c.question(ctx, m)
				if took := time.Since(started); took != limit {
					t.Errorf("the call took %v, want %v", took, limit)
				}
				x.judge(t, late)
				if got := x.shown(); c.stream && got != at.shown {
					t.Errorf("%q was shown, want %q", got, at.shown)
				}
				gone(t, srv)
			})
		})
	}
}

// stops: a consumer that stops closes the connection, and no goroutine is left. B56.
func (c *contract) stops(t *testing.T) {
	t.Run("by cancelling", func(t *testing.T) {
		c.bubble(t, fallbacktest.Text(sentence).StallAfter(2), func(t *testing.T, srv *fallbacktest.Server, m model.LLM) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			time.AfterFunc(time.Second, cancel)
			x := c.question(ctx, m)
			v := failure.Classifier{}.Classify(ctx, x.err)
			if x.err == nil || v.Kind != failure.KindCanceled || v.Action != failure.Fail {
				t.Errorf("error %v, verdict %s/%s; want fail/canceled", x.err, v.Action, v.Kind)
			}
			gone(t, srv)
		})
	})
	if !c.stream {
		return
	}
	t.Run("by taking no more", func(t *testing.T) {
		c.bubble(t, fallbacktest.Text(sentence).StallAfter(2), func(t *testing.T, srv *fallbacktest.Server, m model.LLM) {
			req := &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText("a question", genai.RoleUser)}}
			taken := 0
			for resp, err := range m.GenerateContent(t.Context(), req, true) {
				if err != nil || !resp.Partial {
					t.Errorf("got %+v and error %v, want a partial response", resp, err)
				}
				taken++
				break
			}
			if taken != 1 {
				t.Errorf("%d responses, want 1", taken)
			}
			gone(t, srv)
		})
	})
}

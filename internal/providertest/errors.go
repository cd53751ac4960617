package providertest

import (
	"testing"
	"time"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// problem is an error that every API knows, and what it means.
type problem struct {
	name     string
	step     fallbacktest.Step
	means    ruling
	differs  map[Protocol]ruling // wherever it stands
	inStream map[Protocol]ruling // where it comes without its status and headers
}

const retryAfter = 7 * time.Second

func problems() []problem {
	overloaded := ruling{failure.Retry, failure.KindOverloaded}
	limited := ruling{failure.Retry, failure.KindRateLimit}
	spent := ruling{failure.Fallback, failure.KindBilling}
	// All that OpenAI says in a stream is the type server_error: another attempt at
	// the same model either way.
	openAIsServer := map[Protocol]ruling{Responses: server, Chat: server}
	return []problem{
		{name: "daily quota", step: fallbacktest.DailyQuota(), means: ruling{failure.Fallback, failure.KindQuota}, differs: map[Protocol]ruling{
			// The other APIs have no quota of a day: they say that the account may spend
			// no more.
			Responses: spent, Chat: spent, Anthropic: spent,
		}},
		{name: "minute quota", step: fallbacktest.MinuteQuota(retryAfter), means: limited},
		{name: "exhausted", step: fallbacktest.Exhausted(), means: limited},
		{name: "overloaded", step: fallbacktest.Overloaded(), means: overloaded, inStream: openAIsServer},
		{name: "capacity", step: fallbacktest.Capacity(), means: overloaded, inStream: openAIsServer, differs: map[Protocol]ruling{
			// Only Gemini tells a model without capacity from one with too much traffic.
			Gemini: {failure.Retry, failure.KindCapacity}, ADKGemini: {failure.Retry, failure.KindCapacity},
		}},
		{name: "internal", step: fallbacktest.Internal(), means: server},
		{name: "deadline", step: fallbacktest.Deadline(), means: ruling{failure.Retry, failure.KindTimeout}, inStream: openAIsServer},
		{name: "context length", step: fallbacktest.ContextLength(), means: ruling{failure.Fallback, failure.KindContextLength}},
		{name: "invalid key", step: fallbacktest.InvalidKey(), means: ruling{failure.Fail, failure.KindAuth}},
		{name: "not found", step: fallbacktest.NotFound(), means: ruling{failure.Fallback, failure.KindModel}},
		{name: "location", step: fallbacktest.Location(), means: ruling{failure.Fallback, failure.KindLocation}, differs: map[Protocol]ruling{
			// Anthropic's words for it are those for a key without permission.
			Anthropic: {failure.Fail, failure.KindAuth},
		}},
	}
}

func (p problem) rulingFor(protocol Protocol, inStream bool) ruling {
	if inStream {
		if own, ok := p.inStream[protocol]; ok {
			return own
		}
	}
	if own, ok := p.differs[protocol]; ok {
		return own
	}
	return p.means
}

// errors: an error means the same as a status, as the first event of a stream and
// in its middle.
func (c *contract) errors(t *testing.T) {
	for _, p := range problems() {
		places := []struct {
			name     string
			step     fallbacktest.Step
			inStream bool
			shown    string
		}{
			{name: "as a status", step: p.step},
			{name: "as the first event", step: fallbacktest.Text(sentence).ErrorAt(1, p.step), inStream: true},
			{name: "as the third event", step: fallbacktest.Text(sentence).ErrorAt(3, p.step), inStream: true, shown: "one two "},
		}
		if !c.stream {
			places = places[:1]
		}
		for _, at := range places {
			t.Run(p.name+" "+at.name, func(t *testing.T) {
				srv, m := c.serve(t, at.step)
				x := c.question(t.Context(), m)
				clean(t, srv)
				x.judge(t, p.rulingFor(c.Protocol, at.inStream))
				if got := x.shown(); got != at.shown {
					t.Errorf("%q was shown, want %q", got, at.shown)
				}
				if v := x.verdict(); p.name == "minute quota" && !at.inStream && v.RetryAfter != retryAfter {
					t.Errorf("retry after %v, want %v", v.RetryAfter, retryAfter)
				}
			})
		}
	}
	t.Run("with a good status", c.errorWithGoodStatus)
}

// errorWithGoodStatus: gateways send errors of the model behind them with status 200.
func (c *contract) errorWithGoodStatus(t *testing.T) {
	const flat = `{"error":{"message":"Rate limit reached for requests","type":"requests","param":null,"code":"rate_limit_exceeded"}}`
	const google = `{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}`
	body := map[Protocol]string{
		Gemini: google, ADKGemini: google, Chat: flat, Responses: flat,
		Anthropic: `{"type":"error","error":{"type":"rate_limit_error","message":"Number of requests has exceeded your rate limit."}}`,
	}[c.Protocol]
	want := ruling{failure.Retry, failure.KindRateLimit}
	if c.Protocol == ADKGemini && !c.stream {
		want = unknown // genai reads a document with an error as one without candidates
	}
	_, m := c.serve(t, fallbacktest.Status(200, body))
	c.question(t.Context(), m).judge(t, want)
}

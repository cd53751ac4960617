package property_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
	"pgregory.net/rapid"
)

// misdeed is a way for a model to treat one call.
type misdeed string

const (
	answers    misdeed = "answers"
	fails      misdeed = "fails"             // with an error, after some words
	panics     misdeed = "panics"            // after some words
	stops      misdeed = "stops"             // after some words, without an end
	stalls     misdeed = "stalls"            // after some words, until it is cancelled
	unfinished misdeed = "unfinished"        // all of the answer, but no finish reason
	nothing    misdeed = "nothing"           // no response at all
	nilNil     misdeed = "nil, nil"          // neither response nor error
	endless    misdeed = "endless"           // words for ever, until it is cancelled
	rude       misdeed = "rude"              // yields on after the consumer has stopped
	deaf       misdeed = "deaf"              // answers late and ignores its cancellation
	calls      misdeed = "calls"             // a function call
	callsFails misdeed = "calls, then fails" // an error after the final response
)

var misdeeds = []misdeed{answers, fails, panics, stops, stalls, unfinished, nothing, nilNil, endless, rude, deaf, calls, callsFails}

// deafFor is how long a deaf model is gone.
const deafFor = 40 * time.Second

// act is one step of a script.
type act struct {
	Does     misdeed
	Words    int           // before it strikes, of answerWords
	After    time.Duration // before the first word
	Pace     time.Duration // between words
	Metadata bool          // a chunk without content comes first
	Err      error
}

const answerWords = 6

var modelErrors = []error{
	genai.APIError{Code: 429, Status: "RESOURCE_EXHAUSTED", Message: "Resource has been exhausted (e.g. check quota)."},
	genai.APIError{Code: 429, Status: "RESOURCE_EXHAUSTED", Details: []map[string]any{{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "20s"}}},
	genai.APIError{Code: 503, Status: "UNAVAILABLE", Message: "The model is overloaded."},
	genai.APIError{Code: 500, Status: "INTERNAL", Message: "An internal error has occurred."},
	genai.APIError{Code: 504, Status: "DEADLINE_EXCEEDED", Message: "The deadline expired."},
	genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "The input token count (5) exceeds the maximum number of tokens allowed (4)."},
	genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "Invalid value."},
	genai.APIError{Code: 404, Status: "NOT_FOUND", Message: "The model is not found."},
	io.ErrUnexpectedEOF,
	syscall.ECONNRESET,
	context.Canceled, // of the model's own making
}

var anAct = rapid.Custom(func(t *rapid.T) act {
	return act{
		Does:     rapid.SampledFrom(misdeeds).Draw(t, "does"),
		Words:    rapid.IntRange(0, answerWords).Draw(t, "words"),
		After:    rapid.SampledFrom([]time.Duration{0, 0, time.Second, 20 * time.Second}).Draw(t, "after"),
		Pace:     rapid.SampledFrom([]time.Duration{0, 100 * time.Millisecond, 2 * time.Second}).Draw(t, "pace"),
		Metadata: rapid.Bool().Draw(t, "metadata"),
		Err:      rapid.SampledFrom(modelErrors).Draw(t, "err"),
	}
})

// withoutDeaf returns a script whose acts all end when they are cancelled.
func withoutDeaf(script []act) []act {
	script = slices.Clone(script)
	for i := range script {
		if script[i].Does == deaf {
			script[i].Does = stalls
		}
	}
	return script
}

// scripted is a model that follows a script, whose last act repeats.
type scripted struct {
	name   string
	script []act
	same   bool // its text is the same for each attempt and model
	ledger *ledger
}

// attempt is one call of a scripted model.
type attempt struct {
	model, tag string
	whole      string // what it has to say
	does       misdeed
	began      time.Time
	ended      bool
}

// ledger has the attempts of all models of a tree.
type ledger struct {
	mu       sync.Mutex
	attempts []*attempt // guarded by mu
}

func (l *ledger) begin(m *scripted) (*attempt, act) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, a := range l.attempts {
		if a.model == m.name {
			n++
		}
	}
	a := &attempt{began: time.Now(), model: m.name, tag: fmt.Sprintf("%s#%d", m.name, n+1)}
	prefix := a.tag
	if m.same {
		prefix = "same"
	}
	for i := range answerWords {
		a.whole += fmt.Sprintf("%s.%d ", prefix, i+1)
	}
	next := m.script[min(n, len(m.script)-1)]
	a.does = next.Does
	l.attempts = append(l.attempts, a)
	return a, next
}

func (l *ledger) end(a *attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.ended = true
}

// since returns copies of the attempts from the n-th on.
func (l *ledger) since(n int) []attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []attempt
	for _, a := range l.attempts[n:] {
		out = append(out, *a)
	}
	return out
}

func (m *scripted) Name() string { return m.name }

func (m *scripted) GenerateContent(ctx context.Context, _ *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		a, does := m.ledger.begin(m)
		defer m.ledger.end(a)
		p := &performance{ctx: ctx, attempt: a, act: does, stream: stream, yield: yield}
		p.run()
	}
}

// performance is one act being played.
type performance struct {
	act
	ctx     context.Context
	attempt *attempt
	stream  bool
	yield   func(*model.LLMResponse, error) bool
	stopped bool // the consumer, or the caller, wants no more
}

func (p *performance) run() {
	if p.Does == deaf {
		time.Sleep(deafFor)
	} else {
		p.pause(p.After)
	}
	if p.Metadata {
		p.partial(nil)
	}
	words := strings.SplitAfter(strings.TrimSuffix(p.attempt.whole, " "), " ")
	switch p.Does {
	case fails, panics, stops, stalls, rude:
		words = words[:p.Words]
	case calls, callsFails:
		words = words[:p.Words/2]
	case nothing, nilNil:
		words = nil
	}
	for i, word := range words {
		if i > 0 {
			p.pause(p.Pace)
		}
		p.partial(genai.NewContentFromText(word, genai.RoleModel))
	}
	p.finish()
}

// finish plays what comes after the words.
func (p *performance) finish() {
	if p.stopped && p.Does != rude {
		return
	}
	text := genai.NewContentFromText(strings.TrimSuffix(p.attempt.whole, " "), genai.RoleModel)
	switch p.Does {
	case answers, deaf:
		p.final(text, genai.FinishReasonStop)
	case unfinished:
		p.final(text, "")
	case fails:
		p.yield(nil, p.Err)
	case panics:
		panic("the model of a test")
	case nilNil:
		p.yield(nil, nil)
	case stalls:
		<-p.ctx.Done()
		p.yield(nil, p.ctx.Err())
	case endless:
		for !p.stopped {
			p.pause(max(p.Pace, time.Second))
			p.partial(genai.NewContentFromText("on ", genai.RoleModel))
		}
	case rude:
		for range 3 {
			p.yield(p.response(text), nil)
		}
		p.yield(nil, p.Err)
	case calls, callsFails:
		call := &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{FunctionCall: &genai.FunctionCall{ID: p.attempt.tag, Name: "tool"}}}}
		p.final(call, genai.FinishReasonStop)
		if p.Does == callsFails && !p.stopped {
			p.yield(nil, p.Err)
		}
	}
}

func (p *performance) response(content *genai.Content) *model.LLMResponse {
	return &model.LLMResponse{Content: content, Partial: true, ModelVersion: p.attempt.tag}
}

func (p *performance) partial(content *genai.Content) {
	if p.stream && !p.stopped && !p.yield(p.response(content), nil) {
		p.stopped = true
	}
}

func (p *performance) final(content *genai.Content, finish genai.FinishReason) {
	resp := p.response(content)
	resp.Partial, resp.FinishReason = false, finish
	resp.UsageMetadata = &genai.GenerateContentResponseUsageMetadata{PromptTokenCount: 7, CandidatesTokenCount: answerWords}
	if !p.yield(resp, nil) {
		p.stopped = true
	}
}

// pause waits, and ends the call if it is cancelled.
func (p *performance) pause(d time.Duration) {
	if p.stopped || p.Does == deaf {
		return
	}
	select {
	case <-time.After(d):
	case <-p.ctx.Done():
		p.stopped = true
		p.yield(nil, p.ctx.Err())
	}
}

package degrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/adk/v2/memory"
	"google.golang.org/adk/v2/model"

	"github.com/adk-fallback/adk-fallback/internal/check"
	"github.com/adk-fallback/adk-fallback/internal/clip"
	"github.com/adk-fallback/adk-fallback/internal/request"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
)

// Defaults of RetrievalConfig.
const (
	DefaultRetrievalName   = "retrieval"
	DefaultIntro           = "I cannot answer right now. These passages may help. They are quotations, not an answer:"
	DefaultMaxPassages     = 3
	DefaultMaxPassageBytes = 600
	DefaultSearchTimeout   = 2 * time.Second
)

// Bounds of a Retrieval that are not configurable.
const (
	MaxQueryBytes  = 4 << 10 // of the user's message; only its beginning is searched for
	MaxSourceBytes = 200     // of a passage's source
	MaxAbandoned   = 64      // searches that were abandoned and still run; beyond, none is started
)

// Passage is a text that was found for a question.
type Passage struct {
	Text   string
	Source string // where it is from, such as a title or an address; optional
}

// RetrievalConfig says where passages are searched and how many are quoted. Exactly one
// of Memory and Search is required.
type RetrievalConfig struct {
	// Memory is searched with the caller's app and user (see call.From), so that nobody
	// sees another user's passages. If either is unknown, nothing is searched. The
	// source of a passage is its author and date.
	Memory memory.Service
	// Search returns passages for a query, the best first. The caller is in ctx; see
	// call.From. It runs on its own goroutine and must be safe for concurrent use.
	Search func(ctx context.Context, query string) ([]Passage, error)

	// Name is the model's name, and the value of "degraded". Empty means
	// DefaultRetrievalName.
	Name string
	// Intro is the text before the passages. It is the user's only sign that they are
	// no answer of a model, so it must say so. Empty means DefaultIntro.
	Intro string
	// MaxPassages bounds the number of passages quoted. 0 means DefaultMaxPassages.
	MaxPassages int
	// MaxPassageBytes bounds the text of each; a longer one is cut at the end of a
	// word. 0 means DefaultMaxPassageBytes.
	MaxPassageBytes int
	// Timeout bounds a search. One that ignores its context is abandoned: its result is
	// dropped, and its goroutine ends when it returns. 0 means DefaultSearchTimeout.
	Timeout time.Duration
}

// NewRetrieval returns a model that answers with passages found for the user's last
// message, quoted with their sources. The error names every wrong field.
//
// The model fails with a *middleware.RefusedError, a verdict to fall back, if it finds
// nothing, if the search fails, panics or exceeds Timeout, or if the request asks for
// another format than plain text. The error and the record say which, but never quote
// the message or the error of the search.
//
// Passages are foreign text. Control characters, bidirectional formatting and invalid
// UTF-8 are removed, equal passages are quoted once, and each line starts with "> ", so
// that no passage can look like the model's own words. For the same reason, a neutral
// line replaces them in later requests; see the package documentation.
func NewRetrieval(config RetrievalConfig) (model.LLM, error) {
	var problems []error
	if (config.Memory == nil) == (config.Search == nil) {
		problems = append(problems, errors.New("degrade: RetrievalConfig needs exactly one of Memory and Search"))
	}
	if config.MaxPassages < 0 {
		problems = append(problems, fmt.Errorf("degrade: RetrievalConfig.MaxPassages is %d; must be 0 (default: %d) or more", config.MaxPassages, DefaultMaxPassages))
	}
	if config.MaxPassageBytes < 0 {
		problems = append(problems, fmt.Errorf("degrade: RetrievalConfig.MaxPassageBytes is %d; must be 0 (default: %d) or more", config.MaxPassageBytes, DefaultMaxPassageBytes))
	}
	if config.Timeout < 0 {
		problems = append(problems, fmt.Errorf("degrade: RetrievalConfig.Timeout is %v; must be 0 (default: %v) or more", config.Timeout, DefaultSearchTimeout))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return newRetrieval(config), nil
}

// MustRetrieval is NewRetrieval, but panics on an error.
func MustRetrieval(config RetrievalConfig) model.LLM { return check.Must(NewRetrieval(config)) }

// Retrieval is NewRetrieval with the defaults. With a nil service it finds nothing.
func Retrieval(service memory.Service) model.LLM {
	return newRetrieval(RetrievalConfig{Memory: service})
}

func newRetrieval(config RetrievalConfig) model.LLM {
	config.Name = cmp.Or(config.Name, DefaultRetrievalName)
	config.Intro = cmp.Or(config.Intro, DefaultIntro)
	config.MaxPassages = cmp.Or(config.MaxPassages, DefaultMaxPassages)
	config.MaxPassageBytes = cmp.Or(config.MaxPassageBytes, DefaultMaxPassageBytes)
	config.Timeout = cmp.Or(config.Timeout, DefaultSearchTimeout)
	if service := config.Memory; service != nil {
		config.Search = func(ctx context.Context, query string) ([]Passage, error) { return remembered(ctx, service, query) }
	}
	r := &retrieval{RetrievalConfig: config}
	return &lastResort{name: config.Name, find: r.find}
}

type retrieval struct {
	RetrievalConfig
	abandoned atomic.Int32 // searches that have not returned
}

func (r *retrieval) find(ctx context.Context, req *model.LLMRequest) (*model.LLMResponse, call.Metadata, error) {
	query := request.Question(req.Contents)
	query = strings.ToValidUTF8(query[:min(len(query), MaxQueryBytes)], "")
	info := call.From(ctx)
	switch {
	case r.Search == nil:
		return r.refuse("it has no memory to search")
	case !request.IsForText(req):
		return r.refuse("the request asks for another format than plain text")
	case query == "":
		return r.refuse("the request has no message of the user")
	case r.Memory != nil && (info.App == "" || info.User == ""):
		return r.refuse("the caller's app or user is unknown")
	case r.abandoned.Load() >= MaxAbandoned:
		return r.refuse(fmt.Sprintf("%d earlier searches have not returned", MaxAbandoned))
	}
	quotes, reason := r.search(ctx, query)
	if reason != "" {
		return r.refuse(reason)
	}
	return placeholder(r.Intro + "\n" + quotes), call.Metadata{}, nil
}

func (r *retrieval) refuse(reason string) (*model.LLMResponse, call.Metadata, error) {
	return nil, call.Metadata{}, &middleware.RefusedError{By: "retrieval", Model: r.Name, Reason: reason}
}

// search returns the passages for query as quotations, or the reason for having none.
//
// It has a goroutine of its own, which ends when Search returns: a layer of Timeout
// around the model would do as much, but record a failed attempt, and the reason that a
// record gives for a fallback is the latest failure, which must stay the real model's.
func (r *retrieval) search(ctx context.Context, query string) (quotes, reason string) {
	type result struct{ quotes, reason string }
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	results := make(chan result, 1)
	var over atomic.Bool // set by the first of the two that is done with the search
	go func() {
		found := result{reason: "the search ended its goroutine"}
		defer func() {
			if recover() != nil {
				found = result{reason: "the search panicked"}
			}
			results <- found
			if over.Swap(true) {
				r.abandoned.Add(-1)
			}
		}()
		found.quotes, found.reason = r.quotes(ctx, query)
	}()
	late := fmt.Sprintf("the search took longer than %v", r.Timeout)
	select {
	case found := <-results:
		if found.reason != "" && ctx.Err() != nil {
			return "", late // whatever error it returned
		}
		return found.quotes, found.reason
	case <-ctx.Done():
		if !over.Swap(true) {
			r.abandoned.Add(1)
		}
		return "", late
	}
}

// quotes calls Search and formats what it finds.
func (r *retrieval) quotes(ctx context.Context, query string) (quotes, reason string) {
	passages, err := r.Search(ctx, query)
	if err != nil {
		v := failure.Classify(err) // its texts may quote the query
		return "", "the search failed: " + call.Attempt{HTTPStatus: v.HTTPStatus, Kind: string(v.Kind)}.ErrorCode()
	}
	var b strings.Builder
	quoted := map[string]bool{plain(query, r.MaxPassageBytes): true} // the question is in the memory too
	for _, p := range passages {
		text := plain(p.Text, r.MaxPassageBytes)
		if text == "" || quoted[text] {
			continue
		}
		quoted[text] = true
		b.WriteString("\n> " + strings.ReplaceAll(text, "\n", "\n> ") + "\n")
		if source := strings.ReplaceAll(plain(p.Source, MaxSourceBytes), "\n", " "); source != "" {
			b.WriteString(">\n> — " + source + "\n")
		}
		if len(quoted) > r.MaxPassages {
			break
		}
	}
	if b.Len() == 0 {
		return "", "it has found nothing"
	}
	return strings.TrimSuffix(b.String(), "\n"), ""
}

// remembered returns the passages that the caller's memory has for query.
func remembered(ctx context.Context, service memory.Service, query string) ([]Passage, error) {
	info := call.From(ctx)
	found, err := service.SearchMemory(ctx, &memory.SearchRequest{Query: query, UserID: info.User, AppName: info.App})
	if err != nil || found == nil {
		return nil, err
	}
	passages := make([]Passage, len(found.Memories))
	for i, m := range found.Memories {
		passages[i] = Passage{Text: request.Text(m.Content), Source: cmp.Or(m.Author, "earlier conversation")}
		if !m.Timestamp.IsZero() {
			passages[i].Source += ", " + m.Timestamp.Format(time.DateOnly)
		}
	}
	return passages, nil
}

// plain returns text without blank lines and characters that do not print, at most
// limit bytes of it.
func plain(text string, limit int) string {
	if bound := 16 * limit; bound > 0 && len(text) > bound { // more than that is hardly text
		text = text[:bound]
	}
	var lines []string
	for line := range strings.SplitSeq(strings.Map(printed, strings.ToValidUTF8(text, "")), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return clip.Words(strings.Join(lines, "\n"), limit)
}

// printed returns r, a line break or space for what prints as one, or -1 for what does
// not print. Tag characters are invisible, but a model reads them.
func printed(r rune) rune {
	const nextLine, lineSeparator, paragraphSeparator, firstTag, lastTag = '\u0085', '\u2028', '\u2029', 0xE0000, 0xE007F
	switch r {
	case '\n', '\r', '\v', '\f', nextLine, lineSeparator, paragraphSeparator:
		return '\n'
	case '\t':
		return ' '
	case utf8.RuneError:
		return -1
	}
	if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r >= firstTag && r <= lastTag {
		return -1
	}
	return r
}

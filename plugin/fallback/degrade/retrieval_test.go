package degrade_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/adk/v2/memory"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"
	"pgregory.net/rapid"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

const secret = "my diagnosis"

// asUser returns a context of a user of the app "shop".
func asUser(ctx context.Context, user string) context.Context {
	return call.With(ctx, call.Info{App: "shop", User: user})
}

// question is a request that ends with a user's text.
func question(text string) *model.LLMRequest {
	return &model.LLMRequest{Contents: []*genai.Content{genai.NewContentFromText(text, genai.RoleUser)}}
}

// remember returns a memory in which user has said the texts.
func remember(t testing.TB, user string, texts ...string) memory.Service {
	ctx := context.Background()
	sessions := session.InMemoryService()
	created, err := sessions.Create(ctx, &session.CreateRequest{AppName: "shop", UserID: user})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		event := session.NewEvent(ctx, "turn")
		event.Author, event.Timestamp = user, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		event.Content = genai.NewContentFromText(text, genai.RoleUser)
		if err := sessions.AppendEvent(ctx, created.Session, event); err != nil {
			t.Fatal(err)
		}
	}
	service := memory.InMemoryService()
	if err := service.AddSessionToMemory(ctx, created.Session); err != nil {
		t.Fatal(err)
	}
	return service
}

func found(passages ...degrade.Passage) func(context.Context, string) ([]degrade.Passage, error) {
	return func(context.Context, string) ([]degrade.Passage, error) { return passages, nil }
}

// B87
func TestRetrievalQuotesMemory(t *testing.T) {
	last := degrade.Retrieval(remember(t, "ann", "Our shop opens at nine.", "Red is nice."))
	answer := degrade.DefaultIntro + "\n\n> Our shop opens at nine.\n>\n> — ann, 2026-03-01"
	for name, m := range map[string]model.LLM{"alone": last, "behind a router": router.MustFallback(router.Config{}, down, last)} {
		for _, streamed := range []bool{false, true} {
			texts, md, err := ask(asUser(t.Context(), "ann"), m, question("When does the shop open?"), streamed)
			if err != nil || md.Degraded != "retrieval" {
				t.Errorf("%s: degraded %q, error %v", name, md.Degraded, err)
			}
			if streamed {
				want(t, texts, []string{answer + "…", answer})
			} else {
				want(t, texts, []string{answer})
			}
		}
	}
}

func TestRetrievalSearchesForTheUsersLastMessage(t *testing.T) {
	user := func(text string) *genai.Content { return genai.NewContentFromText(text, genai.RoleUser) }
	long := strings.Repeat("ä", degrade.MaxQueryBytes)
	for name, test := range map[string]struct {
		contents []*genai.Content
		query    string
	}{
		"the latest": {[]*genai.Content{user("one"), genai.NewContentFromText("two", genai.RoleModel), user(" three ")}, "three"},
		"in a tool loop": {[]*genai.Content{user("one"),
			genai.NewContentFromFunctionCall("f", nil, genai.RoleModel), genai.NewContentFromFunctionResponse("f", nil, genai.RoleUser)}, "one"},
		"told of another agent": {[]*genai.Content{user("one"),
			{Role: genai.RoleUser, Parts: []*genai.Part{{Text: "For context:"}, {Text: "[other] said: two"}}}}, "one"},
		"long":        {[]*genai.Content{user("x" + long)}, "x" + long[:degrade.MaxQueryBytes-2]},
		"nil content": {[]*genai.Content{user("one"), nil, {Role: genai.RoleUser, Parts: []*genai.Part{nil}}}, "one"},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			m := degrade.MustRetrieval(degrade.RetrievalConfig{Search: func(_ context.Context, query string) ([]degrade.Passage, error) {
				got = query
				return []degrade.Passage{{Text: "found"}}, nil
			}})
			if _, _, err := ask(t.Context(), m, &model.LLMRequest{Contents: test.contents}, false); err != nil || got != test.query {
				t.Errorf("error %v; query %q, want %q", err, got, test.query)
			}
		})
	}
}

func TestRetrievalOfAnotherUserFindsNothing(t *testing.T) {
	m := router.MustFallback(router.Config{}, down, degrade.Retrieval(remember(t, "ann", "Our shop opens at nine.")), degrade.Template("Sorry."))
	for user, reason := range map[string]string{"bob": "it has found nothing", "": "the caller's app or user is unknown"} {
		_, md, err := ask(asUser(t.Context(), user), m, question("When does the shop open?"), false)
		if err != nil || md.Degraded != "template-response" || reasonOf(md, "retrieval") != "skipped: "+reason {
			t.Errorf("user %q: metadata %+v, error %v; want the reason %q", user, md, err, reason)
		}
	}
}

func reasonOf(md call.Metadata, model string) string {
	for _, a := range md.Attempts {
		if a.Model == model {
			return string(a.Outcome) + ": " + a.Reason
		}
	}
	return ""
}

// B80: whatever becomes of the search, the next target answers, the record says why,
// and the code is the model's.
func TestRetrievalWithoutPassagesLeavesItToTheNext(t *testing.T) {
	type search = func(context.Context, string) ([]degrade.Passage, error)
	fails := func(err error) search {
		return func(context.Context, string) ([]degrade.Passage, error) { return nil, err }
	}
	hangs := func(context.Context, string) ([]degrade.Passage, error) {
		time.Sleep(time.Hour) // deaf to its context
		return []degrade.Passage{{Text: "late"}}, nil
	}
	json := question(secret)
	json.Config = &genai.GenerateContentConfig{ResponseMIMEType: "application/json"}
	schema := question(secret)
	schema.Config = &genai.GenerateContentConfig{ResponseJsonSchema: map[string]any{"type": "object"}}
	for name, test := range map[string]struct {
		search search
		req    *model.LLMRequest
		reason string
	}{
		"nothing found":         {search: found(), reason: "it has found nothing"},
		"only blank passages":   {search: found(degrade.Passage{Text: "\x00\u202e \n", Source: "web"}), reason: "it has found nothing"},
		"only the question":     {search: found(degrade.Passage{Text: " " + secret}), reason: "it has found nothing"},
		"an error":              {search: fails(fmt.Errorf("GET /search?q=%s: refused", secret)), reason: "the search failed: unknown"},
		"an error of a service": {search: fails(genai.APIError{Code: 503, Message: secret}), reason: "the search failed: 503"},
		"a panic":               {search: func(_ context.Context, query string) ([]degrade.Passage, error) { panic(query) }, reason: "the search panicked"},
		"an ended goroutine": {search: func(context.Context, string) ([]degrade.Passage, error) {
			runtime.Goexit()
			return nil, nil
		}, reason: "the search ended its goroutine"},
		"a hang": {search: hangs, reason: "the search took longer than 2s"},
		"a slow search": {search: func(ctx context.Context, _ string) ([]degrade.Passage, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, reason: "the search took longer than 2s"},
		"JSON is wanted": {search: found(degrade.Passage{Text: "found"}), req: json, reason: "the request asks for another format than plain text"},
		"a schema":       {search: found(degrade.Passage{Text: "found"}), req: schema, reason: "the request asks for another format than plain text"},
		"no message":     {search: found(degrade.Passage{Text: "found"}), req: &model.LLMRequest{}, reason: "the request has no message of the user"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				last := degrade.MustRetrieval(degrade.RetrievalConfig{Search: test.search})
				req := test.req
				if req == nil {
					req = question(secret)
				}
				start := time.Now()
				_, md, err := ask(t.Context(), router.MustFallback(router.Config{}, down, last, degrade.Template("Sorry.")), req, false)
				if err != nil || md.Degraded != "template-response" || md.ErrorCode != "503" {
					t.Errorf("metadata %+v, error %v; want the template's answer, after a 503", md, err)
				}
				if got := reasonOf(md, "retrieval"); got != "skipped: "+test.reason {
					t.Errorf("reason %q, want %q", got, "skipped: "+test.reason)
				}
				if took := time.Since(start); took > degrade.DefaultSearchTimeout {
					t.Errorf("it took %v", took)
				}
				if strings.Contains(fmt.Sprint(md), secret) {
					t.Errorf("the record quotes the message: %+v", md)
				}
				time.Sleep(2 * time.Hour) // an abandoned search returns
			})
		})
	}
}

// The caller's own end is no failure of the search, and no next target is called.
func TestRetrievalEndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := degrade.MustRetrieval(degrade.RetrievalConfig{Search: func(ctx context.Context, _ string) ([]degrade.Passage, error) {
		cancel()
		return nil, ctx.Err()
	}})
	if _, _, err := ask(ctx, router.MustFallback(router.Config{}, down, m, degrade.Template("")), hello(), false); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the caller's", err)
	}
}

// However long an outage of the memory lasts, only so many goroutines wait for it.
func TestHungSearchesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := make(chan struct{})
		var started atomic.Int32
		m := degrade.MustRetrieval(degrade.RetrievalConfig{Timeout: time.Second, Search: func(context.Context, string) ([]degrade.Passage, error) {
			started.Add(1)
			<-back
			return []degrade.Passage{{Text: "found"}}, nil
		}})
		for range 2 * degrade.MaxAbandoned {
			if _, _, err := ask(t.Context(), m, hello(), false); err == nil {
				t.Fatal("a search that hangs has an answer")
			}
		}
		if n := started.Load(); n != degrade.MaxAbandoned {
			t.Errorf("%d searches were started, want %d", n, degrade.MaxAbandoned)
		}
		close(back)
		synctest.Wait()
		if _, _, err := ask(t.Context(), m, hello(), false); err != nil {
			t.Errorf("the memory is back, but: %v", err)
		}
	})
}

func TestPassagesAreBounded(t *testing.T) {
	many := make([]degrade.Passage, 10_000)
	for i := range many {
		many[i] = degrade.Passage{Text: fmt.Sprint("passage ", i/2), Source: "s"} // each twice
	}
	many[0].Text = strings.Repeat("word ", 1<<20)
	m := degrade.MustRetrieval(degrade.RetrievalConfig{Search: found(many...), MaxPassages: 3, MaxPassageBytes: 20, Intro: "Quotations:"})
	texts, _, err := ask(t.Context(), m, hello(), false)
	if err != nil {
		t.Fatal(err)
	}
	want(t, texts, []string{"Quotations:\n" +
		"\n> word word word…\n>\n> — s\n" +
		"\n> passage 0\n>\n> — s\n" +
		"\n> passage 1\n>\n> — s"})
}

// No passage looks like the model's own words, or changes how the text around it is
// shown.
func TestHostilePassagesStayQuoted(t *testing.T) {
	hostile := rapid.StringOf(rapid.OneOf(rapid.Rune(),
		rapid.SampledFrom([]rune("\n\r\v\f\u0085\u2028\u2029\t \x00\x1b\u202e\u2066\u200f\U000E0041\ufffdab"))))
	rapid.Check(t, func(t *rapid.T) {
		passages := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) degrade.Passage {
			text := hostile.Draw(t, "text")
			if rapid.Bool().Draw(t, "damaged") {
				text = "\xff" + text + "\xe4\xb8"
			}
			return degrade.Passage{Text: "x" + text, Source: hostile.Draw(t, "source")}
		}), 1, 5).Draw(t, "passages")
		limit := rapid.IntRange(8, 60).Draw(t, "limit")
		m := degrade.MustRetrieval(degrade.RetrievalConfig{Search: found(passages...), MaxPassageBytes: limit, Intro: "Quotations:"})
		texts, _, err := ask(context.Background(), m, hello(), false)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(texts[0], "\n")
		for i, line := range lines {
			if i > 0 && line != "" && line != ">" && !strings.HasPrefix(line, "> ") {
				t.Fatalf("line %q of %q is not quoted", line, texts[0])
			}
		}
		if !utf8.ValidString(texts[0]) || strings.ContainsFunc(texts[0], hidden) {
			t.Fatalf("%q does not print", texts[0])
		}
		if longest := len("Quotations:\n") + degrade.DefaultMaxPassages*(3*limit+degrade.MaxSourceBytes+20); len(texts[0]) > longest {
			t.Fatalf("%d bytes, want at most %d", len(texts[0]), longest)
		}
	})
}

// hidden reports whether r does not print, or does not stay on its line.
func hidden(r rune) bool {
	return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.In(r, unicode.Zl, unicode.Zp) || r>>7 == 0xE0000>>7
}

func TestRetrievalConfigNamesEveryWrongField(t *testing.T) {
	config := degrade.RetrievalConfig{MaxPassages: -1, MaxPassageBytes: -1, Timeout: -1}
	_, err := degrade.NewRetrieval(config)
	for _, text := range []string{"exactly one of Memory and Search", "MaxPassages is -1", "MaxPassageBytes is -1", "Timeout is -1ns"} {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v, want one with %q", err, text)
		}
	}
	config = degrade.RetrievalConfig{Memory: memory.InMemoryService(), Search: found()}
	if _, err := degrade.NewRetrieval(config); err == nil {
		t.Error("both Memory and Search are accepted")
	}
	if _, _, err := ask(asUser(t.Context(), "ann"), degrade.Retrieval(nil), hello(), false); err == nil {
		t.Error("a nil service has an answer")
	}
}

// A Retrieval behind a model that is down quotes the shop's manual.
func ExampleNewRetrieval() {
	manual := []degrade.Passage{
		{Text: "Returns are free within 30 days.", Source: "manual, page 4"},
		{Text: "The shop opens at nine.", Source: "manual, page 1"},
	}
	last, err := degrade.NewRetrieval(degrade.RetrievalConfig{
		Search: func(_ context.Context, query string) (passages []degrade.Passage, err error) {
			for _, p := range manual {
				if slices.ContainsFunc(strings.Fields(query), func(word string) bool { return strings.Contains(p.Text, word) }) {
					passages = append(passages, p)
				}
			}
			return passages, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	m := router.MustFallback(router.Config{}, down, last, degrade.Template("Please try again later."))
	show(m.GenerateContent(context.Background(), question("How are Returns handled?"), false))
	// Output:
	// I cannot answer right now. These passages may help. They are quotations, not an answer:
	//
	// > Returns are free within 30 days.
	// >
	// > — manual, page 4
	// degraded: retrieval
}

func show(responses iter.Seq2[*model.LLMResponse, error]) {
	for resp, err := range responses {
		if err != nil {
			log.Fatal(err)
		}
		md, _ := call.ReadResponse(resp)
		fmt.Println(resp.Content.Parts[0].Text)
		fmt.Println("degraded:", md.Degraded)
	}
}

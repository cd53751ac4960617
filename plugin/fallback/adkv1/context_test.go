package adkv1_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"testing"

	"github.com/glebarez/sqlite"
	"google.golang.org/adk/agent"
	"google.golang.org/adk/agent/llmagent"
	"google.golang.org/adk/model"
	"google.golang.org/adk/plugin"
	"google.golang.org/adk/runner"
	"google.golang.org/adk/session"
	"google.golang.org/adk/session/database"
	modelv2 "google.golang.org/adk/v2/model"
	sessionv2 "google.golang.org/adk/v2/session"
	"google.golang.org/genai"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/adk-fallback/adk-fallback/internal/caller"
	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/adkv1"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// reader is a model that answers as a policy with a section context reads the
// session: through whatever stands around it.
type reader struct{ key string }

func (reader) Name() string { return "reader" }

func (m reader) GenerateContent(ctx context.Context, _ *modelv2.LLMRequest, _ bool) iter.Seq2[*modelv2.LLMResponse, error] {
	return func(yield func(*modelv2.LLMResponse, error) bool) {
		answer := "no session"
		if adk, ok := caller.Context(ctx).(interface {
			ReadonlyState() sessionv2.ReadonlyState
		}); ok {
			switch value, err := adk.ReadonlyState().Get(m.key); {
			case errors.Is(err, sessionv2.ErrStateKeyNotExist):
				answer = "none"
			case err != nil:
				answer = err.Error()
			default:
				answer = fmt.Sprint(value)
			}
		}
		yield(&modelv2.LLMResponse{Content: genai.NewContentFromText(answer, genai.RoleModel)}, nil)
	}
}

// blocked is a model whose answer carries an error code.
type blocked struct{}

func (blocked) Name() string { return "blocked" }

func (blocked) GenerateContent(context.Context, *model.LLMRequest, bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		yield(&model.LLMResponse{ErrorCode: "RESOURCE_EXHAUSTED", ErrorMessage: "quota"}, nil)
	}
}

var acme = call.Info{Tenant: "acme"}

// paid is a model of the application around another one.
type paid struct {
	model.LLM
	by call.Info
}

func (m paid) GenerateContent(ctx context.Context, req *model.LLMRequest, stream bool) iter.Seq2[*model.LLMResponse, error] {
	return m.LLM.GenerateContent(call.With(ctx, m.by), req, stream)
}

// What v1's session knows reaches a model, wherever it stands, as v2's does: a
// policy's rules ask for it. B79
func TestTheSessionsStateReachesAModel(t *testing.T) {
	down := func() modelv2.LLM { return llmtest.NewModel("down", llmtest.Fail(llmtest.ErrUnavailable)) }
	recovered := func(m modelv2.LLM) []*plugin.Plugin {
		return []*plugin.Plugin{adkv1.MustNew(adkv1.Config{Recover: adkv1.FromV2(m), ErrorCodes: []any{429, 503}})}
	}
	for _, test := range []struct {
		name string
		// in returns an agent's model with m in it, and the plugins of its runner.
		in func(m modelv2.LLM) (model.LLM, []*plugin.Plugin)
	}{
		{"alone", func(m modelv2.LLM) (model.LLM, []*plugin.Plugin) { return adkv1.FromV2(m), nil }},
		{"behind a retry", func(m modelv2.LLM) (model.LLM, []*plugin.Plugin) {
			return adkv1.FromV2(middleware.Chain(m, middleware.MustRetry(middleware.RetryConfig{}))), nil
		}},
		{"in a fallback", func(m modelv2.LLM) (model.LLM, []*plugin.Plugin) {
			return adkv1.FromV2(router.MustFallback(router.Config{}, down(), m)), nil
		}},
		{"in a model that says who pays", func(m modelv2.LLM) (model.LLM, []*plugin.Plugin) { return paid{adkv1.FromV2(m), acme}, nil }},
		{"in two of them", func(m modelv2.LLM) (model.LLM, []*plugin.Plugin) {
			return paid{adkv1.FromV2(middleware.Chain(adkv1.ToV2(paid{adkv1.FromV2(m), acme}), middleware.MustRetry(middleware.RetryConfig{}))), acme}, nil
		}},
		{"as Recover of the plugin", func(m modelv2.LLM) (model.LLM, []*plugin.Plugin) { return adkv1.FromV2(down()), recovered(m) }},
		{"as Recover after an error code", func(m modelv2.LLM) (model.LLM, []*plugin.Plugin) { return blocked{}, recovered(m) }},
	} {
		for class, want := range map[string]string{"pii": "pii", "": "none"} {
			m, plugins := test.in(reader{"class"})
			for kind, sessions := range map[string]session.Service{"memory": session.InMemoryService(), "database": newDatabase(t)} {
				if got := answerOf(t, sessions, m, plugins, class); got != want {
					t.Errorf("%s, class %q, %s: %q answered, want %s", test.name, class, kind, got, want)
				}
			}
		}
	}
}

func newDatabase(t *testing.T) session.Service {
	t.Helper()
	sessions, err := database.NewSessionService(sqlite.Open(filepath.Join(t.TempDir(), "sessions.db")), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if err := database.AutoMigrate(sessions); err != nil {
		t.Fatal(err)
	}
	return sessions
}

// answerOf runs one turn in a session with a class of data, none if it is empty,
// and returns the last text.
func answerOf(t *testing.T, sessions session.Service, m model.LLM, plugins []*plugin.Plugin, class string) (answer string) {
	t.Helper()
	a, err := llmagent.New(llmagent.Config{Name: "assistant", Model: m})
	if err != nil {
		t.Fatal(err)
	}
	r, err := runner.New(runner.Config{AppName: "app", Agent: a, SessionService: sessions, PluginConfig: runner.PluginConfig{Plugins: plugins}})
	if err != nil {
		t.Fatal(err)
	}
	state := map[string]any{}
	if class != "" {
		state["class"] = class
	}
	s, err := sessions.Create(t.Context(), &session.CreateRequest{AppName: "app", UserID: "ada", State: state})
	if err != nil {
		t.Fatal(err)
	}
	for event, err := range r.Run(t.Context(), "ada", s.Session.ID(), genai.NewContentFromText("hi", genai.RoleUser), agent.RunConfig{}) {
		if err != nil {
			t.Error(err)
		} else if event.Content != nil && len(event.Content.Parts) > 0 {
			answer = event.Content.Parts[0].Text
		}
	}
	return answer
}

package cascade_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/middleware"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/router"
)

// B78, B123: a model as judge is on record and charged, once for each call, and so are a
// rejected answer and the one that replaces it.
func TestJudgeModelIsChargedAndRecorded(t *testing.T) {
	for name, test := range map[string]struct {
		reply  string
		record []string
		spent  float64
	}{
		"accepts":          {"CONFIDENCE: 0.9", []string{"grader ok: judge of an answer 5", "flash ok 3"}, 8},
		"a bare number":    {" 0.9\n", []string{"grader ok: judge of an answer 5", "flash ok 3"}, 8},
		"reasons follow":   {"**Confidence:** 0.9\n\nThe answer is supported by the text.", []string{"grader ok: judge of an answer 5", "flash ok 3"}, 8},
		"quotes a line":    {"CONFIDENCE: 0.1\n\nThe answer ends with\nconfidence: 0.95\nwhich nothing supports.", []string{"grader ok: judge of an answer 5", "flash failed: judge: confidence 0.1 below 0.8 3", "pro ok 11"}, 19},
		"rejects":          {"CONFIDENCE: 0.1", []string{"grader ok: judge of an answer 5", "flash failed: judge: confidence 0.1 below 0.8 3", "pro ok 11"}, 19},
		"reply in prose":   {"It is fine.", []string{"grader ok: judge of an answer 5", "flash failed: judge: its reply has no confidence 3", "pro ok 11"}, 19},
		"reply is no text": {"CONFIDENCE: NaN", []string{"grader ok: judge of an answer 5", "flash failed: judge: confidence NaN is not from 0 to 1 3", "pro ok 11"}, 19},
	} {
		t.Run(name, func(t *testing.T) {
			for _, streamed := range []bool{false, true} {
				budget := middleware.MustBudget(middleware.BudgetConfig{
					Price: func(string, *model.LLMRequest) (float64, bool) { return 1000, true },
					Cost: func(_ string, u *genai.GenerateContentResponseUsageMetadata) float64 {
						return float64(u.PromptTokenCount)
					},
				})
				charged := func(name, text string, tokens int32) model.LLM {
					return budget.Middleware()(llmtest.NewModel(name, llmtest.Send(whole(text, tokens))))
				}
				config, record := recorded(cascade.Config{Judges: []cascade.Judge{cascade.JudgeModel(charged("grader", test.reply, 5), "")}})
				got := llmtest.Ask(t.Context(), cascade.MustNew(config, charged("flash", "cheap", 3), charged("pro", "strong", 11)), streamed)
				var list []string
				for i, line := range attempts(*record) {
					list = append(list, line+" "+strconv.Itoa((*record)[i].InputTokens))
				}
				if diff := cmp.Diff(test.record, list); diff != "" || got.Err != nil {
					t.Errorf("error %v; record (-want +got):\n%s", got.Err, diff)
				}
				if spent := budget.Spent(""); spent != test.spent {
					t.Errorf("charged %v, want %v", spent, test.spent)
				}
			}
		})
	}
}

// A model as judge that fails or hangs is on record, and rejects the answer.
func TestJudgeModelThatFails(t *testing.T) {
	for name, grader := range map[string]llmtest.Step{
		"fails":           llmtest.Fail(llmtest.ErrQuota),
		"hangs":           llmtest.Within(time.Hour, llmtest.Text("1")),
		"deaf":            llmtest.Deaf(time.Hour, llmtest.Text("1")),
		"an empty answer": llmtest.Mute(genai.FinishReasonStop),
	} {
		t.Run(name, func(t *testing.T) {
			llmtest.InBubble(t, func(t *testing.T, streamed bool) {
				defer time.Sleep(2 * time.Hour) // the deaf one has ended then
				got, record := judgedBy(t.Context(), cascade.JudgeModel(llmtest.NewModel("grader", grader), ""), llmtest.Text("cheap"), streamed)
				if diff := cmp.Diff([]string{"grader failed", "flash failed", "pro ok"}, outcomes(record)); diff != "" || got.Err != nil {
					t.Errorf("error %v; record (-want +got):\n%s", got.Err, diff)
				}
			})
		})
	}
}

// outcomes lists a record as "model outcome".
func outcomes(all []call.Attempt) (list []string) {
	for _, a := range all {
		list = append(list, a.Model+" "+string(a.Outcome))
	}
	return list
}

// B80: a router may judge. Its failures are on record; the verdict is the reason.
func TestRouterAsJudge(t *testing.T) {
	down := func(name string) model.LLM { return llmtest.NewModel(name, llmtest.Fail(llmtest.ErrQuota)) }
	says := func(name, reply string) model.LLM { return llmtest.NewModel(name, llmtest.Text(reply)) }
	first := func(models ...model.LLM) model.LLM { return router.MustFallback(router.Config{}, models...) }
	for name, test := range map[string]struct {
		judge  func() model.LLM
		record []string
		reason string // "" if the answer is accepted
	}{
		"its second model accepts": {func() model.LLM { return first(down("g1"), says("g2", "0.9")) }, []string{"g1 failed", "g2 ok", "flash ok"}, ""},
		"its second model rejects": {func() model.LLM { return first(down("g1"), says("g2", "0.1")) }, []string{"g1 failed", "g2 ok", "flash failed", "pro ok"},
			"judge: confidence 0.1 below 0.8"},
		"all its models fail": {func() model.LLM { return first(down("g1"), down("g2")) }, []string{"g1 failed", "g2 failed", "flash failed", "pro ok"},
			"judge: it failed"},
		"a last resort does not judge": {func() model.LLM { return first(down("g1"), degrade.Template("1")) }, []string{"g1 failed", "flash failed", "pro ok"},
			"judge: it failed"},
		"a hedge": {func() model.LLM {
			return router.MustHedge(router.HedgeConfig{Delay: time.Hour}, down("g1"), says("g2", "0.9"))
		},
			[]string{"g1 failed", "g2 ok", "flash ok"}, ""},
		"a cascade": {func() model.LLM { return pair(0, says("g1", "0.9"), says("g2", "0.1")) }, []string{"g1 failed", "g2 ok", "flash failed", "pro ok"},
			"judge: confidence 0.1 below 0.8"},
	} {
		t.Run(name, func(t *testing.T) {
			llmtest.InBubble(t, func(t *testing.T, streamed bool) {
				got, record := judgedBy(t.Context(), cascade.JudgeModel(test.judge(), ""), llmtest.Text("cheap"), streamed)
				if diff := cmp.Diff(test.record, outcomes(record)); diff != "" || got.Err != nil {
					t.Errorf("error %v; record (-want +got):\n%s", got.Err, diff)
				}
				if md := got.Metadata(); md.Reason != test.reason || md.Triggered != (test.reason != "") || md.Degraded != "" {
					t.Errorf("metadata %+v, want the reason %q", md, test.reason)
				}
			})
		})
	}
}

// The judge reads the conversation and the answer, within its bounds, and no thoughts.
func TestJudgeModelReadsTheConversation(t *testing.T) {
	grader := llmtest.NewModel("grader", llmtest.Text("1"))
	m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeModel(grader, "Is it polite?")}},
		llmtest.NewModel("flash", llmtest.Text("It is 7 degrees.")), llmtest.NewModel("pro", llmtest.Text("strong")))
	req := &model.LLMRequest{Contents: []*genai.Content{
		genai.NewContentFromText(strings.Repeat("long ago ", 10_000), genai.RoleUser),
		genai.NewContentFromText("How warm is it?", genai.RoleUser),
		{Role: genai.RoleModel, Parts: []*genai.Part{{Text: "a secret thought", Thought: true}, {FunctionCall: &genai.FunctionCall{Name: "weather"}}}},
		{Role: genai.RoleUser, Parts: []*genai.Part{{FunctionResponse: &genai.FunctionResponse{Name: "weather", Response: map[string]any{"celsius": 7}}}}},
	}}
	llmtest.Collect(m.GenerateContent(t.Context(), req, false))
	asked := grader.Requests()[0]
	text := llmtest.TextOf(asked.Contents[0])
	for _, want := range []string{"user: How warm is it?", `[weather returned {"celsius":7}]`, "<answer>\nIt is 7 degrees.\n</answer>", "long ago"} {
		if !strings.Contains(text, want) {
			t.Errorf("the judge does not read %q", want)
		}
	}
	if strings.Contains(text, "secret") || len(text) > 20<<10 || llmtest.TextOf(asked.Config.SystemInstruction) != "Is it polite?" {
		t.Errorf("the judge reads %d bytes, and as its instruction %q", len(text), llmtest.TextOf(asked.Config.SystemInstruction))
	}
}

// A judge reads the latest 16 KiB of the conversation, also of a message that is longer: a
// question may follow a document. It reads the first 16 KiB of the answer, and
// whole messages and words of them as far as possible.
func TestJudgeModelReadsABoundedText(t *testing.T) {
	const bound = 16 << 10
	said := func(text string) *genai.Content { return genai.NewContentFromText(text, genai.RoleUser) }
	long := func(mark string) string { return mark + strings.Repeat(" word", 2*bound/5) }
	for name, test := range map[string]struct {
		conversation []*genai.Content
		answer       string
		has, lacks   []string
	}{
		"short":                 {[]*genai.Content{said("one"), nil, {Role: genai.RoleModel, Parts: []*genai.Part{nil}}, said("two")}, "fine", []string{"user: one\nuser: two\n", "\nfine\n"}, []string{"…"}},
		"a long answer":         {[]*genai.Content{said("one")}, long("fine") + " end", []string{"user: one", "\nfine word"}, []string{" end"}},
		"a long last message":   {[]*genai.Content{said("one"), said(long("two") + " end")}, "fine", []string{"user: …word", " end\n", "\nfine\n"}, []string{"user: one", "two"}},
		"a long first message":  {[]*genai.Content{said(long("one")), said("two")}, "fine", []string{"user: …word", "user: two\n"}, []string{"one"}},
		"many messages":         {append(slices.Repeat([]*genai.Content{said("old")}, bound), said("new")), "fine", []string{"user: old\nuser: new\n"}, nil},
		"a message that fits":   {[]*genai.Content{said("one"), said(strings.Repeat("x", bound-len("user: \n")))}, "fine", []string{"user: xxx"}, []string{"user: one", "…"}},
		"a word without an end": {[]*genai.Content{said("é" + strings.Repeat("é", bound))}, strings.Repeat("é", bound), []string{"user: …éé", "éé…"}, []string{"\ufffd"}},
	} {
		t.Run(name, func(t *testing.T) {
			grader := llmtest.NewModel("grader", llmtest.Text("1"))
			m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeModel(grader, "")}}, llmtest.NewModel("flash", llmtest.Text(test.answer)), llmtest.NewModel("pro", llmtest.Text("strong")))
			if got := llmtest.Collect(m.GenerateContent(t.Context(), &model.LLMRequest{Contents: test.conversation}, false)); got.Err != nil {
				t.Fatal(got.Err)
			}
			text := llmtest.TextOf(grader.Requests()[0].Contents[0])
			conversation, answer, _ := strings.Cut(text, "</conversation>")
			if len(conversation) > bound+len("<conversation>\n")+1 || len(answer) > bound+len("\n\n<answer>\n\n</answer>") {
				t.Errorf("the judge reads %d bytes of the conversation and %d of the answer, want at most %d", len(conversation), len(answer), bound)
			}
			for _, want := range test.has {
				if !strings.Contains(text, want) {
					t.Errorf("the judge does not read %q", want)
				}
			}
			for _, other := range test.lacks {
				if strings.Contains(text, other) {
					t.Errorf("the judge reads %q", other)
				}
			}
		})
	}
}

package cascade_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/internal/llmtest"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/call"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/cascade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/degrade"
	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

var errBadKey = genai.APIError{Code: 400, Status: "INVALID_ARGUMENT", Message: "API key not valid. Please pass a valid API key."}

// askFor makes one call of m with the name of a model.
func askFor(ctx context.Context, m model.LLM, name string) llmtest.Seen {
	req := llmtest.UserSays("hi")
	req.Model = name
	return llmtest.Collect(m.GenerateContent(ctx, req, true))
}

// sure returns a judge with that confidence in any answer.
func sure(confidence float64) cascade.Judge {
	return cascade.JudgeFunc(func(context.Context, *model.LLMRequest, *model.LLMResponse) (float64, error) { return confidence, nil })
}

// never is a judge that must not be asked.
func never(t *testing.T) cascade.Judge {
	return cascade.JudgeFunc(func(context.Context, *model.LLMRequest, *model.LLMResponse) (float64, error) {
		t.Error("the judge is asked")
		return 0, nil
	})
}

// attempts lists a record as "model outcome: reason".
func attempts(all []call.Attempt) (list []string) {
	for _, a := range all {
		line := a.Model + " " + string(a.Outcome)
		if a.Reason != "" {
			line += ": " + a.Reason
		}
		list = append(list, line)
	}
	return list
}

// recorded is a config that also returns the record of the calls.
func recorded(config cascade.Config) (cascade.Config, *[]call.Attempt) {
	var record []call.Attempt
	config.OnAttempt = func(_ context.Context, a call.Attempt) { record = append(record, a) }
	return config, &record
}

func TestCascadeByConfidence(t *testing.T) {
	for name, test := range map[string]struct {
		config cascade.Config
		want   string
		reason string
	}{
		"sure":                   {cascade.Config{Judges: []cascade.Judge{sure(0.9)}}, "cheap[cheap]", ""},
		"at the threshold":       {cascade.Config{Judges: []cascade.Judge{sure(0.8)}}, "cheap[cheap]", ""},
		"below it":               {cascade.Config{Judges: []cascade.Judge{sure(0.42)}}, "cheap|strong[strong]", "judge: confidence 0.42 below 0.8"},
		"just below it":          {cascade.Config{Judges: []cascade.Judge{sure(0.79999)}}, "cheap|strong[strong]", "judge: confidence 0.799 below 0.8"},
		"another threshold":      {cascade.Config{Judges: []cascade.Judge{sure(0.42)}, Threshold: 0.4}, "cheap[cheap]", ""},
		"held back":              {cascade.Config{Judges: []cascade.Judge{sure(0.42)}, Hold: true}, "strong[strong]", "judge: confidence 0.42 below 0.8"},
		"held back and accepted": {cascade.Config{Judges: []cascade.Judge{sure(1)}, Hold: true}, "cheap[cheap]", ""},
		"one of two":             {cascade.Config{Judges: []cascade.Judge{sure(1), sure(0)}}, "cheap|strong[strong]", "judge: confidence 0 below 0.8"},
		"the first decides":      {cascade.Config{Judges: []cascade.Judge{sure(0.1), never(t)}}, "cheap|strong[strong]", "judge: confidence 0.1 below 0.8"},
	} {
		t.Run(name, func(t *testing.T) {
			config, record := recorded(test.config)
			cheap, strong := llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", llmtest.Text("strong"))
			got := llmtest.Ask(t.Context(), cascade.MustNew(config, cheap, strong), true)
			if got.Stream != test.want || got.Err != nil {
				t.Fatalf("the consumer saw %q (%v), want %q", got.Stream, got.Err, test.want)
			}
			md, want := got.Metadata(), []string{"flash ok"}
			if test.reason == "" {
				if diff := cmp.Diff(map[string]any{"model_name": "flash"}, got.Final.CustomMetadata); diff != "" {
					t.Errorf("metadata (-want +got):\n%s", diff)
				}
			} else {
				want = []string{"flash failed: " + test.reason, "pro ok"}
				if !md.Triggered || md.OriginalModel != "flash" || md.FallbackModel != "pro" || md.ModelName != "pro" || md.Attempt != 1 ||
					md.Reason != test.reason || md.ErrorCode != string(failure.KindRejected) || md.Degraded != "" {
					t.Errorf("metadata %+v, want a fallback because of %q", md, test.reason)
				}
				if diff := cmp.Diff(want, attempts(md.Attempts)); diff != "" {
					t.Errorf("attempts in the metadata (-want +got):\n%s", diff)
				}
			}
			if diff := cmp.Diff(want, attempts(*record)); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

// The strong model gets what the caller has asked, and the caller's request is unchanged.
func TestStrongModelGetsTheOriginalRequest(t *testing.T) {
	cheap, strong := llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", llmtest.Text("strong"))
	m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{cascade.JudgeStated(cascade.AskConfidence), cascade.JudgeLogProbs(true)}}, cheap, strong)
	req := llmtest.UserSays("hi")
	req.Config = &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText("Be brief.", genai.RoleUser)}
	llmtest.Collect(m.GenerateContent(t.Context(), req, true))
	got := strong.Requests()[0]
	want := llmtest.UserSays("hi")
	want.Model = "pro"
	want.Config = &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText("Be brief.", genai.RoleUser)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request to the strong model (-want +got):\n%s", diff)
	}
	if parts := cheap.Requests()[0].Config.SystemInstruction.Parts; len(parts) != 2 || parts[1].Text != cascade.AskConfidence {
		t.Errorf("instruction to the cheap model %v, want the question for a confidence added", parts)
	}
	if len(req.Config.SystemInstruction.Parts) != 1 || req.Config.ResponseLogprobs {
		t.Error("the caller's request has changed")
	}
}

// A cheap model that fails is replaced without a judge.
func TestCascadeWithAFailedModel(t *testing.T) {
	rejecting := cascade.Config{Judges: []cascade.Judge{sure(0.1)}}
	badKey := llmtest.Fail(errBadKey)
	for name, test := range map[string]struct {
		cheap, strong llmtest.Step
		want          string
		record        []string
		degraded      string
		err           string
	}{
		"cheap fails":            {llmtest.Fail(llmtest.ErrQuota), llmtest.Text("strong"), "strong[strong]", []string{"flash failed", "pro ok"}, "", ""},
		"cheap fails in between": {llmtest.Fail(llmtest.ErrUnavailable, "half "), llmtest.Text("strong"), "half |strong[strong]", []string{"flash failed", "pro ok"}, "", ""},
		"cheap has a bad key":    {badKey, llmtest.Text("strong"), "", []string{"flash failed"}, "", errBadKey.Message},
		"both fail":              {llmtest.Fail(llmtest.ErrQuota), llmtest.Fail(llmtest.ErrUnavailable), "", []string{"flash failed", "pro failed"}, "", llmtest.ErrQuota.Message},
		"strong fails":           {llmtest.Text("cheap"), llmtest.Fail(llmtest.ErrUnavailable), "cheap|[cheap]", []string{"flash failed", "pro failed"}, "flash", ""},
		"strong fails halfway":   {llmtest.Text("cheap"), llmtest.Fail(llmtest.ErrUnavailable, "half "), "cheap|half |[cheap]", []string{"flash failed", "pro failed"}, "flash", ""},
		"strong has a bad key":   {llmtest.Text("cheap"), badKey, "cheap", []string{"flash failed", "pro failed"}, "", errBadKey.Message},
	} {
		t.Run(name, func(t *testing.T) {
			config, record := recorded(rejecting)
			m := cascade.MustNew(config, llmtest.NewModel("flash", test.cheap), llmtest.NewModel("pro", test.strong))
			got := llmtest.Ask(t.Context(), m, true)
			if got.Stream != test.want || (got.Err != nil) != (test.err != "") || got.Err != nil && !strings.Contains(got.Err.Error(), test.err) {
				t.Fatalf("the consumer saw %q (%v), want %q (%s)", got.Stream, got.Err, test.want, test.err)
			}
			if got.Final != nil && got.Metadata().Degraded != test.degraded {
				t.Errorf("degraded %q, want %q", got.Metadata().Degraded, test.degraded)
			}
			var outcomes []string
			for _, a := range *record {
				outcomes = append(outcomes, a.Model+" "+string(a.Outcome))
			}
			if diff := cmp.Diff(test.record, outcomes); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

// B59: an answer that calls functions is not judged, and so never called a second time.
// The answer to the results is judged.
func TestCascadeInAToolLoop(t *testing.T) {
	for _, streamed := range []bool{false, true} {
		cheap := llmtest.NewModel("flash", llmtest.Call("1", "refund", "", nil), llmtest.Text("cheap"))
		strong := llmtest.NewModel("pro", llmtest.Call("2", "lookup", "", nil), llmtest.Text("strong"))
		m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{sure(0.1)}}, cheap, strong)
		ctx := llmtest.InTurn(t.Context(), "turn")
		contents := []*genai.Content{genai.NewContentFromText("refund me", genai.RoleUser)}
		var tools, models []string
		for range 5 {
			got := llmtest.Collect(m.GenerateContent(ctx, &model.LLMRequest{Model: m.Name(), Contents: contents}, streamed))
			if got.Err != nil {
				t.Fatal(got.Err)
			}
			models = append(models, got.Metadata().ModelName)
			contents = append(contents, got.Final.Content)
			called := got.Final.Content.Parts[0].FunctionCall
			if called == nil {
				break
			}
			tools = append(tools, called.Name)
			contents = append(contents, &genai.Content{Role: genai.RoleUser, Parts: []*genai.Part{
				{FunctionResponse: &genai.FunctionResponse{ID: called.ID, Name: called.Name, Response: map[string]any{"ok": true}}},
			}})
		}
		if diff := cmp.Diff([]string{"refund", "lookup"}, tools); diff != "" {
			t.Errorf("tools that ran (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"flash", "pro", "pro"}, models); diff != "" {
			t.Errorf("models that answered (-want +got):\n%s", diff)
		}
	}
}

// B113: a turn that has left the cheap model stays with the strong one, and says why.
func TestTurnStaysWithTheStrongModel(t *testing.T) {
	cheap, strong := llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", llmtest.Text("strong"))
	m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{sure(0.42)}}, cheap, strong)
	ctx := llmtest.InTurn(t.Context(), "t1")
	first, second := llmtest.Ask(ctx, m, false).Metadata(), llmtest.Ask(ctx, m, false).Metadata()
	if second.Reason != "judge: confidence 0.42 below 0.8" || second.Attempt != first.Attempt || second.ErrorCode != first.ErrorCode || second.OriginalModel != "flash" {
		t.Errorf("metadata %+v, want the cause of the first call: %+v", second, first)
	}
	if n := len(cheap.Requests()); n != 1 {
		t.Errorf("the cheap model is called %d times in the turn, want once", n)
	}
	if next := llmtest.Ask(llmtest.InTurn(t.Context(), "t2"), m, false); next.Metadata().OriginalModel != "flash" || len(cheap.Requests()) != 2 {
		t.Errorf("the next turn has metadata %+v, want it to begin with the cheap model", next.Metadata())
	}
}

// B87: a verdict may send the call to another model than the strong one.
func TestCascadeDegrades(t *testing.T) {
	template := degrade.Template("Please ask a person.")
	risky := func(confidence float64, models ...model.LLM) cascade.Judge {
		j := sure(confidence)
		for i, m := range models {
			j = j.DegradeBelow(0.3/float64(i+1), m)
		}
		return j
	}
	for name, test := range map[string]struct {
		judge    cascade.Judge
		want     string
		degraded string
		reason   string
	}{
		"accepted":      {risky(0.9, template), "cheap[cheap]", "", ""},
		"unsure":        {risky(0.5, template), "cheap|strong[strong]", "", "judge: confidence 0.5 below 0.8"},
		"risky":         {risky(0.2, template), "cheap|Please ask a person.[Please ask a person.]", "template-response", "judge: confidence 0.2 below 0.3"},
		"another model": {risky(0.2, llmtest.NewModel("rag", llmtest.Text("from documents"))), "cheap|from documents[from documents]", "rag", "judge: confidence 0.2 below 0.3"},
		"the lowest limit": {risky(0.1, llmtest.NewModel("rag", llmtest.Text("from documents")), template), "cheap|Please ask a person.[Please ask a person.]", "template-response",
			"judge: confidence 0.1 below 0.15"},
		"the other model fails": {risky(0.2, llmtest.NewModel("rag", llmtest.Fail(llmtest.ErrInternal))), "cheap|strong[strong]", "", ""},
		"a judge without a number": {cascade.JudgeFunc(func(context.Context, *model.LLMRequest, *model.LLMResponse) (float64, error) {
			return 0, errors.New("down")
		}).DegradeBelow(0.3, template), "cheap|strong[strong]", "", "judge: it failed"},
	} {
		t.Run(name, func(t *testing.T) {
			m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{test.judge}}, llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", llmtest.Text("strong")))
			got := llmtest.Ask(t.Context(), m, true)
			md := got.Metadata()
			if got.Stream != test.want || md.Degraded != test.degraded {
				t.Fatalf("the consumer saw %q (%v) with metadata %+v, want %q, degraded %q", got.Stream, got.Err, md, test.want, test.degraded)
			}
			if test.reason != "" && md.Reason != test.reason {
				t.Errorf("reason %q, want %q", md.Reason, test.reason)
			}
		})
	}
}

// B112: the empty answer that ends a tool loop is accepted.
func TestCascadeEndsAToolLoopWithNothing(t *testing.T) {
	for name, judge := range map[string]cascade.Judge{"log-probabilities": cascade.JudgeLogProbs(true), "stated": cascade.JudgeStated(cascade.AskConfidence)} {
		strong := llmtest.NewModel("pro", llmtest.Text("strong"))
		m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{judge}}, llmtest.NewModel("flash", llmtest.Mute(genai.FinishReasonStop)), strong)
		if got := llmtest.Collect(m.GenerateContent(t.Context(), llmtest.ToolsHaveRun(), true)); got.Err != nil || got.Stream != "[]" || len(strong.Requests()) > 0 {
			t.Errorf("%s: the consumer saw %q (%v), want the end of the turn", name, got.Stream, got.Err)
		}
	}
}

// B125: the hooks hear of each attempt, and of a fallback once.
func TestHooksOfACascade(t *testing.T) {
	for name, test := range map[string]struct {
		confidence float64
		strong     llmtest.Step
		want       []string
	}{
		"accepted": {1, llmtest.Text("strong"), nil},
		"rejected": {0.1, llmtest.Text("strong"), []string{"flash -> pro: judge: confidence 0.1 below 0.8"}},
		"stands":   {0.1, llmtest.Fail(llmtest.ErrQuota), nil},
	} {
		var heard []string
		m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{sure(test.confidence)}, Hooks: call.Hooks{OnFallback: func(_ context.Context, md call.Metadata) {
			heard = append(heard, md.OriginalModel+" -> "+md.FallbackModel+": "+md.Reason)
		}}}, llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", test.strong))
		llmtest.Ask(t.Context(), m, true)
		if diff := cmp.Diff(test.want, heard); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A request that names the strong model goes to it.
func TestCascadeHonoursTheModelOfTheRequest(t *testing.T) {
	m := cascade.MustNew(cascade.Config{Judges: []cascade.Judge{sure(0)}}, llmtest.NewModel("flash", llmtest.Text("cheap")), llmtest.NewModel("pro", llmtest.Text("strong")))
	for name, want := range map[string]string{"flash": "cheap|strong[strong]", "pro": "strong[strong]"} {
		got := askFor(t.Context(), m, name)
		if got.Stream != want || got.Metadata().OriginalModel == "flash" != (name == "flash") {
			t.Errorf("for %s the consumer saw %q with %+v, want %q", name, got.Stream, got.Metadata(), want)
		}
	}
}

func ExampleNew() {
	flash := llmtest.NewModel("flash", llmtest.Text("Paris.\nCONFIDENCE: 0.97"), llmtest.Text("Perhaps 12.\nCONFIDENCE: 0.31"))
	pro := llmtest.NewModel("pro", llmtest.Text("It is 14."))

	m, err := cascade.New(cascade.Config{Judges: []cascade.Judge{cascade.JudgeStated(cascade.AskConfidence)}}, flash, pro)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, question := range []string{"What is the capital of France?", "How many primes are below 45?"} {
		for resp, err := range m.GenerateContent(context.Background(), llmtest.UserSays(question), false) {
			if err != nil {
				fmt.Println(err)
				return
			}
			md, _ := call.ReadResponse(resp)
			fmt.Printf("%s (%s; %s)\n", resp.Content.Parts[0].Text, md.ModelName, md.Reason)
		}
	}
	// Output:
	// Paris. (flash; )
	// It is 14. (pro; judge: confidence 0.31 below 0.8)
}

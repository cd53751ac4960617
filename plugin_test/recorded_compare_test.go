package plugin_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// compare returns in what the answer differs from what the recording holds.
func (r *recording) compare(a recordedAnswer) []string {
	problems := a.problems
	report := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if r.Streamed {
		if diff := cmp.Diff(r.Expected.Text, a.text); diff != "" {
			report("text of the partial responses (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(r.Expected.Thoughts, a.thoughts); diff != "" {
			report("thoughts of the partial responses (-want +got):\n%s", diff)
		}
	}
	err := a.err
	if r.wantError() && err == nil && len(a.finals) == 1 {
		if v, bad := failure.ClassifyResponse(a.finals[0], failure.Expect{}); bad { // a final response may tell of an error
			err = v.Err()
		}
	}
	switch wantError := r.wantError(); {
	case wantError && err == nil:
		report("no error, but an answer: %s", short(a.finals))
	case wantError:
		problems = append(problems, r.compareError(err)...)
	case a.err != nil:
		report("error: %v", a.err)
	case len(a.finals) != 1:
		report("%d final responses, want 1", len(a.finals))
	default:
		problems = append(problems, r.compareFinal(a.finals[0])...)
	}
	return problems
}

// wantError reports whether no answer may come of the recording: it holds an
// error, or a stream that its server did not end.
func (r *recording) wantError() bool {
	if r.Expected.Finish == nil {
		return r.Streamed && !r.Extra.Done
	}
	return r.finish() == "error"
}

// finish returns how the answer ended; "" if the server did not say.
func (r *recording) finish() string {
	if r.Expected.Finish == nil {
		return ""
	}
	return *r.Expected.Finish
}

func (r *recording) compareFinal(final *model.LLMResponse) (problems []string) {
	report := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	text, thoughts, calls := readParts(final)
	blocked := r.blocked()
	// What was shown of a blocked answer may be taken back.
	if text != r.Expected.Text && !(blocked && text == "") {
		report("text (-want +got):\n%s", cmp.Diff(r.Expected.Text, text))
	}
	if thoughts != r.Expected.Thoughts && !(blocked && thoughts == "") {
		report("thoughts (-want +got):\n%s", cmp.Diff(r.Expected.Thoughts, thoughts))
	}
	if !(blocked && calls == nil) {
		problems = append(problems, r.compareCalls(calls)...)
	}
	problems = append(problems, r.compareFinish(final)...)
	return append(problems, r.compareUsage(final.UsageMetadata)...)
}

// compareCalls compares function calls. Those whose arguments are cut off must
// not be among them; an id that the server did not send may be anything.
func (r *recording) compareCalls(got []recordedCall) (problems []string) {
	var want []recordedCall
	for _, call := range r.Expected.ToolCalls {
		if _, invalid := call.Arguments[invalidArguments]; !invalid {
			want = append(want, call)
		}
	}
	got = slices.Clone(got)
	if n := len(want) - 1; r.finish() == "length" && len(got) == n && len(want[n].Arguments) == 0 {
		want = want[:n] // what its arguments would have been is not known
	}
	if got == nil && r.hasInvalidCall() {
		return nil // beside a call that is malformed no other may be run
	}
	for i := range got {
		if i < len(want) && want[i].ID == "" {
			got[i].ID = ""
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		problems = append(problems, "function calls (-want +got):\n"+diff)
	}
	return problems
}

// blocked reports whether the provider or the model refused the answer.
func (r *recording) blocked() bool {
	return r.Expected.Refusal != "" || r.finish() == "content_filter"
}

func (r *recording) compareFinish(final *model.LLMResponse) (problems []string) {
	report := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	want := genai.FinishReasonStop
	switch {
	case r.blocked():
		if v, _ := failure.ClassifyResponse(final, failure.Expect{}); v.Kind != failure.KindContent {
			report("the refusal with finish reason %s and error code %q is judged %s/%s, want %s", final.FinishReason, final.ErrorCode, v.Action, v.Kind, failure.KindContent)
		}
		if final.ErrorCode == "" || r.Expected.Refusal != "" && final.ErrorMessage != r.Expected.Refusal {
			report("error code %q and message %q, want a code and %q", final.ErrorCode, final.ErrorMessage, r.Expected.Refusal)
		}
		return problems
	case r.finish() == "length":
		want = genai.FinishReasonMaxTokens
	case r.hasInvalidCall():
		want = genai.FinishReasonMalformedFunctionCall
	}
	if final.FinishReason != want {
		report("finish reason %s (%s: %s), want %s", final.FinishReason, final.ErrorCode, final.ErrorMessage, want)
	}
	if !final.TurnComplete {
		report("the turn is not complete")
	}
	return problems
}

func (r *recording) hasInvalidCall() bool {
	return slices.ContainsFunc(r.Expected.ToolCalls, func(call recordedCall) bool { return call.Arguments[invalidArguments] != nil })
}

func (r *recording) compareUsage(got *genai.GenerateContentResponseUsageMetadata) (problems []string) {
	want := r.Expected.Usage
	if want == nil || got == nil {
		if want != nil || got != nil {
			return []string{fmt.Sprintf("usage %s, want %s", short(got), short(want))}
		}
		return nil
	}
	all := recordedUsage{
		Input:  got.PromptTokenCount + got.ToolUsePromptTokenCount,
		Output: got.CandidatesTokenCount + got.ThoughtsTokenCount,
		Cached: got.CachedContentTokenCount, Reasoning: got.ThoughtsTokenCount,
	}
	// xAI leaves reasoning outside the output that it tells. Its total shows that.
	outside := *want
	outside.Output += outside.Reasoning
	if all != *want && !(all == outside && r.Extra.Usage.TotalTokens == outside.Input+outside.Output) {
		problems = append(problems, fmt.Sprintf("usage %+v, want %+v", all, *want))
	}
	return problems
}

// compareError compares the verdict on err with what the server said.
func (r *recording) compareError(err error) []string {
	v := failure.Classify(err)
	if r.Expected.Finish == nil {
		if v.Kind != failure.KindTruncated && v.Kind != failure.KindEmpty {
			return []string{fmt.Sprintf("a stream without an end is judged %s/%s: %v", v.Action, v.Kind, err)}
		}
		return nil
	}
	if len(r.Expected.Error) == 0 && r.HTTPStatus < 400 {
		return nil // the server has not said more than that
	}
	status, words := r.errorWords()
	for _, rule := range errorRules {
		if rule.status != 0 && rule.status != status || !rule.words.MatchString(words) {
			continue
		}
		if !slices.Contains(rule.actions, v.Action) || !slices.Contains(rule.kinds, v.Kind) {
			return []string{fmt.Sprintf("the error is judged %s/%s, want one of %v/%v: %v", v.Action, v.Kind, rule.actions, rule.kinds, err)}
		}
		return nil
	}
	return []string{"no rule fits the error: " + words}
}

// errorWords returns the status of an error, 0 if none is told, and what the
// server says in lower case.
func (r *recording) errorWords() (status int, words string) {
	words = strings.ToLower(string(r.Expected.Error))
	if r.HTTPStatus >= 400 {
		return r.HTTPStatus, words
	}
	var fields struct{ Type, Code any }
	_ = json.Unmarshal(r.Expected.Error, &fields)
	for _, field := range []any{fields.Code, fields.Type} {
		if n, err := strconv.Atoi(fmt.Sprint(field)); err == nil && n >= 400 && n < 600 {
			status = n
		}
	}
	return status, words
}

// errorRules say which verdicts fit an error. The first rule that fits it counts.
var errorRules = []struct {
	words   *regexp.Regexp
	status  int // 0: any
	actions []failure.Action
	kinds   []failure.Kind
}{
	{regexp.MustCompile(`content_filter|content_policy|content management policy|safety`), 0, onOther, []failure.Kind{failure.KindContent}},
	{regexp.MustCompile(`context.?length|context window|too long|maximum number of tokens|maximum context`), 0, onFallback, []failure.Kind{failure.KindContextLength}},
	{regexp.MustCompile(`credit balance|insufficient.?(balance|quota|credit)|payment required`), 0, onFallback, []failure.Kind{failure.KindBilling, failure.KindQuota}},
	{regexp.MustCompile(`tool_use_failed|malformed`), 0, onAgain, []failure.Kind{failure.KindMalformed}},
	{regexp.MustCompile(``), 401, onOther, []failure.Kind{failure.KindAuth}},
	{regexp.MustCompile(``), 402, onFallback, []failure.Kind{failure.KindBilling}},
	{regexp.MustCompile(``), 403, onOther, []failure.Kind{failure.KindAuth, failure.KindBilling, failure.KindContent, failure.KindLocation, failure.KindModel}},
	{regexp.MustCompile(`location|country|region`), 400, onFallback, []failure.Kind{failure.KindLocation}},
	{regexp.MustCompile(`model|deployment|endpoints`), 404, onFallback, []failure.Kind{failure.KindModel}},
	{regexp.MustCompile(``), 404, onOther, []failure.Kind{failure.KindModel, failure.KindInvalid}},
	{regexp.MustCompile(``), 413, onAgain, []failure.Kind{failure.KindTooLarge, failure.KindContextLength, failure.KindRateLimit}},
	{regexp.MustCompile(`model.*(not found|does not exist|not exist|not supported)|(unknown|invalid) model|model_not_found`), 0, onFallback, []failure.Kind{failure.KindModel}},
	{regexp.MustCompile(``), 429, onAgain, []failure.Kind{
		failure.KindRateLimit, failure.KindQuota, failure.KindZeroQuota, failure.KindBilling, failure.KindCapacity, failure.KindOverloaded, failure.KindTooLarge,
	}},
	{regexp.MustCompile(`api.?key`), 400, onOther, []failure.Kind{failure.KindAuth}},
	{regexp.MustCompile(`overloaded|unavailable|capacity`), 0, onAgain, []failure.Kind{failure.KindOverloaded, failure.KindCapacity}},
	{regexp.MustCompile(`rate.?limit|quota|resource_exhausted|billing`), 0, onAgain, []failure.Kind{
		failure.KindRateLimit, failure.KindQuota, failure.KindZeroQuota, failure.KindBilling, failure.KindCapacity,
	}},
	{regexp.MustCompile(`invalid_request|invalid_argument|bad.?request|unprocessable|validation|"(type|code)":"?(400|422)`), 0,
		onOther, []failure.Kind{failure.KindInvalid, failure.KindUnsupported, failure.KindContent, failure.KindModel}},
	{regexp.MustCompile(``), 400, onOther, []failure.Kind{failure.KindInvalid, failure.KindUnsupported, failure.KindModel}},
	{regexp.MustCompile(``), 422, onOther, []failure.Kind{failure.KindInvalid, failure.KindUnsupported}},
	{regexp.MustCompile(`time.?out|timed out|deadline`), 0, onAgain, []failure.Kind{failure.KindTimeout, failure.KindServer}},
	// Faults of the server, and what tells no more than that it failed.
	{regexp.MustCompile(``), 0, onAgain, []failure.Kind{
		failure.KindServer, failure.KindOverloaded, failure.KindCapacity, failure.KindTimeout, failure.KindNetwork, failure.KindUnknown,
	}},
}

var (
	onFallback = []failure.Action{failure.Fallback}
	onOther    = []failure.Action{failure.Fallback, failure.Fail} // never the same request at the same model
	onAgain    = []failure.Action{failure.Retry, failure.Fallback}
)

func short(v any) string {
	data, _ := json.Marshal(v)
	return string(data[:min(len(data), 300)])
}

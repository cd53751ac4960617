package failure_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

var overloaded = genai.APIError{Code: 503, Message: "The model is overloaded.", Status: "UNAVAILABLE"}

// B20
func TestAPIErrorIsFoundWhereverItIs(t *testing.T) {
	overloaded := overloaded
	overloaded.Details = []map[string]any{{"retryDelay": "26s"}} // the text of the error does not give this away
	deep := error(overloaded)
	for i := range 10 {
		deep = fmt.Errorf("layer %d: %w", i, deep)
	}
	for name, err := range map[string]error{
		"value":           overloaded,
		"pointer":         &overloaded,
		"wrapped":         fmt.Errorf("failed to call model: %w", overloaded),
		"wrapped deep":    deep,
		"wrapped pointer": fmt.Errorf("failed to call model: %w", &overloaded),
		"joined":          errors.Join(errors.New("closing the stream failed"), overloaded),
		"joined, wrapped": fmt.Errorf("%w: %w", errors.New("attempt 1"), fmt.Errorf("x: %w", &overloaded)),
	} {
		t.Run(name, func(t *testing.T) {
			v := failure.Classify(err)
			if v.Action != failure.Retry || v.Kind != failure.KindOverloaded || v.HTTPStatus != 503 || v.Code != "UNAVAILABLE" || v.RetryAfter != 26*time.Second {
				t.Errorf("Classify = %+v, want a retry of an overloaded 503 UNAVAILABLE after 26s", v)
			}
		})
	}
}

// B20
func TestFirstOfJoinedErrorsDecides(t *testing.T) {
	denied := genai.APIError{Code: 401, Status: "UNAUTHENTICATED"}
	if v := failure.Classify(errors.Join(denied, overloaded)); v.Action != failure.Fail {
		t.Errorf("Classify = %v, want the first error's fail", v.Action)
	}
	if v := failure.Classify(errors.Join(overloaded, denied)); v.Action != failure.Retry {
		t.Errorf("Classify = %v, want the first error's retry", v.Action)
	}
}

// B21
func TestStatusIsTakenFromCodesWhenTheNumberIsMissing(t *testing.T) {
	tests := map[string]struct {
		err        genai.APIError
		wantStatus int
		wantKind   failure.Kind
	}{
		"grpc status":    {genai.APIError{Status: "RESOURCE_EXHAUSTED"}, 429, failure.KindRateLimit},
		"unavailable":    {genai.APIError{Status: "UNAVAILABLE", Message: "try again"}, 503, failure.KindOverloaded},
		"anthropic type": {genai.APIError{Message: `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`}, 529, failure.KindOverloaded},
		"anthropic word": {genai.APIError{Message: "overloaded_error: Overloaded"}, 529, failure.KindOverloaded},
		"openai type":    {genai.APIError{Message: `{"error":{"type":"insufficient_quota","code":null}}`}, 429, failure.KindBilling},
		"openai code":    {genai.APIError{Message: "rate_limit_exceeded"}, 429, failure.KindRateLimit},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := failure.Classify(tt.err)
			if v.HTTPStatus != tt.wantStatus || v.Kind != tt.wantKind {
				t.Errorf("Classify = status %d, kind %s; want %d, %s", v.HTTPStatus, v.Kind, tt.wantStatus, tt.wantKind)
			}
		})
	}
}

// B22
func TestNumberInProseIsNotAStatus(t *testing.T) {
	for _, text := range []string{
		"limit is 500 tokens", "the answer took 503 ms", "used 429 of 430 requests", "gpt-4-503 said no", "line 404: unexpected thing", "costs 5.02 or 500.50 dollars",
	} {
		if v := failure.Classify(errors.New(text)); v.HTTPStatus != 0 {
			t.Errorf("Classify(%q) found status %d", text, v.HTTPStatus)
		}
	}
	for text, want := range map[string]int{
		"Error code: 429 - slow": 429, "unexpected status code 503": 503, "HTTP 502": 502, "429 Too Many Requests": 429, "got status: 404": 404,
		"Request failed with status code 500": 500, "API error (401)": 401,
	} {
		if v := failure.Classify(errors.New(text)); v.HTTPStatus != want {
			t.Errorf("Classify(%q) found status %d, want %d", text, v.HTTPStatus, want)
		}
	}
}

// B39
func TestCallersCancellationIsItsOwn(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel2 := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel2()
	for name, ctx := range map[string]context.Context{"cancelled": cancelled, "deadline passed": late} {
		for _, err := range []error{ctx.Err(), overloaded, &failure.TimeoutError{Phase: "idle"}, io(context.DeadlineExceeded)} {
			v := failure.Classifier{}.Classify(ctx, err)
			if v.Action != failure.Fail || v.Kind != failure.KindCanceled || v.Reason != "caller" {
				t.Errorf("%s: Classify(%v) = %+v, want the caller's fail", name, err, v)
			}
		}
	}
	if v := failure.Classify(io(context.Canceled)); v.Action != failure.Fail || v.Kind != failure.KindCanceled {
		t.Errorf("Classify(context.Canceled) = %+v, want fail", v)
	}
}

// B39
func TestAttemptsOwnDeadlineFallsBack(t *testing.T) {
	alive, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, err := range []error{
		io(context.DeadlineExceeded),
		io(context.Canceled), // the attempt was cancelled while the caller is still there
		fmt.Errorf("attempt: %w", &failure.TimeoutError{Phase: "first content", Limit: time.Second}),
	} {
		if v := (failure.Classifier{}).Classify(alive, err); v.Action != failure.Fallback || v.Kind != failure.KindTimeout {
			t.Errorf("Classify(%v) = %+v, want a fallback of a timeout", err, v)
		}
	}
}

// B39
func TestCancellationByTheServerIsRetried(t *testing.T) {
	if v := failure.Classify(genai.APIError{Code: 499, Status: "CANCELLED"}); v.Action != failure.Retry {
		t.Errorf("Classify(499) = %+v, want retry", v)
	}
}

func io(err error) error { return fmt.Errorf("doRequest: error sending request: %w", err) }

// B40
func TestMessageIsRedactedAndBounded(t *testing.T) {
	secret := "AIzaSyA1234567890abcdefghijklmnopqrstuv"
	for _, err := range []error{
		genai.APIError{Code: 403, Message: "Consumer 'api_key:" + secret + "' has been suspended. " + strings.Repeat("long ", 100)},
		fmt.Errorf("Post \"https://h/v1?key=%s\": context deadline exceeded", secret),
		genai.APIError{Code: 400, Message: `{"code":"` + secret + `","message":"no"}`},
		(&failure.Verdict{Action: failure.Fail, Message: "key " + secret}).Err(),
	} {
		v := failure.Classify(err)
		if s := fmt.Sprintf("%+v", v); strings.Contains(s, "AIza") {
			t.Errorf("Classify(%v) tells the key: %s", err, s)
		}
		if len(v.Message) > failure.MaxMessage {
			t.Errorf("Classify: message of %d bytes, allowed are %d", len(v.Message), failure.MaxMessage)
		}
	}
	mail := genai.APIError{Code: 400, Message: "jo@example.com in projects/my-project-1 with Bearer abcDEF123456 is wrong"}
	if got, want := failure.Classify(mail).Message, "[redacted] in projects/[redacted] with Bearer [redacted] is wrong"; got != want {
		t.Errorf("Classify: message %q, want %q", got, want)
	}
}

type localRefusal struct{ v failure.Verdict }

func (localRefusal) Error() string              { return "limiter: full" }
func (e localRefusal) Verdict() failure.Verdict { return e.v }

func TestErrorDecidesForItself(t *testing.T) {
	want := failure.Verdict{Action: failure.Fallback, Kind: failure.KindRateLimit, Scope: failure.ScopeModel, Cooldown: time.Minute, Message: "full", Reason: "local limit"}
	if got := failure.Classify(fmt.Errorf("attempt: %w", localRefusal{want})); got != want {
		t.Errorf("Classify = %+v, want %+v", got, want)
	}
}

func TestOwnVerdictIsBounded(t *testing.T) {
	got := failure.Classify(localRefusal{failure.Verdict{Action: failure.Retry, RetryAfter: time.Hour, Cooldown: -time.Second}})
	if got.RetryAfter != failure.MaxRetryAfter || got.Cooldown != 0 {
		t.Errorf("Classify = retry after %v, cooldown %v; want them in their bounds", got.RetryAfter, got.Cooldown)
	}
}

func TestSentinels(t *testing.T) {
	for err, kind := range map[error]failure.Kind{failure.ErrTruncated: failure.KindTruncated, failure.ErrEmpty: failure.KindEmpty} {
		wrapped := fmt.Errorf("attempt: %w", err)
		if v := failure.Classify(wrapped); v.Action != failure.Retry || v.Kind != kind {
			t.Errorf("Classify(%v) = %+v, want a retry of %s", err, v, kind)
		}
	}
	timeout := error(&failure.TimeoutError{Phase: "idle", Limit: time.Second})
	if !errors.Is(timeout, context.DeadlineExceeded) {
		t.Error("a TimeoutError is not a context.DeadlineExceeded")
	}
}

func TestNilErrorIsNoFailure(t *testing.T) {
	if v := failure.Classify(nil); v != (failure.Verdict{}) {
		t.Errorf("Classify(nil) = %+v, want the zero Verdict", v)
	}
}

func TestMatches(t *testing.T) {
	v := failure.Classify(genai.APIError{Code: 429, Message: `{"error":{"code":"rate_limit_exceeded"}}`})
	for _, code := range []string{"429", "RESOURCE_EXHAUSTED", "resource_exhausted", "Rate_Limit_Exceeded"} {
		if !v.Matches(code) {
			t.Errorf("%+v does not match %q", v, code)
		}
	}
	for _, code := range []string{"", "42", "504", "UNAVAILABLE", "0"} {
		if v.Matches(code) {
			t.Errorf("%+v matches %q", v, code)
		}
	}
	if failure.Classify(errors.New("boom")).Matches("0") {
		t.Error("an error without a status matches \"0\"")
	}
}

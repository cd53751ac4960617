package failure_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/failure"
)

// geminiAt returns a Gemini client whose transport is captured.
func geminiAt(t *testing.T, url string) *genai.Client {
	t.Helper()
	c, err := genai.NewClient(t.Context(), &genai.ClientConfig{
		APIKey: "test", Backend: genai.BackendGeminiAPI,
		HTTPClient:  &http.Client{Transport: failure.Capture(nil)},
		HTTPOptions: genai.HTTPOptions{BaseURL: url},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// B35
func TestCaptureRecoversWhatTheSDKDropped(t *testing.T) {
	tests := map[string]struct {
		status int
		header http.Header
		body   string
		want   failure.Verdict
	}{
		"seconds":        {503, http.Header{"Retry-After": {"17"}}, `{"error":{"code":503,"status":"UNAVAILABLE"}}`, failure.Verdict{Action: failure.Retry, HTTPStatus: 503, RetryAfter: 17 * time.Second}},
		"milliseconds":   {429, http.Header{"Retry-After-Ms": {"2500"}}, `{"error":{"code":429}}`, failure.Verdict{Action: failure.Retry, HTTPStatus: 429, RetryAfter: 2500 * time.Millisecond}},
		"date":           {503, http.Header{"Retry-After": {noon.Add(90 * time.Second).Format(http.TimeFormat)}, "Date": {noon.Format(http.TimeFormat)}}, `{"error":{"code":503}}`, failure.Verdict{Action: failure.Retry, HTTPStatus: 503, RetryAfter: 90 * time.Second}},
		"long":           {429, http.Header{"Retry-After": {"3600"}}, `{"error":{"code":429}}`, failure.Verdict{Action: failure.Fallback, HTTPStatus: 429, Cooldown: time.Hour}},
		"dropped status": {401, nil, `{"error":{"message":"no"}}`, failure.Verdict{Action: failure.Fail, HTTPStatus: 401}},
		"dropped body":   {429, nil, `{"error":{"message":"slow"},"other":{"retryDelay":"9s"}}`, failure.Verdict{Action: failure.Retry, HTTPStatus: 429, RetryAfter: 9 * time.Second}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range tt.header {
					w.Header()[k] = v
				}
				w.WriteHeader(tt.status)
				fmt.Fprint(w, tt.body)
			})
			ctx := failure.WithCapture(t.Context())
			_, err := geminiAt(t, url).Models.GenerateContent(ctx, "m", genai.Text("hi"), nil)
			v := atNoon.Classify(ctx, fmt.Errorf("failed to call model: %w", err))
			got := failure.Verdict{Action: v.Action, HTTPStatus: v.HTTPStatus, RetryAfter: v.RetryAfter, Cooldown: v.Cooldown}
			if got != tt.want {
				t.Errorf("Classify(%v) = %+v, want %+v", err, got, tt.want)
			}
		})
	}
}

// B35
func TestCaptureOfAnotherStatusIsNotTrusted(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	ctx := failure.WithCapture(t.Context())
	get(t, ctx, url)
	v := atNoon.Classify(ctx, genai.APIError{Code: 500, Message: "of another call"})
	if v.HTTPStatus != 500 || v.Action != failure.Retry || v.Cooldown != 0 {
		t.Errorf("Classify = %+v, want the 500 alone", v)
	}
}

// B35
func TestCaptureForgetsTheExchangeBefore(t *testing.T) {
	var calls int
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls == 1 {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	ctx := failure.WithCapture(t.Context())
	get(t, ctx, url)
	get(t, ctx, url)
	if v := atNoon.Classify(ctx, errors.New("iterateResponseStream: invalid stream chunk: x")); v.HTTPStatus != 0 || v.Kind != failure.KindTruncated {
		t.Errorf("Classify = %+v, want the truncated stream alone", v)
	}
}

// B35
func TestCapturesOfConcurrentAttemptsAreApart(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", r.URL.Query().Get("s"))
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, strings.Repeat("x", 100<<10))
	})
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			ctx := failure.WithCapture(t.Context())
			get(t, ctx, fmt.Sprintf("%s?s=%d", url, i+1))
			if v := atNoon.Classify(ctx, genai.APIError{Code: 429}); v.RetryAfter != time.Duration(i+1)*time.Second {
				t.Errorf("attempt %d: retry after %v", i, v.RetryAfter)
			}
		})
	}
	wg.Wait()
}

func TestCaptureWithoutHolderChangesNothing(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	if got := get(t, t.Context(), url); got != http.StatusTeapot {
		t.Errorf("status %d, want 418", got)
	}
}

// get does one exchange through the transport and reads the whole body.
func get(t *testing.T, ctx context.Context, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Error(err)
		return 0
	}
	resp, err := (&http.Client{Transport: failure.Capture(nil)}).Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	if _, err := fmt.Fscanln(resp.Body); err != nil && resp.ContentLength > 0 && errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Error(err)
	}
	return resp.StatusCode
}

// An SDK keeps the text of an error and drops its headers. Capture keeps both.
func ExampleCapture() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "30")
		http.Error(w, "slow down", http.StatusTooManyRequests)
	}))
	defer server.Close()
	client := &http.Client{Transport: failure.Capture(nil)} // the HTTP client of an SDK

	ctx := failure.WithCapture(context.Background()) // one for each attempt
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, nil)
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	err = errors.New("request failed: 429 Too Many Requests") // as the SDK reports it

	fmt.Println("without:", failure.Classify(err).RetryAfter)
	fmt.Println("with:", failure.Classifier{}.Classify(ctx, err).RetryAfter)
	// Output:
	// without: 0s
	// with: 30s
}

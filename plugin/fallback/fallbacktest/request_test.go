package fallbacktest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genai"

	ft "github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

func TestRequestIsRecorded(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		srv.Script(flash, ft.Text("hi").After(3*time.Second))
		client, err := genai.NewClient(t.Context(), srv.ClientConfig())
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		for range 2 {
			_, err = client.Models.GenerateContent(t.Context(), flash, genai.Text("how are you"), &genai.GenerateContentConfig{
				SystemInstruction: genai.NewContentFromText("be brief", genai.RoleUser),
				Tools:             []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "weather"}}}},
			})
			if err != nil {
				t.Fatal(err)
			}
		}

		got := srv.RequestsFor(flash)[1]
		if !strings.Contains(string(got.Body), `"how are you"`) {
			t.Errorf("body = %s", got.Body)
		}
		got.Body, got.Header = nil, nil
		want := ft.Request{
			Model:    flash,
			Index:    1,
			Time:     begin.Add(3 * time.Second),
			Path:     "/v1beta/models/" + flash + ":generateContent",
			Contents: genai.Text("how are you"),
			System:   genai.NewContentFromText("be brief", genai.RoleUser),
			Tools:    []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "weather"}}}},
			Outcome:  ft.Completed,
			Ended:    begin.Add(6 * time.Second),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	})
}

func TestCredentialsAreNotRecorded(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		req, err := http.NewRequest(http.MethodPost, srv.URL+"/v1beta/models/m:generateContent?key=secret", strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"X-Goog-Api-Key", "Authorization", "Api-Key", "X-Api-Key", "Proxy-Authorization", "Cookie"} {
			req.Header.Add(key, "secret")
			req.Header.Add(key, "secret too")
		}
		req.Header.Set("X-Trace", "kept")
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()

		got := srv.Requests()[0]
		for key, values := range got.Header {
			if strings.Contains(strings.Join(values, " "), "secret") {
				t.Errorf("header %s = %q, want it redacted", key, values)
			}
		}
		if strings.Contains(got.Path, "secret") || got.Header.Get("X-Trace") != "kept" || got.Header.Get("Cookie") != "REDACTED" {
			t.Errorf("path = %q, header = %v", got.Path, got.Header)
		}
	})
}

func TestFuncAnswersWhatItIsAsked(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *ft.Server) {
		srv.Script(flash, ft.Func(func(r ft.Request) ft.Step {
			if f := r.FunctionResponse("weather"); f != nil {
				return ft.Text("It is " + f.Response["sky"].(string) + ".")
			}
			return ft.Func(func(r ft.Request) ft.Step { // asked in turn
				return ft.ToolCall("weather", map[string]any{"question": r.Text()})
			})
		}))

		question := genai.Text("how are you")
		first := askContents(t, srv.ClientConfig(), flash, question, true)
		if diff := cmp.Diff([]string{`weather{"question":"how are you"}`}, first.Calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		second := askContents(t, srv.ClientConfig(), flash, append(question,
			genai.NewContentFromFunctionCall("weather", nil, genai.RoleModel),
			genai.NewContentFromFunctionResponse("weather", map[string]any{"sky": "blue"}, genai.RoleUser)), true)
		if second.Text != "It is blue." {
			t.Errorf("answer = %q, want %q", second.Text, "It is blue.")
		}
	})
}

func TestFunctionResponseByName(t *testing.T) {
	r := ft.Request{Contents: []*genai.Content{genai.NewContentFromFunctionResponse("b", nil, genai.RoleUser)}}
	for name, want := range map[string]bool{"": true, "b": true, "a": false} {
		if got := r.FunctionResponse(name) != nil; got != want {
			t.Errorf("FunctionResponse(%q) found = %v, want %v", name, got, want)
		}
	}
	if (ft.Request{}).FunctionResponse("") != nil || (ft.Request{Contents: []*genai.Content{nil}}).Text() != "" {
		t.Error("a request without contents has a text or a function response")
	}
}

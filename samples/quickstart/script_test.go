package main

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/genai"

	"github.com/adk-fallback/adk-fallback/plugin/fallback/fallbacktest"
)

// ask sends one message to a model of a scripted server.
func ask(t *testing.T, model, message string) (*genai.GenerateContentResponse, error) {
	t.Helper()
	srv := fallbacktest.NewServer()
	t.Cleanup(srv.Close)
	script(srv.Provider)
	client, err := genai.NewClient(t.Context(), srv.ClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	return client.Models.GenerateContent(t.Context(), model, genai.Text(message), nil)
}

func TestWeatherQuestionsCallTheTool(t *testing.T) {
	for message, city := range map[string]string{
		"How is the weather in Berlin?":           "Berlin",
		"weather in oslo":                         "oslo",
		"What is the Weather in New York now?":    "New York",
		"The weather in Saint-Denis, please":      "Saint-Denis",
		"How is the weather?":                     "Berlin",
		"What is the weather in Rio De Janeiro\n": "Rio De Janeiro",
	} {
		t.Run(message, func(t *testing.T) {
			resp, err := ask(t, rootModel, message)
			if err != nil {
				t.Fatal(err)
			}
			calls := resp.FunctionCalls()
			if len(calls) != 1 || calls[0].Name != "weather" || calls[0].Args["city"] != city {
				t.Errorf("calls = %+v, want weather of %q", calls, city)
			}
		})
	}
}

func TestTheWordQuotaExhaustsTheRootOnly(t *testing.T) {
	const message = "Your QUOTA is gone. How is the weather in Oslo?"
	_, err := ask(t, rootModel, message)
	var apiErr genai.APIError
	if !errors.As(err, &apiErr) || apiErr.Code != 429 {
		t.Errorf("root: err = %v, want a 429", err)
	}
	if _, err := ask(t, fallbackModel, message); err != nil {
		t.Errorf("fallback: err = %v, want an answer", err)
	}
}

func TestOtherMessagesAreToldWhatToTry(t *testing.T) {
	resp, err := ask(t, rootModel, "hello")
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Text(); !strings.Contains(got, "weather") || !strings.Contains(got, "quota") {
		t.Errorf("answer = %q, want one that names the words to try", got)
	}
}
